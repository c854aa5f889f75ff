package httpapi_test

import (
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// sessions are people who are signed in, by cookies that they show at every
// surface. They stay so while the clock moves on.
func (e *actorEstate) sessions(t *testing.T) []*actor {
	t.Helper()
	here, there := newPortal(t, e.Env, e.tenant), newPortal(t, e.Env, e.other)
	for _, p := range []*portal{here, there} {
		expect(t, "stay signed in", e.Do(testenv.Request{
			Method: http.MethodPatch, URL: p.origin + "/api/core/auth-settings", Token: p.admin, JSON: dayOfIdleness,
		}), http.StatusOK, "")
	}
	signedIn := func(name string, p *portal, of estate.Tenant, roles ...estate.RoleName) *actor {
		person(t, e.Env, of, name, estate.UserActive, roles...)
		return &actor{name: name, session: p.signIn(t, name)}
	}
	forged := signedIn("administrator, signed in, by a page of another site", here, e.tenant, estate.RoleTenantAdmin)
	forged.session.csrf = ""
	foreign := signedIn("administrator of another tenant, signed in", there, e.other, estate.RoleTenantAdmin)
	foreign.foreign = true
	out := signedIn("administrator, signed out", here, e.tenant, estate.RoleTenantAdmin)
	kept := maps.Clone(out.session.cookies)
	expect(t, "sign out", out.session.do(testenv.Request{Method: http.MethodPost, URL: "/logout"}), http.StatusNoContent, "")
	out.session.cookies = kept
	return append(e.accounts(t), []*actor{
		signedIn("administrator, signed in", here, e.tenant, estate.RoleTenantAdmin), signedIn("user without roles, signed in", here, e.tenant), forged, foreign, out,
	}...)
}

var dayOfIdleness = ops{{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: 24 * 60}}

// show adds the session of a to a request, but where it would end.
func (a *actor) show(request *testenv.Request, route httpapi.Route) {
	if a.session == nil || strings.HasSuffix(route.Path, "/logout") {
		return
	}
	header := maps.Clone(request.Header)
	if header == nil {
		header = map[string]string{}
	}
	var cookies []string
	for name, value := range a.session.cookies {
		cookies = append(cookies, name+"="+value)
	}
	header["Cookie"] = strings.Join(cookies, "; ")
	if a.session.csrf != "" {
		header[api.HeaderCSRF] = a.session.csrf
	}
	request.Header = header
}

// signInTargets are identity providers that there are for calls to be about.
type signInTargets struct {
	pem      string // of the key of new ones
	issuer   string // the last one
	untested string // the interactive one
}

// isSignIn tells whether an operation is about an identity provider.
func isSignIn(route httpapi.Route) bool {
	return strings.Contains(route.Path, "{identityProviderId}") || route.ID == "beginLoginTest"
}

// newProvider makes what a call about an identity provider is about. There can be
// one with something to test.
func (e *actorEstate) newProvider(t *testing.T, route httpapi.Route) string {
	t.Helper()
	if route.ID == "beginLoginTest" && e.signIn.untested != "" {
		return e.signIn.untested
	}
	body := e.newIssuer()
	if route.ID == "beginLoginTest" {
		endpoints := object{"issuer": "i", "authorization_endpoint": "https://a", "token_endpoint": "https://b", "jwks_uri": "https://c"}
		body = object{"protocol": "OIDC", "provider": "generic", "interactive": true, "pendingOptions": object{
			"openid_configuration": endpoints, "clientId": "c", "clientSecret": "s", "claimsMapping": object{"sub": []string{"/sub"}},
		}}
	}
	home, list := e.hosts[estate.SurfaceTenant], e.hosts[estate.SurfaceTenant]+"/api/v1/identity-providers"
	admin := e.Token(home, e.owners[estate.SurfaceTenant])
	if e.signIn.issuer != "" { // of the call before, unless that deleted it: there can't be as many as there are calls
		e.Do(testenv.Request{Method: http.MethodDelete, URL: list + "/" + e.signIn.issuer, Token: admin})
	}
	answer := e.Do(testenv.Request{URL: list, Token: admin, JSON: body})
	expect(t, "target", answer, http.StatusCreated, "")
	var made api.IdentityProvider
	answer.Into(&made)
	if route.ID == "beginLoginTest" {
		e.signIn.untested = made.ID
	} else {
		e.signIn.issuer = made.ID
	}
	return made.ID
}

// newOrganizationProvider makes the one identity provider of the organization, of which
// there can be no other, and leaves room for one that is to be created.
func (e *actorEstate) newOrganizationProvider(t *testing.T, route httpapi.Route) string {
	t.Helper()
	operator := testenv.Operator
	operator.Scope = estate.Scope{Organization: e.Organization.ID}
	page, err := e.App.SignIn.IdentityProviders(t.Context(), operator, signin.ProviderQuery{Limit: 10})
	e.ok(t, err)
	for _, p := range page.Providers {
		e.ok(t, e.App.SignIn.DeleteIdentityProvider(t.Context(), operator, p.ID))
	}
	if route.ID == "createIdentityProvider" {
		return ""
	}
	p, err := e.App.SignIn.CreateIdentityProvider(t.Context(), operator, organizationProvider())
	e.ok(t, err)
	return string(p.ID)
}

// organizationProvider is one of an organization, which has something to test.
func organizationProvider() api.CreateIdentityProviderRequest {
	yes := true
	return api.CreateIdentityProviderRequest{Protocol: api.ProtocolOIDC, Provider: "generic", Interactive: &yes, PendingOptions: &api.IdentityProviderOptions{
		OpenIDConfiguration: &api.OpenIDConfiguration{Issuer: "i", AuthorizationEndpoint: "https://a", TokenEndpoint: "https://b", JWKSURI: "https://c"},
		ClientID:            "c", ClientSecret: "s", ClaimsMapping: map[string][]string{"sub": {"/sub"}},
	}}
}

// newIssuer is the body of a new identity provider.
func (e *actorEstate) newIssuer() object {
	return object{"protocol": "jwtAuth", "provider": "external", "options": object{"issuer": rand.Text(), "staticKeys": []any{object{"kid": "k", "pem": e.signIn.pem}}}}
}

// signInCall completes a call that is about identity providers and sessions; others
// it does not know.
func (e *actorEstate) signInCall(request *testenv.Request, route httpapi.Route, made target) bool {
	request.URL = strings.Replace(request.URL, "{identityProviderId}", made.provider, 1)
	switch route.ID {
	case "listIdentityProviders", "getIdentityProvider", "deleteIdentityProvider", "getIdentityProviderStatus", "getMyIdentityProviderMeta", "getCSRFToken",
		"getAuthSettings", "createSession", "deleteSession":
	case "createIdentityProvider":
		request.JSON = e.newIssuer()
		if strings.HasPrefix(route.Path, "/api/core/") {
			request.JSON = organizationProvider()
		}
	case "updateIdentityProvider":
		request.JSON = ops{{Op: "replace", Path: "/description", Value: "changed"}}
	case "updateAuthSettings":
		request.JSON = dayOfIdleness
	case "beginLoginTest":
		request.URL += "?idp=" + made.provider
	default:
		return false
	}
	return true
}
