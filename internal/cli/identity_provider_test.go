package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
)

const providerID = "65f2c0a94be2d83f1097ac5e"

// identityProviders serves two identity providers, one a page.
func (f *fake) identityProviders(mux *http.ServeMux) {
	const path = "/api/v1/identity-providers"
	issuer := api.IdentityProvider{
		ID: providerID, TenantIDs: []string{tenantID}, Protocol: api.ProtocolJWT, Provider: "external", Active: true, Description: "Portal", CreateNewUsersOnLogin: true,
		Options: &api.IdentityProviderOptions{Issuer: "https://portal.example.com", StaticKeys: []api.StaticKey{{KeyID: "k", PEM: "pem"}}}, Created: now, LastUpdated: now,
	}
	openID := api.IdentityProvider{
		ID: "75f2c0a94be2d83f1097ac5e", TenantIDs: []string{tenantID}, Protocol: api.ProtocolOIDC, Provider: "keycloak", Interactive: true, CreateNewUsersOnLogin: true,
		PendingOptions: &api.IdentityProviderOptions{DiscoveryURL: "https://id.example.com/.well-known/openid-configuration", ClientID: "c"},
		PendingState:   "error", PendingResult: &api.PendingResult{Status: "tokenError", Error: "the token endpoint answered invalid_client"}, Created: now, LastUpdated: now,
	}
	mux.Handle("GET "+path, f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		list := api.IdentityProviderList{Data: []api.IdentityProvider{issuer}, Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + r.URL.RequestURI()}}}
		if r.URL.Query().Has("next") {
			list.Data[0] = openID
		} else {
			list.Links.Next = &api.Link{Href: "http://" + r.Host + path + "?next=" + providerID}
		}
		answer(w, http.StatusOK, list)
	}))
	one := func(status int) http.Handler {
		return f.authenticated(func(w http.ResponseWriter, r *http.Request) {
			var request api.CreateIdentityProviderRequest
			if id := r.PathValue("id"); id == openID.ID || json.NewDecoder(r.Body).Decode(&request) == nil && request.Protocol == api.ProtocolOIDC {
				answer(w, status, openID)
				return
			}
			answer(w, status, issuer)
		})
	}
	nothing := f.authenticated(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("POST "+path, one(http.StatusCreated))
	mux.Handle("GET "+path+"/{id}", one(http.StatusOK))
	mux.Handle("PATCH "+path+"/{id}", nothing)
	mux.Handle("DELETE "+path+"/{id}", nothing)
}

func TestIdentityProvider(t *testing.T) {
	f := newFake(t, 1)
	s := newSession(t)
	s.use(f, "acme", "acme.us")
	pem := filepath.Join(s.dir, "portal.pem")
	if err := os.WriteFile(pem, []byte("-----BEGIN PUBLIC KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	last := func() string {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, request, _ := strings.Cut(strings.Replace(f.requests[len(f.requests)-1], "acme.us.freehold.localhost", "", 1), "identity-providers")
		return request
	}
	requests := func(want string, args ...string) {
		t.Helper()
		s.must(append([]string{"identity-provider"}, args...)...)
		if got := last(); got != want {
			t.Errorf("%v requests %s, want %s", args, got, want)
		}
	}
	requests("?next="+providerID, "list")
	requests("/"+providerID, "get", providerID)
	requests(` {"protocol":"jwtAuth","provider":"external","description":"d","options":{"issuer":"i","staticKeys":[{"kid":"k","pem":"-----BEGIN PUBLIC KEY-----\n"}]}}`,
		"create", "--issuer", "i", "--key-id", "k", "--key-file", pem, "--description", "d")
	requests("/"+providerID+` [{"op":"replace","path":"/description","value":"d"},{"op":"replace","path":"/active","value":false}]`,
		"update", providerID, "--description", "d", "--active=false")
	requests("/"+providerID+` [{"op":"promote-options","path":""}]`, "promote", providerID)
	requests("/"+providerID, "delete", providerID, "--yes")
	s.stdin = `{"clientId":"c"}`
	requests("/"+providerID+` [{"op":"replace","path":"/pendingOptions","value":{"clientId":"c"}}]`, "update", providerID, "--pending-options", "-")
	s.stdin = `{"protocol":"OIDC","provider":"keycloak","interactive":true}`
	if _, stderr := s.must("identity-provider", "create", "--file", "-"); !strings.Contains(stderr, f.url("acme.us")+"/login/test?idp=75f2c0a94be2d83f1097ac5e") {
		t.Errorf("said %q", stderr)
	}
	for _, tt := range []struct {
		name    string
		columns int
		args    []string
	}{
		{"identity-provider-list-json", 0, []string{"list"}},
		{"identity-provider-list-table", 200, []string{"list"}},
		{"identity-provider-get-table", 120, []string{"get", "75f2c0a94be2d83f1097ac5e"}},
	} {
		s.columns = tt.columns
		golden(t, tt.name, s.transcript(append([]string{"identity-provider"}, tt.args...)...))
	}
	var b strings.Builder
	for _, line := range []string{
		"create", "create --issuer i", "create --issuer i --key-id k --key-file DIR/missing", "create --file DIR/missing", "create --file f --issuer i",
		"create --file " + pem, "update x", "update x --pending-options DIR/missing", "delete x", "promote", "get",
	} {
		transcript := s.transcript(strings.Fields("identity-provider " + strings.ReplaceAll(line, "DIR", s.dir))...)
		if !strings.Contains(transcript, "-- error --") {
			t.Errorf("no error: %s", transcript)
		}
		b.WriteString(transcript + "\n")
	}
	golden(t, "identity-provider-usage-errors", b.String())
}
