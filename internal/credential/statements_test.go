package credential_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestService_Statements counts what the database has to do for a token once the
// client is known: nothing, by whatever grant, at whatever host, and nothing to
// check one either. Only an assertion costs something: that it was used is written
// before the token leaves, in a transaction of its own.
func TestService_Statements(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Credential
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	region, organization, automation := e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID), e.TenantClient(tenant)

	portal, secret, err := s.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "portal", AppType: api.AppTypeWeb, Consent: estate.ConsentTrusted,
		Permissions: []string{api.ScopeAdminClassic, api.ScopeUserDefault}, GrantTypes: []string{api.GrantUserImpersonation},
	})
	if err != nil {
		t.Fatal(err)
	}
	ada := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "ada", Name: "Ada", Status: estate.UserActive,
		Roles: []estate.RoleName{estate.RoleTenantAdmin}, CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
	}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), ada) }); err != nil {
		t.Fatal(err)
	}
	impersonate := request(testenv.Credentials{Client: portal, Secret: secret.Reveal()})
	impersonate.GrantType, impersonate.UserLookup = api.GrantUserImpersonation, credential.UserLookup{Field: "subject", Value: "ada"}

	key := newJWTSigner(t, "ES256", "k1")
	signing := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
	exchange := func(subject string) credential.TokenRequest {
		return credential.TokenRequest{GrantType: api.GrantTokenExchange, Exchange: credential.Exchange{SubjectToken: subject, SubjectTokenType: api.TokenTypeAccessToken}}
	}
	atRegister := issue(t, s, register, region)

	for name, c := range map[string]struct {
		surface    estate.Surface
		request    func() credential.TokenRequest
		statements int64
	}{
		"region client":             {register, func() credential.TokenRequest { return request(region) }, 0},
		"region client at a tenant": {at(tenant), func() credential.TokenRequest { return request(region) }, 0},
		"organization client":       {console, func() credential.TokenRequest { return request(organization) }, 0},
		"tenant client":             {at(tenant), func() credential.TokenRequest { return request(automation) }, 0},
		"impersonation":             {at(tenant), func() credential.TokenRequest { return impersonate }, 0},
		"exchange at the same host": {register, func() credential.TokenRequest { return exchange(atRegister) }, 0},
		"exchange at a tenant":      {at(tenant), func() credential.TokenRequest { return exchange(atRegister) }, 0},
		"assertion of a client's own": {console, func() credential.TokenRequest {
			return credential.TokenRequest{GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{
				ClientID: string(signing.ID), Assertion: key.sign(t, assertionClaims(e, signing.ID, console.Origin)), AssertionType: api.AssertionTypeJWT,
			}}
		}, 3}, // begin, insert, commit
	} {
		t.Run(name, func(t *testing.T) {
			const n = 20
			var last credential.Token
			run := func() {
				var err error
				if last, err = s.IssueToken(t.Context(), c.surface, c.request()); err != nil {
					t.Fatal(err)
				}
			}
			run() // the client, its bot and the rest are loaded
			before := e.App.Store.Statements()
			for range n {
				run()
			}
			if have := e.App.Store.Statements() - before; have != n*c.statements {
				t.Errorf("%d statements for %d tokens, want %d", have, n, n*c.statements)
			}
			check := func() {
				if _, err := s.Authenticate(t.Context(), c.surface, credential.Presented{Scheme: "bearer", Token: last.Value}); err != nil {
					t.Fatal(err)
				}
			}
			check()
			before = e.App.Store.Statements()
			check()
			if have := e.App.Store.Statements() - before; have != 0 {
				t.Errorf("%d statements to check a token", have)
			}
		})
	}
	s.Flush(t.Context())
	tokens := int64(0)
	for _, u := range usages(t, e, region) {
		tokens += u.Tokens
	}
	if tokens != 1+4*21 { // at both hosts, by secret and by exchange
		t.Errorf("%d tokens of the region's client were counted", tokens)
	}
	if have := fmt.Sprint(len(usages(t, e, testenv.Credentials{Client: signing}))); have != "1" {
		t.Errorf("use of the client that signs: %s rows", have)
	}
}
