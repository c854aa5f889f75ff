package httpapi_test

import (
	"crypto/elliptic"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

const actorsGolden = "testdata/actors.golden"

// actorEstate is the estate in which all kinds of actors call all operations:
// the tenant that is called, and everything that is near it.
type actorEstate struct {
	*testenv.Env
	subscription  estate.Subscription
	tenant, other estate.Tenant // of the same subscription and region
	license       string
	hosts         map[estate.SurfaceKind]string
	owners        map[estate.SurfaceKind]testenv.Credentials // whose tokens are asked about: the actors of the surface's own level
	targets       map[string]target                          // by surface and operation
	signIn        *signInTargets
}

// actor is somebody who calls. Those with credentials get a token at the host
// they call if they can, and show one of their home if not.
type actor struct {
	name        string
	credentials *testenv.Credentials
	home        string
	tokens      map[estate.SurfaceKind]string // what to show at each surface
	session     *browser                      // who is signed in there shows its cookies
	renew       func()                        // signs in anew
	foreign     bool                          // of another organization, subscription, region or tenant than what is called
}

// TestActors calls every operation as every kind of actor and compares what they
// get with one golden table. Read its changes: they are who may do what.
func TestActors(t *testing.T) {
	if testenv.RaceDetector {
		t.Skip("one call after the other")
	}
	e := newActorEstate(t)
	actors := e.actors(t)
	var table strings.Builder
	table.WriteString("# Who gets what: every operation of every surface, called by every kind of actor on\n" +
		"# objects that exist. Written by: go test ./internal/httpapi -run TestActors -update\n")
	for _, surface := range surfaces {
		e.Clock.Advance(61 * time.Minute) // what failed at the last one is not held against anybody
		for _, a := range actors {
			e.admit(t, surface, a)
		}
		for _, route := range httpapi.Routes() {
			if !slices.Contains(route.Surfaces, surface) {
				continue
			}
			fmt.Fprintf(&table, "\n%s %s: %s %s\n", surface, route.ID, route.Method, route.Path)
			e.row(t, &table, surface, route, actors)
		}
	}
	if *update {
		if err := os.WriteFile(actorsGolden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(actorsGolden)
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("who gets what has changed:\n%s\nIf that is as it should be, run the test with -update and review the change of %s.",
			lineDiff(string(want), table.String()), actorsGolden)
	}
}

func newActorEstate(t *testing.T) *actorEstate {
	t.Helper()
	e := testenv.New(t)
	sub := e.Subscription(200)
	a := &actorEstate{Env: e, subscription: sub, tenant: e.Tenant(sub, "us"), other: e.Tenant(sub, "us"), license: e.LicenseKey(sub)}
	a.hosts = map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Console(), estate.SurfaceRegister: e.Register("us"), estate.SurfaceTenant: e.TenantURL(a.tenant),
	}
	a.targets, a.signIn = map[string]target{}, &signInTargets{pem: oneLine(t, ecKey(t, elliptic.P256()).Public())}
	return a
}

func (e *actorEstate) botOf(t *testing.T, c testenv.Credentials) estate.UserID {
	t.Helper()
	home := e.TenantURL(e.tenant)
	me := e.Do(testenv.Request{URL: home + "/api/v1/users/me", Token: e.Token(home, c)})
	id, ok := strings.CutPrefix(me.Header.Get("Location"), "/api/v1/users/")
	if !ok {
		t.Fatalf("users/me: %d %s", me.Status, me.Body)
	}
	return estate.UserID(id)
}

// actors makes everybody. Afterwards the clock has moved on and the server is
// another one on the same data, which has not seen any of them.
func (e *actorEstate) actors(t *testing.T) []*actor {
	t.Helper()
	console, register, here, there := e.Console(), e.Register("us"), e.TenantURL(e.tenant), e.TenantURL(e.other)
	region := e.RegionClient(e.subscription, "us")
	organization := e.OrganizationClient(e.Organization.ID)
	expired := &actor{name: "expired token", tokens: map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Token(console, organization), estate.SurfaceRegister: e.Token(register, region), estate.SurfaceTenant: e.Token(here, region),
	}}
	e.Clock.Advance(credential.TokenLifetime + time.Second)

	disabledRegion, disabledOrganization := e.RegionClient(e.subscription, "us"), e.OrganizationClient(e.Organization.ID)
	disabled := &actor{name: "disabled client", credentials: &disabledRegion, home: register, tokens: map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Token(console, disabledOrganization), estate.SurfaceRegister: e.Token(register, disabledRegion), estate.SurfaceTenant: e.Token(here, disabledRegion),
	}}
	deletedRegion, deletedOrganization := e.RegionClient(e.subscription, "us"), e.OrganizationClient(e.Organization.ID)
	deleted := &actor{name: "deleted client", credentials: &deletedRegion, home: register, tokens: map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Token(console, deletedOrganization), estate.SurfaceRegister: e.Token(register, deletedRegion), estate.SurfaceTenant: e.Token(here, deletedRegion),
	}}
	for _, c := range []testenv.Credentials{disabledRegion, disabledOrganization} {
		_, err := e.App.Credential.SetClientEnabled(t.Context(), testenv.Operator, e.Organization.ID, c.ID, false)
		e.ok(t, err)
	}
	for _, c := range []testenv.Credentials{deletedRegion, deletedOrganization} {
		realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
		e.ok(t, e.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, c.ID, string(c.ID)))
	}
	revoked := &actor{name: "revoked token", tokens: map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Token(console, organization), estate.SurfaceRegister: e.Token(register, region), estate.SurfaceTenant: e.Token(here, region),
	}}
	for surface, token := range revoked.tokens {
		expect(t, "revoke", e.Do(testenv.Request{URL: e.hosts[surface] + "/oauth/revoke", Token: token, JSON: api.TokenQuery{Token: token}}), http.StatusOK, "")
	}
	thief := &actor{name: "thief of a token that is bound to a key", tokens: map[estate.SurfaceKind]string{}}
	for surface, c := range map[estate.SurfaceKind]testenv.Credentials{estate.SurfaceConsole: organization, estate.SurfaceRegister: region, estate.SurfaceTenant: region} {
		thief.tokens[surface] = newSender(t, e.Env).token(e.hosts[surface], c.Form()).AccessToken
	}
	elsewhere := &actor{name: "token of another host", tokens: map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Token(register, region), estate.SurfaceRegister: e.Token(here, region), estate.SurfaceTenant: e.Token(there, region),
	}}
	everywhere := func(name, token string) *actor {
		return &actor{name: name, tokens: map[estate.SurfaceKind]string{estate.SurfaceConsole: token, estate.SurfaceRegister: token, estate.SurfaceTenant: token}}
	}
	client := func(name, home string, c testenv.Credentials) *actor {
		return &actor{name: name, credentials: &c, home: home, tokens: map[estate.SurfaceKind]string{}}
	}
	foreign := func(a *actor) *actor { a.foreign = true; return a }
	stranger := e.NewOrganization("Stranger")
	owner := e.TenantClient(e.tenant)
	e.owners = map[estate.SurfaceKind]testenv.Credentials{estate.SurfaceConsole: organization, estate.SurfaceRegister: region, estate.SurfaceTenant: owner}
	// An organization-level client gets a token at a tenant for the one it has, only.
	below := client("organization client that reaches down, by exchange", console, e.OrganizationClient(e.Organization.ID, api.OrganizationClientScopes()...))
	below.tokens[estate.SurfaceTenant] = e.exchange(t, here, e.Token(console, *below.credentials))
	portal := impersonator(t, e.Env, e.tenant, estate.ConsentTrusted, api.GrantUserImpersonation)
	impersonated := func(name string, roles ...estate.RoleName) *actor {
		return everywhere(name, e.impersonate(t, here, portal, person(t, e.Env, e.tenant, name, estate.UserActive, roles...)))
	}
	all := []*actor{
		everywhere("nobody", ""),
		everywhere("garbage token", "not.a.token"),
		expired,
		elsewhere,
		disabled,
		deleted,
		revoked,
		thief,
		client("organization client", console, organization),
		foreign(client("organization client of another organization", console, e.OrganizationClient(stranger.ID))),
		client("organization client with only cloud-console.oauth-clients", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients)),
		client("organization client with only cloud-console.oauth-clients:read", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClientsRead)),
		client("organization client with only cloud-console.subscriptions", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgSubscriptions)),
		client("organization client with only cloud-console.subscriptions:read", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgSubscriptionsRead)),
		client("organization client with only cloud-console.audits:read", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgAuditsRead)),
		client("organization client with only cloud-console.webhooks", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgWebhooks)),
		client("organization client with only cloud-console.tenants:read", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead)),
		below,
		client("region client", register, region),
		foreign(client("region client of another subscription", register, e.RegionClient(e.Subscription(5), "us"))),
		foreign(client("region client of another organization", register, e.RegionClient(e.SubscriptionOf(stranger.ID, 5), "us"))),
		foreign(client("region client of another region", e.Register("eu"), e.RegionClient(e.subscription, "eu"))),
		client("region client with only tenants:deactivate", register, e.RegionClient(e.subscription, "us", api.ScopeTenantsDeactivate)),
		client("tenant client", here, owner),
		foreign(client("tenant client of another tenant", there, e.TenantClient(e.other))),
		foreign(client("tenant client of another tenant, published", there, e.published(t, e.other))),
		client("tenant client of another tenant, published and trusted", there, e.published(t, e.other, e.tenant)),
		client("tenant client with only user_default", here, e.TenantClient(e.tenant, api.ScopeUserDefault)),
		impersonated("administrator, impersonated", estate.RoleTenantAdmin),
		impersonated("user without roles, impersonated"),
		everywhere("API key of an administrator", e.apiKey(t, e.tenant, estate.RoleTenantAdmin)),
		everywhere("API key of a developer", e.apiKey(t, e.tenant, estate.RoleDeveloper)),
		foreign(everywhere("API key of an administrator of another tenant", e.apiKey(t, e.other, estate.RoleTenantAdmin))),
	}
	all = append(append(all, e.sessions(t)...), e.programs(t)...)
	e.Env = e.Node()
	return all
}

// apiKey makes a person with a role in a tenant, and an API key of that person.
func (e *actorEstate) apiKey(t *testing.T, of estate.Tenant, role estate.RoleName) string {
	t.Helper()
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(of), Tenant: of}
	actor, err := e.App.Credential.UserActor(t.Context(), surface, person(t, e.Env, of, "holder of a key: "+string(role), estate.UserActive, role).ID)
	e.ok(t, err)
	_, token, err := e.App.Credential.CreateAPIKey(t.Context(), actor, credential.NewAPIKey{Description: "actor"})
	e.ok(t, err)
	return token.Reveal()
}

func (e *actorEstate) ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// admit gets a token for a at the surface. Whom the surface does not admit must
// be told so in the words for a wrong secret, and shows a token of its home.
func (e *actorEstate) admit(t *testing.T, surface estate.SurfaceKind, a *actor) {
	t.Helper()
	if a.renew != nil {
		a.renew()
	}
	if a.credentials == nil {
		return
	}
	answer := e.Do(testenv.Request{URL: e.hosts[surface] + "/oauth/token", Form: a.credentials.Form()})
	var body struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
	}
	answer.Into(&body)
	switch {
	case answer.Status == http.StatusOK:
		a.tokens[surface] = body.AccessToken
		return
	case answer.Status != http.StatusUnauthorized || body.Error != "invalid_client" || answer.Error().Code != api.CodeOAuthInvalidClient:
		t.Errorf("%s asks %s for a token: %d %s, want 401 invalid_client", a.name, surface, answer.Status, answer.Body)
	}
	if a.tokens[surface] == "" {
		a.tokens[surface] = e.Token(a.home, *a.credentials)
	}
}

// row calls an operation as everybody, and groups them by what they got.
func (e *actorEstate) row(t *testing.T, table *strings.Builder, surface estate.SurfaceKind, route httpapi.Route, actors []*actor) {
	t.Helper()
	outcomes := map[string][]string{}
	for _, a := range actors {
		e.prepare(t, surface, route)
		request, ok := e.call(surface, route, a)
		if !ok {
			t.Errorf("%s %s is not called by this test; add it to actorEstate.call", surface, route.ID)
			return
		}
		a.show(&request, route)
		answer := e.Do(request)
		outcome := strings.TrimSpace(strconv.Itoa(answer.Status)+" "+answer.Error().Code) + e.effect(t, surface, route, answer)
		if a.foreign && !route.Public && (surface == estate.SurfaceTenant || strings.Contains(route.Path, "{")) &&
			answer.Status != http.StatusUnauthorized && answer.Status != http.StatusNotFound {
			t.Errorf("%s %s: %s gets %s, and should not learn that there is something", surface, route.ID, a.name, outcome)
		}
		outcomes[outcome] = append(outcomes[outcome], a.name)
	}
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		names := outcomes[outcome]
		if len(names) == len(actors) {
			names = []string{"everybody"}
		}
		fmt.Fprintf(table, "  %s\n    %s\n", outcome, strings.Join(names, "\n    "))
	}
}

// call is a request that the right actor gets a 2xx or 3xx for.
func (e *actorEstate) call(surface estate.SurfaceKind, route httpapi.Route, a *actor) (testenv.Request, bool) {
	made := e.targets[string(surface)+" "+route.ID]
	user := made.directory.user
	if made.bot != "" {
		user = made.bot
	}
	path := strings.NewReplacer(
		"{tenantId}", string(made.tenantOr(e.tenant)), "{userId}", string(user), "{name}", made.name, "{subscriptionId}", string(e.subscription.ID),
		"{clientId}", string(made.client), "{hint}", made.hint, "{tokenId}", string(made.grant),
		"{auditId}", string(made.audit), "{webhookId}", string(made.webhook), "{deliveryId}", string(made.delivery),
		"{provisionerId}", string(made.provisioner), "{token}", made.token,
	).Replace(route.Path)
	request := testenv.Request{Method: route.Method, URL: e.hosts[surface] + path, Token: a.tokens[surface]}
	filter := fmt.Sprintf(`subscriptionId eq "%s"`, e.subscription.ID)
	switch string(surface) + " " + route.ID {
	case "console issueToken", "register issueToken", "tenant issueToken":
		request.JSON = map[string]string{"grant_type": api.GrantClientCredentials}
		if a.credentials != nil {
			request.Token = ""
			request.JSON = map[string]string{"grant_type": api.GrantClientCredentials, "client_id": string(a.credentials.ID), "client_secret": a.credentials.Secret}
		}
	case "console countTenants":
		request.URL += "?filter=" + url.QueryEscape(filter)
	case "console filterTenants", "register filterTenants":
		request.JSON = api.TenantFilterRequest{Filter: filter}
	case "console createOAuthClient":
		request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb, AllowedScopes: []string{api.ScopeOrgOAuthClients}}
		if strings.Contains(a.name, "tenants:read") { // asks for no more than it has, and still may not
			request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb, AllowedScopes: []string{api.ScopeOrgTenantsRead}}
		}
	case "tenant createOAuthClient":
		request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb}
	case "register updateTenant", "tenant updateTenant":
		request.JSON = ops{{Op: "replace", Path: "/enableAppOpeningFeedback", Value: true}}
	case "register deactivateTenant", "register reactivateTenant":
		request.Header = map[string]string{api.HeaderConfirmHostname: string(made.tenant.Hostname) + "." + testenv.Domain}
	case "register checkHostname":
		request.URL += "?hostname=acme"
	case "register bulkTenants":
		request.JSON = api.BulkTenantsRequest{Action: api.BulkRelabel, IDs: []string{string(e.other.ID)}, Labels: map[string]*string{"plan": nil}}
	case "register listTenants", "register previewDeactivation":
	case "register createTenant":
		request.JSON = api.CreateTenantRequest{LicenseKey: e.license}
	case "console listTenants", "console getTenant", "register getTenant", "tenant getTenant", "tenant listTenants", "tenant getMyTenant", "tenant getMyUser", "tenant getLicenseOverview":
	default:
		known := e.clientCall(&request, route, made) || e.signInCall(&request, route, made) || e.directoryCall(&request, route, made) || provisionerCall(&request, route)
		return request, known || route.Method == http.MethodGet && route.Public
	}
	return request, true
}

// lineDiff names the lines that only one of the texts has, in order.
func lineDiff(want, have string) string {
	w, h := strings.Split(want, "\n"), strings.Split(have, "\n")
	for len(w) > 0 && len(h) > 0 && w[0] == h[0] {
		w, h = w[1:], h[1:]
	}
	for len(w) > 0 && len(h) > 0 && w[len(w)-1] == h[len(h)-1] {
		w, h = w[:len(w)-1], h[:len(h)-1]
	}
	return "- " + strings.Join(w, "\n- ") + "\n+ " + strings.Join(h, "\n+ ")
}
