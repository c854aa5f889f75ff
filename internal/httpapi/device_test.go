package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// poll asks for the tokens of a device.
func (p *programEnv) poll(t *testing.T, client, code string) (testenv.Answer, api.TokenResponse) {
	t.Helper()
	return p.token(t, map[string]any{"grant_type": api.GrantDeviceCode, "client_id": client, "device_code": code})
}

func (p *programEnv) device(t *testing.T, client, scope string) (d api.DeviceAuthorization) {
	t.Helper()
	answer := p.Do(testenv.Request{URL: p.origin + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {client}, "scope": {scope}}})
	expect(t, "device", answer, http.StatusOK, "")
	answer.Into(&d)
	return d
}

func TestDevice(t *testing.T) {
	p := newProgramEnv(t, nil)
	d := p.device(t, api.CLIClientID, "user_default offline_access")
	if d.ExpiresIn != 600 || d.Interval != 5 || d.VerificationURI != p.origin+"/device" {
		t.Errorf("%+v", d)
	}
	answer, _ := p.poll(t, api.CLIClientID, d.DeviceCode)
	expect(t, "before", answer, http.StatusBadRequest, api.CodeOAuthPending)
	answer, _ = p.poll(t, api.CLIClientID, d.DeviceCode)
	expect(t, "at once again", answer, http.StatusBadRequest, api.CodeOAuthSlowDown)
	answer, _ = p.poll(t, p.id, d.DeviceCode)
	expect(t, "by another client", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	answer, _ = p.poll(t, api.CLIClientID, "fhd_nothing")
	expect(t, "a made-up code", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)

	status, location, _ := newBrowser(p.Env, p.origin).page(t, "/device?user_code="+d.UserCode, nil)
	if status != http.StatusSeeOther || !strings.HasPrefix(location, "/login") {
		t.Errorf("nobody: %d %s", status, location)
	}
	status, _, _ = p.browser.page(t, "/device?user_code=BBBB-BBBB", nil)
	if status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: %d", status)
	}
	_, _, page := p.browser.page(t, "/device?user_code="+strings.ToLower(d.UserCode), nil)
	status, location, _ = p.browser.submit(t, page, "/device", url.Values{"user_code": {d.UserCode}})
	if status != http.StatusSeeOther || !strings.Contains(location, "approved") {
		t.Fatalf("approve: %d %s", status, location)
	}
	p.Clock.Advance(20 * time.Second)
	answer, token := p.poll(t, api.CLIClientID, d.DeviceCode)
	expect(t, "after", answer, http.StatusOK, "")
	if claims := claimsOf(t, token.AccessToken); claims.Subject != string(p.user.ID) || token.RefreshToken == "" || !p.works(t, token.AccessToken) {
		t.Errorf("%+v of %+v", token, claims)
	}
	answer, _ = p.poll(t, api.CLIClientID, d.DeviceCode)
	expect(t, "again", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	answer, _ = p.refresh(t, token.RefreshToken)
	expect(t, "refresh", answer, http.StatusOK, "")

	refused := p.device(t, api.CLIClientID, "")
	_, _, page = p.browser.page(t, "/device?user_code="+refused.UserCode, nil)
	p.browser.submit(t, page, "/device", url.Values{"user_code": {refused.UserCode}, "deny": {"yes"}})
	answer, _ = p.poll(t, api.CLIClientID, refused.DeviceCode)
	expect(t, "refused", answer, http.StatusForbidden, api.CodeOAuthAccessDenied)

	late := p.device(t, api.CLIClientID, "")
	p.Clock.Advance(credential.DeviceLifetime)
	answer, _ = p.poll(t, api.CLIClientID, late.DeviceCode)
	expect(t, "late", answer, http.StatusBadRequest, api.CodeOAuthDeviceExpired)

	// A page's program has a browser, and those of other tenants are unknown.
	for name, c := range map[string]struct{ client, code string }{
		"spa": {p.id, api.CodeOAuthUnauthorizedClient}, "unknown": {strings.Repeat("0", 32), api.CodeOAuthInvalidRequest},
	} {
		expect(t, name, p.Do(testenv.Request{URL: p.origin + api.DeviceAuthorizationPath, JSON: api.DeviceAuthorizationRequest{ClientID: c.client}}), http.StatusBadRequest, c.code)
	}
}

func TestRegister(t *testing.T) {
	p := newProgramEnv(t, nil)
	register := func(change func(*api.ClientRegistration)) testenv.Answer {
		in := api.ClientRegistration{ClientName: "Assistant", ClientURI: "https://assistant.example.com", RedirectURIs: []string{callback}, TokenEndpointAuthMethod: "none"}
		if change != nil {
			change(&in)
		}
		return p.Do(testenv.Request{URL: p.origin + api.RegisterPath, JSON: in})
	}
	expect(t, "off", register(nil), http.StatusForbidden, api.CodeOAuthRegistrationOff)
	settings := func(path string, value any) {
		t.Helper()
		expect(t, path, p.Do(testenv.Request{
			Method: http.MethodPatch, URL: p.origin + "/api/core/auth-settings", Token: p.portal.admin, JSON: ops{{Op: "replace", Path: path, Value: value}},
		}), http.StatusOK, "")
	}
	settings("/dynamicClientRegistrationEnabled", true)
	for name, c := range map[string]struct {
		change func(*api.ClientRegistration)
		code   string
	}{
		"method":   {func(in *api.ClientRegistration) { in.TokenEndpointAuthMethod = "private_key_jwt" }, api.CodeOAuthRegistrationInvalid},
		"no name":  {func(in *api.ClientRegistration) { in.ClientName = "" }, api.CodeOAuthRegistrationInvalid},
		"no page":  {func(in *api.ClientRegistration) { in.ClientURI = "" }, api.CodeOAuthRegistrationInvalid},
		"scopes":   {func(in *api.ClientRegistration) { in.Scope = "admin_classic" }, api.CodeOAuthRegistrationInvalid},
		"nowhere":  {func(in *api.ClientRegistration) { in.RedirectURIs = nil }, api.CodeOAuthRegistrationURI},
		"http":     {func(in *api.ClientRegistration) { in.RedirectURIs = []string{"http://app.example.com/"} }, api.CodeOAuthRegistrationURI},
		"a script": {func(in *api.ClientRegistration) { in.RedirectURIs = []string{"javascript:alert(1)"} }, api.CodeOAuthRegistrationURI},
	} {
		expect(t, name, register(c.change), http.StatusBadRequest, c.code)
	}
	var made, confidential api.RegisteredClient
	answer := register(func(in *api.ClientRegistration) { in.Scope = "user_default offline_access admin_classic" })
	expect(t, "register", answer, http.StatusCreated, "")
	answer.Into(&made)
	if made.Scope != "user_default" || made.ClientSecret != "" {
		t.Errorf("%+v", made)
	}
	register(func(in *api.ClientRegistration) { in.TokenEndpointAuthMethod = "" }).Into(&confidential)
	if len(confidential.ClientSecret) != 64 || !strings.Contains(confidential.Scope, "offline_access") {
		t.Errorf("%+v", confidential)
	}
	settings("/dcrAllowedAuthenticationMethods", []string{"none"})
	expect(t, "with a secret", register(func(in *api.ClientRegistration) { in.TokenEndpointAuthMethod = "" }), http.StatusBadRequest, api.CodeOAuthRegistrationInvalid)

	// Nobody but an administrator can be the first.
	p.id = made.ClientID
	if q := p.browser.goes(t, p.authorizeURL(nil)).Query(); q.Get("error") != "access_denied" {
		t.Errorf("a user: %v", q)
	}
	person(t, p.Env, p.tenant, "root", estate.UserActive, estate.RoleTenantAdmin)
	admin := p.portal.signIn(t, "root")
	at := admin.goes(t, p.authorizeURL(nil))
	_, _, page := admin.page(t, at.String(), nil)
	if _, location, _ := admin.submit(t, page, at.String(), url.Values{"scope": {"user_default"}}); !strings.Contains(location, "code=") {
		t.Errorf("the administrator: %s", location)
	}
	if to := p.browser.goes(t, p.authorizeURL(nil)); to.Path != "/oauth/consent" {
		t.Errorf("a user, then: %s", to)
	}

	p.Clock.Advance(credential.RegistrationLifetime + time.Second)
	if err := p.App.Credential.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	admins := p.Token(p.origin, p.TenantClient(p.tenant))
	for id, status := range map[string]int{made.ClientID: http.StatusOK, confidential.ClientID: http.StatusNotFound} {
		answer := p.Do(testenv.Request{URL: p.origin + "/api/v1/oauth-clients/" + id, Token: admins})
		if answer.Status != status {
			t.Errorf("after an hour: %d %s", answer.Status, answer.Body)
		}
	}
}
