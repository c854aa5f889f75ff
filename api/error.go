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
	Code    string  `json:"code,omitempty"` // of CSRF-TOKEN-2 only: the contract's clients look for it here
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
	CodeNoOwner           = "AUTH-4"  // the account owns no subscription
	CodeOtherOwner        = "AUTH-5"  // the account owns other subscriptions than this is about
	CodeOneTenant         = "AUTH-6"  // the subscription is for one tenant, and has no region clients
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

	CodeOAuthRedirectURI          = "OAUTH-1"  // redirect_uri is not registered
	CodeOAuthInvalidGrant         = "OAUTH-6"  // RFC 6749 invalid_grant: code or token is of no use
	CodeOAuthAccessDenied         = "OAUTH-7"  // RFC 6749 access_denied: the person refused
	CodeOAuthLoginRequired        = "OAUTH-8"  // OpenID Connect login_required
	CodeOAuthConsentRequired      = "OAUTH-9"  // OpenID Connect consent_required
	CodeOAuthResponseType         = "OAUTH-10" // RFC 6749 unsupported_response_type
	CodeOAuthPending              = "OAUTH-11" // RFC 8628 authorization_pending
	CodeOAuthSlowDown             = "OAUTH-12" // RFC 8628 slow_down
	CodeOAuthDeviceExpired        = "OAUTH-13" // RFC 8628 expired_token
	CodeOAuthRegistrationURI      = "OAUTH-15" // RFC 7591 invalid_redirect_uri
	CodeOAuthRegistrationInvalid  = "OAUTH-16" // RFC 7591 invalid_client_metadata
	CodeOAuthRegistrationOff      = "OAUTH-17" // the tenant lets no client register itself
	CodeOAuthUserCode             = "OAUTH-18" // no device waits with this code
	CodeOAuthBusy                 = "OAUTH-19" // too many devices wait, or too many clients registered themselves
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
	CodeTenantPatch          = "TENANTS-10" // the patch is wrong; meta says why, with one of the next four or TENANTS-31
	CodeTenantPatchOp        = "TENANTS-11" // op is not replace
	CodeTenantPatchPath      = "TENANTS-12" // path is not one that can be changed
	CodeTenantPatchValue     = "TENANTS-13" // value is of the wrong type, or out of bounds
	CodeTenantPatchAlias     = "TENANTS-14" // the alias is not a host name that the tenant can have
	CodeTenantLicenseMissing = "TENANTS-21" // body has no licenseKey
	CodeTenantQuota          = "TENANTS-22" // the entitlement's tenant count is used up
	CodeTenantLicenseInvalid = "TENANTS-23" // licence key is unusable here and now
	CodeTenantInternal       = "TENANTS-24" // tenant could not be created
	CodeTenantInvalid        = "TENANTS-30" // a field of the tenant is invalid
	CodeTenantHostnameTaken  = "TENANTS-31" // requested host name belongs to another tenant
	CodeTenantExternalID     = "TENANTS-32" // externalId is used in this subscription
	CodeIdempotencyMismatch  = "TENANTS-33" // Idempotency-Key was used with another body
	CodeTenantConfirm        = "TENANTS-34" // the header qlik-confirm-hostname does not name the tenant
	CodeTenantProtected      = "TENANTS-35" // the tenant is protected from deactivation
	CodeTenantChanged        = "TENANTS-36" // somebody else changed the tenant meanwhile
	CodeTenantUnexpected     = "TENANTS-37" // a bulk request picks another number of tenants than expected
	CodeTenantDeactivated    = "TENANT_DEACTIVATED"

	CodeUserInvalid   = "USERS-1" // a field of the user, or an operation of the patch, is invalid
	CodeUserExists    = "USERS-2" // a user of the tenant has the subject
	CodeUserLastAdmin = "USERS-3" // the tenant would be left without an administrator
	CodeUserNotFound  = "USERS-7" // no such user, or not visible to the caller

	CodeLicenseInvalid  = "LICENSES-001" // what is asked for is no assignment of a seat
	CodeLicenseNone     = "LICENSES-011" // the subscription has no seat left
	CodeLicenseOther    = "LICENSES-012" // the subject has a seat of another type
	CodeLicenseNotFound = "LICENSES-016" // the subject has no seat, or there is no such subject

	CodeSpaceInvalid            = "SPACES-1" // a field of the space or assignment, or an operation of the patch, is invalid
	CodeSpaceExists             = "SPACES-2" // a space of the tenant has the name
	CodeSpaceNotFound           = "SPACES-7" // no such space in the tenant, or not visible to the caller
	CodeSpaceAssignmentNotFound = "SPACES-8" // no such assignment of the space
	CodeSpaceAssignmentExists   = "SPACES-9" // the space has an assignment for the user or group

	CodeInviteActive   = "INVITES-1001" // the invited is an active user
	CodeInviteDisabled = "INVITES-1002" // the invited is a disabled user

	CodeRoleInvalid  = "ROLES-1" // a field of the role, or an operation of the patch, is invalid
	CodeRoleExists   = "ROLES-2" // a role of the tenant has the name
	CodeRoleLimit    = "ROLES-3" // the tenant has as many custom roles as it can have
	CodeRoleAssigned = "ROLES-4" // the role is assigned to users or groups
	CodeRoleBuiltIn  = "ROLES-5" // built-in roles can't be changed
	CodeRoleNotFound = "ROLES-7" // no such role in the tenant

	CodeGroupInvalid  = "GROUPS-1" // a field of the group, or an operation of the patch, is invalid
	CodeGroupExists   = "GROUPS-2" // a group of the tenant has the name
	CodeGroupLimit    = "GROUPS-3" // the tenant has as many groups as it can have
	CodeGroupNotFound = "GROUPS-7" // no such group in the tenant

	CodeLoginRefused       = "LOGIN-3"      // nobody can be signed in by this token, or this answer of an identity provider
	CodeLoginNoInteractive = "LOGIN-4"      // the tenant has no interactive identity provider to send people to
	CodeLoginState         = "LOGIN-5"      // the answer is not to a login that this browser began, or comes too late
	CodeLoginWrong         = "LOGIN-6"      // e-mail address, password, code or passkey is wrong
	CodeLoginTooMany       = "LOGIN-7"      // too many failed attempts to sign in from this address; see Retry-After
	CodeLoginCode          = "LOGIN-8"      // the password is right, and a code is needed too
	CodeLoginStale         = "LOGIN-9"      // what one signs in with can be changed only soon after signing in
	CodeLinkNone           = "LOGIN-10"     // the link was used, has expired, or is none
	CodeLinkUser           = "LOGIN-11"     // bots and disabled users get no link
	CodeCredential         = "LOGIN-12"     // the password, code or passkey can't be set up
	CodeLoginLink          = "LOGIN-13"     // the account has to be made known to the identity provider first, by who signs in to it otherwise
	CodeCredentialTaken    = "LOGIN-14"     // somebody else has the password's e-mail address, or the identity, already
	CodeCSRF               = "CSRF-TOKEN-2" // a request with a session cookie does not show the session's CSRF token, or comes from another site

	CodeIDPInvalid     = "IDP-1" // a field of the identity provider is invalid
	CodeIDPNotFound    = "IDP-2" // no such identity provider, or not visible to the caller
	CodeIDPPatch       = "IDP-3" // an operation of the patch is not allowed
	CodeIDPUnverified  = "IDP-4" // pendingOptions must pass a test before they are promoted
	CodeIDPUnsupported = "IDP-5" // the protocol, or a part of it, is not supported

	CodeAuthSettings = "AUTHSETTINGS-1" // a setting is invalid, or can't be changed

	CodeTenantSettingsInvalid  = "TENANTSETTINGS-1" // a setting is invalid, or an operation of the patch can't be done
	CodeTenantSettingsTest     = "TENANTSETTINGS-2" // a test of the patch does not hold
	CodeTenantSettingsExist    = "TENANTSETTINGS-3" // the tenant has settings of its own
	CodeTenantSettingsNotFound = "TENANTSETTINGS-4" // the tenant has no settings of its own

	CodeQuotaNotFound = "QUOTAS-1" // there is no such quota

	CodeAPIKeyInvalid  = "APIKEYS-1" // a field of the API key or of its settings, or an operation of the patch, is invalid
	CodeAPIKeyNotFound = "APIKEYS-2" // no such API key, or not visible to the caller
	CodeAPIKeyLimit    = "APIKEYS-3" // the user has as many active API keys as the tenant allows
	CodeAPIKeyUser     = "APIKEYS-4" // the user can't have API keys

	CodeCSPOriginInvalid  = "CSPORIGINS-1" // a field of the entry is invalid
	CodeCSPOriginNotFound = "CSPORIGINS-2" // no such entry in the tenant
	CodeCSPOriginLimit    = "CSPORIGINS-3" // the tenant has as many entries as it can have

	CodeWebIntegrationInvalid  = "WEBINTEGRATIONS-1" // a field of the web integration, or an operation of the patch, is invalid
	CodeWebIntegrationNotFound = "WEBINTEGRATIONS-2" // no such web integration in the tenant
	CodeWebIntegrationLimit    = "WEBINTEGRATIONS-3" // the tenant has as many web integrations as it can have

	CodeClientInvalid     = "OAUTHCLIENTS-1" // a field of the client is invalid
	CodeClientNotFound    = "OAUTHCLIENTS-2" // no such client, or not visible to the caller
	CodeClientEntitlement = "OAUTHCLIENTS-3" // the subscription's entitlement does not allow it
	CodeClientConfirm     = "OAUTHCLIENTS-4" // the header qlik-confirm-delete does not name the client
	CodeClientPatch       = "OAUTHCLIENTS-5" // an operation of the patch is not allowed
	CodeSecretNotFound    = "OAUTHCLIENTS-6" // the client has no secret with this hint
	CodeSecretLimit       = "OAUTHCLIENTS-7" // the client has as many secrets as it can have
	CodeSecretRotation    = "OAUTHCLIENTS-8" // a rotation is running, or none is

	CodeFederatedNotFound = "OAUTHCLIENTS-20" // the client has no federated credential of this name
	CodeFederatedExists   = "OAUTHCLIENTS-21" // the client has a federated credential of this name

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
