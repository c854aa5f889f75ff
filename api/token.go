package api

import "encoding/json"

// GrantClientCredentials is the grant of a client that acts for itself (RFC
// 6749 section 4.4).
const GrantClientCredentials = "client_credentials"

// Further grants.
const (
	// GrantUserImpersonation is the contract's grant of a trusted client that
	// acts as a user of its tenant.
	GrantUserImpersonation = "urn:qlik:oauth:user-impersonation"
	// GrantTokenExchange is RFC 8693.
	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// AssertionTypeJWT is the client_assertion_type of JWTs (RFC 7523).
const AssertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Types of tokens in an exchange (RFC 8693 section 3).
const (
	TokenTypeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
	TokenTypeJWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// TokenPath is where every host has its token endpoint.
const TokenPath = "/oauth/token"

// TokenRequest is the body of POST /oauth/token as JSON. The same fields may
// come form-encoded. Clients may authenticate with HTTP Basic instead of
// ClientSecret and may repeat ClientID in the body. Unknown members are
// ignored.
type TokenRequest struct {
	GrantType    string `json:"grant_type"`
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	Scope        string `json:"scope,omitempty"` // space-separated; empty: all scopes of the client

	// Instead of a secret (RFC 7521 section 4.2): a signed statement of who the
	// client is.
	ClientAssertion     string `json:"client_assertion,omitempty"`
	ClientAssertionType string `json:"client_assertion_type,omitempty"`

	// Of token exchange (RFC 8693 section 2.1).
	SubjectToken       string `json:"subject_token,omitempty"`
	SubjectTokenType   string `json:"subject_token_type,omitempty"`
	RequestedTokenType string `json:"requested_token_type,omitempty"`
	Audience           string `json:"audience,omitempty"`
	Purpose            string `json:"purpose,omitempty"` // "websocket" or "webresource": what browser clients want the token for

	// Of programs that act for a person (RFC 6749 sections 4.1.3 and 6, RFC 7636, RFC 8628).
	Code         string `json:"code,omitempty"`
	RedirectURI  string `json:"redirect_uri,omitempty"`
	CodeVerifier string `json:"code_verifier,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	DeviceCode   string `json:"device_code,omitempty"`

	// Of user impersonation. In a form it is this object as JSON text.
	UserLookup *UserLookup `json:"user_lookup,omitempty"`
}

// UserLookup names a user of the tenant.
type UserLookup struct {
	Field string `json:"field"` // "subject" or "userId"
	Value string `json:"value"`
}

// TokenResponse is the answer of POST /oauth/token. The token is accepted only
// by the host that issued it. Both ways of stating the lifetime are always
// there: clients in the field read either.
type TokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"` // "bearer"; "Bearer" on the console host; "DPoP" where the token is bound to a DPoP key
	ExpiresAt   Time   `json:"expires_at"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope,omitempty"`

	IssuedTokenType string `json:"issued_token_type,omitempty"` // of token exchange only
	RefreshToken    string `json:"refresh_token,omitempty"`     // of a person who granted offline_access
	AuthTime        int64  `json:"auth_time,omitempty"`         // Unix seconds: when the person signed in
}

// AuthorizationServerMetadata is the document of
// /.well-known/oauth-authorization-server (RFC 8414). Every surface is an
// issuer of its own.
type AuthorizationServerMetadata struct {
	Issuer                            string   `json:"issuer"`
	TokenEndpoint                     string   `json:"token_endpoint"`
	JWKSURI                           string   `json:"jwks_uri"`
	GrantTypesSupported               []string `json:"grant_types_supported"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAuthSigningAlgs      []string `json:"token_endpoint_auth_signing_alg_values_supported"` // of private_key_jwt

	DPoPSigningAlgValuesSupported         []string `json:"dpop_signing_alg_values_supported"`          // RFC 9449 section 5.1
	TLSClientCertificateBoundAccessTokens bool     `json:"tls_client_certificate_bound_access_tokens"` // RFC 8705 section 3.3

	RevocationEndpoint                        string   `json:"revocation_endpoint"`
	RevocationEndpointAuthMethodsSupported    []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint                     string   `json:"introspection_endpoint"`
	IntrospectionEndpointAuthMethodsSupported []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionSigningAlgorithmsSupported   []string `json:"introspection_signing_alg_values_supported"`

	// Of hosts where programs act for people.
	AuthorizationEndpoint       string   `json:"authorization_endpoint,omitempty"`
	DeviceAuthorizationEndpoint string   `json:"device_authorization_endpoint,omitempty"` // RFC 8628 section 4
	RegistrationEndpoint        string   `json:"registration_endpoint,omitempty"`         // where clients may register themselves
	CodeChallengeMethods        []string `json:"code_challenge_methods_supported,omitempty"`
	ResponseModes               []string `json:"response_modes_supported,omitempty"`
	PromptValues                []string `json:"prompt_values_supported,omitempty"`
	IssuerInAnswer              bool     `json:"authorization_response_iss_parameter_supported,omitempty"` // RFC 9207
	ScopesSupported             []string `json:"scopes_supported"`
}

// JWKSet is the document of /.well-known/jwks.json (RFC 7517). The keys are
// kept raw so that this package needs no JOSE library.
type JWKSet struct {
	Keys []json.RawMessage `json:"keys"`
}

// Claims are the claims of an access token: those of RFC 9068 plus where the
// token reaches. Subscription, Region, Tenant and User are empty where the
// level of the client or of the host has none.
type Claims struct {
	Issuer       string `json:"iss"`
	Audience     string `json:"aud"` // origin of the one host that accepts the token
	Subject      string `json:"sub"` // the client id; of impersonation, the user id
	ClientID     string `json:"client_id"`
	ID           string `json:"jti"`
	IssuedAt     int64  `json:"iat"` // Unix seconds
	ExpiresAt    int64  `json:"exp"` // Unix seconds
	Scope        string `json:"scope"`
	Level        string `json:"level"` // "tenant", "region" or "organization": the level of the client
	Organization string `json:"organization"`
	Subscription string `json:"subscription,omitempty"`
	Region       string `json:"region,omitempty"`
	Tenant       string `json:"tenant,omitempty"`
	IssuedMillis int64  `json:"iat_ms,omitempty"` // Unix milliseconds, for revocation of what was issued until then; of a token that was exchanged at its own host, as in the first one
	User         string `json:"user,omitempty"`   // the user at Tenant through which the client acts: its bot, unless it impersonates

	Confirmation *Confirmation `json:"cnf,omitempty"`       // the key that the sender must prove to have
	Actor        *ActorClaim   `json:"act,omitempty"`       // who acts, where that is not the subject
	Family       string        `json:"family,omitempty"`    // of a token of a person: what it is revoked with
	Exchanged    bool          `json:"exchanged,omitempty"` // bought with a token of a host above, which is how organization-level clients reach tenants
}

// Confirmation binds a token to a key of its sender (RFC 7800).
type Confirmation struct {
	JWKThumbprint         string `json:"jkt,omitempty"`      // of the DPoP key (RFC 9449)
	CertificateThumbprint string `json:"x5t#S256,omitempty"` // of the TLS client certificate (RFC 8705)
}

// ActorClaim names the acting party of a delegated token (RFC 8693 section 4.1).
type ActorClaim struct {
	Subject string `json:"sub"`
}
