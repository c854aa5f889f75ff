package org_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/savedview"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// TestBrowser looks at every page, and goes the ways that people go through them,
// in one browser at one server.
func TestBrowser(t *testing.T) {
	h := newHouse(t)
	if _, err := h.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, h.sub.ID, tenancy.SubscriptionUpdate{TenantLimit: 100}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.App.Tenancy.Seed(t.Context(), testenv.Operator, h.Organization.ID, tenancy.SeedPlan{Tenants: 12}); err != nil {
		t.Fatal(err)
	}
	b := consoletest.Open(t)
	for _, part := range []struct {
		name string
		flow func(*house, *consoletest.Browser)
	}{
		{"Pages", pages},
		{"Tenants", tenantsFlow},
		{"Views", viewsFlow},
		{"Life", lifeFlow},
		{"Subscription", subscriptionFlow},
		{"RegionClient", regionClientFlow},
		{"Provisioner", provisionerFlow},
		{"OAuth", oauthFlow},
		{"Keyboard", keyboardFlow},
		{"Audit", auditFlow},
		{"Webhooks", webhooksFlow},
		{"People", peopleFlow},
	} {
		t.Run(part.name, func(t *testing.T) {
			at := *h
			at.t = t
			part.flow(&at, b.For(t))
		})
	}
}

// happened counts the events of a type that have happened.
func (h *house) happened(eventType string) int {
	h.t.Helper()
	page, err := h.App.Trail.List(h.t.Context(), h.actor, event.Query{EventType: eventType, Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(page.Records)
}

// pages looks at every page with axe, at two widths, light and dark.
func pages(h *house, b *consoletest.Browser) {
	t := h.t
	client := h.OrganizationClient(h.Organization.ID)
	region := h.RegionClient(h.sub, "us")
	hook, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: "Billing", URL: "https://hooks.example/", EventTypes: []string{webhook.AllEvents}, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	network, _, err := h.App.Provision.Create(t.Context(), h.actor, h.single.ID, api.CreateProvisionerRequest{Name: "Network", URL: "https://network.example/tenants"})
	if err != nil {
		t.Fatal(err)
	}
	views := savedview.Service{Store: h.App.Store, Now: h.Clock.Now}
	view, err := views.Save(t.Context(), h.actor, "tenants", "Active, in this quarter, by subscription and region", "status=active")
	if err != nil {
		t.Fatal(err)
	}
	sub, single := "/subscriptions/"+string(h.sub.ID), "/subscriptions/"+string(h.single.ID)
	for _, page := range []struct{ name, path, picture string }{
		{"overview", "/", "console-overview.png"},
		{"tenants", "/tenants", "console-tenants.png"},
		{"tenants-filtered", "/tenants?filter=nonsense", ""},
		{"tenants-none", "/tenants?q=nothing", ""},
		{"tenants-one", "/tenants?q=contoso.us", ""},
		{"tenant", "/tenants/" + string(h.tenant.ID), "console-tenant.png"},
		{"tenant-new", "/tenants/new", ""},
		{"deactivate", "/tenants/" + string(h.tenant.ID) + "/deactivate", ""},
		{"view", "/views/tenants/new?query=status%3Dactive", ""},
		{"view-rename", "/views/tenants/" + string(view.ID) + "/rename", ""},
		{"subscriptions", "/subscriptions", ""},
		{"subscription", sub, "console-subscription.png"},
		{"new-tenant", sub + "/new-tenant", ""},
		{"new-region-client", sub + "/clients/new", ""},
		{"region-client", sub + "/clients/" + string(region.ID), ""},
		{"provisioner-new", sub + "/provisioners/new", ""},
		{"provisioner", single + "/provisioners/" + string(network.ID), ""},
		{"provisioner-rotate", single + "/provisioners/" + string(network.ID) + "/rotate", ""},
		{"provisioner-delete", single + "/provisioners/" + string(network.ID) + "/delete", ""},
		{"one-tenant", single, ""},
		{"oauth", "/admin/oauth", ""},
		{"oauth-new", "/admin/oauth/new", ""},
		{"client", "/admin/oauth/" + string(client.ID), ""},
		{"rotate", "/admin/oauth/" + string(client.ID) + "/rotate", ""},
		{"audit", "/audit", "console-audit.png"},
		{"audit-verify", "/audit/verify", ""},
		{"webhooks", "/webhooks", ""},
		{"webhook", "/webhooks/" + string(hook.ID), ""},
		{"webhook-new", "/webhooks/new", ""},
		{"people", "/people", ""},
		{"person", "/people/" + string(h.owner.ID), ""},
	} {
		b.Go(h.URL + page.path)
		if page.picture != "" {
			b.Picture(page.picture)
		}
		b.Check(page.name)
	}
	guest := h.as(h.Account(h.Organization.ID, "guest@acme.example"))
	b.Go(guest.URL + "/")
	b.Check("no-owner")
}

const columnHeaders = "[...document.querySelectorAll('th[data-column]')].map((th) => th.dataset.column).join()"

// tenantsFlow searches, filters, sorts, and arranges the columns by mouse and by
// keyboard.
func tenantsFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/")
	b.Press("t")
	b.Wait("location.pathname === '/tenants'")
	b.WaitText("tenants")
	b.Press("/")
	b.Wait("document.activeElement.id === 'f-q'")
	b.Write("contoso.us")
	b.Press(consoletest.Enter)
	b.WaitText("1 tenant")
	if b.Typed("#f-q") != "contoso.us" {
		h.t.Error("what was searched for is gone")
	}
	b.Click(".toolbar .btn-ghost")
	b.Wait("location.search === ''")
	b.Select("#f-status", "disabled")
	b.Click(".toolbar button")
	b.WaitText("No tenant matches")
	b.Go(h.URL + "/tenants")
	b.Click("th[data-column=created] a")
	b.Wait("document.querySelector('th[data-column=created]').ariaSort === 'ascending'")
	first := b.Words("tbody tr:first-child th")
	b.Click("th[data-column=created] a")
	b.Wait("document.querySelector('th[data-column=created]').ariaSort === 'descending'")
	if slices.Equal(first, b.Words("tbody tr:first-child th")) {
		h.t.Error("the order is the same")
	}

	b.Drag("th[data-column=region]", "th[data-column=name]")
	b.Wait(columnHeaders + ".startsWith('region,name,status')")
	b.Wait("document.querySelector('th[data-column=created]').ariaSort === 'descending'") // it stays sorted
	b.Focus("th[data-column=region] a")
	b.PressWith(consoletest.ArrowRight, kb.ModifierShift)
	b.Wait(columnHeaders + ".startsWith('name,region,status')")
	b.Wait("document.activeElement.closest('th')?.dataset.column === 'region'") // and may be moved on
	b.Click(".list-bar .popup:nth-of-type(2) summary")
	b.Check("columns-menu")
	b.Click(`a[aria-label="Hide Status"]`)
	b.Wait("!document.querySelector('th[data-column=status]')")
	b.Click(".list-bar .popup:nth-of-type(2) summary")
	b.Click(`a[aria-label="Add Labels"]`)
	b.Wait("document.querySelector('th[data-column=labels]')")
	b.Click(".list-bar .popup:nth-of-type(2) summary")
	b.Press(consoletest.Escape)
	b.Wait("!document.querySelector('details.popup[open]')")
}

// viewsFlow keeps a view, shares its address, renames and deletes it.
func viewsFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/tenants?columns=name,region&sort=-name")
	menu := ".list-bar .popup:first-of-type summary"
	b.Click(menu)
	b.Check("views-menu")
	b.Click(".popup-body a[data-dialog].btn-sm")
	b.WaitText("Keeps the search, filters, order and columns.")
	b.Click("#sheet .btn-primary")
	b.WaitText("must have 1 to 100 characters")
	b.Type("#f-name", "By name")
	b.DoubleClick(".btn-primary")
	b.WaitText("The view By name is saved.")
	b.Click(menu)
	b.Click(`.popup-body [data-copy]`)
	b.WaitText("Copied")
	link := b.Clipboard()
	if !strings.Contains(link, "/tenants?columns=name%2Cregion&sort=-name") {
		h.t.Errorf("the link is %s", link)
	}
	other := h.as(h.Account(h.Organization.ID, "carl@acme.example", h.other))
	b.Go(other.URL + strings.TrimPrefix(link, h.URL))
	b.Wait(columnHeaders + " === 'name,region'")
	b.Go(h.URL + "/tenants")
	b.Wait(columnHeaders + " !== 'name,region'")
	b.Click(menu)
	b.Click(`.popup-list a[href*="sort=-name"]`)
	b.WaitText("in By name")
	b.Click(menu)
	b.Click(`a[aria-label="Rename By name"]`)
	b.Wait("document.querySelector('#sheet #f-name')?.value === 'By name'")
	b.Type("#sheet #f-name", "Backwards")
	b.Press(consoletest.Enter)
	b.WaitText("The view is called Backwards.")
	b.Click(menu)
	b.Click(`button[aria-label="Delete the view Backwards"]`)
	b.WaitText("The view Backwards is deleted.")
}

// lifeFlow deactivates a tenant with a typed confirmation and reactivates it. A
// double click does it once, and so does the way back through the history.
func lifeFlow(h *house, b *consoletest.Browser) {
	path := "/tenants/" + string(h.tenant.ID)
	b.Go(h.URL + "/tenants?q=contoso.us")
	b.Click("tbody th a")
	b.WaitText("Deletion protection")
	b.Click(".facts [data-copy]")
	b.WaitText("Copied")
	host := string(h.tenant.Hostname) + ".freehold.localhost"
	if got := b.Clipboard(); got != host {
		h.t.Errorf("copied %q", got)
	}
	b.Click(`a[href$="/deactivate"]`)
	b.WaitText("Nobody can sign in or get a token there")
	b.Type("#sheet #f-days", "30")
	b.Type("#sheet #f-confirm", "something else")
	b.Click("#sheet .btn-error")
	b.WaitText("This is not the tenant's host name.")
	if b.Typed("#f-days") != "30" || b.Typed("#f-confirm") != "something else" {
		h.t.Error("what was typed is lost")
	}
	b.Check("deactivate-refused")
	b.Type("#f-confirm", host)
	b.DoubleClick(".btn-error")
	b.WaitText("is deactivated. It will be purged on")
	if n := h.happened("com.qlik.v1.tenant.deactivated"); n != 1 {
		h.t.Errorf("deactivated %d times", n)
	}
	b.Click(`a[href$="/reactivate"]`)
	b.WaitText("It comes back as it was")
	b.Type("#sheet #f-confirm", host)
	b.Press(consoletest.Enter)
	b.WaitText("is active again.")
	b.Back(path)
	if d, r := h.happened("com.qlik.v1.tenant.deactivated"), h.happened("com.qlik.v1.tenant.reactivated"); d != 1 || r != 1 {
		h.t.Errorf("after a step back, deactivated %d times and reactivated %d times", d, r)
	}
	b.Go(h.URL + path)
	b.Type("#f-name", "")
	b.Type("#f-labels", "env=prod")
	b.Click(`form[action="` + path + `"] .btn-primary`)
	b.WaitText("must")
	if b.Typed("#f-labels") != "env=prod" {
		h.t.Error("the labels are lost")
	}
}

// subscriptionFlow makes a tenant interactively: the region is chosen, a double
// click makes one, and its first administrator's link is shown once.
func subscriptionFlow(h *house, b *consoletest.Browser) {
	before := h.happened("com.qlik.tenant.created")
	b.Go(h.URL + "/")
	b.Press("s")
	b.WaitText("Validity")
	b.Click(`tbody a[href="/subscriptions/` + string(h.sub.ID) + `"]`)
	b.WaitText("Region clients")
	b.Click(".page-head .btn-primary")
	b.WaitText("First administrator")
	b.Type("#f-name", "Northwind")
	b.Type("#f-email", "mia@northwind.example")
	b.Click(".form .btn-primary")
	b.WaitText("Choose the region")
	if b.Typed("#f-name") != "Northwind" || b.Typed("#f-email") != "mia@northwind.example" {
		h.t.Error("what was typed is lost")
	}
	b.Check("new-tenant-refused")
	b.Click(`input[name=region][value=us]`)
	b.DoubleClick(".form .btn-primary")
	b.WaitText("The tenant Northwind is there.")
	b.WaitText("Sign-in link for mia@northwind.example")
	b.Check("tenant-made")
	b.Click(".secret [data-copy]")
	b.WaitText("Copied")
	if link := b.Clipboard(); !strings.Contains(link, "/login/link/") {
		h.t.Errorf("copied %q", link)
	}
	if n := h.happened("com.qlik.tenant.created") - before; n != 1 {
		h.t.Errorf("a double click made %d tenants", n)
	}
	form := "/subscriptions/" + string(h.sub.ID) + "/new-tenant"
	b.Go(h.URL + form)
	b.Type("#f-name", "Tailspin")
	b.Click(`input[name=region][value=us]`)
	b.Click(".form .btn-primary")
	b.WaitText("The tenant Tailspin is there.")
	b.Back(form)
	if n := h.happened("com.qlik.tenant.created") - before; n != 2 {
		h.t.Errorf("after a step back there are %d tenants", n)
	}
}

// regionClientFlow makes a client of a region, refreshes its secret with an overlap,
// ends that, and deletes the client.
func regionClientFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/subscriptions/" + string(h.sub.ID))
	b.Click(`a[href$="/clients/new"]`)
	b.WaitText("Scopes")
	b.Click(".form .btn-primary")
	b.WaitText("Choose the region whose tenants the client is for.")
	b.Click(`input[name=region][value=eu]`)
	b.Type("#f-name", "terraform")
	b.DoubleClick(".form .btn-primary")
	b.WaitText("Keep this secret now")
	b.Click(".secret:has(code) [data-copy]")
	b.WaitText("Copied")
	b.Click(`a[href$="/rotate"]`)
	b.WaitText("The present secret goes on working")
	b.Select("#sheet #f-overlap", "604800")
	b.Click("#sheet .btn-primary")
	b.WaitText("A rotation is running")
	b.WaitText("The secret before it works until")
	b.Click(`form[action$="/rotation/finish"] button`)
	b.WaitText("The secrets before the new one no longer work.")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "terraform")
	b.Click("#sheet .btn-error")
	b.WaitText("The client terraform is gone")
	clients, err := h.App.Credential.Clients(h.t.Context(), testenv.Operator, estate.Scope{Organization: h.Organization.ID, Subscription: h.sub.ID}, estate.LevelRegion)
	if err != nil || slices.ContainsFunc(clients, func(c estate.Client) bool { return c.Name == "terraform" }) {
		h.t.Errorf("the client is still there (%v)", err)
	}
}

// provisionerFlow registers, changes and removes a provisioner.
func provisionerFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/subscriptions/" + string(h.single.ID))
	b.Click(`a[href$="/provisioners/new"]`)
	b.WaitText("Gets each change of a tenant by POST")
	b.Type("#f-name", "Databases")
	b.Type("#f-url", "nonsense")
	b.Click(".form .btn-primary")
	b.Wait("document.querySelector('#f-url-error')")
	if b.Typed("#f-name") != "Databases" || b.Typed("#f-url") != "nonsense" {
		h.t.Error("what was typed is lost")
	}
	b.Type("#f-url", "https://databases.example/tenants")
	b.DoubleClick(".form .btn-primary")
	b.WaitText("Keep this secret now")
	b.Check("provisioner-made")
	b.Click(".secret [data-copy]")
	b.WaitText("Copied")
	if secret := b.Clipboard(); !strings.HasPrefix(secret, "whsec_") {
		h.t.Errorf("copied %q", secret)
	}
	if all, err := h.App.Provision.List(h.t.Context(), h.actor, h.single.ID); err != nil || len(all) > 2 {
		h.t.Errorf("a double click made more than one: %d (%v)", len(all), err)
	}
	b.Type("#f-name", "Database servers")
	b.Click(".panel .btn-primary")
	b.WaitText("Saved.")
	b.Click(`a[href$="/rotate"]`)
	b.Click("#sheet .btn-primary")
	b.WaitText("Keep this secret now")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Database servers")
	b.Click("#sheet .btn-error")
	b.WaitText("The provisioner Database servers is gone")
}

// oauthFlow makes an organization client, copies its secret, rotates and deletes it.
func oauthFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Click(".page-head .btn-primary")
	b.WaitText("Description")
	b.Type("#f-description", "Reads the whole estate")
	b.Click(".form .btn-primary")
	b.WaitText("A name is needed.")
	if b.Typed("#f-description") != "Reads the whole estate" {
		h.t.Error("what was typed is lost")
	}
	b.Type("#f-name", "robot")
	before := h.happened("com.qlik.core.oauth-client.created")
	b.DoubleClick(".form .btn-primary")
	b.WaitText("Keep this secret now")
	if n := h.happened("com.qlik.core.oauth-client.created") - before; n != 1 {
		h.t.Errorf("a double click made %d clients", n)
	}
	b.Picture("console-secret.png")
	b.Check("secret")
	secrets := b.Words(".secret code")
	b.Click(".flow > .field:nth-of-type(2) [data-copy]")
	b.WaitText("Copied")
	if got := b.Clipboard(); len(secrets) != 2 || got != secrets[1] {
		h.t.Error("what was copied is not the secret")
	}
	b.Go(h.URL + "/admin/oauth?q=rob")
	b.WaitText("1 client")
	if strings.Contains(b.Text(), secrets[1]) {
		h.t.Error("the secret is shown twice")
	}
	b.Click("tbody [data-copy]")
	b.WaitText("Copied")
	if got := b.Clipboard(); got != secrets[0] {
		h.t.Error("what was copied is not the client id")
	}
	b.Click("th[data-column=updated] a")
	b.Wait("document.querySelector('th[data-column=updated]').ariaSort === 'ascending'")
	b.Drag("th[data-column=id]", "th[data-column=name]")
	b.Wait(columnHeaders + ".startsWith('id,name')")
	b.Select("#f-status", "disabled")
	b.Click(".toolbar button")
	b.WaitText("No client matches")
	b.Go(h.URL + "/admin/oauth?subscription=" + string(h.sub.ID) + "&region=us")
	b.WaitText("US OAuth Client")
	b.Go(h.URL + "/admin/oauth/" + secrets[0])
	b.Click(`a[href$="/rotate"]`)
	b.WaitText("The present secret goes on working")
	b.Check("rotate-dialog")
	b.Click("#sheet .btn-primary")
	b.WaitText("A rotation is running")
	b.Click(`a[href$="/delete"]`)
	b.WaitText("It can't be taken back")
	b.Type("#sheet #f-confirm", "wrong")
	b.Click("#sheet .btn-error")
	b.WaitText("This is not the client's name.")
	b.Type("#f-confirm", "robot")
	b.Click(".btn-error")
	b.WaitText("The client robot is gone")
}

// keyboardFlow makes a client and deletes it without a mouse.
func keyboardFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/")
	b.Press("?")
	b.WaitText("Keyboard shortcuts")
	b.Check("shortcuts")
	b.Press(consoletest.Escape)
	b.Wait("!document.querySelector('dialog[open]')")
	b.TabTo(".skip")
	b.Press("c")
	b.Wait("location.pathname === '/admin/oauth'")
	b.TabTo(".page-head .btn-primary")
	b.Press(consoletest.Enter)
	b.WaitText("Description")
	b.TabTo("#f-name")
	b.Write("typist")
	b.TabTo(".form .btn-primary")
	b.Press(consoletest.Enter)
	b.WaitText("Keep this secret now")
	b.TabTo(".secret [data-copy]")
	b.Press(consoletest.Enter)
	b.WaitText("Copied")
	b.TabTo(`a[href$="/delete"]`)
	b.Press(consoletest.Enter)
	b.Wait("document.querySelector('#sheet[open]')")
	b.TabTo("#sheet #f-confirm")
	b.Write("typist")
	b.TabTo("#sheet .btn-error")
	b.Press(consoletest.Enter)
	b.WaitText("The client typist is gone")

	b.Press("t") // and a tenant is deactivated and reactivated
	b.Wait("location.pathname === '/tenants' && document.querySelector('.list-bar')")
	b.Press("/")
	b.Write("contoso.us")
	b.Press(consoletest.Enter)
	b.WaitText("1 tenant")
	b.TabTo("tbody th a")
	b.Press(consoletest.Enter)
	b.WaitText("Deletion protection")
	word := strings.Split(b.Words(".facts .mono")[0], " ")[0]
	for _, way := range []struct{ link, said string }{{"/deactivate", "is deactivated."}, {"/reactivate", "is active again."}} {
		b.TabTo(`a[href$="` + way.link + `"]`)
		b.Press(consoletest.Enter)
		b.Wait("document.querySelector('#sheet[open]')")
		b.TabTo("#sheet #f-confirm")
		b.Write(word)
		b.Press(consoletest.Enter)
		b.WaitText(way.said)
	}
}

// auditFlow filters the trail, opens an event, and verifies the chain.
func auditFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/")
	b.Press("a")
	b.WaitText("Export a day")
	b.Select("#f-type", "com.qlik.tenant.created")
	b.Click(".toolbar button")
	b.Wait("location.search.includes('type=com.qlik.tenant.created') && document.querySelector('tbody th')")
	if words := b.Words("tbody th"); len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return w != "qlik.tenant.created" }) {
		h.t.Errorf("the filter leaves %q", words)
	}
	b.Click("tbody th a")
	b.WaitText("Place in the chain")
	b.Check("audit-record")
	b.Go(h.URL + "/audit")
	b.Click(`a[href="/audit/verify"]`)
	b.Type("#f-noted", "nonsense")
	b.Click(".panel .btn-primary")
	b.WaitText("Write it as it was shown")
	b.Type("#f-noted", "")
	b.Click(".panel .btn-primary")
	b.WaitText("records are as they were written")
	b.Check("audit-verified")
	b.Click(".secret [data-copy]")
	b.WaitText("Copied")
}

// webhooksFlow makes a webhook, sends a test to it, and sends that once more.
func webhooksFlow(h *house, b *consoletest.Browser) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	b.Go(h.URL + "/")
	b.Press("w")
	b.Wait("location.pathname === '/webhooks'")
	b.Click(`.page-head a[href="/webhooks/new"]`)
	b.Type("#f-name", "Pager")
	b.Type("#f-url", "nonsense")
	b.Click("input[name=types][value='" + webhook.AllEvents + "']")
	b.Click(".form .btn-primary")
	b.Wait("document.querySelector('#f-url-error')")
	if b.Typed("#f-name") != "Pager" || b.Typed("#f-url") != "nonsense" {
		h.t.Error("what was typed is lost")
	}
	b.Type("#f-url", server.URL)
	b.DoubleClick(".form .btn-primary")
	b.WaitText("is told of what happens from now on")
	b.Click(`form[action$="/test"] button`)
	b.WaitText("The address took the event: it answered 204.")
	b.Check("webhook-tested")
	b.Click(`form[action$="/resend"] button`)
	b.Wait("document.querySelectorAll('tbody tr').length >= 2")
	b.WaitText("The address took the event")
	b.Click(`form[action$="/enabled"] button`)
	b.WaitText("The webhook is disabled.")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Pager")
	b.Click("#sheet .btn-error")
	b.WaitText("The webhook Pager is gone.")
}

// peopleFlow finds out who owns what.
func peopleFlow(h *house, b *consoletest.Browser) {
	b.Go(h.URL + "/")
	b.Press("p")
	b.WaitText("bob@acme.example")
	b.Click(`tbody a[href="/people/` + string(h.owner.ID) + `"]`)
	b.WaitText("Subscriptions that the account owns")
	b.Click(`tbody a[href="/subscriptions/` + string(h.single.ID) + `"]`)
	b.WaitText("This subscription is for one tenant")
}
