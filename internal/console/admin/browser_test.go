package admin_test

import (
	"net/url"
	"testing"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// TestBrowser_Pages looks at every page with axe, light and dark.
func TestBrowser_Pages(t *testing.T) {
	h := newHome(t)
	b := consoletest.Open(t)
	b.Go(h.URL + "/admin")
	b.WaitText("No OAuth clients")
	b.Check("no-clients")

	made := func(path string, typed url.Values) string {
		t.Helper()
		answer := h.Submit(path, path, typed)
		if answer.Status != 303 {
			t.Fatalf("%s: %d\n%s", path, answer.Status, answer.Body)
		}
		return answer.Location
	}
	client := made(newClient, url.Values{"type": {"web"}, "name": {"Nightly import"}, "description": {"Loads what came in"}, "scope": {"user_default"}, "grants": {"client_credentials"}, "auth": {"client_secret"}})
	made(newClient, url.Values{"type": {"spa"}, "name": {"Dashboard"}, "scope": {"user_default"}, "redirects": {"https://app.example.com/back"}, "trusted": {"yes"}})
	made(newClient, url.Values{"type": {"native"}, "name": {"Desktop"}, "scope": {"user_default"}, "redirects": {"http://localhost:8080/"}})
	federated := made(newClient, url.Values{
		"type": {"web"}, "name": {"Deployment"}, "scope": {"user_default", "admin_classic"}, "grants": {"client_credentials"}, "auth": {"federation"},
		"issuerName": {"ci"}, "issuer": {"https://ci.example.com"}, "audience": {"freehold"}, "subject": {"repo:acme/estate"},
	})
	user := h.user(h.tenant, "Mia")
	if _, err := h.App.Directory.InviteUsers(t.Context(), h.actor, []directory.Invitee{{Email: "leo@acme.example"}}); err != nil {
		t.Fatal(err)
	}
	group := made("/admin/groups/new", url.Values{"name": {"Staff"}, "from": {"custom"}})
	role := made("/admin/roles/new", url.Values{"name": {"Helpdesk"}, "scopes": {"admin.users:read"}})
	space := made("/admin/spaces/new", url.Values{"name": {"Sales"}, "type": {"shared"}})
	h.Submit(space, space+"/members", url.Values{"kind": {"user"}, "who": {"mia@acme.example"}, "memberRoles": {"consumer"}})
	idp := made("/admin/identity-providers/new-oidc", url.Values{
		"make": {"keycloak"}, "discovery": {nowhere(t)}, "client": {"freehold"}, "password": {"secret"}, "tolerance": {"5"}, "description": {"Company"},
	})
	_, _ = h.App.SignIn.BeginTest(t.Context(), h.actor, h.surface(h.tenant), estate.IdentityProviderID(idp[len("/admin/identity-providers/"):])) // fails, which is shown
	hook, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: "Billing", URL: "https://hooks.example/", EventTypes: []string{webhook.AllEvents}, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []struct{ name, path, picture string }{
		{"clients", "/admin/oauth", "console-admin.png"},
		{"clients-none", "/admin/oauth?q=nothing", ""},
		{"client-new", newClient, ""},
		{"client", client, ""},
		{"client-federated", federated, ""},
		{"client-edit", client + "/edit", ""},
		{"client-rotate", client + "/rotate", ""},
		{"client-delete", client + "/delete", ""},
		{"federation-new", client + "/federation/new", ""},
		{"users", "/admin/users", ""},
		{"user", "/admin/users/" + string(user.ID), ""},
		{"user-new", "/admin/users/new", ""},
		{"invite", "/admin/users/invite", ""},
		{"groups", "/admin/groups", ""},
		{"group", group, ""},
		{"group-new", "/admin/groups/new", ""},
		{"group-settings", "/admin/groups/settings", ""},
		{"roles", "/admin/roles", ""},
		{"role", role, ""},
		{"role-new", "/admin/roles/new", ""},
		{"providers", "/admin/identity-providers", ""},
		{"provider", idp, ""},
		{"provider-edit", idp + "/edit", ""},
		{"provider-oidc", "/admin/identity-providers/new-oidc", ""},
		{"provider-jwt", "/admin/identity-providers/new-jwt", ""},
		{"webhooks", "/admin/webhooks", ""},
		{"webhook", "/admin/webhooks/" + string(hook.ID), ""},
		{"webhook-new", "/admin/webhooks/new", ""},
		{"audit", "/admin/audit", ""},
		{"spaces", "/admin/spaces", ""},
		{"space", space, ""},
		{"space-new", "/admin/spaces/new", ""},
		{"settings", "/admin/settings", ""},
	} {
		b.Go(h.URL + page.path)
		if page.picture != "" {
			b.Picture(page.picture)
		}
		b.Check("admin-" + page.name)
	}
	guest := h.as(h.tenant, h.actorOf(h.tenant, user))
	b.Go(guest.URL + "/admin/oauth")
	b.WaitText("an administrator of the tenant: Ada")
	b.Check("admin-refused")
}

// TestBrowser_Flow makes a web client, is told off for what is missing, sees the
// secret, and deletes the client.
func TestBrowser_Flow(t *testing.T) {
	h := newHome(t)
	b := consoletest.Open(t)
	b.Go(h.URL + "/admin/users")
	b.Press("c")
	b.WaitText("No OAuth clients")
	b.Click(".page-head .btn-primary")
	b.WaitText("Further scopes")
	b.Type("#f-uri", "https://robot.example.com/")
	b.Click(".panel .btn-primary")
	b.WaitText("must have 1 to 256 characters")
	b.Type("#f-name", "robot")
	b.Click(".panel .btn-primary")
	b.WaitText("Keep this secret now")
	b.Click(`.secret:has(code) button[data-copy]`)
	b.Check("admin-secret")
	b.Click(`a[href$="/rotate"]`)
	b.WaitText("The present secret goes on working")
	b.Click("#sheet .btn-primary")
	b.WaitText("A rotation is running")
	b.Click(`a[href$="/delete"]`)
	b.WaitText("It can't be taken back")
	b.Type("#sheet #f-confirm", "robot")
	b.Click("#sheet .btn-error")
	b.WaitText("The client robot is gone")
}
