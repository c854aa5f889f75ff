package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// me is the user that a token acts through, at the tenant of origin.
func me(t *testing.T, e *testenv.Env, origin, token string) api.User {
	t.Helper()
	found := e.Do(testenv.Request{URL: origin + "/api/v1/users/me", Token: token})
	var user api.User
	e.Do(testenv.Request{URL: origin + found.Header.Get("Location"), Token: token}).Into(&user)
	return user
}

func TestGetUser_Bot(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	here := e.TenantURL(tenant)
	made := e.Clock.Now()
	for _, c := range []testenv.Credentials{e.RegionClient(sub, "us"), e.TenantClient(tenant)} {
		have := me(t, e, here, e.Token(here, c))
		if !estate.UserID(have.ID).Valid() {
			t.Errorf("id %q", have.ID)
		}
		at := api.Time{Time: made}
		role, _ := estate.DefaultRole(estate.RoleTenantAdmin)
		want := api.User{
			ID: have.ID, TenantID: string(tenant.ID), ClientID: string(c.ID), Status: "active", Subject: `qlikbot\` + string(c.ID), Name: c.Name,
			Roles: []string{"TenantAdmin"}, AssignedRoles: []api.AssignedRole{{ID: string(role.ID), Name: "TenantAdmin", Type: "default", Level: "admin"}},
			AssignedGroups: []api.AssignedGroup{}, Groups: []string{}, CreatedAt: at, LastUpdatedAt: at, Created: at, LastUpdated: at,
			Links: api.SelfLinks{Self: api.Link{Href: here + "/api/v1/users/" + have.ID}},
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Error(diff)
		}
	}
}

// TestGetUser_Isolation asks for users that are not there, or not of this
// tenant: the answers are the same.
func TestGetUser_Isolation(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	here, there := e.TenantURL(tenant), e.TenantURL(other)
	token := e.Token(here, c)
	theirs := me(t, e, there, e.Token(there, c))
	if mine := me(t, e, here, token); mine.ID == theirs.ID {
		t.Error("one client has the same bot in two tenants")
	}
	for name, id := range map[string]string{"of another tenant": theirs.ID, "nobody": strings.Repeat("0", 24), "malformed": "x", "malformed and long": strings.Repeat("x", 2000)} {
		expect(t, name, e.Do(testenv.Request{URL: here + "/api/v1/users/" + id, Token: token}), http.StatusNotFound, api.CodeUserNotFound)
	}
	for name, id := range map[string]string{"other tenant": string(other.ID), "no tenant": strings.Repeat("x", 32), "malformed": "x"} {
		expect(t, name, e.Do(testenv.Request{URL: here + "/api/v1/tenants/" + id, Token: token}), http.StatusNotFound, api.CodeTenantNotFound)
	}
	eu := e.Tenant(sub, "eu")
	register := e.Token(e.Register("us"), c)
	expect(t, "tenant of another region at register", e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/" + string(eu.ID), Token: register}), http.StatusNotFound, api.CodeTenantNotFound)
}

// TestBot_Disabled disables the bot of a client in one tenant.
func TestBot_Disabled(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	token := e.Token(e.TenantURL(tenant), c)
	sqlExec(t, e, "update users set status = 'disabled' where tenant_id = ?", string(tenant.ID))
	node := e.Node()
	answer := node.Do(testenv.Request{URL: e.TenantURL(tenant) + "/oauth/token", Form: c.Form()})
	expectOAuth(t, answer, http.StatusForbidden, "access_denied", api.CodeForbidden)
	expect(t, "older token", node.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/users/me", Token: token}), http.StatusUnauthorized, api.CodeUnauthenticated)
	node.Token(e.TenantURL(other), c)
	node.Token(e.Register("us"), c)
}

func TestGetLicenseOverview(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	overview := func() (o api.LicenseOverview) {
		e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/licenses/overview", Token: e.Token(e.TenantURL(tenant), c)}).Into(&o)
		return o
	}
	have := overview()
	valid := sub.StartsAt.Format(time.DateOnly) + "/" + sub.EndsAt.Format(time.DateOnly)
	want := api.LicenseOverview{
		LicenseNumber: string(sub.ID), LicenseKey: have.LicenseKey, LicenseType: "Signed", Product: sub.Name, Origin: "Internal", Status: "Ok",
		Valid: valid, LatestValidTime: api.Time{Time: sub.EndsAt}, Updated: api.Time{Time: sub.UpdatedAt}, Version: have.Version, Allotments: []api.LicenseAllotment{},
		Parameters: []api.LicenseParameter{{Name: "tenants", Valid: valid, Values: map[string]any{"limit": 5.0, "used": 1.0}}},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	creator := newCreator(e, sub, "us")
	expect(t, "its key", creator.create(map[string]any{"licenseKey": have.LicenseKey}), http.StatusCreated, "")
	if used := overview().Parameters[0].Values["used"]; used != 2.0 {
		t.Errorf("used %v, want 2", used)
	}
	if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{EndsAt: e.Clock.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(time.Minute)
	if status := overview().Status; status != "Expired" {
		t.Errorf("status %q after the end", status)
	}
}
