package credential_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// changeKinds are what hierarchy.change does.
var changeKinds = []string{"narrowing", "rotation", "publication", "trust", "withdrawal", "deletion", "creation"}

// change does something to a random client, or with a random token, and returns
// what it did, "" if that could not be done, and to whom.
func (h *hierarchy) change(rt *rapid.T, t *testing.T, tokens []*got) (string, *machine) {
	kind := rapid.SampledFrom(append(changeKinds, "publication", "trust", "trust", "withdrawal", "creation", "creation")).Draw(rt, "kind") // trust has most to wait for
	if kind == "creation" {
		return h.create(rt, t, tokens), nil
	}
	alive := slices.DeleteFunc(slices.Clone(h.clients), func(m *machine) bool { return m.deleted })
	if kind == "publication" || kind == "trust" || kind == "withdrawal" {
		alive = slices.DeleteFunc(alive, func(m *machine) bool { return m.Level != estate.LevelTenant || m.published != (kind != "publication") })
	}
	if kind == "withdrawal" {
		alive = slices.DeleteFunc(alive, func(m *machine) bool { return len(m.trusting) == 0 })
	}
	if len(alive) == 0 {
		return "", nil
	}
	m := rapid.SampledFrom(alive).Draw(rt, "of")
	if kind == "trust" || kind == "withdrawal" {
		return h.consent(rt, t, m, kind), m
	}
	h.alter(rt, t, m, kind)
	return kind, m
}

// alter changes a client as its owner would.
func (h *hierarchy) alter(rt *rapid.T, t *testing.T, m *machine, kind string) {
	s, ctx := h.e.App.Credential, t.Context()
	within := credential.Realm{Scope: estate.Scope{Organization: m.Client.Scope.Organization}}
	home := credential.Realm{Level: estate.LevelTenant, Scope: m.Client.Scope}
	var err error
	switch kind {
	case "narrowing":
		kept := rapid.SliceOfNDistinct(rapid.SampledFrom(m.Permissions), 1, len(m.Permissions), rapid.ID[string]).Draw(rt, "kept")
		_, err = s.UpdateClient(ctx, testenv.Operator, within, m.ID, []credential.PatchOperation{{Op: "replace", Path: "/allowedScopes", Value: kept}})
		m.Permissions = estate.ParsePermissions(strings.Join(kept, " "))
	case "rotation":
		var made credential.MadeSecret
		made, err = s.RotateSecret(ctx, testenv.Operator, within, m.ID, 0)
		m.past, m.Secret = append(m.past, m.Secret), made.Plain.Reveal()
	case "publication":
		_, err = s.PublishClient(ctx, testenv.Operator, home, m.ID)
		m.published = true
	case "deletion":
		err = s.DeleteClient(ctx, testenv.Operator, within, m.ID, string(m.ID))
		m.deleted = true
	}
	m.changed = m.changed || kind == "narrowing" || kind == "deletion"
	if err != nil {
		rt.Fatalf("%s: %v", kind, err)
	}
}

// near tells whether a tenant is one to which a tenant's client can be published.
func (m *machine) near(at estate.Tenant) bool {
	return at.Organization == m.Client.Scope.Organization && at.Region == m.Client.Scope.Region
}

// consent has a random tenant trust a published client, or withdraw that. Tenants
// that the client was not published to can't.
func (h *hierarchy) consent(rt *rapid.T, t *testing.T, m *machine, kind string) string {
	var tenants []estate.Tenant
	near := rapid.IntRange(0, 3).Draw(rt, "near") > 0
	for _, s := range h.surfaces {
		if s.Kind == estate.SurfaceTenant && s.Tenant.ID != m.Client.Scope.Tenant && (!near || m.near(s.Tenant)) && (kind == "trust" || m.trusting[s.Tenant.ID]) {
			tenants = append(tenants, s.Tenant)
		}
	}
	if len(tenants) == 0 {
		return ""
	}
	at := rapid.SampledFrom(tenants).Draw(rt, "tenant")
	realm := credential.Realm{Level: estate.LevelTenant, Scope: at.Scope()}
	if kind == "withdrawal" {
		m.changed = true
		delete(m.trusting, at.ID)
		if err := h.e.App.Credential.DeleteConnection(t.Context(), testenv.Operator, realm, m.ID); err != nil {
			rt.Fatalf("%s: %v", kind, err)
		}
		return kind
	}
	err := h.e.App.Credential.SetConsent(t.Context(), testenv.Operator, realm, m.ID, estate.ConsentTrusted)
	if (err == nil) != m.near(at) {
		rt.Fatalf("trust in a client of %+v by a tenant of %+v: %v", m.Client.Scope, at.Scope(), err)
	}
	if err != nil {
		return ""
	}
	m.trusting[at.ID] = true
	return kind
}

// creators are the scopes of those who can make clients somewhere.
var creators = []string{api.ScopeAdminClassic, api.ScopeOrgOAuthClients, api.ScopeOrgSubscriptions}

// create has the holder of a random token make a client, of any level, place and
// scopes: what it gets must be its own to give.
func (h *hierarchy) create(rt *rapid.T, t *testing.T, tokens []*got) string {
	tokens = slices.DeleteFunc(slices.Clone(tokens), func(g *got) bool { // of who might
		return !g.expires.After(h.e.Clock.Now()) || !slices.ContainsFunc(creators, g.scope.Holds)
	})
	if len(tokens) == 0 {
		return ""
	}
	s, ctx := h.e.App.Credential, t.Context()
	token := rapid.SampledFrom(tokens).Draw(rt, "by")
	actor, err := s.Authenticate(ctx, token.surface, credential.Presented{Scheme: "bearer", Token: token.value})
	if err != nil {
		return ""
	}
	likes := h.clients
	if rapid.IntRange(0, 3).Draw(rt, "near") > 0 {
		likes = slices.DeleteFunc(slices.Clone(likes), func(m *machine) bool {
			return m.Client.Scope.Organization != actor.Scope.Organization || actor.Scope.Tenant != "" && m.Client.Scope.Tenant != actor.Scope.Tenant
		})
	}
	if len(likes) == 0 {
		return ""
	}
	like := rapid.SampledFrom(likes).Draw(rt, "like")
	level, scope, names := like.Level, like.Client.Scope, tenantScopes
	switch level {
	case estate.LevelRegion:
		names = api.RegionScopes()
	case estate.LevelOrganization:
		names = api.OrganizationClientScopes()
	}
	c, secret, err := s.CreateClient(ctx, actor, credential.NewClient{
		Level: level, Scope: scope, Name: "made", AppType: api.AppTypeWeb, GrantTypes: []string{api.GrantClientCredentials}, Consent: estate.ConsentTrusted,
		Permissions: rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(rt, "scopes"),
	})
	if err != nil {
		return ""
	}
	switch {
	case c.Scope.Organization != actor.Scope.Organization:
		rt.Fatalf("%s: made a client of another organization", token.history)
	case level == estate.LevelOrganization && (actor.Level != level || !c.Permissions.Within(actor.Permissions)):
		rt.Fatalf("%s: with %v made an organization client with %v", token.history, actor.Permissions, c.Permissions)
	case level == estate.LevelRegion && !actor.Can(estate.LevelOrganization, api.ScopeOrgSubscriptions):
		rt.Fatalf("%s: with %v made a region client", token.history, actor.Permissions)
	case level == estate.LevelTenant && (actor.Scope != c.Scope || !actor.Permissions.Holds(api.ScopeAdminClassic) || !slices.Contains(actor.Roles, estate.RoleTenantAdmin)):
		rt.Fatalf("%s: made a client of a tenant", token.history)
	}
	h.clients = append(h.clients, newMachine(c, secret))
	return "creation"
}
