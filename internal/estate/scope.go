package estate

import (
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
)

// Scope is the part of the estate that a store method may touch. Organization
// is always needed; the other fields narrow further where they are set. The
// zero Scope matches nothing.
type Scope struct {
	Organization OrganizationID
	Subscription SubscriptionID
	Region       RegionCode
	Tenant       TenantID
}

// Permissions is a set of OAuth scope names ("scope" in OAuth's sense; Scope
// is this package's word for reach).
type Permissions []string

// ParsePermissions splits a space-separated list, drops duplicates and keeps
// the order.
func ParsePermissions(s string) Permissions {
	var p Permissions
	for name := range strings.FieldsSeq(s) {
		if !slices.Contains(p, name) {
			p = append(p, name)
		}
	}
	return p
}

// String joins the names with spaces.
func (p Permissions) String() string { return strings.Join(p, " ") }

// Holds tells whether p has name or something that implies it: a parent implies
// its children ("apps" holds "apps:read"), and the two dynamic sets imply what
// the catalogue has of their class. A name that is not in the catalogue is
// implied by no set: it means something only to a service that we don't know,
// which must not find it in a token whose client was never given it.
func (p Permissions) Holds(name string) bool {
	for _, held := range p {
		if held == name || strings.HasPrefix(name, held) && name[len(held)] == ':' {
			return true
		}
		if held == api.ScopeAdminClassic && strings.HasPrefix(name, "admin.") || held == api.ScopeUserDefault && isUserScope(name) {
			return true
		}
	}
	return false
}

// and are the names that both sets hold.
func (p Permissions) and(other Permissions) (both Permissions) {
	for _, name := range p {
		if other.Holds(name) {
			both = append(both, name)
		}
	}
	for _, name := range other {
		if p.Holds(name) && !slices.Contains(both, name) {
			both = append(both, name)
		}
	}
	return both
}

// isUserScope tells whether name, or a parent of it, is a user scope of the
// catalogue. Access while the user is away has to be given by name.
func isUserScope(name string) bool {
	parent, _, _ := strings.Cut(name, ":")
	for _, candidate := range []string{name, parent} {
		if class, ok := api.ClassOfScope(candidate); ok {
			return class == api.ScopeClassUser && candidate != api.ScopeOfflineAccess
		}
	}
	return false
}

// Within tells whether every name of p is held by other.
func (p Permissions) Within(other Permissions) bool {
	for _, name := range p {
		if !other.Holds(name) {
			return false
		}
	}
	return true
}
