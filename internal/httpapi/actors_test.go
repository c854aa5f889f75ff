package httpapi_test

import (
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
	user          estate.UserID // in tenant
	license       string
	hosts         map[estate.SurfaceKind]string
}

// actor is somebody who calls. Those with credentials get a token at the host
// they call if they can, and show one of their home if not.
type actor struct {
	name        string
	credentials *testenv.Credentials
	home        string
	tokens      map[estate.SurfaceKind]string // what to show at each surface
}

// TestActors calls every operation as every kind of actor and compares what they
// get with one golden table. Read its changes: they are who may do what.
func TestActors(t *testing.T) {
	e := newActorEstate(t)
	actors := e.actors(t)
	var table strings.Builder
	table.WriteString("# Who gets what: every operation of every surface, called by every kind of actor on\n" +
		"# objects that exist. Written by: go test ./internal/httpapi -run TestActors -update\n")
	for _, surface := range surfaces {
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
	sub := e.Subscription(100)
	a := &actorEstate{Env: e, subscription: sub, tenant: e.Tenant(sub, "us"), other: e.Tenant(sub, "us"), license: e.LicenseKey(sub)}
	a.hosts = map[estate.SurfaceKind]string{
		estate.SurfaceConsole: e.Console(), estate.SurfaceRegister: e.Register("us"), estate.SurfaceTenant: e.TenantURL(a.tenant),
	}
	a.user = a.botOf(t, e.RegionClient(sub, "us"))
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
	for _, c := range []testenv.Credentials{disabledRegion, disabledOrganization} {
		sqlExec(t, e.Env, "update clients set disabled_at = ? where id = ?", e.Clock.Now().UnixMicro(), string(c.ID))
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
	stranger := e.NewOrganization("Stranger")
	all := []*actor{
		everywhere("nobody", ""),
		everywhere("garbage token", "not.a.token"),
		expired,
		elsewhere,
		disabled,
		client("organization client", console, organization),
		client("organization client of another organization", console, e.OrganizationClient(stranger.ID)),
		client("organization client with only cloud-console.oauth-clients", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClients)),
		client("organization client with only cloud-console.tenants:read", console, e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead)),
		client("region client", register, region),
		client("region client of another subscription", register, e.RegionClient(e.Subscription(5), "us")),
		client("region client of another organization", register, e.RegionClient(e.SubscriptionOf(stranger.ID, 5), "us")),
		client("region client of another region", e.Register("eu"), e.RegionClient(e.subscription, "eu")),
		client("region client with only tenants:deactivate", register, e.RegionClient(e.subscription, "us", api.ScopeTenantsDeactivate)),
		client("tenant client", here, e.TenantClient(e.tenant)),
		client("tenant client of another tenant", there, e.TenantClient(e.other)),
		client("tenant client with only user_default", here, e.TenantClient(e.tenant, api.ScopeUserDefault)),
	}
	e.Env = e.Node()
	return all
}

// admit gets a token for a at the surface. Whom the surface does not admit must
// be told so in the words for a wrong secret, and shows a token of its home.
func (e *actorEstate) admit(t *testing.T, surface estate.SurfaceKind, a *actor) {
	t.Helper()
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
		request, ok := e.call(surface, route, a)
		if !ok {
			t.Errorf("%s %s is not called by this test; add it to actorEstate.call", surface, route.ID)
			return
		}
		answer := e.Do(request)
		outcome := strings.TrimSpace(strconv.Itoa(answer.Status) + " " + answer.Error().Code)
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
	target := e.hosts[surface] + strings.NewReplacer("{tenantId}", string(e.tenant.ID), "{userId}", string(e.user)).Replace(route.Path)
	request := testenv.Request{Method: route.Method, URL: target, Token: a.tokens[surface]}
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
	case "console filterTenants":
		request.JSON = api.TenantFilterRequest{Filter: filter}
	case "console createOAuthClient":
		request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb, AllowedScopes: []string{api.ScopeOrgOAuthClients}}
		if strings.Contains(a.name, "tenants:read") { // asks for no more than it has, and still may not
			request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb, AllowedScopes: []string{api.ScopeOrgTenantsRead}}
		}
	case "tenant createOAuthClient":
		request.JSON = api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb}
	case "register createTenant":
		request.JSON = api.CreateTenantRequest{LicenseKey: e.license}
	case "console listTenants", "console getTenant", "register getTenant", "tenant getTenant", "tenant getMyTenant", "tenant getMyUser", "tenant getUser", "tenant getLicenseOverview":
	default:
		return request, route.Method == http.MethodGet && route.Public
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
