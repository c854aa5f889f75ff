package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// TestBrowser looks at every page, and goes the ways that administrators go through
// them, in one browser at one server.
func TestBrowser(t *testing.T) {
	h := newHome(t)
	b := consoletest.Open(t)
	for _, part := range []struct {
		name string
		flow func(*home, *consoletest.Browser)
	}{
		{"WebClient", webClientFlow},
		{"ClientTypes", clientTypesFlow},
		{"Users", usersFlow},
		{"Groups", groupsFlow},
		{"Roles", rolesFlow},
		{"IdentityProviders", providersFlow},
		{"Spaces", spacesFlow},
		{"Webhook", webhookFlow},
		{"Audit", auditFlow},
		{"Settings", settingsFlow},
		{"Keyboard", keyboardFlow},
		{"Pages", pages},
	} {
		t.Run(part.name, func(t *testing.T) {
			at := *h
			at.t = t
			part.flow(&at, b.For(t))
		})
	}
}

// happened counts the events of a type that have happened.
func (h *home) happened(eventType string) int {
	h.t.Helper()
	page, err := h.App.Trail.List(h.t.Context(), h.actor, event.Query{EventType: eventType, Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(page.Records)
}

// pages looks at every page with axe, at two widths, light and dark.
func pages(h *home, b *consoletest.Browser) {
	t := h.t
	made := func(path string, typed url.Values) string {
		t.Helper()
		answer := h.Submit(path, path, typed)
		if answer.Status != 303 {
			t.Fatalf("%s: %d\n%s", path, answer.Status, answer.Body)
		}
		return answer.Location
	}
	client := made(newClient, url.Values{"type": {"web"}, "name": {"Nightly import"}, "description": {"Loads what came in"}, "scope": {"user_default"}, "grants": {"client_credentials"}, "auth": {"client_secret"}})
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

// submit is the button of the page's form.
const submit = ".form .btn-primary"

// webClientFlow makes a web client, is told off for what is missing, copies the
// secret, rotates it and deletes the client.
func webClientFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin")
	b.WaitText("No OAuth clients")
	b.Check("admin-no-clients")
	b.Click(".page-head .btn-primary")
	b.WaitText("Further scopes")
	b.Type("#f-uri", "https://robot.example.com/")
	b.Click(submit)
	b.WaitText("must have 1 to 256 characters")
	if b.Typed("#f-uri") != "https://robot.example.com/" {
		h.t.Error("what was typed is lost")
	}
	b.Check("admin-client-refused")
	b.Type("#f-name", "robot")
	before := h.happened("com.qlik.core.oauth-client.created")
	b.DoubleClick(submit)
	b.WaitText("Keep this secret now")
	if n := h.happened("com.qlik.core.oauth-client.created") - before; n != 1 {
		h.t.Errorf("a double click made %d clients", n)
	}
	secrets := b.Words(".secret code")
	b.Click(".flow > .field:nth-of-type(2) [data-copy]")
	b.WaitText("Copied")
	if got := b.Clipboard(); len(secrets) != 2 || got != secrets[1] {
		h.t.Error("what was copied is not the secret")
	}
	b.Check("admin-secret")
	b.Go(h.URL + "/admin/oauth")
	b.Click("tbody th a")
	b.Click(`a[href$="/rotate"]`)
	b.WaitText("The present secret goes on working")
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

// clientTypesFlow makes a client of each of the other types, and trusts one.
func clientTypesFlow(h *home, b *consoletest.Browser) {
	for _, kind := range []struct{ value, name, field, typed string }{
		{"spa", "Dashboard", "#f-redirects", "https://app.example.com/back"},
		{"native", "Desktop", "#f-redirects", "http://localhost:8080/"},
		{"anonymous-embed", "Embed", "#f-origins", "https://www.example.com"},
	} {
		b.Go(h.URL + newClient)
		b.Click(`input[name=type][value="` + kind.value + `"]`)
		b.Type("#f-name", kind.name)
		b.Type(kind.field, kind.typed)
		b.Click(submit)
		b.Wait("location.pathname !== '" + newClient + "' || document.querySelector('.problem')")
		b.WaitText(kind.name)
		b.Wait("document.querySelector('.facts')")
		b.WaitText(kind.typed)
	}
	b.Go(h.URL + "/admin/oauth?q=Dash")
	b.WaitText("1 client")
	b.Click("tbody th a")
	b.Click(`form[action$="/consent"] button`)
	b.WaitText("trusted")
}

// usersFlow invites somebody, gives a user a role, makes a sign-in link, searches,
// and deletes the user.
func usersFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("u")
	b.WaitText("Invite")
	b.Click(".page-head .btn-primary")
	b.Type("#f-emails", "not an address")
	b.Click(submit)
	b.Wait("document.querySelector('#f-emails-error')")
	if b.Typed("#f-emails") != "not an address" {
		h.t.Error("what was typed is lost")
	}
	b.Type("#f-emails", "lea@acme.example")
	b.DoubleClick(submit)
	b.WaitText("Invited: lea@acme.example.")
	b.Type("#f-q", "lea@")
	b.Press(consoletest.Enter)
	b.WaitText("1 user")
	b.Click("tbody th a")
	b.Click("input[name=roles]")
	b.Click(submit)
	b.WaitText("Saved.")
	b.Click(`form[action$="/link"] button`)
	b.WaitText("/login/link/")
	b.Check("admin-user-link")
	b.Click(`a[href$="/delete"]`)
	b.Wait("document.querySelector('#sheet[open] code')")
	b.Type("#sheet #f-confirm", b.Words("#sheet code")[0])
	b.Click("#sheet .btn-error")
	b.WaitText("is gone.")
}

// groupsFlow makes a group and deletes it.
func groupsFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("g")
	b.Click(`a[href="/admin/groups/new"]`)
	b.Click(submit)
	b.Wait("document.querySelector('#f-name-error')")
	b.Go(h.URL + "/admin/groups/new")
	b.Type("#f-name", "Operators")
	before := h.happened("com.freehold.group.create")
	b.DoubleClick(submit)
	b.WaitText("The group Operators is there.")
	if n := h.happened("com.freehold.group.create") - before; n != 1 {
		h.t.Errorf("a double click made %d groups", n)
	}
	b.Back("/admin/groups/new") // sent again from there, it would be refused, or make nothing
	b.Go(h.URL + "/admin/groups?q=Operators")
	b.WaitText("1 group")
	b.Click("tbody th a")
	b.Wait("document.querySelector('.facts')")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Operators")
	b.Click("#sheet .btn-error")
	b.WaitText("is gone")
}

// rolesFlow makes a role of scopes and deletes it.
func rolesFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("r")
	b.Click(`a[href="/admin/roles/new"]`)
	b.Type("#f-name", "Auditors")
	b.Type("#f-scopes", "NOT A SCOPE")
	b.Click(submit)
	b.Wait("document.querySelector('#f-scopes-error')")
	if b.Typed("#f-name") != "Auditors" {
		h.t.Error("what was typed is lost")
	}
	b.Type("#f-scopes", "admin.users:read")
	b.Click(submit)
	b.Wait("document.querySelector('.facts')")
	b.WaitText("Auditors")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Auditors")
	b.Click("#sheet .btn-error")
	b.WaitText("is gone")
}

// providersFlow makes an identity provider, whose test fails, and deletes it.
func providersFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("i")
	b.Click(`a[href="/admin/identity-providers/new-jwt"]`)
	b.Wait("document.querySelector('#f-issuer')")
	b.Type("#f-issuer", "https://login.example.com")
	b.Click(submit)
	b.Wait("document.querySelector('.problem')")
	if b.Typed("#f-issuer") != "https://login.example.com" {
		h.t.Error("what was typed is lost")
	}
	b.Go(h.URL + "/admin/identity-providers/new-oidc")
	b.Type("#f-discovery", nowhere(h.t))
	b.Type("#f-client", "freehold")
	b.Type("#f-password", "secret")
	b.Type("#f-description", "Company")
	b.Type("#f-tolerance", "5")
	b.Click(submit)
	b.Wait("document.querySelector('.facts')")
	b.WaitText("Company")
	b.Click(`a[href$="/delete"]`)
	b.Wait("document.querySelector('#sheet[open] code')")
	b.Type("#sheet #f-confirm", b.Words("#sheet code")[0])
	b.Click("#sheet .btn-error")
	b.WaitText("is gone")
}

// spacesFlow makes a space, adds a member and deletes the space.
func spacesFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("s")
	b.Click(`a[href="/admin/spaces/new"]`)
	b.Click(submit)
	b.Wait("document.querySelector('#f-name-error')")
	b.Type("#f-name", "Finance")
	b.DoubleClick(submit)
	b.Wait("document.querySelector('.facts')")
	b.WaitText("Finance")
	b.Type("#f-who", "nobody@acme.example")
	b.Click("input[name=memberRoles]")
	b.Click(`form[action$="/members"] .btn-primary`)
	b.Wait("document.querySelector('#f-who-error')")
	b.Type("#f-who", "ada@acme.example")
	b.Wait("document.querySelector('input[name=memberRoles]').checked")
	b.Click(`form[action$="/members"] .btn-primary`)
	b.Wait("document.querySelector('tbody')")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Finance")
	b.Click("#sheet .btn-error")
	b.WaitText("is gone")
}

// webhookFlow makes a webhook and sends a test to it.
func webhookFlow(h *home, b *consoletest.Browser) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	b.Go(h.URL + "/admin/oauth")
	b.Press("w")
	b.WaitText("No webhooks")
	b.Click(".page-head .btn-primary")
	b.Type("#f-name", "Pager")
	b.Type("#f-url", server.URL)
	b.Click(submit)
	b.Wait("document.querySelector('#f-types-error')")
	if b.Typed("#f-name") != "Pager" {
		h.t.Error("what was typed is lost")
	}
	b.Click("input[name=types][value='" + webhook.AllEvents + "']")
	b.DoubleClick(submit)
	b.WaitText("is told of what happens from now on")
	b.Click(`form[action$="/test"] button`)
	b.WaitText("The address took the event: it answered 204.")
	b.Click(`a[href$="/delete"]`)
	b.Type("#sheet #f-confirm", "Pager")
	b.Click("#sheet .btn-error")
	b.WaitText("The webhook Pager is gone.")
}

// auditFlow filters what happened in the tenant.
func auditFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("a")
	b.WaitText("Export a day")
	b.Select("#f-type", "com.qlik.core.oauth-client.created")
	b.Click(".toolbar button")
	b.Wait("location.search.includes('oauth-client.created') && document.querySelector('tbody th')")
	if words := b.Words("tbody th"); len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return w != "qlik.core.oauth-client.created" }) {
		h.t.Errorf("the filter leaves %q", words)
	}
	b.Click("tbody th a")
	b.WaitText("Place in the chain")
	b.Check("admin-audit-record")
	b.Back("/admin/audit")
}

// settingsFlow changes the settings of sessions.
func settingsFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("t")
	b.Wait("location.pathname === '/admin/settings'")
	b.WaitText("Settings")
	b.Click(submit)
	b.WaitText("Saved.")
}

// keyboardFlow makes a space and deletes it without a mouse.
func keyboardFlow(h *home, b *consoletest.Browser) {
	b.Go(h.URL + "/admin/oauth")
	b.Press("?")
	b.WaitText("Keyboard shortcuts")
	b.Press(consoletest.Escape)
	b.Press("s")
	b.Wait("location.pathname === '/admin/spaces'")
	b.TabTo(`a[href="/admin/spaces/new"]`)
	b.Press(consoletest.Enter)
	b.Wait("document.querySelector('#f-name')")
	b.TabTo("#f-name")
	b.Write("Typed")
	b.TabTo(submit)
	b.Press(consoletest.Enter)
	b.Wait("document.querySelector('.facts')")
	b.TabTo(`a[href$="/delete"]`)
	b.Press(consoletest.Enter)
	b.Wait("document.querySelector('#sheet[open]')")
	b.TabTo("#sheet #f-confirm")
	b.Write("Typed")
	b.TabTo("#sheet .btn-error")
	b.Press(consoletest.Enter)
	b.WaitText("is gone")
	if strings.Contains(b.At(), "/admin/spaces/") {
		h.t.Errorf("afterwards at %s", b.At())
	}
}
