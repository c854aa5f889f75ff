package inventory

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// TestIndex_MakeRoom: who makes room for a table doesn't wait for another that is being
// renewed, because who renews it may wait for the index.
func TestIndex_MakeRoom(t *testing.T) {
	busy, wanted := newTable("busy"), newTable("wanted")
	busy.rows.Store(3)
	x := &Index{tables: map[estate.OrganizationID]*table{"busy": busy, "wanted": wanted}, max: 4}
	busy.mu.Lock()
	defer busy.mu.Unlock()
	if !x.makeRoom(wanted, 1) || busy.dropped.Load() {
		t.Error("no room for a fourth row")
	}
	if !x.makeRoom(wanted, 2) || !busy.dropped.Load() || x.tables["busy"] != nil {
		t.Error("the other table was not forgotten")
	}
	if x.makeRoom(wanted, 5) {
		t.Error("there is room for more than the most")
	}
}

// TestIndex_CatchesUp: a table in which much has changed, since it was read or while it
// was, is caught up with in the background. Until then the database answers.
func TestIndex_CatchesUp(t *testing.T) {
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	scope := estate.Scope{Organization: "acme"}
	write := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := db.Write(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	create := func(n int) {
		t.Helper()
		write(func(tx *store.Tx) error {
			for range n {
				err := tx.InsertTenant(ctx, estate.Tenant{
					ID: estate.NewTenantID(at), Organization: scope.Organization, Subscription: "1", Region: "eu", Datacenter: "eu-west-1", CountryCode: "IE",
					Hostname: estate.NewHostname(estate.NewHostLabel(), "eu"), Status: estate.TenantActive, StatusUpdatedAt: at, CreatedAt: at, UpdatedAt: at, Rev: 1,
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	write(func(tx *store.Tx) error {
		if err := tx.InsertRegion(ctx, estate.Region{Code: "eu", Name: "Ireland", Datacenter: "eu-west-1", CountryCode: "IE", CreatedAt: at}); err != nil {
			return err
		}
		if err := tx.InsertOrganization(ctx, estate.Organization{ID: scope.Organization, Name: "Acme", CreatedAt: at, UpdatedAt: at}); err != nil {
			return err
		}
		return tx.InsertSubscription(ctx, estate.Subscription{
			ID: "1", Organization: scope.Organization, Name: "x", TenantLimit: 1_000_000, Regions: []estate.RegionCode{"eu"},
			StartsAt: at, EndsAt: at.AddDate(1, 0, 0), CreatedAt: at, UpdatedAt: at,
		})
	})
	x := New(db, slog.New(slog.DiscardHandler), db.Heard) // the feed is never late
	rows := func(want int64) {
		t.Helper()
		if _, _, ok := x.Tenants(ctx, scope, store.TenantQuery{Limit: 1}); ok != (want >= 0) {
			t.Fatalf("the index answers: %t", ok)
		}
		if have := x.tables[scope.Organization].rows.Load(); want >= 0 && have != want {
			t.Fatalf("%d tenants in memory, want %d", have, want)
		}
	}
	serve := func(want *table) *table {
		t.Helper()
		table := <-x.wanted
		if want != nil && table != want {
			t.Fatal("the table was made anew")
		}
		x.serve(ctx, table)
		return table
	}

	rows(-1)
	create(maxInline + renewBatch + 1) // after it was asked for
	first := serve(nil)
	rows(maxInline + renewBatch + 1)
	create(maxInline)
	rows(2*maxInline + renewBatch + 1)
	create(maxInline + 1)
	rows(-1)
	rows(-1) // asks no second time
	serve(first)
	rows(3*maxInline + renewBatch + 2)
	if len(x.wanted) != 0 {
		t.Error("asked twice to be caught up with")
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	create(maxInline + 1)
	rows(-1)
	x.serve(canceled, <-x.wanted)
	rows(-1)
	serve(first)
	rows(4*maxInline + renewBatch + 3)

	for i := range int64(maxStale) {
		if first.mark("nobody") != i+1 {
			t.Fatal("changes are forgotten")
		}
	}
	create(1)
	if x.tables[scope.Organization] != nil {
		t.Error("more changes are kept in mind than the most")
	}
}
