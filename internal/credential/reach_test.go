package credential_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// hierarchy is a random estate: its hosts, its people and its clients.
type hierarchy struct {
	e        *testenv.Env
	surfaces []estate.Surface
	people   []estate.User
	clients  []*machine
}

// machine is a client, with what has been done to it.
type machine struct {
	testenv.Credentials
	past      []string // secrets that were rotated away
	published bool
	trusting  map[estate.TenantID]bool // tenants besides its own
	deleted   bool
	changed   bool // so that tokens may be worth less than they were
}

// got is a token and how it was come by.
type got struct {
	value    string
	client   *machine
	scope    estate.Permissions // what it was issued with
	expires  time.Time
	history  string
	surface  estate.Surface
	narrowed *got // what it was exchanged for
}

// tenantScopes are what clients of tenants are given some of. Parents and
// children are both among them.
var tenantScopes = []string{api.ScopeAdminClassic, api.ScopeUserDefault, "apps", "apps:read", "admin.users:read", "spaces.shared:read"}

func drawHierarchy(t *rapid.T, e *testenv.Env, tb testing.TB) *hierarchy {
	h := &hierarchy{e: e}
	ctx := tb.Context()
	ok := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.surfaces = append(h.surfaces, estate.Surface{Kind: estate.SurfaceConsole, Origin: e.Console()})
	regions := []estate.RegionCode{"us", "eu"}
	for _, r := range regions {
		h.surfaces = append(h.surfaces, estate.Surface{Kind: estate.SurfaceRegister, Origin: e.Register(r), Region: r})
	}
	some := func(label string, of []string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, len(of), rapid.ID[string]).Draw(t, label)
	}
	add := func(n credential.NewClient) {
		c, secret, err := e.App.Credential.CreateClient(ctx, testenv.Operator, n)
		ok(err)
		h.clients = append(h.clients, newMachine(c, secret))
	}
	for range rapid.IntRange(1, 2).Draw(t, "organizations") {
		organization, err := e.App.Tenancy.CreateOrganization(ctx, testenv.Operator, "Some")
		ok(err)
		add(credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: organization.ID}, Name: "o",
			Permissions: some("organization scopes", api.OrganizationClientScopes()),
		})
		for range rapid.IntRange(1, 2).Draw(t, "subscriptions") {
			sub := e.SubscriptionOf(organization.ID, 4)
			for _, region := range regions {
				add(credential.NewClient{
					Level: estate.LevelRegion, Scope: estate.Scope{Organization: organization.ID, Subscription: sub.ID, Region: region},
					Permissions: some("region scopes", api.RegionScopes()),
				})
				for range rapid.IntRange(0, 2).Draw(t, "tenants") {
					tenant := e.Tenant(sub, region)
					h.surfaces = append(h.surfaces, estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant})
					person := estate.User{
						ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "someone", Status: estate.UserActive,
						Roles: rapid.SampledFrom([][]estate.RoleName{nil, {estate.RoleTenantAdmin}}).Draw(t, "roles"), CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
					}
					ok(e.App.Store.Write(ctx, func(tx *store.Tx) error { return tx.InsertUser(ctx, person) }))
					h.people = append(h.people, person)
					add(credential.NewClient{
						Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "t", AppType: api.AppTypeWeb,
						Consent:     rapid.SampledFrom([]estate.Consent{"", estate.ConsentTrusted, estate.ConsentTrusted}).Draw(t, "consent"),
						GrantTypes:  some("grants", []string{api.GrantClientCredentials, api.GrantUserImpersonation}),
						Permissions: some("tenant scopes", tenantScopes),
					})
				}
			}
		}
	}
	return h
}

func newMachine(c estate.Client, secret estate.Secret) *machine {
	return &machine{Credentials: testenv.Credentials{Client: c, Secret: secret.Reveal()}, trusting: map[estate.TenantID]bool{}}
}

// allowed says, apart from the code that decides it, whether a client may ever
// be accepted at a host.
func allowed(c *machine, s estate.Surface) bool {
	own := c.Scope
	if c.deleted {
		return false
	}
	switch s.Kind {
	case estate.SurfaceConsole:
		return c.Level == estate.LevelOrganization
	case estate.SurfaceRegister:
		return c.Level == estate.LevelRegion && own.Region == s.Region
	}
	at := s.Tenant
	switch c.Level {
	case estate.LevelTenant:
		return own.Tenant == at.ID || c.published && c.trusting[at.ID] && c.near(at)
	case estate.LevelRegion:
		return own.Organization == at.Organization && own.Subscription == at.Subscription && own.Region == at.Region
	default:
		return own.Organization == at.Organization && slices.Contains(c.Permissions, api.ScopeAdminClassic)
	}
}

func (h *hierarchy) allowed(c *machine) (hosts []estate.Surface) {
	for _, s := range h.surfaces {
		if allowed(c, s) {
			hosts = append(hosts, s)
		}
	}
	return hosts
}

// TestReach: for random hierarchies, no sequence of creating, narrowing,
// exchanging, impersonating, publishing, rotating and deleting yields a token that
// is accepted at a host, or with scopes, beyond its client's level and scopes.
func TestReach(t *testing.T) {
	e := testenv.New(t)
	var issued, exchanged, impersonated, abroad int
	changes := map[string]int{}
	walk := func(rt *rapid.T) {
		h := drawHierarchy(rt, e, t)
		var tokens []*got
		scopes := append(append(slices.Clone(tenantScopes), api.RegionScopes()...), api.OrganizationScopes()...)
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			if rapid.IntRange(0, 2).Draw(rt, "change") == 0 {
				kind, of := h.change(rt, t, tokens)
				changes[kind]++
				for _, token := range tokens {
					if token.client == of {
						h.check(rt, t, token)
					}
				}
				continue
			}
			request := credential.TokenRequest{
				GrantType: rapid.SampledFrom([]string{api.GrantClientCredentials, api.GrantUserImpersonation, api.GrantTokenExchange}).Draw(rt, "grant"),
			}
			next := &got{}
			if request.GrantType == api.GrantTokenExchange {
				if len(tokens) == 0 {
					continue
				}
				next.narrowed = rapid.SampledFrom(tokens).Draw(rt, "subject")
				next.client = next.narrowed.client
				request.Exchange = credential.Exchange{SubjectToken: next.narrowed.value, SubjectTokenType: api.TokenTypeAccessToken}
			} else {
				clients := h.clients
				if request.GrantType == api.GrantUserImpersonation && len(h.people) > 0 {
					clients = slices.DeleteFunc(slices.Clone(clients), func(c *machine) bool { return c.Level != estate.LevelTenant })
				}
				trusted := slices.DeleteFunc(slices.Clone(clients), func(c *machine) bool { return c.deleted || len(c.trusting) == 0 })
				if len(trusted) > 0 && rapid.Bool().Draw(rt, "published") {
					clients = trusted
				}
				next.client = rapid.SampledFrom(clients).Draw(rt, "client")
				request.Credentials = credential.Credentials{ClientID: string(next.client.ID), Secret: estate.Secret(next.client.Secret)}
				if past := next.client.past; len(past) > 0 && rapid.IntRange(0, 3).Draw(rt, "past") == 0 {
					request.Credentials.Secret = estate.Secret(rapid.SampledFrom(past).Draw(rt, "past secret"))
				}
			}
			if asked := scopes; rapid.Bool().Draw(rt, "asks for scopes") {
				if rapid.Bool().Draw(rt, "of its own") {
					asked = next.client.Permissions
				}
				request.Scope = strings.Join(rapid.SliceOfN(rapid.SampledFrom(asked), 0, 3).Draw(rt, "scope"), " ")
			}
			// Most of what is tried should be what a client might get.
			surface := rapid.SampledFrom(h.surfaces).Draw(rt, "host")
			if likely := h.allowed(next.client); len(likely) > 0 && rapid.IntRange(0, 3).Draw(rt, "likely") > 0 {
				surface = rapid.SampledFrom(likely).Draw(rt, "likely host")
			}
			next.surface = surface
			if request.GrantType == api.GrantUserImpersonation {
				request.UserLookup = credential.UserLookup{Field: "subject", Value: "someone"}
				if len(h.people) > 0 && rapid.Bool().Draw(rt, "by id") {
					request.UserLookup = credential.UserLookup{Field: "userId", Value: string(rapid.SampledFrom(h.people).Draw(rt, "person").ID)}
				}
			}
			e.Clock.Advance(time.Duration(rapid.IntRange(0, 900).Draw(rt, "seconds")) * time.Second)
			token, err := e.App.Credential.IssueToken(t.Context(), surface, request)
			if err != nil {
				continue
			}
			issued++
			if slices.Contains(next.client.past, string(request.Credentials.Secret)) || next.client.deleted {
				rt.Fatalf("a token for a secret that was rotated away, or for a client that was deleted")
			}
			next.value, next.expires, next.scope = token.Value, token.ExpiresAt, estate.ParsePermissions(token.Scope)
			next.history = fmt.Sprintf("%s by a client of level %s with %v at %s for %q", request.GrantType, next.client.Level, next.client.Permissions, surface.Origin, request.Scope)
			if before := next.narrowed; before != nil {
				exchanged++
				next.history = before.history + "; " + next.history
				if before.surface.Kind == estate.SurfaceTenant && before.surface.Tenant.ID != surface.Tenant.ID {
					rt.Fatalf("%s: a tenant's token led elsewhere", next.history)
				}
				if !next.scope.Within(before.scope) || next.expires.After(before.expires) {
					rt.Fatalf("%s: exchange gave more: %v until %v, of %v until %v", next.history, next.scope, next.expires, before.scope, before.expires)
				}
			}
			if request.GrantType == api.GrantUserImpersonation {
				impersonated++
			}
			if next.client.Level == estate.LevelTenant && surface.Tenant.ID != next.client.Client.Scope.Tenant {
				abroad++
			}
			tokens = append(tokens, next)
			h.check(rt, t, next)
		}
		for _, token := range tokens {
			h.check(rt, t, token)
		}
	}
	// Chance may leave out what is rare, so it gets a few more goes at it.
	missing := func() (kinds []string) {
		for kind, n := range map[string]int{"token": issued, "exchange": exchanged, "impersonation": impersonated, "token where it was published to": abroad} {
			if n == 0 {
				kinds = append(kinds, kind)
			}
		}
		for _, kind := range changeKinds {
			if changes[kind] == 0 {
				kinds = append(kinds, kind)
			}
		}
		return kinds
	}
	rapid.Check(t, walk)
	for range 10 {
		if t.Failed() || len(missing()) == 0 {
			break
		}
		rapid.Check(t, walk)
	}
	t.Logf("%d tokens, %d by exchange, %d by impersonation, %d in tenants that were published to; %v", issued, exchanged, impersonated, abroad, changes)
	if kinds := missing(); len(kinds) > 0 {
		t.Errorf("no %s: the test tested nothing of that", strings.Join(kinds, ", no "))
	}
}

// check shows a token to every host.
func (h *hierarchy) check(rt *rapid.T, t *testing.T, token *got) {
	accepted := 0
	for _, surface := range h.surfaces {
		actor, err := h.e.App.Credential.Authenticate(t.Context(), surface, credential.Presented{Scheme: "bearer", Token: token.value})
		if err != nil {
			continue
		}
		accepted++
		client := token.client
		switch {
		case !allowed(client, surface):
			rt.Fatalf("%s: accepted at %s", token.history, surface.Origin)
		case !actor.Permissions.Within(client.Permissions) || !actor.Permissions.Within(token.scope):
			rt.Fatalf("%s: acts with %v", token.history, actor.Permissions)
		case actor.ID != string(client.ID) || actor.Level != client.Level || actor.Scope.Organization != client.Scope.Organization,
			surface.Kind == estate.SurfaceTenant && actor.Scope != surface.Tenant.Scope():
			rt.Fatalf("%s: acts as %+v", token.history, actor)
		case !slices.Contains(actor.Roles, estate.RoleTenantAdmin) && surface.Kind == estate.SurfaceTenant && actor.Permissions.Holds(api.ScopeAdminClassic):
			rt.Fatalf("%s: an administrator's scope without the role", token.history)
		}
	}
	if accepted > 1 {
		rt.Fatalf("%s: accepted at %d hosts", token.history, accepted)
	}
	if now := h.e.Clock.Now(); accepted == 0 && now.Before(token.expires) && !token.client.changed {
		rt.Fatalf("%s: accepted nowhere", token.history)
	}
}
