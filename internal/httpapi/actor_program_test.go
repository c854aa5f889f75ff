package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// programs are people for whom a program acts, with tokens that they show at every
// surface.
func (e *actorEstate) programs(t *testing.T) []*actor {
	t.Helper()
	everything := strings.Join(append(api.OrganizationScopes(), api.ScopeUserDefault, api.ScopeAdminClassic), " ")
	acting := func(name, scope string, in testenv.Session, origin string) *actor {
		token := deviceToken(t, e.Env, in, origin, scope).AccessToken
		return &actor{name: name, tokens: map[estate.SurfaceKind]string{estate.SurfaceConsole: token, estate.SurfaceRegister: token, estate.SurfaceTenant: token}}
	}
	foreign := func(a *actor) *actor { a.foreign = true; return a }
	user := func(name, scope string, of estate.Tenant, roles ...estate.RoleName) *actor {
		u := person(t, e.Env, of, name, estate.UserActive, roles...)
		return acting(name, scope, e.SignInUser(of, u.ID), e.TenantURL(of))
	}
	account := func(name, scope, email string, organization estate.OrganizationID, owns ...estate.Subscription) *actor {
		return acting(name, scope, e.SignIn(e.Account(organization, email, owns...)), e.Console())
	}
	stranger := e.NewOrganization("Strange programs")
	return []*actor{
		user("administrator, by a program", everything, e.tenant, estate.RoleTenantAdmin),
		user("administrator, by a program with only user_default", api.ScopeUserDefault, e.tenant, estate.RoleTenantAdmin),
		user("user without roles, by a program", everything, e.tenant),
		foreign(user("administrator of another tenant, by a program", everything, e.other, estate.RoleTenantAdmin)),
		account("owner of the subscription, by a program", everything, "program@example.com", e.Organization.ID, e.subscription),
		account("owner of the subscription, by a program with only cloud-console.tenants:read", api.ScopeOrgTenantsRead, "reader@example.com", e.Organization.ID, e.subscription),
		account("account that owns nothing, by a program", everything, "nothing@example.com", e.Organization.ID),
		foreign(account("owner of a subscription of another organization, by a program", everything, "program@stranger.example.com", stranger.ID, e.SubscriptionOf(stranger.ID, 5))),
	}
}

// deviceToken signs the command line in for somebody who is signed in.
func deviceToken(t *testing.T, e *testenv.Env, in testenv.Session, origin, scope string) (token api.TokenResponse) {
	t.Helper()
	var device api.DeviceAuthorization
	answer := e.Do(testenv.Request{URL: origin + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {api.CLIClientID}, "scope": {scope}}})
	expect(t, "device", answer, http.StatusOK, "")
	answer.Into(&device)
	b := newBrowser(e, origin)
	b.cookies, b.csrf = in.Cookies, in.CSRF
	_, _, page := b.page(t, "/device?user_code="+device.UserCode, nil)
	status, location, body := b.submit(t, page, "/device", url.Values{"user_code": {device.UserCode}})
	if status != http.StatusSeeOther || !strings.Contains(location, "approved") {
		t.Fatalf("approve: %d %s %s", status, location, body)
	}
	answer = e.Do(testenv.Request{URL: origin + "/oauth/token", Form: url.Values{
		"grant_type": {api.GrantDeviceCode}, "client_id": {api.CLIClientID}, "device_code": {device.DeviceCode},
	}})
	expect(t, "token", answer, http.StatusOK, "")
	answer.Into(&token)
	return token
}

// TestDevice_Console: a program acts for an account at the console, within its
// organization, and says nothing of the tokens of another account.
func TestDevice_Console(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	stranger := e.NewOrganization("Stranger")
	theirs := e.SubscriptionOf(stranger.ID, 5)
	e.Tenant(theirs, "us")
	scope := strings.Join(append(api.OrganizationScopes(), api.ScopeOfflineAccess), " ")
	token := func(organization estate.OrganizationID, email string, owns ...estate.Subscription) api.TokenResponse {
		return deviceToken(t, e, e.SignIn(e.Account(organization, email, owns...)), e.Console(), scope)
	}
	mine, colleague, foreign := token(e.Organization.ID, "a@example.com", sub), token(e.Organization.ID, "b@example.com"), token(stranger.ID, "c@example.com", theirs)
	if a, b := claimsOf(t, mine.AccessToken), claimsOf(t, colleague.AccessToken); a.ClientID != b.ClientID || a.Subject == b.Subject {
		t.Errorf("%+v and %+v", a, b)
	}
	list := func(token string) api.OrganizationTenantList {
		var list api.OrganizationTenantList
		answer := e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: token})
		expect(t, "list", answer, http.StatusOK, "")
		answer.Into(&list)
		return list
	}
	if got := list(mine.AccessToken).Data; len(got) != 1 || got[0].ID != string(tenant.ID) {
		t.Errorf("%+v", got)
	}
	if got := list(foreign.AccessToken).Data; len(got) != 1 || got[0].ID == string(tenant.ID) {
		t.Errorf("another organization gets %+v", got)
	}
	get := testenv.Request{URL: e.Console() + "/api/core/tenants/" + string(tenant.ID), Token: foreign.AccessToken}
	expect(t, "a tenant of another organization", e.Do(get), http.StatusNotFound, api.CodeTenantNotFound)
	expect(t, "at a tenant", e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/users/me", Token: mine.AccessToken}), http.StatusUnauthorized, api.CodeUnauthenticated)

	active := func(by, about string) bool {
		var state api.Introspection
		answer := e.Do(testenv.Request{URL: e.Console() + "/oauth/introspect", Token: by, JSON: api.TokenQuery{Token: about}})
		expect(t, "introspect", answer, http.StatusOK, "")
		answer.Into(&state)
		return state.Active
	}
	narrow := deviceToken(t, e, e.SignIn(e.Account(e.Organization.ID, "d@example.com")), e.Console(), api.ScopeOrgTenantsRead)
	if !active(mine.AccessToken, mine.AccessToken) || !active(narrow.AccessToken, narrow.AccessToken) {
		t.Error("a token does not say what it is itself")
	}
	if active(narrow.AccessToken, mine.AccessToken) || active(foreign.AccessToken, mine.AccessToken) {
		t.Error("the token of an account says what that of another is")
	}
	revoke := func(by, token string) {
		expect(t, "revoke", e.Do(testenv.Request{URL: e.Console() + "/oauth/revoke", Token: by, JSON: api.TokenQuery{Token: token}}), http.StatusOK, "")
	}
	revoke(colleague.AccessToken, mine.AccessToken)
	revoke(foreign.AccessToken, mine.AccessToken)
	revoke(foreign.AccessToken, mine.RefreshToken)
	list(mine.AccessToken)
	refresh := func() testenv.Answer {
		return e.Do(testenv.Request{URL: e.Console() + "/oauth/token", JSON: map[string]any{"grant_type": api.GrantRefreshToken, "refresh_token": mine.RefreshToken}})
	}
	expect(t, "refresh", refresh(), http.StatusOK, "")
	revoke(mine.AccessToken, mine.AccessToken)
	expect(t, "revoked", e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: mine.AccessToken}), http.StatusUnauthorized, api.CodeUnauthenticated)
	expect(t, "refresh", refresh(), http.StatusBadRequest, api.CodeOAuthInvalidGrant)
}
