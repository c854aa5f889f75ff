package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// hooked is a server with a subscription that has a provisioner, whose calls come
// over the channel and get the answer.
type hooked struct {
	*testenv.Env
	sub         estate.Subscription
	provisioner api.Provisioner
	calls       chan api.ProvisioningEvent
	console     string // token of an organization client
	register    string // token of a region client
}

func newHooked(t *testing.T, status int, body string) *hooked {
	t.Helper()
	e := testenv.New(t)
	h := &hooked{Env: e, sub: e.Subscription(5), calls: make(chan api.ProvisioningEvent, 10)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call api.ProvisioningEvent
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		h.calls <- call
	}))
	t.Cleanup(server.Close)
	h.console = e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	h.register = e.Token(e.Register("us"), e.RegionClient(h.sub, "us"))
	made := e.Do(testenv.Request{URL: h.path(""), Token: h.console, JSON: api.CreateProvisionerRequest{Name: "DNS", URL: server.URL}})
	expect(t, "create provisioner", made, http.StatusCreated, "")
	made.Into(&h.provisioner)
	if !strings.HasPrefix(h.provisioner.Secret, "whsec_") || made.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("created %+v, %s", h.provisioner, made.Header)
	}
	return h
}

// path is the URL of the provisioners, or of what is below.
func (h *hooked) path(below string) string {
	return h.Console() + "/api/core/subscriptions/" + string(h.sub.ID) + "/provisioners" + below
}

func (h *hooked) create(t *testing.T, key string, prefer map[string]string) (api.Tenant, testenv.Answer) {
	t.Helper()
	header := map[string]string{"Idempotency-Key": key}
	for name, value := range prefer {
		header[name] = value
	}
	a := h.Do(testenv.Request{URL: h.Register("us") + "/api/v1/tenants", Token: h.register, Header: header, JSON: api.CreateTenantRequest{LicenseKey: h.LicenseKey(h.sub)}})
	expect(t, "create tenant", a, http.StatusCreated, "")
	var tenant api.Tenant
	a.Into(&tenant)
	return tenant, a
}

func (h *hooked) answer(t *testing.T, call api.ProvisioningEvent, body any) testenv.Answer {
	t.Helper()
	if !strings.HasPrefix(call.Data.CallbackURL, h.Console()+"/") {
		t.Errorf("callback URL %s", call.Data.CallbackURL)
	}
	return h.Do(testenv.Request{URL: call.Data.CallbackURL, JSON: body})
}

// TestCreateTenant_WaitsForProvisioners as long as the client prefers, and answers
// 201 with what is known.
func TestCreateTenant_WaitsForProvisioners(t *testing.T) {
	h := newHooked(t, http.StatusAccepted, "")
	tenant, a := h.create(t, "one", map[string]string{"Prefer": "respond-async, wait=0"})
	if tenant.Provisioning.State != api.ProvisioningPending || a.Header.Get("Preference-Applied") != "wait=0" {
		t.Errorf("without waiting: %+v, %s", tenant.Provisioning, a.Header)
	}
	call := <-h.calls

	// The same request again waits for the same tenant. The answer comes meanwhile, to
	// another process.
	node := *h
	node.Env = h.Node()
	answered := make(chan api.Tenant)
	go func() {
		again, _ := h.create(t, "one", nil)
		answered <- again
	}()
	expect(t, "answer", node.answer(t, api.ProvisioningEvent{Data: api.ProvisioningEventData{CallbackURL: h.Console() + "/api/core/provisioning-answers/" + path.Base(call.Data.CallbackURL)}},
		api.ProvisioningAnswer{State: "ready", Message: "done"}), http.StatusNoContent, "")
	again := <-answered
	if again.ID != tenant.ID || again.Provisioning.State != api.ProvisioningReady {
		t.Errorf("after the answer: %s %+v, want %s", again.ID, again.Provisioning, tenant.ID)
	}

	// Each host shows it.
	var list api.OrganizationTenantList
	h.Do(testenv.Request{URL: h.Console() + "/api/core/tenants/" + tenant.ID, Token: h.console}).Into(&list)
	if len(list.Data) != 1 || list.Data[0].Provisioning.State != api.ProvisioningReady {
		t.Errorf("at the console: %+v", list.Data)
	}
	var status api.TenantProvisioning
	a = h.Do(testenv.Request{URL: h.Console() + "/api/core/tenants/" + tenant.ID + "/provisioning", Token: h.console})
	expect(t, "provisioning", a, http.StatusOK, "")
	a.Into(&status)
	if len(status.Provisioners) != 1 || status.Provisioners[0].Message != "done" || status.Provisioners[0].ProvisionerID != h.provisioner.ID {
		t.Errorf("provisioning %+v", status)
	}
}

// TestCreateTenant_Provisioned answers when the provisioner has.
func TestCreateTenant_Provisioned(t *testing.T) {
	h := newHooked(t, http.StatusOK, `{"state":"ready"}`)
	tenant, a := h.create(t, "one", nil)
	if tenant.Provisioning.State != api.ProvisioningReady || a.Header.Get("Preference-Applied") != "" {
		t.Errorf("%+v, %s", tenant.Provisioning, a.Header)
	}
	h = newHooked(t, http.StatusOK, `{"state":"failed","message":"no zone"}`)
	if tenant, _ := h.create(t, "one", nil); tenant.Provisioning.State != api.ProvisioningFailed || tenant.Provisioning.Message != "DNS: no zone" {
		t.Errorf("%+v", tenant.Provisioning)
	}
}

// TestWait_Ends when the client has waited enough, and when the server stops.
func TestWait_Ends(t *testing.T) {
	h := newHooked(t, http.StatusAccepted, "")
	start := time.Now()
	tenant, a := h.create(t, "one", map[string]string{"Prefer": "wait=1"})
	if took := time.Since(start); tenant.Provisioning.State != api.ProvisioningPending || a.Header.Get("Preference-Applied") != "wait=1" || took < time.Second || took > 10*time.Second {
		t.Errorf("%+v after %s, %s", tenant.Provisioning, took, a.Header)
	}
	h.App.Provision.StopWaiting()
	if tenant, a := h.create(t, "two", map[string]string{"Prefer": "wait=1000000"}); tenant.Provisioning.State != api.ProvisioningPending || a.Header.Get("Preference-Applied") != "wait=45" {
		t.Errorf("%+v, %s", tenant.Provisioning, a.Header)
	}
}

// TestCreateTenant_WithoutProvisioners is ready at once, whatever the client prefers.
func TestCreateTenant_WithoutProvisioners(t *testing.T) {
	e := testenv.New(t)
	h := &hooked{Env: e, sub: e.Subscription(5)}
	h.register = e.Token(e.Register("us"), e.RegionClient(h.sub, "us"))
	tenant, _ := h.create(t, "one", map[string]string{"Prefer": "wait=40"})
	if p := tenant.Provisioning; p.State != api.ProvisioningReady || p.Message != "" || !p.UpdatedAt.Equal(tenant.Created.Time) {
		t.Errorf("%+v", p)
	}
}

// TestProvisioners manages them over the wire.
func TestProvisioners(t *testing.T) {
	h := newHooked(t, http.StatusAccepted, "")
	one := h.path("/" + h.provisioner.ID)
	do := func(method, url string, body any) testenv.Answer {
		return h.Do(testenv.Request{Method: method, URL: url, Token: h.console, JSON: body})
	}
	shown := h.provisioner
	shown.Secret = ""
	var got api.Provisioner
	do("GET", one, nil).Into(&got)
	var list api.ProvisionerList
	do("GET", h.path(""), nil).Into(&list)
	if got != shown || len(list.Data) != 1 || list.Data[0] != shown {
		t.Errorf("got %+v and %+v, want %+v", got, list.Data, shown)
	}
	expect(t, "rename", do("PATCH", one, ops{{Op: "replace", Path: "/name", Value: "zone"}}), http.StatusNoContent, "")
	for name, patch := range map[string]ops{
		"path":  {{Op: "replace", Path: "/name", Value: "lost"}, {Op: "replace", Path: "/secret", Value: "x"}},
		"op":    {{Op: "replace", Path: "/name", Value: "lost"}, {Op: "remove", Path: "/url"}},
		"value": {{Op: "replace", Path: "/name", Value: "lost"}, {Op: "replace", Path: "/url", Value: []string{"x"}}},
	} {
		expect(t, name, do("PATCH", one, patch), http.StatusBadRequest, api.CodeProvisionerPatch)
	}
	expect(t, "bad URL", do("PATCH", one, ops{{Op: "replace", Path: "/name", Value: "lost"}, {Op: "replace", Path: "/url", Value: "ftp://x"}}), http.StatusBadRequest, api.CodeProvisionerInvalid)
	do("GET", one, nil).Into(&got)
	if got.Name != "zone" || got.URL != shown.URL {
		t.Errorf("after patches: %+v", got)
	}
	var rotated api.Provisioner
	do("POST", one+"/actions/rotate-secret", nil).Into(&rotated)
	if rotated.Secret == "" || rotated.Secret == h.provisioner.Secret {
		t.Errorf("rotated to %q", rotated.Secret)
	}
	tenant, _ := h.create(t, "one", map[string]string{"Prefer": "wait=0"})
	call := <-h.calls
	below := h.Console() + "/api/core/tenants/" + tenant.ID + "/provisioning"
	expect(t, "skip", do("POST", below+"/actions/skip", api.ProvisionerChoice{ProvisionerID: h.provisioner.ID}), http.StatusOK, "")
	expect(t, "skip again", do("POST", below+"/actions/skip", nil), http.StatusConflict, api.CodeProvisioningNothing)
	expect(t, "late answer", h.answer(t, call, api.ProvisioningAnswer{State: "ready"}), http.StatusConflict, api.CodeProvisioningDone)
	expect(t, "no answer", h.answer(t, call, map[string]string{}), http.StatusBadRequest, api.CodeProvisionerInvalid)
	expect(t, "no JSON", h.Do(testenv.Request{URL: call.Data.CallbackURL, Body: "ready", Header: map[string]string{"Content-Type": "text/plain"}}), http.StatusUnsupportedMediaType, api.CodeUnsupportedMediaType)
	expect(t, "no token", h.Do(testenv.Request{URL: h.Console() + "/api/core/provisioning-answers/AAAA", JSON: api.ProvisioningAnswer{State: "ready"}}), http.StatusNotFound, api.CodeProvisionerNotFound)
	expect(t, "retry", do("POST", below+"/actions/retry", api.ProvisionerChoice{ProvisionerID: h.provisioner.ID}), http.StatusOK, "")
	expect(t, "delete", do("DELETE", one, nil), http.StatusNoContent, "")
	expect(t, "deleted", do("GET", one, nil), http.StatusNotFound, api.CodeProvisionerNotFound)
}
