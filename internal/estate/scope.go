package estate

import (
	"slices"
	"strings"
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

// Holds tells whether p has name or an ancestor of it: a parent implies its
// children ("apps" holds "apps:read").
func (p Permissions) Holds(name string) bool {
	for _, held := range p {
		if held == name || strings.HasPrefix(name, held+":") {
			return true
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
