package estate

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Organization owns subscriptions and everything in them.
type Organization struct {
	ID        OrganizationID
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Account is a person of an organization. Owners of a subscription (service
// account owners) are accounts.
type Account struct {
	ID           AccountID
	Organization OrganizationID
	Email        string
	Name         string
	PasswordHash string // argon2id in PHC format; empty: no password sign-in
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Region is where tenants live. Datacenter is what the contract calls
// "datacenter" and "regionCode"; it is independent of the code in host names.
type Region struct {
	Code        RegionCode
	Name        string
	Datacenter  string
	CountryCode string // ISO 3166-1 alpha-2
	CreatedAt   time.Time
}

// Subscription is a licence with its entitlement.
type Subscription struct {
	ID           SubscriptionID
	Organization OrganizationID
	Name         string
	TenantLimit  int64 // how many tenants it is entitled to
	TenantCount  int64 // how many hold a place now
	Regions      []RegionCode
	Owners       []AccountID
	StartsAt     time.Time
	EndsAt       time.Time
	RateTier1    int64 // requests per minute of each caller; 0: as the deployment has it
	RateTier2    int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// ValidAt tells whether the entitlement is in force at t.
func (s Subscription) ValidAt(t time.Time) bool {
	return !t.Before(s.StartsAt) && t.Before(s.EndsAt)
}

// MultiTenant tells whether the entitlement is for more than one tenant, which
// region-level clients need.
func (s Subscription) MultiTenant() bool { return s.TenantLimit > 1 }

// TenantStatus is where a tenant is in its life.
type TenantStatus string

// The states of a tenant.
const (
	TenantActive   TenantStatus = "active"
	TenantDisabled TenantStatus = "disabled"
	TenantDeleted  TenantStatus = "deleted"
)

// Tenant is one customer's isolated part of the estate.
type Tenant struct {
	ID              TenantID
	Organization    OrganizationID
	Subscription    SubscriptionID
	Region          RegionCode
	Datacenter      string
	CountryCode     string
	Name            string
	Hostname        Hostname // generated, never changes
	Alias           Hostname // empty: none
	Status          TenantStatus
	StatusUpdatedAt time.Time
	PurgeAt         time.Time // of a disabled one: when it may be purged
	Protected       bool      // can't be deactivated
	Settings        TenantSettings
	ExternalID      string
	Labels          map[string]string
	CreatedBy       string
	CreatedAt       time.Time
	UpdatedAt       time.Time
	Rev             int64 // counts its changes

	Provisioning ProvisioningStatus
}

// TenantSettings are a tenant's switches, as the contract names them.
type TenantSettings struct {
	AutoAssignCreateSharedSpacesRoleToProfessionals             bool `json:"autoAssignCreateSharedSpacesRoleToProfessionals"`
	AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals bool `json:"autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals"`
	AutoAssignDataServicesContributorRoleToProfessionals        bool `json:"autoAssignDataServicesContributorRoleToProfessionals"`
	EnableAnalyticCreation                                      bool `json:"enableAnalyticCreation"`
	EnableAppOpeningFeedback                                    bool `json:"enableAppOpeningFeedback"`
}

// DefaultTenantSettings are those of a new tenant.
func DefaultTenantSettings() TenantSettings {
	return TenantSettings{
		AutoAssignCreateSharedSpacesRoleToProfessionals:             true,
		AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals: true,
		AutoAssignDataServicesContributorRoleToProfessionals:        true,
	}
}

// Scope is the reach that covers exactly t.
func (t Tenant) Scope() Scope {
	return Scope{Organization: t.Organization, Subscription: t.Subscription, Region: t.Region, Tenant: t.ID}
}

// UserStatus is whether a user may act.
type UserStatus string

// The states of a user.
const (
	UserActive      UserStatus = "active"
	UserDisabled    UserStatus = "disabled"
	UserInvited     UserStatus = "invited"     // has yet to sign in
	UserProvisioned UserStatus = "provisioned" // by an identity provider, and has yet to sign in
)

// User is a person or a bot in one tenant. ClientID is set on bots. Roles are
// those that the user has itself; see Access for what groups add.
type User struct {
	ID           UserID
	Organization OrganizationID
	Tenant       TenantID
	Subject      string
	Name         string
	Email        string
	Status       UserStatus
	ClientID     ClientID
	Roles        []RoleName
	CreatedAt    time.Time
	UpdatedAt    time.Time

	Profile         UserProfile
	InviteExpiresAt time.Time // of an invitation; zero: none
}

// BotSubject is the subject of the bot through which client acts.
func BotSubject(client ClientID) string { return `qlikbot\` + string(client) }

// Consent is how a tenant agrees to a client.
type Consent string

// The consent methods.
const (
	ConsentRequired Consent = "required"
	ConsentTrusted  Consent = "trusted"
)

// TokenBinding is what the tokens of a client must be bound to, so that a
// stolen one is worth nothing.
type TokenBinding string

// The bindings. A client without one may still bind a token by DPoP.
const (
	BindingDPoP TokenBinding = "dpop" // a key of the sender (RFC 9449)
	BindingMTLS TokenBinding = "mtls" // a TLS client certificate (RFC 8705)
)

// Valid tells whether b is a binding, or none.
func (b TokenBinding) Valid() bool { return b == "" || b == BindingDPoP || b == BindingMTLS }

// Client is a machine credential, or at tenant level any OAuth client. Its
// reach is Scope: organization only, or with subscription and region, or with
// all four fields.
type Client struct {
	ID             ClientID
	Level          Level
	Scope          Scope
	Name           string
	Description    string
	AppType        string
	URI            string
	LogoURI        string
	RedirectURIs   []string
	AllowedOrigins []string
	Permissions    Permissions
	GrantTypes     []string
	AuthMethods    []string
	Consent        Consent
	TokenBinding   TokenBinding
	Secrets        []ClientSecret
	PublicKeys     []PublicKey
	JWKSURI        string // where the public keys are, instead of PublicKeys
	Federated      []FederatedCredential
	CreatedBy      string
	CreatedByType  string
	CreatedAt      time.Time
	UpdatedAt      time.Time
	DisabledAt     time.Time
	PublishedAt    time.Time          // to the tenants of its region; zero: not published
	DeletedAt      time.Time          // of a client that is gone but for its name
	TrustedBy      map[TenantID]Trust // by other tenants, which let the published client act; read to authenticate only
}

// Trust is what a published client held when another tenant came to trust it. What
// its owner gives it later is nothing that tenant has agreed to.
type Trust struct {
	Permissions Permissions
	GrantTypes  []string
}

// ClientSecret is a stored secret: a keyed hash, never the secret.
type ClientSecret struct {
	Hint      string
	KeyID     KeyID // the hash key
	Hash      []byte
	CreatedBy string
	CreatedAt time.Time

	ExpiresAt   time.Time // zero: never
	FirstUsedAt time.Time // written behind, so not exact to the last second
	LastUsedAt  time.Time
	WarnedAt    time.Time // when its end was announced
	Rotation    Rotation
	EndBefore   time.Time // of RotationOld: when it would have ended without the rotation
}

// ValidAt tells whether the secret authenticates at t.
func (s ClientSecret) ValidAt(t time.Time) bool { return s.ExpiresAt.IsZero() || t.Before(s.ExpiresAt) }

// Rotation is the part of a secret in a running rotation.
//
//	(none) --rotate--> old   and a new one beside it; both authenticate
//	old    --finish, or the overlap ends--> erased;  new --> (none)
//	old    --cancel--> (none), with its former end;  new --> erased
type Rotation string

// The parts.
const (
	RotationOld Rotation = "old"
	RotationNew Rotation = "new"
)

// Secret is a plain secret on its way to its owner. It prints as "[redacted]"
// everywhere but through Reveal.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (Secret) String() string { return "[redacted]" }

// Format implements fmt.Formatter. Without it, fmt would print the secret beside
// its complaint about a verb that is not for texts, such as %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal("[redacted]") }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Key is a key of the server's own, sealed under the key file.
type Key struct {
	ID        KeyID
	Purpose   KeyPurpose
	Algorithm string // "ES256", "ES384", "EdDSA" or "HS256"
	Sealed    []byte // private part, encrypted
	CreatedAt time.Time

	ActiveAt   time.Time // signs from here on, until the next generation does
	Generation int64     // counts the keys of a purpose
}

// KeyPurpose says what a key is for; a key serves one purpose only.
type KeyPurpose string

// The purposes of keys.
const (
	KeyAccessToken  KeyPurpose = "access-token"  // signs access tokens; published
	KeyLicense      KeyPurpose = "license"       // signs licence keys
	KeyClientSecret KeyPurpose = "client-secret" // hashes client secrets
)
