package storetest

import (
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func testOrganization(t *testing.T, db Database) {
	organizations := func() []estate.Organization {
		return read(t, db, func(tx *store.Tx) ([]estate.Organization, error) { return tx.Organizations(t.Context()) })
	}
	if got := organizations(); len(got) != 0 {
		t.Errorf("organizations of an empty database: %v", got)
	}
	oldest, a, b := organization(9), organization(3), organization(2)
	oldest.CreatedAt, b.CreatedAt = moment(0), a.CreatedAt // of the same age, the id decides
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertOrganization(t.Context(), a), tx.InsertOrganization(t.Context(), b), tx.InsertOrganization(t.Context(), complete(t, oldest)))
	})
	equal(t, "organizations", organizations(), []estate.Organization{oldest, b, a})

	get := func(scope estate.Scope) func(tx *store.Tx) (estate.Organization, error) {
		return func(tx *store.Tx) (estate.Organization, error) { return tx.Organization(t.Context(), scope) }
	}
	equal(t, "organization", read(t, db, get(all(a))), a)
	for _, scope := range []estate.Scope{{}, {Organization: "org-4"}, {Organization: "ORG-3"}, {Organization: a.ID, Region: "eu"}} {
		wantError(t, readError(t, db, get(scope)), estate.NotFound, api.CodeEstateNotFound)
	}
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertOrganization(t.Context(), a) }))
}

func testAccount(t *testing.T, db Database) {
	s := newSample(t, db)
	older, same := account(s.acme, 0), account(s.acme, 2)
	same.ID, same.CreatedAt = "acc-0", s.owner.CreatedAt
	older.ID = "acc-9"
	foreign := account(s.other, 3)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertAccount(t.Context(), same), tx.InsertAccount(t.Context(), complete(t, older)), tx.InsertAccount(t.Context(), foreign))
	})
	accounts := func(o estate.Organization) []estate.Account {
		return read(t, db, func(tx *store.Tx) ([]estate.Account, error) { return tx.Accounts(t.Context(), all(o)) })
	}
	equal(t, "accounts", accounts(s.acme), []estate.Account{older, same, s.owner})
	equal(t, "accounts of the other", accounts(s.other), []estate.Account{foreign})
	if got := accounts(organization(4)); len(got) != 0 {
		t.Errorf("accounts of nobody: %v", got)
	}

	get := func(name string) func(tx *store.Tx) (estate.Account, error) {
		return func(tx *store.Tx) (estate.Account, error) { return tx.Account(t.Context(), all(s.acme), name) }
	}
	for _, name := range []string{"acc-1", "Person-1@Example.com", "person-1@example.COM"} {
		equal(t, "account "+name, read(t, db, get(name)), s.owner)
	}
	for _, name := range []string{"", "acc-3", "person-3@example.com", "ACC-1", "person-1"} {
		wantError(t, readError(t, db, get(name)), estate.NotFound, api.CodeEstateNotFound)
	}

	write(t, db, func(tx *store.Tx) error {
		return tx.SetAccountPassword(t.Context(), all(s.acme), s.owner.ID, "new", moment(50))
	})
	s.owner.PasswordHash, s.owner.UpdatedAt = "new", moment(50)
	equal(t, "accounts with a new password", accounts(s.acme), []estate.Account{older, same, s.owner})
	for _, id := range []estate.AccountID{"", "acc-3", "nobody"} {
		err := refused(t, db, func(tx *store.Tx) error {
			return tx.SetAccountPassword(t.Context(), all(s.acme), id, "stolen", moment(60))
		})
		wantError(t, err, estate.NotFound, api.CodeEstateNotFound)
	}

	insert := func(a estate.Account) error {
		t.Helper()
		return refused(t, db, func(tx *store.Tx) error { return tx.InsertAccount(t.Context(), a) })
	}
	taken := account(s.other, 7)
	taken.Email = "PERSON-1@example.com"
	wantError(t, insert(taken), estate.Conflict, api.CodeEstateConflict)
	taken = account(s.acme, 7)
	taken.ID = s.owner.ID
	wantDefect(t, insert(taken))
	wantDefect(t, insert(account(organization(4), 7)))
}

func testRegion(t *testing.T, db Database) {
	newSample(t, db)
	early := estate.Region{Code: "ap", Name: "Sydney", Datacenter: "ap-southeast-2", CountryCode: "AU", CreatedAt: moment(9)}
	write(t, db, func(tx *store.Tx) error { return tx.InsertRegion(t.Context(), complete(t, early)) })
	regions := read(t, db, func(tx *store.Tx) ([]estate.Region, error) { return tx.Regions(t.Context()) })
	equal(t, "regions", regions, []estate.Region{early, europe, america})

	get := func(code estate.RegionCode) func(tx *store.Tx) (estate.Region, error) {
		return func(tx *store.Tx) (estate.Region, error) { return tx.Region(t.Context(), code) }
	}
	equal(t, "region", read(t, db, get("ap")), early)
	for _, code := range []estate.RegionCode{"", "xx", "AP"} {
		wantError(t, readError(t, db, get(code)), estate.NotFound, api.CodeEstateNotFound)
	}
	again := europe
	again.Name = "another"
	err := refused(t, db, func(tx *store.Tx) error { return tx.InsertRegion(t.Context(), again) })
	wantError(t, err, estate.Conflict, api.CodeEstateConflict)
}

func testSubscription(t *testing.T, db Database) {
	s := newSample(t, db)
	complete(t, s.sub)
	older, same := subscription(s.acme, 4), subscription(s.acme, 0)
	older.CreatedAt, same.CreatedAt = moment(0), s.sub.CreatedAt
	older.Regions, older.StartsAt = nil, moment(5)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSubscription(t.Context(), older), tx.InsertSubscription(t.Context(), same))
	})
	subscriptions := func(scope estate.Scope) []estate.Subscription {
		return read(t, db, func(tx *store.Tx) ([]estate.Subscription, error) { return tx.Subscriptions(t.Context(), scope) })
	}
	equal(t, "subscriptions", subscriptions(all(s.acme)), []estate.Subscription{older, same, s.sub, s.second})
	equal(t, "one subscription", subscriptions(of(s.second)), []estate.Subscription{s.second})
	if got := subscriptions(all(organization(4))); len(got) != 0 {
		t.Errorf("subscriptions of nobody: %v", got)
	}

	get := func(id estate.SubscriptionID) func(tx *store.Tx) (estate.Subscription, error) {
		return func(tx *store.Tx) (estate.Subscription, error) { return tx.Subscription(t.Context(), all(s.acme), id) }
	}
	equal(t, "subscription", read(t, db, get(s.sub.ID)), s.sub)
	for _, id := range []estate.SubscriptionID{"", "1", s.others.ID} {
		wantError(t, readError(t, db, get(id)), estate.NotFound, api.CodeEstateNotFound)
	}

	owner := func(id estate.SubscriptionID) func(tx *store.Tx) (estate.OrganizationID, error) {
		return func(tx *store.Tx) (estate.OrganizationID, error) { return tx.SubscriptionOwner(t.Context(), id) }
	}
	equal(t, "owner", read(t, db, owner(s.others.ID)), s.other.ID)
	wantError(t, readError(t, db, owner("1")), estate.NotFound, api.CodeEstateNotFound)

	insert := func(change func(*estate.Subscription)) error {
		t.Helper()
		sub := subscription(s.other, 7)
		change(&sub)
		return refused(t, db, func(tx *store.Tx) error { return tx.InsertSubscription(t.Context(), sub) })
	}
	for _, of := range []estate.Organization{s.acme, s.other} {
		err := insert(func(sub *estate.Subscription) { sub.ID, sub.Organization = s.sub.ID, of.ID })
		wantError(t, err, estate.Conflict, api.CodeEstateConflict)
	}
	for what, change := range impossibleSubscriptions() {
		t.Run(what, func(t *testing.T) { wantDefect(t, insert(change)) })
	}
	wantDefect(t, insert(func(sub *estate.Subscription) { sub.Organization = "nobody" }))
}

// impossibleSubscriptions are what the schema keeps out, whatever the services
// let pass.
func impossibleSubscriptions() map[string]func(*estate.Subscription) {
	return map[string]func(*estate.Subscription){
		"no tenants":                    func(sub *estate.Subscription) { sub.TenantLimit, sub.TenantCount = 0, 0 },
		"fewer tenants than there are":  func(sub *estate.Subscription) { sub.TenantLimit = 1 },
		"end before start":              func(sub *estate.Subscription) { sub.EndsAt = sub.StartsAt },
		"unknown region":                func(sub *estate.Subscription) { sub.Regions = []estate.RegionCode{"xx"} },
		"region twice":                  func(sub *estate.Subscription) { sub.Regions = []estate.RegionCode{"eu", "eu"} },
		"unknown owner":                 func(sub *estate.Subscription) { sub.Owners = []estate.AccountID{"nobody"} },
		"owner of another organization": func(sub *estate.Subscription) { sub.Owners = []estate.AccountID{"acc-1"} },
	}
}

func testUpdateSubscription(t *testing.T, db Database) {
	s := newSample(t, db)
	foreign, second := account(s.other, 2), account(s.acme, 3)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertAccount(t.Context(), foreign), tx.InsertAccount(t.Context(), second))
	})
	get := func(sub estate.Subscription) estate.Subscription {
		return read(t, db, func(tx *store.Tx) (estate.Subscription, error) {
			return tx.Subscription(t.Context(), of(sub), sub.ID)
		})
	}
	update := func(scope estate.Scope, sub estate.Subscription) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.UpdateSubscription(t.Context(), scope, sub) }
	}

	changed := s.sub
	changed.Name, changed.TenantLimit, changed.Regions = "renamed", 2, []estate.RegionCode{america.Code}
	changed.Owners = []estate.AccountID{s.owner.ID, second.ID}
	changed.StartsAt, changed.EndsAt, changed.UpdatedAt = moment(10), moment(20), moment(30)
	asked := changed
	// Neither the count nor where the subscription is can be changed.
	asked.TenantCount, asked.Organization, asked.CreatedAt = 99, s.other.ID, moment(99)
	write(t, db, update(all(s.acme), asked))
	equal(t, "changed", get(s.sub), changed)
	equal(t, "not changed", get(s.second), s.second)

	changed.Regions, changed.Owners = nil, nil
	write(t, db, update(of(s.sub), changed))
	equal(t, "without regions and owners", get(s.sub), changed)

	unknown := s.sub
	unknown.ID = "1"
	for _, fn := range []func(tx *store.Tx) error{
		update(all(s.acme), unknown), update(all(s.other), s.sub), update(of(s.second), s.sub), update(estate.Scope{}, s.sub),
	} {
		wantError(t, refused(t, db, fn), estate.NotFound, api.CodeEstateNotFound)
	}
	for what, change := range impossibleSubscriptions() {
		t.Run(what, func(t *testing.T) {
			sub := s.others
			change(&sub)
			wantDefect(t, refused(t, db, update(all(s.other), sub)))
		})
	}
}

func testTakeTenantPlace(t *testing.T, db Database) {
	s := newSample(t, db)
	europeOnly := subscription(s.acme, 4)
	europeOnly.Regions = []estate.RegionCode{europe.Code}
	write(t, db, func(tx *store.Tx) error { return tx.InsertSubscription(t.Context(), europeOnly) })
	take := func(scope estate.Scope) (taken bool) {
		t.Helper()
		write(t, db, func(tx *store.Tx) (err error) {
			_, taken, err = tx.TakeTenantPlace(t.Context(), scope, time.Time{})
			return err
		})
		return taken
	}
	for i := s.sub.TenantCount; i < s.sub.TenantLimit; i++ {
		if !take(of(s.sub)) {
			t.Fatalf("no place after %d of %d", i, s.sub.TenantLimit)
		}
	}
	in := func(region estate.RegionCode) estate.Scope {
		scope := of(europeOnly)
		scope.Region = region
		return scope
	}
	if !take(in("eu")) {
		t.Error("no place in a region of the subscription")
	}
	// What comes with it, and only while the entitlement is in force.
	for _, at := range []struct {
		when  time.Time
		taken bool
	}{{europeOnly.StartsAt.Add(-time.Second), false}, {europeOnly.EndsAt, false}, {europeOnly.EndsAt.Add(-time.Second), true}, {europeOnly.StartsAt, true}} {
		changeMind(t, db, func(tx *store.Tx) error {
			place, taken, err := tx.TakeTenantPlace(t.Context(), in("eu"), at.when)
			equal(t, at.when.String(), taken, at.taken)
			if taken {
				equal(t, "place", place, store.TenantPlace{Datacenter: europe.Datacenter, CountryCode: europe.CountryCode})
			}
			return err
		})
	}
	before := dump(t, db)
	for what, scope := range map[string]estate.Scope{
		"used up": of(s.sub), "another region": in("us"), "an unknown region": in("xx"),
		"no subscription": all(s.acme), "another's": {Organization: s.other.ID, Subscription: s.second.ID}, "nothing": {},
	} {
		if take(scope) {
			t.Errorf("%s: got a place", what)
		}
	}
	equal(t, "database", dump(t, db), before)
	counts := map[estate.SubscriptionID]int64{}
	for _, sub := range read(t, db, func(tx *store.Tx) ([]estate.Subscription, error) { return tx.Subscriptions(t.Context(), all(s.acme)) }) {
		counts[sub.ID] = sub.TenantCount
	}
	equal(t, "counts", counts, map[estate.SubscriptionID]int64{s.sub.ID: 10, s.second.ID: 2, europeOnly.ID: 3})

	// A place is taken with the rest of the transaction or not at all.
	changeMind(t, db, func(tx *store.Tx) error {
		_, taken, err := tx.TakeTenantPlace(t.Context(), of(s.second), time.Time{})
		equal(t, "place taken", taken, true)
		return err
	})
}
