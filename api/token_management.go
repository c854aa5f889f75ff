package api

// TokenQuery is the body of POST /oauth/revoke (RFC 7009) and POST
// /oauth/introspect (RFC 7662) as JSON; the same fields may come form-encoded.
// The client authenticates as at the token endpoint, or with an access token of
// its own in the Authorization header.
type TokenQuery struct {
	Token         string `json:"token"`
	TokenTypeHint string `json:"token_type_hint,omitempty"` // not needed; an unknown one is ignored

	ClientID            string `json:"client_id,omitempty"`
	ClientSecret        string `json:"client_secret,omitempty"`
	ClientAssertion     string `json:"client_assertion,omitempty"`
	ClientAssertionType string `json:"client_assertion_type,omitempty"`
}

// Introspection is the answer of POST /oauth/introspect: what the token is worth
// now. Of a token that is not active, or not for the caller to know about, only
// Active is there. Scope is what the client still holds of the token's scopes.
type Introspection struct {
	Active       bool   `json:"active"`
	Scope        string `json:"scope,omitempty"`
	ClientID     string `json:"client_id,omitempty"`
	TokenType    string `json:"token_type,omitempty"` // "Bearer" or "DPoP"
	ExpiresAt    int64  `json:"exp,omitempty"`        // Unix seconds
	IssuedAt     int64  `json:"iat,omitempty"`        // Unix seconds
	Subject      string `json:"sub,omitempty"`
	Audience     string `json:"aud,omitempty"`
	Issuer       string `json:"iss,omitempty"`
	ID           string `json:"jti,omitempty"`
	Level        string `json:"level,omitempty"`
	Organization string `json:"organization,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Region       string `json:"region,omitempty"`
	Tenant       string `json:"tenant,omitempty"`
	User         string `json:"user,omitempty"`

	Confirmation *Confirmation `json:"cnf,omitempty"`
	Actor        *ActorClaim   `json:"act,omitempty"`
}

// IntrospectionClaims are the claims of an introspection answer as a JWT (RFC
// 9701), which is what "Accept: application/token-introspection+jwt" asks for.
type IntrospectionClaims struct {
	Issuer             string        `json:"iss"`
	Audience           string        `json:"aud"` // id of the client that asked
	IssuedAt           int64         `json:"iat"` // Unix seconds
	ID                 string        `json:"jti"` // of this answer
	TokenIntrospection Introspection `json:"token_introspection"`
}

// ProtectedResourceMetadata is the document of
// /.well-known/oauth-protected-resource (RFC 9728). Every surface is a resource
// of its own, with itself as the authorization server.
type ProtectedResourceMetadata struct {
	Resource               string   `json:"resource"`
	AuthorizationServers   []string `json:"authorization_servers"`
	ScopesSupported        []string `json:"scopes_supported"`
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
}

// OAuthToken is an entry of GET /api/v1/oauth-tokens: that a client may act
// through a user of the tenant. However many access tokens the client holds for
// it, they are one entry, and deleting it revokes all of them.
type OAuthToken struct {
	ID          string  `json:"id"` // 24 hexadecimal digits
	UserID      string  `json:"userId"`
	TenantID    string  `json:"tenantId"`
	ClientID    string  `json:"clientId"`
	LastUsed    Time    `json:"lastUsed"`    // when an access token was last issued
	DeviceType  *string `json:"deviceType"`  // null: machines have none
	Description *string `json:"description"` // name of the client; null once it is gone
}

// OAuthTokenList is a page of OAuthTokens.
type OAuthTokenList struct {
	Data  []OAuthToken `json:"data"`
	Links PageLinks    `json:"links"`
}
