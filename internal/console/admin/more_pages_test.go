package admin_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/webhook"
)

func newGroup(name string) directory.NewGroup { return directory.NewGroup{Name: name} }

func roleID(t *testing.T, h *home, name string) string {
	t.Helper()
	page, err := h.App.Directory.ListRoles(t.Context(), h.actor, directory.PageQuery{Filter: `name eq "` + name + `"`, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		t.Fatalf("role %s: %v", name, err)
	}
	return string(page.Items[0].ID)
}

func TestGroups(t *testing.T) {
	h := newHome(t)
	const add = "/admin/groups/new"
	h.says(h.Get("/admin/groups"), 200, "No groups")
	auditor := roleID(t, h, "AuditAdmin")
	h.refused(add, add, url.Values{"description": {"typed"}, "from": {"custom"}}, "name", "typed")
	form := h.Form(add, add, url.Values{"name": {"Staff"}, "from": {"custom"}, "roles": {auditor}})
	made := h.Post(add, form)
	h.done(made, "The group Staff is there.", `value="`+auditor+`" checked`)
	if again := h.Post(add, form); again.Location != made.Location {
		t.Errorf("a double click made another: %q", again.Location)
	}
	h.says(h.Get("/admin/groups?q=sta"), 200, "Staff", "AuditAdmin", "1 group")
	path := made.Location
	h.done(h.Submit(path, path, url.Values{"name": {"Crew"}, "description": {"all"}}), "Saved.", "Crew")
	h.refused(path, path, url.Values{"name": {""}, "description": {"typed"}}, "name", "typed")
	h.refused(path, path, url.Values{"name": {"Crew"}, "description": {strings.Repeat("typed", 300)}}, "description", "typed")
	h.removed(path, "Crew")

	const settings = "/admin/groups/settings"
	h.done(h.Submit(settings, settings, url.Values{"create": {"yes"}, "sync": {"yes"}, "roles": {auditor}}), "Saved.")
	h.says(h.Get(settings), 200, `name="create" value="yes" checked`, `value="`+auditor+`" checked`)
	h.refused(settings, settings, url.Values{"roles": {"nonsense"}}, "roles")
	everyone := "/admin/groups/" + string(estate.GroupEveryone)
	h.done(h.Submit(everyone, everyone, url.Values{}), "Saved.")
}

func TestRoles(t *testing.T) {
	h := newHome(t)
	const add = "/admin/roles/new"
	h.says(h.Get("/admin/roles?type=default"), 200, "TenantAdmin", "built in")
	builtIn := h.Get("/admin/roles/" + roleID(t, h, "TenantAdmin"))
	h.says(builtIn, 200, "built in")
	if strings.Contains(builtIn.Body, "/delete") {
		t.Error("a role that is built in can be deleted")
	}
	h.refused(add, add, url.Values{"scopes": {"typed"}}, "name", "typed")
	h.refused(add, add, url.Values{"name": {"typed"}, "scopes": {"tenants:create"}}, "scopes", `value="typed"`, "tenants:create")
	made := h.Submit(add, add, url.Values{"name": {"Helpdesk"}, "scopes": {"admin.users:read\nusers:read"}})
	h.done(made, "The role Helpdesk is there.", "admin.users:read", "custom")
	path := made.Location
	h.says(h.Get("/admin/roles?q=help&type=custom"), 200, "Helpdesk", "1 role")
	h.done(h.Submit(path, path, url.Values{"name": {"Desk"}, "scopes": {"users:read"}}), "Saved.", "Desk")
	h.refused(path, path, url.Values{"name": {""}, "scopes": {"typed"}}, "name", "typed")
	h.refused(path, path, url.Values{"name": {"typed"}, "scopes": {"NOT A SCOPE"}}, "scopes", "NOT A SCOPE")
	h.removed(path, "Desk")
}

const publicKey = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----`

// nowhere is the discovery URL of a provider that is not there.
func nowhere(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(nil)
	server.Close()
	return "https://" + server.Listener.Addr().String() + "/.well-known/openid-configuration"
}

func TestIdentityProviders(t *testing.T) {
	h := newHome(t)
	discovery := nowhere(t)
	h.says(h.Get("/admin/identity-providers"), 200, "No identity providers")
	const jwt, oidc = "/admin/identity-providers/new-jwt", "/admin/identity-providers/new-oidc"
	for field, value := range map[string]string{"issuer": "", "kid": "with spaces typed", "pem": "typed", "tolerance": "typed"} {
		bad := url.Values{"issuer": {"https://app.example.com"}, "kid": {"one"}, "pem": {publicKey}, "tolerance": {"5"}, "description": {"typed too"}}
		bad.Set(field, value)
		h.refused(jwt, jwt, bad, field, "typed too", value)
	}
	made := h.Submit(jwt, jwt, url.Values{"issuer": {"https://app.example.com"}, "kid": {"one"}, "pem": {publicKey}, "tolerance": {"5"}, "users": {"yes"}})
	h.done(made, "Tokens of https://app.example.com", "active")
	h.done(h.Submit(made.Location+"/edit", made.Location+"/edit", url.Values{"description": {"App"}}), "Saved.", "App")
	h.removed(made.Location, "App")

	good := func() url.Values {
		return url.Values{
			"make": {"generic"}, "discovery": {discovery}, "client": {"freehold"}, "password": {"hidden-secret"}, "tolerance": {"5"},
			"description": {"Company"}, "claims": {"sub = /employee/id /sub"}, "users": {"yes"},
		}
	}
	for field, value := range map[string]string{"discovery": "typed", "client": "", "password": "", "realm": "typed/", "scope": "typed", "claims": "typed", "tolerance": "9999", "afterLogout": "typed", "verified": "yes"} {
		bad := good()
		bad.Set(field, value)
		h.refused(oidc, oidc, bad, field, "Company", value)
	}
	refused := good()
	refused.Set("client", "")
	if strings.Contains(h.Submit(oidc, oidc, refused).Body, "hidden-secret") {
		t.Error("the secret is written into the page")
	}
	made = h.Submit(oidc, oidc, good())
	path := made.Location
	page := h.done(made, "Options that wait for a test", "kept sealed", "/employee/id /sub", "/login/test?idp=", "/login/callback")
	if strings.Contains(page.Body, "hidden-secret") {
		t.Error("the secret is shown")
	}
	h.says(h.Get("/admin/identity-providers"), 200, "Company", "to be tested", "/.well-known/openid-configuration")
	edit := good()
	edit.Del("password")
	edit.Set("realm", "acme")
	h.done(h.Submit(path+"/edit", path+"/edit", edit), "Saved.", "acme", "kept sealed")
	for field, value := range map[string]string{"client": "", "realm": "typed/", "tolerance": "typed", "afterLogout": "typed", "claims": "typed"} {
		bad := good()
		bad.Set(field, value)
		h.refused(path+"/edit", path+"/edit", bad, field, "Company", value)
	}
	if _, err := h.App.SignIn.BeginTest(t.Context(), h.actor, h.surface(h.tenant), estate.IdentityProviderID(strings.TrimPrefix(path, "/admin/identity-providers/"))); err == nil {
		t.Error("a test of a provider that is not there")
	}
	h.says(h.Get(path), 200, "Result of the last test", "test failed")
	h.done(h.Post(path+"/promote", h.Form(path+"/edit", path+"/edit", nil)), "have passed a test")
	h.removed(path, "Company")
}

func TestSpaces(t *testing.T) {
	h := newHome(t)
	h.user(h.tenant, "Mia")
	const add = "/admin/spaces/new"
	h.says(h.Get("/admin/spaces"), 200, "No spaces")
	h.refused(add, add, url.Values{"type": {"shared"}, "description": {"typed"}}, "name", "typed")
	h.refused(add, add, url.Values{"type": {"nonsense"}, "name": {"typed"}}, "type", `value="typed"`)
	made := h.Submit(add, add, url.Values{"type": {"shared"}, "name": {"Sales"}})
	h.done(made, "The space Sales is there", "Ada")
	path := made.Location
	h.says(h.Get("/admin/spaces?q=sal&type=shared"), 200, "Sales", "1 space")
	h.done(h.Submit(path, path, url.Values{"name": {"Market"}, "owner": {string(h.admin.ID)}}), "Saved.", "Market")
	h.refused(path, path, url.Values{"name": {"typed*"}, "owner": {string(h.admin.ID)}}, "name", "typed*")
	h.refused(path, path, url.Values{"name": {"Market"}, "owner": {"typed"}}, "owner", "typed")
	members := path + "/members"
	h.refused(path, members, url.Values{"kind": {"user"}, "who": {"nobody@acme.example"}, "memberRoles": {"consumer"}}, "who", "nobody@acme.example")
	h.refused(path, members, url.Values{"kind": {"user"}, "who": {"mia@acme.example"}}, "memberRoles", "mia@acme.example")
	page := h.done(h.Submit(path, members, url.Values{"kind": {"user"}, "who": {"mia@acme.example"}, "memberRoles": {"consumer"}}), "Added.", "Mia", "Remove Mia")
	_, rest, _ := strings.Cut(page.Body, `action="`+members+"/")
	id, _, _ := strings.Cut(rest, "/delete")
	h.done(h.Submit(path, members+"/"+id+"/delete", nil), "Removed.", "Nobody but the owner")
	h.removed(path, "Market")
}

func TestSettings(t *testing.T) {
	h := newHome(t)
	const path, signIn, tenant = "/admin/settings", "/admin/settings/sign-in", "/admin/settings/tenant"
	good := url.Values{"idle": {"30"}, "lifespan": {"120"}, "register": {"yes"}, "methods": {"none"}}
	h.done(h.Submit(path, signIn, good), "Saved.", `value="30"`, `value="120"`)
	h.refused(path, signIn, url.Values{"idle": {"typed"}, "lifespan": {"180"}, "methods": {"none"}}, "idle", `value="typed"`, `value="180"`)
	h.refused(path, signIn, url.Values{"idle": {"31"}, "lifespan": {"61"}, "methods": {"none"}}, "lifespan", `value="31"`, `value="61"`)
	h.refused(path, signIn, url.Values{"idle": {"31"}, "lifespan": {"180"}, "methods": {"typed"}}, "methods", `value="31"`, `value="180"`)
	h.done(h.Submit(path, tenant, url.Values{"start": {"management-console"}, "cadence": {"monthly"}, "message": {"Ask\r\nus"}, "link": {"yes"}, "linkUrl": {"mailto:help@acme.example"}}), "Saved.", "mailto:help@acme.example")
	for field, value := range map[string]string{"start": "nonsense", "cadence": "nonsense", "linkUrl": "typed", "linkLabel": strings.Repeat("typed", 100)} {
		bad := url.Values{"start": {"management-console"}, "cadence": {"monthly"}, "message": {"typed too"}, "link": {"yes"}, "linkUrl": {"https://acme.example/"}}
		bad.Set(field, value)
		h.refused(path, tenant, bad, field, "typed too")
	}
}

func TestWebhooksAndAudit(t *testing.T) {
	h := newHome(t)
	const hooks, add = "/admin/webhooks", "/admin/webhooks/new"
	h.says(h.Get(hooks), 200, "No webhooks")
	typed := url.Values{"name": {"hook"}, "url": {"https://hooks.example/x"}, "types": {webhook.AllEvents}, "enabled": {"yes"}}
	made := h.Submit(add, add, typed)
	h.done(made, "from now on", "hooks.example")
	h.done(h.Submit(made.Location, made.Location+"/enabled", nil), "The webhook is disabled.")
	h.done(h.Submit(made.Location+"/edit", made.Location+"/edit", typed), "Saved.")
	for field, value := range map[string]string{"name": "", "url": "nonsense", "secret": "short"} {
		bad := url.Values{"name": {"typed"}, "url": {"https://hooks.example/typed"}, "types": {webhook.AllEvents}}
		bad.Set(field, value)
		h.refused(add, add, bad, field, "typed")
		h.refused(made.Location+"/edit", made.Location+"/edit", bad, field, "typed")
	}
	h.removed(made.Location, "hook")

	day := h.Clock.Now().UTC().Format(time.DateOnly)
	h.says(h.Get("/admin/audit?from="+day+"&until="+day), 200, `href="/admin/audit/`, string(h.admin.ID))
	h.refusedGet("/admin/audit?from=someday", "from")
	_, rest, _ := strings.Cut(h.Get("/admin/audit").Body, `href="/admin/audit/`)
	id, _, _ := strings.Cut(rest, `"`)
	h.says(h.Get("/admin/audit/"+id), 200, "Place in the chain", id)
	h.says(h.Get("/admin/audit/export?day="+day), 200, string(h.tenant.ID))
}

func (h *home) refusedGet(path, field string) {
	h.t.Helper()
	h.says(h.Get(path), 422, `id="f-`+field+`-error"`)
}

// TestPages_Reach shows each page to who may not see it: a user without the role,
// an administrator of another tenant of the organization, nobody.
func TestPages_Reach(t *testing.T) {
	h := newHome(t)
	client, _, err := h.App.Credential.CreateClient(t.Context(), h.actor, credential.NewClient{Level: estate.LevelTenant, Scope: h.actor.Scope, AppType: api.AppTypeWeb, Name: "hidden-client"})
	if err != nil {
		t.Fatal(err)
	}
	group, err := h.App.Directory.CreateGroup(t.Context(), h.actor, newGroup("hidden-group"))
	if err != nil {
		t.Fatal(err)
	}
	role, err := h.App.Directory.CreateRole(t.Context(), h.actor, directory.NewRole{Name: "hidden-role", Scopes: []string{"users:read"}})
	if err != nil {
		t.Fatal(err)
	}
	space, err := h.App.Directory.CreateSpace(t.Context(), h.actor, directory.NewSpace{Name: "hidden-space", Type: estate.SpaceShared})
	if err != nil {
		t.Fatal(err)
	}
	hook, err := h.App.Webhook.Create(t.Context(), h.actor, webhook.Input{Name: "hidden-hook", URL: "https://hooks.example/", EventTypes: []string{webhook.AllEvents}})
	if err != nil {
		t.Fatal(err)
	}
	jwt := "/admin/identity-providers/new-jwt"
	idp := h.Submit(jwt, jwt, url.Values{"issuer": {"https://hidden-idp.example.com"}, "kid": {"one"}, "pem": {publicKey}, "tolerance": {"5"}}).Location

	plain := h.user(h.tenant, "Guest")
	guest := h.as(h.tenant, h.actorOf(h.tenant, plain))
	other := h.Tenant(h.Subscription(5), "us")
	eve := h.actorOf(other, h.user(other, "Eve", estate.RoleTenantAdmin))
	stranger := h.as(other, eve)
	smuggled := h.as(h.tenant, eve) // whom no session makes: the pages refuse it too
	nobody := h.as(h.tenant, estate.Actor{})

	own := []string{
		"/admin/oauth", "/admin/oauth/new", "/admin/users", "/admin/users/new", "/admin/users/invite", "/admin/groups", "/admin/groups/new", "/admin/groups/settings", "/admin/roles", "/admin/roles/new",
		"/admin/identity-providers", jwt, "/admin/identity-providers/new-oidc", "/admin/webhooks", "/admin/webhooks/new", "/admin/audit", "/admin/spaces", "/admin/spaces/new", "/admin/settings",
	}
	things := []string{
		"/admin/oauth/" + string(client.ID), "/admin/oauth/" + string(client.ID) + "/edit", "/admin/oauth/" + string(client.ID) + "/rotate", "/admin/oauth/" + string(client.ID) + "/delete", "/admin/oauth/" + string(client.ID) + "/federation/new",
		"/admin/users/" + string(h.admin.ID), "/admin/users/" + string(h.admin.ID) + "/delete", "/admin/groups/" + string(group.ID), "/admin/groups/" + string(group.ID) + "/delete",
		"/admin/roles/" + string(role.ID), "/admin/roles/" + string(role.ID) + "/delete", idp, idp + "/edit", idp + "/delete", "/admin/webhooks/" + string(hook.ID), "/admin/webhooks/" + string(hook.ID) + "/edit",
		"/admin/spaces/" + string(space.ID), "/admin/spaces/" + string(space.ID) + "/delete",
	}
	for _, path := range append(own, things...) {
		h.says(h.Get(path), 200)
		h.says(guest.Get(path), 403, "the role TenantAdmin", "an administrator of the tenant: Ada.")
		h.says(smuggled.Get(path), 403)
		if answer := nobody.Get(path); answer.Status != 303 || !strings.HasPrefix(answer.Location, "/login") {
			t.Errorf("%s, nobody: %d to %s", path, answer.Status, answer.Location)
		}
		for who, body := range map[string]string{"another tenant's administrator": stranger.Get(path).Body, "one here by mistake": smuggled.Get(path).Body, "a user": guest.Get(path).Body} {
			for _, secret := range []string{"hidden-", "hooks.example", "ada@acme.example"} {
				if strings.Contains(body, secret) {
					t.Errorf("%s shows %s to %s", path, secret, who)
				}
			}
		}
	}
	for _, path := range things {
		h.says(stranger.Get(path), 404)
	}
	testChanges(t, h, stranger, guest, string(client.ID), string(plain.ID), string(group.ID), string(role.ID), string(space.ID), string(hook.ID), strings.TrimPrefix(idp, "/admin/identity-providers/"))
}

// testChanges sends every kind of change to things of another tenant, and as a
// user who administers nothing.
func testChanges(t *testing.T, h *home, stranger, guest *consoletest.Site, client, user, group, role, space, hook, idp string) {
	t.Helper()
	token := func(s *consoletest.Site, page, action string) url.Values { return s.Form(page, action, nil) }
	for _, path := range []string{
		"/admin/oauth/" + client + "/edit", "/admin/oauth/" + client + "/consent", "/admin/oauth/" + client + "/disconnect", "/admin/oauth/" + client + "/publish", "/admin/oauth/" + client + "/rotate",
		"/admin/oauth/" + client + "/rotation/cancel", "/admin/oauth/" + client + "/federation/new", "/admin/oauth/" + client + "/federation/delete", "/admin/oauth/" + client + "/delete",
		"/admin/users/" + user, "/admin/users/" + user + "/link", "/admin/users/" + user + "/delete", "/admin/groups/" + group, "/admin/groups/" + group + "/delete", "/admin/roles/" + role, "/admin/roles/" + role + "/delete",
		"/admin/spaces/" + space, "/admin/spaces/" + space + "/members", "/admin/spaces/" + space + "/delete", "/admin/webhooks/" + hook + "/edit", "/admin/webhooks/" + hook + "/enabled", "/admin/webhooks/" + hook + "/delete",
		"/admin/identity-providers/" + idp + "/edit", "/admin/identity-providers/" + idp + "/promote", "/admin/identity-providers/" + idp + "/active", "/admin/identity-providers/" + idp + "/delete",
	} {
		h.says(stranger.Post(path, token(stranger, "/admin/groups/new", "/admin/groups/new")), 404)
		if answer := guest.Post(path, token(guest, "/account", "/account/sign-out")); answer.Status != 403 {
			t.Errorf("%s, a user: %d", path, answer.Status)
		}
	}
}
