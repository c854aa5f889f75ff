package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// keyFile makes a key and writes it, with a certificate for it.
func keyFile(t *testing.T, path string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: app.Clock().Add(-time.Hour), NotAfter: app.Clock().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are those of the token that a command line prints.
func claims(t *testing.T, s *session, args ...string) (c api.Claims) {
	t.Helper()
	out, _ := s.must(append([]string{"token", "--decode"}, args...)...)
	var decoded struct{ Claims *api.Claims }
	decoded.Claims = &c
	if err := json.Unmarshal([]byte(out), &decoded); err != nil {
		t.Fatal(err)
	}
	return c
}

// Against a real server: a key instead of a secret, tokens that are bound, and a
// tenant's host that is shown no credential.
func TestCredentials_keyFile(t *testing.T) {
	e := testenv.New(t)
	e.Clock.Advance(app.Clock().Sub(e.Clock.Now())) // the command's clock is the real one
	sub := e.Subscription(2)
	tenant := e.Tenant(sub, "us")
	s := newSession(t)
	path := filepath.Join(s.dir, "key.pem")
	jwk, err := json.Marshal(jose.JSONWebKey{Key: keyFile(t, path).Public(), KeyID: "k1", Algorithm: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: "us"}, PublicKeys: []json.RawMessage{jwk},
	})
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"--server", e.Register("us"), "--client-id", string(c.ID), "--private-key-file", path, "--key-id", "k1"}
	s.must(append([]string{"context", "create", "key"}, base...)...)
	s.must(append([]string{"context", "create", "dpop", "--dpop"}, base...)...)
	if out, _ := s.must("context", "get", "dpop", "--output", "table"); !strings.Contains(out, path) || !strings.Contains(out, "a key of each command's own") {
		t.Errorf("context %s", out)
	}

	token, _ := s.must("token")
	s.stdin = token
	if out, _ := s.must("token", "inspect", "-"); !strings.Contains(out, `"active": true`) {
		t.Errorf("introspection by assertion: %s", out)
	}
	s.must("token", "revoke", strings.TrimSpace(token))
	s.stdin = token
	if out, _ := s.must("token", "inspect", "-"); !strings.Contains(out, `"active": false`) {
		t.Errorf("revoked by assertion: %s", out)
	}
	if got := claims(t, s); got.Confirmation != nil {
		t.Errorf("not bound: %+v", got)
	}
	if got := claims(t, s, "--context", "dpop"); got.Confirmation == nil || got.Confirmation.JWKThumbprint == "" {
		t.Errorf("bound: %+v", got)
	}
	there := []string{"--server", e.TenantURL(tenant), "--exchange"}
	if got := claims(t, s, there...); got.Issuer != e.TenantURL(tenant) {
		t.Errorf("exchanged: %+v", got)
	}
	for _, context := range []string{"key", "dpop"} {
		for _, args := range [][]string{there, there[:2]} {
			out, _ := s.must(append([]string{"raw", "get", "v1/users/me", "--context", context}, args...)...)
			if !strings.Contains(out, string(c.ID)) {
				t.Errorf("%s %v: %s", context, args, out)
			}
		}
	}
	for want, args := range map[string][]string{
		"nobody could use this one":       {"token", "--context", "dpop"},
		"name it with --server":           {"token", "--exchange"},
		"--exchange gets tokens":          {"token", "inspect", "x", "--exchange"},
		"not both":                        append([]string{"context", "create", "x", "--assertion-file", path}, base...),
		"give either a client secret":     append([]string{"context", "create", "x", "--client-secret", "-"}, base...),
		"goes with a private key file":    {"context", "create", "x", "--server", e.Console(), "--client-id", "a", "--key-id", "k"},
		"goes with a certificate file":    {"context", "create", "x", "--server", e.Console(), "--client-id", "a", "--certificate-key-file", "k"},
		"holds no private key in PEM":     {"context", "create", "x", "--server", e.Console(), "--client-id", "a", "--private-key-file", filepath.Join(s.dir, "config", "contexts.json")},
		"no such file":                    {"context", "create", "x", "--server", e.Console(), "--client-id", "a", "--private-key-file", filepath.Join(s.dir, "none")},
		"(401, OAUTH-14":                  {"raw", "get", "v1/x", "--server", e.Register("eu")},
		"unexpected argument \"surplus\"": {"federation", "list", "a", "surplus"},
	} {
		if _, _, err := s.run(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}

	// The same without a context.
	s = newSession(t)
	s.vars["FREEHOLD_SERVER"], s.vars["FREEHOLD_CLIENT_ID"] = e.Register("us"), string(c.ID)
	s.vars["FREEHOLD_PRIVATE_KEY_FILE"], s.vars["FREEHOLD_KEY_ID"], s.vars["FREEHOLD_DPOP"] = path, "k1", "1"
	if out, _ := s.must(append([]string{"raw", "get", "v1/users/me"}, there...)...); !strings.Contains(out, string(c.ID)) {
		t.Errorf("from the environment: %s", out)
	}
	s.vars["FREEHOLD_DPOP"] = "perhaps"
	if _, _, err := s.run("token"); err == nil || !strings.Contains(err.Error(), "say true or false") {
		t.Errorf("FREEHOLD_DPOP=perhaps: %v", err)
	}
}

// Against a real server and a real issuer: what "federation" sets up, a workload
// uses, and "federation remove" ends; then the client goes, and its bot.
func TestCredentials_federation(t *testing.T) {
	e := testenv.New(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	t.Cleanup(issuer.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/jwks"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "i1", Algorithm: "ES256", Use: "sig"}}})
	})
	sign := func(subject string) string {
		t.Helper()
		payload, err := json.Marshal(map[string]any{"iss": issuer.URL, "sub": subject, "aud": "freehold", "exp": e.Clock.Now().Unix() + 600})
		if err != nil {
			t.Fatal(err)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "i1"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	sub := e.Subscription(2)
	tenant := e.Tenant(sub, "us")
	c, owner := e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID)
	s := newSession(t)
	s.stdin = owner.Secret
	s.must("context", "create", "console", "--server", e.Console(), "--client-id", string(owner.ID), "--client-secret", "-")
	path := filepath.Join(s.dir, "token")
	s.must("context", "create", "workload", "--server", e.Register("us"), "--client-id", string(c.ID), "--assertion-file", path)
	write := func(subject string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(sign(subject)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("operator")
	me := []string{"raw", "get", "v1/users/me", "--context", "workload", "--server", e.TenantURL(tenant), "--exchange"}
	if _, _, err := s.run(me...); err == nil {
		t.Fatal("trusted before anybody said so")
	}
	of := []string{string(c.ID), "--subscription", string(sub.ID), "--context", "console"}
	s.must(append([]string{"federation", "add", "--name", "cluster", "--issuer", issuer.URL, "--audience", "freehold", "--subject", "operator"}, of...)...)
	s.must(append([]string{"federation", "check", "--token-file", path}, of...)...)
	out, _ := s.must(me...)
	var bot api.User
	if err := json.Unmarshal([]byte(out), &bot); err != nil || bot.ClientID != string(c.ID) {
		t.Fatalf("%s, %v", out, err)
	}
	write("somebody")
	if _, _, err := s.run(append([]string{"federation", "check", "--token-file", path}, of...)...); err == nil || !strings.Contains(err.Error(), `cluster: sub is "somebody"`) {
		t.Errorf("check: %v", err)
	}
	write("operator")
	s.must(append([]string{"federation", "remove", string(c.ID), "cluster"}, of[1:]...)...)
	if _, _, err := s.run(me...); err == nil {
		t.Error("trusted after it was removed")
	}

	s.must(append([]string{"oauth-client", "delete", "--yes"}, of...)...)
	if out, _ := s.must("bots", "list", "--context", "console"); !strings.Contains(out, bot.ID) {
		t.Errorf("bots: %s", out)
	}
	heir := e.RegionClient(sub, "us")
	s.must("bots", "adopt", bot.ID, "--client", string(heir.ID), "--context", "console")
	if out, _ := s.must("bots", "list", "--context", "console"); strings.TrimSpace(out) != "[]" {
		t.Errorf("bots after adoption: %s", out)
	}
}

// A token that is bound to a certificate comes from a server that asks for one.
func TestCredentials_certificate(t *testing.T) {
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir, config.Domain = filepath.Join(dir, "data"), testenv.Domain
	config.TLS, config.TLSAskClient = app.TLSInternal, app.ClientAuthRequest
	e := testenv.Start(t, config, dir)
	owner := e.OrganizationClient(e.Organization.ID)
	s := newSession(t)
	path := filepath.Join(s.dir, "certificate.pem")
	keyFile(t, path)
	s.stdin = owner.Secret
	base := []string{"--server", e.Console(), "--client-id", string(owner.ID), "--client-secret", "-", "--ca-file", config.CAFile()}
	s.must(append([]string{"context", "create", "bound", "--certificate-file", path}, base...)...)
	s.must(append([]string{"context", "create", "plain"}, base...)...)
	made, _ := s.must("oauth-client", "create", "--name", "bound only", "--scope", "cloud-console.tenants:read", "--token-binding", "mtls", "--context", "bound")
	var c api.OAuthClient
	if err := json.Unmarshal([]byte(made), &c); err != nil || c.TokenBinding != "mtls" {
		t.Fatalf("%s, %v", made, err)
	}
	s.stdin = c.ClientSecret
	base[3] = c.ClientID
	s.must(append([]string{"context", "create", "only", "--certificate-file", path, "--certificate-key-file", path}, base...)...)
	s.must(append([]string{"context", "create", "without"}, base...)...)
	if got := claims(t, s, "--context", "only"); got.Confirmation == nil || got.Confirmation.CertificateThumbprint == "" {
		t.Errorf("%+v", got)
	}
	s.must("tenant", "list", "--context", "only")
	if _, _, err := s.run("tenant", "list", "--context", "without"); err == nil {
		t.Error("a client whose tokens must be bound got one that is not")
	}
	if _, _, err := s.run(append([]string{"context", "create", "x", "--certificate-file", config.CAFile()}, base...)...); err == nil {
		t.Error("a certificate without its key was taken")
	}
}
