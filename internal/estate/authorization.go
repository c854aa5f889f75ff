package estate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// FamilyID is 24 hexadecimal digits, 96 random bits.
type FamilyID string

// NewFamilyID makes a random id.
func NewFamilyID() FamilyID { return FamilyID(hex.EncodeToString(randomBytes(12))) }

// ConsentPending is the consent of a client that registered itself, until an
// administrator of its tenant first connects it.
const ConsentPending Consent = "pending"

// CredentialHash is what is stored of a credential that was made by
// NewCredential: its SHA-256. Who reads it in the database can't use it.
type CredentialHash string

// NewCredential makes 256 random bits for an authorization code, a refresh token
// or a device code. Prefix says which.
func NewCredential(prefix string) Secret {
	return Secret(prefix + base64.RawURLEncoding.EncodeToString(randomBytes(32)))
}

// HashOf is the hash of a credential.
func HashOf(credential Secret) CredentialHash {
	sum := sha256.Sum256([]byte("freehold credential " + credential.Reveal()))
	return CredentialHash(hex.EncodeToString(sum[:]))
}

// TokenFamily is all that comes of one approval: the access tokens, and the
// refresh tokens of which each takes the place of the one before. It is revoked
// as one.
type TokenFamily struct {
	ID              FamilyID
	Organization    OrganizationID
	Tenant          TenantID // empty at the console
	Client          ClientID
	Person          string // a user of the tenant; at the console an account
	Permissions     Permissions
	Thumbprint      string    // of the key that the refresh tokens are bound to; empty: none
	AuthenticatedAt time.Time // when the person signed in
	CreatedAt       time.Time
	ExpiresAt       time.Time // of the newest refresh token
}

// Scope is where f is.
func (f TokenFamily) Scope() Scope { return Scope{Organization: f.Organization, Tenant: f.Tenant} }

// AuthorizationCode is what a program gets through the browser of a person, to be
// turned into tokens of Family once.
type AuthorizationCode struct {
	Hash        CredentialHash
	Family      TokenFamily // as it will be, but for its Thumbprint and its end
	RedirectURI string
	Challenge   string // of PKCE, S256
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      time.Time // zero: not yet
}

// RefreshToken is one of a family.
type RefreshToken struct {
	Hash      CredentialHash
	Family    TokenFamily
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // when another one took its place; zero: not yet
}

// DeviceStatus is how far a device is.
//
//	pending --somebody approves--> approved --the device fetches its tokens--> (gone)
//	   +------somebody refuses---> denied
type DeviceStatus string

// The states of a device.
const (
	DevicePending  DeviceStatus = "pending"
	DeviceApproved DeviceStatus = "approved"
	DeviceDenied   DeviceStatus = "denied"
)

// Device is a program without a browser that waits for a person to approve it in
// another place (RFC 8628).
type Device struct {
	Hash        CredentialHash // of the device code
	Tenant      TenantID       // empty at the console
	UserCode    string         // what the person types, without dashes
	Client      string         // as the device called itself: an id, or the name of a client that every host has
	Permissions Permissions    // asked for; once approved, those approved
	Status      DeviceStatus

	// Of an approved one:
	Organization    OrganizationID
	GrantedTo       ClientID
	Person          string
	AuthenticatedAt time.Time

	Interval  time.Duration // between two questions of the device, at least
	PolledAt  time.Time
	CreatedAt time.Time
	ExpiresAt time.Time
}
