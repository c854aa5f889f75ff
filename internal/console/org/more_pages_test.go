package org_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// TestViews keeps a view of a list under a name, opens, changes, renames and
// deletes it, and shows it to nobody else.
func TestViews(t *testing.T) {
	h := newHouse(t)
	save := "/views/tenants/new?query=" + url.QueryEscape("status=active&columns=name,region&sort=-name&next=x")
	h.says(h.Get("/tenants"), 200, "You have kept none yet")
	made := h.Submit(save, "/views/tenants/new", url.Values{"name": {" Active ones "}})
	page := h.done(made, "The view Active ones is saved.", "in Active ones", `aria-sort="descending"`)
	if !strings.Contains(made.Location, "status=active") || strings.Contains(made.Location, "next=") {
		t.Errorf("the view leads to %s", made.Location)
	}
	if strings.Contains(page.Body, "(changed)") {
		t.Error("the view is said to be changed")
	}
	h.says(h.Get(made.Location+"&region=us-east-1"), 200, "(changed)")
	h.says(h.Get("/tenants?columns=name,region&sort=-name&status=active"), 200, "in Active ones") // without its id, as a link that was shared

	again := h.Submit("/views/tenants/new?query=status%3Ddisabled", "/views/tenants/new", url.Values{"name": {"ACTIVE ONES"}})
	h.done(again, "The view ACTIVE ONES is saved.", "0 tenants")
	second := h.Submit(save, "/views/tenants/new", url.Values{"name": {"Second"}})
	id := idIn(t, second.Location)
	for name, problem := range map[string]string{"": "must have 1 to 100 characters", strings.Repeat("x", 101): "must have 1 to 100 characters", "active ones": "You have a view of this name."} {
		h.says(h.Submit("/views/tenants/"+id+"/rename", "/views/tenants/"+id+"/rename", url.Values{"name": {name}}), 422, problem, `id="f-name-error"`)
	}
	h.says(h.Submit(save, "/views/tenants/new", url.Values{"name": {"  "}}), 422, `id="f-name-error"`, html.EscapeString("columns=name%2Cregion&sort=-name&status=active"))
	h.done(h.Submit("/views/tenants/"+id+"/rename", "/views/tenants/"+id+"/rename", url.Values{"name": {"Renamed"}}), "The view is called Renamed.", "in Renamed")

	bob := h.as(h.Account(h.Organization.ID, "carl@acme.example", h.sub))
	if body := bob.Get("/tenants").Body; strings.Contains(body, "Renamed") {
		t.Error("somebody else's view is shown")
	}
	h.says(bob.Get("/views/tenants/"+id+"/rename"), 404)
	if form := bob.Form("/views/tenants/new", "/views/tenants/new", nil); bob.Post("/views/tenants/"+id+"/delete", form).Status != 404 {
		t.Error("somebody else's view is deleted")
	}
	h.says(h.Get("/views/nothing/new"), 404)
	h.done(h.Submit("/tenants", "/views/tenants/"+id+"/delete", nil), "The view Renamed is deleted.")
	h.says(h.Get("/views/tenants/"+id+"/rename"), 404)
	h.done(h.Submit("/views/clients/new?query=status%3Dactive", "/views/clients/new", url.Values{"name": {"Clients"}}), "The view Clients is saved.", "No client matches")
}

// idIn is the id of the view that an address opens.
func idIn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Query().Get("view") == "" {
		t.Fatalf("%s opens no view (%v)", address, err)
	}
	return u.Query().Get("view")
}

// TestProvisioners registers one, changes it, gives it another secret, lets it fail
// for a tenant, and removes it.
func TestProvisioners(t *testing.T) {
	h := newHouse(t)
	sub := "/subscriptions/" + string(h.sub.ID)
	h.says(h.Get(sub), 200, "Provisioners", "None. A provisioner is an address of yours")
	var status atomic.Int32
	status.Store(http.StatusInternalServerError)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(`{"state":"ready"}`))
	}))
	t.Cleanup(server.Close)
	for field, value := range map[string]string{"name": "", "url": "ftp://nowhere"} {
		bad := url.Values{"name": {"typed"}, "url": {"https://typed.example/"}}
		bad[field] = []string{value}
		h.says(h.Submit(sub+"/provisioners/new", sub+"/provisioners/new", bad), 422, `id="f-`+field+`-error"`, "typed")
	}
	made := h.Submit(sub+"/provisioners/new", sub+"/provisioners/new", url.Values{"name": {"Network"}, "url": {server.URL}})
	h.done(made, "Keep this secret now", "whsec_", "Network")
	if strings.Contains(h.Get(made.Location).Body, "whsec_") {
		t.Error("the secret is shown twice")
	}
	one := made.Location
	h.says(h.Get(sub), 200, "Network", server.URL)
	h.done(h.Submit(one, one, url.Values{"name": {"Networks"}, "url": {server.URL + "/v2"}}), "Saved.", "/v2")
	h.says(h.Submit(one, one, url.Values{"name": {""}, "url": {"https://typed.example/"}}), 422, `id="f-name-error"`, "typed.example")
	h.done(h.Submit(one+"/rotate", one+"/rotate", nil), "whsec_")

	tenant := h.Tenant(h.sub, "us")
	for range 10 { // as often as it is tried
		h.Clock.Advance(24 * 60 * 60 * 1e9)
		if _, err := h.App.Jobs.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	path := "/tenants/" + string(tenant.ID)
	h.says(h.Get(path), 200, "Networks", "failed")
	h.says(h.Get("/"), 200, "<b>1</b> with failed provisioning")
	h.says(h.Get("/tenants?filter="+url.QueryEscape(`provisioningState eq "failed"`)), 200, tenant.Name, "1 tenant")
	h.done(h.Submit(path, path+"/provisioning/skip", nil), "no longer waits", "skipped")
	status.Store(http.StatusOK)
	h.done(h.Submit(path, path+"/provisioning/retry", nil), "called once more", "pending", `data-live="2"`)
	if _, err := h.App.Jobs.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.says(h.Get(path), 200, "ready")

	h.says(h.Submit(one+"/delete", one+"/delete", url.Values{"confirm": {"network"}}), 422, "This is not the provisioner&#39;s name.")
	h.done(h.Submit(one+"/delete", one+"/delete", url.Values{"confirm": {"Networks"}}), "The provisioner Networks is gone")
	h.says(h.Get(one), 404)
	other := h.as(h.Account(h.Organization.ID, "carl@acme.example", h.other))
	h.says(other.Get(sub+"/provisioners/new"), 403)
}

// TestTenant_Administrator shows the sign-in link of a first administrator once.
func TestTenant_Administrator(t *testing.T) {
	h := newHouse(t)
	form := "/subscriptions/" + string(h.sub.ID) + "/new-tenant"
	made := h.Submit(form, form, url.Values{"region": {"us"}, "name": {"Fresh"}, "email": {"mia@fresh.example"}, "person": {"Mia"}})
	page := h.done(made, "Sign-in link for mia@fresh.example", "/login/link/")
	tenant, err := h.App.Tenancy.InventoryTenant(t.Context(), h.actor, estate.TenantID(strings.TrimPrefix(made.Location, "/tenants/")))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.Body, "http://"+string(tenant.Hostname)+".freehold.localhost:") {
		t.Error("the link does not lead to the tenant's host")
	}
	if strings.Contains(h.Get(made.Location).Body, "/login/link/") {
		t.Error("the link is shown twice")
	}
	h.says(h.Get("/tenants/new"), 200, "For which subscription?", string(h.sub.ID), string(h.single.ID))
	h.says(h.as(h.Account(h.Organization.ID, "carl@acme.example", h.other)).Get("/tenants/new"), 303)
}

// TestAudit_Verify verifies the chain in steps, against an end that was noted, and
// after somebody has changed it.
func TestAudit_Verify(t *testing.T) {
	h := newHouse(t)
	verify := func(typed url.Values) consoletest.Answer { return h.Submit("/audit/verify", "/audit/verify", typed) }
	h.says(h.Get("/audit/verify"), 200, "An end that was noted earlier")
	page := h.done(verify(nil), "records are as they were written", "Note where the chain ends")
	_, rest, _ := strings.Cut(page.Body, "<code>")
	head, _, _ := strings.Cut(rest, "</code>")
	position, hash, _ := strings.Cut(head, ":")
	if n, err := strconv.Atoi(position); err != nil || n < 5 || len(hash) != 64 {
		t.Fatalf("the end of the chain is %q", head)
	}
	h.done(verify(url.Values{"noted": {head}}), "records are as they were written")
	h.done(verify(url.Values{"noted": {string(h.Organization.ID) + ":" + head}}), "records are as they were written")
	h.done(verify(url.Values{"noted": {position + ":" + strings.Repeat("0", 64)}}), "The trail is not what it was.", "is not the one that was noted")
	h.done(verify(url.Values{"noted": {"99999:" + hash}}), "The trail is not what it was.", "records were removed")
	h.says(verify(url.Values{"noted": {"somewhere"}}), 422, `id="f-noted-error"`, `value="somewhere"`)

	const forged = `insert into audit_records (organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, action, target, outcome, data, trace_id)
		values (?, '', '', '', 1, 'account', '', 'tenant.create', '', 'done', '{}', '')`
	h.Exec(forged, h.Organization.ID)
	h.done(verify(nil), "The trail is not what it was.", "1 record is outside the chain")
	h.Exec("delete from audit_records where position = 0")
	h.done(verify(nil), "records are as they were written")
	h.done(verify(url.Values{"from": {"99999:" + hash}}), "The trail is not what it was.", "records were removed")

	h.Exec("update audit_records set target = 'somebody else' where position = 3 and organization_id = $1", h.Organization.ID)
	h.done(verify(nil), "The trail is not what it was.", "record 3")
	if answer := h.as(h.Account(h.Organization.ID, "guest@acme.example")).Get("/audit/verify"); answer.Status != 403 {
		t.Errorf("somebody who may not read the trail: %d", answer.Status)
	}
	h.Exec("delete from audit_chains where organization_id = $1", h.Organization.ID)
	h.done(verify(nil), "The trail is not what it was.", "the chain is gone")
}

// TestWebhooks_Test sends a test to one webhook, which another one that is told of
// everything does not hear of, and sends it once more.
func TestWebhooks_Test(t *testing.T) {
	h := newHouse(t)
	got := make(chan string, 10)
	var status atomic.Int32
	status.Store(http.StatusNoContent)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.URL.Path + " " + r.Header.Get("Webhook-Id")
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(server.Close)
	var paths []string
	for _, name := range []string{"tested", "other"} {
		w, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: name, URL: server.URL + "/" + name, EventTypes: []string{webhook.AllEvents}, Enabled: name == "other"})
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, "/webhooks/"+string(w.ID))
	}
	page := h.done(h.Submit(paths[0], paths[0]+"/test", nil), "The address took the event: it answered 204.", "freehold.webhook.test")
	first := <-got
	if !strings.HasPrefix(first, "/tested ") {
		t.Errorf("the test went to %s", first)
	}
	_, rest, _ := strings.Cut(page.Body, `action="`+paths[0]+`/deliveries/`)
	id, _, _ := strings.Cut(rest, "/")
	h.done(h.Submit(paths[0], paths[0]+"/deliveries/"+id+"/resend", nil), "The address took the event")
	if again := <-got; again != first {
		t.Errorf("sent once more: %s, was %s", again, first)
	}
	status.Store(http.StatusTeapot)
	h.done(h.Submit(paths[0], paths[0]+"/test", nil), "has not arrived: the address answered 418", "failed")
	<-got
	h.says(h.Get("/audit?type=com.freehold.webhook.test"), 200, "freehold.webhook.test", "ada@acme.example")
	stranger := h.NewOrganization("Other")
	if _, err := h.App.Webhook.Test(t.Context(), h.account(h.Account(stranger.ID, "eve@other.example", h.SubscriptionOf(stranger.ID, 5))), estate.WebhookID(strings.TrimPrefix(paths[0], "/webhooks/"))); !estate.HasKind(err, estate.NotFound) {
		t.Errorf("another organization's webhook: %v", err)
	}
}

// TestPerson says what an account owns and has made.
func TestPerson(t *testing.T) {
	h := newHouse(t)
	made := h.Submit("/admin/oauth/new", "/admin/oauth/new", url.Values{"name": {"inventory"}, "scope": {"cloud-console.tenants:read"}})
	h.done(made, "Keep this secret now", "by ada@acme.example")
	h.says(h.Get("/people"), 200, "/people/"+string(h.owner.ID), "2 people", ">you<")
	h.says(h.Get("/people/"+string(h.owner.ID)), 200, "/subscriptions/"+string(h.sub.ID), "/subscriptions/"+string(h.single.ID), "inventory", made.Location)
	h.says(h.Get("/people/acc_nobody"), 404)
	h.says(h.Get("/subscriptions"), 200, "bob@acme.example", "yours")
}
