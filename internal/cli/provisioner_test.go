package cli_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
)

const provisionerID = "5d41402abc4b2a76b9719d911017c592"

// manageProvisioners serves the one provisioner that there is, which has failed with
// the tenant.
func (f *fake) manageProvisioners(mux *http.ServeMux) {
	one := api.Provisioner{
		ID: provisionerID, SubscriptionID: "1048362759104836", Name: "DNS", URL: "https://hooks.example.org/freehold", CreatedAt: now, UpdatedAt: now,
		Links: api.SelfLinks{Self: api.Link{Href: "http://console.freehold.localhost/"}},
	}
	secret := one
	secret.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	state := func(state, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, api.TenantProvisioning{State: state, Message: message, UpdatedAt: now, Provisioners: []api.ProvisionerState{
				{ProvisionerID: provisionerID, Name: "DNS", Change: "created", State: state, Message: strings.TrimPrefix(message, "DNS: "), UpdatedAt: now},
			}})
		}
	}
	gives := func(status int, v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if status == http.StatusCreated {
				w.Header().Set("Cache-Control", "no-store")
			}
			if v == nil {
				w.WriteHeader(status)
				return
			}
			answer(w, status, v)
		}
	}
	all := "/api/core/subscriptions/{subscription}/provisioners"
	mux.Handle("GET "+all, f.authenticated(gives(http.StatusOK, api.ProvisionerList{Data: []api.Provisioner{one}, Links: api.PageLinks{Self: api.Link{Href: "http://console.freehold.localhost/"}}})))
	mux.Handle("POST "+all, f.authenticated(gives(http.StatusCreated, secret)))
	mux.Handle("GET "+all+"/{id}", f.authenticated(gives(http.StatusOK, one)))
	mux.Handle("PATCH "+all+"/{id}", f.authenticated(gives(http.StatusNoContent, nil)))
	mux.Handle("DELETE "+all+"/{id}", f.authenticated(gives(http.StatusNoContent, nil)))
	mux.Handle("POST "+all+"/{id}/actions/rotate-secret", f.authenticated(gives(http.StatusCreated, secret)))
	below := "/api/core/tenants/{id}/provisioning"
	mux.Handle("GET "+below, f.authenticated(state("failed", "DNS: the zone is full")))
	mux.Handle("POST "+below+"/actions/retry", f.authenticated(state("pending", "")))
	mux.Handle("POST "+below+"/actions/skip", f.authenticated(state("skipped", "DNS: the zone is full")))
}

func TestProvisioner(t *testing.T) {
	f := newFake(t, 1)
	f.provisioning = &api.Provisioning{State: "failed", Message: "DNS: the zone is full", UpdatedAt: now}
	s := newSession(t)
	s.use(f, "console", "console")
	s.use(f, "register", "register.us")
	for name, args := range map[string][]string{
		"provisioner-list":          {"provisioner", "list", "--subscription", "1048362759104836"},
		"provisioner-list-json":     {"provisioner", "list", "--subscription", "1048362759104836", "--output", "json"},
		"provisioner-create":        {"provisioner", "create", "--subscription", "1048362759104836", "--name", "DNS", "--url", "https://hooks.example.org/freehold"},
		"provisioner-get":           {"provisioner", "get", provisionerID, "--subscription", "1048362759104836"},
		"provisioner-update":        {"provisioner", "update", provisionerID, "--subscription", "1048362759104836", "--name", "zone"},
		"provisioner-rotate":        {"provisioner", "rotate-secret", provisionerID, "--subscription", "1048362759104836"},
		"provisioner-delete":        {"provisioner", "delete", provisionerID, "--subscription", "1048362759104836", "--yes"},
		"provisioner-status":        {"provisioner", "status", tenantID},
		"provisioner-retry-json":    {"provisioner", "retry", tenantID, "--output", "json"},
		"provisioner-skip":          {"provisioner", "skip", tenantID, "--provisioner", provisionerID},
		"error-provisioner-nothing": {"provisioner", "update", provisionerID, "--subscription", "1048362759104836"},
		"error-provisioner-where":   {"provisioner", "list"},
		"error-provisioner-sure":    {"provisioner", "delete", provisionerID, "--subscription", "1048362759104836"},
		"error-provisioner-host":    {"provisioner", "status", tenantID, "--context", "register"},
		"tenant-create-failed":      {"tenant", "create", "--context", "register", "--license-key", licenseKey},
		"tenant-create-no-wait":     {"tenant", "create", "--context", "register", "--license-key", licenseKey, "--wait", "0s"},
		"error-tenant-create-wait":  {"tenant", "create", "--context", "register", "--license-key", licenseKey, "--wait", "5s"},
	} {
		if !strings.HasSuffix(name, "-json") {
			args = append(args, "--output", "table")
		}
		t.Run(name, func(t *testing.T) { golden(t, name, s.transcript(args...)) })
	}
}
