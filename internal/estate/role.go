package estate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// RoleName is the name of a role within a tenant.
type RoleName string

// RoleTenantAdmin administers the tenant.
const RoleTenantAdmin RoleName = "TenantAdmin"

// RoleDeveloper lets a user have API keys.
const RoleDeveloper RoleName = "Developer"

// The built-in roles that let a user without an administrator's role create
// spaces of one type.
const (
	RoleSharedSpaceCreator  RoleName = "SharedSpaceCreator"
	RoleManagedSpaceCreator RoleName = "ManagedSpaceCreator"
	RoleDataSpaceCreator    RoleName = "DataSpaceCreator"
)

// RoleID is 24 hexadecimal digits.
type RoleID string

// RoleType says who made a role.
type RoleType string

// The types of roles.
const (
	RoleBuiltIn RoleType = "default"
	RoleCustom  RoleType = "custom"
)

// RoleLevel says whether a role administers.
type RoleLevel string

// The levels of roles.
const (
	RoleLevelAdmin RoleLevel = "admin"
	RoleLevelUser  RoleLevel = "user"
)

// Role is a set of rights within a tenant. Scopes are the administrators' scopes
// and others that it allows: a token's scopes count as far as the roles of its
// user allow them.
type Role struct {
	ID          RoleID
	Name        RoleName
	Description string
	Type        RoleType
	Level       RoleLevel
	Scopes      Permissions

	// Where it is read from a tenant, which has built-in roles since it was created:
	Organization OrganizationID
	Tenant       TenantID
	CreatedAt    time.Time
	UpdatedAt    time.Time

	// Only of custom roles:
	CreatedBy string
	UpdatedBy string
}

// LevelOfScopes is the level of a role with the scopes.
func LevelOfScopes(scopes Permissions) RoleLevel {
	if slices.ContainsFunc(scopes, IsAdminScope) {
		return RoleLevelAdmin
	}
	return RoleLevelUser
}

// IsAdminScope tells whether a scope is an administrator's, which a user has by
// a role only.
func IsAdminScope(name string) bool {
	return name == api.ScopeAdminClassic || strings.HasPrefix(name, "admin.")
}

// builtIn are the built-in roles, by name.
var builtIn = func() map[RoleName]Role {
	all := map[RoleName]Role{}
	for _, r := range []Role{
		{Name: RoleTenantAdmin, Level: RoleLevelAdmin, Description: "Administers the tenant: everything in it.", Scopes: Permissions{api.ScopeAdminClassic}},
		{Name: "AnalyticsAdmin", Level: RoleLevelAdmin, Description: "Administers spaces and analytics content.", Scopes: Permissions{
			"admin.apps", "admin.collections.publicgoverned", "admin.extensions", "admin.report-tasks", "admin.spaces", "admin.themes",
		}},
		{Name: "DataAdmin", Level: RoleLevelAdmin, Description: "Administers data products and data quality.", Scopes: Permissions{
			"admin.dataproduct", "admin.dataquality", "admin.dataqualityrules", "admin.semantictype",
		}},
		{Name: "AuditAdmin", Level: RoleLevelAdmin, Description: "Reads the audit trail."},
		{Name: "AutoMLDeploymentContributor", Description: "Deploys machine learning models."},
		{Name: "AutoMLExperimentContributor", Description: "Runs machine learning experiments."},
		{Name: "AutomationCreator", Description: "Creates automations."},
		{Name: RoleDataSpaceCreator, Description: "Creates data spaces."},
		{Name: "DataServicesContributor", Description: "Works with data services."},
		{Name: RoleDeveloper, Description: "Makes API keys."},
		{Name: "EmbeddedAnalyticsUser", Description: "Uses embedded content only."},
		{Name: RoleManagedSpaceCreator, Description: "Creates managed spaces."},
		{Name: "PrivateAnalyticsContentCreator", Description: "Creates content in the personal space."},
		{Name: RoleSharedSpaceCreator, Description: "Creates shared spaces."},
		{Name: "Steward", Description: "Looks after glossaries and data quality."},
		{Name: "UserDefault", Description: "What every user may do."},
	} {
		sum := sha256.Sum256([]byte("freehold role " + r.Name))
		r.ID, r.Type = RoleID(hex.EncodeToString(sum[:12])), RoleBuiltIn
		if r.Level == "" {
			r.Level = RoleLevelUser
		}
		all[r.Name] = r
	}
	return all
}()

// DefaultRole is the built-in role called name; ok is false if there is none.
// Built-in roles are the same in every tenant, so their ids are too.
func DefaultRole(name RoleName) (r Role, ok bool) {
	r, ok = builtIn[name]
	return r, ok
}

// DefaultRoles are the built-in roles, by name.
func DefaultRoles() []Role {
	var all []Role
	for _, r := range builtIn {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Role) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Access is what the roles of a user add up to, those of its groups included.
type Access struct {
	Roles  []RoleName
	Scopes Permissions // that the roles allow
}

// Has tells whether a role is among them.
func (a Access) Has(role RoleName) bool { return slices.Contains(a.Roles, role) }

// Limit is what is left of a token's scopes: administrators' scopes count as far
// as the roles allow them. Other scopes stay.
func (a Access) Limit(p Permissions) Permissions {
	if a.Has(RoleTenantAdmin) {
		return p
	}
	var left Permissions
	add := func(name string) {
		if !slices.Contains(left, name) {
			left = append(left, name)
		}
	}
	for _, name := range p {
		if !IsAdminScope(name) || a.Scopes.Holds(name) {
			add(name)
			continue
		}
		for _, allowed := range a.Scopes {
			if IsAdminScope(allowed) && (Permissions{name}).Holds(allowed) {
				add(allowed)
			}
		}
	}
	return left
}
