package httpapi_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// tokenCall makes a call that is about a token, holds the exchange against the
// document of the surface, and returns what came back.
func tokenCall(t testing.TB, e *testenv.Env, method, link, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, link, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := e.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	surface := "tenant"
	for _, kind := range []string{"console", "register"} {
		if strings.HasPrefix(r.URL.Host, kind+".") {
			surface = kind
		}
	}
	apitest.Check(t, surface, r, []byte(body), response, answer)
	return response, string(answer)
}

func bearerHeader(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// postToken posts a form as the client, unless header says who asks.
func postToken(t testing.TB, e *testenv.Env, link string, c testenv.Credentials, token string, header map[string]string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"token": {token}}
	if header["Authorization"] == "" {
		form.Set("client_id", string(c.ID))
		form.Set("client_secret", c.Secret)
	}
	all := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	maps.Copy(all, header)
	return tokenCall(t, e, "POST", link, form.Encode(), all)
}

func introspectAs(t testing.TB, e *testenv.Env, origin string, c testenv.Credentials, token string) api.Introspection {
	t.Helper()
	response, body := postToken(t, e, origin+"/oauth/introspect", c, token, nil)
	var answer api.Introspection
	if err := json.Unmarshal([]byte(body), &answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("introspect: %s %s", response.Status, body)
	}
	return answer
}

// tokenWorks tells whether a token is accepted at the tenant.
func tokenWorks(t testing.TB, e *testenv.Env, origin, token string) bool {
	t.Helper()
	response, _ := tokenCall(t, e, "GET", origin+"/api/v1/users/me", "", bearerHeader(token))
	return response.StatusCode == http.StatusFound
}

func TestRevoke(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	client, other := e.RegionClient(sub, "us"), e.TenantClient(tenant)
	origin := e.TenantURL(tenant)

	t.Run("ways to authenticate", func(t *testing.T) {
		token := e.Token(origin, client)
		for name, call := range map[string]func() (*http.Response, string){
			"form": func() (*http.Response, string) { return postToken(t, e, origin+"/oauth/revoke", client, token, nil) },
			"token itself": func() (*http.Response, string) {
				return postToken(t, e, origin+"/oauth/revoke", client, token, bearerHeader(token))
			},
			"another token": func() (*http.Response, string) {
				return postToken(t, e, origin+"/oauth/revoke", client, token, bearerHeader(e.Token(origin, client)))
			},
			"JSON and Basic": func() (*http.Response, string) {
				r, _ := http.NewRequestWithContext(t.Context(), "POST", origin, http.NoBody)
				r.SetBasicAuth(string(client.ID), client.Secret)
				return tokenCall(t, e, "POST", origin+"/oauth/revoke", `{"token":"`+token+`","token_type_hint":"refresh_token"}`,
					map[string]string{"Content-Type": "application/json", "Authorization": r.Header.Get("Authorization")})
			},
		} {
			token = e.Token(origin, client)
			if !tokenWorks(t, e, origin, token) {
				t.Fatal("a new token does not work")
			}
			for range 2 { // revoking twice is no error
				response, body := call()
				if response.StatusCode != http.StatusOK || body != "" {
					t.Errorf("%s: %s %q", name, response.Status, body)
				}
			}
			if tokenWorks(t, e, origin, token) {
				t.Errorf("%s: the token still works", name)
			}
		}
		if !tokenWorks(t, e, origin, e.Token(origin, client)) {
			t.Error("a new token does not work")
		}
	})
	t.Run("says nothing about what is not the caller's", func(t *testing.T) {
		theirs, elsewhere := e.Token(origin, other), e.Token(e.Register("us"), client)
		for _, token := range []string{theirs, elsewhere, "garbage", theirs + "x"} {
			if response, body := postToken(t, e, origin+"/oauth/revoke", client, token, nil); response.StatusCode != http.StatusOK || body != "" {
				t.Errorf("%s %q", response.Status, body)
			}
		}
		if !tokenWorks(t, e, origin, theirs) {
			t.Error("another client's token was revoked")
		}
		if !introspectAs(t, e, e.Register("us"), client, elsewhere).Active {
			t.Error("a token of another host was revoked")
		}
	})
	t.Run("refuses", func(t *testing.T) {
		wrong := client
		wrong.Secret = strings.Repeat("0", 64)
		elsewhere := e.OrganizationClient(e.Organization.ID)
		token := e.Token(origin, client)
		for name, c := range map[string]struct {
			client testenv.Credentials
			token  string
			header map[string]string
			status int
			code   string
		}{
			"no token":                  {client, "", nil, 400, api.CodeOAuthInvalidRequest},
			"wrong secret":              {wrong, token, nil, 401, api.CodeOAuthInvalidClient},
			"client of another surface": {elsewhere, token, nil, 401, api.CodeOAuthInvalidClient},
			"nobody":                    {testenv.Credentials{}, token, nil, 400, api.CodeOAuthInvalidRequest},
			"bearer of another host":    {client, token, bearerHeader(e.Token(e.Register("us"), client)), 401, api.CodeUnauthenticated},
			"media type":                {client, token, map[string]string{"Content-Type": "text/plain"}, 415, api.CodeUnsupportedMediaType},
		} {
			for _, path := range []string{"/oauth/revoke", "/oauth/introspect"} {
				response, body := postToken(t, e, origin+path, c.client, c.token, c.header)
				var failure api.OAuthErrorBody
				if err := json.Unmarshal([]byte(body), &failure); err != nil || len(failure.Errors) == 0 || failure.OAuthError == "" {
					t.Fatalf("%s: %s %q", name, response.Status, body)
				}
				if response.StatusCode != c.status || failure.Errors[0].Code != c.code {
					t.Errorf("%s: %s: %s %s, want %d %s", path, name, response.Status, failure.Errors[0].Code, c.status, c.code)
				}
			}
		}
		if !tokenWorks(t, e, origin, token) {
			t.Error("a refused request revoked the token")
		}
	})
	t.Run("leaves an audit record", func(t *testing.T) {
		token := e.Token(origin, client)
		id := introspectAs(t, e, origin, client, token).ID
		postToken(t, e, origin+"/oauth/revoke", client, token, nil)
		found := false
		for _, r := range auditOf(t, e, tenant.Scope()) {
			if r.Action != "oauth-token.revoke" || r.Target != id || r.Actor.ID != string(client.ID) || r.Actor.TraceID == "" {
				continue
			}
			found = true
			told := event.Data(r)
			of, _ := told["revokedContext"].(map[string]any)
			if told["revokedAt"] == nil || told["revokedBy"] == "" || told["revokedByBearer"] != true || of["clientId"] != string(client.ID) || of["tenantId"] != string(tenant.ID) {
				t.Errorf("the event tells %v", told)
			}
		}
		if !found {
			t.Error("there is none")
		}
	})
}

func TestIntrospect(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	region, admin, plain := e.RegionClient(sub, "us"), e.TenantClient(tenant), e.TenantClient(tenant, "user_default")
	origin := e.TenantURL(tenant)
	now := e.Clock.Now()

	t.Run("says what the token is worth", func(t *testing.T) {
		token := e.Token(origin, region)
		got := introspectAs(t, e, origin, region, token)
		want := api.Introspection{
			Active: true, Scope: strings.Join(api.RegionScopes(), " "), ClientID: string(region.ID), TokenType: "Bearer",
			IssuedAt: now.Unix(), ExpiresAt: now.Unix() + 21600, Subject: string(region.ID), Audience: origin, Issuer: origin, ID: got.ID,
			Level: "region", Organization: string(sub.Organization), Subscription: string(sub.ID), Region: "us", Tenant: string(tenant.ID), User: got.User,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.ID == "" || got.User == "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("who may know", func(t *testing.T) {
		organization, reader := e.OrganizationClient(e.Organization.ID), e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead)
		second, err := e.App.Tenancy.CreateOrganization(t.Context(), testenv.Operator, "Second")
		if err != nil {
			t.Fatal(err)
		}
		foreign := e.OrganizationClient(second.ID)
		sibling := e.RegionClient(sub, "us")
		for _, c := range []struct {
			name   string
			origin string
			caller testenv.Credentials
			owner  testenv.Credentials
			knows  bool
		}{
			{"the client itself", origin, plain, plain, true},
			{"an administrator", origin, admin, plain, true},
			{"a region client, which administers", origin, region, admin, true},
			{"one without admin_classic", origin, plain, admin, false},
			{"itself at the console", e.Console(), reader, reader, true},
			{"a manager of clients", e.Console(), organization, reader, true},
			{"one who only reads tenants", e.Console(), reader, organization, false},
			{"another organization", e.Console(), foreign, reader, false},
			{"itself at a register host", e.Register("us"), region, region, true},
			{"a sibling at a register host", e.Register("us"), sibling, region, false},
		} {
			token := e.Token(c.origin, c.owner)
			if got := introspectAs(t, e, c.origin, c.caller, token); got.Active != c.knows {
				t.Errorf("%s, by secret: active is %v, want %v", c.name, got.Active, c.knows)
			} else if !c.knows && got != (api.Introspection{}) {
				t.Errorf("%s: an inactive token has members: %+v", c.name, got)
			}
			_, body := postToken(t, e, c.origin+"/oauth/introspect", c.caller, token, bearerHeader(e.Token(c.origin, c.caller)))
			if active := strings.Contains(body, `"active":true`); active != c.knows || !c.knows && strings.TrimSpace(body) != `{"active":false}` {
				t.Errorf("%s, by token: %s", c.name, body)
			}
		}
	})
	t.Run("what is not active", func(t *testing.T) {
		old, revoked := e.Token(origin, region), e.Token(origin, region)
		postToken(t, e, origin+"/oauth/revoke", region, revoked, nil)
		e.Clock.Advance(credential.TokenLifetime)
		for name, token := range map[string]string{
			"garbage": "a.b.c", "expired": old, "revoked": revoked, "of another host": e.Token(e.Register("us"), region),
		} {
			if got := introspectAs(t, e, origin, region, token); got != (api.Introspection{}) {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
	t.Run("as a JWT", func(t *testing.T) {
		token := e.Token(origin, region)
		response, body := postToken(t, e, origin+"/oauth/introspect", admin, token, map[string]string{"Accept": "application/json;q=0.5, application/token-introspection+jwt"})
		if got := response.Header.Get("Content-Type"); got != "application/token-introspection+jwt" {
			t.Fatalf("content type %q", got)
		}
		payload := verifyPublished(t, e, origin, body, "token-introspection+jwt")
		var claims api.IntrospectionClaims
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		if claims.Issuer != origin || claims.Audience != string(admin.ID) || claims.IssuedAt != e.Clock.Now().Unix() || claims.TokenIntrospection.ClientID != string(region.ID) {
			t.Errorf("%+v", claims)
		}
		if tokenWorks(t, e, origin, body) {
			t.Error("the answer passes for an access token")
		}
	})
}

// verifyPublished checks a JWT against the published keys, with go-jose.
func verifyPublished(t testing.TB, e *testenv.Env, origin, token, typ string) []byte {
	t.Helper()
	_, text := tokenCall(t, e, "GET", origin+"/.well-known/jwks.json", "", nil)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	header := parsed.Signatures[0].Header
	keys := set.Key(header.KeyID)
	if len(keys) != 1 || keys[0].Algorithm != header.Algorithm || header.ExtraHeaders["typ"] != typ {
		t.Fatalf("header %+v fits no published key of %s", header, text)
	}
	payload, err := parsed.Verify(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestMetadata_IsTrue(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	for _, origin := range []string{e.Console(), e.Register("us"), e.TenantURL(tenant)} {
		_, text := tokenCall(t, e, "GET", origin+"/.well-known/oauth-authorization-server", "", nil)
		var server api.AuthorizationServerMetadata
		if err := json.Unmarshal([]byte(text), &server); err != nil {
			t.Fatal(err)
		}
		for _, endpoint := range []string{server.RevocationEndpoint, server.IntrospectionEndpoint} {
			if response, _ := tokenCall(t, e, "POST", endpoint, "", nil); response.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s", endpoint, response.Status)
			}
		}
		response, text := tokenCall(t, e, "GET", origin+"/.well-known/oauth-protected-resource", "", nil)
		var resource api.ProtectedResourceMetadata
		if err := json.Unmarshal([]byte(text), &resource); err != nil {
			t.Fatal(err)
		}
		want := api.ProtectedResourceMetadata{Resource: origin, AuthorizationServers: []string{server.Issuer}, ScopesSupported: server.ScopesSupported, BearerMethodsSupported: []string{"header"}}
		if diff := cmp.Diff(want, resource); diff != "" || response.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for name, header := range map[string]map[string]string{"without a token": nil, "with a bad token": bearerHeader("bad"), "with a password": {"Authorization": "Basic YTpi"}} {
		response, _ := tokenCall(t, e, "GET", e.TenantURL(tenant)+"/api/v1/users/me", "", header)
		link := `resource_metadata="` + e.TenantURL(tenant) + `/.well-known/oauth-protected-resource"`
		got := response.Header.Get("WWW-Authenticate")
		if wrong := name == "with a bad token"; !strings.Contains(got, link) || strings.Contains(got, "error=") != wrong {
			t.Errorf("%s: WWW-Authenticate: %s", name, got)
		}
	}
}

func auditOf(t testing.TB, e *testenv.Env, scope estate.Scope) []estate.AuditRecord {
	t.Helper()
	var records []estate.AuditRecord
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		records, err = tx.AuditRecords(t.Context(), scope, 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}
