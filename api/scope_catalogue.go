package api

import (
	"slices"
	"strings"
)

// ScopeClass says whose rights a scope of the catalogue is about.
type ScopeClass string

// The classes of scopes.
const (
	ScopeClassAdmin ScopeClass = "admin" // of an administrator of the tenant; implied by ScopeAdminClassic
	ScopeClassUser  ScopeClass = "user"  // of any user of the tenant; implied by ScopeUserDefault
)

// ScopeOfflineAccess asks for a refresh token. It is in the catalogue, but no
// other scope implies it.
const ScopeOfflineAccess = "offline_access"

// TenantScopes are the scopes of the contract's catalogue that clients of a
// tenant can hold, those of one class. Clients may hold other names, too, but for
// those of IsRoleScope.
func TenantScopes(class ScopeClass) []string {
	if class == ScopeClassAdmin {
		return slices.Clone(adminScopes)
	}
	return slices.Clone(userScopes)
}

// IsRoleScope tells whether a name is one of the contract's catalogue that only roles
// can have. The contract names some of them.
func IsRoleScope(name string) bool {
	return name == "api-keys" || name == "notes" || name == "admin.csp" || strings.HasPrefix(name, "classic_talend.")
}

// ClassOfScope returns the class of a scope of the catalogue; ok is false for a
// name that is not in it.
func ClassOfScope(name string) (class ScopeClass, ok bool) {
	class, ok = scopeClasses[name]
	return class, ok
}

var scopeClasses = func() map[string]ScopeClass {
	all := make(map[string]ScopeClass, len(adminScopes)+len(userScopes))
	for _, name := range adminScopes {
		all[name] = ScopeClassAdmin
	}
	for _, name := range userScopes {
		all[name] = ScopeClassUser
	}
	return all
}()

var adminScopes = []string{
	ScopeAdminClassic,
	"admin.ai-descriptions",
	"admin.aiplatform",
	"admin.apps",
	"admin.apps:export",
	"admin.apps:read",
	"admin.assistants",
	"admin.auth-settings",
	"admin.automations",
	"admin.automations:read",
	"admin.collections.publicgoverned",
	"admin.dataproduct",
	"admin.dataquality",
	"admin.dataqualityrules",
	"admin.direct-access-gateways:delete_gateway",
	"admin.direct-access-gateways:register_gateway",
	"admin.direct-access-gateways:remote_configuration",
	"admin.extensions",
	"admin.ip-policies",
	"admin.knowledgebases",
	"admin.report-tasks",
	"admin.semantictype",
	"admin.spaces",
	"admin.spaces:read",
	"admin.sprints",
	"admin.themes",
	"admin.users",
	"admin.users:read",
	"admin.webhooks",
}

var userScopes = []string{
	ScopeUserDefault,
	"ai-descriptions",
	"analysis-agent",
	"app.share",
	"apps",
	"apps:export",
	"apps:read",
	"apps:manage",
	"apps.data:export",
	"apps.image:export",
	"apps.report:all",
	"apps.report:export",
	"assistants",
	"assistants:read",
	"automations",
	"automations:read",
	"automations.private",
	"automations.shared",
	"automl-deployments",
	"automl-deployments:predict",
	"automl-experiments",
	"automl-experiments:no_gen_ai_assist",
	"data-connections",
	"data-connections:read",
	"data-governance-agents",
	"dataproduct",
	"dataproduct:consume",
	"dataquality",
	"dataquality:read",
	"dataqualityrules",
	"dataqualityrules:assign",
	"dataset",
	"direct-access-gateways:consume_data",
	"discovery-agent",
	"discovery-agent:read",
	"environments:read",
	"geo-operations",
	"geo-operations.limited",
	"glossary:all",
	"glossary:manage",
	"glossary:update",
	"governance-definition:read",
	"help-agent",
	"identity.email:read",
	"identity.name:read",
	"identity.picture:read",
	"identity.subject:read",
	"knowledgebases",
	"knowledgebases:read",
	"knowledgebases:index",
	"knowledgebases:search",
	"lineage:create",
	"lineage:read",
	"mcp:execute",
	ScopeOfflineAccess,
	"semantictype",
	"semantictype:read",
	"spaces.data",
	"spaces.data:read",
	"spaces.managed",
	"spaces.managed:read",
	"spaces.shared",
	"spaces.shared:create",
	"spaces.shared:read",
	"sprints:all",
	"sprints:contribute",
	"thread-audits",
	"trustscore",
	"users",
	"users:read",
	"webhooks",
	"write-table:external_read",
}
