package client_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestClient_CreateTenant(t *testing.T) {
	var got string
	c := newInMemory(t, "register.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.Path + " " + r.Header.Get("Idempotency-Key") + " " + body(t, r)
		writeJSON(w, http.StatusCreated, api.Tenant{ID: "t1", Hostnames: []string{"a.us.example.com"}})
	}))
	tenant, err := c.CreateTenant(t.Context(), api.CreateTenantRequest{LicenseKey: "k"}, &client.CreateTenantOptions{IdempotencyKey: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if tenant.ID != "t1" || tenant.Hostnames[0] != "a.us.example.com" {
		t.Errorf("%+v", tenant)
	}
	if want := `POST /api/v1/tenants mine {"licenseKey":"k"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestClient_CreateTenant_repeatsUnderOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &failing{statuses: []int{0, 503, 200}}
		c := newInMemory(t, "register.us.example.com", server)
		for range 2 {
			if _, err := c.CreateTenant(t.Context(), api.CreateTenantRequest{LicenseKey: "k"}, nil); err != nil {
				t.Fatal(err)
			}
		}
		k := server.keys
		if len(k) != 4 || len(k[0]) < 22 || k[1] != k[0] || k[2] != k[0] || k[3] == k[0] {
			t.Errorf("keys %q: want one for the three attempts of the first call, another for the second", k)
		}
	})
}

func TestClient_gets(t *testing.T) {
	var path string
	c := newInMemory(t, "a.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		writeJSON(w, http.StatusOK, map[string]string{"id": "x", "licenseKey": "x"})
	}))
	for _, tt := range []struct {
		call func() (string, error)
		path string
	}{
		{func() (string, error) { v, err := c.GetTenant(t.Context(), "a/b?c"); return v.ID, err }, "/api/v1/tenants/a%2Fb%3Fc"},
		{func() (string, error) { v, err := c.GetMyTenant(t.Context()); return v.ID, err }, "/api/v1/tenants/me"},
		{func() (string, error) { v, err := c.GetUser(t.Context(), "u"); return v.ID, err }, "/api/v1/users/u"},
		{func() (string, error) { v, err := c.GetMyUser(t.Context()); return v.ID, err }, "/api/v1/users/me"},
		{func() (string, error) { v, err := c.GetLicenseOverview(t.Context()); return v.LicenseKey, err }, "/api/v1/licenses/overview"},
	} {
		if got, err := tt.call(); err != nil || got != "x" || path != tt.path {
			t.Errorf("%s: %q, %v at %s", tt.path, got, err, path)
		}
	}
	path = ""
	for _, id := range []string{"", ".", ".."} {
		_, err1 := c.GetTenant(t.Context(), id)
		_, err2 := c.GetUser(t.Context(), id)
		_, err3 := c.GetOrganizationTenant(t.Context(), id)
		if err1 == nil || err2 == nil || err3 == nil || path != "" {
			t.Errorf("id %q was taken (%v, %v, %v) at %q", id, err1, err2, err3, path)
		}
	}
}

func TestClient_CreateOAuthClient(t *testing.T) {
	request := api.CreateOAuthClientRequest{
		ClientName: "ci", AppType: api.AppTypeWeb, AllowedScopes: []string{"user_default"},
		ConnectionConfig: &api.ConnectionConfig{ConsentMethod: "trusted"},
	}
	var paths []string
	c := newInMemory(t, "a.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.Path)
		var got api.CreateOAuthClientRequest
		if err := json.Unmarshal([]byte(body(t, r)), &got); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(request, got); diff != "" {
			t.Error(diff)
		}
		writeJSON(w, http.StatusCreated, api.OAuthClient{ClientID: "c", ClientSecret: "s"})
	}))
	for _, create := range []func() (*api.OAuthClient, error){
		func() (*api.OAuthClient, error) { return c.CreateOAuthClient(t.Context(), request) },
		func() (*api.OAuthClient, error) { return c.CreateOrganizationOAuthClient(t.Context(), request) },
	} {
		if created, err := create(); err != nil || created.ClientSecret != "s" {
			t.Errorf("%+v, %v", created, err)
		}
	}
	if diff := cmp.Diff([]string{"POST /api/v1/oauth-clients", "POST /api/core/oauth-clients"}, paths); diff != "" {
		t.Error(diff)
	}
}
