package api

import "encoding/json"

// Application types of an OAuth client.
const (
	AppTypeWeb            = "web"
	AppTypeNative         = "native"
	AppTypeSPA            = "spa"
	AppTypeAnonymousEmbed = "anonymous-embed"
)

// OAuthClient is an OAuth client as the tenant and organization APIs show it.
// ClientSecret is there only in the answer that created it.
type OAuthClient struct {
	ClientID           string            `json:"clientId"` // 32 hexadecimal digits
	ClientName         string            `json:"clientName"`
	AppType            string            `json:"appType"`
	Description        string            `json:"description,omitempty"`
	ClientURI          string            `json:"clientUri,omitempty"`
	LogoURI            string            `json:"logoUri,omitempty"`
	RedirectURIs       []string          `json:"redirectUris,omitempty"`
	AllowedOrigins     []string          `json:"allowedOrigins,omitempty"`
	AllowedScopes      []string          `json:"allowedScopes"`
	AllowedGrantTypes  []string          `json:"allowedGrantTypes,omitempty"`
	AllowedAuthMethods []string          `json:"allowedAuthMethods,omitempty"`
	TokenBinding       string            `json:"tokenBinding,omitempty"` // "dpop" or "mtls": what its tokens must be bound to
	ConnectionConfig   *ConnectionConfig `json:"connectionConfig,omitempty"`
	PublicKeys         []json.RawMessage `json:"publicKeys,omitempty"` // JWKs (RFC 7517)
	JWKSURI            string            `json:"jwksUri,omitempty"`
	ClientSecret       string            `json:"clientSecret,omitempty"` // 64 hexadecimal digits
	ClientSecrets      []ClientSecret    `json:"clientSecrets,omitempty"`
	CreatedByType      string            `json:"createdByType,omitempty"` // "user" or "service"
	CreatedAt          Time              `json:"createdAt"`
	UpdatedAt          Time              `json:"updatedAt"`

	FederatedCredentials []FederatedCredential `json:"federatedCredentials,omitempty"`
	RegionCode           string                `json:"regionCode,omitempty"` // of a region-level client
	PublishedAt          *Time                 `json:"publishedAt,omitempty"`
	DeletedAt            *Time                 `json:"deletedAt,omitempty"`  // of another tenant's client, to which there still is a connection
	DisableTag           string                `json:"disableTag,omitempty"` // set when the client is disabled
}

// FederatedCredential makes a client trust tokens of an outside OpenID Connect
// issuer: those for Audience that have Subject, where it is set, and fulfil
// Condition, where it is set. One of the two has to be.
type FederatedCredential struct {
	Name      string `json:"name"` // unique in the client
	Issuer    string `json:"issuer"`
	Audience  string `json:"audience"`
	Subject   string `json:"subject,omitempty"`
	Condition string `json:"condition,omitempty"` // CEL of type bool over the map claims
}

// ClientSecret describes a stored secret without telling it.
type ClientSecret struct {
	Hint      string `json:"hint"` // last five characters of the secret; unique in the client
	CreatedAt Time   `json:"createdAt"`
	CreatedBy string `json:"createdBy,omitempty"`

	ExpiresAt   *Time  `json:"expiresAt,omitempty"`   // when it ends; absent: never
	FirstUsedAt *Time  `json:"firstUsedAt,omitempty"` // written behind: up to a second late
	LastUsedAt  *Time  `json:"lastUsedAt,omitempty"`
	Rotation    string `json:"rotation,omitempty"` // "old" or "new" while a rotation runs
}

// ConnectionConfig says how a tenant connects to a client.
type ConnectionConfig struct {
	ConsentMethod string `json:"consentMethod"` // "required" or "trusted"
	Status        string `json:"status,omitempty"`

	DeletedByOwner bool `json:"deletedByOwner,omitempty"` // the tenant that published the client has deleted it
}

// CreateOAuthClientRequest is the body of POST /api/v1/oauth-clients on a
// tenant host and of POST /api/core/oauth-clients on the console host.
type CreateOAuthClientRequest struct {
	ClientName         string            `json:"clientName"`
	AppType            string            `json:"appType"`
	Description        string            `json:"description,omitempty"`
	ClientURI          string            `json:"clientUri,omitempty"`
	LogoURI            string            `json:"logoUri,omitempty"`
	RedirectURIs       []string          `json:"redirectUris,omitempty"`
	AllowedOrigins     []string          `json:"allowedOrigins,omitempty"` // at most 5
	AllowedScopes      []string          `json:"allowedScopes,omitempty"`
	AllowedGrantTypes  []string          `json:"allowedGrantTypes,omitempty"`  // web only
	AllowedAuthMethods []string          `json:"allowedAuthMethods,omitempty"` // "client_secret", "private_key_jwt"
	TokenBinding       string            `json:"tokenBinding,omitempty"`       // "dpop" or "mtls"
	ConnectionConfig   *ConnectionConfig `json:"connectionConfig,omitempty"`
	PublicKeys         []json.RawMessage `json:"publicKeys,omitempty"` // JWKs, at most 5
	JWKSURI            string            `json:"jwksUri,omitempty"`    // instead of PublicKeys

	FederatedCredentials []FederatedCredential `json:"federatedCredentials,omitempty"`
}
