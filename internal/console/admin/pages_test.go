package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// home is a tenant with an administrator who is at its pages.
type home struct {
	*testenv.Env
	*consoletest.Site
	t      *testing.T
	tenant estate.Tenant
	admin  estate.User
	actor  estate.Actor
}

func newHome(t *testing.T) *home {
	h := &home{Env: testenv.Open(t), t: t}
	sub := h.Subscription(10)
	h.tenant = h.Tenant(sub, "us", "contoso")
	h.admin = h.user(h.tenant, "Ada", estate.RoleTenantAdmin)
	h.actor = h.actorOf(h.tenant, h.admin)
	h.Site = h.as(h.tenant, h.actor)
	return h
}

func (h *home) user(tenant estate.Tenant, name string, roles ...estate.RoleName) estate.User {
	h.t.Helper()
	now := h.Clock.Now()
	u := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: `acme\` + name, Name: name, Email: strings.ToLower(name) + "@acme.example",
		Status: estate.UserActive, Roles: roles, CreatedAt: now, UpdatedAt: now,
	}
	if err := h.App.Store.Write(h.t.Context(), func(tx *store.Tx) error { return tx.InsertUser(h.t.Context(), u) }); err != nil {
		h.t.Fatal(err)
	}
	return u
}

func (h *home) surface(tenant estate.Tenant) estate.Surface {
	return estate.Surface{Kind: estate.SurfaceTenant, Tenant: tenant}
}

func (h *home) actorOf(tenant estate.Tenant, u estate.User) estate.Actor {
	h.t.Helper()
	actor, err := h.App.Credential.UserActor(h.t.Context(), h.surface(tenant), u.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return actor
}

func (h *home) as(tenant estate.Tenant, actor estate.Actor) *consoletest.Site {
	h.t.Helper()
	return consoletest.Serve(h.t, h.Env, h.surface(tenant), actor)
}

// says fails the test unless the page is there and says each of texts.
func (h *home) says(answer consoletest.Answer, status int, texts ...string) {
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
func (h *home) done(answer consoletest.Answer, texts ...string) consoletest.Answer {
	h.t.Helper()
	if answer.Status != 303 {
		h.t.Fatalf("status %d:\n%s", answer.Status, answer.Body)
	}
	page := h.Get(answer.Location)
	h.says(page, 200, texts...)
	return page
}

// refused sends a form that can't be accepted, and looks for the message beside
// the field and for what was typed.
func (h *home) refused(page, action string, typed url.Values, field string, texts ...string) {
	h.t.Helper()
	h.says(h.Submit(page, action, typed), 422, append(texts, `id="f-`+field+`-error"`)...)
}

// removed deletes a thing by its name, typed wrongly at first.
func (h *home) removed(path, name string) {
	h.t.Helper()
	h.says(h.Get(path+"/delete"), 200, "to confirm")
	h.refused(path+"/delete", path+"/delete", url.Values{"confirm": {"typed"}}, "confirm", `value="typed"`)
	h.done(h.Submit(path+"/delete", path+"/delete", url.Values{"confirm": {name}}), "is gone")
	h.says(h.Get(path), 404)
}

// secretOf is what a page shows once under a label.
func secretOf(body, label string) string {
	_, rest, _ := strings.Cut(body, label+"</span>")
	_, rest, _ = strings.Cut(rest, "<code>")
	secret, _, _ := strings.Cut(rest, "</code>")
	return secret
}

const newClient = "/admin/oauth/new"

func TestClients_Web(t *testing.T) {
	h := newHome(t)
	h.says(h.Get("/admin/oauth"), 200, "No OAuth clients")
	form := h.Form(newClient, newClient, url.Values{"type": {"web"}, "name": {"robot"}, "scope": {"user_default"}, "scopes": {"users:read"}, "grants": {"client_credentials"}, "auth": {"client_secret"}})
	made := h.Post(newClient, form)
	page := h.done(made, "Keep this secret now", "robot", "users:read")
	secret := secretOf(page.Body, "Client secret")
	if len(secret) < 40 {
		t.Fatalf("no secret: %q", secret)
	}
	again := h.Post(newClient, form)
	if again.Location != made.Location || secretOf(h.Get(again.Location).Body, "Client secret") != secret {
		t.Errorf("a double click made another: %q, %q", again.Location, made.Location)
	}
	if strings.Contains(h.Get(made.Location).Body, secret) {
		t.Error("the secret is shown again")
	}
	path := made.Location
	h.says(h.Get("/admin/oauth?q=rob&type=web"), 200, "1 client", strings.TrimPrefix(path, "/admin/oauth/"))
	h.says(h.Get("/admin/oauth?q=nothing%22"), 200, "Nothing matches")

	h.refused(path+"/rotate", path+"/rotate", url.Values{"overlap": {"x"}}, "overlap")
	rotated := h.done(h.Submit(path+"/rotate", path+"/rotate", url.Values{"overlap": {"3600"}}), "A rotation is running")
	if next := secretOf(rotated.Body, "Client secret"); next == secret || next == "" {
		t.Errorf("rotated to %q", next)
	}
	h.done(h.Submit(path, path+"/rotation/cancel", nil), "The new secret no longer works")
	h.done(h.Submit(path+"/rotate", path+"/rotate", url.Values{"overlap": {"3600"}}), "A rotation is running")
	h.done(h.Submit(path, path+"/rotation/finish", nil), "no longer work")

	h.done(h.Submit(path, path+"/consent", url.Values{"consent": {"trusted"}}), "It is trusted")
	h.done(h.Submit(path, path+"/consent", url.Values{"consent": {"required"}}), "The client asks each user.")
	h.done(h.Submit(path, path+"/publish", nil), "Offered to other tenants since")

	edit := url.Values{"name": {"renamed"}, "scope": {"user_default"}, "redirects": {"https://app.example.com/back"}, "auth": {"client_secret"}}
	h.done(h.Submit(path+"/edit", path+"/edit", edit), "Saved.", "renamed", "https://app.example.com/back")
	for field, value := range map[string]string{"name": "", "redirects": "http://app.example.com/typed", "origins": "typed", "uri": "typed", "jwks": "typed", "keys": "typed", "scopes": "typed\"", "logo": "typed"} {
		bad := url.Values{"name": {"typed"}, "description": {"typed too"}, "scope": {"user_default"}, "auth": {"client_secret"}}
		bad.Set(field, value)
		h.refused(path+"/edit", path+"/edit", bad, field, "typed too", value)
		bad.Set("type", "web")
		h.refused(newClient, newClient, bad, field, "typed too", value)
	}
	h.refused(newClient, newClient, url.Values{"type": {"web"}, "name": {"typed"}}, "scope", `value="typed"`)
	h.removed(path, "renamed")
}

const jwk = `{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","use":"sig"}`

// TestClients_Types makes one of each kind, with all that can be said of it.
func TestClients_Types(t *testing.T) {
	h := newHome(t)
	for name, typed := range map[string]url.Values{
		"browser": {"type": {"spa"}, "redirects": {"https://app.example.com/\nhttps://app.example.com/2"}, "origins": {"https://app.example.com"}, "trusted": {"yes"}},
		"desktop": {"type": {"native"}, "redirects": {"http://localhost:8080/"}},
		"embed":   {"type": {"anonymous-embed"}, "origins": {"https://app.example.com"}},
	} {
		typed["name"], typed["scope"] = []string{name}, []string{"user_default"}
		page := h.done(h.Submit(newClient, newClient, typed), "It has no secret", name)
		if strings.Contains(page.Body, "<h2>Secrets</h2>") {
			t.Errorf("%s has secrets", name)
		}
	}
	key := url.Values{"type": {"web"}, "name": {"key"}, "scope": {"user_default"}, "grants": {"client_credentials"}, "auth": {"private_key_jwt"}}
	h.refused(newClient, newClient, key, "keys", `value="key"`)
	key["keys"] = []string{`{"keys":[` + jwk + `]}`}
	h.done(h.Submit(newClient, newClient, key), "private key", ">one<")
	key["keys"] = []string{jwk}
	made := h.Submit(newClient, newClient, key)
	h.done(made, ">one<")
	secret := url.Values{"name": {"key"}, "scope": {"user_default"}, "auth": {"client_secret"}}
	h.done(h.Submit(made.Location+"/edit", made.Location+"/edit", secret), "Keep this secret now")

	federated := url.Values{"type": {"web"}, "name": {"ci"}, "scope": {"user_default"}, "grants": {"client_credentials"}, "auth": {"federation"}}
	h.refused(newClient, newClient, federated, "issuer", `value="ci"`)
	for field, value := range map[string]string{"issuerName": "ci", "issuer": "https://ci.example.com", "audience": "freehold", "subject": "repo:acme"} {
		federated.Set(field, value)
	}
	made = h.Submit(newClient, newClient, federated)
	h.done(made, "tokens of outside issuers", "https://ci.example.com")
	more := made.Location + "/federation/new"
	h.refused(more, more, url.Values{"issuerName": {"other"}, "issuer": {"typed"}, "audience": {"a"}, "subject": {"s"}}, "issuer", `value="typed"`)
	h.refused(more, more, url.Values{"issuerName": {"other"}, "issuer": {"https://ci.example.com"}, "audience": {"a"}, "condition": {"typed ==="}}, "condition", "typed ===")
	h.done(h.Submit(more, more, url.Values{"issuerName": {"other"}, "issuer": {"https://other.example.com"}, "audience": {"a"}, "subject": {"s"}}), "https://other.example.com")
	gone := h.done(h.Submit(made.Location, made.Location+"/federation/delete", url.Values{"name": {"ci"}}), "no longer accepted")
	if strings.Contains(gone.Body, "https://ci.example.com") {
		t.Error("the issuer is still there")
	}
}

// TestClients_Waiting approves a client that registered itself, and trusts one of
// another tenant.
func TestClients_Waiting(t *testing.T) {
	h := newHome(t)
	h.done(h.Submit("/admin/settings", "/admin/settings/sign-in", url.Values{"idle": {"20"}, "lifespan": {"1440"}, "register": {"yes"}, "methods": {"none"}}), "Saved.")
	registered, _, err := h.App.Credential.RegisterClient(t.Context(), h.surface(h.tenant), credential.Registration{
		Name: "Assistant", URI: "https://assistant.example.com", RedirectURIs: []string{"https://assistant.example.com/back"}, AuthMethod: "none",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	h.says(h.Get("/admin/oauth?state=waiting"), 200, "Assistant", "waits for approval", "itself", "1 client")
	path := "/admin/oauth/" + string(registered.ID)
	h.says(h.Get(path), 200, "registered itself")
	h.done(h.Submit(path, path+"/consent", url.Values{"consent": {"required"}}), "Each user is asked")
	h.says(h.Get("/admin/oauth?state=waiting"), 200, "Nothing matches")

	other := h.Tenant(h.Subscription(5), "us")
	actor := h.actorOf(other, h.user(other, "Bob", estate.RoleTenantAdmin))
	realm := credential.Realm{Level: estate.LevelTenant, Scope: actor.Scope}
	foreign, _, err := h.App.Credential.CreateClient(t.Context(), actor, credential.NewClient{Level: estate.LevelTenant, Scope: actor.Scope, AppType: api.AppTypeWeb, Name: "foreign", GrantTypes: []string{api.GrantClientCredentials}})
	if err == nil {
		_, err = h.App.Credential.PublishClient(t.Context(), actor, realm, foreign.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	path = "/admin/oauth/" + string(foreign.ID)
	h.says(h.Get("/admin/oauth?state=waiting"), 200, "foreign", "another tenant")
	if body := h.Get(path).Body; strings.Contains(body, path+"/edit") || strings.Contains(body, "<h2>Secrets</h2>") {
		t.Error("another tenant's client can be edited")
	}
	for _, rest := range []string{"/edit", "/rotate", "/delete", "/federation/new"} {
		h.says(h.Get(path+rest), 404)
	}
	h.done(h.Submit(path, path+"/consent", url.Values{"consent": {"trusted"}}), "The client is trusted")
	h.done(h.Submit(path, path+"/disconnect", nil), "The client can no longer act here.", "waits for approval")
}

func TestUsers(t *testing.T) {
	h := newHome(t)
	h.says(h.Get("/admin/users"), 200, "Ada", "ada@acme.example", "TenantAdmin")
	h.says(h.Get("/admin/users?q=ADA&status=active&role=TenantAdmin"), 200, "1 user")
	h.says(h.Get("/admin/users?q=nobody"), 200, "Nothing matches")

	const invite = "/admin/users/invite"
	h.refused(invite, invite, url.Values{"emails": {""}}, "emails")
	h.refused(invite, invite, url.Values{"emails": {"eve@acme.example\ntyped"}}, "emails", "typed", "Invited: eve@acme.example")
	form := h.Form(invite, invite, url.Values{"emails": {"mia@acme.example\r\nzoe@acme.example"}})
	h.done(h.Post(invite, form), "Invited: mia@acme.example, zoe@acme.example")
	h.Post(invite, form)
	h.says(h.Get("/admin/users?status=invited"), 200, "3 users")
	h.done(h.Submit(invite, invite, url.Values{"emails": {"mia@acme.example"}}), "has an invitation already")

	const add = "/admin/users/new"
	h.refused(add, add, url.Values{"name": {"typed"}}, "subject", `value="typed"`)
	h.refused(add, add, url.Values{"subject": {"typed"}, "email": {"nobody"}}, "email", `value="typed"`)
	made := h.Submit(add, add, url.Values{"subject": {`acme\leo`}, "name": {"Leo"}})
	h.done(made, "The user Leo is there.", `acme\leo`)
	path := made.Location

	if _, err := h.App.Directory.CreateGroup(t.Context(), h.actor, newGroup("Staff")); err != nil {
		t.Fatal(err)
	}
	auditor := roleID(t, h, "AuditAdmin")
	h.done(h.Submit(path, path, url.Values{"name": {"Leonie"}, "status": {"active"}, "roles": {auditor}, "groups": {"Staff"}}), "Saved.", "Leonie", `value="`+auditor+`" checked`, "Staff")
	h.refused(path, path, url.Values{"name": {""}, "status": {"active"}, "groups": {"typed"}}, "name", "typed")
	h.refused(path, path, url.Values{"name": {"typed"}, "status": {"active"}, "groups": {"Nobody"}}, "groups", `value="typed"`, "Nobody")

	linked := h.done(h.Submit(path, path+"/link", nil), "Send this link")
	link := secretOf(linked.Body, "Sign-in link")
	if !strings.Contains(link, "/login/link/") || strings.Contains(h.Get(path).Body, link) {
		t.Errorf("link %q", link)
	}
	h.done(h.Submit(path, path, url.Values{"name": {"Leonie"}, "status": {"disabled"}}), "disabled")

	// A page that was open for long does not undo what somebody has done meanwhile.
	old := h.Form(path, path, url.Values{"name": {"Leonora"}, "status": {"disabled"}, "groups": {"Staff"}})
	h.done(h.Submit(path, path, url.Values{"name": {"Leonie"}, "status": {"active"}, "roles": {auditor}}), "Saved.")
	overtaken := h.Post(path, old)
	if overtaken.Status != 303 || overtaken.Location != path {
		t.Errorf("overtaken: %d to %q", overtaken.Status, overtaken.Location)
	}
	h.says(h.Get(path), 200, "Somebody has changed this since you opened the page", `value="`+auditor+`" checked`, `value="Leonie"`)

	own := "/admin/users/" + string(h.admin.ID)
	h.says(h.Submit(own, own, url.Values{"name": {"Ada"}, "status": {"active"}}), 422, "without an active user who has the role TenantAdmin")
	h.says(h.Submit(own+"/delete", own+"/delete", url.Values{"confirm": {"Ada"}}), 422, "without an active user who has the role TenantAdmin")
	h.removed(path, "Leonie")
}
