package credential_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// reopen opens the data folder of e once more, as another process would.
func reopen(t *testing.T, e *testenv.Env) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), e.App.Config, slog.New(slog.DiscardHandler), e.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func sqlExec(t *testing.T, e *testenv.Env, statement string, args ...any) {
	t.Helper()
	e.With(t).Exec(statement, args...)
}

func TestService_Authenticate(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Credential
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	inRegion := estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID, Region: "us"}

	actor, err := s.Authenticate(t.Context(), register, credential.Presented{Scheme: "bearer", Token: issue(t, s, register, c)})
	if err != nil || actor.Kind != estate.ActorClient || actor.ID != string(c.ID) || actor.Level != estate.LevelRegion || actor.Scope != inRegion ||
		!slices.Equal(actor.Permissions, estate.Permissions(api.RegionScopes())) || actor.User != "" || actor.Roles != nil {
		t.Errorf("%+v (%v)", actor, err)
	}
	token := issue(t, s, at(tenant), c)
	actor, err = s.Authenticate(t.Context(), at(tenant), credential.Presented{Scheme: "bearer", Token: token})
	if err != nil || actor.Scope != tenant.Scope() || !actor.User.Valid() || !slices.Equal(actor.Roles, []estate.RoleName{estate.RoleTenantAdmin}) {
		t.Errorf("%+v (%v)", actor, err)
	}
	alias := at(tenant)
	alias.Origin = "https://acme.us.example.com"
	if again, err := s.Authenticate(t.Context(), alias, credential.Presented{Scheme: "bearer", Token: token}); err != nil || again.User != actor.User {
		t.Errorf("at the alias: %+v (%v)", again, err)
	}
	otherPort := register
	otherPort.Origin += ":8443"
	for name, surface := range map[string]estate.Surface{"console": console, "register": register, "register at another port": otherPort, "another tenant": at(e.Tenant(sub, "us"))} {
		_, err := s.Authenticate(t.Context(), surface, credential.Presented{Scheme: "bearer", Token: token})
		expectError(t, "token of the tenant at "+name, err, estate.Unauthenticated, api.CodeUnauthenticated)
	}
	e.Clock.Advance(credential.TokenLifetime)
	_, err = s.Authenticate(t.Context(), at(tenant), credential.Presented{Scheme: "bearer", Token: token})
	expectError(t, "expired", err, estate.Unauthenticated, api.CodeUnauthenticated)
}

// TestService_Authenticate_WhatIsTrueNow takes things away from a client that has
// a token. Each case is seen by a process that knew nothing of the client.
func TestService_Authenticate_WhatIsTrueNow(t *testing.T) {
	for name, test := range map[string]struct {
		statement string
		want      estate.Permissions // nil: refused
	}{
		"nothing":                      {"update clients set name = 'x' where id = ?", api.OrganizationScopes()},
		"a scope":                      {`update clients set permissions = '["cloud-console.tenants:read"]' where id = ?`, estate.Permissions{api.ScopeOrgTenantsRead}},
		"all scopes":                   {`update clients set permissions = '[]' where id = ?`, estate.Permissions{}},
		"its secret, not its token":    {"delete from client_secrets where client_id = ?", api.OrganizationScopes()},
		"that it is enabled":           {"update clients set disabled_at = 1 where id = ?", nil},
		"its existence":                {"delete from client_secrets where client_id = ?; delete from clients where id = ?", nil},
		"its level, which is a defect": {"update clients set level = 'region', subscription_id = 's', region = 'us' where id = ?", nil},
	} {
		e := testenv.Open(t)
		c := e.OrganizationClient(e.Organization.ID)
		token := issue(t, e.App.Credential, console, c)
		for statement := range strings.SplitSeq(test.statement, "; ") {
			sqlExec(t, e, statement, string(c.ID))
		}
		actor, err := reopen(t, e).Credential.Authenticate(t.Context(), console, credential.Presented{Scheme: "bearer", Token: token})
		if test.want == nil {
			expectError(t, name, err, estate.Unauthenticated, api.CodeUnauthenticated)
			continue
		}
		if err != nil || !slices.Equal(actor.Permissions, test.want) {
			t.Errorf("%s: %v (%v)", name, actor.Permissions, err)
		}
	}
}

// TestService_IssueToken_MovedHash moves the stored secret of one client to
// another: hashes are bound to their client.
func TestService_IssueToken_MovedHash(t *testing.T) {
	e := testenv.Open(t)
	from, to := e.OrganizationClient(e.Organization.ID), e.OrganizationClient(e.Organization.ID)
	sqlExec(t, e, "update client_secrets set client_id = ? where client_id = ?", string(to.ID), string(from.ID))
	to.Secret = from.Secret
	_, err := reopen(t, e).Credential.IssueToken(t.Context(), console, request(to))
	expectError(t, "moved hash", err, estate.Unauthenticated, api.CodeOAuthInvalidClient)
}

// TestService_IssueToken_EachSecret gives a client a second secret.
func TestService_IssueToken_EachSecret(t *testing.T) {
	e := testenv.Open(t)
	c := e.OrganizationClient(e.Organization.ID)
	realm := credential.Realm{Level: estate.LevelOrganization, Scope: c.Scope}
	made, err := e.App.Credential.CreateSecret(t.Context(), testenv.Operator, realm, c.ID, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	second := c
	second.Secret = made.Plain.Reveal()
	for name, s := range map[string]*credential.Service{"this process": e.App.Credential, "another process": reopen(t, e).Credential} {
		for which, with := range map[string]testenv.Credentials{"first": c, "second": second} {
			if _, err := s.IssueToken(t.Context(), console, request(with)); err != nil {
				t.Errorf("%s: %s secret: %v", name, which, err)
			}
		}
	}
}

// TestService_Bot_ExactlyOne lets two processes on the same data ask for the
// first tokens of one client, many times at once.
func TestService_Bot_ExactlyOne(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	c := e.RegionClient(sub, "us")
	apps := []*app.App{reopen(t, e), reopen(t, e)}
	users := make([]estate.UserID, 32)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			<-start
			s := apps[i%2].Credential
			token, err := s.IssueToken(t.Context(), at(tenant), request(c))
			if err != nil {
				t.Error(err)
				return
			}
			actor, err := s.Authenticate(t.Context(), at(tenant), credential.Presented{Scheme: "bearer", Token: token.Value})
			if err != nil {
				t.Error(err)
			}
			users[i] = actor.User
		})
	}
	close(start)
	wg.Wait()
	for _, user := range users {
		if user != users[0] || !user.Valid() {
			t.Errorf("bots %s and %s", user, users[0])
		}
	}
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		bot, err := tx.BotUser(t.Context(), tenant.Scope(), c.ID)
		if bot.ID != users[0] || bot.Subject != estate.BotSubject(c.ID) || bot.Name != c.Name || !slices.Equal(bot.Roles, []estate.RoleName{estate.RoleTenantAdmin}) {
			t.Errorf("%+v", bot)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if found := records(t, e, "user.create", c.ID); len(found) != 1 || found[0].Target != string(users[0]) || found[0].Scope != tenant.Scope() {
		t.Errorf("records %+v", found)
	}
}

// TestService_IssueToken_KeysSurviveARestart shows a token of one process to the
// next.
func TestService_IssueToken_KeysSurviveARestart(t *testing.T) {
	e := testenv.Open(t)
	c := e.OrganizationClient(e.Organization.ID)
	token := issue(t, e.App.Credential, console, c)
	next := reopen(t, e)
	if _, err := next.Credential.Authenticate(t.Context(), console, credential.Presented{Scheme: "bearer", Token: token}); err != nil {
		t.Error(err)
	}
	if string(next.Credential.JWKS()) != string(e.App.Credential.JWKS()) {
		t.Error("the published keys are others")
	}
	expires := e.Clock.Now().Add(6 * time.Hour).Truncate(time.Second)
	if token, err := next.Credential.IssueToken(t.Context(), console, request(c)); err != nil || !token.ExpiresAt.Equal(expires) {
		t.Errorf("expires at %v, want %v (%v)", token.ExpiresAt, expires, err)
	}
}
