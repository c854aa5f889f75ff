package store

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// What a method answers when the row is not there, or not in the scope.
var (
	errTenantNotFound = estate.E(estate.NotFound, api.CodeTenantNotFound, "Not found", "No such tenant.")
	errUserNotFound   = estate.E(estate.NotFound, api.CodeUserNotFound, "Not found", "No such user.")
	errClientNotFound = estate.E(estate.NotFound, api.CodeClientNotFound, "Not found", "No such OAuth client.")

	errGrantNotFound = estate.E(estate.NotFound, api.CodeTokenNotFound, "Not found", "No such token.")

	errProvisionerNotFound  = estate.E(estate.NotFound, api.CodeProvisionerNotFound, "Not found", "No such provisioner.")
	errProvisioningNotFound = estate.E(estate.NotFound, api.CodeProvisionerNotFound, "Not found", "No provisioner was told of this tenant.")

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

// constraintErrors says what it means to the caller that a unique constraint is
// violated. What is not listed is a defect of the program.
var constraintErrors = map[string]*estate.Error{
	"regions.code":     taken("A region has this code."),
	"subscriptions.id": taken("A subscription has this licence number."),
	"subscriptions.organization_id, subscriptions.id": taken("A subscription has this licence number."), // which of the two is violated first is the engine's choice
	"accounts.email_key":                              taken("An account has this e-mail address."),
	"hostnames.hostname":                              estate.E(estate.Conflict, api.CodeTenantHostnameTaken, "Hostname already taken", "Another tenant has this host name.").At("/hostnames/0", "taken"),
	"tenants.subscription_id, tenants.external_id":    estate.E(estate.Conflict, api.CodeTenantExternalID, "External id already used", "Another tenant of the subscription has this externalId.").At("/externalId", "used"),
	"keys.purpose, keys.generation":                   taken("Another process made this key."),
	"users.tenant_id, users.client_id":                taken("The client has a bot in this tenant."),
	"users.tenant_id, users.subject":                  taken("A user of this tenant has this subject."),
}

func constraintError(err error) error {
	if known, ok := constraintErrors[violated(err)]; ok {
		return known.Because(err)
	}
	return err
}
