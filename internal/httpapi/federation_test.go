package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// outsideIssuer is an OpenID Connect issuer that knows nothing of Freehold.
type outsideIssuer struct {
	*httptest.Server
	signer jose.Signer
}

func newOutsideIssuer(t *testing.T) *outsideIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "i1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &outsideIssuer{signer: signer}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "i1", Algorithm: "ES256", Use: "sig"}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// token is what the issuer gives a workload that runs in an environment.
func (i *outsideIssuer) token(t *testing.T, e *testenv.Env, environment string) string {
	t.Helper()
	now := e.Clock.Now().Unix()
	payload, err := json.Marshal(map[string]any{"iss": i.URL, "sub": "deployer", "aud": "freehold", "iat": now, "exp": now + 600, "environment": environment})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := i.signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// At every level a living client is made to trust an outside issuer, says what it
// makes of its tokens, takes them, on every node, and trusts it no more.
func TestFederation_Manage(t *testing.T) {
	e := testenv.New(t)
	other := e.Node()
	issuer := newOutsideIssuer(t)
	sub := e.Subscription(2)
	tenant := e.Tenant(sub, "us")
	entry := api.FederatedCredential{Name: "deploy", Issuer: issuer.URL, Audience: "freehold", Condition: `claims.environment == "production"`}
	good, bad := issuer.token(t, e, "production"), issuer.token(t, e, "staging")
	for _, at := range []struct {
		level   estate.Level
		manager caller
		path    string
		host    string // where the client gets tokens
		client  testenv.Credentials
	}{
		{estate.LevelTenant, newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant)), "/api/v1/oauth-clients/", e.TenantURL(tenant), e.TenantClient(tenant)},
		{estate.LevelRegion, newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID)), "/api/core/subscriptions/" + string(sub.ID) + "/oauth-clients/", e.Register("us"), e.RegionClient(sub, "us")},
		{estate.LevelOrganization, newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID)), "/api/core/oauth-clients/", e.Console(), e.OrganizationClient(e.Organization.ID)},
	} {
		t.Run(string(at.level), func(t *testing.T) {
			m := at.manager
			m.t = t
			client := at.path + string(at.client.ID)
			path := client + "/federated-credentials"
			ask := func(node *testenv.Env) int {
				t.Helper()
				return node.Do(testenv.Request{URL: at.host + "/oauth/token", Form: map[string][]string{
					"grant_type": {api.GrantClientCredentials}, "client_id": {string(at.client.ID)}, "client_assertion_type": {api.AssertionTypeJWT}, "client_assertion": {good},
				}}).Status
			}
			check := func(token string) (checked api.CheckedFederatedToken) {
				t.Helper()
				m.want(200, &checked, "POST", path+"/actions/check", api.CheckFederatedTokenRequest{Token: token})
				return checked
			}
			if c := check(good); c.Accepted || !strings.Contains(c.Reason, "trusts no issuer") {
				t.Errorf("before: %+v", c)
			}
			if status := ask(e); status != http.StatusUnauthorized {
				t.Errorf("before: %d", status)
			}
			m.want(201, nil, "POST", path, entry)
			if status := ask(e); status != http.StatusOK {
				t.Errorf("trusted: %d", status)
			}
			if status := other.Do(testenv.Request{URL: at.host + "/oauth/token", Form: map[string][]string{
				"grant_type": {api.GrantTokenExchange}, "client_id": {string(at.client.ID)}, "subject_token": {good}, "subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
			}}).Status; status != http.StatusOK {
				t.Errorf("trusted, at another node, by exchange: %d", status)
			}
			if c := check(good); !c.Accepted || c.FederatedCredential != "deploy" || c.Subject != "deployer" || c.Issuer != issuer.URL {
				t.Errorf("trusted: %+v", c)
			}
			if c := check(bad); c.Accepted || c.Reason != "deploy: condition is false" {
				t.Errorf("another environment: %+v", c)
			}
			var seen api.OAuthClient
			m.want(200, &seen, "GET", client, nil)
			if !slices.Equal(seen.FederatedCredentials, []api.FederatedCredential{entry}) {
				t.Errorf("the client has %+v", seen.FederatedCredentials)
			}
			m.refused(409, api.CodeFederatedExists, "POST", path, entry)
			for pointer, f := range map[string]api.FederatedCredential{
				"/condition": {Name: "a", Issuer: issuer.URL, Audience: "x", Condition: "claims.a ="},
				"/issuer":    {Name: "a", Issuer: "file:///etc/passwd", Audience: "x", Subject: "y"},
				"/name":      {Name: "a b", Issuer: issuer.URL, Audience: "x", Subject: "y"},
				"/audience":  {Name: "a", Issuer: issuer.URL, Subject: "y"},
				"":           {Name: "a", Issuer: issuer.URL, Audience: "x"},
			} {
				if got := m.refused(400, api.CodeClientInvalid, "POST", path, f); got != pointer {
					t.Errorf("%+v: wrong at %q, want %q", f, got, pointer)
				}
			}
			m.refused(404, api.CodeFederatedNotFound, "DELETE", path+"/staging", nil)
			m.want(204, nil, "DELETE", path+"/deploy", nil)
			if status := ask(e); status != http.StatusUnauthorized {
				t.Errorf("no longer trusted: %d", status)
			}
			var done []string
			for _, r := range records(t, e) {
				if strings.Contains(r.Action, "federated") && r.Target == string(at.client.ID) && fmt.Sprint(r.Data["issuer"]) == issuer.URL {
					done = append(done, r.Action)
				}
			}
			slices.Sort(done)
			if !slices.Equal(done, []string{"oauth-client.federated-credential.create", "oauth-client.federated-credential.delete"}) {
				t.Errorf("audit: %v", done)
			}
		})
	}

	// A way to act as a client is not to be had for one that may do more.
	weak := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients))
	strong := e.OrganizationClient(e.Organization.ID)
	weak.refused(403, api.CodeInsufficientScope, "POST", "/api/core/oauth-clients/"+string(strong.ID)+"/federated-credentials", entry)
}

// A region-level client can be made without a secret, and bound to its sender.
func TestCreateRegionOAuthClient_Trust(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(2)
	console := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID))
	var made api.OAuthClient
	console.want(201, &made, "POST", "/api/core/subscriptions/"+string(sub.ID)+"/oauth-clients", api.CreateRegionOAuthClientRequest{
		RegionCode: "us", TokenBinding: "dpop", FederatedCredentials: []api.FederatedCredential{federatedAs("ci")},
	})
	if made.ClientSecret != "" || len(made.ClientSecrets) != 0 || made.TokenBinding != "dpop" || len(made.FederatedCredentials) != 1 {
		t.Errorf("%+v", made)
	}
	console.want(201, &made, "POST", "/api/core/subscriptions/"+string(sub.ID)+"/oauth-clients", api.CreateRegionOAuthClientRequest{
		RegionCode: "us", PublicKeys: []json.RawMessage{json.RawMessage(exampleKey)},
	})
	if made.ClientSecret != "" || len(made.PublicKeys) != 1 {
		t.Errorf("%+v", made)
	}
}
