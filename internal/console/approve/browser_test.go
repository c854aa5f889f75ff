package approve_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	email    = "ada@acme.example"
	password = "correct horse battery"
)

// planner is a program that waits for codes on loopback.
type planner struct {
	*httptest.Server
	e      *testenv.Env
	tenant estate.Tenant
	id     string
}

func newPlanner(t *testing.T, e *testenv.Env, tenant estate.Tenant) planner {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>Planner</title><link rel="icon" href="data:,"><main id="main"><h1>The planner has an answer</h1></main></html>`))
	}))
	t.Cleanup(server.Close)
	c, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "Planner", AppType: api.AppTypeSPA, RedirectURIs: []string{server.URL + "/callback"}, AllowedOrigins: []string{server.URL},
		Permissions: []string{api.ScopeUserDefault, api.ScopeOfflineAccess},
	})
	if err != nil {
		t.Fatal(err)
	}
	return planner{server, e, tenant, string(c.ID)}
}

// asks is the address that the program sends people to.
func (p planner) asks(prompt string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {p.id}, "redirect_uri": {p.URL + "/callback"}, "response_type": {"code"}, "state": {"xyz"}, "scope": {"user_default offline_access"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
	if prompt != "" {
		q.Set("prompt", prompt)
	}
	return p.e.TenantURL(p.tenant) + "/oauth/authorize?" + q.Encode()
}

// redeems fails the test unless the browser stands at the program with a code that
// is good for a token.
func (p planner) redeems(t *testing.T, at string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil || "http://"+u.Host != p.URL || u.Query().Get("state") != "xyz" || u.Query().Get("code") == "" {
		t.Fatalf("the browser is at %s (%v)", at, err)
	}
	answer := p.e.Do(testenv.Request{URL: p.e.TenantURL(p.tenant) + api.TokenPath, JSON: map[string]any{
		"grant_type": api.GrantAuthorizationCode, "client_id": p.id, "code": u.Query().Get("code"), "redirect_uri": p.URL + "/callback", "code_verifier": verifier,
	}})
	if answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}

// redeemsInPage redeems the code in the program's page, as @qlik/api does, and asks for
// the user with the token. Both requests cross origins, and have cookies sent.
func (p planner) redeemsInPage(t *testing.T, b *consoletest.Browser) {
	t.Helper()
	host := p.e.TenantURL(p.tenant)
	b.Is(fmt.Sprintf(`(async () => {
		const answers = async (path, init) => (await fetch(%q + path, {credentials: "include", ...init})).json()
		const form = {grant_type: "authorization_code", client_id: %q, code: new URLSearchParams(location.search).get("code"), redirect_uri: %q, code_verifier: %q}
		const token = await answers("/oauth/token", {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(form)})
		window.me = await answers("/api/v1/users/me", {headers: {authorization: "Bearer " + token.access_token, "qlik-api-version": "latest"}})
		window.nobody = await answers("/api/v1/users/me", {headers: {authorization: "Bearer x"}})
		window.cookie = await answers("/api/v1/users/me").catch(() => "not to be read")
	})().catch(e => window.cookie = String(e))`, host, p.id, p.URL+"/callback", verifier))
	b.Wait("window.cookie")
	if !b.Is("me.email === " + strconv.Quote(email) + " && nobody.errors[0].code && cookie === 'not to be read'") {
		t.Error("the page did not get what it may, or more than that")
	}
}

// ada makes a user of a tenant with a password.
func ada(t *testing.T, e *testenv.Env, tenant estate.Tenant) {
	t.Helper()
	u := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "local|ada", Name: "Ada Lovelace", Email: email,
		Status: estate.UserActive, CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
	}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) }); err != nil {
		t.Fatal(err)
	}
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}
	person := estate.Person{Organization: tenant.Organization, Tenant: tenant.ID, ID: string(u.ID)}
	in, err := e.App.SignIn.Begin(t.Context(), surface, person, estate.SignInPasskey, signin.Visitor{})
	if err != nil {
		t.Fatal(err)
	}
	actor := estate.Actor{Kind: estate.ActorUser, ID: string(u.ID), User: u.ID, Scope: tenant.Scope()}
	if err := e.App.SignIn.SetPassword(t.Context(), actor, in.Session, password); err != nil {
		t.Fatal(err)
	}
}

func signIn(b *consoletest.Browser) {
	b.WaitText("With a password")
	b.Type("#f-email", email)
	b.Type("#f-password", password)
	b.Click(`form[action="/login/local"] button`)
}

// TestBrowser_Consent goes from a program to the sign-in, to the consent page, and
// back to the program with a code.
func TestBrowser_Consent(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	ada(t, e, tenant)
	p := newPlanner(t, e, tenant)
	b := consoletest.Open(t)
	b.Go(p.asks(""))
	signIn(b)
	b.WaitText("Let Planner act for you?")
	b.WaitText("Ada Lovelace")
	b.Check("consent")
	b.Click(".btn-primary")
	b.WaitText("The planner has an answer")
	p.redeemsInPage(t, b)

	// It is approved now. Who has to sign in anew goes from there straight to the
	// program, and not around in circles.
	b.Go(p.asks("login"))
	signIn(b)
	b.WaitText("The planner has an answer")
	p.redeems(t, b.At())

	b.Go(p.asks("login consent"))
	signIn(b)
	b.WaitText("Let Planner act for you?")
	b.Click(`button[name=deny]`)
	b.WaitText("The planner has an answer")
	if u, err := url.Parse(b.At()); err != nil || u.Query().Get("error") != "access_denied" {
		t.Errorf("refused: %s", b.At())
	}
}

// TestBrowser_Device types the code of a device.
func TestBrowser_Device(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	ada(t, e, tenant)
	answer := e.Do(testenv.Request{URL: e.TenantURL(tenant) + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {api.CLIClientID}, "scope": {"user_default"}}})
	var d api.DeviceAuthorization
	answer.Into(&d)
	b := consoletest.Open(t)
	b.Go(d.VerificationURI)
	signIn(b)
	b.WaitText("Connect a device")
	b.Type("#f-user_code", "BBBB-BBBB")
	b.Click(".btn-primary")
	b.WaitText("No device waits with this code")
	b.Check("device-wrong")
	b.Type("#f-user_code", d.UserCode)
	b.Click(".btn-primary")
	b.WaitText("Approve it only if you have the device before you")
	b.Check("device")
	b.Click(".btn-primary")
	b.WaitText("Go back to the device")
	b.Check("device-done")
	e.Clock.Advance(2 * 5e9)
	answer = e.Do(testenv.Request{URL: e.TenantURL(tenant) + api.TokenPath, JSON: map[string]any{
		"grant_type": api.GrantDeviceCode, "client_id": api.CLIClientID, "device_code": d.DeviceCode,
	}})
	if answer.Status != http.StatusOK {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}
