package credential_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// issuer is an outside OpenID Connect issuer.
type issuer struct {
	*httptest.Server
	fetches atomic.Int32

	mu       sync.Mutex
	keys     []json.RawMessage
	says     string           // its name in its metadata
	metadata http.HandlerFunc // instead of its metadata, if set
	down     bool
}

func newIssuer(t testing.TB, keys ...json.RawMessage) *issuer {
	t.Helper()
	i := &issuer{keys: keys}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	i.says = i.URL
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.fetches.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/jwks":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
	case r.URL.Path != "/.well-known/openid-configuration":
		http.NotFound(w, r)
	case i.metadata != nil:
		i.metadata(w, r)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.says, "jwks_uri": i.URL + "/jwks"})
	}
}

func (i *issuer) change(fn func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	fn()
}

// workloadClaims are those of a token as a CI system makes it for one run.
func workloadClaims(e *testenv.Env, i *issuer) map[string]any {
	now := e.Clock.Now().Unix()
	return map[string]any{
		"iss": i.URL, "sub": "repo:acme/infrastructure:ref:refs/heads/main", "aud": "https://freehold.example.com", "iat": now, "nbf": now, "exp": now + 3600,
		"repository": "acme/infrastructure", "environment": "production", "run_attempt": 1, "groups": []string{"deployers", "readers"},
	}
}

// deploys is what a client trusts of i: deployments from one repository.
func deploys(i *issuer) estate.FederatedCredential {
	return estate.FederatedCredential{
		Name: "deploy", Issuer: i.URL, Audience: "https://freehold.example.com",
		Condition: `claims.repository == "acme/infrastructure" && claims.environment == "production" && "deployers" in claims.groups`,
	}
}

func federatedClient(t testing.TB, e *testenv.Env, all ...estate.FederatedCredential) estate.Client {
	t.Helper()
	return organizationClient(t, e, func(n *credential.NewClient) { n.Federated = all })
}

// A workload gets what its client gets, either way, at every level.
func TestFederation(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "RS256", "i1")
	i := newIssuer(t, key.jwk(t))
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	organization := federatedClient(t, e, deploys(i))
	region, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: "us"},
		Federated: []estate.FederatedCredential{deploys(i)},
	})
	if err != nil || secret != "" || len(region.AuthMethods) != 0 {
		t.Fatalf("client %+v, secret %v, %v", region, secret, err)
	}
	token := key.sign(t, workloadClaims(e, i))
	for _, at := range []struct {
		surface, origin string
		client          estate.Client
		scope, probe    string
	}{
		{"console", e.Console(), organization, api.ScopeOrgTenantsRead, "/api/core/tenants"},
		{"register", e.Register("us"), region, strings.Join(api.RegionScopes(), " "), "/api/v1/tenants/" + string(tenant.ID)},
		{"tenant", e.TenantURL(tenant), region, strings.Join(api.RegionScopes(), " "), "/api/v1/tenants/" + string(tenant.ID)},
	} {
		for name, a := range map[string]tokenAnswer{
			"assertion":             requestTokenWith(t, e, at.surface, at.origin, byAssertion(at.client.ID, token)),
			"exchange of a JWT":     requestTokenWith(t, e, at.surface, at.origin, byExchange(at.client.ID, token, api.TokenTypeJWT)),
			"exchange of ID tokens": requestTokenWith(t, e, at.surface, at.origin, byExchange(at.client.ID, token, api.TokenTypeIDToken)),
		} {
			if a.status != http.StatusOK || a.token.Scope != at.scope {
				t.Errorf("%s at %s: %d %+v %+v", name, at.surface, a.status, a.token, a.refuse)
				continue
			}
			if exchanged := strings.HasPrefix(name, "exchange"); exchanged != (a.token.IssuedTokenType == api.TokenTypeAccessToken) {
				t.Errorf("%s at %s: issued_token_type %q", name, at.surface, a.token.IssuedTokenType)
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.origin+at.probe, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+a.token.AccessToken)
			if status, text := sendChecked(t, e, at.surface, request, ""); status != http.StatusOK {
				t.Errorf("%s at %s: the token gets %d %s", name, at.surface, status, text)
			}
		}
	}
	if n, most := i.fetches.Load(), 2*len(e.Servers); int(n) > most {
		t.Errorf("%d fetches from the issuer, want at most %d", n, most)
	}

	var found bool
	for tries := 0; !found && tries < 10_000; tries++ {
		e.Flush()
		for _, r := range newestAudit(t, e, 1000) {
			found = found || r.Action == "oauth-token.issue" && r.Outcome == estate.OutcomeDone && r.Target == string(organization.ID) &&
				r.Data["federatedCredential"] == "deploy" && r.Data["issuer"] == i.URL && r.Data["subject"] == "repo:acme/infrastructure:ref:refs/heads/main"
		}
	}
	if !found {
		t.Error("the audit trail does not tell which workload got tokens")
	}
}

func TestFederation_Refused(t *testing.T) {
	e := testenv.New(t)
	key, unknown := newJWTSigner(t, "ES256", "i1"), newJWTSigner(t, "ES256", "i9")
	i, stranger := newIssuer(t, key.jwk(t)), newIssuer(t, key.jwk(t))
	slow := deploys(i)
	slow.Name, slow.Condition = "slow", `claims.groups.all(a, claims.groups.all(b, claims.groups.all(c, claims.groups.all(d, a + b + c + d != "x"))))`
	client := federatedClient(t, e, deploys(i))
	expensive := federatedClient(t, e, slow)
	subject := deploys(i)
	subject.Subject, subject.Condition = "repo:acme/infrastructure:ref:refs/heads/main", ""
	bySubject := federatedClient(t, e, subject)
	withKey := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })

	good := func() map[string]any { return workloadClaims(e, i) }
	now := func() int64 { return e.Clock.Now().Unix() }
	many := make([]string, 200)
	for n := range many {
		many[n] = fmt.Sprint("group-", n)
	}
	for name, tc := range map[string]struct {
		client estate.Client
		token  func() string
		reason string
	}{
		"condition false":        {client, func() string { return key.sign(t, changed(good(), "environment", "staging")) }, "deploy: condition is false"},
		"claim missing":          {client, func() string { return key.sign(t, changed(good(), "repository", nil)) }, "no such key: repository"},
		"claim of another type":  {client, func() string { return key.sign(t, changed(good(), "groups", 7)) }, "deploy: condition"},
		"too expensive":          {expensive, func() string { return key.sign(t, changed(good(), "groups", many)) }, "cost limit"},
		"aud of another service": {client, func() string { return key.sign(t, changed(good(), "aud", "https://other.example.com")) }, "deploy: aud is"},
		"aud missing":            {client, func() string { return key.sign(t, changed(good(), "aud", nil)) }, "deploy: aud is"},
		"another subject":        {bySubject, func() string { return key.sign(t, changed(good(), "sub", "repo:acme/infrastructure:ref:refs/heads/x")) }, "deploy: sub is"},
		"an issuer not trusted":  {client, func() string { return key.sign(t, changed(good(), "iss", stranger.URL)) }, "trusts no issuer"},
		"issuer with a slash":    {client, func() string { return key.sign(t, changed(good(), "iss", i.URL+"/")) }, "trusts no issuer"},
		"unknown key":            {client, func() string { return unknown.sign(t, good()) }, `no key has the kid "i9"`},
		"expired":                {client, func() string { return key.sign(t, changed(good(), "exp", now()-30)) }, "expired"},
		"exp missing":            {client, func() string { return key.sign(t, changed(good(), "exp", nil)) }, "exp is missing"},
		"not yet":                {client, func() string { return key.sign(t, changed(good(), "nbf", now()+60)) }, "nbf is in the future"},
		"alg none":               {client, func() string { return unsigned(t, "none", good()) }, `algorithm "none"`},
		"HMAC":                   {client, func() string { return hmacSigned(t, []byte(key.jwk(t)), good()) }, `algorithm "HS256"`},
		"not a JWT":              {client, func() string { return "nonsense" }, "not a signed JWT"},
		"client trusts nobody":   {withKey, func() string { return key.sign(t, good()) }, "trusts no issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, e, tc.client.ID, requestTokenWith(t, e, "console", e.Console(), byAssertion(tc.client.ID, tc.token())), tc.reason)
			wantRefused(t, e, tc.client.ID, requestTokenWith(t, e, "console", e.Console(), byExchange(tc.client.ID, tc.token(), api.TokenTypeJWT)), tc.reason)
		})
	}
	if n := stranger.fetches.Load(); n != 0 {
		t.Errorf("a token sent the server to an issuer that nobody trusts, %d times", n)
	}
	for _, c := range []estate.Client{client, bySubject} {
		if a := requestTokenWith(t, e, "console", e.Console(), byAssertion(c.ID, key.sign(t, good()))); a.status != http.StatusOK {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
	}
	t.Run("with two entries the second may fit", func(t *testing.T) {
		staging := deploys(i)
		staging.Name, staging.Condition = "staging", `claims.environment == "staging"`
		both := federatedClient(t, e, deploys(i), staging)
		if a := requestTokenWith(t, e, "console", e.Console(), byAssertion(both.ID, key.sign(t, changed(good(), "environment", "staging")))); a.status != http.StatusOK {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
		a := requestTokenWith(t, e, "console", e.Console(), byAssertion(both.ID, key.sign(t, changed(good(), "environment", "test"))))
		wantRefused(t, e, both.ID, a, "deploy: condition is false; staging: condition is false")
	})
}

func TestCheckOutsideToken(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "ES256", "i1")
	i := newIssuer(t, key.jwk(t))
	client := federatedClient(t, e, deploys(i))
	good := workloadClaims(e, i)
	realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
	got, err := e.App.Credential.CheckOutsideToken(t.Context(), testenv.Operator, realm, client.ID, key.sign(t, good))
	if err != nil || !got.Accepted || got.Credential != "deploy" || got.Issuer != i.URL || got.Subject != good["sub"] {
		t.Errorf("a good token: %+v, %v", got, err)
	}
	got, err = e.App.Credential.CheckOutsideToken(t.Context(), testenv.Operator, realm, client.ID, key.sign(t, changed(good, "environment", "staging")))
	if err != nil || got.Accepted || got.Reason != "deploy: condition is false" || got.Issuer != i.URL {
		t.Errorf("another environment: %+v, %v", got, err)
	}
	got, err = e.App.Credential.CheckOutsideToken(t.Context(), testenv.Operator, realm, client.ID, "nonsense")
	if err != nil || got.Accepted || got.Reason != "not a signed JWT" {
		t.Errorf("nonsense: %+v, %v", got, err)
	}
	if _, err := e.App.Credential.CheckOutsideToken(t.Context(), testenv.Operator, realm, estate.NewClientID(), "nonsense"); err == nil {
		t.Error("an unknown client: no error")
	}
	if _, err := e.App.Credential.CheckOutsideToken(t.Context(), estate.Actor{}, realm, client.ID, key.sign(t, good)); err == nil {
		t.Error("nobody asks: no error")
	}
}

func TestFederation_ExchangeRequests(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "ES256", "i1")
	i := newIssuer(t, key.jwk(t))
	client := federatedClient(t, e, deploys(i))
	secret := e.OrganizationClient(e.Organization.ID)
	for name, tc := range map[string]struct {
		field, value string
		parameter    string // that the answer names; empty: it is good
	}{
		"no client":               {"client_id", "", "client_id"},
		"no subject token":        {"subject_token", "", "subject_token"},
		"requested access token":  {"requested_token_type", api.TokenTypeAccessToken, ""},
		"requested refresh token": {"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "requested_token_type"},
		"this audience":           {"audience", e.Console(), ""},
		"another audience":        {"audience", e.Register("us"), "audience"},
		"narrower scope":          {"scope", api.ScopeOrgTenantsRead, ""},
	} {
		t.Run(name, func(t *testing.T) {
			form := byExchange(client.ID, key.sign(t, workloadClaims(e, i)), api.TokenTypeJWT)
			form.Set(tc.field, tc.value)
			a := requestTokenWith(t, e, "console", e.Console(), form)
			switch {
			case tc.parameter == "" && a.status != http.StatusOK:
				t.Errorf("answered %d %+v", a.status, a.refuse)
			case tc.parameter != "" && (a.status != http.StatusBadRequest || a.refuse.OAuthError != "invalid_request" || a.refuse.Errors[0].Source.Parameter != tc.parameter):
				t.Errorf("answered %d %+v", a.status, a.refuse)
			}
		})
	}
	t.Run("unknown type", func(t *testing.T) {
		form := byExchange(secret.ID, "x", "urn:ietf:params:oauth:token-type:saml2")
		form.Set("client_secret", secret.Secret)
		a := requestTokenWith(t, e, "console", e.Console(), form)
		if a.status != http.StatusBadRequest || a.refuse.Errors[0].Source.Parameter != "subject_token_type" {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
	})
	t.Run("a secret does not make up for the token", func(t *testing.T) {
		form := byExchange(secret.ID, key.sign(t, workloadClaims(e, i)), api.TokenTypeJWT)
		form.Set("client_secret", secret.Secret)
		a := requestTokenWith(t, e, "console", e.Console(), form)
		if a.status != http.StatusBadRequest || a.refuse.Errors[0].Source.Parameter != "subject_token" {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
	})
}

// Keys are rotated, and the issuer may be away for a while.
func TestFederation_IssuerRotatesAndIsDown(t *testing.T) {
	e := testenv.NewAlone(t) // each server fetches the keys for itself
	first, second := newJWTSigner(t, "RS256", "i1"), newJWTSigner(t, "EdDSA", "i2")
	i := newIssuer(t, first.jwk(t))
	client := federatedClient(t, e, deploys(i))
	ask := func(s jwtSigner) tokenAnswer {
		return requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, s.sign(t, workloadClaims(e, i))))
	}
	good := func(s jwtSigner) {
		t.Helper()
		if a := ask(s); a.status != http.StatusOK {
			t.Fatalf("answered %d %+v", a.status, a.refuse)
		}
	}
	good(first)
	i.change(func() { i.keys = []json.RawMessage{first.jwk(t), second.jwk(t)} })
	wantRefused(t, e, client.ID, ask(second), `no key has the kid "i2"`)
	e.Clock.Advance(time.Minute)
	good(second)
	good(first)
	i.change(func() { i.keys = []json.RawMessage{second.jwk(t)} })
	e.Clock.Advance(10 * time.Minute)
	wantRefused(t, e, client.ID, ask(first), `no key has the kid "i1"`)
	i.change(func() { i.down = true })
	e.Clock.Advance(20 * time.Hour)
	good(second)
	e.Clock.Advance(5 * time.Hour)
	wantRefused(t, e, client.ID, ask(second), "answered 503")
	i.change(func() { i.down = false })
	e.Clock.Advance(time.Minute)
	good(second)
}

// Whatever an issuer's metadata may be, no token comes of it.
func TestFederation_BadMetadata(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "ES256", "i1")
	elsewhere := newIssuer(t, key.jwk(t))
	for name, tc := range map[string]struct {
		change func(*issuer)
		reason string
	}{
		"of another issuer": {func(i *issuer) { i.says = elsewhere.URL }, "is that of"},
		"huge": {func(i *issuer) {
			i.metadata = func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, strings.Repeat(" ", outbound.MaxDocument+1))
			}
		}, "larger"},
		"redirect": {func(i *issuer) {
			i.metadata = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
			}
		}, "another host"},
		"not JSON":       {func(i *issuer) { i.metadata = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") } }, "not OpenID provider metadata"},
		"no key set":     {func(i *issuer) { i.metadata = metadata(i, "") }, "jwks_uri"},
		"key set a file": {func(i *issuer) { i.metadata = metadata(i, "file:///etc/passwd") }, "jwks_uri"},
		"no such path":   {func(i *issuer) { i.metadata = http.NotFound }, "answered 404"},
		"no usable key":  {func(i *issuer) { i.keys = []json.RawMessage{json.RawMessage(`{"kty":"oct","k":"c2VjcmV0"}`)} }, "no usable key"},
		"private key published": {func(i *issuer) {
			i.keys = []json.RawMessage{mustJSON(t, map[string]string{"kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 43), "d": strings.Repeat("A", 43)})}
		}, "no usable key"},
		"down": {func(i *issuer) { i.down = true }, "answered 503"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, key.jwk(t))
			i.change(func() { tc.change(i) })
			client := federatedClient(t, e, deploys(i))
			a := requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, key.sign(t, workloadClaims(e, i))))
			wantRefused(t, e, client.ID, a, tc.reason)
		})
	}
}

func metadata(i *issuer, keys string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.says, "jwks_uri": keys})
	}
}

func TestCreateClient_Federation(t *testing.T) {
	e := testenv.New(t)
	good := estate.FederatedCredential{Name: "ci", Issuer: "https://issuer.example.com", Audience: "freehold", Condition: "claims.a == 'b'"}
	for name, tc := range map[string]struct {
		change  func(*estate.FederatedCredential)
		pointer string
		detail  string
	}{
		"does not compile": {func(f *estate.FederatedCredential) { f.Condition = "claims.a ==" }, "/condition", "Syntax error"},
		"unknown name":     {func(f *estate.FederatedCredential) { f.Condition = "claim.a == 'b'" }, "/condition", "undeclared reference to 'claim'"},
		"unknown function": {func(f *estate.FederatedCredential) { f.Condition = "claims.a.open()" }, "/condition", "undeclared reference to 'open'"},
		"wrong types":      {func(f *estate.FederatedCredential) { f.Condition = "1 == 'b'" }, "/condition", "no matching overload"},
		"yields a text":    {func(f *estate.FederatedCredential) { f.Condition = "'b'" }, "/condition", "must yield bool, and yields string"},
		"yields a claim":   {func(f *estate.FederatedCredential) { f.Condition = "claims.admin" }, "/condition", "must yield bool, and yields dyn"},
		"too long":         {func(f *estate.FederatedCredential) { f.Condition = "claims.a == '" + strings.Repeat("b", 2048) + "'" }, "/condition", "at most"},
		"nested too deep": {func(f *estate.FederatedCredential) {
			f.Condition = strings.Repeat("(", 900) + "true" + strings.Repeat(")", 900)
		}, "/condition", "does not compile"},
		"everybody":          {func(f *estate.FederatedCredential) { f.Condition = "" }, "", "everybody"},
		"no audience":        {func(f *estate.FederatedCredential) { f.Audience = "" }, "/audience", "audience"},
		"no name":            {func(f *estate.FederatedCredential) { f.Name = "" }, "/name", "name"},
		"issuer not a URL":   {func(f *estate.FederatedCredential) { f.Issuer = "issuer" }, "/issuer", "absolute"},
		"issuer with a user": {func(f *estate.FederatedCredential) { f.Issuer = "https://a:b@issuer.example.com" }, "/issuer", "password"},
		"issuer with query":  {func(f *estate.FederatedCredential) { f.Issuer = "https://issuer.example.com/?a=b" }, "/issuer", "query"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			bad.Name = "other"
			tc.change(&bad)
			_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
				Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n", Federated: []estate.FederatedCredential{good, bad},
			})
			wantInvalid(t, err, "/federatedCredentials/1"+tc.pointer)
			if err != nil && !strings.Contains(err.Error(), tc.detail) {
				t.Errorf("have %v, want %q", err, tc.detail)
			}
		})
	}
	t.Run("same name twice", func(t *testing.T) {
		_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n", Federated: []estate.FederatedCredential{good, good},
		})
		wantInvalid(t, err, "/federatedCredentials/1/name")
	})
	t.Run("app without a server", func(t *testing.T) {
		tenant := e.Tenant(e.Subscription(2), "us")
		_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
			Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "n", AppType: api.AppTypeSPA, Federated: []estate.FederatedCredential{good},
		})
		wantInvalid(t, err, "/federatedCredentials")
	})
}
