package httpapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestCreateOAuthClient_Tenant makes a machine client as an administrator of a
// tenant does, and uses it.
func TestCreateOAuthClient_Tenant(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	here := e.TenantURL(tenant)
	answer := e.Do(testenv.Request{URL: here + "/api/v1/oauth-clients", Token: e.Token(here, e.TenantClient(tenant)), JSON: api.CreateOAuthClientRequest{
		ClientName: "Réporting", AppType: api.AppTypeWeb, Description: "reads apps", ClientURI: "https://example.com/app", LogoURI: "http://localhost:3000/logo.png",
		RedirectURIs: []string{"https://example.com/callback"}, AllowedOrigins: []string{"https://example.com"}, AllowedScopes: []string{"apps", "user_default"},
		AllowedGrantTypes: []string{api.GrantClientCredentials}, AllowedAuthMethods: []string{"client_secret"}, ConnectionConfig: &api.ConnectionConfig{ConsentMethod: "trusted"},
	}})
	if answer.Status != http.StatusCreated || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", answer.Status, answer.Header, answer.Body)
	}
	var have api.OAuthClient
	answer.Into(&have)
	if !estate.ClientID(have.ClientID).Valid() || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(have.ClientSecret) {
		t.Errorf("id %q, secret of %d characters", have.ClientID, len(have.ClientSecret))
	}
	at := api.Time{Time: e.Clock.Now()}
	want := api.OAuthClient{
		ClientID: have.ClientID, ClientName: "Réporting", AppType: "web", Description: "reads apps", ClientURI: "https://example.com/app", LogoURI: "http://localhost:3000/logo.png",
		RedirectURIs: []string{"https://example.com/callback"}, AllowedOrigins: []string{"https://example.com"}, AllowedScopes: []string{"apps", "user_default"},
		AllowedGrantTypes: []string{"client_credentials"}, AllowedAuthMethods: []string{"client_secret"}, ConnectionConfig: &api.ConnectionConfig{ConsentMethod: "trusted"},
		ClientSecret: have.ClientSecret, ClientSecrets: []api.ClientSecret{{Hint: have.ClientSecret[59:], CreatedAt: at, CreatedBy: have.ClientSecrets[0].CreatedBy}},
		CreatedByType: "service", CreatedAt: at, UpdatedAt: at,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	token := e.Token(here, testenv.Credentials{Client: estate.Client{ID: estate.ClientID(have.ClientID)}, Secret: have.ClientSecret})
	if user := me(t, e, here, token); user.ClientID != have.ClientID || user.Name != "Réporting" {
		t.Errorf("user %+v", user)
	}
}

// TestCreateOAuthClient_Console makes an organization-level client with one.
func TestCreateOAuthClient_Console(t *testing.T) {
	e := testenv.New(t)
	e.Tenant(e.Subscription(5), "us")
	console := e.Console()
	answer := e.Do(testenv.Request{
		URL: console + "/api/core/oauth-clients", Token: e.Token(console, e.OrganizationClient(e.Organization.ID)),
		JSON: api.CreateOAuthClientRequest{ClientName: "nightly", AppType: api.AppTypeWeb},
	})
	var have api.OAuthClient
	if answer.Into(&have); answer.Status != http.StatusCreated {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	if diff := cmp.Diff([]string{api.ScopeOrgTenantsRead}, have.AllowedScopes); diff != "" || have.ConnectionConfig != nil {
		t.Errorf("scopes %s, connectionConfig %v", diff, have.ConnectionConfig)
	}
	token := e.Token(console, testenv.Credentials{Client: estate.Client{ID: estate.ClientID(have.ClientID)}, Secret: have.ClientSecret})
	var list api.OrganizationTenantList
	if e.Do(testenv.Request{URL: console + "/api/core/tenants", Token: token}).Into(&list); len(list.Data) != 1 {
		t.Errorf("%d tenants", len(list.Data))
	}
	more := e.Do(testenv.Request{URL: console + "/api/core/oauth-clients", Token: token, JSON: api.CreateOAuthClientRequest{ClientName: "child", AppType: api.AppTypeWeb}})
	expect(t, "by a client that only reads", more, http.StatusForbidden, api.CodeInsufficientScope)

	narrow := e.Token(console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients))
	for name, scopes := range map[string][]string{"by default": nil, "by name": {api.ScopeOrgOAuthClients, api.ScopeOrgTenantsRead}} {
		beyond := e.Do(testenv.Request{URL: console + "/api/core/oauth-clients", Token: narrow, JSON: api.CreateOAuthClientRequest{ClientName: "child", AppType: api.AppTypeWeb, AllowedScopes: scopes}})
		expect(t, "a scope its maker lacks, "+name, beyond, http.StatusForbidden, api.CodeInsufficientScope)
		if source := beyond.Error().Source; source == nil || source.Pointer != "/allowedScopes" {
			t.Errorf("%s: source %+v", name, source)
		}
	}
}

// TestCreateOAuthClient_Fields tries each field at and past its limits.
func TestCreateOAuthClient_Fields(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	here := e.TenantURL(tenant)
	token := e.Token(here, e.TenantClient(tenant))
	repeat := func(s string, n int) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat(s+" ", n), " "), " ")
	}
	for name, test := range map[string]struct {
		change  map[string]any
		pointer string // of the field that is wrong; empty: none is
	}{
		"nothing but the least":           {nil, ""},
		"name of 256 characters":          {map[string]any{"clientName": strings.Repeat("ü", 256)}, ""},
		"name of 257 characters":          {map[string]any{"clientName": strings.Repeat("n", 257)}, "/clientName"},
		"no name":                         {map[string]any{"clientName": ""}, "/clientName"},
		"blank name":                      {map[string]any{"clientName": "  "}, "/clientName"},
		"description of 1024":             {map[string]any{"description": strings.Repeat("ß", 1024)}, ""},
		"description of 1025":             {map[string]any{"description": strings.Repeat("d", 1025)}, "/description"},
		"no application type":             {map[string]any{"appType": ""}, "/appType"},
		"unknown application type":        {map[string]any{"appType": "desktop"}, "/appType"},
		"native":                          {map[string]any{"appType": "native"}, ""},
		"single-page application":         {map[string]any{"appType": "spa", "allowedOrigins": []string{"http://localhost:3000"}}, ""},
		"anonymous embed":                 {map[string]any{"appType": "anonymous-embed"}, ""},
		"relative client URI":             {map[string]any{"clientUri": "/app"}, "/clientUri"},
		"client URI without TLS":          {map[string]any{"clientUri": "http://example.com"}, "/clientUri"},
		"client URI with a password":      {map[string]any{"clientUri": "https://a:b@example.com"}, "/clientUri"},
		"logo of another scheme":          {map[string]any{"logoUri": "javascript:alert(1)"}, "/logoUri"},
		"redirect to http on localhost":   {map[string]any{"redirectUris": []string{"http://localhost/cb", "http://127.0.0.1:8080/", "http://app.localhost/", "http://[::1]/"}}, ""},
		"redirect to http elsewhere":      {map[string]any{"redirectUris": []string{"https://example.com", "http://localhost.example.com/"}}, "/redirectUris/1"},
		"redirect with a fragment":        {map[string]any{"redirectUris": []string{"https://example.com/#x"}}, "/redirectUris/0"},
		"redirect that is too long":       {map[string]any{"redirectUris": []string{"https://example.com/" + strings.Repeat("x", 2048)}}, "/redirectUris/0"},
		"redirect to any subdomain":       {map[string]any{"redirectUris": []string{"https://*.example.com/"}}, "/redirectUris/0"},
		"redirect to a native program":    {map[string]any{"appType": "native", "redirectUris": []string{"com.example.app:/cb", "com.example.app://cb"}}, ""},
		"redirect to a script":            {map[string]any{"appType": "native", "redirectUris": []string{"javascript:alert(1)"}}, "/redirectUris/0"},
		"redirect to the system":          {map[string]any{"appType": "native", "redirectUris": []string{"com.example.app:/", "ms-msdt:/id"}}, "/redirectUris/1"},
		"redirect of a page to a program": {map[string]any{"appType": "spa", "redirectUris": []string{"com.example.app:/cb"}}, "/redirectUris/0"},
		"5 origins":                       {map[string]any{"allowedOrigins": repeat("https://example.com", 5)}, ""},
		"6 origins":                       {map[string]any{"allowedOrigins": repeat("https://example.com", 6)}, "/allowedOrigins"},
		"origin with a path":              {map[string]any{"allowedOrigins": []string{"https://example.com/"}}, "/allowedOrigins/0"},
		"origin with a star":              {map[string]any{"allowedOrigins": []string{"*"}}, "/allowedOrigins/0"},
		"origin of any subdomain":         {map[string]any{"allowedOrigins": []string{"https://*.example.com"}}, "/allowedOrigins/0"},
		"scope of roles":                  {map[string]any{"allowedScopes": []string{"apps", "api-keys"}}, "/allowedScopes/1"},
		"another scope of roles":          {map[string]any{"allowedScopes": []string{"classic_talend.x"}}, "/allowedScopes/0"},
		"100 scopes":                      {map[string]any{"allowedScopes": repeat("apps", 100)}, ""},
		"scope with a quote":              {map[string]any{"allowedScopes": []string{"apps", `a"b`}}, "/allowedScopes/1"},
		"scope of a region client":        {map[string]any{"allowedScopes": []string{"tenants:create"}}, "/allowedScopes/0"},
		"scope of an organization":        {map[string]any{"allowedScopes": []string{"cloud-console.tenants:read"}}, "/allowedScopes/0"},
		"parent of a region scope":        {map[string]any{"allowedScopes": []string{"tenants"}}, "/allowedScopes/0"},
		"scope of 128 characters":         {map[string]any{"allowedScopes": []string{strings.Repeat("s", 128)}}, ""},
		"scope of 129 characters":         {map[string]any{"allowedScopes": []string{strings.Repeat("s", 129)}}, "/allowedScopes/0"},
		"machine grant":                   {map[string]any{"allowedGrantTypes": []string{"client_credentials"}}, ""},
		"another grant":                   {map[string]any{"allowedGrantTypes": []string{"client_credentials", "password"}}, "/allowedGrantTypes/1"},
		"grant of a native application":   {map[string]any{"appType": "native", "allowedGrantTypes": []string{"client_credentials"}}, "/allowedGrantTypes"},
		"another method":                  {map[string]any{"allowedAuthMethods": []string{"tls_client_auth"}}, "/allowedAuthMethods/0"},
		"method without a key":            {map[string]any{"allowedAuthMethods": []string{"private_key_jwt"}}, "/publicKeys"},
		"method of a native one":          {map[string]any{"appType": "native", "allowedAuthMethods": []string{"client_secret"}}, "/allowedAuthMethods/0"},
		"consent required":                {map[string]any{"connectionConfig": map[string]any{"consentMethod": "required"}}, "/connectionConfig/consentMethod"},
		"consent of another kind":         {map[string]any{"connectionConfig": map[string]any{"consentMethod": "never"}}, "/connectionConfig/consentMethod"},
	} {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"clientName": "app", "appType": "web"}
			for field, value := range test.change {
				body[field] = value
			}
			answer := e.With(t).Do(testenv.Request{URL: here + "/api/v1/oauth-clients", Token: token, JSON: body})
			if test.pointer == "" {
				var made api.OAuthClient
				answer.Into(&made)
				if secret := body["appType"] == "web"; answer.Status != http.StatusCreated || secret != (made.ClientSecret != "") || secret != (len(made.ClientSecrets) == 1) {
					t.Errorf("%d %s", answer.Status, answer.Body)
				}
				return
			}
			expect(t, name, answer, http.StatusBadRequest, api.CodeClientInvalid)
			if source := answer.Error().Source; source == nil || source.Pointer != test.pointer {
				t.Errorf("source %+v, want %s", source, test.pointer)
			}
		})
	}
	for name, body := range map[string]string{"malformed": `{`, "a list": `[]`, "a text for scopes": `{"clientName":"x","appType":"web","allowedScopes":"apps"}`} {
		answer := e.Do(testenv.Request{Method: http.MethodPost, URL: here + "/api/v1/oauth-clients", Token: token, Body: body, Header: map[string]string{"Content-Type": jsonType}})
		expect(t, name, answer, http.StatusBadRequest, api.CodeInvalidRequest)
	}
}
