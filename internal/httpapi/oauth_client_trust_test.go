package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	exampleKey     = `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	examplePrivate = `nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A`
	exampleTrust   = `{"name":"ci","issuer":"https://issuer.example.com","audience":"freehold","condition":"claims.a == 'b'"}`
)

// Clients are made with keys, a URL of keys and outside issuers, at the tenant
// and at the console, and come back with them.
func TestCreateOAuthClient_Trust(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	for _, at := range []struct{ surface, url, token string }{
		{"tenant", e.TenantURL(tenant) + "/api/v1/oauth-clients", e.Token(e.TenantURL(tenant), e.TenantClient(tenant))},
		{"console", e.Console() + "/api/core/oauth-clients", e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))},
	} {
		create := func(members string) (int, []byte) {
			t.Helper()
			body := `{"clientName":"automation","appType":"web"` + members + `}`
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+at.token)
			request.Header.Set("Content-Type", "application/json")
			response, err := e.Client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			apitest.Check(t, at.surface, request, []byte(body), response, text)
			return response.StatusCode, text
		}
		made := func(members string) (c api.OAuthClient) {
			t.Helper()
			status, text := create(members)
			if err := json.Unmarshal(text, &c); status != http.StatusCreated || err != nil {
				t.Fatalf("%s: %d %s", members, status, text)
			}
			return c
		}
		c := made(`,"publicKeys":[` + exampleKey + `],"allowedAuthMethods":["private_key_jwt"]`)
		if c.ClientSecret != "" || len(c.ClientSecrets) != 0 || len(c.PublicKeys) != 1 || !sameJSON(t, c.PublicKeys[0], exampleKey) {
			t.Errorf("%s: with a key: %+v", at.surface, c)
		}
		c = made(`,"publicKeys":[` + exampleKey + `],"allowedAuthMethods":["private_key_jwt","client_secret"]`)
		if c.ClientSecret == "" || len(c.PublicKeys) != 1 {
			t.Errorf("%s: with a key and a secret: %+v", at.surface, c)
		}
		c = made(`,"jwksUri":"https://client.example.com/keys"`)
		if c.ClientSecret != "" || c.JWKSURI != "https://client.example.com/keys" || len(c.AllowedAuthMethods) != 1 || c.AllowedAuthMethods[0] != "private_key_jwt" {
			t.Errorf("%s: with a URL: %+v", at.surface, c)
		}
		c = made(`,"federatedCredentials":[` + exampleTrust + `]`)
		if c.ClientSecret != "" || len(c.AllowedAuthMethods) != 0 || len(c.FederatedCredentials) != 1 || c.FederatedCredentials[0].Condition != "claims.a == 'b'" {
			t.Errorf("%s: with an issuer: %+v", at.surface, c)
		}

		for members, pointer := range map[string]string{
			`,"publicKeys":[` + strings.Replace(exampleKey, `"x"`, `"d":"`+examplePrivate+`","x"`, 1) + `]`: "/publicKeys/0",
			`,"allowedAuthMethods":["private_key_jwt"]`:                                                     "/publicKeys",
			`,"allowedAuthMethods":["tls_client_auth"]`:                                                     "/allowedAuthMethods/0",
			`,"jwksUri":"client.example.com/keys"`:                                                          "/jwksUri",
			`,"federatedCredentials":[` + strings.Replace(exampleTrust, "==", "=", 1) + `]`:                 "/federatedCredentials/0/condition",
		} {
			status, text := create(members)
			var body api.ErrorBody
			if err := json.Unmarshal(text, &body); err != nil {
				t.Fatal(err)
			}
			if status != http.StatusBadRequest || body.Errors[0].Code != api.CodeClientInvalid || body.Errors[0].Source == nil || body.Errors[0].Source.Pointer != pointer {
				t.Errorf("%s: %s: %d %s", at.surface, members, status, text)
			}
			if strings.Contains(string(text), examplePrivate) {
				t.Errorf("%s: the answer repeats a private key", at.surface)
			}
		}
	}
}

// TestUpdateOAuthClient_Trust changes keys over the wire, at the level where that is
// possible.
func TestUpdateOAuthClient_Trust(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	admin := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant))
	c := e.TenantClient(tenant)
	path := "/api/v1/oauth-clients/" + string(c.ID)
	patch := func(op, member, value string) string {
		return `[{"op":"` + op + `","path":"` + member + `","value":` + value + `}]`
	}
	var seen api.OAuthClient
	admin.want(204, nil, "PATCH", path, patch("add", "/publicKeys", "["+exampleKey+"]"))
	admin.want(200, &seen, "GET", path, nil)
	if len(seen.PublicKeys) != 1 || !sameJSON(t, seen.PublicKeys[0], exampleKey) || len(seen.ClientSecrets) != 1 {
		t.Errorf("%+v", seen)
	}
	private := strings.Replace(exampleKey, `"x"`, `"d":"`+examplePrivate+`","x"`, 1)
	for value, where := range map[string]string{
		"[" + private + "]":                                   "/0/value/0",
		"[" + exampleKey + "," + exampleKey + "]":             "/0/value/1",
		`[{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB"}]`: "/0/value/0",
		`"key"`: "/0/value",
	} {
		if got := admin.refused(400, api.CodeClientPatch, "PATCH", path, patch("replace", "/publicKeys", value)); got != where {
			t.Errorf("%s: at %q, want %q", value, got, where)
		}
		if a := admin.do("PATCH", path, patch("replace", "/publicKeys", value)); strings.Contains(string(a.body), examplePrivate) {
			t.Errorf("the answer repeats a private key: %s", a.body)
		}
	}
	var after api.OAuthClient
	admin.want(200, &after, "GET", path, nil)
	if diff := cmp.Diff(seen, after); diff != "" {
		t.Errorf("a refused patch changed the client: %s", diff)
	}
	admin.want(204, nil, "PATCH", path, `[{"op":"remove","path":"/publicKeys"},{"op":"add","path":"/jwksUri","value":"https://client.example.com/keys"}]`)
	admin.want(200, &after, "GET", path, nil)
	if after.PublicKeys != nil || after.JWKSURI != "https://client.example.com/keys" {
		t.Errorf("%+v", after)
	}

	// Above tenants the contract lets nothing of it be changed.
	console := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID))
	other := "/api/core/oauth-clients/" + string(e.OrganizationClient(e.Organization.ID).ID)
	for member, value := range map[string]string{"/publicKeys": "[" + exampleKey + "]", "/jwksUri": `"https://client.example.com/keys"`} {
		if got := console.refused(400, api.CodeClientPatch, "PATCH", other, patch("add", member, value)); got != "/0/path" {
			t.Errorf("%s at the console: at %q", member, got)
		}
	}
}

func sameJSON(t *testing.T, a json.RawMessage, b string) bool {
	t.Helper()
	var one, other map[string]string
	if json.Unmarshal(a, &one) != nil || json.Unmarshal([]byte(b), &other) != nil || len(one) != len(other) {
		return false
	}
	for name := range one {
		if one[name] != other[name] {
			return false
		}
	}
	return true
}

func TestMetadata_Assertions(t *testing.T) {
	e := testenv.New(t)
	for surface, origin := range map[string]string{"console": e.Console(), "register": e.Register("us")} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/.well-known/oauth-authorization-server", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := e.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		apitest.Check(t, surface, request, nil, response, text)
		for _, want := range []string{`"private_key_jwt"`, `"RS256","RS512","ES384","PS256","ES256","EdDSA","Ed25519"`, api.GrantTokenExchange} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: metadata lacks %s: %s", surface, want, text)
			}
		}
	}
}
