package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/throttle"
)

func tenantRealm(tenant estate.Tenant) credential.Realm {
	return credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}
}

// TestConsent_Published: publishing a client to others leaves it to the people of its
// own tenant to approve what it does for them.
func TestConsent_Published(t *testing.T) {
	p := newProgramEnv(t, func(n *credential.NewClient) { n.Consent = "" })
	if _, err := p.App.Credential.PublishClient(t.Context(), testenv.Operator, tenantRealm(p.tenant), estate.ClientID(p.id)); err != nil {
		t.Fatal(err)
	}
	if to := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default offline_access"}})); to.Path != "/oauth/consent" {
		t.Errorf("sent to %s", to)
	}
	if q := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default"}, "prompt": {"none"}})).Query(); q.Get("error") != "consent_required" {
		t.Errorf("silently: %v", q)
	}
}

// TestTrust_Bound: who trusts another tenant's client trusts what it held then. What
// its owner gives it later is nothing in the tenant until that decides anew, and while
// the owner is deactivated the client does nothing anywhere.
func TestTrust_Bound(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	home, near := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	there := e.TenantURL(near)
	person(t, e, near, "ada", estate.UserActive, estate.RoleTenantAdmin)
	c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelTenant, Scope: home.Scope(), Name: "reporter", AppType: api.AppTypeWeb, Consent: estate.ConsentTrusted,
		Permissions: []string{api.ScopeUserDefault}, GrantTypes: []string{api.GrantClientCredentials},
	})
	if err != nil {
		t.Fatal(err)
	}
	reporter := testenv.Credentials{Client: c, Secret: secret.Reveal()}
	if _, err := e.App.Credential.PublishClient(t.Context(), testenv.Operator, tenantRealm(home), c.ID); err != nil {
		t.Fatal(err)
	}
	trust := func() {
		t.Helper()
		if err := e.App.Credential.SetConsent(t.Context(), testenv.Operator, tenantRealm(near), c.ID, estate.ConsentTrusted); err != nil {
			t.Fatal(err)
		}
	}
	scope := func(origin string) string {
		t.Helper()
		answer := e.Do(tokenRequest(origin, map[string]any{"grant_type": api.GrantClientCredentials, "client_id": c.ID, "client_secret": secret.Reveal()}))
		if answer.Status != http.StatusOK {
			return oauthErrorOf(t, answer.Body)
		}
		return tokenOf(t, answer.Body).Scope
	}
	trust()
	if have := scope(there); have != api.ScopeUserDefault {
		t.Fatalf("trusted: %s", have)
	}
	_, err = e.App.Credential.UpdateClient(t.Context(), testenv.Operator, tenantRealm(home), c.ID, []credential.PatchOperation{
		{Op: "replace", Path: "/allowedScopes", Value: []string{api.ScopeUserDefault, api.ScopeAdminClassic}},
		{Op: "replace", Path: "/allowedGrantTypes", Value: []string{api.GrantClientCredentials, api.GrantUserImpersonation}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if have := scope(e.TenantURL(home)); !strings.Contains(have, api.ScopeAdminClassic) {
		t.Errorf("widened, at home: %s", have)
	}
	if have := scope(there); have != api.ScopeUserDefault {
		t.Errorf("widened, at the tenant that trusts it: %s", have)
	}
	if answer := impersonation(t, e, there, reporter, "ada"); answer.Status != http.StatusBadRequest || oauthErrorOf(t, answer.Body) != "unauthorized_client" {
		t.Errorf("impersonation with a grant that was not trusted: %d %s", answer.Status, answer.Body)
	}
	trust()
	if have := scope(there); !strings.Contains(have, api.ScopeAdminClassic) {
		t.Errorf("trusted anew: %s", have)
	}
	expect(t, "impersonation, trusted anew", impersonation(t, e, there, reporter, "ada"), http.StatusOK, "")

	token := e.Token(there, reporter)
	k := newKeeper(e, sub)
	expect(t, "deactivate", k.act("deactivate", home, nil), http.StatusOK, "")
	if have := scope(there); have != "invalid_client" || tokenWorks(t, e, there, token) {
		t.Errorf("its owner is deactivated: %s", have)
	}
	expect(t, "reactivate", k.act("reactivate", home, nil), http.StatusOK, "")
	if have := scope(there); !strings.Contains(have, api.ScopeAdminClassic) || !tokenWorks(t, e, there, token) {
		t.Errorf("its owner is back: %s", have)
	}
}

// TestAdminUsers_NoAdministrators: the scope for users makes nobody an administrator.
func TestAdminUsers_NoAdministrators(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	here := e.TenantURL(tenant)
	user, admin := person(t, e, tenant, "ada", estate.UserActive), person(t, e, tenant, "eve", estate.UserActive, estate.RoleTenantAdmin)
	manager, all := e.Token(here, e.TenantClient(tenant, "admin.users")), e.Token(here, e.TenantClient(tenant))
	roles := func(token string, of estate.User, names ...string) testenv.Answer {
		value := []map[string]string{}
		for _, name := range names {
			value = append(value, map[string]string{"name": name})
		}
		return e.Do(testenv.Request{
			Method: http.MethodPatch, URL: here + "/api/v1/users/" + string(of.ID), Token: token,
			JSON: []map[string]any{{"op": "replace", "path": "/assignedRoles", "value": value}},
		})
	}
	expect(t, "to administrator", roles(manager, user, "TenantAdmin"), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "from administrator", roles(manager, admin), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "delete an administrator", e.Do(testenv.Request{Method: http.MethodDelete, URL: here + "/api/v1/users/" + string(admin.ID), Token: manager}), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "everybody", e.Do(testenv.Request{
		Method: http.MethodPatch, URL: here + "/api/v1/groups/settings", Token: manager,
		JSON: []map[string]any{{"op": "replace", "path": "/systemGroups/" + string(estate.GroupEveryone) + "/assignedRoles", "value": []map[string]string{{"name": "TenantAdmin"}}}},
	}), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "to developer", roles(manager, user, "Developer"), http.StatusNoContent, "")
	expect(t, "by one who administers", roles(all, user, "TenantAdmin"), http.StatusNoContent, "")
}

// TestRateLimits_Places: what one organization asks of the console, and one
// subscription of a register host, is not counted against others.
func TestRateLimits_Places(t *testing.T) {
	e := limited(t, nil)
	sub, other := e.Subscription(3), e.Subscription(3)
	stranger := e.NewOrganization("Stranger")
	issue := func(origin string, c testenv.Credentials) int {
		t.Helper()
		return e.Do(tokenRequest(origin, map[string]any{"grant_type": api.GrantClientCredentials, "client_id": c.ID, "client_secret": c.Secret})).Status
	}
	for name, place := range map[string]struct {
		origin string
		one    func() testenv.Credentials // of those who use up what is theirs
		other  testenv.Credentials
	}{
		"console":  {e.Console(), func() testenv.Credentials { return e.OrganizationClient(e.Organization.ID) }, e.OrganizationClient(stranger.ID)},
		"register": {e.Register("us"), func() testenv.Credentials { return e.RegionClient(sub, "us") }, e.RegionClient(other, "us")},
	} {
		for range throttle.PlaceFactor {
			c := place.one()
			for range 10 {
				if status := issue(place.origin, c); status != http.StatusOK {
					t.Fatalf("%s: %d", name, status)
				}
			}
		}
		if status := issue(place.origin, place.one()); status != http.StatusTooManyRequests {
			t.Errorf("%s: one more of the same owner: %d", name, status)
		}
		if status := issue(place.origin, place.other); status != http.StatusOK {
			t.Errorf("%s: of another owner: %d", name, status)
		}
	}
}
