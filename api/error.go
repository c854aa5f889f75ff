package api

// Error is one entry of the error envelope that every surface answers with.
// Code and Title are always set. Status is the HTTP status as a string, which
// is how the contract writes it.
type Error struct {
	Code   string       `json:"code"`
	Title  string       `json:"title"`
	Detail string       `json:"detail,omitempty"`
	Status string       `json:"status,omitempty"`
	Source *ErrorSource `json:"source,omitempty"`
	Meta   any          `json:"meta,omitempty"`
}

// ErrorSource names the part of the request that an Error is about: a JSON
// Pointer into the body, or the name of a query, path or header parameter.
type ErrorSource struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
}

// ErrorBody is the envelope of every error answer outside the OAuth endpoints.
// TraceID is 32 hexadecimal digits and names the request in the server's log.
type ErrorBody struct {
	Errors  []Error `json:"errors"`
	TraceID string  `json:"traceId,omitempty"`
}

// OAuthErrorBody is the error answer of the OAuth endpoints. It satisfies
// readers of RFC 6749 section 5.2 (error, error_description) and readers of the
// errors envelope at the same time.
type OAuthErrorBody struct {
	OAuthError       string  `json:"error"`
	ErrorDescription string  `json:"error_description,omitempty"`
	Errors           []Error `json:"errors"`
	TraceID          string  `json:"traceId,omitempty"`
}

// Error codes. The text of a code never changes once released.
const (
	CodeUnauthenticated   = "AUTH-1"  // no token, or one that is invalid, expired or of another host
	CodeForbidden         = "AUTH-2"  // authenticated, but not allowed to do this
	CodeInsufficientScope = "AUTH-3"  // the token lacks a scope
	CodeInvalidProof      = "AUTH-20" // RFC 9449 invalid_dpop_proof, at a resource
	CodeUseNonce          = "AUTH-21" // RFC 9449 use_dpop_nonce, at a resource
	CodeTokenBound        = "AUTH-22" // the token is bound to a key that was not shown
	CodeUnknownHost       = "LOGIN-2" // no tenant answers at this host name

	CodeInvalidRequest       = "HTTP-400" // malformed request
	CodeNotFound             = "HTTP-404" // no such path
	CodeMethodNotAllowed     = "HTTP-405" // the path exists, the method does not
	CodeTooLarge             = "HTTP-413" // body over the limit
	CodeUnsupportedMediaType = "HTTP-415" // body is not of an accepted content type
	CodeMisdirected          = "HTTP-421" // host name is not below the server's domain
	CodeRateLimited          = "HTTP-429" // too many requests
	CodeInternal             = "HTTP-500" // unexpected failure
	CodeUnavailable          = "HTTP-503" // not ready, or shutting down

	CodeOAuthInvalidRequest       = "OAUTH-2"  // RFC 6749 invalid_request
	CodeOAuthUnsupportedGrantType = "OAUTH-3"  // RFC 6749 unsupported_grant_type
	CodeOAuthInvalidScope         = "OAUTH-4"  // RFC 6749 invalid_scope
	CodeOAuthUnauthorizedClient   = "OAUTH-5"  // RFC 6749 unauthorized_client
	CodeOAuthInvalidClient        = "OAUTH-14" // RFC 6749 invalid_client
	CodeOAuthTooManyAttempts      = "OAUTH-30" // too many wrong secrets from this address; see Retry-After
	CodeOAuthInvalidProof         = "OAUTH-20" // RFC 9449 invalid_dpop_proof
	CodeOAuthUseNonce             = "OAUTH-21" // RFC 9449 use_dpop_nonce
	CodeOAuthInvalidTarget        = "OAUTH-22" // RFC 8693 invalid_target
	CodeOAuthInvalidUser          = "OAUTH-23" // RFC 6749 invalid_grant: user_lookup finds nobody

	CodeTenantNotFound       = "TENANTS-8"  // no such tenant, or not visible to the caller
	CodeTenantLicenseMissing = "TENANTS-21" // body has no licenseKey
	CodeTenantQuota          = "TENANTS-22" // the entitlement's tenant count is used up
	CodeTenantLicenseInvalid = "TENANTS-23" // licence key is unusable here and now
	CodeTenantInternal       = "TENANTS-24" // tenant could not be created
	CodeTenantInvalid        = "TENANTS-30" // a field of the tenant is invalid
	CodeTenantHostnameTaken  = "TENANTS-31" // requested host name belongs to another tenant
	CodeTenantExternalID     = "TENANTS-32" // externalId is used in this subscription
	CodeIdempotencyMismatch  = "TENANTS-33" // Idempotency-Key was used with another body
	CodeTenantDeactivated    = "TENANT_DEACTIVATED"

	CodeUserNotFound = "USERS-7" // no such user, or not visible to the caller

	CodeClientInvalid     = "OAUTHCLIENTS-1" // a field of the client is invalid
	CodeClientNotFound    = "OAUTHCLIENTS-2" // no such client, or not visible to the caller
	CodeClientEntitlement = "OAUTHCLIENTS-3" // the subscription's entitlement does not allow it
	CodeClientConfirm     = "OAUTHCLIENTS-4" // the header qlik-confirm-delete does not name the client
	CodeClientPatch       = "OAUTHCLIENTS-5" // an operation of the patch is not allowed
	CodeSecretNotFound    = "OAUTHCLIENTS-6" // the client has no secret with this hint
	CodeSecretLimit       = "OAUTHCLIENTS-7" // the client has as many secrets as it can have
	CodeSecretRotation    = "OAUTHCLIENTS-8" // a rotation is running, or none is

	CodeTokenNotFound = "OAUTHTOKENS-1" // no such token, or not visible to the caller

	CodeAuditNotFound = "AUDITS-1" // no such audit event, or not visible to the caller

	CodeWebhookInvalid  = "WEBHOOKS-1" // a field of the webhook is invalid
	CodeWebhookNotFound = "WEBHOOKS-2" // no such webhook or delivery, or not visible to the caller
	CodeWebhookPatch    = "WEBHOOKS-3" // an operation of the patch is not allowed
	CodeWebhookLimit    = "WEBHOOKS-4" // there are as many webhooks as there can be

	CodeProvisionerInvalid  = "PROVISIONERS-1" // a field of the provisioner, or of its answer, is invalid
	CodeProvisionerNotFound = "PROVISIONERS-2" // no such provisioner or call, or not visible to the caller
	CodeProvisionerLimit    = "PROVISIONERS-3" // the subscription has as many provisioners as it can have
	CodeProvisionerPatch    = "PROVISIONERS-4" // an operation of the patch is not allowed
	CodeProvisioningDone    = "PROVISIONERS-5" // the call has had its answer, or another one took its place
	CodeProvisioningNothing = "PROVISIONERS-6" // there is nothing to retry or skip

	CodeEstateInvalid  = "ESTATE-1" // operator: a field is invalid
	CodeEstateNotFound = "ESTATE-2" // operator: no such resource
	CodeEstateConflict = "ESTATE-3" // operator: resource exists
)
