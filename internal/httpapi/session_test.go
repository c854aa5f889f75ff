package httpapi_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// portal is an outside program that signs people in to a tenant by JWTs.
type portal struct {
	e      *testenv.Env
	origin string // of the tenant
	admin  string // token
	key    crypto.Signer
	id     string // of the identity provider
	issuer string
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// oneLine is PEM as many programs write it into JSON.
func oneLine(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n", "")
}

// newPortal registers a portal, as the contract's samples do.
func newPortal(t *testing.T, e *testenv.Env, tenant estate.Tenant) *portal {
	t.Helper()
	p := &portal{e: e, origin: e.TenantURL(tenant), key: ecKey(t, elliptic.P256()), issuer: "https://portal.example.com"}
	p.admin = e.Token(p.origin, e.TenantClient(tenant))
	answer := e.Do(testenv.Request{URL: p.origin + "/api/v1/identity-providers", Token: p.admin, JSON: map[string]any{
		"tenantIds": []string{string(tenant.ID)}, "provider": "external", "protocol": "jwtAuth", "interactive": false, "active": true,
		"clockToleranceSec": 5, "description": "portal",
		"options": map[string]any{"jwtLoginEnabled": true, "issuer": p.issuer, "staticKeys": []any{map[string]any{"kid": "k1", "pem": oneLine(t, p.key.Public())}}},
	}})
	expect(t, "create", answer, http.StatusCreated, "")
	var made api.IdentityProvider
	answer.Into(&made)
	p.id = made.ID
	return p
}

// sign makes a JWT for POST /login/jwt-session.
func (p *portal) sign(t *testing.T, subject string, change ...func(map[string]any)) string {
	t.Helper()
	now := p.e.Clock.Now()
	claims := map[string]any{
		"iss": p.issuer, "aud": api.SessionAudience, "sub": subject, "subType": "user", "name": "Name of " + subject, "email": subject + "@example.com",
		"email_verified": true, "groups": []string{"Everybody"}, "jti": "1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
	}
	for _, fn := range change {
		fn(claims)
	}
	return signJWT(t, p.key, jose.ES256, "k1", claims)
}

func signJWT(t *testing.T, key any, algorithm jose.SignatureAlgorithm, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// browser keeps cookies of one host.
type browser struct {
	e       *testenv.Env
	origin  string
	cookies map[string]string
	csrf    string // sent with every request
}

func newBrowser(e *testenv.Env, origin string) *browser {
	return &browser{e: e, origin: origin, cookies: map[string]string{}}
}

// do sends a request with the cookies, and keeps those that come back.
func (b *browser) do(r testenv.Request) testenv.Answer {
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = map[string]string{}
	}
	if strings.HasPrefix(r.URL, "/") {
		r.URL = b.origin + r.URL
	}
	if len(b.cookies) > 0 {
		var all []string
		for name, value := range b.cookies {
			all = append(all, name+"="+value)
		}
		r.Header["Cookie"] = strings.Join(all, "; ")
	}
	if b.csrf != "" {
		r.Header[api.HeaderCSRF] = b.csrf
	}
	answer := b.e.Do(r)
	for _, c := range (&http.Response{Header: answer.Header}).Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer
}

// signIn makes a browser in which subject is signed in.
func (p *portal) signIn(t *testing.T, subject string) *browser {
	t.Helper()
	b := newBrowser(p.e, p.origin)
	expect(t, "sign in", b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: p.sign(t, subject)}), http.StatusOK, "")
	b.csrf = b.do(testenv.Request{URL: "/api/v1/csrf-token"}).Header.Get(api.HeaderCSRF)
	return b
}

// me is the user of the browser's session; zero: there is none.
func (b *browser) me(t *testing.T) (u api.User) {
	t.Helper()
	answer := b.do(testenv.Request{URL: "/api/v1/users/me"})
	if answer.Status == http.StatusUnauthorized {
		return u
	}
	expect(t, "users/me", answer, http.StatusFound, "")
	if answer = b.do(testenv.Request{URL: answer.Header.Get("Location")}); answer.Status == http.StatusUnauthorized {
		return u // it ended in between
	}
	expect(t, "user", answer, http.StatusOK, "")
	answer.Into(&u)
	return u
}

func tenantRecords(t *testing.T, e *testenv.Env, tenant estate.Tenant, action string) (found []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), tenant.Scope(), store.MaxPage)
		for _, r := range all {
			if r.Action == action {
				found = append(found, r)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSession_ByJWT(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	b := newBrowser(e, p.origin)

	answer := b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: p.sign(t, "ada")})
	expect(t, "sign in", answer, http.StatusOK, "")
	for _, c := range (&http.Response{Header: answer.Header}).Cookies() {
		if !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("over http, cookie %s", c.Raw)
		}
	}
	for _, name := range []string{"eas.sid", "eas.sid.sig", "_csrfToken"} {
		if b.cookies[name] == "" {
			t.Errorf("no cookie %s", name)
		}
	}
	ada := b.me(t)
	if ada.Subject != "ada" || ada.Name != "Name of ada" || ada.Email != "ada@example.com" || len(ada.Roles) != 0 || ada.Status != "active" {
		t.Errorf("who was signed in: %+v", ada)
	}
	// The next time she is the same, and what has changed of her is kept.
	first := maps.Clone(b.cookies)
	renamed := p.sign(t, "ada", func(c map[string]any) { c["name"] = "Ada"; delete(c, "email") })
	expect(t, "again", b.do(testenv.Request{Method: "POST", URL: "/login/jwt-session", Token: renamed}), http.StatusOK, "")
	if again := b.me(t); again.ID != ada.ID || again.Name != "Ada" || again.Email != "ada@example.com" {
		t.Errorf("the second time: %+v", again)
	}
	if first["eas.sid"] == b.cookies["eas.sid"] {
		t.Error("signing in again keeps the session's token")
	}
	if u := (&browser{e: e, origin: p.origin, cookies: first}).me(t); u.ID != "" {
		t.Error("the session before goes on")
	}
	if n := len(tenantRecords(t, e, tenant, "session.create")); n != 2 {
		t.Errorf("%d records of sign-in", n)
	}
	if created := tenantRecords(t, e, tenant, "user.create"); len(created) == 0 || created[0].Actor.Kind != estate.ActorUser || created[0].Data["subject"] != "ada" {
		t.Errorf("record of the new user: %+v", created)
	}

	// A session is of one tenant, and of exactly its token and signature.
	for name, change := range map[string]func(cookies map[string]string){
		"no signature":      func(c map[string]string) { delete(c, "eas.sid.sig") },
		"another signature": func(c map[string]string) { c["eas.sid.sig"] = first["eas.sid.sig"] },
		"another token":     func(c map[string]string) { c["eas.sid"] = "x" + c["eas.sid"] },
		"no token":          func(c map[string]string) { delete(c, "eas.sid") },
	} {
		other := &browser{e: e, origin: p.origin, cookies: maps.Clone(b.cookies)}
		change(other.cookies)
		if u := other.me(t); u.ID != "" {
			t.Errorf("%s: %s", name, u.Name)
		}
	}
	sibling := e.Tenant(e.Subscription(3), "us")
	newPortal(t, e, sibling)
	if u := (&browser{e: e, origin: e.TenantURL(sibling), cookies: b.cookies}).me(t); u.ID != "" {
		t.Errorf("in another tenant: %s", u.Name)
	}
	answer = e.Do(testenv.Request{Method: "POST", URL: e.TenantURL(sibling) + "/login/jwt-session", Token: signJWT(t, p.key, jose.ES256, "k1", map[string]any{"iss": p.issuer})})
	expect(t, "token for another tenant's portal", answer, http.StatusUnauthorized, api.CodeLoginRefused)
	if b.me(t).ID != ada.ID {
		t.Error("the session itself is gone")
	}
}

func TestSession_Refused(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	ada := p.signIn(t, "ada").me(t)
	bot := estate.BotSubject(e.TenantClient(tenant).ID)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return e.Clock.Now().Add(d).Unix() }
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	without := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	claims := func(change func(map[string]any)) string { return p.sign(t, "ada", change) }
	raw := func(key any, algorithm jose.SignatureAlgorithm, kid string) string {
		return signJWT(t, key, algorithm, kid, map[string]any{"iss": p.issuer, "aud": api.SessionAudience, "sub": "ada", "subType": "user", "exp": at(time.Minute)})
	}
	hmacKey := []byte(oneLine(t, p.key.Public()))
	none := strings.Join([]string{"eyJhbGciOiJub25lIiwia2lkIjoiazEifQ", strings.Split(p.sign(t, "ada"), ".")[1], ""}, ".")
	for reason, token := range map[string]string{
		"not a signed JWT":             "garbage",
		"alg none":                     none,
		"no kid":                       raw(p.key, jose.ES256, ""),
		"unknown kid":                  raw(p.key, jose.ES256, "k2"),
		"another key":                  raw(ecKey(t, elliptic.P256()), jose.ES256, "k1"),
		"key of another type":          raw(rsaKey, jose.RS256, "k1"),
		"public key as shared secret":  raw(hmacKey, jose.HS256, "k1"),
		"unknown issuer":               claims(set("iss", "https://else.example.com")),
		"no issuer":                    claims(without("iss")),
		"no audience":                  claims(without("aud")),
		"other audience":               claims(set("aud", "qlik.api")),
		"no subject":                   claims(without("sub")),
		"empty subject":                claims(set("sub", "")),
		"subject with line break":      claims(set("sub", "a\nb")),
		"long subject":                 claims(set("sub", strings.Repeat("x", 300))),
		"bot's subject":                claims(set("sub", bot)),
		"subType":                      claims(set("subType", "externalClient")),
		"no exp":                       claims(without("exp")),
		"expired":                      claims(set("exp", at(-6*time.Second))),
		"exp in days":                  claims(func(c map[string]any) { delete(c, "iat"); c["exp"] = at(24 * time.Hour) }),
		"life of two hours, nearly up": claims(func(c map[string]any) { c["iat"] = at(-time.Hour); c["exp"] = at(time.Minute) }),
		"iat in the future":            claims(set("iat", at(time.Minute))),
		"nbf in the future":            claims(set("nbf", at(time.Minute))),
		"exp of the wrong type":        claims(set("exp", "soon")),
		"groups of the wrong type":     claims(set("groups", 7)),
		"a group of the wrong type":    claims(set("groups", []any{"Everybody", 7})),
		"name of the wrong type":       claims(set("name", []string{"ada"})),
		"group without name":           claims(set("groups", []string{""})),
	} {
		answer := e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: token})
		expect(t, reason, answer, http.StatusUnauthorized, api.CodeLoginRefused)
		if answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: there is a cookie", reason)
		}
		if answer.Error().Detail != "Nobody can be signed in by this. The administrators of the tenant find the reason in its audit trail." {
			t.Errorf("%s: %s", reason, answer.Body)
		}
		record := tenantRecords(t, e, tenant, "session.create")[0]
		if record.Outcome != estate.OutcomeRefused || record.Data["reason"] == "" {
			t.Errorf("%s: recorded %+v", reason, record)
		}
	}
	answer := e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session"})
	expect(t, "without token", answer, http.StatusUnauthorized, api.CodeLoginRefused)
	e.Clock.Advance(time.Minute)

	// Within the tolerance of clocks, and with a list of audiences, a token is good.
	for name, token := range map[string]string{
		"just expired": claims(func(c map[string]any) { c["exp"] = at(-4 * time.Second) }),
		"audiences":    claims(set("aud", []string{"else", api.SessionAudience})),
		"slow clock":   claims(set("iat", at(4*time.Second))),
		// As the contract's Python sample and its Postman collection have them.
		"no subType": claims(without("subType")),
		"one group":  claims(set("groups", "Everybody")),
		"no groups":  claims(set("groups", nil)),
	} {
		expect(t, name, e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: token}), http.StatusOK, "")
	}
	// Who is disabled, or would have to be made, is not let in.
	updateUser(t, e, estate.User{ID: estate.UserID(ada.ID), Organization: tenant.Organization, Tenant: tenant.ID, Name: "Ada", Status: estate.UserDisabled, UpdatedAt: e.Clock.Now()})
	expect(t, "disabled", e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: p.sign(t, "ada")}), http.StatusUnauthorized, api.CodeLoginRefused)
	if reason := tenantRecords(t, e, tenant, "session.create")[0].Data["reason"]; reason != "the user is disabled" {
		t.Errorf("recorded: %v", reason)
	}
	expect(t, "delete", e.Do(testenv.Request{Method: "DELETE", URL: p.origin + "/api/v1/identity-providers/" + p.id, Token: p.admin}), http.StatusNoContent, "")
	expect(t, "without identity provider", e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: p.sign(t, "bob")}), http.StatusUnauthorized, api.CodeLoginRefused)
	made := e.Do(testenv.Request{URL: p.origin + "/api/v1/identity-providers", Token: p.admin, JSON: map[string]any{
		"provider": "external", "protocol": "jwtAuth", "createNewUsersOnLogin": false,
		"options": map[string]any{"issuer": p.issuer, "staticKeys": []any{map[string]any{"kid": "k1", "pem": oneLine(t, p.key.Public())}}},
	}})
	expect(t, "create", made, http.StatusCreated, "")
	expect(t, "unknown", e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: p.sign(t, "carol")}), http.StatusUnauthorized, api.CodeLoginRefused)
	insertUser(t, e, estate.User{ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "carol", Status: estate.UserActive})
	expect(t, "known", e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: p.sign(t, "carol")}), http.StatusOK, "")

	// Strangers can't fill the audit trail: each server counts its own.
	before := len(tenantRecords(t, e, tenant, "session.create"))
	for range 100 {
		e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: "garbage"})
	}
	if n := len(tenantRecords(t, e, tenant, "session.create")) - before; n > 60*len(e.Servers) {
		t.Errorf("%d records in a minute", n)
	}
}

func TestSession_CSRF(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	root := person(t, e, tenant, "root", estate.UserActive, estate.RoleTenantAdmin)
	b := p.signIn(t, root.Subject)
	token := b.csrf
	if token == "" || token != b.cookies["_csrfToken"] {
		t.Errorf("CSRF token %q, cookie %q", token, b.cookies["_csrfToken"])
	}
	patch := func(change func(*testenv.Request)) testenv.Answer {
		r := testenv.Request{
			Method: "PATCH", URL: "/api/core/auth-settings", Header: map[string]string{},
			JSON: ops{{Op: "replace", Path: "/maxUserSessionLifespanMinutes", Value: 1440}},
		}
		change(&r)
		return b.do(r)
	}
	nothing := func(*testenv.Request) {}
	expect(t, "with token", patch(nothing), http.StatusOK, "")
	expect(t, "from a page of this host", patch(func(r *testenv.Request) { r.Header["Sec-Fetch-Site"], r.Header["Origin"] = "same-origin", p.origin }), http.StatusOK, "")
	expect(t, "from elsewhere", patch(func(r *testenv.Request) { r.Header["Sec-Fetch-Site"] = "cross-site" }), http.StatusForbidden, api.CodeCSRF)
	expect(t, "from a sibling", patch(func(r *testenv.Request) { r.Header["Sec-Fetch-Site"] = "same-site" }), http.StatusForbidden, api.CodeCSRF)
	expect(t, "by another origin", patch(func(r *testenv.Request) { r.Header["Origin"] = e.Console() }), http.StatusForbidden, api.CodeCSRF)
	for _, wrong := range []string{"", "x", p.signIn(t, "else").csrf} {
		b.csrf = wrong
		answer := patch(nothing)
		expect(t, "with another token", answer, http.StatusForbidden, api.CodeCSRF)
		var body api.ErrorBody
		if answer.Into(&body); body.Code != api.CodeCSRF { // where the contract's clients look
			t.Errorf("%s", answer.Body)
		}
	}
	if b.me(t).ID != string(root.ID) {
		t.Error("reading needs a CSRF token")
	}
	// An access token needs none, and a cookie beside it does not count.
	expect(t, "with access token", patch(func(r *testenv.Request) { r.Token = p.admin }), http.StatusOK, "")
	answer := b.do(testenv.Request{URL: "/api/v1/csrf-token", Token: p.admin})
	expect(t, "CSRF token for access token", answer, http.StatusNoContent, "")
	if answer.Header.Get(api.HeaderCSRF) != "" {
		t.Error("there is a CSRF token for an access token")
	}
	expect(t, "wrong access token", patch(func(r *testenv.Request) { r.Token = "wrong" }), http.StatusUnauthorized, api.CodeUnauthenticated)
}

// TestSession_Rights: a session may do what its user's roles allow, with the
// services that clients use too.
func TestSession_Rights(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant, sibling := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	p := newPortal(t, e, tenant)
	root := person(t, e, tenant, "root", estate.UserActive, estate.RoleTenantAdmin)
	admin, user := p.signIn(t, root.Subject), p.signIn(t, "bob")
	create := testenv.Request{URL: "/api/v1/oauth-clients", JSON: api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb}}
	answer := admin.do(create)
	expect(t, "administrator creates a client", answer, http.StatusCreated, "")
	var made api.OAuthClient
	if answer.Into(&made); made.CreatedByType != "user" || made.ClientSecret == "" {
		t.Errorf("%s", answer.Body)
	}
	expect(t, "user creates a client", user.do(create), http.StatusForbidden, api.CodeForbidden)
	expect(t, "administrator reads the licence", admin.do(testenv.Request{URL: "/api/v1/licenses/overview"}), http.StatusOK, "")
	expect(t, "user reads the licence", user.do(testenv.Request{URL: "/api/v1/licenses/overview"}), http.StatusForbidden, api.CodeInsufficientScope)
	expect(t, "administrator lists identity providers", admin.do(testenv.Request{URL: "/api/v1/identity-providers"}), http.StatusOK, "")
	expect(t, "user lists identity providers", user.do(testenv.Request{URL: "/api/v1/identity-providers"}), http.StatusForbidden, api.CodeForbidden)
	expect(t, "user sees how to sign in", user.do(testenv.Request{URL: "/api/v1/identity-providers/status"}), http.StatusOK, "")
	for _, origin := range []string{e.TenantURL(sibling), e.Console(), e.Register("us")} {
		answer := (&browser{e: e, origin: origin, cookies: admin.cookies}).do(testenv.Request{URL: "/api/v1/tenants/" + string(tenant.ID)})
		if answer.Status == http.StatusOK {
			t.Errorf("%s takes the session", origin)
		}
	}
	done := tenantRecords(t, e, tenant, "oauth-client.create")[0]
	for _, r := range tenantRecords(t, e, tenant, "oauth-client.create") {
		if r.Outcome == estate.OutcomeDone && r.Target == made.ClientID {
			done = r
		}
	}
	if done.Actor.Kind != estate.ActorUser || done.Actor.ID != string(root.ID) {
		t.Errorf("who created it, by the audit trail: %+v", done.Actor)
	}
	// Roles count as they are now.
	updateUser(t, e, estate.User{ID: root.ID, Organization: tenant.Organization, Tenant: tenant.ID, Name: "root", Status: estate.UserActive, UpdatedAt: e.Clock.Now()})
	expect(t, "administrator no more", admin.do(create), http.StatusForbidden, api.CodeForbidden)
}

// TestSession_Ends: whatever ends a session ends it on every server.
func TestSession_Ends(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	node := e.Node()
	there := func(b *browser) *browser {
		return &browser{e: node, origin: b.origin, cookies: b.cookies, csrf: b.csrf}
	}
	within := func(what string, done func() bool) {
		t.Helper()
		deadline := time.Now().Add(time.Second)
		for !done() {
			if time.Now().After(deadline) {
				t.Errorf("%s: not within a second", what)
				return
			}
		}
	}
	gone := func(what string, b *browser) {
		t.Helper()
		within(what, func() bool { return b.me(t).ID == "" && there(b).me(t).ID == "" })
	}
	both := func(what string, b *browser) {
		t.Helper()
		if b.me(t).ID == "" || there(b).me(t).ID == "" {
			t.Errorf("%s: the session has ended", what)
		}
	}

	out := p.signIn(t, "out")
	both("new", out)
	kept := &browser{e: e, origin: out.origin, cookies: maps.Clone(out.cookies)}
	cross := out.do(testenv.Request{Method: "POST", URL: "/logout", Header: map[string]string{"Sec-Fetch-Site": "cross-site"}})
	expect(t, "log out from elsewhere", cross, http.StatusForbidden, api.CodeCSRF)
	expect(t, "log out", out.do(testenv.Request{Method: "POST", URL: "/logout"}), http.StatusNoContent, "")
	if len(out.cookies) != 0 {
		t.Errorf("cookies after logging out: %v", out.cookies)
	}
	gone("logged out", kept)
	expect(t, "log out again", kept.do(testenv.Request{Method: "POST", URL: "/logout"}), http.StatusNoContent, "")
	link := p.signIn(t, "link")
	kept = &browser{e: e, origin: link.origin, cookies: maps.Clone(link.cookies)}
	if answer := link.do(testenv.Request{URL: "/logout"}); answer.Status != http.StatusFound || answer.Header.Get("Location") != "/" {
		t.Errorf("log out by link: %d %v", answer.Status, answer.Header)
	}
	gone("logged out by link", kept)

	disabled := p.signIn(t, "disabled")
	u := disabled.me(t)
	both("before", disabled)
	updateUser(t, e, estate.User{ID: estate.UserID(u.ID), Organization: tenant.Organization, Tenant: tenant.ID, Status: estate.UserDisabled, UpdatedAt: e.Clock.Now()})
	gone("disabled", disabled)

	idle := p.signIn(t, "idle")
	for range 5 { // each time it is used, it begins anew to be idle
		e.Clock.Advance(15 * time.Minute)
		both("in use", idle)
	}
	e.Clock.Advance(20 * time.Minute)
	gone("idle", idle)

	long := p.signIn(t, "long")
	for range 75 {
		e.Clock.Advance(19 * time.Minute)
		both("in use", long)
	}
	e.Clock.Advance(15 * time.Minute)
	gone("after a day", long)

	p.admin = e.Token(p.origin, e.TenantClient(tenant))
	shorter := p.signIn(t, "shorter")
	e.Clock.Advance(3 * time.Minute)
	both("for three minutes", shorter)
	e.Clock.Advance(3 * time.Minute)
	expect(t, "shorten", e.Do(testenv.Request{
		Method: "PATCH", URL: p.origin + "/api/core/auth-settings", Token: p.admin, JSON: ops{{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: 2}},
	}), http.StatusOK, "")
	within("settings elsewhere", func() bool { // without a use of the session
		var settings api.AuthSettings
		node.Do(testenv.Request{URL: p.origin + "/api/core/auth-settings", Token: p.admin}).Into(&settings)
		return settings.UserSessionInactivityTimeoutMins == 2
	})
	gone("by shorter settings", shorter)

	last := p.signIn(t, "last")
	both("before", last)
	expect(t, "delete", e.Do(testenv.Request{Method: "DELETE", URL: p.origin + "/api/v1/identity-providers/" + p.id, Token: p.admin}), http.StatusNoContent, "")
	gone("without its identity provider", last)

	p = newPortal(t, e, tenant)
	deactivated := p.signIn(t, "deactivated")
	both("before", deactivated)
	sqlExec(t, e, "update tenants set status = 'disabled' where id = ?", tenant.ID)
	sqlExec(t, e, "insert into changes (seq, kind, key, created_at) select max(seq) + 1, 'hostname', ?, 0 from changes", string(tenant.Hostname))
	gone("with its tenant", deactivated)
}

func TestSession_Secure(t *testing.T) {
	config := app.Defaults()
	dir := t.TempDir()
	config.DataDir, config.Domain, config.AllowPrivate, config.PublicScheme = dir+"/data", testenv.Domain, true, "https"
	e := testenv.Start(t, config, dir)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	answer := e.Do(testenv.Request{Method: "POST", URL: p.origin + "/login/jwt-session", Token: p.sign(t, "ada")})
	cookies := (&http.Response{Header: answer.Header}).Cookies()
	if len(cookies) != 3 {
		t.Fatalf("%d cookies: %d %s", len(cookies), answer.Status, answer.Body)
	}
	for _, c := range cookies {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteNoneMode {
			t.Errorf("over https, cookie %s", c.Raw)
		}
	}
}

// TestSession_NotStored: what the database has of a session can't be used.
func TestSession_NotStored(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	b := p.signIn(t, "ada")
	var id string
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		s, err := tx.Session(t.Context(), tenant.Scope(), estate.SessionIDOf(estate.Secret(b.cookies["eas.sid"])))
		id = string(s.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.cookies["eas.sid"] = id
	if u := b.me(t); u.ID != "" {
		t.Errorf("by the stored id, %s is let in", u.Name)
	}
	if strings.Contains(id, url.QueryEscape(b.cookies["eas.sid.sig"])) {
		t.Error("the signature is stored")
	}
}

// TestSession_BesideItsJWT: programs keep the JWT in their header after they have
// signed in by it, as the contract's Python sample does. The session counts.
func TestSession_BesideItsJWT(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	p := newPortal(t, e, tenant)
	b := p.signIn(t, "ada")
	me, token := b.me(t), p.sign(t, "ada")
	expect(t, "read", b.do(testenv.Request{URL: "/api/v1/users/" + me.ID, Token: token}), http.StatusOK, "")
	name := ops{{Op: "replace", Path: "/name", Value: "Ada"}}
	expect(t, "write", b.do(testenv.Request{Method: "PATCH", URL: "/api/v1/users/" + me.ID, Token: token, JSON: name}), http.StatusForbidden, api.CodeInsufficientScope) // as Ada

	header := map[string]string{"Origin": "https://other.example.com"}
	answer := b.do(testenv.Request{URL: "/api/v1/users/" + me.ID, Token: token, Header: header})
	expect(t, "a page of another origin", answer, http.StatusUnauthorized, api.CodeUnauthenticated)
	expect(t, "another token", b.do(testenv.Request{URL: "/api/v1/users/" + me.ID, Token: "x"}), http.StatusUnauthorized, api.CodeUnauthenticated)
	other := p.sign(t, "ada", func(c map[string]any) { c["aud"] = "qlik.api" })
	expect(t, "a JWT for something else", b.do(testenv.Request{URL: "/api/v1/users/" + me.ID, Token: other}), http.StatusUnauthorized, api.CodeUnauthenticated)
	b.csrf = ""
	expect(t, "without the CSRF token", b.do(testenv.Request{Method: "PATCH", URL: "/api/v1/users/" + me.ID, Token: token, JSON: name}), http.StatusForbidden, api.CodeCSRF)
	expect(t, "without the session", e.Do(testenv.Request{URL: p.origin + "/api/v1/users/" + me.ID, Token: token}), http.StatusUnauthorized, api.CodeUnauthenticated)
}
