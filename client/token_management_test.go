package client_test

import (
	"net/http"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestClient_RevokeAndIntrospect(t *testing.T) {
	revoked := map[string]bool{}
	handler := &issuer{api: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		if r.PostForm.Get("client_id") != credentials.ClientID || r.PostForm.Get("client_secret") != credentials.ClientSecret {
			writeError(w, http.StatusUnauthorized, api.CodeOAuthInvalidClient, "Invalid client", "")
			return
		}
		token := r.PostForm.Get("token")
		switch r.URL.Path {
		case "/oauth/revoke":
			revoked[token] = true
		case "/oauth/introspect":
			writeJSON(w, http.StatusOK, api.Introspection{Active: !revoked[token]})
		default:
			t.Errorf("path %s", r.URL.Path)
		}
	})}
	c := newInMemory(t, "console.example.com", handler, client.WithCredentials(credentials))
	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, active := range []bool{true, false} {
		got, err := c.Introspect(t.Context(), token)
		if err != nil || got.Active != active {
			t.Errorf("%+v, %v; want active %v", got, err, active)
		}
		if err := c.Revoke(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	if next, err := c.Token(t.Context()); err != nil || next == token {
		t.Errorf("the client goes on with a revoked token: %q, %v", next, err)
	}

	wrong := newInMemory(t, "console.example.com", handler, client.WithCredentials(client.Credentials{ClientID: "c1", ClientSecret: "no"}))
	if _, err := wrong.Introspect(t.Context(), token); client.Code(err) != api.CodeOAuthInvalidClient {
		t.Errorf("wrong secret: %v", err)
	}
	nobody := newInMemory(t, "console.example.com", handler)
	if err := nobody.Revoke(t.Context(), token); err == nil {
		t.Error("revoked without credentials")
	}
}
