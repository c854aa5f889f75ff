package client_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
)

func TestClient_IdentityProviders(t *testing.T) {
	var got []string
	c := newInMemory(t, "acme.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+body(t, r)))
		switch {
		case strings.HasSuffix(r.URL.Path, "/none"):
			writeError(w, http.StatusNotFound, api.CodeIDPNotFound, "Not found", "")
		case r.URL.Path == "/api/core/auth-settings":
			writeJSON(w, http.StatusOK, api.AuthSettings{MaxUserSessionLifespanMins: 60})
		case r.Method == http.MethodPatch, r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost:
			writeJSON(w, http.StatusCreated, api.IdentityProvider{ID: "made"})
		case r.URL.Path != "/api/v1/identity-providers":
			writeJSON(w, http.StatusOK, api.IdentityProvider{ID: "one"})
		case r.URL.Query().Get("next") == "":
			writeJSON(w, http.StatusOK, api.IdentityProviderList{
				Data: []api.IdentityProvider{{ID: "a"}, {ID: "b"}}, Links: api.PageLinks{Next: &api.Link{Href: "https://" + r.Host + "/api/v1/identity-providers?next=b"}},
			})
		default:
			writeJSON(w, http.StatusOK, api.IdentityProviderList{Data: []api.IdentityProvider{{ID: "c"}}})
		}
	}))
	ids := ""
	for p, err := range c.IdentityProviders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids += p.ID
	}
	if ids != "abc" {
		t.Errorf("all: %s", ids)
	}
	for _, err := range c.IdentityProviders(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break // without the second page
	}
	if p, err := c.OrganizationIdentityProviders().Get(t.Context(), "a"); err != nil || p.ID != "one" {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := c.GetIdentityProvider(t.Context(), "a/b"); err != nil || p.ID != "one" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := c.CreateIdentityProvider(t.Context(), api.CreateIdentityProviderRequest{Protocol: "jwtAuth", Provider: "external"}); err != nil || p.ID != "made" {
		t.Errorf("%+v, %v", p, err)
	}
	off := []api.PatchOperation{{Op: "replace", Path: "/active", Value: false}}
	for _, err := range []error{
		c.UpdateIdentityProvider(t.Context(), "x", off), c.PromoteIdentityProvider(t.Context(), "x"), c.DeleteIdentityProvider(t.Context(), "x"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if s, err := c.GetAuthSettings(t.Context()); err != nil || s.MaxUserSessionLifespanMins != 60 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := c.UpdateAuthSettings(t.Context(), off); err != nil || s.MaxUserSessionLifespanMins != 60 {
		t.Errorf("%+v, %v", s, err)
	}
	want := []string{
		"GET /api/v1/identity-providers?limit=100", "GET /api/v1/identity-providers?next=b", "GET /api/v1/identity-providers?limit=100",
		"GET /api/core/identity-providers/a",
		"GET /api/v1/identity-providers/a%2Fb", `POST /api/v1/identity-providers {"protocol":"jwtAuth","provider":"external"}`,
		`PATCH /api/v1/identity-providers/x [{"op":"replace","path":"/active","value":false}]`, `PATCH /api/v1/identity-providers/x [{"op":"promote-options","path":""}]`,
		"DELETE /api/v1/identity-providers/x", "GET /api/core/auth-settings", `PATCH /api/core/auth-settings [{"op":"replace","path":"/active","value":false}]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	if err := c.DeleteIdentityProvider(t.Context(), ""); err == nil {
		t.Error("deleted nothing in particular")
	}
}
