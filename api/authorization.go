package api

// Grants of programs that act for a person.
const (
	GrantAuthorizationCode = "authorization_code"                           // RFC 6749 section 4.1
	GrantRefreshToken      = "refresh_token"                                // RFC 6749 section 6
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628
)

// CLIClientID is the id of a public client that every host has, for the device
// flow: that of the command line.
const CLIClientID = "freehold-cli"

// Paths of the endpoints for programs that act for a person.
const (
	AuthorizePath           = "/oauth/authorize"
	ConsentPath             = "/oauth/consent" // a page
	DeviceAuthorizationPath = "/oauth/device_authorization"
	DevicePath              = "/device" // a page
	RegisterPath            = "/oauth/register"
)

// Methods by which clients that register themselves may authenticate, as the
// settings of a tenant call them.
const (
	RegistrationMethodNone   = "none"
	RegistrationMethodSecret = "client_secret"
)

// DeviceAuthorizationRequest is the body of POST /oauth/device_authorization, as
// JSON or as a form (RFC 8628 section 3.1).
type DeviceAuthorizationRequest struct {
	ClientID            string `json:"client_id"`
	ClientSecret        string `json:"client_secret,omitempty"`
	ClientAssertion     string `json:"client_assertion,omitempty"`
	ClientAssertionType string `json:"client_assertion_type,omitempty"`
	Scope               string `json:"scope,omitempty"`
}

// DeviceAuthorization is its answer (RFC 8628 section 3.2).
type DeviceAuthorization struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"` // "BCDF-GHJK"
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"` // seconds
	Interval                int64  `json:"interval"`   // seconds between two questions at the token endpoint
}

// ClientRegistration is the body of POST /oauth/register (RFC 7591 section 2).
// Unknown members are ignored.
type ClientRegistration struct {
	ClientName              string   `json:"client_name"`
	ClientURI               string   `json:"client_uri"`
	LogoURI                 string   `json:"logo_uri,omitempty"`
	RedirectURIs            []string `json:"redirect_uris"`
	Scope                   string   `json:"scope,omitempty"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method,omitempty"` // "client_secret_basic" if left out
	GrantTypes              []string `json:"grant_types,omitempty"`
	ResponseTypes           []string `json:"response_types,omitempty"`
}

// RegisteredClient is its answer (RFC 7591 section 3.2.1).
type RegisteredClient struct {
	ClientID                string   `json:"client_id"`
	ClientSecret            string   `json:"client_secret,omitempty"`
	ClientSecretExpiresAt   int64    `json:"client_secret_expires_at"` // 0: never
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"`      // Unix seconds
	ClientName              string   `json:"client_name"`
	ClientURI               string   `json:"client_uri"`
	LogoURI                 string   `json:"logo_uri,omitempty"`
	RedirectURIs            []string `json:"redirect_uris"`
	Scope                   string   `json:"scope"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
}
