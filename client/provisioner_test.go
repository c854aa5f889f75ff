package client_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestProvisioners_requests(t *testing.T) {
	var got []string
	c := newInMemory(t, "console.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+body(t, r)))
		if r.Method == http.MethodPatch || r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"id": "p", "secret": "s", "state": "ready", "data": []any{map[string]string{"id": "p"}}})
	}))
	ctx, p := t.Context(), c.SubscriptionProvisioners("1/2")
	text := func(v string, err error) {
		t.Helper()
		if err != nil || v == "" {
			t.Errorf("%q, %v", v, err)
		}
	}
	all, err := p.List(ctx)
	if err != nil || len(all) != 1 || all[0].ID != "p" {
		t.Errorf("%v, %v", all, err)
	}
	made, err := p.Create(ctx, api.CreateProvisionerRequest{Name: "n", URL: "u"})
	text(made.Secret, err)
	found, err := p.Get(ctx, "a/b")
	text(found.ID, err)
	text("x", p.Update(ctx, "p", []api.PatchOperation{{Op: "replace", Path: "/name", Value: "m"}}))
	made, err = p.RotateSecret(ctx, "p")
	text(made.Secret, err)
	text("x", p.Delete(ctx, "p"))
	state, err := c.GetTenantProvisioning(ctx, "t/1")
	text(state.State, err)
	state, err = c.RetryTenantProvisioning(ctx, "t", "p")
	text(state.State, err)
	state, err = c.SkipTenantProvisioning(ctx, "t", "")
	text(state.State, err)
	want := []string{
		"GET /api/core/subscriptions/1%2F2/provisioners",
		`POST /api/core/subscriptions/1%2F2/provisioners {"name":"n","url":"u"}`,
		"GET /api/core/subscriptions/1%2F2/provisioners/a%2Fb",
		`PATCH /api/core/subscriptions/1%2F2/provisioners/p [{"op":"replace","path":"/name","value":"m"}]`,
		"POST /api/core/subscriptions/1%2F2/provisioners/p/actions/rotate-secret",
		"DELETE /api/core/subscriptions/1%2F2/provisioners/p",
		"GET /api/core/tenants/t%2F1/provisioning",
		`POST /api/core/tenants/t/provisioning/actions/retry {"provisionerId":"p"}`,
		"POST /api/core/tenants/t/provisioning/actions/skip {}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	got = nil
	wrong := c.SubscriptionProvisioners("..")
	_, err = wrong.List(ctx)
	_, err2 := wrong.Create(ctx, api.CreateProvisionerRequest{})
	if err == nil || err2 == nil || wrong.Delete(ctx, "p") == nil || p.Delete(ctx, "") == nil || len(got) != 0 {
		t.Errorf("paths that are none: %v, %v, %q", err, err2, got)
	}
}

// TestClient_CreateTenant_waits as long as it is told, by as many calls as it takes.
func TestClient_CreateTenant_waits(t *testing.T) {
	for name, tt := range map[string]struct {
		wait  time.Duration
		ready int // call that finds it ready; 0: none
		want  string
	}{
		"by default":    {0, 0, ""},
		"not at all":    {-1, 0, "wait=0"},
		"a while":       {5 * time.Second, 0, "wait=5"},
		"long":          {50 * time.Second, 0, "wait=20 wait=20 wait=10"},
		"until it is":   {time.Hour, 3, "wait=20 wait=20 wait=20"},
		"with a rest":   {20*time.Second + time.Millisecond, 0, "wait=20"},
		"ready at once": {time.Hour, 1, "wait=20"},
	} {
		t.Run(name, func(t *testing.T) {
			var prefer, keys []string
			c := newInMemory(t, "register.us.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				prefer, keys = append(prefer, r.Header.Get("Prefer")), append(keys, r.Header.Get("Idempotency-Key"))
				state := api.ProvisioningPending
				if len(prefer) == tt.ready {
					state = api.ProvisioningReady
				}
				writeJSON(w, http.StatusCreated, api.Tenant{ID: "t1", Provisioning: &api.Provisioning{State: state}})
			}))
			tenant, err := c.CreateTenant(t.Context(), api.CreateTenantRequest{LicenseKey: "k"}, &client.CreateTenantOptions{Wait: tt.wait})
			if err != nil || (tenant.Provisioning.State == api.ProvisioningReady) != (tt.ready > 0) {
				t.Errorf("%+v, %v", tenant, err)
			}
			if have := strings.Join(prefer, " "); have != tt.want {
				t.Errorf("preferred %q, want %q", have, tt.want)
			}
			for _, key := range keys {
				if key == "" || key != keys[0] {
					t.Errorf("keys %q", keys)
				}
			}
		})
	}
}
