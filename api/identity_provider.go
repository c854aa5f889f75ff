package api

import "encoding/json"

// Protocols of identity providers.
const (
	ProtocolOIDC = "OIDC"
	ProtocolJWT  = "jwtAuth"
)

// SessionAudience is the aud of a JWT that is shown to POST /login/jwt-session.
const SessionAudience = "qlik.api/login/jwt-session"

// HeaderCSRF has to hold the session's CSRF token where a request that changes
// something is authenticated by the session cookie.
const HeaderCSRF = "qlik-csrf-token"

// HeaderWebIntegration names the web integration that a page belongs to.
const HeaderWebIntegration = "qlik-web-integration-id"

// IdentityProvider is an outside authority that says who the people of a tenant
// are.
type IdentityProvider struct {
	ID                    string          `json:"id"` // 24 hexadecimal digits
	TenantIDs             []string        `json:"tenantIds"`
	Protocol              string          `json:"protocol"`
	Provider              string          `json:"provider"`
	Interactive           bool            `json:"interactive"`
	Active                bool            `json:"active"`
	Description           string          `json:"description,omitempty"`
	ClockToleranceSec     int             `json:"clockToleranceSec"`
	CreateNewUsersOnLogin bool            `json:"createNewUsersOnLogin"`
	PostLogoutRedirectURI string          `json:"postLogoutRedirectUri,omitempty"`
	Meta                  json.RawMessage `json:"meta,omitempty"`

	Options        *IdentityProviderOptions `json:"options,omitempty"`
	PendingOptions *IdentityProviderOptions `json:"pendingOptions,omitempty"`
	PendingState   string                   `json:"pendingState,omitempty"` // "verified", "pending" or "error"
	PendingResult  *PendingResult           `json:"pendingResult,omitempty"`

	Created     Time `json:"created"`
	LastUpdated Time `json:"lastUpdated"`
}

// IdentityProviderOptions are how to talk to an identity provider. Issuer and
// StaticKeys are of jwtAuth, the others of OIDC.
type IdentityProviderOptions struct {
	Issuer          string      `json:"issuer,omitempty"`
	StaticKeys      []StaticKey `json:"staticKeys,omitempty"`
	JWTLoginEnabled *bool       `json:"jwtLoginEnabled,omitempty"` // the samples' clients send true

	DiscoveryURL            string               `json:"discoveryUrl,omitempty"`
	OpenIDConfiguration     *OpenIDConfiguration `json:"openid_configuration,omitempty"` // instead of DiscoveryURL
	ClientID                string               `json:"clientId,omitempty"`
	ClientSecret            string               `json:"clientSecret,omitempty"` // never in an answer
	Realm                   string               `json:"realm,omitempty"`
	Scope                   string               `json:"scope,omitempty"`
	ClaimsMapping           map[string][]string  `json:"claimsMapping,omitempty"` // JSON Pointers
	IDTokenSignatureAlg     string               `json:"idTokenSignatureAlg,omitempty"`
	UseClaimsFromIDToken    *bool                `json:"useClaimsFromIdToken,omitempty"`
	EmailVerifiedAlwaysTrue *bool                `json:"emailVerifiedAlwaysTrue,omitempty"`
	BlockOfflineAccessScope bool                 `json:"blockOfflineAccessScope,omitempty"`
	DecryptingKey           json.RawMessage      `json:"decryptingKey,omitempty"` // not supported
}

// StaticKey is a public key, or a certificate of it, in PEM. The line breaks may
// be missing.
type StaticKey struct {
	KeyID string `json:"kid"`
	PEM   string `json:"pem"`
}

// OpenIDConfiguration is the part of OpenID Connect discovery that is needed.
type OpenIDConfiguration struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	UserinfoEndpoint      string `json:"userinfo_endpoint,omitempty"`
	EndSessionEndpoint    string `json:"end_session_endpoint,omitempty"`
	IntrospectionEndpoint string `json:"introspection_endpoint,omitempty"`
}

// PendingResult is what came out of the test of an identity provider.
type PendingResult struct {
	Status          string          `json:"status"` // "success", "pending", "claimsError", "callbackError", "tokenError", "networkError" or "configChangedDuringTestError"
	Error           string          `json:"error,omitempty"`
	Protocol        string          `json:"protocol,omitempty"`
	Started         *Time           `json:"started,omitempty"`
	IDPClaims       json.RawMessage `json:"idpClaims,omitempty"`
	ResultantClaims *ResultClaims   `json:"resultantClaims,omitempty"`
	OAuth2Error     *OAuth2Error    `json:"oauth2Error,omitempty"`
}

// ResultClaims is who somebody is by the claims of an identity provider and the
// mapping of them.
type ResultClaims struct {
	Subject       string   `json:"sub"`
	Name          string   `json:"name,omitempty"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified"`
	Groups        []string `json:"groups,omitempty"`
}

// OAuth2Error is an error answer of an identity provider.
type OAuth2Error struct {
	Error            string `json:"error"`
	ErrorDescription string `json:"errorDescription,omitempty"`
}

// CreateIdentityProviderRequest is the body of POST /api/v1/identity-providers.
type CreateIdentityProviderRequest struct {
	Protocol              string   `json:"protocol"`
	Provider              string   `json:"provider"`
	TenantIDs             []string `json:"tenantIds,omitempty"`
	Interactive           *bool    `json:"interactive,omitempty"`
	Active                *bool    `json:"active,omitempty"`
	Description           string   `json:"description,omitempty"`
	ClockToleranceSec     *int     `json:"clockToleranceSec,omitempty"`
	CreateNewUsersOnLogin *bool    `json:"createNewUsersOnLogin,omitempty"`
	PostLogoutRedirectURI string   `json:"postLogoutRedirectUri,omitempty"`
	SkipVerify            bool     `json:"skipVerify,omitempty"`

	Options        *IdentityProviderOptions `json:"options,omitempty"`
	PendingOptions *IdentityProviderOptions `json:"pendingOptions,omitempty"`
}

// IdentityProviderList is a page of identity providers.
type IdentityProviderList struct {
	Data  []IdentityProvider `json:"data"`
	Links PageLinks          `json:"links"`
}

// IdentityProviderStatus is the answer of GET /api/v1/identity-providers/status.
type IdentityProviderStatus struct {
	ActiveInteractive int                        `json:"active_interactive_idps_count"`
	Metadata          []IdentityProviderMetadata `json:"idps_metadata"`
}

// IdentityProviderMetadata is what everybody in a tenant may know of one of its
// identity providers.
type IdentityProviderMetadata struct {
	Active      bool   `json:"active"`
	Interactive bool   `json:"interactive"`
	Provider    string `json:"provider"`
}

// IdentityProviderLinks is the answer of GET
// /api/v1/identity-providers/me/meta: links out of the meta of the identity
// provider that people are sent to.
type IdentityProviderLinks struct {
	UpgradeSubscriptionLink string `json:"upgradeSubscriptionLink,omitempty"`
	UserPortalLink          string `json:"userPortalLink,omitempty"`
}

// LoginMetadata is the answer of GET
// /api/v1/identity-providers/.well-known/metadata.json: what an identity provider
// has to be told of this tenant.
type LoginMetadata struct {
	Protocols          []string `json:"protocols"`
	LoginURI           string   `json:"login_uri"`
	RedirectURIs       []string `json:"redirect_uris"`
	JWTSessionEndpoint string   `json:"jwt_session_endpoint"`
	JWTSessionAudience string   `json:"jwt_session_audience"`
}

// AuthSettings are how long people stay signed in to a tenant, and whether clients
// may register themselves there.
type AuthSettings struct {
	ID                               string `json:"id"`
	TenantID                         string `json:"tenantId"`
	UserSessionInactivityTimeoutMins int64  `json:"userSessionInactivityTimeoutMinutes"`
	MaxUserSessionLifespanMins       int64  `json:"maxUserSessionLifespanMinutes"`
	DynamicClientRegistrationEnabled bool   `json:"dynamicClientRegistrationEnabled"`
	IsDefault                        bool   `json:"isDefault"`

	DCRAllowedAuthenticationMethods []string `json:"dcrAllowedAuthenticationMethods"` // "none", "client_secret"
}
