package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// openIDProvider is an OpenID provider on loopback at which everybody is signed in
// as the same person.
type openIDProvider struct {
	*httptest.Server
	t   *testing.T
	e   *testenv.Env
	key *rsa.PrivateKey

	mu       sync.Mutex
	codes    map[string]url.Values // what was asked for, by code
	redeemed int
	person   object
	info     object // claims of the user info endpoint; nil: those of person
	deny     string // error of the authorization endpoint
	idToken  func(claims object) (key any, algorithm jose.SignatureAlgorithm)
}

const openIDSecret = "the secret/of the client"

func newOpenIDProvider(t *testing.T, e *testenv.Env) *openIDProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o := &openIDProvider{t: t, e: e, key: key, codes: map[string]url.Values{}, person: object{
		"sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true, "groups": []string{"Analysts"},
	}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, o.metadata())
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		status, body := o.token(r)
		answer(w, status, body)
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer access" {
			answer(w, http.StatusUnauthorized, object{})
			return
		}
		claims := o.info
		if claims == nil {
			claims = o.person
		}
		answer(w, http.StatusOK, claims)
	})
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *openIDProvider) metadata() object {
	return object{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
		"userinfo_endpoint": o.URL + "/userinfo",
	}
}

func (o *openIDProvider) authorize(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("client_id") != "freehold" || q.Get("nonce") == "" || q.Get("state") == "" ||
		!strings.Contains(q.Get("scope"), "openid") || !strings.HasSuffix(q.Get("redirect_uri"), "/login/callback") {
		o.t.Errorf("authorization request %s", r.URL)
	}
	back := url.Values{"state": {q.Get("state")}}
	if o.deny != "" {
		back.Set("error", o.deny)
	} else {
		code := rand.Text()
		o.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (o *openIDProvider) token(r *http.Request) (int, object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	client, secret, _ := r.BasicAuth()
	if unescaped, err := url.QueryUnescape(secret); err != nil || client != "freehold" || unescaped != openIDSecret {
		return http.StatusUnauthorized, object{"error": "invalid_client"}
	}
	asked, ok := o.codes[r.FormValue("code")]
	delete(o.codes, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || r.FormValue("redirect_uri") != asked.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		return http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "no such code"}
	}
	o.redeemed++
	now := o.e.Clock.Now()
	claims := object{"iss": o.URL, "aud": "freehold", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": asked.Get("nonce")}
	for name, value := range o.person {
		claims[name] = value
	}
	var key any = o.key
	algorithm := jose.RS256
	if o.idToken != nil {
		key, algorithm = o.idToken(claims)
	}
	return http.StatusOK, object{"access_token": "access", "token_type": "Bearer", "id_token": signJWT(o.t, key, algorithm, "k", claims)}
}

// visit is what a browser does that is sent to the provider: it comes back with
// the address to call.
func (o *openIDProvider) visit(departure testenv.Answer) string {
	o.t.Helper()
	if departure.Status != http.StatusFound || !strings.HasPrefix(departure.Header.Get("Location"), o.URL+"/authorize?") {
		o.t.Fatalf("sent to %d %s: %s", departure.Status, departure.Header.Get("Location"), departure.Body)
	}
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, departure.Header.Get("Location"), nil)
	if err != nil {
		o.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.Header.Get("Location")
}

// options are those of a client of the provider.
func (o *openIDProvider) options() object {
	return object{
		"discoveryUrl": o.URL + "/.well-known/openid-configuration", "clientId": "freehold", "clientSecret": openIDSecret,
		"claimsMapping": object{"sub": []string{"/sub"}, "name": []string{"/nickname", "/name"}},
	}
}

// openIDTenant is a tenant with an administrator's token and browser.
type openIDTenant struct {
	*openIDProvider
	tenant estate.Tenant
	origin string
	admin  string
}

func newOpenIDTenant(t *testing.T) *openIDTenant {
	t.Helper()
	e := testenv.New(t)
	o := &openIDTenant{openIDProvider: newOpenIDProvider(t, e), tenant: e.Tenant(e.Subscription(3), "us")}
	o.origin = e.TenantURL(o.tenant)
	o.admin = e.Token(o.origin, e.TenantClient(o.tenant))
	return o
}

func (o *openIDTenant) create(options string, change object) string {
	o.t.Helper()
	body := with(object{"protocol": "OIDC", "provider": "generic", "interactive": true, options: o.options(), "skipVerify": options == "options"}, change)
	answer := o.e.Do(testenv.Request{URL: o.origin + "/api/v1/identity-providers", Token: o.admin, JSON: body})
	expect(o.t, "create", answer, http.StatusCreated, "")
	var made api.IdentityProvider
	answer.Into(&made)
	return made.ID
}

func (o *openIDTenant) get(id string) (found api.IdentityProvider) {
	o.t.Helper()
	o.e.Do(testenv.Request{URL: o.origin + "/api/v1/identity-providers/" + id, Token: o.admin}).Into(&found)
	return found
}

func (o *openIDTenant) patch(id string, patch ...object) testenv.Answer {
	o.t.Helper()
	return o.e.Do(testenv.Request{Method: "PATCH", URL: o.origin + "/api/v1/identity-providers/" + id, Token: o.admin, JSON: patch})
}

func TestLogin_TestedAndPromoted(t *testing.T) {
	o := newOpenIDTenant(t)
	id := o.create("pendingOptions", nil)
	person := newBrowser(o.e, o.origin)
	expect(t, "before the test", person.do(testenv.Request{URL: "/login"}), http.StatusNotFound, api.CodeLoginNoInteractive)
	expect(t, "promote untested", o.patch(id, object{"op": "promote-options"}), http.StatusPreconditionFailed, api.CodeIDPUnverified)
	expect(t, "activate untested", o.patch(id, object{"op": "replace", "path": "/active", "value": true}), http.StatusPreconditionFailed, api.CodeIDPUnverified)

	// The test goes through an administrator's browser, and signs nobody in.
	admin := newBrowser(o.e, o.origin)
	test := testenv.Request{URL: "/login/test?idp=" + id, Token: o.admin}
	back := o.visit(admin.do(test))
	if found := o.get(id); found.PendingState != "pending" || found.PendingResult.Status != "pending" || found.PendingResult.Started == nil {
		t.Errorf("during the test: %+v %+v", found, found.PendingResult)
	}
	answer := admin.do(testenv.Request{URL: back})
	expect(t, "test", answer, http.StatusOK, "")
	var result api.PendingResult
	answer.Into(&result)
	if result.Status != "success" || result.ResultantClaims.Name != "Ada Lovelace" || !result.ResultantClaims.EmailVerified || result.ResultantClaims.Groups[0] != "Analysts" {
		t.Errorf("result: %s", answer.Body)
	}
	if len(admin.cookies) != 0 {
		t.Errorf("the test leaves cookies: %v", admin.cookies)
	}
	if found := o.get(id); found.PendingState != "verified" || found.PendingResult.Status != "success" || found.Active {
		t.Errorf("after the test: %+v", found)
	}
	expect(t, "still untested", person.do(testenv.Request{URL: "/login"}), http.StatusNotFound, api.CodeLoginNoInteractive)
	expect(t, "promote", o.patch(id, object{"op": "promote-options"}), http.StatusNoContent, "")
	if found := o.get(id); !found.Active || found.PendingOptions != nil || found.PendingState != "" || found.PendingResult != nil || found.Options.ClientID != "freehold" {
		t.Errorf("promoted: %+v", found)
	}
	expect(t, "nothing to test", admin.do(test), http.StatusPreconditionFailed, api.CodeIDPUnverified)

	// Now people are let in.
	answer = person.do(testenv.Request{URL: o.visit(person.do(testenv.Request{URL: "/login?returnto=" + url.QueryEscape(o.origin+"/admin?a=b#c")}))})
	if answer.Status != http.StatusFound || answer.Header.Get("Location") != "/admin?a=b#c" {
		t.Errorf("signed in: %d %s", answer.Status, answer.Header.Get("Location"))
	}
	if _, left := person.cookies["login.state"]; left || person.cookies["eas.sid"] == "" {
		t.Errorf("cookies: %v", person.cookies)
	}
	ada := person.me(t)
	if ada.Subject != "ada" || ada.Name != "Ada Lovelace" || ada.Email != "ada@example.com" {
		t.Errorf("who was signed in: %+v", ada)
	}
	records := tenantRecords(t, o.e, o.tenant, "session.create")
	if len(records) != 1 || records[0].Data["protocol"] != "OIDC" || records[0].Target != ada.ID {
		t.Errorf("recorded: %+v", records)
	}
	// New pending options are tested beside those in force.
	changed := with(o.options(), object{"realm": "ACME", "clientSecret": nil})
	expect(t, "pending", o.patch(id, object{"op": "replace", "path": "/pendingOptions", "value": changed}), http.StatusNoContent, "")
	back = o.visit(admin.do(test))
	expect(t, "change", o.patch(id, object{"op": "replace", "path": "/pendingOptions/realm", "value": "OTHER"}), http.StatusNoContent, "")
	if admin.do(testenv.Request{URL: back}).Into(&result); result.Status != "configChangedDuringTestError" {
		t.Errorf("changed during the test: %+v", result)
	}
	admin.do(testenv.Request{URL: o.visit(admin.do(test))}).Into(&result)
	if result.Status != "success" || result.ResultantClaims.Subject != `OTHER\ada` {
		t.Errorf("with a realm: %+v", result)
	}
	if person.me(t).ID != ada.ID {
		t.Error("the session has ended by a test")
	}
}

func TestLogin_Refused(t *testing.T) {
	o := newOpenIDTenant(t)
	id := o.create("options", object{"provider": "azureAD", "options": with(o.options(), object{"useClaimsFromIdToken": false})})
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) func() {
		return func() {
			o.idToken = func(claims object) (any, jose.SignatureAlgorithm) {
				claims[name] = value
				return o.key, jose.RS256
			}
		}
	}
	for reason, prepare := range map[string]func(){
		"access_denied":     func() { o.deny = "access_denied" },
		"another key":       func() { o.idToken = func(object) (any, jose.SignatureAlgorithm) { return other, jose.RS256 } },
		"another algorithm": func() { o.idToken = func(object) (any, jose.SignatureAlgorithm) { return o.key, jose.RS512 } },
		"shared secret": func() {
			o.idToken = func(object) (any, jose.SignatureAlgorithm) { return []byte(strings.Repeat("s", 32)), jose.HS256 }
		},
		"another issuer":         claim("iss", "https://else.example.com"),
		"another audience":       claim("aud", "else"),
		"another nonce":          claim("nonce", "x"),
		"expired":                claim("exp", o.e.Clock.Now().Add(-time.Minute).Unix()),
		"user info of others":    func() { o.info = object{"sub": "eve"} },
		"name of the wrong type": func() { o.info = object{"sub": "ada", "name": 5} },
		"groups of objects":      func() { o.info = object{"sub": "ada", "groups": []any{object{}}} },
		"subject of a bot":       func() { o.person = object{"sub": `qlikbot\x`} },
	} {
		person := o.person
		prepare()
		b := newBrowser(o.e, o.origin)
		answer := b.do(testenv.Request{URL: o.visit(b.do(testenv.Request{URL: "/login"}))})
		expect(t, reason, answer, http.StatusUnauthorized, api.CodeLoginRefused)
		if len(b.cookies) != 0 {
			t.Errorf("%s: cookies %v", reason, b.cookies)
		}
		if r := tenantRecords(t, o.e, o.tenant, "session.create")[0]; r.Outcome != estate.OutcomeRefused || r.Target != id || r.Data["reason"] == "" {
			t.Errorf("%s: recorded %+v", reason, r)
		}
		o.person, o.info, o.deny, o.idToken = person, nil, "", nil
	}

	// An answer is to the browser that asked, once, and soon.
	b, thief := newBrowser(o.e, o.origin), newBrowser(o.e, o.origin)
	back := o.visit(b.do(testenv.Request{URL: "/login"}))
	expect(t, "another browser", thief.do(testenv.Request{URL: back}), http.StatusBadRequest, api.CodeLoginState)
	thief.do(testenv.Request{URL: "/login"})
	expect(t, "another login", thief.do(testenv.Request{URL: back}), http.StatusBadRequest, api.CodeLoginState)
	state := b.cookies["login.state"]
	for name, value := range map[string]string{"no cookie": "", "garbage": "x", "changed": state[:len(state)-2] + "AA"} {
		changed := newBrowser(o.e, o.origin)
		changed.cookies["login.state"] = value
		expect(t, name, changed.do(testenv.Request{URL: back}), http.StatusBadRequest, api.CodeLoginState)
	}
	expect(t, "no state", (&browser{e: o.e, origin: o.origin, cookies: map[string]string{"login.state": state}}).do(testenv.Request{URL: "/login/callback?code=x"}), http.StatusBadRequest, api.CodeLoginState)
	wrongIssuer := &browser{e: o.e, origin: o.origin, cookies: map[string]string{"login.state": state}}
	expect(t, "another issuer answers", wrongIssuer.do(testenv.Request{URL: back + "&iss=https://else.example.com"}), http.StatusUnauthorized, api.CodeLoginRefused)
	if o.redeemed == 0 {
		t.Fatal("no code was ever redeemed")
	}
	sibling := o.e.Tenant(o.e.Subscription(3), "us")
	foreign := &browser{e: o.e, origin: o.e.TenantURL(sibling), cookies: map[string]string{"login.state": state}}
	expect(t, "another tenant", foreign.do(testenv.Request{URL: strings.Replace(back, o.origin, foreign.origin, 1)}), http.StatusBadRequest, api.CodeLoginState)
	late := &browser{e: o.e, origin: o.origin, cookies: map[string]string{"login.state": state}}
	o.e.Clock.Advance(10*time.Minute + time.Second)
	expect(t, "late", late.do(testenv.Request{URL: back}), http.StatusBadRequest, api.CodeLoginState)

	back = o.visit(b.do(testenv.Request{URL: "/login"}))
	again := &browser{e: o.e, origin: o.origin, cookies: map[string]string{"login.state": b.cookies["login.state"]}}
	if answer := b.do(testenv.Request{URL: back}); answer.Status != http.StatusFound {
		t.Errorf("signed in: %d %s", answer.Status, answer.Body)
	}
	expect(t, "the same code again", again.do(testenv.Request{URL: back}), http.StatusUnauthorized, api.CodeLoginRefused)

	// A provider that is gone lets nobody in who is on the way.
	o.admin = o.e.Token(o.origin, o.e.TenantClient(o.tenant))
	back = o.visit(b.do(testenv.Request{URL: "/login"}))
	expect(t, "inactive", o.patch(id, object{"op": "replace", "path": "/active", "value": false}), http.StatusNoContent, "")
	expect(t, "on the way", b.do(testenv.Request{URL: back}), http.StatusUnauthorized, api.CodeLoginRefused)
}

func TestLogin_TestFails(t *testing.T) {
	o := newOpenIDTenant(t)
	configuration := o.metadata()
	for name, c := range map[string]struct {
		options object
		prepare func()
		status  string
		begins  bool
	}{
		"wrong secret":   {object{"clientSecret": "wrong"}, func() {}, "tokenError", true},
		"denied":         {nil, func() { o.deny = "access_denied" }, "callbackError", true},
		"no subject":     {object{"claimsMapping": object{"sub": []string{"/nobody"}}}, func() {}, "claimsError", true},
		"no discovery":   {object{"discoveryUrl": o.URL + "/none"}, func() {}, "networkError", false},
		"foreign issuer": {object{"discoveryUrl": o.URL + "/keys"}, func() {}, "networkError", false},
		"no keys":        {object{"discoveryUrl": nil, "openid_configuration": with(configuration, object{"jwks_uri": o.URL + "/none"})}, func() {}, "tokenError", true},
		"no user info":   {object{"discoveryUrl": nil, "openid_configuration": with(configuration, object{"userinfo_endpoint": o.URL + "/none"})}, func() {}, "networkError", true},
		"no token":       {object{"discoveryUrl": nil, "openid_configuration": with(configuration, object{"token_endpoint": o.URL + "/none"})}, func() {}, "tokenError", true},
		"success":        {object{"discoveryUrl": nil, "openid_configuration": configuration}, func() {}, "success", true},
	} {
		id := o.create("pendingOptions", object{"pendingOptions": with(o.options(), c.options)})
		c.prepare()
		b := newBrowser(o.e, o.origin)
		departure := b.do(testenv.Request{URL: "/login/test?idp=" + id, Token: o.admin})
		if c.begins {
			answer := b.do(testenv.Request{URL: o.visit(departure)})
			expect(t, name, answer, http.StatusOK, "")
		} else {
			expect(t, name, departure, http.StatusPreconditionFailed, api.CodeIDPUnverified)
		}
		found := o.get(id)
		state := map[bool]string{true: "verified", false: "error"}[c.status == "success"]
		if found.PendingState != state || found.PendingResult == nil || found.PendingResult.Status != c.status || (c.status == "success") != (found.PendingResult.Error == "") {
			t.Errorf("%s: %s %+v", name, found.PendingState, found.PendingResult)
		}
		if name == "wrong secret" && (found.PendingResult.OAuth2Error == nil || found.PendingResult.OAuth2Error.Error != "invalid_client") {
			t.Errorf("%s: %+v", name, found.PendingResult)
		}
		o.deny = ""
		expect(t, "delete", o.e.Do(testenv.Request{Method: "DELETE", URL: o.origin + "/api/v1/identity-providers/" + id, Token: o.admin}), http.StatusNoContent, "")
	}
	user := o.e.Token(o.origin, o.e.TenantClient(o.tenant, api.ScopeUserDefault))
	id := o.create("pendingOptions", nil)
	b := newBrowser(o.e, o.origin)
	expect(t, "test by a user", b.do(testenv.Request{URL: "/login/test?idp=" + id, Token: user}), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "test of nothing", b.do(testenv.Request{URL: "/login/test?idp=000000000000000000000000", Token: o.admin}), http.StatusNotFound, api.CodeIDPNotFound)
}

// TestLogin_ReturnTo: whatever a link says, nobody ends up on another site.
func TestLogin_ReturnTo(t *testing.T) {
	o := newOpenIDTenant(t)
	o.create("options", object{"postLogoutRedirectUri": "https://example.com/bye"})
	for returnTo, want := range map[string]string{
		"":                                  "/",
		"/a/b?c=d":                          "/a/b?c=d",
		o.origin + "/x":                     "/x",
		o.origin:                            "/",
		"https://evil.example.com/":         "/",
		"//evil.example.com":                "/",
		`/\evil.example.com`:                "/",
		`\\evil.example.com`:                "/",
		"/%5cevil.example.com":              "/",
		"/%2fevil.example.com":              "/",
		"http:evil.example.com":             "/",
		"javascript:alert(1)":               "/",
		"evil.example.com":                  "/",
		o.origin + "//evil.example.com":     "/",
		o.origin + "@evil.example.com":      "/",
		o.origin + ".evil.example.com/":     "/",
		"http://user@" + o.origin[7:] + "/": "/",
		o.e.Console() + "/":                 "/",
		"/a\r\nSet-Cookie: x=y":             "/",
	} {
		b := newBrowser(o.e, o.origin)
		answer := b.do(testenv.Request{URL: o.visit(b.do(testenv.Request{URL: "/login?returnto=" + url.QueryEscape(returnTo)}))})
		if location := answer.Header.Get("Location"); answer.Status != http.StatusFound || location != want {
			t.Errorf("%q: %d, to %q, want %q", returnTo, answer.Status, location, want)
		}
		resolved, err := url.Parse(o.origin + "/login/callback")
		if err != nil {
			t.Fatal(err)
		}
		if to, err := resolved.Parse(answer.Header.Get("Location")); err != nil || to.Scheme+"://"+to.Host != o.origin {
			t.Errorf("%q leads to %v (%v)", returnTo, to, err)
		}
	}
	b := newBrowser(o.e, o.origin)
	b.do(testenv.Request{URL: o.visit(b.do(testenv.Request{URL: "/login"}))})
	if answer := b.do(testenv.Request{URL: "/logout"}); answer.Header.Get("Location") != "https://example.com/bye" {
		t.Errorf("after logging out: %v", answer.Header)
	}
}
