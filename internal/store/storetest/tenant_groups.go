package storetest

import (
	"context"
	"fmt"
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
