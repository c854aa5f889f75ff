package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestSession_Groups: the groups of a login become those of the user, as far as the
// tenant's settings want.
func TestSession_Groups(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	set := func(path string, value bool) {
		t.Helper()
		answer := e.Do(testenv.Request{Method: "PATCH", URL: p.origin + "/api/v1/groups/settings", Token: p.admin, JSON: ops{{Op: "replace", Path: path, Value: value}}})
		expect(t, path, answer, http.StatusNoContent, "")
	}
	groups := func(want []string, named ...string) {
		t.Helper()
		b := newBrowser(e, p.origin)
		token := p.sign(t, "ada", func(c map[string]any) { c["groups"] = named })
		expect(t, "sign in", b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: token}), http.StatusOK, "")
		have := slices.DeleteFunc(b.me(t).Groups, func(name string) bool { return name == estate.EveryoneName })
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("by %v, in %v, want %v", named, have, want)
		}
	}
	create := func(name, provider string) {
		t.Helper()
		answer := e.Do(testenv.Request{URL: p.origin + "/api/v1/groups", Token: p.admin, JSON: map[string]any{"name": name, "providerType": provider}})
		expect(t, "create "+name, answer, http.StatusCreated, "")
	}
	groups(nil, "Analysts")
	create("Analysts", "idp")
	create("Own", "custom")
	set("/syncIdpGroups", true)
	groups([]string{"Analysts"}, "Analysts", "Unknown", "Own", "Analysts", estate.EveryoneName)
	groups(nil)
	set("/autoCreateGroups", true)
	groups([]string{"Analysts", "Unknown"}, "Analysts", "Unknown", "Own")
	groups([]string{"Unknown"}, "Unknown")
	set("/syncIdpGroups", false)
	set("/autoCreateGroups", false)
	groups([]string{"Unknown"}, "Analysts")
}

// TestSession_Invited: who was invited comes by signing in, while the invitation
// lasts.
func TestSession_Invited(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	for name, c := range map[string]struct {
		status estate.UserStatus
		ends   time.Duration
		let    bool
	}{
		"invited": {estate.UserInvited, time.Hour, true}, "late": {estate.UserInvited, -time.Hour, false}, "provisioned": {estate.UserProvisioned, 0, true},
		"disabled": {estate.UserDisabled, 0, false},
	} {
		u := estate.User{ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: name, Status: c.status}
		if c.ends != 0 {
			u.InviteExpiresAt = e.Clock.Now().Add(c.ends)
		}
		insertUser(t, e, u)
		b := newBrowser(e, p.origin)
		answer := b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: p.sign(t, name)})
		if !c.let {
			expect(t, name, answer, http.StatusUnauthorized, api.CodeLoginRefused)
			continue
		}
		expect(t, name, answer, http.StatusOK, "")
		if me := b.me(t); me.ID != string(u.ID) || me.Status != "active" {
			t.Errorf("%s: %+v", name, me)
		}
	}
}
