package credential_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestService_CreateClient_WhoMay tries every kind of maker with every level.
func TestService_CreateClient_WhoMay(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	tenant, other := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	organization := estate.Scope{Organization: e.Organization.ID}
	region := estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID, Region: "us"}
	stranger := estate.Scope{Organization: e.NewOrganization("Stranger").ID}
	wanted := map[string]credential.NewClient{
		"organization": {Level: estate.LevelOrganization, Scope: organization, Name: "new"},
		"elsewhere":    {Level: estate.LevelOrganization, Scope: stranger, Name: "new"},
		"region":       {Level: estate.LevelRegion, Scope: region, Name: "new"},
		"tenant":       {Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "new", AppType: api.AppTypeWeb},
		"other tenant": {Level: estate.LevelTenant, Scope: other.Scope(), Name: "new", AppType: api.AppTypeWeb},
	}
	admin := []estate.RoleName{estate.RoleTenantAdmin}
	const ok, needsRole, needsScope = "", api.CodeForbidden, api.CodeInsufficientScope
	for name, test := range map[string]struct {
		actor estate.Actor
		want  map[string]string // code of the refusal, by what is wanted
	}{
		"operator": {testenv.Operator, map[string]string{"organization": ok, "elsewhere": ok, "region": ok, "tenant": ok, "other tenant": ok}},
		"nobody":   {estate.Actor{}, map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsRole, "tenant": needsRole, "other tenant": needsRole}}, // of no organization at all
		"organization client": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelOrganization, Scope: organization, Permissions: api.OrganizationScopes()},
			map[string]string{"organization": ok, "elsewhere": needsScope, "region": ok, "tenant": needsRole, "other tenant": needsRole},
		},
		"organization client without cloud-console.subscriptions": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelOrganization, Scope: organization, Permissions: estate.Permissions{api.ScopeOrgOAuthClients, api.ScopeOrgSubscriptionsRead}},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": needsRole, "other tenant": needsRole},
		},
		"organization client of another organization": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelOrganization, Scope: stranger, Permissions: api.OrganizationScopes()},
			map[string]string{"organization": needsScope, "elsewhere": ok, "region": needsRole, "tenant": needsRole, "other tenant": needsRole},
		},
		"organization client that only reads": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelOrganization, Scope: organization, Permissions: estate.Permissions{api.ScopeOrgTenantsRead}},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": needsRole, "other tenant": needsRole},
		},
		"region client at register": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelRegion, Scope: region, Permissions: api.RegionScopes()},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": needsRole, "other tenant": needsRole},
		},
		"region client at the tenant": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelRegion, Scope: tenant.Scope(), Permissions: api.RegionScopes(), Roles: admin},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": ok, "other tenant": needsRole},
		},
		"tenant client": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelTenant, Scope: tenant.Scope(), Permissions: estate.Permissions{api.ScopeAdminClassic}, Roles: admin},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": ok, "other tenant": needsRole},
		},
		"tenant client without the scope": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelTenant, Scope: tenant.Scope(), Permissions: estate.Permissions{api.ScopeUserDefault}, Roles: admin},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": needsScope, "other tenant": needsRole},
		},
		"tenant client without the role": {
			estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelTenant, Scope: tenant.Scope(), Permissions: estate.Permissions{api.ScopeAdminClassic}},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": needsRole, "other tenant": needsRole},
		},
		"administrator of the tenant": {
			estate.Actor{Kind: estate.ActorUser, ID: "somebody", Scope: tenant.Scope(), Permissions: estate.Permissions{api.ScopeAdminClassic}, Roles: admin},
			map[string]string{"organization": needsScope, "elsewhere": needsScope, "region": needsScope, "tenant": ok, "other tenant": needsRole},
		},
	} {
		for what, code := range test.want {
			made, secret, err := e.App.Credential.CreateClient(t.Context(), test.actor, wanted[what])
			if code != ok {
				expectError(t, name+" makes "+what, err, estate.Forbidden, code)
				continue
			}
			if err != nil || len(secret) != 64 || made.CreatedBy != test.actor.ID || made.Level != wanted[what].Level || made.Scope != wanted[what].Scope {
				t.Errorf("%s makes %s: %+v (%v)", name, what, made, err)
			}
			if want := map[bool]string{true: "user", false: "service"}[test.actor.Kind == estate.ActorUser]; made.CreatedByType != want {
				t.Errorf("%s makes %s: created by a %s", name, what, made.CreatedByType)
			}
		}
	}
}

// TestService_CreateClient_NoMoreThanItsMaker asks for scopes that the maker
// lacks.
func TestService_CreateClient_NoMoreThanItsMaker(t *testing.T) {
	e := testenv.Open(t)
	scope := estate.Scope{Organization: e.Organization.ID}
	maker := estate.Actor{Kind: estate.ActorClient, ID: "maker", Level: estate.LevelOrganization, Scope: scope, Permissions: estate.Permissions{api.ScopeOrgOAuthClients}}
	for name, scopes := range map[string][]string{"by default": nil, "by name": {api.ScopeOrgTenantsRead}, "among others": {api.ScopeOrgOAuthClients, api.ScopeOrgTenantsRead}} {
		_, _, err := e.App.Credential.CreateClient(t.Context(), maker, credential.NewClient{Level: estate.LevelOrganization, Scope: scope, Name: "new", Permissions: scopes})
		fields := expectError(t, name, err, estate.Forbidden, api.CodeInsufficientScope)
		if len(fields) != 1 || fields[0].Pointer != "/allowedScopes" {
			t.Errorf("%s: fields %+v", name, fields)
		}
	}
	made, _, err := e.App.Credential.CreateClient(t.Context(), maker, credential.NewClient{Level: estate.LevelOrganization, Scope: scope, Name: "new", Permissions: []string{api.ScopeOrgOAuthClients}})
	if err != nil || !slices.Equal(made.Permissions, maker.Permissions) {
		t.Errorf("%+v (%v)", made, err)
	}
	done := records(t, e, "oauth-client.create", "maker")
	var outcomes []string
	for _, r := range done {
		outcomes = append(outcomes, string(r.Outcome))
	}
	if !slices.Equal(outcomes, []string{"refused", "refused", "refused", "done"}) || done[3].Target != string(made.ID) {
		t.Errorf("records %+v", done)
	}
}

// TestService_CreateClient_Region holds region-level clients to the entitlement.
func TestService_CreateClient_Region(t *testing.T) {
	e := testenv.Open(t)
	create := func(scope estate.Scope, n credential.NewClient) (estate.Client, error) {
		n.Level, n.Scope = estate.LevelRegion, scope
		c, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
		return c, err
	}
	single, several := e.Subscription(1), e.Subscription(2, "us", "eu")
	organization := e.Organization.ID
	_, err := create(estate.Scope{Organization: organization, Subscription: single.ID, Region: "us"}, credential.NewClient{})
	expectError(t, "entitlement for one tenant", err, estate.Forbidden, api.CodeClientEntitlement)
	_, err = create(estate.Scope{Organization: organization, Subscription: several.ID, Region: "ap"}, credential.NewClient{})
	expectError(t, "region that is not entitled", err, estate.Forbidden, api.CodeClientEntitlement)
	_, err = create(estate.Scope{Organization: organization, Subscription: "0000000000000000", Region: "us"}, credential.NewClient{})
	expectError(t, "no such subscription", err, estate.NotFound, api.CodeEstateNotFound)
	_, err = create(estate.Scope{Organization: e.NewOrganization("Other").ID, Subscription: several.ID, Region: "us"}, credential.NewClient{})
	expectError(t, "subscription of another organization", err, estate.NotFound, api.CodeEstateNotFound)
	for name, scope := range map[string]estate.Scope{
		"no region":       {Organization: organization, Subscription: several.ID},
		"no subscription": {Organization: organization, Region: "us"},
		"no organization": {Subscription: several.ID, Region: "us"},
		"a tenant":        {Organization: organization, Subscription: several.ID, Region: "us", Tenant: "t"},
	} {
		_, err := create(scope, credential.NewClient{})
		expectError(t, name, err, estate.Invalid, api.CodeClientInvalid)
	}
	scope := estate.Scope{Organization: organization, Subscription: several.ID, Region: "eu"}
	have, err := create(scope, credential.NewClient{})
	if err != nil {
		t.Fatal(err)
	}
	want := estate.Client{
		ID: have.ID, Level: estate.LevelRegion, Scope: scope, Name: "EU OAuth Client", AppType: api.AppTypeWeb, Permissions: api.RegionScopes(),
		GrantTypes: []string{api.GrantClientCredentials}, AuthMethods: []string{"client_secret"}, Consent: estate.ConsentTrusted, Secrets: have.Secrets,
		CreatedBy: "test", CreatedByType: "service", CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	var stored estate.Client
	err = e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		stored, err = tx.Client(t.Context(), scope, have.ID)
		return err
	})
	if diff := cmp.Diff(have, stored); err != nil || diff != "" {
		t.Errorf("stored: %s (%v)", diff, err)
	}
	for name, test := range map[string]struct {
		client  credential.NewClient
		pointer string
	}{
		"scope of a tenant":        {credential.NewClient{Permissions: []string{"apps"}}, "/allowedScopes/0"},
		"scope of an organization": {credential.NewClient{Permissions: []string{api.ScopeTenantsCreate, api.ScopeOrgTenantsRead}}, "/allowedScopes/1"},
		"user_default":             {credential.NewClient{Permissions: []string{api.ScopeUserDefault}}, "/allowedScopes/0"},
		"parent scope":             {credential.NewClient{Permissions: []string{"tenants"}}, "/allowedScopes/0"},
		"application type":         {credential.NewClient{AppType: api.AppTypeSPA}, "/appType"},
		"grant type":               {credential.NewClient{GrantTypes: []string{"authorization_code"}}, "/allowedGrantTypes/0"},
		"method":                   {credential.NewClient{AuthMethods: []string{"tls_client_auth"}}, "/allowedAuthMethods/0"},
		"method without a key":     {credential.NewClient{AuthMethods: []string{"private_key_jwt"}}, "/publicKeys"},
		"consent":                  {credential.NewClient{Consent: estate.ConsentRequired}, "/connectionConfig/consentMethod"},
		"name":                     {credential.NewClient{Name: strings.Repeat("n", 257)}, "/clientName"},
		"name of two lines":        {credential.NewClient{Name: "a\nb"}, "/clientName"},
	} {
		_, err := create(scope, test.client)
		fields := expectError(t, name, err, estate.Invalid, api.CodeClientInvalid)
		if len(fields) != 1 || fields[0].Pointer != test.pointer || fields[0].Detail == "" {
			t.Errorf("%s: fields %+v, want %s", name, fields, test.pointer)
		}
	}
	narrow, err := create(scope, credential.NewClient{Name: "pipeline", Permissions: []string{api.ScopeTenantsCreate, api.ScopeTenantsCreate}})
	if err != nil || narrow.Name != "pipeline" || !slices.Equal(narrow.Permissions, estate.Permissions{api.ScopeTenantsCreate}) {
		t.Errorf("%+v (%v)", narrow, err)
	}
}

// TestService_CreateClient_Nothing leaves nothing of a client that is refused.
func TestService_CreateClient_Nothing(t *testing.T) {
	e := testenv.Open(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	gone := tenant.Scope()
	gone.Tenant = estate.NewTenantID(time.Now())
	for name, n := range map[string]credential.NewClient{
		"no such tenant":       {Level: estate.LevelTenant, Scope: gone, Name: "new", AppType: api.AppTypeWeb},
		"no such organization": {Level: estate.LevelOrganization, Scope: estate.Scope{Organization: "org_none"}, Name: "new"},
	} {
		made, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
		if err == nil || made.ID != "" || secret != "" {
			t.Errorf("%s: %+v, a secret of %d characters (%v)", name, made, len(secret), err)
		}
	}
	for name, n := range map[string]credential.NewClient{
		"unknown level":     {Level: "galaxy", Scope: tenant.Scope(), Name: "new"},
		"no level":          {Scope: tenant.Scope(), Name: "new"},
		"no name":           {Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}},
		"no owner":          {Level: estate.LevelTenant, Name: "new", AppType: api.AppTypeWeb},
		"251 scopes":        {Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "new", AppType: api.AppTypeWeb, Permissions: many(251)},
		"101 redirect URIs": {Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "new", AppType: api.AppTypeWeb, RedirectURIs: many(101)},
	} {
		_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
		expectError(t, name, err, estate.Invalid, api.CodeClientInvalid)
	}
	all, err := e.App.Credential.Clients(t.Context(), testenv.Operator, estate.Scope{Organization: e.Organization.ID}, "")
	if err != nil || len(all) != 0 {
		t.Errorf("%d clients (%v)", len(all), err)
	}
}

func many(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("https://example.com/%d", i)
	}
	return all
}

// TestService_Clients lists by level and reach.
func TestService_Clients(t *testing.T) {
	e := testenv.Open(t)
	sub, other := e.Subscription(5), e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	organization := e.OrganizationClient(e.Organization.ID)
	us, eu, theirs := e.RegionClient(sub, "us"), e.RegionClient(sub, "eu"), e.RegionClient(other, "us")
	own := e.TenantClient(tenant)
	e.OrganizationClient(e.NewOrganization("Other").ID)
	for name, test := range map[string]struct {
		scope estate.Scope
		level estate.Level
		want  []estate.ClientID
	}{
		"all":               {estate.Scope{Organization: e.Organization.ID}, "", []estate.ClientID{organization.ID, us.ID, eu.ID, theirs.ID, own.ID}},
		"of a level":        {estate.Scope{Organization: e.Organization.ID}, estate.LevelRegion, []estate.ClientID{us.ID, eu.ID, theirs.ID}},
		"of a subscription": {estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID}, "", []estate.ClientID{us.ID, eu.ID, own.ID}},
		"of a tenant":       {tenant.Scope(), "", []estate.ClientID{own.ID}},
		"of nobody":         {estate.Scope{}, "", nil},
	} {
		all, err := e.App.Credential.Clients(t.Context(), testenv.Operator, test.scope, test.level)
		var have []estate.ClientID
		for _, c := range all {
			have = append(have, c.ID)
		}
		slices.Sort(have)
		slices.Sort(test.want)
		if err != nil || !slices.Equal(have, test.want) {
			t.Errorf("%s: %v, want %v (%v)", name, have, test.want, err)
		}
	}
	_, err := e.App.Credential.Clients(t.Context(), estate.Actor{Kind: estate.ActorAccount}, estate.Scope{Organization: e.Organization.ID}, "")
	expectError(t, "as somebody else", err, estate.Forbidden, api.CodeForbidden)
}

// TestService_CreateClient_SecretIsStoredAsAHash looks for the secret in what is
// kept.
func TestService_CreateClient_SecretIsStoredAsAHash(t *testing.T) {
	e := testenv.Open(t)
	c := e.OrganizationClient(e.Organization.ID)
	again := e.OrganizationClient(e.Organization.ID)
	if c.Secret == again.Secret || strings.Trim(c.Secret, "0123456789abcdef") != "" || len(c.Secret) != 64 {
		t.Errorf("secrets %q and %q", c.Secret, again.Secret)
	}
	stored := c.Secrets[0]
	if len(c.Secrets) != 1 || stored.Hint != c.Secret[59:] || len(stored.Hash) != 32 || stored.KeyID == "" || !stored.CreatedAt.Equal(e.Clock.Now()) {
		t.Errorf("%+v", c.Secrets)
	}
	if text := fmt.Sprintf("%+v", c.Client); strings.Contains(text, c.Secret) {
		t.Errorf("the client holds its secret: %s", text)
	}
	for _, r := range records(t, e, "oauth-client.create", "test") {
		if text := fmt.Sprintf("%+v", r); strings.Contains(text, c.Secret) || strings.Contains(text, c.Secret[59:]) {
			t.Errorf("the audit trail holds the secret: %s", text)
		}
	}
}
