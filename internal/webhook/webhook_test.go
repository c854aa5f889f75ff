package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

const secret = "0123456789abcdef0123456789abcdef"

// receiver is an address that is told of events, and checks both signatures with
// the secret, as its owner would.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	status int
	events []event.Event
	header []http.Header
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, status: http.StatusNoContent}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Error(err)
	}
	var e event.Event
	if err := json.Unmarshal(body, &e); err != nil {
		r.t.Errorf("%v in %s", err, body)
	}
	if err := e.Validate(); err != nil {
		r.t.Errorf("%v in %s", err, body)
	}
	qlik := hmac.New(sha256.New, []byte(secret))
	qlik.Write(body)
	if want := hex.EncodeToString(qlik.Sum(nil)); request.Header.Get("Qlik-Signature") != want {
		r.t.Errorf("Qlik-Signature is %q, want %q", request.Header.Get("Qlik-Signature"), want)
	}
	standard, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := standard.VerifyIgnoringTimestamp(body, request.Header); err != nil {
		r.t.Errorf("Standard Webhooks: %v", err)
	}
	if err := standard.VerifyIgnoringTimestamp(append(body, ' '), request.Header); err == nil {
		r.t.Error("a changed body has a good signature")
	}
	r.events = append(r.events, e)
	r.header = append(r.header, request.Header.Clone())
	w.Header().Set("X-Answer", "yes")
	w.WriteHeader(r.status)
	if r.status != http.StatusNoContent {
		_, _ = w.Write([]byte("told"))
	}
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// take returns the types of the events that came.
func (r *receiver) take() (types []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		types = append(types, e.Type())
	}
	r.events, r.header = nil, nil
	return types
}

// administrator is an actor that manages a tenant's webhooks, or those of an
// organization.
func administrator(scope estate.Scope) estate.Actor {
	a := estate.Actor{Kind: estate.ActorClient, ID: "client", Scope: scope, Permissions: estate.Permissions{api.ScopeAdminClassic}, Roles: []estate.RoleName{estate.RoleTenantAdmin}, User: "user"}
	if scope.Tenant == "" {
		a.Level, a.Permissions, a.Roles, a.User = estate.LevelOrganization, estate.Permissions{api.ScopeOrgWebhooks}, nil, ""
	}
	return a
}

func input(r *receiver, types ...string) webhook.Input {
	return webhook.Input{Name: "Test", URL: r.URL + "/hook", EventTypes: types, Enabled: true, Secret: secret}
}

func create(t *testing.T, e *testenv.Env, scope estate.Scope, in webhook.Input) estate.Webhook {
	t.Helper()
	w, err := e.App.Webhook.Create(t.Context(), administrator(scope), in)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tell has all events told that there are, and all attempts made that are due.
func tell(t *testing.T, e *testenv.Env) {
	t.Helper()
	if _, err := e.App.Webhook.Consumer().CatchUp(t.Context(), e.App.Store); err != nil {
		t.Fatal(err)
	}
	if _, err := e.App.Jobs.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, what string, have []string, want ...string) {
	t.Helper()
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%s: %q, want %q", what, have, want)
	}
}

const (
	clientCreated = "com.qlik.core.oauth-client.created"
	clientDeleted = "com.qlik.core.oauth-client.deleted"
	tenantCreated = "com.qlik.tenant.created"
)

// TestDelivery tells each webhook of what it is for: of its own tenant, of the
// whole organization, of certain types, of certain resources, from when it was
// made on, and never of another organization.
func TestDelivery(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(9)
	home, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	foreign := e.SubscriptionOf(e.NewOrganization("Stranger").ID, 9)
	away := e.Tenant(foreign, "us")
	above := estate.Scope{Organization: e.Organization.ID}
	own, wide, typed, filtered, off := newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t)
	e.TenantClient(home) // before there is anybody to tell
	create(t, e, home.Scope(), input(own, clientCreated))
	create(t, e, above, input(wide, clientCreated, tenantCreated))
	create(t, e, home.Scope(), input(typed, clientDeleted))
	in := input(off, webhook.AllEvents)
	in.Enabled = false
	create(t, e, home.Scope(), in)
	tell(t, e)
	for _, r := range []*receiver{own, wide, typed} {
		want(t, "before anything has happened", r.take())
	}

	here := e.TenantClient(home)
	in = input(filtered, clientCreated)
	in.Filter = `id ne "` + string(here.ID) + `"`
	create(t, e, above, in)
	e.TenantClient(other)
	e.TenantClient(away)
	e.Tenant(sub, "eu")
	e.Tenant(foreign, "us")
	tell(t, e)
	want(t, "the tenant", own.take(), clientCreated)
	want(t, "the organization", wide.take(), clientCreated, clientCreated, tenantCreated)
	want(t, "another type", typed.take())
	want(t, "another resource", filtered.take(), clientCreated)
	want(t, "a disabled webhook", off.take())
	tell(t, e)
	want(t, "again", own.take())

	realm := credential.Realm{Level: estate.LevelTenant, Scope: home.Scope()}
	if err := e.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, here.ID, string(here.ID)); err != nil {
		t.Fatal(err)
	}
	tell(t, e)
	typed.mu.Lock()
	if len(typed.events) != 1 || typed.events[0].Extensions()["tenantid"] != string(home.ID) || !strings.Contains(string(typed.events[0].Data()), string(here.ID)) {
		t.Errorf("%v", typed.events)
	}
	typed.mu.Unlock()
}

// TestDelivery_OtherNames tells of an event under the name that was asked for, where the
// contract documents several, and once under the first of several; who asks for all gets
// its type.
func TestDelivery_OtherNames(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(9), "us")
	before, now, both, every := newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t)
	create(t, e, home.Scope(), input(before, "com.qlik.v1.user.created", "com.qlik.v1.oauth-client.created"))
	create(t, e, home.Scope(), input(now, "com.qlik.core.user.created"))
	create(t, e, home.Scope(), input(both, "com.qlik.core.user.created", "com.qlik.v1.user.created"))
	create(t, e, home.Scope(), input(every, webhook.AllEvents))
	client := e.TenantClient(home)
	user := estate.Actor{Kind: estate.ActorClient, ID: string(client.ID), Level: estate.LevelTenant, Scope: home.Scope(), Permissions: estate.Permissions{"admin.users"}}
	made, err := e.App.Directory.CreateUser(t.Context(), user, directory.NewUser{Subject: "idp|ada", Name: "Ada", Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	tell(t, e)
	before.mu.Lock()
	for _, ev := range before.events {
		if ev.Type() == "com.qlik.v1.user.created" {
			var data struct{ ID, Name, Email, Subject, TenantID, Status string }
			if err := json.Unmarshal(ev.Data(), &data); err != nil || data.ID != string(made.ID) || data.Name != "Ada" || data.Email != "ada@example.com" ||
				data.Subject != "idp|ada" || data.TenantID != string(home.ID) || data.Status != "active" || ev.Source() != "com.qlik/identities" {
				t.Errorf("%s (%v)", ev, err)
			}
		}
	}
	before.mu.Unlock()
	want(t, "as it was called", before.take(), "com.qlik.v1.oauth-client.created", "com.qlik.v1.user.created")
	want(t, "as it is called", now.take(), "com.qlik.core.user.created")
	want(t, "under both names", both.take(), "com.qlik.core.user.created")
	administrates := administrator(home.Scope())
	hooks, err := e.App.Webhook.List(t.Context(), administrates, webhook.Query{EventTypes: []string{"com.qlik.v1.oauth-client.created"}, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := e.App.Webhook.Deliveries(t.Context(), administrates, hooks.Webhooks[0].ID, webhook.DeliveryQuery{EventType: "com.qlik.v1.user.created", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.App.Webhook.Resend(t.Context(), administrates, hooks.Webhooks[0].ID, sent.Deliveries[0].ID)
	if err != nil || again.EventType != "com.qlik.v1.user.created" {
		t.Errorf("%s (%v)", again.EventType, err)
	}
	want(t, "once more", before.take(), "com.qlik.v1.user.created")
	if all := every.take(); !slices.Contains(all, "com.freehold.user.create") || !slices.Contains(all, clientCreated) || slices.ContainsFunc(all, func(name string) bool { return strings.Contains(name, ".user.created") }) {
		t.Errorf("all events: %v", all)
	}
}

// TestDelivery_Failures tries again at growing intervals, keeps the history, and
// disables a webhook whose address is dead.
func TestDelivery_Failures(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	admin := administrator(home.Scope())
	r := newReceiver(t)
	in := input(r, clientCreated)
	in.Headers, in.EncryptedHeaders = map[string]string{"X-Plain": "plain"}, map[string]string{"X-Hidden": "top secret"}
	w := create(t, e, home.Scope(), in)
	deliveries := func(q webhook.DeliveryQuery) []estate.Delivery {
		t.Helper()
		q.Limit = 100
		page, err := e.App.Webhook.Deliveries(t.Context(), admin, w.ID, q)
		if err != nil {
			t.Fatal(err)
		}
		return page.Deliveries
	}
	get := func() estate.Webhook {
		t.Helper()
		got, err := e.App.Webhook.Get(t.Context(), admin, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	r.answer(http.StatusInternalServerError)
	e.TenantClient(home)
	tell(t, e)
	want(t, "first attempt", r.take(), clientCreated)
	tell(t, e)
	want(t, "too early", r.take())
	e.Clock.Advance(5 * time.Second)
	tell(t, e)
	want(t, "second attempt", r.take(), clientCreated)
	failed := deliveries(webhook.DeliveryQuery{Status: "fail"})
	if len(failed) != 1 || failed[0].Attempts != 2 || failed[0].Message != "the address answered 500" || failed[0].Response.Body != "told" ||
		failed[0].Response.Headers["X-Answer"] != "yes" || failed[0].Request.Headers["X-Plain"] != "plain" || failed[0].Request.Headers["X-Hidden"] != "**OMITTED**" {
		t.Errorf("%+v", failed)
	}
	if failing := get(); failing.FailingSince.IsZero() || !failing.Enabled {
		t.Errorf("%+v", failing)
	}
	r.answer(http.StatusOK)
	e.Clock.Advance(15 * time.Second)
	tell(t, e)
	r.mu.Lock()
	if len(r.header) != 1 || r.header[0].Get("X-Hidden") != "top secret" || r.header[0].Get("Webhook-Id") != string(failed[0].Event) {
		t.Errorf("%v", r.header)
	}
	r.mu.Unlock()
	want(t, "third attempt", r.take(), clientCreated)
	arrived := deliveries(webhook.DeliveryQuery{Status: "success"})
	if len(arrived) != 1 || arrived[0].Attempts != 3 || !get().FailingSince.IsZero() {
		t.Errorf("%+v", arrived)
	}

	again, err := e.App.Webhook.Resend(t.Context(), admin, w.ID, arrived[0].ID)
	if err != nil || again.ID == arrived[0].ID || again.Status != estate.DeliverySuccess || again.Request.Body != arrived[0].Request.Body {
		t.Errorf("%+v (%v)", again, err)
	}
	want(t, "resent", r.take(), clientCreated)
	if n := len(deliveries(webhook.DeliveryQuery{})); n != 2 {
		t.Errorf("%d deliveries", n)
	}

	r.answer(http.StatusServiceUnavailable)
	e.TenantClient(home)
	for range 3 {
		tell(t, e)
		e.Clock.Advance(25 * time.Hour)
		e.TenantClient(home)
	}
	tell(t, e)
	if dead := get(); dead.Enabled || dead.DisabledCode != "failing" || dead.DisabledReason == "" {
		t.Errorf("%+v", dead)
	}
	r.take()
	e.TenantClient(home)
	tell(t, e)
	want(t, "a dead address", r.take())
	r.answer(http.StatusOK)
	if err := e.App.Webhook.Patch(t.Context(), admin, w.ID, []webhook.PatchOperation{{Op: "replace", Path: "/enabled", Value: json.RawMessage("true")}}); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(24 * time.Hour)
	e.TenantClient(home)
	tell(t, e)
	if types := r.take(); len(types) == 0 || get().DisabledCode != "" {
		t.Errorf("after it was enabled again: %q, %+v", types, get())
	}

	r.answer(http.StatusGone)
	e.TenantClient(home)
	tell(t, e)
	if gone := get(); gone.Enabled || gone.DisabledCode != "gone" {
		t.Errorf("%+v", gone)
	}
}

// TestDelivery_PrivateAddress sends nothing to where only the server's own network
// reaches, unless that is allowed.
func TestDelivery_PrivateAddress(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	r := newReceiver(t)
	w := create(t, e, home.Scope(), input(r, clientCreated))
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.AllowPrivate = false
	strict := testenv.Start(t, config, dir)
	tenant := strict.Tenant(strict.Subscription(2), "us")
	for _, url := range []string{w.URL, "https://127.0.0.1/x", "https://10.0.0.1/x", "https://[::1]/x", "http://example.com/x"} {
		in := input(r, clientCreated)
		in.URL = url
		if _, err := strict.App.Webhook.Create(t.Context(), administrator(tenant.Scope()), in); err == nil {
			t.Errorf("%s is taken", url)
		}
	}
}

// TestWebhook_StatusFilter: data.status in a filter is the member of the event's
// data; events without one have none.
func TestWebhook_StatusFilter(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	active, others := newReceiver(t), newReceiver(t)
	for r, text := range map[*receiver]string{active: `data.status eq "active"`, others: `data.status ne "active"`} {
		in := input(r, webhook.AllEvents)
		in.Filter = text
		create(t, e, home.Scope(), in)
	}
	tell(t, e)
	active.take()
	others.take()
	admin := administrator(home.Scope())
	for name, status := range map[string]estate.GroupStatus{"A": "active", "B": "disabled"} {
		if _, err := e.App.Directory.CreateGroup(t.Context(), admin, directory.NewGroup{Name: name, Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	e.TenantClient(home) // without a status
	tell(t, e)
	const groupCreated = "com.freehold.group.create"
	want(t, "active ones", active.take(), groupCreated)
	want(t, "others", others.take(), groupCreated, clientCreated)
}

// TestWebhook_Test sends a test to the webhook that is tested, and to no other.
func TestWebhook_Test(t *testing.T) {
	e := testenv.Open(t)
	tenant := e.Tenant(e.Subscription(10), "us")
	tested, other := newReceiver(t), newReceiver(t)
	w := create(t, e, tenant.Scope(), input(tested, webhook.AllEvents))
	create(t, e, tenant.Scope(), input(other, webhook.AllEvents))
	tell(t, e)
	tested.take()
	other.take()
	d, err := e.App.Webhook.Test(t.Context(), administrator(tenant.Scope()), w.ID)
	if err != nil || d.Status != estate.DeliverySuccess || d.EventType != "com.freehold.webhook.test" {
		t.Fatalf("%+v, %v", d, err)
	}
	tell(t, e)
	want(t, "the one that is tested", tested.take(), "com.freehold.webhook.test")
	want(t, "the other", other.take())
	again, err := e.App.Webhook.Resend(t.Context(), administrator(tenant.Scope()), w.ID, d.ID)
	if err != nil || again.Request.Body != d.Request.Body {
		t.Errorf("sent once more, the event is another: %s, was %s (%v)", again.Request.Body, d.Request.Body, err)
	}
	stranger := e.Tenant(e.Subscription(10), "eu")
	if _, err := e.App.Webhook.Test(t.Context(), administrator(stranger.Scope()), w.ID); !estate.HasKind(err, estate.NotFound) {
		t.Errorf("another tenant's webhook: %v", err)
	}
}
