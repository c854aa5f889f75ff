package tenancy_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// expectError fails the test unless err is an *estate.Error of the kind and code.
func expectError(t *testing.T, what string, err error, kind estate.Kind, code string) {
	t.Helper()
	var known *estate.Error
	if !errors.As(err, &known) || known.Kind != kind || known.Code != code {
		t.Errorf("%s: %v, want %s of kind %d", what, err, code, kind)
	}
}

// outsiders are actors that are not the operator, however much they hold.
func outsiders(e *testenv.Env) map[string]estate.Actor {
	all := slices.Concat(api.RegionScopes(), api.OrganizationScopes())
	return map[string]estate.Actor{
		"nobody":              {},
		"account":             {Kind: estate.ActorAccount, ID: "acc_x", Scope: estate.Scope{Organization: e.Organization.ID}, Roles: []estate.RoleName{estate.RoleTenantAdmin}},
		"organization client": {Kind: estate.ActorClient, ID: "x", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Permissions: all},
		"tenant client":       {Kind: estate.ActorClient, ID: "x", Level: estate.LevelTenant, Scope: estate.Scope{Organization: e.Organization.ID}, Permissions: all, Roles: []estate.RoleName{estate.RoleTenantAdmin}},
	}
}

// TestService_OperatorOnly calls what is the operator's as everybody else.
func TestService_OperatorOnly(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(2)
	tenant := e.Tenant(sub, "us")
	s := e.App.Tenancy
	for name, call := range map[string]func(context.Context, estate.Actor) error{
		"CreateOrganization": func(ctx context.Context, a estate.Actor) error {
			_, err := s.CreateOrganization(ctx, a, "x")
			return err
		},
		"Organizations": func(ctx context.Context, a estate.Actor) error { _, err := s.Organizations(ctx, a); return err },
		"CreateRegion": func(ctx context.Context, a estate.Actor) error {
			_, err := s.CreateRegion(ctx, a, estate.Region{Code: "de"})
			return err
		},
		"Regions": func(ctx context.Context, a estate.Actor) error { _, err := s.Regions(ctx, a); return err },
		"CreateSubscription": func(ctx context.Context, a estate.Actor) error {
			_, err := s.CreateSubscription(ctx, a, sub, nil)
			return err
		},
		"UpdateSubscription": func(ctx context.Context, a estate.Actor) error {
			_, err := s.UpdateSubscription(ctx, a, sub.ID, tenancy.SubscriptionUpdate{Name: "x"})
			return err
		},
		"Subscriptions": func(ctx context.Context, a estate.Actor) error {
			_, err := s.Subscriptions(ctx, a, e.Organization.ID)
			return err
		},
		"Subscription": func(ctx context.Context, a estate.Actor) error { _, err := s.Subscription(ctx, a, sub.ID); return err },
		"SubscriptionLicense": func(ctx context.Context, a estate.Actor) error {
			_, err := s.SubscriptionLicense(ctx, a, sub.ID)
			return err
		},
		"CreateTenantFor": func(ctx context.Context, a estate.Actor) error {
			_, err := s.CreateTenantFor(ctx, a, sub.ID, "us", tenancy.NewTenant{})
			return err
		},
		"TenantFor": func(ctx context.Context, a estate.Actor) error {
			_, err := s.TenantFor(ctx, a, e.Organization.ID, tenant.ID)
			return err
		},
		"TenantByExternalID": func(ctx context.Context, a estate.Actor) error {
			_, err := s.TenantByExternalID(ctx, a, sub.ID, "x")
			return err
		},
		"VerifyCounts": func(ctx context.Context, a estate.Actor) error { _, err := s.VerifyCounts(ctx, a, true); return err },
		"Seed": func(ctx context.Context, a estate.Actor) error {
			_, err := s.Seed(ctx, a, e.Organization.ID, tenancy.SeedPlan{Tenants: 1})
			return err
		},
	} {
		for who, actor := range outsiders(e) {
			expectError(t, name+" as "+who, call(t.Context(), actor), estate.Forbidden, api.CodeForbidden)
		}
	}
	after, err := s.Subscription(t.Context(), testenv.Operator, sub.ID)
	if err != nil || after.Name != sub.Name || after.TenantCount != 1 {
		t.Errorf("%+v (%v)", after, err)
	}
	// A method added to the service belongs into one of the lists.
	others := []string{
		"Caches", "CountInventory", "CreateTenant", "Domain", "Inventory", "InventoryTenant", "License", "OwnSubscription", "OwnSubscriptions", "RateLimits", "Region", "Tenant", "TenantAt", "Terms",
		"BulkTenants", "CheckHostname", "DeactivateTenant", "ListTenants", "PreviewDeactivation", "PurgeDue", "ReactivateTenant", "Run", "Summary", "UpdateTenant",
	}
	if methods := reflect.TypeOf(s).NumMethod(); methods != 14+len(others) {
		t.Errorf("the service has %d methods, the test knows %d; is the new one the operator's?", methods, 14+len(others))
	}
}

// TestService_OwnSubscriptions shows an organization its own subscriptions, and
// them alone.
func TestService_OwnSubscriptions(t *testing.T) {
	e := testenv.Open(t)
	first := e.Subscription(2)
	e.Clock.Advance(time.Second) // the oldest is listed first
	second := e.Subscription(1, "eu")
	other := e.NewOrganization("Other")
	theirs := e.SubscriptionOf(other.ID, 3)
	actor := func(organization estate.OrganizationID, level estate.Level, scopes ...string) estate.Actor {
		return estate.Actor{Kind: estate.ActorClient, ID: "x", Level: level, Scope: estate.Scope{Organization: organization}, Permissions: scopes}
	}
	for name, test := range map[string]struct {
		actor estate.Actor
		want  []estate.SubscriptionID // nil: refused
	}{
		"reader":           {actor(e.Organization.ID, estate.LevelOrganization, api.ScopeOrgSubscriptionsRead), []estate.SubscriptionID{first.ID, second.ID}},
		"manager":          {actor(e.Organization.ID, estate.LevelOrganization, api.ScopeOrgSubscriptions), []estate.SubscriptionID{first.ID, second.ID}},
		"other's reader":   {actor(other.ID, estate.LevelOrganization, api.ScopeOrgSubscriptionsRead), []estate.SubscriptionID{theirs.ID}},
		"without scope":    {actor: actor(e.Organization.ID, estate.LevelOrganization, api.ScopeOrgOAuthClients, api.ScopeOrgTenantsRead)},
		"of another level": {actor: actor(e.Organization.ID, estate.LevelRegion, api.ScopeOrgSubscriptionsRead)},
		"nobody":           {},
	} {
		all, err := e.App.Tenancy.OwnSubscriptions(t.Context(), test.actor)
		if test.want == nil {
			expectError(t, name, err, estate.Forbidden, api.CodeInsufficientScope)
		}
		var have []estate.SubscriptionID
		for _, sub := range all {
			have = append(have, sub.ID)
		}
		if test.want != nil && err != nil || !slices.Equal(have, test.want) {
			t.Errorf("%s lists %v, want %v (%v)", name, have, test.want, err)
		}
		for _, id := range []estate.SubscriptionID{first.ID, second.ID, theirs.ID, "0000000000000000"} {
			sub, err := e.App.Tenancy.OwnSubscription(t.Context(), test.actor, id)
			switch {
			case slices.Contains(test.want, id):
				if err != nil || sub.ID != id {
					t.Errorf("%s gets %v (%v)", name, sub, err)
				}
			case test.want == nil:
				expectError(t, name, err, estate.Forbidden, api.CodeInsufficientScope)
			default:
				expectError(t, name, err, estate.NotFound, api.CodeEstateNotFound)
			}
		}
	}
}

func TestService_CreateRegion(t *testing.T) {
	e := testenv.Open(t)
	for name, test := range map[string]struct {
		region estate.Region
		want   estate.Region // zero: refused
	}{
		"known code":             {estate.Region{Code: "de"}, estate.Region{Code: "de", Name: "Germany (Frankfurt)", Datacenter: "eu-central-1", CountryCode: "DE"}},
		"known code, other name": {estate.Region{Code: "jp", Name: " Osaka ", Datacenter: "ap-northeast-3"}, estate.Region{Code: "jp", Name: "Osaka", Datacenter: "ap-northeast-3", CountryCode: "JP"}},
		"own code":               {estate.Region{Code: "vie-1", CountryCode: "at"}, estate.Region{Code: "vie-1", Name: "vie-1", Datacenter: "vie-1", CountryCode: "AT"}},
		"own code, no country":   {region: estate.Region{Code: "vie"}},
		"country of 3 letters":   {region: estate.Region{Code: "vie", CountryCode: "AUT"}},
		"bad datacenter":         {region: estate.Region{Code: "vie", CountryCode: "AT", Datacenter: "Vienna 1"}},
		"no code":                {},
		"one letter":             {region: estate.Region{Code: "a", CountryCode: "AT"}},
		"in capitals":            {region: estate.Region{Code: "AT", CountryCode: "AT"}},
		"name of a surface":      {region: estate.Region{Code: "console", CountryCode: "AT"}},
		"with a dot":             {region: estate.Region{Code: "a.b", CountryCode: "AT"}},
		"long name":              {region: estate.Region{Code: "vie", CountryCode: "AT", Name: strings.Repeat("x", 257)}},
	} {
		have, err := e.App.Tenancy.CreateRegion(t.Context(), testenv.Operator, test.region)
		if test.want.Code == "" {
			expectError(t, name, err, estate.Invalid, api.CodeEstateInvalid)
			continue
		}
		if test.want.CreatedAt = e.Clock.Now(); err != nil || have != test.want {
			t.Errorf("%s: %+v (%v)", name, have, err)
		}
	}
	all, err := e.App.Tenancy.Regions(t.Context(), testenv.Operator)
	var codes []estate.RegionCode
	for _, r := range all {
		codes = append(codes, r.Code)
	}
	if want := []estate.RegionCode{"ap", "de", "eu", "jp", "us", "vie-1"}; err != nil || !slices.Equal(codes, want) {
		t.Errorf("regions %v, want %v (%v)", codes, want, err)
	}
	_, err = e.App.Tenancy.CreateRegion(t.Context(), testenv.Operator, estate.Region{Code: "us"})
	expectError(t, "code that is taken", err, estate.Conflict, api.CodeEstateConflict)
}

func TestService_CreateOrganization(t *testing.T) {
	e := testenv.Open(t)
	e.Clock.Advance(time.Second)
	for name, want := range map[string]bool{"  Contoso ": true, strings.Repeat("ö", 256): true, "": false, "  ": false, strings.Repeat("o", 257): false} {
		o, err := e.App.Tenancy.CreateOrganization(t.Context(), testenv.Operator, name)
		if !want {
			expectError(t, name, err, estate.Invalid, api.CodeEstateInvalid)
		} else if err != nil || o.Name != strings.TrimSpace(name) || o.ID == "" {
			t.Errorf("%q: %+v (%v)", name, o, err)
		}
	}
	all, err := e.App.Tenancy.Organizations(t.Context(), testenv.Operator)
	if err != nil || len(all) != 3 || all[0].ID != e.Organization.ID {
		t.Errorf("%+v (%v)", all, err)
	}
}

// TestService_Subscription makes and changes subscriptions, well and badly.
func TestService_Subscription(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Tenancy
	owner, err := e.App.Directory.CreateAccount(t.Context(), testenv.Operator, directory.NewAccount{Organization: e.Organization.ID, Email: "owner@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	now := e.Clock.Now()
	base := estate.Subscription{Organization: e.Organization.ID, TenantLimit: 3, Regions: []estate.RegionCode{"us", "eu", "us"}}
	made, err := s.CreateSubscription(t.Context(), testenv.Operator, base, []string{"OWNER@example.com", string(owner.ID)})
	if err != nil {
		t.Fatal(err)
	}
	if !made.ID.Valid() || made.Name != string(made.ID) || !slices.Equal(made.Regions, []estate.RegionCode{"eu", "us"}) || !slices.Equal(made.Owners, []estate.AccountID{owner.ID}) ||
		!made.StartsAt.Equal(now) || !made.EndsAt.Equal(now.AddDate(1, 0, 0)) || made.TenantCount != 0 {
		t.Errorf("%+v", made)
	}
	stored, err := s.Subscription(t.Context(), testenv.Operator, made.ID)
	if err != nil || !reflect.DeepEqual(stored, made) {
		t.Errorf("stored %+v, made %+v (%v)", stored, made, err)
	}
	for name, change := range map[string]func(*estate.Subscription){
		"licence number of 15 digits": func(n *estate.Subscription) { n.ID = "123456789012345" },
		"no tenants":                  func(n *estate.Subscription) { n.TenantLimit = 0 },
		"fewer than none":             func(n *estate.Subscription) { n.TenantLimit = -1 },
		"no regions":                  func(n *estate.Subscription) { n.Regions = nil },
		"end before start":            func(n *estate.Subscription) { n.StartsAt, n.EndsAt = now, now },
		"long name":                   func(n *estate.Subscription) { n.Name = strings.Repeat("n", 257) },
	} {
		bad := base
		change(&bad)
		_, err := s.CreateSubscription(t.Context(), testenv.Operator, bad, nil)
		expectError(t, name, err, estate.Invalid, api.CodeEstateInvalid)
	}
	unknownRegion, taken, nowhere := base, base, base
	unknownRegion.Regions, taken.ID, nowhere.Organization = []estate.RegionCode{"us", "xx"}, made.ID, "org_none"
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, unknownRegion, nil)
	expectError(t, "unknown region", err, estate.NotFound, api.CodeEstateNotFound)
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, taken, nil)
	expectError(t, "licence number that is taken", err, estate.Conflict, api.CodeEstateConflict)
	taken.Organization = e.NewOrganization("Third").ID
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, taken, nil)
	expectError(t, "licence number that another organization has", err, estate.Conflict, api.CodeEstateConflict)
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, nowhere, nil)
	expectError(t, "unknown organization", err, estate.NotFound, api.CodeEstateNotFound)
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, base, []string{"nobody@example.com"})
	expectError(t, "unknown owner", err, estate.NotFound, api.CodeEstateNotFound)
	foreign := base
	foreign.Organization = e.NewOrganization("Other").ID
	_, err = s.CreateSubscription(t.Context(), testenv.Operator, foreign, []string{string(owner.ID)})
	expectError(t, "owner of another organization", err, estate.NotFound, api.CodeEstateNotFound)
	all, err := s.Subscriptions(t.Context(), testenv.Operator, e.Organization.ID)
	if err != nil || len(all) != 1 {
		t.Errorf("%d subscriptions (%v)", len(all), err)
	}

	e.Tenant(made, "us")
	e.Tenant(made, "eu")
	e.Clock.Advance(time.Hour)
	update := func(u tenancy.SubscriptionUpdate) (estate.Subscription, error) {
		return s.UpdateSubscription(t.Context(), testenv.Operator, made.ID, u)
	}
	_, err = update(tenancy.SubscriptionUpdate{TenantLimit: 1})
	expectError(t, "fewer tenants than there are", err, estate.Invalid, api.CodeEstateInvalid)
	_, err = update(tenancy.SubscriptionUpdate{EndsAt: now.AddDate(-1, 0, 0)})
	expectError(t, "end before start", err, estate.Invalid, api.CodeEstateInvalid)
	_, err = update(tenancy.SubscriptionUpdate{Regions: []estate.RegionCode{}})
	expectError(t, "no regions", err, estate.Invalid, api.CodeEstateInvalid)
	_, err = s.UpdateSubscription(t.Context(), testenv.Operator, "0000000000000000", tenancy.SubscriptionUpdate{Name: "x"})
	expectError(t, "no such subscription", err, estate.NotFound, api.CodeEstateNotFound)
	changed, err := update(tenancy.SubscriptionUpdate{Name: "Gold", TenantLimit: 2, Regions: []estate.RegionCode{"ap"}, Owners: []string{}})
	want := stored
	want.Name, want.TenantLimit, want.TenantCount, want.Regions, want.Owners, want.UpdatedAt = "Gold", 2, 2, []estate.RegionCode{"ap"}, nil, e.Clock.Now()
	if err != nil || !reflect.DeepEqual(changed, want) {
		t.Errorf("%+v\nwant %+v (%v)", changed, want, err)
	}
	if stored, err = s.Subscription(t.Context(), testenv.Operator, made.ID); err != nil || !reflect.DeepEqual(stored, want) {
		t.Errorf("stored %+v\nwant %+v (%v)", stored, want, err)
	}
}

// TestService_CreateTenantFor makes tenants as the operator, which is bound by
// the entitlement like everybody.
func TestService_CreateTenantFor(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Tenancy
	sub := e.Subscription(1, "us")
	_, err := s.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "eu", tenancy.NewTenant{})
	expectError(t, "region that is not entitled", err, estate.Forbidden, api.CodeTenantLicenseInvalid)
	_, err = s.CreateTenantFor(t.Context(), testenv.Operator, "0000000000000000", "us", tenancy.NewTenant{})
	expectError(t, "no such subscription", err, estate.NotFound, api.CodeEstateNotFound)
	made, err := s.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{Name: "Acme", ExternalID: "4711", Labels: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{})
	expectError(t, "one more than entitled", err, estate.Forbidden, api.CodeTenantQuota)

	found, err := s.TenantByExternalID(t.Context(), testenv.Operator, sub.ID, "4711")
	if err != nil || !reflect.DeepEqual(found, made) {
		t.Errorf("%+v, want %+v (%v)", found, made, err)
	}
	for what, id := range map[string]string{"another": "4712", "empty": ""} {
		_, err = s.TenantByExternalID(t.Context(), testenv.Operator, sub.ID, id)
		expectError(t, what+" external id", err, estate.NotFound, api.CodeTenantNotFound)
	}
	_, err = s.TenantByExternalID(t.Context(), testenv.Operator, e.Subscription(1).ID, "4711")
	expectError(t, "external id in another subscription", err, estate.NotFound, api.CodeTenantNotFound)
	if found, err = s.TenantFor(t.Context(), testenv.Operator, e.Organization.ID, made.ID); err != nil || found.ID != made.ID {
		t.Errorf("%+v (%v)", found, err)
	}
	_, err = s.TenantFor(t.Context(), testenv.Operator, e.NewOrganization("Other").ID, made.ID)
	expectError(t, "tenant of another organization", err, estate.NotFound, api.CodeTenantNotFound)
	_, err = s.TenantFor(t.Context(), testenv.Operator, "", made.ID)
	expectError(t, "tenant of no organization", err, estate.NotFound, api.CodeTenantNotFound)
}

// TestService_Seed fills an organization, and refuses to overfill it.
func TestService_Seed(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Tenancy
	_, err := s.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: 1})
	expectError(t, "no subscription", err, estate.Invalid, api.CodeEstateInvalid)
	one, other := e.Subscription(60), e.Subscription(60, "us")
	made, err := s.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: 100})
	if err != nil || made != 100 {
		t.Fatalf("%d (%v)", made, err)
	}
	total := int64(0)
	for _, id := range []estate.SubscriptionID{one.ID, other.ID} {
		sub, err := s.Subscription(t.Context(), testenv.Operator, id)
		if err != nil || sub.TenantCount == 0 || sub.TenantCount > sub.TenantLimit {
			t.Errorf("%+v (%v)", sub, err)
		}
		total += sub.TenantCount
	}
	if total < 90 || total > 100 { // a few are tombstones, which hold none
		t.Errorf("%d places are taken", total)
	}
	if _, err = s.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: 1000}); err == nil {
		t.Error("the entitlement was exceeded")
	}
}

// TestService_VerifyCounts: the counts are right after a seed, and what is wrong is
// found and mended.
func TestService_VerifyCounts(t *testing.T) {
	e := testenv.Open(t)
	s := e.App.Tenancy
	e.Subscription(60)
	made := 0
	if _, err := s.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: 100, Subscriptions: 7, Progress: func(n int) { made = n }}); err != nil || made != 100 {
		t.Fatal(made, err)
	}
	verify := func(repair bool) int {
		t.Helper()
		wrong, err := s.VerifyCounts(t.Context(), testenv.Operator, repair)
		if err != nil {
			t.Fatal(err)
		}
		return len(wrong)
	}
	if n := verify(true); n != 0 {
		t.Errorf("%d counts are wrong", n)
	}
	// An estate of this size has subscriptions of unequal sizes.
	all, err := s.Subscriptions(t.Context(), testenv.Operator, e.Organization.ID)
	if err != nil || len(all) != 8 {
		t.Fatalf("%d subscriptions (%v)", len(all), err)
	}
	least, most := int64(100), int64(0)
	for _, sub := range all[1:] {
		least, most = min(least, sub.TenantCount), max(most, sub.TenantCount)
	}
	if least >= most {
		t.Errorf("each subscription has %d tenants", most)
	}
}

// TestService_RefusedAttemptsLeaveARecord looks into the audit trail after
// attempts that were refused, and after ones that were only wrong.
func TestService_RefusedAttemptsLeaveARecord(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(2)
	actor := estate.Actor{
		Kind: estate.ActorClient, ID: "client", Level: estate.LevelRegion, Scope: estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID, Region: "us"},
		Permissions: estate.Permissions{api.ScopeTenantsCreate}, TraceID: "trace",
	}
	key := e.LicenseKey(sub)
	for _, n := range []tenancy.NewTenant{{LicenseKey: key}, {LicenseKey: key}, {LicenseKey: key}, {LicenseKey: "forged"}, {LicenseKey: key, Name: "\x00"}, {}} {
		_, _ = e.App.Tenancy.CreateTenant(t.Context(), actor, n) // the records are what counts here
	}
	lacking := actor
	lacking.Permissions = nil
	_, err := e.App.Tenancy.CreateTenant(t.Context(), lacking, tenancy.NewTenant{LicenseKey: key})
	expectError(t, "without the scope", err, estate.Forbidden, api.CodeInsufficientScope)
	_, err = e.App.Tenancy.CreateTenant(t.Context(), estate.Actor{}, tenancy.NewTenant{LicenseKey: key})
	expectError(t, "as nobody", err, estate.Forbidden, api.CodeInsufficientScope)

	var have []string
	err = e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		records, err := tx.AuditRecords(t.Context(), actor.Scope, 100)
		for _, r := range records {
			if r.Actor.ID == "client" && r.Action == "tenant.create" && r.Actor.TraceID == "trace" {
				code, _ := r.Data["code"].(string)
				have = append(have, strings.TrimSpace(string(r.Outcome)+" "+code))
			}
		}
		return err
	})
	slices.Reverse(have)
	if want := []string{"done", "done", "refused TENANTS-22", "refused TENANTS-23", "refused AUTH-3"}; err != nil || !slices.Equal(have, want) {
		t.Errorf("%v, want %v (%v)", have, want, err)
	}
}

// TestService_Caches changes what the service keeps in memory, from here and
// from another process.
func TestService_Caches(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(5)
	if _, err := e.App.Tenancy.TenantAt(t.Context(), "acme.us"); err == nil {
		t.Fatal("there is a tenant already")
	}
	made := e.Tenant(sub, "us", "acme")
	for _, name := range []estate.Hostname{"acme.us", made.Hostname} {
		if found, err := e.App.Tenancy.TenantAt(t.Context(), name); err != nil || found.ID != made.ID {
			t.Errorf("%s: %+v (%v)", name, found, err)
		}
	}
	if _, err := e.App.Tenancy.Region(t.Context(), "de"); err == nil {
		t.Error("there is a region de")
	}
	if _, err := e.App.Tenancy.CreateRegion(t.Context(), testenv.Operator, estate.Region{Code: "de"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.App.Tenancy.Region(t.Context(), "de"); err != nil {
		t.Error(err)
	}
	for _, ends := range []time.Time{sub.EndsAt, sub.EndsAt.AddDate(1, 0, 0)} {
		if _, have, err := e.App.Tenancy.Terms(t.Context(), e.Organization.ID, sub.ID); err != nil || !have.Equal(ends) {
			t.Errorf("ends at %v, want %v (%v)", have, ends, err)
		}
		if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{EndsAt: sub.EndsAt.AddDate(1, 0, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := e.App.Tenancy.Terms(t.Context(), e.NewOrganization("Other").ID, sub.ID); err == nil {
		t.Error("another organization reads the terms")
	}
	if e.App.Tenancy.Domain() != testenv.Domain {
		t.Error(e.App.Tenancy.Domain())
	}
}
