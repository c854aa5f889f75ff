package event

import "strings"

// kind is the event that an action of the audit trail is.
type kind struct {
	eventType string
	source    string
	title     string // what happened, in one short sentence
}

// Sources of the documented events.
const (
	sourceTenants      = "com.qlik/tenants"
	sourceOAuthClients = "com.qlik/oauth-clients"
	sourceOAuthTokens  = "com.qlik/oauth-tokens"
	sourceIdentities   = "com.qlik/identities" // of users
	sourceAPIKeys      = "com.qlik/api-keys"
)

// kinds are the actions whose events the contract documents. Others are
// "com.freehold." and the action, from "com.freehold/" and what they are about.
var kinds = map[string]kind{
	"tenant.create":     {"com.qlik.tenant.created", sourceTenants, "A tenant was created."},
	"tenant.update":     {"com.qlik.tenant.updated", sourceTenants, "A tenant was changed."},
	"tenant.deactivate": {"com.qlik.v1.tenant.deactivated", sourceTenants, "A tenant was deactivated."},
	"tenant.reactivate": {"com.qlik.v1.tenant.reactivated", sourceTenants, "A tenant was reactivated."},
	"tenant.purge":      {"com.qlik.tenant.deleted", sourceTenants, "A tenant was purged."},

	"tenant.allowed-deactivate":    {"com.qlik.v1.tenant.allowed-deactivate", sourceTenants, "A tenant may be deactivated."},
	"tenant.disallowed-deactivate": {"com.qlik.v1.tenant.disallowed-deactivate", sourceTenants, "A tenant is protected from deactivation."},

	"oauth-client.create":             {"com.qlik.core.oauth-client.created", sourceOAuthClients, "An OAuth client was created."},
	"oauth-client.update":             {"com.qlik.core.oauth-client.updated", sourceOAuthClients, "An OAuth client was changed."},
	"oauth-client.delete":             {"com.qlik.core.oauth-client.deleted", sourceOAuthClients, "An OAuth client was deleted."},
	"oauth-client.publish":            {"com.qlik.core.oauth-client.published", sourceOAuthClients, "An OAuth client was published."},
	"oauth-client.secret.create":      {"com.qlik.core.oauth-client.secret.created", sourceOAuthClients, "An OAuth client got a secret."},
	"oauth-client.secret.delete":      {"com.qlik.core.oauth-client.secret.deleted", sourceOAuthClients, "A secret of an OAuth client was deleted."},
	"oauth-client.connection.approve": {"com.qlik.core.oauth-client.connection-config.approved", sourceOAuthClients, "A tenant let an OAuth client act."},
	"oauth-client.connection.update":  {"com.qlik.core.oauth-client.connection-config.updated", sourceOAuthClients, "A tenant decided about an OAuth client."},
	"oauth-client.connection.delete":  {"com.qlik.core.oauth-client.connection-config.deleted", sourceOAuthClients, "A tenant took its consent from an OAuth client."},
	"oauth-token.issue":               {"com.qlik.core.oauth-token.issued", sourceOAuthTokens, "An OAuth client got tokens."},
	"oauth-token.revoke":              {"com.qlik.core.oauth-token.revoked", sourceOAuthTokens, "A token was revoked."},
	"oauth-token.delete":              {"com.qlik.core.oauth-token.revoked", sourceOAuthTokens, "The tokens of a grant were revoked."},
}

// renamed are events under other names than those of kindOf: the contract has changed
// its names and documents the old ones beside the new.
var renamed = map[string][]kind{
	"user.create":    {{eventType: "com.qlik.core.user.created", source: sourceIdentities}, {eventType: "com.qlik.v1.user.created", source: sourceIdentities}},
	"user.delete":    {{eventType: "com.qlik.core.user.deleted", source: sourceIdentities}, {eventType: "com.qlik.v1.user.deleted", source: sourceIdentities}},
	"api-key.create": {{eventType: "com.qlik.core.api-key.created", source: sourceAPIKeys}, {eventType: "com.qlik.api-key.created", source: sourceAPIKeys}},
	"api-key.update": {{eventType: "com.qlik.core.api-key.updated", source: sourceAPIKeys}, {eventType: "com.qlik.api-key.updated", source: sourceAPIKeys}},
	"api-key.delete": {{eventType: "com.qlik.core.api-key.deleted", source: sourceAPIKeys}, {eventType: "com.qlik.api-key.deleted", source: sourceAPIKeys}},

	"oauth-token.issue":  {{eventType: "com.qlik.oauth-token.issued", source: sourceOAuthTokens}},
	"oauth-token.revoke": {{eventType: "com.qlik.oauth-token.revoked", source: sourceOAuthTokens}},
	"oauth-token.delete": {{eventType: "com.qlik.oauth-token.revoked", source: sourceOAuthTokens}},
}

// otherNames are the event of an action under its other names: those of clients also as
// they were called, those of tenants also as they are called now.
func otherNames(action string) []kind {
	const then, now = "com.qlik.v1.", "com.qlik.core."
	switch k := kinds[action]; k.source {
	case sourceOAuthClients:
		return []kind{{eventType: then + strings.TrimPrefix(k.eventType, now), source: k.source}}
	case sourceTenants:
		return []kind{{eventType: now + strings.TrimPrefix(strings.TrimPrefix(k.eventType, then), "com.qlik."), source: k.source}}
	}
	return renamed[action]
}

// kindOf is the event of an action that was done.
func kindOf(action string) kind {
	if k, ok := kinds[action]; ok {
		return k
	}
	area, _, _ := strings.Cut(action, ".")
	return kind{eventType: "com.freehold." + action, source: "com.freehold/" + area}
}

// otherActions are those that the contract has no events for, with their titles.
// They are listed so that a webhook can be made for them before they happen.
var otherActions = map[string]string{
	"oauth-client.enable":                      "An OAuth client was enabled.",
	"oauth-client.disable":                     "An OAuth client was disabled.",
	"oauth-client.throttle":                    "An OAuth client was slowed down after wrong secrets.",
	"oauth-client.secret.expiring":             "A secret of an OAuth client will end soon.",
	"oauth-client.secret.expire":               "A secret of an OAuth client has ended.",
	"oauth-token.approve":                      "A person let a program act.",
	"oauth-client.secret.rotate":               "The rotation of a secret began.",
	"oauth-client.secret.finish-rotation":      "The rotation of a secret was finished.",
	"oauth-client.secret.cancel-rotation":      "The rotation of a secret was cancelled.",
	"user.create":                              "A user was created.",
	"user.update":                              "A user was changed.",
	"user.delete":                              "A user was deleted.",
	"user.adopt":                               "A bot was given to another client.",
	"oauth-client.federated-credential.create": "An OAuth client trusts another outside issuer.",
	"oauth-client.federated-credential.delete": "An OAuth client no longer trusts an outside issuer.",
	"user.invite":                              "A person was invited.",
	"role.create":                              "A role was created.",
	"role.update":                              "A role was changed.",
	"role.delete":                              "A role was deleted.",
	"group.create":                             "A group was created.",
	"group.update":                             "A group was changed.",
	"group.delete":                             "A group was deleted.",
	"group-settings.update":                    "The settings of groups were changed.",
	"license-settings.update":                  "The settings of licences were changed.",
	"license.assignment.add":                   "Somebody got a seat.",
	"license.assignment.update":                "Somebody got a seat of another type.",
	"license.assignment.delete":                "Somebody gave up a seat.",
	"space.create":                             "A space was created.",
	"space.update":                             "A space was changed.",
	"space.delete":                             "A space was deleted.",
	"space.assignment.create":                  "Somebody got roles in a space.",
	"space.assignment.update":                  "Somebody got other roles in a space.",
	"space.assignment.delete":                  "Somebody lost the roles in a space.",
	"identity-provider.create":                 "An identity provider was created.",
	"identity-provider.update":                 "An identity provider was changed.",
	"identity-provider.delete":                 "An identity provider was deleted.",
	"identity-provider.test":                   "An identity provider was tested.",
	"session.create":                           "Somebody signed in.",
	"session.delete":                           "Somebody signed out.",
	"credential.create":                        "Somebody got another way to sign in.",
	"credential.delete":                        "Somebody gave up a way to sign in.",
	"sign-in-link.create":                      "A link was made that signs somebody in once.",
	"auth-settings.update":                     "The settings of sessions were changed.",
	"tenant-settings.create":                   "A tenant got settings of its own.",
	"tenant-settings.update":                   "The settings of a tenant were changed.",
	"tenant-settings.delete":                   "The settings of a tenant are those by default again.",
	"api-key.create":                           "An API key was created.",
	"api-key.update":                           "An API key was changed.",
	"api-key.revoke":                           "An API key was revoked.",
	"api-key.delete":                           "An API key was deleted.",
	"api-key.expire":                           "An API key has expired.",
	"api-key-settings.update":                  "The limits of API keys were changed.",
	"csp-origin.create":                        "An origin was added to the content security policy.",
	"csp-origin.update":                        "An origin of the content security policy was changed.",
	"csp-origin.delete":                        "An origin was taken from the content security policy.",
	"web-integration.create":                   "A web integration was created.",
	"web-integration.update":                   "A web integration was changed.",
	"web-integration.delete":                   "A web integration was deleted.",
	"tenant.bulk":                              "Many tenants were to be changed at once.",
	"webhook.create":                           "A webhook was created.",
	"webhook.update":                           "A webhook was changed.",
	"webhook.delete":                           "A webhook was deleted.",
	"webhook.test":                             "A webhook was tested.",
	"webhook.disable":                          "A webhook was disabled because its address does not answer.",
	"provisioning.ready":                       "A provisioner is ready with a tenant.",
	"provisioning.fail":                        "A provisioner failed with a tenant.",
	"provisioning.retry":                       "Provisioners are called about a tenant once more.",
	"provisioning.skip":                        "A tenant waits no more for provisioners.",
}

// aboveTenants are actions that are never about a tenant.
var aboveTenants = map[string]string{
	"organization.create":    "An organization was created.",
	"subscription.create":    "A subscription was created.",
	"subscription.update":    "A subscription was changed.",
	"subscription.set-seats": "A subscription got another number of seats.",
	"account.create":         "An account was created.",
	"account.set-password":   "An account got a password.",
	"tenant.seed":            "Tenants were made for a test.",
	"oauth-client.seed":      "OAuth clients were made for a test.",

	"provisioner.create":        "A provisioner was created.",
	"provisioner.update":        "A provisioner was changed.",
	"provisioner.rotate-secret": "A provisioner got another secret.",
	"provisioner.delete":        "A provisioner was deleted.",
}

// platform are the actions of the server itself and its operator, which belong to
// no organization and whose events nobody can subscribe to.
var platform = []string{"region.create", "signing-key.create", "signing-key.delete", "master-key.change", "tenant-counts.repair"}
