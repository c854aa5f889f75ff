package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	callback = "https://app.example.com/callback?keep=1"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// program is an OAuth client of a tenant that acts for people.
type program struct {
	e      *testenv.Env
	origin string
	id     string
	secret string
}

func (p program) authorizeURL(change url.Values) string {
	q := url.Values{
		"client_id": {p.id}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"xyz"},
		"code_challenge_method": {"S256"}, "code_challenge": {challengeOf(verifier)},
	}
	maps.Copy(q, change)
	for name, values := range q {
		if len(values) == 0 {
			delete(q, name)
		}
	}
	return "/oauth/authorize?" + q.Encode()
}

func (p program) token(t *testing.T, fields map[string]any) (testenv.Answer, api.TokenResponse) {
	t.Helper()
	if p.secret != "" && fields["client_secret"] == nil {
		fields["client_secret"] = p.secret
	}
	answer := p.e.Do(testenv.Request{URL: p.origin + "/oauth/token", JSON: fields})
	var token api.TokenResponse
	if answer.Status == http.StatusOK {
		answer.Into(&token)
	}
	return answer, token
}

func (p program) redeem(t *testing.T, code string) (testenv.Answer, api.TokenResponse) {
	t.Helper()
	return p.token(t, map[string]any{"grant_type": api.GrantAuthorizationCode, "client_id": p.id, "code": code, "redirect_uri": callback, "code_verifier": verifier})
}

func (p program) refresh(t *testing.T, token string) (testenv.Answer, api.TokenResponse) {
	t.Helper()
	return p.token(t, map[string]any{"grant_type": api.GrantRefreshToken, "refresh_token": token})
}

// page asks for a page, as a browser does, or sends its form.
func (b *browser) page(t *testing.T, path string, form url.Values) (status int, location, body string) {
	t.Helper()
	method, text := http.MethodGet, ""
	if form != nil {
		method, text = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.origin+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.e.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(all)
}

var formToken = regexp.MustCompile(`name="form" value="([^"]*)"`)

// submit fills the form of a page and sends it to a path.
func (b *browser) submit(t *testing.T, page, path string, fields url.Values) (status int, location, body string) {
	t.Helper()
	tokens := formToken.FindAllStringSubmatch(page, -1)
	if len(tokens) == 0 {
		t.Fatalf("no form in %s", page)
	}
	fields.Set("form", html.UnescapeString(tokens[len(tokens)-1][1]))
	return b.page(t, path, fields)
}

// goes sends the browser to the authorization endpoint, and returns where it is
// sent then.
func (b *browser) goes(t *testing.T, path string) *url.URL {
	t.Helper()
	answer := b.do(testenv.Request{URL: path})
	expect(t, "authorize", answer, http.StatusFound, "")
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// programEnv is a tenant with a person who is signed in, and a program.
type programEnv struct {
	*testenv.Env
	tenant  estate.Tenant
	portal  *portal
	browser *browser
	user    estate.User
	program
}

func newProgramEnv(t *testing.T, change func(*credential.NewClient)) *programEnv {
	t.Helper()
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := &programEnv{Env: e, tenant: tenant, portal: newPortal(t, e, tenant), user: person(t, e, tenant, "ada", estate.UserActive)}
	p.browser = p.portal.signIn(t, "ada")
	n := credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "Planner", AppType: api.AppTypeSPA, RedirectURIs: []string{callback},
		Permissions: []string{api.ScopeUserDefault, api.ScopeAdminClassic, api.ScopeOfflineAccess}, Consent: estate.ConsentTrusted,
	}
	if change != nil {
		change(&n)
	}
	c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
	if err != nil {
		t.Fatal(err)
	}
	p.program = program{e, e.TenantURL(tenant), string(c.ID), secret.Reveal()}
	return p
}

func (p *programEnv) code(t *testing.T, scope string) string {
	t.Helper()
	to := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {scope}}))
	if to.Host != "app.example.com" || to.Query().Get("keep") != "1" || to.Query().Get("state") != "xyz" || to.Query().Get("iss") != p.origin || to.Query().Get("code") == "" {
		t.Fatalf("sent to %s", to)
	}
	return to.Query().Get("code")
}

// works tells whether an access token is accepted.
func (p *programEnv) works(t *testing.T, token string) bool {
	t.Helper()
	answer := p.Do(testenv.Request{URL: p.origin + "/api/v1/users/" + string(p.user.ID), Token: token})
	if answer.Status != http.StatusOK && answer.Status != http.StatusUnauthorized {
		t.Fatalf("users: %d %s", answer.Status, answer.Body)
	}
	return answer.Status == http.StatusOK
}

func TestAuthorize_Errors(t *testing.T) {
	p := newProgramEnv(t, nil)
	for name, c := range map[string]struct {
		change url.Values
		code   string
	}{
		"unknown client":              {url.Values{"client_id": {strings.Repeat("0", 32)}}, api.CodeOAuthInvalidClient},
		"no client":                   {url.Values{"client_id": {}}, api.CodeOAuthInvalidClient},
		"client that is no id":        {url.Values{"client_id": {"freehold-cli"}}, api.CodeOAuthInvalidClient},
		"another redirect URI":        {url.Values{"redirect_uri": {"https://app.example.com/callback"}}, api.CodeOAuthRedirectURI},
		"a longer one":                {url.Values{"redirect_uri": {callback + "&more=1"}}, api.CodeOAuthRedirectURI},
		"none":                        {url.Values{"redirect_uri": {}}, api.CodeOAuthRedirectURI},
		"redirect URI given twice":    {url.Values{"redirect_uri": {callback, "https://evil.example.com/"}}, api.CodeOAuthRedirectURI},
		"everything is wrong besides": {url.Values{"redirect_uri": {"https://evil.example.com/"}, "response_type": {"token"}}, api.CodeOAuthRedirectURI},
	} {
		expect(t, name, p.browser.do(testenv.Request{URL: p.authorizeURL(c.change)}), http.StatusBadRequest, c.code)
	}
	foreign := p.TenantURL(p.Tenant(p.Subscription(2), "us"))
	expect(t, "at another tenant", p.Do(testenv.Request{URL: foreign + p.authorizeURL(nil)}), http.StatusBadRequest, api.CodeOAuthInvalidClient)

	for name, c := range map[string]struct {
		change      url.Values
		error, code string
	}{
		"no state":               {url.Values{"state": {}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"implicit flow":          {url.Values{"response_type": {"token"}}, "unsupported_response_type", api.CodeOAuthResponseType},
		"no response type":       {url.Values{"response_type": {}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"no PKCE":                {url.Values{"code_challenge": {}, "code_challenge_method": {}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"plain PKCE":             {url.Values{"code_challenge": {verifier}, "code_challenge_method": {"plain"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"challenge too short":    {url.Values{"code_challenge": {"short"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"unknown prompt":         {url.Values{"prompt": {"select_account"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"none and login":         {url.Values{"prompt": {"none login"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"max_age is no number":   {url.Values{"max_age": {"soon"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"state given twice":      {url.Values{"state": {"a", "b"}}, "invalid_request", api.CodeOAuthInvalidRequest},
		"scopes that it lacks":   {url.Values{"scope": {"unknown tenants:create"}}, "invalid_scope", api.CodeOAuthInvalidScope},
		"too old, and no asking": {url.Values{"prompt": {"none"}, "max_age": {"0"}}, "login_required", api.CodeOAuthLoginRequired},
	} {
		p.Clock.Advance(time.Second)
		q := p.browser.goes(t, p.authorizeURL(c.change)).Query()
		if q.Get("error") != c.error || q.Get("error_code") != c.code || q.Get("code") != "" || q.Get("iss") != p.origin || q.Get("error_description") == "" {
			t.Errorf("%s: %v", name, q)
		}
	}
}

func TestAuthorize_SignIn(t *testing.T) {
	p := newProgramEnv(t, nil)
	nobody := newBrowser(p.Env, p.origin)
	to := nobody.goes(t, p.authorizeURL(url.Values{"login_hint": {"ada@example.com"}}))
	if to.Path != "/login" || to.Query().Get("login_hint") != "ada@example.com" || to.Query().Get("prompt") != "" {
		t.Fatalf("sent to %s", to)
	}
	back, err := url.Parse(to.Query().Get("returnto"))
	if err != nil || back.Path != "/oauth/authorize" || back.Query().Get("client_id") != p.id {
		t.Fatalf("comes back to %s (%v)", back, err)
	}
	if q := nobody.goes(t, p.authorizeURL(url.Values{"prompt": {"none"}})).Query(); q.Get("error") != "login_required" {
		t.Errorf("silently: %v", q)
	}
	if p.browser.goes(t, back.String()).Query().Get("code") == "" {
		t.Error("no code after signing in")
	}

	// A sign-in that is asked for has to happen, whatever there was before.
	p.Clock.Advance(time.Minute)
	for _, change := range []url.Values{{"prompt": {"login"}}, {"max_age": {"30"}}} {
		to = p.browser.goes(t, p.authorizeURL(change))
		if to.Path != "/login" || to.Query().Get("prompt") != "login" {
			t.Fatalf("sent to %s", to)
		}
		again := to.Query().Get("returnto")
		if to = p.browser.goes(t, again); to.Path != "/login" {
			t.Errorf("without a sign-in, sent to %s", to)
		}
		fresh := p.portal.signIn(t, "ada")
		if to = fresh.goes(t, again); to.Query().Get("code") == "" {
			t.Errorf("after a sign-in, sent to %s", to)
		}
		p.Clock.Advance(time.Minute)
	}
	forged := p.browser.goes(t, p.authorizeURL(url.Values{"prompt": {"login"}, "signed_in_after": {"1.x"}}))
	if forged.Path != "/login" {
		t.Errorf("a made-up sign-in: %s", forged)
	}
}

func TestAuthorizationCode(t *testing.T) {
	p := newProgramEnv(t, nil)
	answer, token := p.redeem(t, p.code(t, "user_default offline_access"))
	expect(t, "redeem", answer, http.StatusOK, "")
	claims := claimsOf(t, token.AccessToken)
	if token.RefreshToken == "" || token.Scope != "user_default admin_classic offline_access" || token.AuthTime == 0 || claims.Subject != string(p.user.ID) || claims.ClientID != p.id || claims.Actor != nil {
		t.Errorf("token %+v with claims %+v", token, claims)
	}
	if !p.works(t, token.AccessToken) {
		t.Error("the token is refused")
	}
	// The person is no administrator, so neither is the program.
	expect(t, "administer", p.Do(testenv.Request{URL: p.origin + "/api/core/auth-settings", Token: token.AccessToken}), http.StatusForbidden, api.CodeForbidden)
	me := p.Do(testenv.Request{URL: p.origin + "/api/v1/users/me", Token: token.AccessToken})
	if me.Header.Get("Location") != "/api/v1/users/"+string(p.user.ID) {
		t.Errorf("it is %q", me.Header.Get("Location"))
	}
	_, narrow := p.redeem(t, p.code(t, ""))
	if narrow.RefreshToken != "" || strings.Contains(narrow.Scope, "offline") {
		t.Errorf("without asking for it: %+v", narrow)
	}

	for name, change := range map[string]map[string]any{
		"another verifier":     {"code_verifier": strings.Repeat("x", 43)},
		"another redirect URI": {"redirect_uri": "https://app.example.com/"},
		"a made-up code":       {"code": "fhc_nothing"},
	} {
		fields := map[string]any{"grant_type": api.GrantAuthorizationCode, "client_id": p.id, "code": p.code(t, ""), "redirect_uri": callback, "code_verifier": verifier}
		maps.Copy(fields, change)
		answer, _ := p.token(t, fields)
		expect(t, name, answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
		if name != "a made-up code" {
			answer, _ = p.redeem(t, fields["code"].(string))
			expect(t, name+", then right", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
		}
	}
	late := p.code(t, "")
	p.Clock.Advance(credential.CodeLifetime)
	answer, _ = p.redeem(t, late)
	expect(t, "too late", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)

	// A code that is used twice takes everything along that came of it.
	code := p.code(t, "offline_access")
	_, stolen := p.redeem(t, code)
	answer, _ = p.redeem(t, code)
	expect(t, "twice", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	if p.works(t, stolen.AccessToken) {
		t.Error("the token of a code that was used twice works")
	}
	answer, _ = p.refresh(t, stolen.RefreshToken)
	expect(t, "refresh", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	if !p.works(t, token.AccessToken) {
		t.Error("that of another approval does not")
	}
	if found := tenantRecords(t, p.Env, p.tenant, "oauth-token.revoke"); len(found) != 3 || found[0].Data["reason"] == nil {
		t.Errorf("records %+v", found)
	}
}

func TestAuthorizationCode_Confidential(t *testing.T) {
	p := newProgramEnv(t, func(n *credential.NewClient) { n.AppType = api.AppTypeWeb })
	code := p.code(t, "offline_access")
	fields := func() map[string]any {
		return map[string]any{"grant_type": api.GrantAuthorizationCode, "client_id": p.id, "code": code, "redirect_uri": callback, "code_verifier": verifier}
	}
	wrong := fields()
	wrong["client_secret"] = strings.Repeat("0", 64)
	answer, _ := p.token(t, wrong)
	expect(t, "wrong secret", answer, http.StatusUnauthorized, api.CodeOAuthInvalidClient)
	bare := p.program
	bare.secret = ""
	answer, _ = bare.token(t, fields())
	expect(t, "no secret", answer, http.StatusBadRequest, api.CodeOAuthInvalidRequest)
	answer, token := p.token(t, fields())
	expect(t, "right", answer, http.StatusOK, "")
	answer, _ = bare.refresh(t, token.RefreshToken)
	expect(t, "refresh without secret", answer, http.StatusBadRequest, api.CodeOAuthInvalidRequest)
	answer, _ = p.refresh(t, token.RefreshToken) // without client_id: the token says whose it is
	expect(t, "refresh", answer, http.StatusOK, "")
}

func TestRefreshToken(t *testing.T) {
	p := newProgramEnv(t, nil)
	_, first := p.redeem(t, p.code(t, "offline_access"))
	answer, second := p.refresh(t, first.RefreshToken)
	expect(t, "refresh", answer, http.StatusOK, "")
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AuthTime != first.AuthTime || !p.works(t, second.AccessToken) {
		t.Errorf("%+v", second)
	}
	p.Clock.Advance(5 * time.Second)
	answer, lost := p.refresh(t, first.RefreshToken)
	expect(t, "again within seconds", answer, http.StatusOK, "")
	answer, narrow := p.token(t, map[string]any{"grant_type": api.GrantRefreshToken, "refresh_token": lost.RefreshToken, "scope": "user_default"})
	expect(t, "narrower", answer, http.StatusOK, "")
	if narrow.Scope != "user_default" {
		t.Errorf("scope %q", narrow.Scope)
	}
	answer, _ = p.token(t, map[string]any{"grant_type": api.GrantRefreshToken, "refresh_token": second.RefreshToken, "client_id": strings.Repeat("0", 32)})
	expect(t, "of another client", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)

	p.Clock.Advance(time.Minute)
	answer, _ = p.refresh(t, first.RefreshToken)
	expect(t, "again later", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	for name, token := range map[string]api.TokenResponse{"second": second, "lost": lost, "narrow": narrow} {
		if p.works(t, token.AccessToken) {
			t.Errorf("%s: the access token still works", name)
		}
		answer, _ = p.refresh(t, token.RefreshToken)
		expect(t, name, answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	}

	_, old := p.redeem(t, p.code(t, "offline_access"))
	p.Clock.Advance(credential.RefreshLifetime)
	answer, _ = p.refresh(t, old.RefreshToken)
	expect(t, "after thirty days", answer, http.StatusBadRequest, api.CodeOAuthInvalidGrant)
	expect(t, "at another tenant", p.Do(testenv.Request{
		URL: p.TenantURL(p.Tenant(p.Subscription(2), "us")) + "/oauth/token", JSON: map[string]any{"grant_type": api.GrantRefreshToken, "refresh_token": old.RefreshToken},
	}), http.StatusBadRequest, api.CodeOAuthInvalidGrant)
}

// TestRefreshToken_Ends: whatever ends the right of a program ends it at once.
func TestRefreshToken_Ends(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, p *programEnv, token api.TokenResponse){
		"revoked by its refresh token": func(t *testing.T, p *programEnv, token api.TokenResponse) {
			expect(t, "revoke", p.Do(testenv.Request{URL: p.origin + "/oauth/revoke", JSON: api.TokenQuery{Token: token.RefreshToken, ClientID: p.id}}), http.StatusOK, "")
		},
		"revoked by its access token": func(t *testing.T, p *programEnv, token api.TokenResponse) {
			expect(t, "revoke", p.Do(testenv.Request{URL: p.origin + "/oauth/revoke", Token: token.AccessToken, JSON: api.TokenQuery{Token: token.AccessToken}}), http.StatusOK, "")
		},
		"taken back by the person": func(t *testing.T, p *programEnv, _ api.TokenResponse) {
			p.Flush()
			var list api.OAuthTokenList
			answer := p.browser.do(testenv.Request{URL: "/api/v1/oauth-tokens"})
			expect(t, "list", answer, http.StatusOK, "")
			answer.Into(&list)
			if len(list.Data) != 1 || list.Data[0].ClientID != p.id || list.Data[0].UserID != string(p.user.ID) {
				t.Fatalf("%+v", list)
			}
			expect(t, "delete", p.browser.do(testenv.Request{Method: http.MethodDelete, URL: "/api/v1/oauth-tokens/" + list.Data[0].ID}), http.StatusNoContent, "")
		},
		"user disabled": func(t *testing.T, p *programEnv, _ api.TokenResponse) {
			expect(t, "disable", p.Do(testenv.Request{
				Method: http.MethodPatch, URL: p.origin + "/api/v1/users/" + string(p.user.ID), Token: p.portal.admin, JSON: ops{{Op: "replace", Path: "/status", Value: "disabled"}},
			}), http.StatusNoContent, "")
		},
		"user deleted": func(t *testing.T, p *programEnv, _ api.TokenResponse) {
			expect(t, "delete", p.Do(testenv.Request{Method: http.MethodDelete, URL: p.origin + "/api/v1/users/" + string(p.user.ID), Token: p.portal.admin}), http.StatusNoContent, "")
		},
		"client deleted": func(t *testing.T, p *programEnv, _ api.TokenResponse) {
			expect(t, "delete", p.Do(testenv.Request{
				Method: http.MethodDelete, URL: p.origin + "/api/v1/oauth-clients/" + p.id, Token: p.portal.admin, Header: map[string]string{api.HeaderConfirmDelete: p.id},
			}), http.StatusNoContent, "")
		},
		"scopes taken from the client": func(t *testing.T, p *programEnv, _ api.TokenResponse) {
			expect(t, "change", p.Do(testenv.Request{
				Method: http.MethodPatch, URL: p.origin + "/api/v1/oauth-clients/" + p.id, Token: p.portal.admin, JSON: ops{{Op: "replace", Path: "/allowedScopes", Value: []string{"apps:read"}}},
			}), http.StatusNoContent, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgramEnv(t, nil)
			_, token := p.redeem(t, p.code(t, "user_default offline_access"))
			if !p.works(t, token.AccessToken) {
				t.Fatal("refused before")
			}
			end(t, p, token)
			answer := p.Do(testenv.Request{URL: p.origin + "/api/v1/users", Token: token.AccessToken})
			if answer.Status != http.StatusUnauthorized && (name != "scopes taken from the client" || answer.Status != http.StatusForbidden) {
				t.Errorf("the access token gets %d", answer.Status)
			}
			answer, _ = p.refresh(t, token.RefreshToken)
			if answer.Status != http.StatusBadRequest && answer.Status != http.StatusForbidden {
				t.Errorf("refresh: %d %s", answer.Status, answer.Body)
			}
		})
	}
}

func TestConsent(t *testing.T) {
	p := newProgramEnv(t, func(n *credential.NewClient) { n.Consent = "" })
	ask := p.authorizeURL(url.Values{"scope": {"user_default"}})
	if q := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default"}, "prompt": {"none"}})).Query(); q.Get("error") != "consent_required" {
		t.Errorf("silently: %v", q)
	}
	at := p.browser.goes(t, ask)
	if at.Path != "/oauth/consent" {
		t.Fatalf("sent to %s", at)
	}
	status, _, page := p.browser.page(t, at.String(), nil)
	if status != http.StatusOK || !strings.Contains(page, "Planner") || !strings.Contains(page, "user_default") || strings.Contains(page, `value="admin_classic"`) {
		t.Fatalf("%d %s", status, page)
	}
	status, _, _ = p.browser.submit(t, page, at.String(), url.Values{})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: %d", status)
	}
	_, location, _ := p.browser.submit(t, page, at.String(), url.Values{"deny": {"yes"}})
	if denied, _ := url.Parse(location); denied.Query().Get("error") != "access_denied" || denied.Query().Get("state") != "xyz" {
		t.Errorf("denied: %s", location)
	}
	_, _, page = p.browser.page(t, at.String(), nil)
	_, location, _ = p.browser.submit(t, page, at.String(), url.Values{"scope": {"user_default", "admin_classic"}}) // of which only one was asked about
	approved, err := url.Parse(location)
	if err != nil || approved.Query().Get("code") == "" {
		t.Fatalf("approved: %s", location)
	}
	answer, token := p.redeem(t, approved.Query().Get("code"))
	expect(t, "redeem", answer, http.StatusOK, "")
	if token.Scope != "user_default" {
		t.Errorf("scope %q", token.Scope)
	}

	// Approved before: not asked again, also without naming it.
	for _, scope := range []string{"user_default", ""} {
		if q := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {scope}, "prompt": {"none"}})).Query(); q.Get("code") == "" {
			t.Errorf("scope %q: %v", scope, q)
		}
	}
	if to := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default"}, "prompt": {"consent"}})); to.Path != "/oauth/consent" {
		t.Errorf("prompt=consent: %s", to)
	}
	// Asked once more, what is not ticked any more is taken back.
	again := p.authorizeURL(url.Values{"scope": {"user_default admin_classic"}, "prompt": {"consent"}})
	var before api.TokenResponse
	for _, ticked := range [][]string{{"user_default", "admin_classic"}, {"user_default"}} {
		at := p.browser.goes(t, again).String()
		_, _, page = p.browser.page(t, at, nil)
		_, location, _ = p.browser.submit(t, page, at, url.Values{"scope": ticked})
		back, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if answer, narrowed := p.redeem(t, back.Query().Get("code")); answer.Status != http.StatusOK || !slices.Equal(slices.Sorted(slices.Values(strings.Fields(narrowed.Scope))), slices.Sorted(slices.Values(ticked))) {
			t.Errorf("ticked %v: %d, scope %q", ticked, answer.Status, narrowed.Scope)
		} else if len(ticked) > 1 {
			before = narrowed
		} else if p.works(t, before.AccessToken) || !p.works(t, narrowed.AccessToken) {
			t.Error("what the program had before still works, or what it has now does not")
		}
	}
	more := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default offline_access"}}))
	_, _, page = p.browser.page(t, more.String(), nil)
	if more.Path != "/oauth/consent" || strings.Contains(page, `value="user_default"`) || !strings.Contains(page, `value="offline_access"`) {
		t.Errorf("more: %s", more)
	}

	// By another site, or for another person's form, nothing is approved.
	stranger := p.portal.signIn(t, "eve")
	status, _, _ = stranger.submit(t, page, more.String(), url.Values{"scope": {"offline_access"}})
	if status != http.StatusConflict {
		t.Errorf("a form of somebody else: %d", status)
	}
	records := tenantRecords(t, p.Env, p.tenant, "oauth-token.approve")
	if n := len(records); n != 4 || !slices.ContainsFunc(records, func(r estate.AuditRecord) bool { return r.Outcome == estate.OutcomeRefused }) {
		t.Errorf("%d records", n)
	}

	// Deleting the entry takes the approval back.
	var list api.OAuthTokenList
	p.browser.do(testenv.Request{URL: "/api/v1/oauth-tokens"}).Into(&list)
	if len(list.Data) != 1 {
		t.Fatalf("%+v", list)
	}
	expect(t, "delete", p.browser.do(testenv.Request{Method: http.MethodDelete, URL: "/api/v1/oauth-tokens/" + list.Data[0].ID}), http.StatusNoContent, "")
	if to := p.browser.goes(t, ask); to.Path != "/oauth/consent" || p.works(t, token.AccessToken) {
		t.Errorf("after taking it back: %s", to)
	}
}
