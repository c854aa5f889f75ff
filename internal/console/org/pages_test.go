package org_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// house is an organization with an owner who is at its console.
type house struct {
	*testenv.Env
	*consoletest.Site
	t      *testing.T
	owner  estate.Account
	actor  estate.Actor
	sub    estate.Subscription
	single estate.Subscription // for one tenant
	other  estate.Subscription // of another owner
	tenant estate.Tenant
}

func newHouse(t *testing.T) *house {
	h := &house{Env: testenv.Open(t), t: t}
	h.sub, h.single, h.other = h.Subscription(10), h.Subscription(1), h.Subscription(10)
	h.owner = h.Account(h.Organization.ID, "ada@acme.example", h.sub, h.single)
	h.Account(h.Organization.ID, "bob@acme.example", h.other)
	h.tenant = h.Tenant(h.sub, "us", "contoso")
	h.Tenant(h.sub, "eu")
	h.Site = h.as(h.owner)
	h.actor = h.account(h.owner)
	return h
}

func (h *house) account(a estate.Account) estate.Actor {
	h.t.Helper()
	actor, err := h.App.SignIn.AccountActor(h.t.Context(), a.Organization, a.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return actor
}

func (h *house) as(a estate.Account) *consoletest.Site {
	h.t.Helper()
	return consoletest.Serve(h.t, h.Env, estate.Surface{Kind: estate.SurfaceConsole}, h.account(a))
}

// says fails the test unless the page is there and says each of texts.
func (h *house) says(answer consoletest.Answer, status int, texts ...string) {
	h.t.Helper()
	if answer.Status != status {
		h.t.Errorf("status %d, want %d:\n%s", answer.Status, status, answer.Body)
	}
	for _, text := range texts {
		if !strings.Contains(answer.Body, text) {
			h.t.Errorf("does not say %q:\n%s", text, answer.Body)
		}
	}
}

// done follows a form that was accepted to what came of it.
func (h *house) done(answer consoletest.Answer, texts ...string) consoletest.Answer {
	h.t.Helper()
	if answer.Status != 303 {
		h.t.Fatalf("status %d:\n%s", answer.Status, answer.Body)
	}
	page := h.Get(answer.Location)
	h.says(page, 200, texts...)
	return page
}

func TestTenants_List(t *testing.T) {
	h := newHouse(t)
	name := h.tenant.Name
	for query, want := range map[string]struct {
		status int
		says   string
		total  string
	}{
		"":              {200, name, "2 tenants"},
		"?q=" + name:    {200, name, "1 tenant"},
		"?q=contoso.us": {200, name, "1 tenant"},
		"?q=http://contoso.us.freehold.localhost:80/": {200, name, "1 tenant"},
		"?q=" + strings.ToUpper(name[:5]):             {200, name, "1 tenant"},
		"?q=nothing":                                  {200, "No tenant matches", ""},
		"?q=%22+or+name+pr":                           {200, "No tenant matches", ""},
		"?region=us-east-1":                           {200, name, "1 tenant"},
		"?status=disabled":                            {200, "No tenant matches", ""},
		"?filter=name+eq+%22" + name + "%22":          {200, name, "1 tenant"},
		"?filter=name+%3D+1":                          {422, `aria-describedby="f-filter-error"`, ""},
		"?sort=-createdAt&columns=name,alias":         {200, "contoso.us", "2 tenants"},
		"?columns=nonsense":                           {200, name, "2 tenants"},
		"?filter=subscriptionId+eq+%22nobody%27s%22":  {422, "f-filter-error", ""},
	} {
		answer := h.Get("/tenants" + query)
		if answer.Status != want.status || !strings.Contains(answer.Body, want.says) || !strings.Contains(answer.Body, want.total) {
			t.Errorf("%s: %d, wants %+v", query, answer.Status, want)
		}
	}
	h.says(h.Get("/tenants?sort=-name"), 200, `aria-sort="descending"`)
}

func TestTenant_Change(t *testing.T) {
	h := newHouse(t)
	path := "/tenants/" + string(h.tenant.ID)
	h.says(h.Get(path), 200, "contoso.us.freehold.localhost", "qlik.tenant.created")
	h.done(h.Submit(path, path, url.Values{"name": {"Renamed"}, "alias": {"fabrikam"}, "labels": {"env=prod\r\ntier=gold"}}), "Saved.", "Renamed", "fabrikam.us", "env=prod")
	h.done(h.Submit(path, path, url.Values{"name": {"Renamed"}, "alias": {"fabrikam"}, "labels": {"env=prod\ntier=gold"}}), "Nothing was changed.")
	for name, test := range map[string]struct {
		typed url.Values
		field string
	}{
		"no name":       {url.Values{"name": {""}, "alias": {"fabrikam"}, "labels": {"env=typed"}}, "name"},
		"a bad alias":   {url.Values{"name": {"Renamed"}, "alias": {"Not A Host"}, "labels": {"env=typed"}}, "alias"},
		"a bad label":   {url.Values{"name": {"Renamed"}, "alias": {"fabrikam"}, "labels": {"env=typed\n-=x"}}, "labels"},
		"no label":      {url.Values{"name": {"Renamed"}, "alias": {"fabrikam"}, "labels": {"env=typed\nnonsense"}}, "labels"},
		"a label twice": {url.Values{"name": {"Renamed"}, "alias": {"fabrikam"}, "labels": {"env=typed\nenv=b"}}, "labels"},
	} {
		t.Run(name, func(t *testing.T) {
			h.says(h.Submit(path, path, test.typed), 422, `id="f-`+test.field+`-error"`, "env=typed")
		})
	}
	h.done(h.Submit(path, path+"/protection", nil), "until its protection is turned off")
	h.says(h.Get(path+"/deactivate"), 200, "Deletion protection is on")
	h.done(h.Submit(path, path+"/protection", nil), "protection is off")
}

func TestTenant_Life(t *testing.T) {
	h := newHouse(t)
	path := "/tenants/" + string(h.tenant.ID)
	host := string(h.tenant.Hostname) + ".freehold.localhost"
	h.says(h.Get(path+"/deactivate"), 200, "Nobody can sign in", host)
	h.says(h.Submit(path+"/deactivate", path+"/deactivate", url.Values{"days": {"30"}, "confirm": {"wrong"}}), 422, "This is not the tenant&#39;s host name.", `value="wrong"`)
	h.says(h.Submit(path+"/deactivate", path+"/deactivate", url.Values{"days": {"1"}, "confirm": {host}}), 422, `id="f-days-error"`)
	h.says(h.Submit(path+"/deactivate", path+"/deactivate", url.Values{"days": {"many"}, "confirm": {host}}), 422, `id="f-days-error"`, `value="many"`)
	form := h.Form(path+"/deactivate", path+"/deactivate", url.Values{"days": {"30"}, "confirm": {host}})
	h.done(h.Post(path+"/deactivate", form), "is deactivated", "Reactivate")
	h.says(h.Submit(path+"/reactivate", path+"/reactivate", url.Values{"confirm": {"x"}}), 422, "This is not the tenant&#39;s host name.")
	h.done(h.Submit(path+"/reactivate", path+"/reactivate", url.Values{"confirm": {host}}), "is active again")
	if again := h.Post(path+"/deactivate", form); again.Status != 303 { // from the browser's history
		t.Errorf("a second time: %d", again.Status)
	}
	if now, err := h.App.Tenancy.TenantFor(t.Context(), testenv.Operator, h.Organization.ID, h.tenant.ID); err != nil || now.Status != estate.TenantActive {
		t.Errorf("deactivated twice by one form: %v %v", now.Status, err)
	}
}

func TestSubscription_NewTenant(t *testing.T) {
	h := newHouse(t)
	path := "/subscriptions/" + string(h.sub.ID)
	h.says(h.Get("/subscriptions"), 200, string(h.sub.ID), "2 of 10", ">yours<")
	h.says(h.Get(path), 200, "ada@acme.example", "No region clients")
	form := h.Form(path+"/new-tenant", path+"/new-tenant", url.Values{"region": {"us"}, "name": {"Made"}, "email": {"first@x.example"}, "person": {"First"}})
	page := h.done(h.Post(path+"/new-tenant", form), "The tenant Made is there.")
	if again := h.Post(path+"/new-tenant", form); again.Status != 303 {
		t.Errorf("a double click: %d", again.Status)
	}
	h.says(h.Get(path), 200, "3 of 10")
	_ = page
	for name, test := range map[string]struct {
		typed url.Values
		field string
	}{
		"no region":       {url.Values{"name": {"Typed"}}, "region"},
		"a bad alias":     {url.Values{"name": {"Typed"}, "region": {"us"}, "alias": {"no host"}}, "alias"},
		"no such address": {url.Values{"name": {"Typed"}, "region": {"us"}, "email": {"nobody"}}, "email"},
		"no address":      {url.Values{"name": {"Typed"}, "region": {"us"}, "person": {"Nobody"}}, "email"},
		"bad labels":      {url.Values{"name": {"Typed"}, "region": {"us"}, "labels": {"x"}}, "labels"},
	} {
		t.Run(name, func(t *testing.T) {
			h.says(h.Submit(path+"/new-tenant", path+"/new-tenant", test.typed), 422, `id="f-`+test.field+`-error"`, `value="Typed"`)
		})
	}
	h.says(h.Get("/subscriptions/"+string(h.other.ID)), 200, "Only owners of the subscription", "bob@acme.example")
	h.says(h.Get("/subscriptions/"+string(h.other.ID)+"/new-tenant"), 403, "Not an owner of the subscription")
	h.says(h.Get("/subscriptions/"+string(h.single.ID)), 200, "This subscription is for one tenant")
	h.says(h.Get("/subscriptions/"+string(h.single.ID)+"/clients/new"), 403, "This subscription is for one tenant", "under Administration, OAuth")
}

// secretOf is the secret that a page shows, if it does.
func secretOf(body string) string {
	_, rest, _ := strings.Cut(body, "Client secret</span>")
	_, rest, _ = strings.Cut(rest, "<code>")
	secret, _, _ := strings.Cut(rest, "</code>")
	return secret
}

func testClients(t *testing.T, h *house, list, base string, typed url.Values, scopes []string) {
	typed["scope"] = scopes
	form := h.Form(base+"/new", base+"/new", typed)
	made := h.Post(base+"/new", form)
	page := h.done(made, "Keep this secret now", "robot")
	secret := secretOf(page.Body)
	if len(secret) < 40 {
		t.Fatalf("no secret: %q", secret)
	}
	again := h.Post(base+"/new", form)
	if again.Location != made.Location {
		t.Errorf("a double click made another: %q, %q", again.Location, made.Location)
	}
	if got := secretOf(h.Get(again.Location).Body); got != secret {
		t.Errorf("the double click's page shows %q", got)
	}
	if strings.Contains(h.Get(made.Location).Body, secret) {
		t.Error("the secret is shown again")
	}
	h.says(h.Get(list), 200, "robot", strings.TrimPrefix(made.Location, base+"/"))

	h.says(h.Submit(made.Location+"/rotate", made.Location+"/rotate", url.Values{"overlap": {"x"}}), 422, `id="f-overlap-error"`)
	rotated := h.done(h.Submit(made.Location+"/rotate", made.Location+"/rotate", url.Values{"overlap": {"3600"}}), "Keep this secret now", "A rotation is running")
	if next := secretOf(rotated.Body); next == secret || next == "" {
		t.Errorf("rotated to %q", next)
	}
	h.says(h.Submit(made.Location+"/rotate", made.Location+"/rotate", url.Values{"overlap": {"0"}}), 422, "Finish or cancel the rotation")
	h.done(h.Submit(made.Location, made.Location+"/rotation/cancel", nil), "The new secret no longer works")
	h.done(h.Submit(made.Location+"/rotate", made.Location+"/rotate", url.Values{"overlap": {"3600"}}), "A rotation is running")
	h.done(h.Submit(made.Location, made.Location+"/rotation/finish", nil), "no longer work")

	h.says(h.Submit(base+"/new", base+"/new", url.Values{"name": {"typed"}}), 422, "Choose at least one scope.", `value="typed"`)
	h.says(h.Submit(made.Location+"/delete", made.Location+"/delete", url.Values{"confirm": {"no"}}), 422, "This is not the client&#39;s name.")
	h.done(h.Submit(made.Location+"/delete", made.Location+"/delete", url.Values{"confirm": {"robot"}}), "is gone")
	h.says(h.Get(made.Location), 404)
}

func TestClients_Region(t *testing.T) {
	h := newHouse(t)
	path := "/subscriptions/" + string(h.sub.ID)
	h.says(h.Submit(path+"/clients/new", path+"/clients/new", url.Values{"name": {"typed"}, "scope": api.RegionScopes()}), 422, `id="f-region-error"`, `value="typed"`)
	testClients(t, h, path+"?region=us", path+"/clients", url.Values{"name": {"robot"}, "region": {"us"}}, api.RegionScopes())
}

func TestClients_Organization(t *testing.T) {
	h := newHouse(t)
	h.says(h.Get("/admin/oauth"), 200, "No organization clients")
	h.says(h.Submit("/admin/oauth/new", "/admin/oauth/new", url.Values{"description": {"typed"}, "scope": {api.ScopeOrgTenantsRead}}), 422, `id="f-name-error"`, "typed")
	testClients(t, h, "/admin/oauth?q=rob&sort=-createdAt&status=active", "/admin/oauth", url.Values{"name": {"robot"}}, []string{api.ScopeOrgTenantsRead})
	c := h.OrganizationClient(h.Organization.ID)
	if _, err := h.App.Credential.SetClientEnabled(t.Context(), testenv.Operator, h.Organization.ID, c.ID, false); err != nil {
		t.Fatal(err)
	}
	h.says(h.Get("/admin/oauth?status=active"), 200, "No client matches")
	h.says(h.Get("/admin/oauth?status=disabled"), 200, string(c.ID), "1 client")
	region := h.RegionClient(h.sub, "eu")
	h.says(h.Get("/admin/oauth?subscription="+string(h.sub.ID)+"&region=eu"), 200, string(region.ID))
	h.says(h.Get("/admin/oauth?subscription="+string(h.sub.ID)+"&region=us"), 200, "No client matches")
	h.says(h.Get("/admin/oauth?subscription="+string(h.other.ID)), 403)
}

func TestOverview(t *testing.T) {
	h := newHouse(t)
	unused := h.OrganizationClient(h.Organization.ID)
	ending := h.RegionClient(h.sub, "us")
	h.Clock.Advance(48 * time.Hour)
	realm := credential.Realm{Level: estate.LevelRegion, Scope: estate.Scope{Organization: h.Organization.ID, Subscription: h.sub.ID}}
	if _, err := h.App.Credential.CreateSecret(t.Context(), h.actor, realm, ending.ID, h.Clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	h.says(h.Get("/"), 200, "<b>2</b> tenants", "<b>2</b> active", "2 of 10", "/admin/oauth/"+string(unused.ID), "/clients/"+string(ending.ID), "Tenants by region", "2 in 30 days", "<b>19</b> places left of 21")
}

func TestAudit(t *testing.T) {
	h := newHouse(t)
	day := h.Clock.Now().UTC().Format(time.DateOnly)
	h.says(h.Get("/audit?from="+day+"&until="+day), 200, "qlik.tenant.created")
	h.says(h.Get("/audit?tenant="+string(h.tenant.ID)+"&type=com.qlik.tenant.created"), 200, string(h.tenant.ID))
	h.says(h.Get("/audit?from=someday"), 422, `id="f-from-error"`)
	h.says(h.Get("/audit?type=nothing"), 200, "Nothing happened")
	body := h.Get("/audit").Body
	_, rest, _ := strings.Cut(body, `href="/audit/`)
	for !strings.HasPrefix(rest, "export") {
		id, _, _ := strings.Cut(rest, `"`)
		h.says(h.Get("/audit/"+id), 200, "Place in the chain", id)
		break
	}
	if export := h.Get("/audit/export?day=" + day); export.Status != 200 || !strings.Contains(export.Body, string(h.tenant.ID)) || export.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("export: %d %s", export.Status, export.Body)
	}
	h.says(h.Get("/audit/export?day=x"), 400)
}

func TestWebhooks(t *testing.T) {
	h := newHouse(t)
	h.says(h.Get("/webhooks"), 200, "No webhooks")
	typed := url.Values{"name": {"hook"}, "url": {"https://hooks.example/x"}, "types": {webhook.AllEvents}, "enabled": {"yes"}}
	made := h.Submit("/webhooks/new", "/webhooks/new", typed)
	h.done(made, "from now on", "hooks.example", "everything")
	h.done(h.Submit(made.Location, made.Location+"/enabled", nil), "The webhook is disabled.")
	h.done(h.Submit(made.Location, made.Location+"/enabled", nil), "The webhook is enabled.")
	typed["name"] = []string{"renamed"}
	h.done(h.Submit(made.Location+"/edit", made.Location+"/edit", typed), "Saved.", "renamed")
	for field, value := range map[string]string{"name": "", "url": "nonsense", "secret": "short"} {
		bad := url.Values{"name": {"typed"}, "url": {"https://hooks.example/typed"}, "types": {webhook.AllEvents}}
		bad[field] = []string{value}
		h.says(h.Submit("/webhooks/new", "/webhooks/new", bad), 422, `id="f-`+field+`-error"`, "typed")
		h.says(h.Submit(made.Location+"/edit", made.Location+"/edit", bad), 422, `id="f-`+field+`-error"`, "typed")
	}
	h.says(h.Submit("/webhooks/new", "/webhooks/new", url.Values{"name": {"typed"}, "url": {"https://hooks.example/"}}), 422, `id="f-types-error"`)
	h.says(h.Submit(made.Location+"/delete", made.Location+"/delete", url.Values{"confirm": {"x"}}), 422, "This is not the webhook&#39;s name.")
	h.done(h.Submit(made.Location+"/delete", made.Location+"/delete", url.Values{"confirm": {"renamed"}}), "is gone")
}

// TestPages_Reach shows each page to who may not see it: an account that owns
// nothing, one of another organization, nobody.
func TestPages_Reach(t *testing.T) {
	h := newHouse(t)
	client := h.OrganizationClient(h.Organization.ID)
	region := h.RegionClient(h.sub, "us")
	hook, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: "hook", URL: "https://hooks.example/", EventTypes: []string{webhook.AllEvents}})
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := h.App.Provision.Create(t.Context(), h.actor, h.sub.ID, api.CreateProvisionerRequest{Name: "network", URL: "https://hooks.example/p"})
	if err != nil {
		t.Fatal(err)
	}
	guest := h.as(h.Account(h.Organization.ID, "guest@acme.example"))
	other := h.NewOrganization("Other")
	stranger := h.as(h.Account(other.ID, "eve@other.example", h.SubscriptionOf(other.ID, 5)))
	nobody := consoletest.Serve(t, h.Env, estate.Surface{Kind: estate.SurfaceConsole}, estate.Actor{})
	own := []string{"/", "/tenants", "/subscriptions", "/admin/oauth", "/admin/oauth/new", "/audit", "/webhooks", "/webhooks/new", "/people", "/audit/verify"}
	things := []string{
		"/tenants/" + string(h.tenant.ID), "/tenants/" + string(h.tenant.ID) + "/deactivate", "/tenants/" + string(h.tenant.ID) + "/reactivate",
		"/subscriptions/" + string(h.sub.ID), "/subscriptions/" + string(h.sub.ID) + "/new-tenant", "/subscriptions/" + string(h.sub.ID) + "/clients/new",
		"/subscriptions/" + string(h.sub.ID) + "/clients/" + string(region.ID), "/admin/oauth/" + string(client.ID), "/admin/oauth/" + string(client.ID) + "/delete",
		"/webhooks/" + string(hook.ID), "/webhooks/" + string(hook.ID) + "/edit", "/subscriptions/" + string(h.sub.ID) + "/provisioners/new",
		"/subscriptions/" + string(h.sub.ID) + "/provisioners/" + string(made.ID), "/people/" + string(h.owner.ID),
	}
	for _, path := range append(own, things...) {
		h.says(h.Get(path), 200)
		h.says(guest.Get(path), 403, "guest@acme.example", "freehold operator subscription update")
		if answer := nobody.Get(path); answer.Status != 303 || !strings.HasPrefix(answer.Location, "/login") {
			t.Errorf("%s, nobody: %d to %s", path, answer.Status, answer.Location)
		}
		body := stranger.Get(path).Body
		for _, secret := range []string{string(h.tenant.Hostname), string(client.ID) + `</`, string(region.ID) + `</`, "hooks.example", "ada@acme.example", string(h.sub.ID) + `</`} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows %s to another organization", path, secret)
			}
		}
	}
	for _, path := range things {
		if answer := stranger.Get(path); answer.Status != 404 && answer.Status != 403 {
			t.Errorf("%s, another organization: %d", path, answer.Status)
		}
	}
}
