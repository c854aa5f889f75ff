package httpapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// expectOAuth checks an error answer of the token endpoint for both kinds of
// readers: those of RFC 6749 and those of the errors envelope.
func expectOAuth(t *testing.T, a testenv.Answer, status int, oauthError, code string) {
	t.Helper()
	var body api.OAuthErrorBody
	a.Into(&body)
	if a.Status != status || body.OAuthError != oauthError || len(body.Errors) != 1 || body.Errors[0].Code != code {
		t.Fatalf("%d %s\nwant %d %s %s", a.Status, a.Body, status, oauthError, code)
	}
	if body.ErrorDescription == "" || body.Errors[0].Title == "" || body.Errors[0].Status != strconv.Itoa(status) {
		t.Errorf("incomplete: %s", a.Body)
	}
	if body.TraceID == "" || body.TraceID != a.Header.Get("X-B3-Traceid") {
		t.Errorf("traceId %q, X-B3-Traceid %q", body.TraceID, a.Header.Get("X-B3-Traceid"))
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %q", a.Header.Get("Cache-Control"))
	}
}

func TestIssueToken_BadInput(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	id, secret := string(c.ID), c.Secret
	form := func(s string) testenv.Request {
		return testenv.Request{Method: http.MethodPost, Body: s, Header: map[string]string{"Content-Type": formType}}
	}
	withBasic := func(r testenv.Request, authorization string) testenv.Request {
		r.Header["Authorization"] = authorization
		return r
	}
	json := func(s string) testenv.Request {
		return testenv.Request{Method: http.MethodPost, Body: s, Header: map[string]string{"Content-Type": jsonType}}
	}
	credentials := "&client_id=" + id + "&client_secret=" + secret
	for name, test := range map[string]struct {
		request testenv.Request
		status  int
		error   string
		code    string
		source  string // parameter that is named
	}{
		"malformed JSON":             {json(`{"grant_type":`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON with something after":  {json(`{"grant_type":"client_credentials"} x`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON of another type":       {json(`["client_credentials"]`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON null":                  {json(`null`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON with a number":         {json(`{"grant_type":"client_credentials","client_id":7}`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON with a list of scopes": {json(`{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `","scope":["apps"]}`), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON, client_id twice":      {json(`{"grant_type":"client_credentials","client_id":"` + id + `","client_secret":"` + secret + `","client_id":"` + id + `"}`), 400, "invalid_request", api.CodeInvalidRequest, ""},
		"empty JSON body":            {json(``), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"form sent as JSON":          {json("grant_type=client_credentials" + credentials), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"JSON sent as a form":        {form(`{"grant_type":"client_credentials"}`), 400, "invalid_request", api.CodeOAuthInvalidRequest, "grant_type"},
		"malformed form":             {form("grant_type=%zz"), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"empty form":                 {form(""), 400, "invalid_request", api.CodeOAuthInvalidRequest, "grant_type"},
		"another content type":       {testenv.Request{Method: http.MethodPost, Body: "<token/>", Header: map[string]string{"Content-Type": "application/xml"}}, 415, "invalid_request", api.CodeUnsupportedMediaType, ""},
		"multipart":                  {testenv.Request{Method: http.MethodPost, Body: "--x--", Header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}}, 415, "invalid_request", api.CodeUnsupportedMediaType, ""},
		"malformed content type":     {testenv.Request{Method: http.MethodPost, Body: "{}", Header: map[string]string{"Content-Type": "application/json;;"}}, 415, "invalid_request", api.CodeUnsupportedMediaType, ""},
		"no body":                    {testenv.Request{Method: http.MethodPost}, 400, "invalid_request", api.CodeOAuthInvalidRequest, "grant_type"},
		"JSON over the limit":        {json(`{"padding":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`), 413, "invalid_request", api.CodeTooLarge, ""},
		"form over the limit":        {form("padding=" + strings.Repeat("x", httpapi.MaxBody)), 413, "invalid_request", api.CodeTooLarge, ""},

		"no grant":                 {form(strings.TrimPrefix(credentials, "&")), 400, "invalid_request", api.CodeOAuthInvalidRequest, "grant_type"},
		"unknown grant":            {form("grant_type=telepathy" + credentials), 400, "unsupported_grant_type", api.CodeOAuthUnsupportedGrantType, "grant_type"},
		"grant of an other issue":  {form("grant_type=password" + credentials), 400, "unsupported_grant_type", api.CodeOAuthUnsupportedGrantType, "grant_type"},
		"no client_id":             {form("grant_type=client_credentials&client_secret=" + secret), 400, "invalid_request", api.CodeOAuthInvalidRequest, "client_id"},
		"no client_secret":         {form("grant_type=client_credentials&client_id=" + id), 400, "invalid_request", api.CodeOAuthInvalidRequest, "client_secret"},
		"client_id twice":          {form("grant_type=client_credentials&client_id=" + id + credentials), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"grant_type twice":         {form("grant_type=client_credentials&grant_type=client_credentials" + credentials), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"scope twice":              {form("grant_type=client_credentials&scope=apps&scope=" + credentials), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"client_secret twice":      {form("grant_type=client_credentials" + credentials + "&client_secret=" + secret), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"unknown client":           {form("grant_type=client_credentials&client_id=" + strings.Repeat("0", 32) + "&client_secret=" + secret), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"client_id of no form":     {form("grant_type=client_credentials&client_id=me&client_secret=" + secret), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"client_id in capitals":    {form("grant_type=client_credentials&client_id=" + strings.ToUpper(id) + "&client_secret=" + secret), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"wrong secret":             {form("grant_type=client_credentials&client_id=" + id + "&client_secret=" + strings.Repeat("0", 64)), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"secret cut short":         {form("grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret[:63]), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"hint for a secret":        {form("grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret[59:]), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"secret of another client": {form("grant_type=client_credentials&client_id=" + id + "&client_secret=" + e.RegionClient(sub, "us").Secret), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"scope that is not held":   {form("grant_type=client_credentials&scope=apps" + credentials), 400, "invalid_scope", api.CodeOAuthInvalidScope, ""},

		"Basic and a secret in the body": {withBasic(form("grant_type=client_credentials&client_secret="+secret), basic(id, secret)), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"Basic and another client_id":    {withBasic(json(`{"grant_type":"client_credentials","client_id":"`+strings.Repeat("0", 32)+`"}`), basic(id, secret)), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"Basic with a wrong secret":      {withBasic(form("grant_type=client_credentials"), basic(id, "wrong")), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"Basic with an unknown client":   {withBasic(form("grant_type=client_credentials"), basic(strings.Repeat("0", 32), secret)), 401, "invalid_client", api.CodeOAuthInvalidClient, ""},
		"Basic without a secret":         {withBasic(form("grant_type=client_credentials"), basic(id, "")), 400, "invalid_request", api.CodeOAuthInvalidRequest, "client_secret"},
		"Basic without a client":         {withBasic(form("grant_type=client_credentials"), basic("", secret)), 400, "invalid_request", api.CodeOAuthInvalidRequest, "client_id"},
		"Basic without a colon":          {withBasic(form("grant_type=client_credentials"), "Basic "+"YQ=="), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
		"Basic that is not base64":       {withBasic(form("grant_type=client_credentials"), "Basic ***"), 400, "invalid_request", api.CodeOAuthInvalidRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e.Clock.Advance(time.Hour) // whoever fails too often in a row is answered unheard
			test.request.URL = e.TenantURL(tenant) + "/oauth/token"
			answer := e.With(t).Do(test.request)
			expectOAuth(t, answer, test.status, test.error, test.code)
			if source := answer.Error().Source; test.source != "" && (source == nil || source.Parameter != test.source) {
				t.Errorf("source %v, want %s", source, test.source)
			}
			_, isBasic := test.request.Header["Authorization"]
			challenge := answer.Header.Get("WWW-Authenticate")
			if want := isBasic && test.status == 401; want != strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
			if strings.Contains(string(answer.Body), secret) {
				t.Errorf("the answer repeats the secret: %s", answer.Body)
			}
		})
	}
}

// TestIssueToken_RefusalsAreAlike asks with credentials that are wrong in
// different ways: the answers must not tell which.
func TestIssueToken_RefusalsAreAlike(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c, disabled := e.RegionClient(sub, "us"), e.RegionClient(sub, "us")
	sqlExec(t, e, "update clients set disabled_at = 1 where id = ?", string(disabled.ID))
	interactive := e.TenantClient(tenant)
	sqlExec(t, e, "delete from client_secrets where client_id = ?", string(interactive.ID))
	var first string
	for _, test := range []struct{ name, id, secret string }{
		{"unknown client", strings.Repeat("0", 32), c.Secret},
		{"id of no form", "me", c.Secret},
		{"wrong secret", string(c.ID), strings.Repeat("0", 64)},
		{"disabled client", string(disabled.ID), disabled.Secret},
		{"disabled client and wrong secret", string(disabled.ID), "wrong"},
		{"client without secrets", string(interactive.ID), interactive.Secret},
		{"client of another region", string(e.RegionClient(sub, "eu").ID), "x"},
		{"client of another region, right secret", "", ""},
		{"client of another level", "", ""},
	} {
		switch test.name {
		case "client of another region, right secret":
			eu := e.RegionClient(sub, "eu")
			test.id, test.secret = string(eu.ID), eu.Secret
		case "client of another level":
			org := e.OrganizationClient(e.Organization.ID)
			test.id, test.secret = string(org.ID), org.Secret
		}
		answer := e.Do(testenv.Request{
			URL: e.TenantURL(tenant) + "/oauth/token", JSON: map[string]string{"grant_type": "client_credentials", "client_id": test.id, "client_secret": test.secret},
			Header: map[string]string{"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		})
		if first == "" {
			first = string(answer.Body)
		}
		if answer.Status != http.StatusUnauthorized || string(answer.Body) != first {
			t.Errorf("%s: %d %s\nwant 401 %s", test.name, answer.Status, answer.Body, first)
		}
	}
	if !strings.Contains(first, `"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
		t.Errorf("the caller's trace id is not kept: %s", first)
	}
}

// TestIssueToken_UnauthorizedClient asks with a client that has a secret and no
// grant that uses it.
func TestIssueToken_UnauthorizedClient(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	admin := e.Token(e.TenantURL(tenant), e.TenantClient(tenant))
	var made api.OAuthClient
	e.Do(testenv.Request{
		URL: e.TenantURL(tenant) + "/api/v1/oauth-clients", Token: admin, JSON: api.CreateOAuthClientRequest{ClientName: "interactive", AppType: api.AppTypeWeb},
	}).Into(&made)
	answer := e.Do(tokenRequest(e.TenantURL(tenant), map[string]any{"grant_type": "client_credentials", "client_id": made.ClientID, "client_secret": made.ClientSecret}))
	expectOAuth(t, answer, http.StatusBadRequest, "unauthorized_client", api.CodeOAuthUnauthorizedClient)
}
