package estate_test

import (
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

func TestPermissions_Holds_catalogue(t *testing.T) {
	for _, tt := range []struct {
		held  string
		name  string
		holds bool
	}{
		{"apps", "apps", true},
		{"apps", "apps:read", true},
		{"apps", "apps.data:export", false}, // another resource, not a child
		{"apps", "app.share", false},
		{"apps", "app", false},
		{"apps:read", "apps", false},
		{"apps:read", "apps:export", false},
		{"admin.apps", "admin.apps:read", true},
		{"admin.apps", "apps:read", false},

		{"admin_classic", "admin.apps", true},
		{"admin_classic", "admin.apps:read", true},
		{"admin_classic", "admin.of-mine", true}, // the prefix is the administrators'
		{"admin_classic", "apps", false},
		{"admin_classic", "user_default", false},
		{"admin_classic", "tenants:create", false},
		{"admin_classic", "cloud-console.tenants:read", false},
		{"admin_classic", "admin", false},

		{"user_default", "apps:read", true},
		{"user_default", "spaces.shared:create", true},
		{"user_default", "webhooks:read", true}, // child of a user scope
		{"user_default", "offline_access", false},
		{"user_default", "admin_classic", false},
		{"user_default", "admin.apps", false},
		{"user_default", "tenants:create", false},
		{"user_default", "crm:read", false}, // of somebody else's service
		{"user_default", "", false},
		{"", "apps", false},
	} {
		if got := estate.ParsePermissions(tt.held).Holds(tt.name); got != tt.holds {
			t.Errorf("%q holds %q: %v, want %v", tt.held, tt.name, got, tt.holds)
		}
	}
}

// No set of one class reaches into the other, and none above the tenant.
func TestPermissions_Holds_classes(t *testing.T) {
	sets := map[api.ScopeClass]estate.Permissions{api.ScopeClassAdmin: {api.ScopeAdminClassic}, api.ScopeClassUser: {api.ScopeUserDefault}}
	for holder, held := range sets {
		for class := range sets {
			for _, name := range api.TenantScopes(class) {
				want := holder == class && name != api.ScopeOfflineAccess
				if got := held.Holds(name); got != want {
					t.Errorf("%s holds %s: %v", held, name, got)
				}
			}
		}
		for _, name := range append(api.RegionScopes()[1:], api.OrganizationScopes()...) {
			if held.Holds(name) {
				t.Errorf("%s holds %s", held, name)
			}
		}
	}
}
