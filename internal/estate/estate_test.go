package estate_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

func TestPermissions_Holds(t *testing.T) {
	held := estate.ParsePermissions(" apps  spaces:read\tuser_default\napps ")
	if want := (estate.Permissions{"apps", "spaces:read", "user_default"}); !slices.Equal(held, want) {
		t.Fatalf("parsed %q", held)
	}
	if held.String() != "apps spaces:read user_default" || estate.ParsePermissions("") != nil {
		t.Errorf("%q", held)
	}
	for name, want := range map[string]bool{
		"apps": true, "apps:read": true, "apps:read:own": true, "apps:": true, "app": false, "apps.read": false, "apps-x": false, "Apps": false, "": false,
		"spaces": false, "spaces:read": true, "spaces:read:x": true, "spaces:reader": false, "spaces:write": false, "user_default": true, ":apps": false,
	} {
		if held.Holds(name) != want {
			t.Errorf("holds %q: %v", name, !want)
		}
	}
	for text, want := range map[string]bool{"": true, "apps:read": true, "apps apps:read spaces:read": true, "apps spaces": false, "x": false} {
		if estate.ParsePermissions(text).Within(held) != want {
			t.Errorf("%q within: %v", text, !want)
		}
	}
	if (estate.Permissions{}).Holds("apps") || !estate.Permissions(nil).Within(nil) {
		t.Error("the empty set holds something")
	}
}

// TestSurface_Admits tries clients of every level and owner at every surface.
func TestSurface_Admits(t *testing.T) {
	tenant := estate.Tenant{ID: "t1", Organization: "o1", Subscription: "s1", Region: "us"}
	surfaces := map[string]estate.Surface{
		"console":  {Kind: estate.SurfaceConsole},
		"register": {Kind: estate.SurfaceRegister, Region: "us"},
		"tenant":   {Kind: estate.SurfaceTenant, Tenant: tenant},
		"nowhere":  {},
	}
	organization, region := estate.Scope{Organization: "o1"}, estate.Scope{Organization: "o1", Subscription: "s1", Region: "us"}
	for name, test := range map[string]struct {
		client estate.Client
		at     map[string]estate.Scope // where it is admitted, and how far it reaches there
	}{
		"organization":              {estate.Client{Level: estate.LevelOrganization, Scope: organization}, map[string]estate.Scope{"console": organization}},
		"region":                    {estate.Client{Level: estate.LevelRegion, Scope: region}, map[string]estate.Scope{"register": region, "tenant": tenant.Scope()}},
		"region, other region":      {estate.Client{Level: estate.LevelRegion, Scope: estate.Scope{Organization: "o1", Subscription: "s1", Region: "eu"}}, nil},
		"region, other licence":     {estate.Client{Level: estate.LevelRegion, Scope: estate.Scope{Organization: "o1", Subscription: "s2", Region: "us"}}, map[string]estate.Scope{"register": {Organization: "o1", Subscription: "s2", Region: "us"}}},
		"region, other owner":       {estate.Client{Level: estate.LevelRegion, Scope: estate.Scope{Organization: "o2", Subscription: "s1", Region: "us"}}, map[string]estate.Scope{"register": {Organization: "o2", Subscription: "s1", Region: "us"}}},
		"tenant":                    {estate.Client{Level: estate.LevelTenant, Scope: tenant.Scope()}, map[string]estate.Scope{"tenant": tenant.Scope()}},
		"tenant, other tenant":      {estate.Client{Level: estate.LevelTenant, Scope: estate.Scope{Organization: "o1", Subscription: "s1", Region: "us", Tenant: "t2"}}, nil},
		"tenant, same id elsewhere": {estate.Client{Level: estate.LevelTenant, Scope: estate.Scope{Organization: "o2", Subscription: "s1", Region: "us", Tenant: "t1"}}, nil},
		"nobody":                    {estate.Client{}, nil},
		"unknown level":             {estate.Client{Level: "galaxy", Scope: organization}, nil},
	} {
		for where, surface := range surfaces {
			scope, ok := surface.Admits(&test.client)
			if want, admitted := test.at[where]; ok != admitted || ok && scope != want {
				t.Errorf("%s client at %s: %v %+v", name, where, ok, scope)
			}
		}
	}
}

func TestActor_Can(t *testing.T) {
	client := estate.Actor{Kind: estate.ActorClient, Level: estate.LevelRegion, Permissions: estate.Permissions{"tenants:create"}}
	for name, test := range map[string]struct {
		actor estate.Actor
		level estate.Level
		scope string
		want  bool
	}{
		"it can":             {client, estate.LevelRegion, "tenants:create", true},
		"another permission": {client, estate.LevelRegion, "tenants:deactivate", false},
		"another level":      {client, estate.LevelOrganization, "tenants:create", false},
		"an account":         {estate.Actor{Kind: estate.ActorAccount, Level: estate.LevelRegion, Permissions: client.Permissions}, estate.LevelRegion, "tenants:create", true},
		"a user":             {estate.Actor{Kind: estate.ActorUser, Level: estate.LevelRegion, Permissions: client.Permissions}, estate.LevelRegion, "tenants:create", false},
		"nobody":             {estate.Actor{}, "", "", false},
	} {
		if have := test.actor.Can(test.level, test.scope); have != test.want {
			t.Errorf("%s: %v", name, have)
		}
	}
	if !estate.Operator("me").IsOperator() || client.IsOperator() || (estate.Actor{}).IsOperator() {
		t.Error("somebody else is the operator")
	}
	for level, want := range map[estate.Level]bool{"tenant": true, "region": true, "organization": true, "": false, "Tenant": false} {
		if level.Valid() != want {
			t.Errorf("level %q valid: %v", level, !want)
		}
	}
}

func TestSubscription(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := estate.Subscription{StartsAt: start, EndsAt: start.AddDate(1, 0, 0), TenantLimit: 2}
	for at, want := range map[time.Time]bool{start.Add(-1): false, start: true, s.EndsAt.Add(-1): true, s.EndsAt: false} {
		if s.ValidAt(at) != want {
			t.Errorf("valid at %v: %v", at, !want)
		}
	}
	if s.TenantLimit = 2; !s.MultiTenant() {
		t.Error("two tenants are not several")
	}
	if s.TenantLimit = 1; s.MultiTenant() {
		t.Error("one tenant is several")
	}
}

func TestError(t *testing.T) {
	base := estate.E(estate.Forbidden, "TENANTS-22", "License quota limit reached", "No place.")
	cause := errors.New("row 7 is locked")
	field := base.At("/name", "too long").InParameter("limit", "too large").Because(cause)
	if len(base.Fields) != 0 || base.Unwrap() != nil {
		t.Error("making a copy changed the original")
	}
	if len(field.Fields) != 2 || field.Fields[0].Pointer != "/name" || field.Fields[1].Parameter != "limit" {
		t.Errorf("fields %+v", field.Fields)
	}
	first, second := field.At("/a", "a"), field.At("/b", "b")
	if first.Fields[2].Pointer != "/a" || second.Fields[2].Pointer != "/b" {
		t.Error("two copies share their fields")
	}
	if !errors.Is(field, cause) || !errors.Is(fmt.Errorf("wrapped: %w", field), base) {
		t.Error("errors.Is does not find the cause or the case")
	}
	for _, other := range []error{estate.E(estate.Forbidden, "TENANTS-23", "", ""), estate.E(estate.Invalid, "TENANTS-22", "", ""), cause} {
		if errors.Is(base, other) {
			t.Errorf("%v is %v", base, other)
		}
	}
	for _, part := range []string{"TENANTS-22", "License quota limit reached", "No place.", "/name: too long", "limit: too large", "row 7 is locked"} {
		if !strings.Contains(field.Error(), part) {
			t.Errorf("%q says nothing of %q", field.Error(), part)
		}
	}
}

func TestDefaultRole(t *testing.T) {
	admin, ok := estate.DefaultRole(estate.RoleTenantAdmin)
	if !ok || !admin.ID.Valid() || admin.Name != "TenantAdmin" || admin.Type != "default" || admin.Level != "admin" {
		t.Errorf("%+v", admin)
	}
	if admin.ID != "c6776f50a0bd0dcd7f65f66d" {
		t.Errorf("the id of a built-in role changed to %s", admin.ID)
	}
	ids := map[estate.RoleID]bool{}
	for _, r := range estate.DefaultRoles() {
		if ids[r.ID] || r.Description == "" || (r.Level == estate.RoleLevelUser) != (estate.LevelOfScopes(r.Scopes) == estate.RoleLevelUser && r.Name != "AuditAdmin") {
			t.Errorf("%+v", r)
		}
		ids[r.ID] = true
	}
	if _, ok := estate.DefaultRole("tenantadmin"); ok || len(ids) < 13 {
		t.Error("names of roles match without case, or roles are missing")
	}
}

func TestAccess_Limit(t *testing.T) {
	for name, test := range map[string]struct {
		access estate.Access
		token  string
		want   string
	}{
		"administrator":                {estate.Access{Roles: []estate.RoleName{"X", "TenantAdmin"}}, "admin_classic user_default", "admin_classic user_default"},
		"nobody":                       {estate.Access{}, "admin_classic admin.users user_default apps", "user_default apps"},
		"role within a set":            {estate.Access{Scopes: estate.Permissions{"admin.users", "apps"}}, "admin_classic user_default", "admin.users user_default"},
		"role within a set, read only": {estate.Access{Scopes: estate.Permissions{"admin.users:read"}}, "admin.users admin_classic", "admin.users:read"},
		"token within the role":        {estate.Access{Scopes: estate.Permissions{"admin.users"}}, "admin.users:read admin.apps", "admin.users:read"},
		"roles add nothing":            {estate.Access{Scopes: estate.Permissions{"admin.users", "spaces.shared"}}, "apps", "apps"},
		"another prefix":               {estate.Access{Scopes: estate.Permissions{"admin.users"}}, "admin.users-x", ""},
	} {
		if have := test.access.Limit(estate.ParsePermissions(test.token)).String(); have != test.want {
			t.Errorf("%s: %q, want %q", name, have, test.want)
		}
	}
}

func TestTenant_Scope(t *testing.T) {
	tenant := estate.Tenant{ID: "t", Organization: "o", Subscription: "s", Region: "r"}
	if have, want := tenant.Scope(), (estate.Scope{Organization: "o", Subscription: "s", Region: "r", Tenant: "t"}); have != want {
		t.Errorf("%+v", have)
	}
	if have := estate.NewHostname("ACME", "eu"); have != "acme.eu" || have.Label() != "acme" {
		t.Errorf("%q", have)
	}
	if have := estate.BotSubject("abc"); have != `qlikbot\abc` {
		t.Errorf("%q", have)
	}
}

func TestError_Plain(t *testing.T) {
	e := estate.E(estate.Conflict, "ESTATE-3", "Already exists", "A region has this code.").Because(errors.New("constraint failed: regions.code"))
	if have, want := e.Plain(), "Already exists: A region has this code."; have != want {
		t.Errorf("%q, want %q", have, want)
	}
	e = estate.E(estate.Invalid, "ESTATE-1", "Invalid region", "").At("/code", "is missing")
	if have, want := e.Plain(), "Invalid region\n/code: is missing"; have != want {
		t.Errorf("%q, want %q", have, want)
	}
}
