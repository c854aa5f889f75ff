package httpapi_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// Once a client was used in a tenant, its next token needs nothing of the
// database, which a context that has ended would keep it from: also where the
// tenant is another than its own.
func TestCredential_warmTokensReadNothing(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	home, near := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	c := e.TenantClient(home)
	s := e.App.Credential
	realm := func(tenant estate.Tenant) credential.Realm {
		return credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}
	}
	if _, err := s.PublishClient(t.Context(), testenv.Operator, realm(home), c.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.SetConsent(t.Context(), testenv.Operator, realm(near), c.ID, estate.ConsentTrusted); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tenant := range []estate.Tenant{home, near} {
		surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}
		issue := func(ctx context.Context) (credential.Token, error) {
			return s.IssueToken(ctx, surface, credential.TokenRequest{
				GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{ClientID: string(c.ID), Secret: estate.Secret(c.Secret)},
			})
		}
		if _, err := issue(ended); err == nil {
			t.Error("the first token needs no database: the test shows nothing")
		}
		if _, err := issue(t.Context()); err != nil {
			t.Fatal(err)
		}
		token, err := issue(ended)
		for range 10 { // while what this process changed comes back to it through the feed
			if err == nil {
				break
			}
			if _, err = issue(t.Context()); err == nil {
				token, err = issue(ended)
			}
		}
		if err != nil {
			t.Errorf("a warm token: %v", err)
			continue
		}
		if actor, err := s.Authenticate(ended, surface, credential.Presented{Scheme: "bearer", Token: token.Value}); err != nil || actor.Scope != tenant.Scope() {
			t.Errorf("a warm check: %+v, %v", actor, err)
		}
	}
}

// However many ask at once, a client has at most five secrets and one rotation.
func TestCredential_secretsAtOnce(t *testing.T) {
	e := testenv.New(t)
	c := e.OrganizationClient(e.Organization.ID)
	s, realm := e.App.Credential, credential.Realm{Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}}
	atOnce := func(fn func() error) (done int64) {
		var n atomic.Int64
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				if fn() == nil {
					n.Add(1)
				}
			})
		}
		all.Wait()
		return n.Load()
	}
	rotate := func() error {
		_, err := s.RotateSecret(t.Context(), testenv.Operator, realm, c.ID, time.Hour)
		return err
	}
	create := func() error {
		_, err := s.CreateSecret(t.Context(), testenv.Operator, realm, c.ID, time.Time{})
		return err
	}
	if n := atOnce(rotate); n != 1 {
		t.Errorf("%d rotations", n)
	}
	if n := atOnce(create); n != 3 {
		t.Errorf("%d secrets beside the two of the rotation", n)
	}
	if n := atOnce(func() error { return s.FinishRotation(t.Context(), testenv.Operator, realm, c.ID) }); n != 1 {
		t.Errorf("finished %d times", n)
	}
}

// A client that is deleted while it gets its first tokens leaves no active bot.
func TestCredential_deleteWhileUsed(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	for range 10 {
		c := e.RegionClient(sub, "us")
		realm := credential.Realm{Scope: estate.Scope{Organization: e.Organization.ID}}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { tokenStatus(t, e, e.TenantURL(tenant), c.ID, c.Secret) })
		}
		all.Go(func() {
			if err := e.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, c.ID, string(c.ID)); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if got := tokenStatus(t, e, e.TenantURL(tenant), c.ID, c.Secret); got != 401 {
			t.Errorf("after all: %d", got)
		}
		orphans, err := e.App.Credential.Orphans(t.Context(), testenv.Operator, estate.Scope{Organization: e.Organization.ID}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orphans {
			if o.Bot.Status != estate.UserDisabled {
				t.Errorf("%+v is left active", o.Bot)
			}
		}
	}
}
