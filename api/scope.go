package api

// Scopes that Freehold itself checks. Tenant clients may hold others; they are
// carried in tokens for the benefit of the caller's own services.
const (
	ScopeUserDefault       = "user_default"  // everything a user may do; clients send it by default
	ScopeAdminClassic      = "admin_classic" // everything an administrator of the tenant may do
	ScopeTenantsCreate     = "tenants:create"
	ScopeTenantsDeactivate = "tenants:deactivate"
	ScopeTenantsReactivate = "tenants:reactivate"

	ScopeOrgTenantsRead  = "cloud-console.tenants:read"
	ScopeOrgOAuthClients = "cloud-console.oauth-clients" // create and manage organization-level clients

	ScopeOrgOAuthClientsRead  = ScopeOrgOAuthClients + ":read"  // list and read them
	ScopeOrgSubscriptions     = "cloud-console.subscriptions"   // create and manage the region-level clients of subscriptions
	ScopeOrgSubscriptionsRead = ScopeOrgSubscriptions + ":read" // list and read subscriptions and their clients
	ScopeOrgAuditsRead        = "cloud-console.audits:read"     // read the audit trail of the organization and its tenants
	ScopeOrgWebhooks          = "cloud-console.webhooks"        // manage the webhooks of the organization

	ScopeOrgIdentityProviders = "cloud-console.identity-providers" // manage by which identity provider accounts sign in

	ScopeAdminWebhooks = "admin.webhooks" // manage the webhooks of a tenant
)

// RegionScopes are the scopes a region-level client can hold.
func RegionScopes() []string {
	return []string{ScopeAdminClassic, ScopeTenantsCreate, ScopeTenantsDeactivate, ScopeTenantsReactivate}
}

// OrganizationScopes are the scopes that mean something at the console host.
func OrganizationScopes() []string {
	return []string{ScopeOrgTenantsRead, ScopeOrgOAuthClients, ScopeOrgOAuthClientsRead, ScopeOrgSubscriptions, ScopeOrgSubscriptionsRead, ScopeOrgAuditsRead, ScopeOrgWebhooks, ScopeOrgIdentityProviders}
}

// OrganizationClientScopes are the scopes an organization-level client can
// hold. ScopeAdminClassic lets it reach into tenants, by token exchange.
func OrganizationClientScopes() []string {
	return append(OrganizationScopes(), ScopeAdminClassic)
}
