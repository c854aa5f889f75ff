package org_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// TestBrowser_Pages looks at every page with axe, at two widths, light and dark.
func TestBrowser_Pages(t *testing.T) {
	h := newHouse(t)
	if _, err := h.App.Tenancy.Seed(t.Context(), testenv.Operator, h.Organization.ID, 15); err != nil {
		t.Fatal(err)
	}
	client := h.OrganizationClient(h.Organization.ID)
	region := h.RegionClient(h.sub, "us")
	hook, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: "Billing", URL: "https://hooks.example/", EventTypes: []string{webhook.AllEvents}, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	b := consoletest.Open(t)
	for _, page := range []struct{ name, path, picture string }{
		{"overview", "/", "console-overview.png"},
		{"tenants", "/tenants", "console-tenants.png"},
		{"tenants-filtered", "/tenants?filter=nonsense", ""},
		{"tenants-none", "/tenants?q=nothing", ""},
		{"tenant", "/tenants/" + string(h.tenant.ID), "console-tenant.png"},
		{"deactivate", "/tenants/" + string(h.tenant.ID) + "/deactivate", ""},
		{"subscriptions", "/subscriptions", ""},
		{"subscription", "/subscriptions/" + string(h.sub.ID), "console-subscription.png"},
		{"new-tenant", "/subscriptions/" + string(h.sub.ID) + "/new-tenant", ""},
		{"new-region-client", "/subscriptions/" + string(h.sub.ID) + "/clients/new", ""},
		{"region-client", "/subscriptions/" + string(h.sub.ID) + "/clients/" + string(region.ID), ""},
		{"one-tenant", "/subscriptions/" + string(h.single.ID), ""},
		{"oauth", "/admin/oauth", ""},
		{"oauth-new", "/admin/oauth/new", ""},
		{"client", "/admin/oauth/" + string(client.ID), ""},
		{"rotate", "/admin/oauth/" + string(client.ID) + "/rotate", ""},
		{"audit", "/audit", ""},
		{"webhooks", "/webhooks", ""},
		{"webhook", "/webhooks/" + string(hook.ID), ""},
		{"webhook-new", "/webhooks/new", ""},
		{"people", "/people", ""},
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

// TestBrowser_Flow makes a client, copies nothing, rotates it in a dialog, and
// deletes it, by keyboard where there is a key for it.
func TestBrowser_Flow(t *testing.T) {
	h := newHouse(t)
	b := consoletest.Open(t)
	b.Go(h.URL + "/")
	b.Press("c")
	b.WaitText("No organization clients")
	b.Click(".page-head .btn-primary")
	b.WaitText("Description")
	b.Type("#f-name", "robot")
	b.Click(".btn-primary")
	b.WaitText("Keep this secret now")
	b.Picture("console-secret.png")
	b.Check("secret")
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
	page, err := h.App.Credential.Clients(t.Context(), testenv.Operator, estate.Scope{Organization: h.Organization.ID}, estate.LevelOrganization)
	if err != nil || len(page) != 0 {
		t.Errorf("%d clients left (%v)", len(page), err)
	}
	if strings.Contains(b.Text(), api.ScopeOrgTenantsRead) {
		t.Error("the list still shows the client")
	}
}
