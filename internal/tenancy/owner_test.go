package tenancy_test

import (
	"errors"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestOwners has accounts act on what is theirs, and on what is not.
func TestOwners(t *testing.T) {
	e := testenv.Open(t)
	ctx := t.Context()
	mine, theirs, single := e.Subscription(5), e.Subscription(5), e.Subscription(1)
	stranger := e.NewOrganization("Stranger")
	foreign := e.SubscriptionOf(stranger.ID, 5)
	actor := func(account estate.Account) estate.Actor {
		a, err := e.App.SignIn.AccountActor(ctx, account.Organization, account.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	owner := e.Account(e.Organization.ID, "owner@example.com", mine, single)
	nobody := e.Account(e.Organization.ID, "nobody@example.com")
	want := func(what string, err error, code string) {
		t.Helper()
		var known *estate.Error
		if code == "" && err != nil || code != "" && (!errors.As(err, &known) || known.Code != code) {
			t.Errorf("%s: %v, want %q", what, err, code)
		}
	}

	// Each test of a right is of the owner's, then of what belongs to others.
	for _, c := range []struct {
		name  string
		actor estate.Actor
		sub   estate.Subscription
		code  string
	}{
		{"owner", actor(owner), mine, ""},
		{"owner, of one tenant", actor(owner), single, ""},
		{"owner of another", actor(owner), theirs, api.CodeOtherOwner},
		{"owner, in another organization", actor(owner), foreign, api.CodeEstateNotFound},
		{"owner of nothing", actor(nobody), mine, api.CodeNoOwner},
	} {
		there := e.Tenant(c.sub, "us")
		notFound := c.code
		if c.sub.Organization != c.actor.Scope.Organization {
			notFound = api.CodeTenantNotFound
		}
		_, err := c.actor.In(c.sub.ID, "us")
		want(c.name+", reach", err, c.code)
		if reach, err := c.actor.In(c.sub.ID, "us"); err == nil && c.sub.ID != single.ID {
			made, err := e.App.Tenancy.CreateTenant(ctx, reach, tenancy.NewTenant{Name: "made"})
			want(c.name+", create", err, "")
			if made.Scope() != (estate.Scope{Organization: c.sub.Organization, Subscription: c.sub.ID, Region: "us", Tenant: made.ID}) {
				t.Errorf("%s: made in %+v", c.name, made.Scope())
			}
		}
		patch := []tenancy.PatchOperation{{Op: "replace", Path: "/enableAnalyticCreation", Value: []byte("true")}}
		want(c.name+", change", e.App.Tenancy.UpdateTenant(ctx, c.actor, there.ID, patch), notFound)
		_, err = e.App.Tenancy.PreviewDeactivation(ctx, c.actor, there.ID)
		want(c.name+", preview", err, notFound)
		d := tenancy.Deactivation{Confirm: string(there.Hostname) + "." + testenv.Domain}
		_, err = e.App.Tenancy.DeactivateTenant(ctx, c.actor, there.ID, d)
		want(c.name+", deactivate", err, notFound)
		_, err = e.App.Tenancy.ReactivateTenant(ctx, c.actor, there.ID, d.Confirm)
		want(c.name+", reactivate", err, notFound)
		results, err := e.App.Tenancy.BulkTenants(ctx, c.actor, tenancy.Bulk{Action: api.BulkDeactivate, IDs: []estate.TenantID{there.ID}})
		if c.code == api.CodeNoOwner {
			want(c.name+", bulk", err, api.CodeNoOwner)
		} else if want(c.name+", bulk", err, ""); len(results) == 1 {
			want(c.name+", of bulk", results[0].Err, notFound)
		}

		realm := credential.Realm{Level: estate.LevelRegion, Scope: estate.Scope{Organization: c.sub.Organization, Subscription: c.sub.ID}}
		code := c.code
		if c.sub.Organization != c.actor.Scope.Organization {
			code = api.CodeForbidden
		}
		_, err = e.App.Credential.ListClients(ctx, c.actor, realm, credential.ClientQuery{Limit: 10})
		want(c.name+", clients", err, code)
		scope := realm.Scope
		scope.Region = "us"
		_, _, err = e.App.Credential.CreateClient(ctx, c.actor, credential.NewClient{Level: estate.LevelRegion, Scope: scope})
		if c.sub.ID == single.ID {
			code = api.CodeClientEntitlement
		}
		want(c.name+", region client", err, code)
		_, err = e.App.Provision.List(ctx, c.actor, c.sub.ID)
		want(c.name+", provisioners", err, c.code)
	}

	create := func(a estate.Actor, scopes ...string) error {
		_, _, err := e.App.Credential.CreateClient(ctx, a, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "x", Permissions: scopes,
		})
		return err
	}
	want("organization client", create(actor(owner), api.ScopeOrgTenantsRead, api.ScopeOrgOAuthClients), "")
	want("organization client of an owner of nothing", create(actor(nobody)), api.CodeNoOwner)
	for _, scope := range []string{api.ScopeOrgSubscriptions, api.ScopeAdminClassic} {
		want("organization client that reaches others' subscriptions by "+scope, create(actor(owner), scope), api.CodeInsufficientScope)
	}
	strong := e.OrganizationClient(e.Organization.ID)
	_, err := e.App.Credential.RotateSecret(ctx, actor(owner), credential.Realm{Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}}, strong.ID, 0)
	want("secret of such a client", err, api.CodeInsufficientScope)

	page, err := e.App.Tenancy.Inventory(ctx, actor(owner), tenancy.InventoryQuery{Limit: 100})
	want("tenants", err, "")
	for _, one := range page.Tenants {
		if one.Organization != e.Organization.ID {
			t.Errorf("%+v is listed", one)
		}
	}
	_, err = e.App.Tenancy.Inventory(ctx, actor(nobody), tenancy.InventoryQuery{Limit: 100})
	want("tenants, for an owner of nothing", err, api.CodeNoOwner)

	// Who owns all may do all, from then on; who is no owner any more, nothing.
	for _, sub := range []estate.Subscription{mine, theirs, single} {
		_, err := e.App.Tenancy.UpdateSubscription(ctx, testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{Owners: []string{nobody.Email}})
		want("update", err, "")
	}
	want("organization client of who owns all", create(actor(nobody), api.OrganizationClientScopes()...), "")
	want("organization client of who owns nothing any more", create(actor(owner)), api.CodeNoOwner)
}
