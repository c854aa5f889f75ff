package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestCORS plays a browser that shows a page of another origin.
func TestCORS(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	here := e.TenantURL(tenant)
	admin := e.Token(here, e.TenantClient(tenant))
	const page, other = "https://app.example.com", "https://other.example.com"
	var made api.OAuthClient
	e.Do(testenv.Request{Method: "POST", URL: here + "/api/v1/oauth-clients", Token: admin, JSON: map[string]any{
		"clientName": "page", "appType": "web", "allowedScopes": []string{"user_default"}, "allowedOrigins": []string{page},
		"allowedGrantTypes": []string{"client_credentials"},
	}}).Into(&made)
	shown := testenv.Credentials{Client: estate.Client{ID: estate.ClientID(made.ClientID)}, Secret: made.ClientSecret}
	token := e.Token(here, shown)

	from := func(origin, method, path, token string) testenv.Answer {
		t.Helper()
		return e.Do(testenv.Request{Method: method, URL: here + path, Token: token, Header: map[string]string{"Origin": origin}})
	}
	for name, test := range map[string]struct {
		answer testenv.Answer
		status int
		allow  string
	}{
		"its page":               {from(page, "GET", "/api/v1/tenants/"+string(tenant.ID), token), 200, page},
		"another page":           {from(other, "GET", "/api/v1/tenants/"+string(tenant.ID), token), 200, ""},
		"not quite its page":     {from(page+".evil.example", "GET", "/api/v1/tenants/"+string(tenant.ID), token), 200, ""},
		"client without origins": {from(page, "GET", "/api/v1/tenants/"+string(tenant.ID), admin), 200, ""},
		"its page, refused":      {from(page, "POST", "/api/v1/oauth-clients", token), 400, page},
		"nobody":                 {from(other, "GET", "/api/v1/tenants/"+string(tenant.ID), "x"), 401, other},
		"public":                 {from(other, "GET", "/.well-known/jwks.json", ""), 200, "*"},
		"no such path":           {from(other, "GET", "/nowhere", ""), 404, "*"},
	} {
		if have := test.answer.Header.Get("Access-Control-Allow-Origin"); test.answer.Status != test.status || have != test.allow {
			t.Errorf("%s: %d, allowed origin %q, want %d, %q", name, test.answer.Status, have, test.status, test.allow)
		}
		if named, with := test.allow != "" && test.allow != "*", test.answer.Header.Get("Access-Control-Allow-Credentials"); (with == "true") != named {
			t.Errorf("%s: cookies may be sent: %q", name, with)
		}
	}
	for origin, allow := range map[string]string{page: page, other: "", "": ""} {
		r := tokenRequest(here, map[string]any{"client_id": shown.ID, "client_secret": shown.Secret, "grant_type": "client_credentials"})
		if origin != "" {
			r.Header = map[string]string{"Origin": origin}
		}
		answer := e.Do(r)
		if have := answer.Header.Get("Access-Control-Allow-Origin"); answer.Status != http.StatusOK || have != allow {
			t.Errorf("token for a page of %q: %d, allowed origin %q, want %q", origin, answer.Status, have, allow)
		}
		if with := answer.Header.Get("Access-Control-Allow-Credentials"); (with == "true") != (allow != "") {
			t.Errorf("token for a page of %q: cookies may be sent: %q", origin, with)
		}
	}
}

// TestCORS_Session: no page of another origin reads an answer that depends on cookies.
func TestCORS_Session(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	b := p.signIn(t, person(t, e, tenant, "root", estate.UserActive, estate.RoleTenantAdmin).Subject)
	b.csrf = ""
	for path, want := range map[string]int{"/api/v1/users/me": 302, "/api/v1/csrf-token": 204, "/api/v1/users/none": 404, "/nowhere": 404, "/login/none": 404} {
		for _, who := range []*browser{b, newBrowser(e, p.origin)} {
			answer := who.do(testenv.Request{URL: path, Header: map[string]string{"Origin": "https://other.example.com", "Accept": "application/json"}})
			h := answer.Header
			if h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Access-Control-Allow-Origin") == "https://other.example.com" {
				t.Errorf("%s: %d, a page of another origin may read it: %v", path, answer.Status, h)
			}
			if who == b && answer.Status != want {
				t.Errorf("%s: %d, want %d", path, answer.Status, want)
			}
		}
	}
	for path, method := range map[string]string{signin.LoginPath: "GET", signin.CallbackPath: "GET", "/logout": "POST", "/login/jwt-session": "POST", "/oauth/authorize": "GET"} {
		// Signing in and out minds cookies, whatever token is sent beside them.
		answer := b.do(testenv.Request{Method: method, URL: path, Token: "x", Header: map[string]string{"Origin": "https://other.example.com", "Sec-Fetch-Site": "cross-site"}})
		if h := answer.Header; h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Access-Control-Allow-Origin") == "https://other.example.com" {
			t.Errorf("%s with a token: %d, a page of another origin may read it: %v", path, answer.Status, h)
		}
	}
}

// TestCORS_Preflight asks as browsers do before they send a request.
func TestCORS_Preflight(t *testing.T) {
	e := testenv.New(t)
	preflight := func(url string, header map[string]string) testenv.Answer {
		return e.Do(testenv.Request{Method: http.MethodOptions, URL: url, Header: header})
	}
	asks := map[string]string{"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
	answer := preflight(e.Register("us")+"/api/v1/tenants", asks)
	h := answer.Header
	if answer.Status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != asks["Origin"] || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") ||
		h.Get("Access-Control-Max-Age") == "" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
		t.Errorf("%d %v", answer.Status, h)
	}
	for _, name := range []string{"authorization", "content-type", "dpop", "qlik-api-version", "qlik-confirm-delete", "qlik-confirm-hostname", "qlik-csrf-token", "qlik-web-integration-id", "user-agent"} {
		if !strings.Contains(strings.ToLower(h.Get("Access-Control-Allow-Headers")), name) {
			t.Errorf("header %s is not allowed", name)
		}
	}
	// Where something is wrong the page is to see what, from the answer to its request.
	tenant := e.Tenant(e.Subscription(5), "us")
	sqlExec(t, e, "update tenants set status = 'disabled' where id = ?", string(tenant.ID))
	for _, url := range []string{e.Register("us") + "/nowhere", e.TenantURL(tenant) + "/api/v1/tenants/" + string(tenant.ID), e.Register("xx") + "/api/v1/tenants"} {
		if answer := preflight(url, asks); answer.Status != http.StatusNoContent || answer.Header.Get("Access-Control-Allow-Origin") != asks["Origin"] {
			t.Errorf("%s: %d %v", url, answer.Status, answer.Header)
		}
	}
	expect(t, "not a preflight", preflight(e.Register("us")+"/api/v1/tenants", map[string]string{"Origin": "https://app.example.com"}), http.StatusMethodNotAllowed, api.CodeMethodNotAllowed)
}
