package client_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// Each kind of key gets a token of a real server.
func TestAssertionKey(t *testing.T) {
	e := testenv.New(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err256 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err384 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err256, err384, errRSA); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(app.Clock().Sub(e.Clock.Now())) // the client's clock is the real one
	for algorithm, key := range map[string]crypto.Signer{"EdDSA": ed, "ES256": p256, "ES384": p384, "RS256": rsaKey} {
		jwk, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Algorithm: algorithm})
		if err != nil {
			t.Fatal(err)
		}
		registered, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n", PublicKeys: []json.RawMessage{jwk},
		})
		if err != nil {
			t.Fatal(err)
		}
		source, err := client.AssertionKey(string(registered.ID), "k1", key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.New(e.Console(), client.WithHTTPClient(e.Client), client.WithMaxAttempts(1),
			client.WithCredentials(client.Credentials{ClientID: string(registered.ID), Assertion: source}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Token(t.Context()); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	if _, err := client.AssertionKey("id1", "", unknownKey{}); err == nil {
		t.Error("a key of an unknown type is accepted")
	}
}

type unknownKey struct{ crypto.Signer }

func (unknownKey) Public() crypto.PublicKey { return "key" }

// An assertion is made anew for each attempt, and a file is read anew for each
// token.
func TestCredentials_assertionForEachAttempt(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") != "" || r.PostFormValue("client_assertion_type") != api.AssertionTypeJWT || r.PostFormValue("client_id") != "id1" {
			t.Errorf("form %v", r.PostForm)
		}
		seen = append(seen, r.PostFormValue("client_assertion"))
		w.Header().Set("Content-Type", "application/json")
		if len(seen) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"t","token_type":"bearer","expires_in":3600}`))
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "token")
	count := 0
	c, err := client.New(server.URL, client.WithTimeout(time.Minute), client.WithCredentials(client.Credentials{
		ClientID: "id1",
		Assertion: func(ctx context.Context, audience string) (string, error) {
			if audience != server.URL+"/oauth/token" {
				t.Errorf("audience %s", audience)
			}
			count++
			if err := os.WriteFile(path, []byte(strings.Repeat("x", count)+"\n"), 0o600); err != nil {
				t.Error(err)
			}
			return client.AssertionFile(path)(ctx, audience)
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := c.Token(t.Context()); token != "t" || err != nil {
		t.Errorf("token %q, %v", token, err)
	}
	if len(seen) != 2 || seen[0] != "x" || seen[1] != "xx" {
		t.Errorf("assertions %q", seen)
	}
}

func TestAssertionFile_bad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "\n", "two lines": "a\nb", "large": strings.Repeat("x", 65<<10)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.AssertionFile(path)(t.Context(), ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := client.AssertionFile(filepath.Join(dir, "none"))(t.Context(), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	both := client.Credentials{ClientID: "id1", ClientSecret: "s", Assertion: client.AssertionFile("x")}
	if _, err := client.New("https://example.com", client.WithCredentials(both)); err == nil {
		t.Error("a secret and an assertion: no error")
	}
}
