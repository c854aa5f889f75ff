package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestTenantLife_requests(t *testing.T) {
	var got []string
	c := newInMemory(t, "register.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get(api.HeaderConfirmHostname)+" "+body(t, r)))
		switch {
		case r.Method == http.MethodPatch:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/bulk"):
			if creates := r.Header.Get("Idempotency-Key") != ""; creates != strings.Contains(got[len(got)-1], "create") {
				t.Errorf("%s: has a key: %v", got[len(got)-1], creates)
			}
			writeJSON(w, http.StatusMultiStatus, api.BulkTenantsResponse{Data: []api.BulkTenantResult{{Status: 200, ID: "t"}}})
		case r.URL.Path == "/api/v1/tenants" && r.URL.Query().Get("next") == "":
			writeJSON(w, http.StatusOK, api.TenantList{Data: []api.Tenant{{ID: "1"}, {ID: "2"}}, Links: api.PageLinks{Next: &api.Link{Href: "https://register.us.example.com/api/v1/tenants?next=x"}}})
		case r.URL.Path == "/api/v1/tenants":
			writeJSON(w, http.StatusOK, api.TenantList{Data: []api.Tenant{{ID: "3"}}})
		default:
			writeJSON(w, http.StatusOK, map[string]any{"id": "t", "status": "disabled", "hostname": "h", "available": true, "allowed": true, "estimatedPurgeDate": "2026-11-02T09:30:00.000Z"})
		}
	}))
	ctx := t.Context()
	failed := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	failed(c.UpdateTenant(ctx, "t/1", []api.TenantPatchOperation{{Op: "replace", Path: "/hostnames/1", Value: nil}}))
	ten := 10
	deactivated, err := c.DeactivateTenant(ctx, "t", "acme.us.example.com", &client.DeactivateTenantOptions{PurgeAfterDays: &ten})
	if failed(err); deactivated.Status != "disabled" || deactivated.EstimatedPurgeDate.IsZero() {
		t.Errorf("%+v", deactivated)
	}
	_, err = c.DeactivateTenant(ctx, "t", "acme", nil)
	failed(err)
	reactivated, err := c.ReactivateTenant(ctx, "t", "acme")
	if failed(err); reactivated.ID != "t" {
		t.Errorf("%+v", reactivated)
	}
	preview, err := c.PreviewDeactivation(ctx, "t")
	if failed(err); !preview.Allowed {
		t.Errorf("%+v", preview)
	}
	free, err := c.CheckHostname(ctx, "a b")
	if failed(err); !free.Available {
		t.Errorf("%+v", free)
	}
	for _, action := range []string{api.BulkCreate, api.BulkReactivate} {
		done, err := c.BulkTenants(ctx, api.BulkTenantsRequest{Action: action, IDs: []string{"t"}})
		if failed(err); len(done.Data) != 1 || done.Data[0].ID != "t" {
			t.Errorf("%+v", done)
		}
	}
	var ids []string
	for tenant, err := range c.RegionTenants(ctx, client.TenantListOptions{Filter: `name eq "x"`, Sort: "-name", Limit: 2, TotalResults: true}) {
		failed(err)
		ids = append(ids, tenant.ID)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" {
		t.Errorf("tenants (-want +got)\n%s", diff)
	}
	for _, err := range c.RegionTenants(ctx, client.TenantListOptions{}) {
		failed(err)
		break // and not ask for more
	}
	want := []string{
		`PATCH /api/v1/tenants/t%2F1  [{"op":"replace","path":"/hostnames/1","value":null}]`,
		`POST /api/v1/tenants/t/actions/deactivate acme.us.example.com {"purgeAfterDays":10}`,
		`POST /api/v1/tenants/t/actions/deactivate acme {}`,
		`POST /api/v1/tenants/t/actions/reactivate acme`,
		`GET /api/v1/tenants/t/deactivation-preview`,
		`GET /api/v1/tenants/actions/check-hostname?hostname=a+b`,
		`POST /api/v1/tenants/actions/bulk  {"action":"create","ids":["t"]}`,
		`POST /api/v1/tenants/actions/bulk  {"action":"reactivate","ids":["t"]}`,
		`GET /api/v1/tenants?filter=name+eq+%22x%22&limit=2&sort=-name&totalResults=true`,
		`GET /api/v1/tenants?next=x`,
		`GET /api/v1/tenants`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	if _, err := c.GetTenant(ctx, ".."); err == nil {
		t.Error("an id that is a path")
	}
	if _, err := c.DeactivateTenant(ctx, "", "x", nil); err == nil {
		t.Error("no id")
	}
}

func TestRegionTenants_errors(t *testing.T) {
	c := newInMemory(t, "register.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("next") != "" {
			writeError(w, http.StatusBadRequest, "HTTP-400", "Invalid next", "")
			return
		}
		writeJSON(w, http.StatusOK, api.TenantList{Data: []api.Tenant{{ID: "1"}}, Links: api.PageLinks{Next: &api.Link{Href: "https://register.us.example.com/api/v1/tenants?next=x"}}})
	}))
	var seen []string
	for tenant, err := range c.RegionTenants(t.Context(), client.TenantListOptions{}) {
		var refused *client.Error
		if err != nil && (!errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest) {
			t.Error(err)
		}
		seen = append(seen, fmt.Sprint(tenant.ID, err != nil))
	}
	if diff := cmp.Diff([]string{"1false", "true"}, seen); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWaitForTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newInMemory(t, "register.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			status := "disabled"
			if asked == 3 {
				status = "deleted"
			}
			writeJSON(w, http.StatusOK, api.Tenant{ID: "t", Status: status})
		}))
		tenant, err := c.WaitForTenant(t.Context(), "t", "deleted")
		if err != nil || tenant.Status != "deleted" || asked != 3 {
			t.Errorf("%+v after %d questions (%v)", tenant, asked, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5_000_000_000)
		defer cancel()
		if _, err := c.WaitForTenant(ctx, "t", "active"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still disabled") {
			t.Errorf("%v", err)
		}
	})
}
