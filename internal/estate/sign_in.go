package estate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"
)

// IdentityProviderID is 24 hexadecimal digits, 96 random bits.
type IdentityProviderID string

// NewIdentityProviderID makes a random id.
func NewIdentityProviderID() IdentityProviderID {
	return IdentityProviderID(hex.EncodeToString(randomBytes(12)))
}

// IdentityProvider is an outside authority that says who the people of a tenant are
// or, without a tenant, the accounts of an organization.
type IdentityProvider struct {
	ID             IdentityProviderID
	Organization   OrganizationID
	Tenant         TenantID
	Protocol       string // of api.ProtocolOIDC and api.ProtocolJWT
	Provider       string // its make, as the contract names it
	Interactive    bool   // people are sent to it; a tenant, or an organization, has one such at most
	Active         bool
	Description    string
	ClockTolerance time.Duration
	CreateUsers    bool // who is unknown becomes a user, or an account that owns nothing, by signing in
	AfterLogout    string
	Meta           json.RawMessage

	Options       IdentityProviderOptions // in force
	Pending       *IdentityProviderOptions
	PendingState  PendingState // of Pending, empty without it
	PendingResult json.RawMessage

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Scope is where p is.
func (p IdentityProvider) Scope() Scope {
	return Scope{Organization: p.Organization, Tenant: p.Tenant}
}

// AccountIdentity is by which subject of an identity provider of its organization an
// account is known.
type AccountIdentity struct {
	Organization OrganizationID
	Provider     IdentityProviderID
	Subject      string
	Account      AccountID
	CreatedAt    time.Time
	LastUsedAt   time.Time // to sign in; zero: never
}

// PendingState is how far options are that wait for a test.
//
//	pending --test--> verified --promote--> in force
//	   ^     --test--> error --test--> ...
//	   +-- every change of the options
type PendingState string

// The states.
const (
	PendingStatePending  PendingState = "pending"
	PendingStateVerified PendingState = "verified"
	PendingStateError    PendingState = "error"
)

// IdentityProviderOptions are how to talk to an identity provider. Which of them
// are set depends on the protocol.
type IdentityProviderOptions struct {
	Issuer string      `json:"issuer,omitempty"`
	Keys   []StaticKey `json:"keys,omitempty"`

	DiscoveryURL       string              `json:"discoveryUrl,omitempty"`
	Configuration      *OpenIDEndpoints    `json:"configuration,omitempty"` // instead of DiscoveryURL
	ClientID           string              `json:"clientId,omitempty"`
	SealedSecret       []byte              `json:"sealedSecret,omitempty"`
	Realm              string              `json:"realm,omitempty"` // stands before subjects
	Scope              string              `json:"scope,omitempty"`
	ClaimsMapping      map[string][]string `json:"claimsMapping,omitempty"` // JSON Pointers, of which the first that leads somewhere counts
	SignatureAlgorithm string              `json:"signatureAlgorithm,omitempty"`
	ClaimsFromIDToken  *bool               `json:"claimsFromIdToken,omitempty"` // nil: as the provider is by default
	EmailVerified      *bool               `json:"emailVerified,omitempty"`     // whatever the claims say; nil: not said
	BlockOfflineAccess bool                `json:"blockOfflineAccess,omitempty"`
}

// StaticKey is a public key, or a certificate of it, by which an issuer's tokens
// are verified.
type StaticKey struct {
	ID  string `json:"kid"`
	PEM string `json:"pem"`
}

// OpenIDEndpoints is the part of OpenID Connect discovery that is used.
type OpenIDEndpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization"`
	Token         string `json:"token"`
	JWKS          string `json:"jwks"`
	UserInfo      string `json:"userInfo,omitempty"`
	EndSession    string `json:"endSession,omitempty"`
	Introspection string `json:"introspection,omitempty"`
}

// SessionID is the SHA-256 of a session's token, 64 hexadecimal digits: who reads
// it in the database can't use it.
type SessionID string

// Session is a person who is signed in: a user of a tenant, or an account of an
// organization.
type Session struct {
	ID           SessionID
	Organization OrganizationID
	Tenant       TenantID           // empty: of an account
	User         UserID             // of the tenant
	Account      AccountID          // instead of Tenant and User
	Provider     IdentityProviderID // empty: signed in by what this server keeps itself
	Method       SignInMethod
	Agent        string // the browser, as it calls itself
	Address      string // where it signed in from
	CreatedAt    time.Time
	LastUsedAt   time.Time // to the minute
	ExpiresAt    time.Time // at the latest
}

// Person is whose session it is.
func (s Session) Person() Person {
	if s.Tenant == "" {
		return Person{Organization: s.Organization, ID: string(s.Account)}
	}
	return Person{Organization: s.Organization, Tenant: s.Tenant, ID: string(s.User)}
}

// Person is somebody who signs in: a user of a tenant or, without a tenant, an
// account of an organization.
type Person struct {
	Organization OrganizationID
	Tenant       TenantID
	ID           string
}

// IsAccount tells whether p is an account.
func (p Person) IsAccount() bool { return p.Tenant == "" }

// Scope is where p is.
func (p Person) Scope() Scope { return Scope{Organization: p.Organization, Tenant: p.Tenant} }

// SignInMethod is how somebody signed in.
type SignInMethod string

// The ways to sign in.
const (
	SignInFederated SignInMethod = "federated" // an identity provider says who it is
	SignInPasskey   SignInMethod = "passkey"
	SignInPassword  SignInMethod = "password"
	SignInTOTP      SignInMethod = "password+totp"
	SignInRecovery  SignInMethod = "password+recovery-code"
	SignInLink      SignInMethod = "link" // that was used once
)

// NewSessionToken makes the secret that is a session's cookie.
func NewSessionToken() Secret {
	return Secret(base64.RawURLEncoding.EncodeToString(randomBytes(32)))
}

// SessionIDOf is the id of the session with the token.
func SessionIDOf(token Secret) SessionID {
	sum := sha256.Sum256([]byte("freehold session " + token.Reveal()))
	return SessionID(hex.EncodeToString(sum[:]))
}

// AuthSettings are how long people stay signed in to a tenant. The zero value of
// UpdatedAt means that nobody has set them.
type AuthSettings struct {
	Idle      time.Duration // without a request
	Lifespan  time.Duration // in all
	UpdatedAt time.Time

	Registration        bool     // clients may register themselves
	RegistrationMethods []string // how those may authenticate, of api.RegistrationMethods
}
