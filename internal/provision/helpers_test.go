package provision_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// hook is a provisioner whose answers the test decides.
type hook struct {
	estate.Provisioner
	secret string
	server *httptest.Server

	mu     sync.Mutex
	answer http.HandlerFunc
	calls  []api.ProvisioningEvent
	wrong  []error
}

// says is an answer with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var (
	ready    = says(http.StatusOK, `{"state":"ready","message":"done"}`)
	accepted = says(http.StatusAccepted, "")
	broken   = says(http.StatusServiceUnavailable, `{"state":"ready"}`)
)

// manager is who manages provisioners of the organization.
func manager(e *testenv.Env) estate.Actor {
	return estate.Actor{
		Kind: estate.ActorClient, ID: "manager", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgSubscriptions},
	}
}

// newHook makes a provisioner of a subscription.
func newHook(t *testing.T, e *testenv.Env, sub estate.Subscription, name string) *hook {
	t.Helper()
	h := &hook{answer: ready}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(e, w, r) }))
	t.Cleanup(h.server.Close)
	p, secret, err := e.App.Provision.Create(t.Context(), manager(e), sub.ID, api.CreateProvisionerRequest{Name: name, URL: h.server.URL + "/hook?key=1"})
	if err != nil {
		t.Fatal(err)
	}
	h.Provisioner, h.secret = p, secret.Reveal()
	t.Cleanup(func() {
		if err := errors.Join(h.wrong...); err != nil {
			t.Errorf("%s was called wrongly: %v", name, err)
		}
	})
	return h
}

func (h *hook) serve(e *testenv.Env, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	call, checked := h.check(e, r, body)
	h.mu.Lock()
	h.calls, h.wrong = append(h.calls, call), append(h.wrong, err, checked)
	answer := h.answer
	h.mu.Unlock()
	answer(w, r)
}

// check verifies a call with the libraries that a provisioner would use.
func (h *hook) check(e *testenv.Env, r *http.Request, body []byte) (call api.ProvisioningEvent, err error) {
	signer, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil {
		return call, err
	}
	if err := signer.VerifyIgnoringTimestamp(body, r.Header); err != nil {
		return call, err
	}
	var read event.Event
	if err := errors.Join(json.Unmarshal(body, &read), json.Unmarshal(body, &call), read.Validate()); err != nil {
		return call, err
	}
	if r.Header.Get("Webhook-Timestamp") != strconv.FormatInt(e.Clock.Now().Unix(), 10) || r.Header.Get("Webhook-Id") != read.ID() ||
		r.Method != http.MethodPost || r.URL.String() != "/hook?key=1" || r.Header.Get("Content-Type") != "application/cloudevents+json" {
		return call, errors.New("headers " + r.Method + " " + r.URL.String())
	}
	if read.Type() != "com.freehold.provisioning."+call.Data.Change || read.Subject() != call.Data.Tenant.ID || call.Data.ProvisionerID != string(h.ID) {
		return call, errors.New("event " + string(body))
	}
	return call, nil
}

func (h *hook) set(answer http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

// take is the calls since it was last asked.
func (h *hook) take() []api.ProvisioningEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

// one is the only call since it was last asked.
func (h *hook) one(t *testing.T) api.ProvisioningEvent {
	t.Helper()
	calls := h.take()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want one", len(calls))
	}
	return calls[0]
}

// quiet checks that there was no call.
func (h *hook) quiet(t *testing.T, when string) {
	t.Helper()
	if calls := h.take(); len(calls) != 0 {
		t.Errorf("%s: %d calls", when, len(calls))
	}
}

func runDue(t *testing.T, e *testenv.Env) {
	t.Helper()
	if _, err := e.App.Jobs.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// answer answers a call by its callback URL.
func answer(t *testing.T, e *testenv.Env, call api.ProvisioningEvent, state, message string) error {
	t.Helper()
	return e.App.Provision.Answer(t.Context(), path.Base(call.Data.CallbackURL), "trace", api.ProvisioningAnswer{State: state, Message: message})
}

// wantCode checks that err is the error with the code; empty: none.
func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var known *estate.Error
	have := ""
	if errors.As(err, &known) {
		have = known.Code
	}
	if have != code || code == "" && err != nil {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

// shows checks what a tenant shows of its provisioning.
func shows(t *testing.T, e *testenv.Env, of estate.Tenant, state estate.ProvisioningState, message string) {
	t.Helper()
	var found estate.Tenant
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.Tenant(t.Context(), of.Scope(), of.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := found.Provisioning; p.State != state || p.Message != message {
		t.Errorf("the tenant shows %s %q, want %s %q", p.State, p.Message, state, message)
	}
	cached, err := e.App.Tenancy.TenantAt(t.Context(), of.Hostname)
	if err != nil || cached.Provisioning != found.Provisioning {
		t.Errorf("from memory the tenant shows %+v (%v), not %+v", cached.Provisioning, err, found.Provisioning)
	}
}

// happens is a change of a tenant that its provisioners are to be told of.
func happens(t *testing.T, e *testenv.Env, to estate.Tenant, change estate.TenantChange) {
	t.Helper()
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return e.App.Provision.Changed(t.Context(), tx, &to, change) })
	if err != nil {
		t.Fatal(err)
	}
}
