package credential_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// keyClient is a tenant's client that signs, and what it takes to change it.
type keyClient struct {
	t      *testing.T
	e      *testenv.Env
	tenant estate.Tenant
	origin string
	id     estate.ClientID
}

func newKeyClient(t *testing.T, change func(*credential.NewClient)) keyClient {
	t.Helper()
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	n := credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "automation", AppType: api.AppTypeWeb, Consent: estate.ConsentTrusted,
		Permissions: []string{api.ScopeAdminClassic}, GrantTypes: []string{api.GrantClientCredentials},
	}
	change(&n)
	c, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
	if err != nil {
		t.Fatal(err)
	}
	return keyClient{t, e, tenant, e.TenantURL(tenant), c.ID}
}

// patch changes the client by a patch as it comes over the wire.
func (k keyClient) patch(text string) error {
	k.t.Helper()
	patch, err := credential.ParsePatch([]byte(text))
	if err != nil {
		return err
	}
	realm := credential.Realm{Level: estate.LevelTenant, Scope: k.tenant.Scope()}
	_, err = k.e.App.Credential.UpdateClient(k.t.Context(), testenv.Operator, realm, k.id, patch)
	return err
}

// stored is the client as the database has it.
func (k keyClient) stored() (c estate.Client) {
	k.t.Helper()
	err := k.e.App.Store.Read(k.t.Context(), func(tx *store.Tx) (err error) {
		c, err = tx.Client(k.t.Context(), k.tenant.Scope(), k.id)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// token is the status of a request for a token with an assertion by key.
func (k keyClient) token(key jwtSigner) int {
	k.t.Helper()
	assertion := key.sign(k.t, assertionClaims(k.e, k.id, k.origin+api.TokenPath))
	return requestTokenWith(k.t, k.e, "tenant", k.origin, byAssertion(k.id, assertion)).status
}

func replaceKeys(keys ...json.RawMessage) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = string(key)
	}
	return `[{"op":"replace","path":"/publicKeys","value":[` + strings.Join(texts, ",") + `]}]`
}

// TestUpdateClient_PublicKeys replaces a key: the new one authenticates from then
// on, and the old one no longer, whether or not the two have the same kid.
func TestUpdateClient_PublicKeys(t *testing.T) {
	first := newJWTSigner(t, "ES256", "k1")
	k := newKeyClient(t, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{first.jwk(t)} })
	if status := k.token(first); status != http.StatusOK {
		t.Fatalf("the first key: %d", status)
	}
	old := first
	for _, kid := range []string{"k2", "k2", "k1"} {
		next := newJWTSigner(t, "ES384", kid)
		records := len(auditOf(t, k.e, "oauth-client.update"))
		if err := k.patch(replaceKeys(next.jwk(t))); err != nil {
			t.Fatal(err)
		}
		if status := k.token(next); status != http.StatusOK {
			t.Errorf("the new key %s: %d", kid, status)
		}
		if status := k.token(old); status != http.StatusUnauthorized {
			t.Errorf("the key before %s: %d", kid, status)
		}
		if made := len(auditOf(t, k.e, "oauth-client.update")) - records; made != 1 {
			t.Errorf("%d audit records of the change to %s", made, kid)
		}
		old = next
	}
	before := k.stored()
	k.e.Clock.Advance(1)
	if err := k.patch(replaceKeys(old.jwk(t))); err != nil { // the key that it has
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, k.stored()); diff != "" {
		t.Errorf("the same key again changed the client: %s", diff)
	}
}

// TestUpdateClient_FirstKey turns a client with a secret into one that signs.
func TestUpdateClient_FirstKey(t *testing.T) {
	k := newKeyClient(t, func(*credential.NewClient) {})
	key := newJWTSigner(t, "EdDSA", "k1")
	both := `[{"op":"add","path":"/publicKeys","value":[` + string(key.jwk(t)) + `]},{"op":"replace","path":"/allowedAuthMethods","value":["private_key_jwt"]}]`
	if err := k.patch(both); err != nil {
		t.Fatal(err)
	}
	if status := k.token(key); status != http.StatusOK {
		t.Errorf("by assertion: %d", status)
	}
	if c := k.stored(); len(c.Secrets) != 0 {
		t.Errorf("secrets are left: %+v", c.Secrets)
	}
}

// TestUpdateClient_RefusedKeys tries keys that nobody should rely on. The error
// names the place in the patch, and the client stays as it was, also in what the
// patch said before.
func TestUpdateClient_RefusedKeys(t *testing.T) {
	key, other := newJWTSigner(t, "ES256", "k1"), newJWTSigner(t, "ES256", "k2")
	k := newKeyClient(t, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // what is to be refused
	if err != nil {
		t.Fatal(err)
	}
	private := mustJSON(t, jose.JSONWebKey{Key: other.key, KeyID: "k2", Algorithm: "ES256", Use: "sig"})
	var secret struct{ D string }
	if err := json.Unmarshal(private, &secret); err != nil || len(secret.D) < 40 {
		t.Fatalf("no private member to look for (%v)", err)
	}
	d := secret.D
	good, same := string(other.jwk(t)), strings.Replace(string(other.jwk(t)), `"k2"`, `"k3"`, 1)
	six := strings.Repeat(good+",", 5) + good
	before := k.stored()
	for name, test := range map[string]struct{ value, pointer string }{
		"private":           {"[" + string(private) + "]", "/0"},
		"private, second":   {"[" + string(key.jwk(t)) + "," + string(private) + "]", "/1"},
		"symmetric":         {`[{"kty":"oct","k":"c2VjcmV0","alg":"HS256","kid":"k"}]`, "/0"},
		"weak":              {"[" + string(mustJSON(t, jose.JSONWebKey{Key: weak.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"})) + "]", "/0"},
		"twice":             {"[" + good + "," + good + "]", "/1"},
		"twice by 2 names":  {"[" + good + "," + same + "]", "/1"},
		"2 of one name":     {"[" + good + "," + string(newJWTSigner(t, "ES256", "k2").jwk(t)) + "]", "/1/kid"},
		"for encryption":    {"[" + strings.Replace(good, `"sig"`, `"enc"`, 1) + "]", "/0/use"},
		"another algorithm": {"[" + strings.Replace(good, `"ES256"`, `"RS256"`, 1) + "]", "/0/alg"},
		"not a key":         {`[{}]`, "/0/alg"},
		"6 keys":            {"[" + six + "]", ""},
		"a text":            {`"k1"`, ""},
		"texts":             {`["k1"]`, ""},
		"none":              {`[]`, ""}, // yet it signs
	} {
		for _, op := range []string{"add", "replace"} {
			patch := fmt.Sprintf(`[{"op":"replace","path":"/description","value":"changed"},{"op":%q,"path":"/publicKeys","value":%s}]`, op, test.value)
			err := k.patch(patch)
			fields := expectError(t, name, err, estate.Invalid, api.CodeClientPatch)
			if want := "/1/value" + test.pointer; len(fields) != 1 || fields[0].Pointer != want {
				t.Errorf("%s: fields %+v, want %s", name, fields, want)
			}
			if text := fmt.Sprint(err); strings.Contains(text, d) || strings.Contains(text, "c2VjcmV0") {
				t.Errorf("%s: the error holds a key: %s", name, text)
			}
			if diff := cmp.Diff(before, k.stored()); diff != "" {
				t.Fatalf("%s: the client has changed: %s", name, diff)
			}
		}
	}
	// Of two operations on the keys it is the wrong one that is named.
	err = k.patch(`[{"op":"replace","path":"/publicKeys","value":[` + string(private) + `]},{"op":"replace","path":"/publicKeys","value":[` + good + `]}]`)
	if fields := expectError(t, "wrong before right", err, estate.Invalid, api.CodeClientPatch); len(fields) != 1 || fields[0].Pointer != "/0/value/0" {
		t.Errorf("wrong before right: fields %+v", fields)
	}
	for name, patch := range map[string]string{"null": `null`, "an object": good, "mixed": "[" + good + `,"k"]`, "with null": "[" + good + ",null]"} {
		err := k.patch(`[{"op":"replace","path":"/publicKeys","value":` + patch + `}]`)
		if fields := expectError(t, name, err, estate.Invalid, api.CodeClientPatch); len(fields) != 1 || fields[0].Pointer != "/0/value" {
			t.Errorf("%s: fields %+v", name, fields)
		}
	}
	fields := expectError(t, "removed, yet it signs", k.patch(`[{"op":"remove","path":"/publicKeys"}]`), estate.Invalid, api.CodeClientPatch)
	if len(fields) != 1 || !strings.HasPrefix(fields[0].Pointer, "/0") {
		t.Errorf("removed, yet it signs: fields %+v", fields)
	}
	if diff := cmp.Diff(before, k.stored()); diff != "" {
		t.Errorf("the client has changed: %s", diff)
	}
	for _, r := range auditOf(t, k.e, "oauth-client.update") {
		if text := fmt.Sprintf("%+v", r); strings.Contains(text, d) {
			t.Errorf("the audit trail holds a private key: %s", text)
		}
	}
	if status := k.token(key); status != http.StatusOK {
		t.Errorf("the key that it has: %d", status)
	}
}

// TestUpdateClient_JWKSURI moves a client from registered keys to published ones
// and back. It can't have both.
func TestUpdateClient_JWKSURI(t *testing.T) {
	registered, published := newJWTSigner(t, "ES256", "k1"), newJWTSigner(t, "ES256", "k2")
	k := newKeyClient(t, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{registered.jwk(t)} })
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[%s]}`, published.jwk(t))
	}))
	t.Cleanup(keys.Close)
	at := strings.Replace(keys.URL, "127.0.0.1", "localhost", 1)

	before := k.stored()
	for name, test := range map[string]struct{ patch, pointer string }{
		"beside keys": {`[{"op":"add","path":"/jwksUri","value":"` + at + `"}]`, "/0/value"},
		"no URL":      {`[{"op":"remove","path":"/publicKeys"},{"op":"add","path":"/jwksUri","value":"keys"}]`, "/1/value"},
		"no TLS":      {`[{"op":"remove","path":"/publicKeys"},{"op":"add","path":"/jwksUri","value":"ftp://example.com/keys"}]`, "/1/value"},
		"a list":      {`[{"op":"add","path":"/jwksUri","value":["` + at + `"]}]`, "/0/value"},
	} {
		if fields := expectError(t, name, k.patch(test.patch), estate.Invalid, api.CodeClientPatch); len(fields) != 1 || fields[0].Pointer != test.pointer {
			t.Errorf("%s: fields %+v, want %s", name, fields, test.pointer)
		}
	}
	if diff := cmp.Diff(before, k.stored()); diff != "" {
		t.Errorf("the client has changed: %s", diff)
	}
	if err := k.patch(`[{"op":"remove","path":"/publicKeys"},{"op":"add","path":"/jwksUri","value":"` + at + `"}]`); err != nil {
		t.Fatal(err)
	}
	if was, is := k.token(registered), k.token(published); was != http.StatusUnauthorized || is != http.StatusOK {
		t.Errorf("registered key: %d, published key: %d", was, is)
	}
	if err := k.patch(`[{"op":"remove","path":"/jwksUri"},{"op":"add","path":"/publicKeys","value":[` + string(registered.jwk(t)) + `]}]`); err != nil {
		t.Fatal(err)
	}
	if is, was := k.token(registered), k.token(published); is != http.StatusOK || was != http.StatusUnauthorized {
		t.Errorf("registered key: %d, published key: %d", is, was)
	}
}

// TestUpdateClient_KeepsTrust changes everything else that can be changed: what a
// client is trusted by must stay.
func TestUpdateClient_KeepsTrust(t *testing.T) {
	issuer := estate.FederatedCredential{Name: "ci", Issuer: "https://issuer.example.com", Audience: "freehold", Subject: "repo"}
	key := newJWTSigner(t, "ES256", "k1")
	for name, change := range map[string]func(*credential.NewClient){
		"keys": func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} },
		"URL":  func(n *credential.NewClient) { n.JWKSURI = "https://keys.example.com/set" },
	} {
		k := newKeyClient(t, func(n *credential.NewClient) {
			n.Federated, n.TokenBinding = []estate.FederatedCredential{issuer}, estate.BindingDPoP
			n.AuthMethods = []string{"private_key_jwt", "client_secret"}
			change(n)
		})
		trust := func(c estate.Client) []any { return []any{c.PublicKeys, c.JWKSURI, c.Federated, c.TokenBinding} }
		before := k.stored()
		if got := trust(before); len(before.PublicKeys)+len(before.JWKSURI) == 0 || before.TokenBinding != estate.BindingDPoP || len(before.Federated) != 1 || before.Federated[0] != issuer {
			t.Fatalf("%s: created with %v", name, got)
		}
		realm := credential.Realm{Level: estate.LevelTenant, Scope: k.tenant.Scope()}
		for what, fn := range map[string]func() error{
			"/clientName":   func() error { return k.patch(`[{"op":"replace","path":"/clientName","value":"other"}]`) },
			"/description":  func() error { return k.patch(`[{"op":"add","path":"/description","value":"other"}]`) },
			"/clientUri":    func() error { return k.patch(`[{"op":"add","path":"/clientUri","value":"https://example.com"}]`) },
			"/logoUri":      func() error { return k.patch(`[{"op":"add","path":"/logoUri","value":"https://example.com"}]`) },
			"/redirectUris": func() error { return k.patch(`[{"op":"add","path":"/redirectUris","value":["https://example.com"]}]`) },
			"/allowedOrigins": func() error {
				return k.patch(`[{"op":"add","path":"/allowedOrigins","value":["https://example.com"]}]`)
			},
			"/allowedScopes":     func() error { return k.patch(`[{"op":"replace","path":"/allowedScopes","value":["user_default"]}]`) },
			"/allowedGrantTypes": func() error { return k.patch(`[{"op":"remove","path":"/allowedGrantTypes"}]`) },
			"/allowedAuthMethods": func() error {
				return k.patch(`[{"op":"replace","path":"/allowedAuthMethods","value":["private_key_jwt"]}]`)
			},
			"consent": func() error {
				return k.e.App.Credential.SetConsent(t.Context(), testenv.Operator, realm, k.id, estate.ConsentRequired)
			},
			"publishing": func() error {
				_, err := k.e.App.Credential.PublishClient(t.Context(), testenv.Operator, realm, k.id)
				return err
			},
			"disabling": func() error {
				_, err := k.e.App.Credential.SetClientEnabled(t.Context(), testenv.Operator, k.e.Organization.ID, k.id, false)
				return err
			},
		} {
			if err := fn(); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if diff := cmp.Diff(trust(before), trust(k.stored())); diff != "" {
				t.Fatalf("%s: %s lost %s", name, what, diff)
			}
		}
		if c := k.stored(); c.Name == before.Name || c.PublishedAt.IsZero() || c.DisabledAt.IsZero() || len(c.RedirectURIs) != 1 {
			t.Errorf("%s: nothing has changed: %+v", name, c)
		}
	}
}

// auditOf are the records of an action that was done, the newest first.
func auditOf(t *testing.T, e *testenv.Env, action string) (found []estate.AuditRecord) {
	t.Helper()
	for _, r := range newestAudit(t, e, 1000) {
		if r.Action == action && r.Outcome == estate.OutcomeDone {
			found = append(found, r)
		}
	}
	return found
}
