package store

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// What a method answers when the row is not there, or not in the scope.
var (
	errTenantNotFound = estate.E(estate.NotFound, api.CodeTenantNotFound, "Not found", "No such tenant.")
	errTenantChanged  = estate.E(estate.Conflict, api.CodeTenantChanged, "Tenant changed meanwhile", "Somebody else has changed the tenant; try again.")
	errUserNotFound   = estate.E(estate.NotFound, api.CodeUserNotFound, "Not found", "No such user.")
	errClientNotFound = estate.E(estate.NotFound, api.CodeClientNotFound, "Not found", "No such OAuth client.")

	errRoleNotFound  = estate.E(estate.NotFound, api.CodeRoleNotFound, "Not found", "No such role.")
	errGroupNotFound = estate.E(estate.NotFound, api.CodeGroupNotFound, "Not found", "No such group.")
	errSpaceNotFound = estate.E(estate.NotFound, api.CodeSpaceNotFound, "Not found", "No such space.")

	errAssignmentNotFound      = estate.E(estate.NotFound, api.CodeLicenseNotFound, "Not found", "The subject has no seat.")
	errSpaceAssignmentNotFound = estate.E(estate.NotFound, api.CodeSpaceAssignmentNotFound, "Not found", "No such assignment.")

	errCodeNotFound  = estate.E(estate.NotFound, api.CodeTokenNotFound, "Not found", "No such code or token.")
	errGrantNotFound = estate.E(estate.NotFound, api.CodeTokenNotFound, "Not found", "No such token.")

	errIdentityProviderNotFound  = estate.E(estate.NotFound, api.CodeIDPNotFound, "Not found", "No such identity provider.")
	errFormNotFound              = notFound("form")
	errIdentityNotFound          = notFound("identity")
	errSessionNotFound           = notFound("session")
	errAPIKeyNotFound            = estate.E(estate.NotFound, api.CodeAPIKeyNotFound, "Not found", "No such API key.")
	errCSPOriginNotFound         = estate.E(estate.NotFound, api.CodeCSPOriginNotFound, "Not found", "No such content security policy entry.")
	errWebIntegrationNotFound    = estate.E(estate.NotFound, api.CodeWebIntegrationNotFound, "Not found", "No such web integration.")
	errTenantPreferencesNotFound = estate.E(estate.NotFound, api.CodeTenantSettingsNotFound, "Not found", "The tenant has no settings of its own.")
	errProvisionerNotFound       = estate.E(estate.NotFound, api.CodeProvisionerNotFound, "Not found", "No such provisioner.")
	errProvisioningNotFound      = estate.E(estate.NotFound, api.CodeProvisionerNotFound, "Not found", "No provisioner was told of this tenant.")
	errCredentialNotFound        = notFound("credential")
	errLinkNotFound              = notFound("link")
	errSavedViewNotFound         = notFound("saved view")

	errOrganizationNotFound = notFound("organization")
	errAccountNotFound      = notFound("account")
	errRegionNotFound       = notFound("region")
	errSubscriptionNotFound = notFound("subscription")
)

func notFound(what string) *estate.Error {
	return estate.E(estate.NotFound, api.CodeEstateNotFound, "Not found", "No such "+what+".")
}

func taken(detail string) *estate.Error {
	return estate.E(estate.Conflict, api.CodeEstateConflict, "Already exists", detail)
}

// What tenants can't have twice.
var (
	ErrHostnameTaken  = estate.E(estate.Conflict, api.CodeTenantHostnameTaken, "Hostname already taken", "Another tenant has this host name.").At("/hostnames/0", "taken")
	ErrExternalIDUsed = estate.E(estate.Conflict, api.CodeTenantExternalID, "External id already used", "Another tenant of the subscription has this externalId.").At("/externalId", "used")
)

// constraintErrors says what it means to the caller that a unique constraint is
// violated. What is not listed is a defect of the program.
var constraintErrors = map[string]*estate.Error{
	"credentials.id":   taken("The passkey is somebody's already."),
	"regions.code":     taken("A region has this code."),
	"subscriptions.id": taken("A subscription has this licence number."),
	"subscriptions.organization_id, subscriptions.id":                taken("A subscription has this licence number."), // which of the two is violated first is the engine's choice
	"accounts.email_key":                                             taken("An account has this e-mail address."),
	"saved_views.account_id, saved_views.list, saved_views.name_key": taken("You have a view of this name."),
	"hostnames.hostname":                                             ErrHostnameTaken,
	"tenants.subscription_id, tenants.external_id":                   ErrExternalIDUsed,
	"keys.purpose, keys.generation":                                  taken("Another process made this key."),
	"users.tenant_id, users.client_id":                               taken("The client has a bot in this tenant."),
	"users.tenant_id, users.subject":                                 estate.E(estate.Conflict, api.CodeUserExists, "User already exists", "A user of this tenant has this subject."),
	"spaces.tenant_id, spaces.name":                                  estate.E(estate.Conflict, api.CodeSpaceExists, "Space already exists", "A space of this tenant has this name."),
	"space_assignments.tenant_id, space_assignments.assignee_id, space_assignments.space_id": estate.E(estate.Conflict, api.CodeSpaceAssignmentExists, "Assignment already exists", "The space has an assignment for this user or group."),
	"roles.tenant_id, roles.name":   estate.E(estate.Conflict, api.CodeRoleExists, "Role already exists", "A role of this tenant has this name."),
	"groups.tenant_id, groups.name": estate.E(estate.Conflict, api.CodeGroupExists, "Group already exists", "A group of this tenant has this name."),

	"csp_origins.tenant_id, csp_origins.origin": estate.E(estate.Invalid, api.CodeCSPOriginInvalid, "Invalid content security policy entry", "Another entry of the tenant has this origin.").At("/origin", "used"),

	"identity_providers.tenant_id, identity_providers.issuer":                                        estate.E(estate.Invalid, api.CodeIDPInvalid, "Invalid identity provider", "Another identity provider of the tenant has this issuer.").At("/options/issuer", "used"),
	"organization_identity_providers.organization_id":                                                estate.E(estate.Invalid, api.CodeIDPInvalid, "Invalid identity provider", "The organization has an identity provider; there can be only one."),
	"account_identities.organization_id, account_identities.provider_id, account_identities.subject": taken("Another account is known by this subject of the identity provider."),
	"identity_providers.tenant_id":                                                                   estate.E(estate.Invalid, api.CodeIDPInvalid, "Invalid identity provider", "The tenant has an interactive identity provider; there can be only one.").At("/interactive", "used"),
}
