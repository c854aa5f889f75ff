package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestRefreshToken_Bound: the refresh tokens of a program that keeps no secret are
// bound to the key that it proved with the first.
func TestRefreshToken_Bound(t *testing.T) {
	p := newProgramEnv(t, nil)
	owner, thief := newSender(t, p.Env), newSender(t, p.Env)
	redeem := func(s *sender) api.TokenResponse {
		t.Helper()
		return s.token(p.origin, url.Values{
			"grant_type": {api.GrantAuthorizationCode}, "client_id": {p.id}, "code": {p.code(t, "offline_access")}, "redirect_uri": {callback}, "code_verifier": {verifier},
		})
	}
	refresh := func(s *sender, token string) (int, string) {
		t.Helper()
		target, header := p.origin+"/oauth/token", http.Header{}
		if s != nil {
			header.Set("DPoP", s.proof("POST", target, s.nonce(p.origin), "", nil))
		}
		res, body := postForm(t, p.Env, target, url.Values{"grant_type": {api.GrantRefreshToken}, "client_id": {p.id}, "refresh_token": {token}}, header)
		if res.StatusCode == http.StatusOK {
			return res.StatusCode, tokenOf(t, body).RefreshToken
		}
		return res.StatusCode, oauthErrorOf(t, body)
	}
	first := redeem(owner)
	if first.TokenType != "DPoP" || first.RefreshToken == "" {
		t.Fatalf("%+v", first)
	}
	for name, s := range map[string]*sender{"another key": thief, "no proof": nil} {
		if status, code := refresh(s, first.RefreshToken); status != http.StatusBadRequest || code != "invalid_dpop_proof" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	// What the thief tried has used up nothing, and ended nothing.
	p.Clock.Advance(time.Minute)
	status, second := refresh(owner, first.RefreshToken)
	if status != http.StatusOK {
		t.Fatalf("the owner: %d %s", status, second)
	}
	if status, code := refresh(thief, second); status != http.StatusBadRequest || code != "invalid_dpop_proof" {
		t.Errorf("the thief of the next: %d %s", status, code)
	}
	if status, _ := refresh(owner, second); status != http.StatusOK {
		t.Errorf("the owner: %d", status)
	}

	// Bound or not, one that was used before ends all.
	p.Clock.Advance(time.Minute)
	if status, code := refresh(owner, first.RefreshToken); status != http.StatusBadRequest || code != "invalid_grant" {
		t.Errorf("used before: %d %s", status, code)
	}
	if status, code := refresh(owner, second); status != http.StatusBadRequest || code != "invalid_grant" {
		t.Errorf("after that: %d %s", status, code)
	}
}

// TestPersonToken_TenantDeactivated: in a tenant that is deactivated nobody acts,
// and neither does a program.
func TestPersonToken_TenantDeactivated(t *testing.T) {
	p := newProgramEnv(t, nil)
	_, token := p.redeem(t, p.code(t, "offline_access"))
	pending := p.code(t, "offline_access")
	device := p.device(t, api.CLIClientID, "user_default")
	k := newKeeper(p.Env, estate.Subscription{ID: p.tenant.Subscription, Organization: p.tenant.Organization})
	if !p.works(t, token.AccessToken) {
		t.Fatal("refused before")
	}
	expect(t, "deactivate", k.act("deactivate", p.tenant, nil), http.StatusOK, "")
	refused := func(what string, answer testenv.Answer) {
		t.Helper()
		if answer.Status < 400 || answer.Status >= 500 {
			t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
		}
	}
	refused("access token", p.Do(testenv.Request{URL: p.origin + "/api/v1/users/" + string(p.user.ID), Token: token.AccessToken}))
	answer, _ := p.refresh(t, token.RefreshToken)
	refused("refresh token", answer)
	answer, _ = p.redeem(t, pending)
	refused("code", answer)
	answer, _ = p.poll(t, api.CLIClientID, device.DeviceCode)
	refused("device", answer)
	refused("another device", p.Do(testenv.Request{URL: p.origin + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {api.CLIClientID}}}))
}

// TestPersonToken_Follows: a token does what its person may do now, and not what
// they could when they approved it.
func TestPersonToken_Follows(t *testing.T) {
	p := newProgramEnv(t, nil)
	root := person(t, p.Env, p.tenant, "root", estate.UserActive, estate.RoleTenantAdmin)
	token := deviceToken(t, p.Env, p.SignInUser(p.tenant, root.ID), p.origin, "admin_classic user_default offline_access")
	settings := func() testenv.Answer {
		return p.Do(testenv.Request{URL: p.origin + "/api/core/auth-settings", Token: token.AccessToken})
	}
	patch := func(what, path string, value any) {
		t.Helper()
		expect(t, what, p.Do(testenv.Request{
			Method: http.MethodPatch, URL: p.origin + "/api/v1/users/" + string(root.ID), Token: p.portal.admin, JSON: ops{{Op: "replace", Path: path, Value: value}},
		}), http.StatusNoContent, "")
	}
	refresh := func() testenv.Answer {
		answer, fresh := p.refresh(t, token.RefreshToken)
		if answer.Status == http.StatusOK {
			token = fresh
		}
		return answer
	}
	expect(t, "an administrator", settings(), http.StatusOK, "")

	patch("remove the role", "/roles", []string{})
	expect(t, "who is none any more", settings(), http.StatusForbidden, api.CodeForbidden)
	expect(t, "refresh", refresh(), http.StatusOK, "") // the person is still somebody
	expect(t, "with a new token", settings(), http.StatusForbidden, api.CodeForbidden)
	patch("give it back", "/roles", []string{string(estate.RoleTenantAdmin)})
	expect(t, "who is one again", settings(), http.StatusOK, "")

	session := p.SignInUser(p.tenant, root.ID)
	patch("disable", "/status", "disabled")
	expect(t, "who is disabled", settings(), http.StatusUnauthorized, api.CodeUnauthenticated)
	answer := refresh()
	if answer.Status != http.StatusBadRequest && answer.Status != http.StatusForbidden {
		t.Errorf("refresh of who is disabled: %d %s", answer.Status, answer.Body)
	}
	waiting := p.device(t, api.CLIClientID, "user_default")
	status, location, _ := p.browserOf(session).page(t, "/device?user_code="+waiting.UserCode, nil)
	if status != http.StatusSeeOther || location == "" {
		t.Errorf("who is disabled is asked: %d %s", status, location)
	}
}

func (p *programEnv) browserOf(in testenv.Session) *browser {
	b := newBrowser(p.Env, p.origin)
	b.cookies, b.csrf = in.Cookies, in.CSRF
	return b
}
