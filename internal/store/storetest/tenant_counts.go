package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// testTenantGroups counts tenants by what they have in common, and by day.
func testTenantGroups(t *testing.T, db Database) {
	s := newSample(t, db)
	write(t, db, func(tx *store.Tx) error { // beside the sample's
		for n, status := range []estate.TenantStatus{estate.TenantActive, estate.TenantActive, estate.TenantDisabled} {
			one := tenant(s.sub, america, 1000+n)
			one.Status, one.CreatedAt = status, time.Unix(int64(90_000+n*50_000), 0).UTC()
			if err := tx.InsertTenant(t.Context(), one); err != nil {
				return err
			}
		}
		return nil
	})
	groups := read(t, db, func(tx *store.Tx) ([]store.TenantGroup, error) { return tx.TenantGroups(t.Context(), all(s.acme)) })
	count := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) })
	var sum, disabled int64
	for _, g := range groups {
		sum += g.Count
		if g.Status == estate.TenantDisabled && g.Region == america.Code && g.Subscription == s.sub.ID {
			disabled += g.Count
		}
	}
	equal(t, "tenants over all groups", sum, count)
	equal(t, "disabled", disabled, 1)

	since := time.Unix(86_400, 0).UTC()
	days := read(t, db, func(tx *store.Tx) ([]store.TenantDay, error) {
		return tx.TenantsPerDay(t.Context(), all(s.acme), since)
	})
	byDay := map[time.Time]int64{}
	for _, d := range days {
		byDay[d.Day] = d.Count
	}
	equal(t, "on the second day", byDay[since], 2) // at 90,000 s and 140,000 s
	equal(t, "on the third day", byDay[since.AddDate(0, 0, 1)], 1)
}

// testTenantCounts: whatever many writers do to tenants at once, whether it happens or
// not, the counts say what the tenants say; and what is wrong is found and mended.
func testTenantCounts(t *testing.T, db Database) {
	s := newSample(t, db)
	miscounted := func() []store.Miscounted {
		t.Helper()
		return read(t, db, func(tx *store.Tx) ([]store.Miscounted, error) { return tx.MiscountedTenants(t.Context()) })
	}
	execute(t, db, "update subscriptions set tenant_limit = 1000, tenant_count = 500") // places for all: nobody takes one here
	var writers sync.WaitGroup
	for w := range 8 {
		random := rand.New(rand.NewPCG(uint64(w), 1))
		writers.Go(func() {
			for i := range 25 {
				n := 100 + w*25 + i
				one := tenant(s.sub, []estate.Region{europe, america}[random.IntN(2)], n)
				one.CreatedAt = time.Unix(random.Int64N(400_000), 0).UTC()
				fail := random.IntN(4) == 0
				err := db.Store.Write(t.Context(), func(tx *store.Tx) error {
					err := tx.InsertTenant(t.Context(), one)
					if err == nil && fail {
						return errChangedMind
					}
					return err
				})
				if fail || err != nil {
					if !errors.Is(err, errChangedMind) {
						t.Error(err)
					}
					continue
				}
				live(t, db, random, one)
			}
		})
	}
	writers.Wait()
	equal(t, "miscounted", len(miscounted()), 0)
	groups := read(t, db, func(tx *store.Tx) ([]store.TenantGroup, error) { return tx.TenantGroups(t.Context(), all(s.acme)) })
	kinds := map[estate.TenantStatus]bool{}
	for _, g := range groups {
		kinds[g.Status] = true
	}
	equal(t, "statuses", len(kinds), 3)
	// A transaction that counts sees what it has done itself.
	write(t, db, func(tx *store.Tx) error {
		before, err := tx.CountTenants(t.Context(), all(s.acme), nil)
		errInsert := tx.InsertTenant(t.Context(), tenant(s.sub, europe, 1000))
		after, errAfter := tx.CountTenants(t.Context(), all(s.acme), nil)
		equal(t, "counted in the transaction", after, before+1)
		return first(err, errInsert, errAfter)
	})
	equal(t, "miscounted", len(miscounted()), 0)

	execute(t, db, "update tenant_counts set tenants = tenants + 1 where status = 'active'")
	execute(t, db, "delete from tenant_days")
	if len(miscounted()) < 2 {
		t.Error("wrong counts are not found")
	}
	var heard []store.Change
	db.Store.Subscribe(func(changes []store.Change) { heard = append(heard, changes...) })
	write(t, db, func(tx *store.Tx) error { return tx.RecountTenants(t.Context(), moment(1)) })
	equal(t, "miscounted", len(miscounted()), 0)
	for _, o := range []estate.Organization{s.acme, s.other} {
		if !slices.Contains(heard, store.Change{Kind: store.ChangeTenant, Key: string(o.ID) + "/"}) {
			t.Errorf("nobody heard that the tenants of %s are to be forgotten: %v", o.ID, heard)
		}
	}
}

var errChangedMind = errors.New("changed my mind")

// live changes a tenant some times, and may purge it if that left it disabled.
func live(t *testing.T, db Database, random *rand.Rand, v estate.Tenant) {
	scope := v.Scope()
	for range random.IntN(4) {
		err := db.Store.Write(t.Context(), func(tx *store.Tx) error {
			now, err := tx.Tenant(t.Context(), scope, v.ID)
			if err != nil {
				return err
			}
			now.Status, now.PurgeAt, now.Protected = estate.TenantActive, time.Time{}, false
			if random.IntN(2) == 0 {
				now.Status, now.PurgeAt = estate.TenantDisabled, moment(5)
			}
			return tx.UpdateTenant(t.Context(), scope, now)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if random.IntN(2) == 0 {
		return
	}
	err := db.Store.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.PurgeTenant(t.Context(), scope, moment(9), allRows); return err })
	if err != nil {
		t.Error(err)
	}
}

// groupReads count tenants and show no more than how many there are; so the ids
// are those of Tenants.
var groupReads = map[string]readCase{
	"TenantGroups": {rows: tenantRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		groups, err := tx.TenantGroups(ctx, scope)
		var n int64
		for _, g := range groups {
			n += g.Count
		}
		return countedTenants(ctx, tx, scope, n, err)
	}},
	"TenantsPerDay": {rows: tenantRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		days, err := tx.TenantsPerDay(ctx, scope, time.Unix(0, 0))
		var n int64
		for _, d := range days {
			n += d.Count
		}
		return countedTenants(ctx, tx, scope, n, err)
	}},
}

func countedTenants(ctx context.Context, tx *store.Tx, scope estate.Scope, n int64, err error) ([]string, error) {
	page, _, errTenants := tx.Tenants(ctx, scope, store.TenantQuery{Limit: store.MaxPage})
	if int(n) != len(page) {
		return nil, fmt.Errorf("%d tenants, and %d counted", len(page), n)
	}
	return ids(page, first(err, errTenants), idOfTenant)
}

// testInsertTenants: many tenants at once are as if they had been inserted one by
// one, but for the feed, and but for what tombstones have no more.
func testInsertTenants(t *testing.T, db Database) {
	s := newSample(t, db)
	var want []estate.Tenant
	for n := range 71 { // a statement of each size
		one := tenant(s.sub, []estate.Region{europe, america}[n%2], 100+n)
		one.Settings = estate.DefaultTenantSettings()
		if n%10 == 0 {
			one.Status, one.Labels, one.Alias, one.ExternalID = estate.TenantDeleted, nil, "", ""
		}
		want = append(want, one)
	}
	var heard []store.Change
	db.Store.Subscribe(func(changes []store.Change) { heard = append(heard, changes...) })
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertTenants(t.Context(), want), tx.InsertTenants(t.Context(), nil))
	})
	equal(t, "changes", heard, []store.Change{{Kind: store.ChangeTenant, Key: string(s.acme.ID) + "/"}})
	got := read(t, db, func(tx *store.Tx) (all []estate.Tenant, err error) {
		for _, one := range want {
			found, errFound := tx.Tenant(t.Context(), of(s.sub), one.ID)
			all, err = append(all, found), first(err, errFound)
		}
		return all, err
	})
	equal(t, "tenants", got, want)
	equal(t, "miscounted", len(read(t, db, func(tx *store.Tx) ([]store.Miscounted, error) { return tx.MiscountedTenants(t.Context()) })), 0)
	var walked []estate.Tenant
	for {
		after := estate.TenantID("")
		if len(walked) > 0 {
			after = walked[len(walked)-1].ID
		}
		some := read(t, db, func(tx *store.Tx) ([]estate.Tenant, error) { return tx.TenantsByID(t.Context(), of(s.sub), after, 30) })
		if len(some) == 0 {
			break
		}
		walked = append(walked, some...)
	}
	equal(t, "tenants by id", walked, want)
	for i, free := range []bool{true, false} { // of a tombstone, and of a tenant
		equal(t, "host name is free", read(t, db, func(tx *store.Tx) (bool, error) { return tx.HostnameFree(t.Context(), want[i].Hostname) }), free)
	}
	if wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertTenants(t.Context(), want[:1]) })); len(heard) != 1 {
		t.Error("what did not happen was heard of")
	}
}

func testTakeTenantPlaces(t *testing.T, db Database) {
	s := newSample(t, db)
	take := func(n int64) (taken bool) {
		write(t, db, func(tx *store.Tx) (err error) {
			taken, err = tx.TakeTenantPlaces(t.Context(), of(s.sub), n)
			return err
		})
		return taken
	}
	free := s.sub.TenantLimit - s.sub.TenantCount
	for _, c := range []struct {
		n     int64
		taken bool
	}{{free + 1, false}, {free - 1, true}, {2, false}, {1, true}, {1, false}} {
		equal(t, fmt.Sprintf("%d places", c.n), take(c.n), c.taken)
	}
}
