package tenancy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPurge_CutOff: a process that is cut off in the middle of the erasure of a large
// tenant leaves it purged once, and another one erases the rest.
func TestPurge_CutOff(t *testing.T) {
	const users = 3500
	e := testenv.New(t)
	sub := e.Subscription(2)
	large, next := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	insert := func(of estate.Tenant, n int) {
		t.Helper()
		err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
			for range n {
				id := estate.NewUserID()
				u := estate.User{
					ID: id, Organization: of.Organization, Tenant: of.ID, Subject: string(id), Name: "User", Status: estate.UserActive,
					Roles: []estate.RoleName{estate.RoleDeveloper}, CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
				}
				if err := tx.InsertUser(t.Context(), u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(large, users)
	insert(next, 3)
	s := e.App.Tenancy
	region := e.RegionClient(sub, "us")
	actor := estate.Actor{Kind: estate.ActorClient, ID: string(region.ID), Level: estate.LevelRegion, Scope: region.Scope, Permissions: region.Permissions}
	days := 10
	if _, err := s.DeactivateTenant(t.Context(), actor, large.ID, tenancy.Deactivation{Confirm: string(large.Hostname) + "." + testenv.Domain, PurgeAfterDays: &days}); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(11 * 24 * time.Hour)

	// It is cut off after the transaction that purges: that is the first change.
	ctx, cut := context.WithCancel(t.Context())
	e.App.Store.Subscribe(func([]store.Change) { cut() })
	if n, err := s.PurgeDue(ctx); n > 1 || !errors.Is(err, context.Canceled) {
		t.Fatalf("%d purged: %v", n, err)
	}
	left := func(of estate.Tenant) (n int64) {
		t.Helper()
		err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
			n, err = tx.CountUsers(t.Context(), of.Scope(), nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if have := find(t, e, large.ID); have.Status != estate.TenantDeleted {
		t.Fatalf("after the first transaction it is %s", have.Status)
	}
	if n := left(large); n < users-1000 || n > users {
		t.Errorf("%d users are left after the first transaction", n)
	}
	if _, err := s.ReactivateTenant(t.Context(), actor, large.ID, string(large.Hostname)+"."+testenv.Domain); err == nil {
		t.Error("a purged tenant was reactivated")
	}
	if n, err := s.PurgeDue(t.Context()); n != 0 || err != nil {
		t.Errorf("then %d were purged: %v", n, err)
	}
	if n, others := left(large), left(next); n != 0 || others != 3 {
		t.Errorf("%d users are left, and %d of the other tenant", n, others)
	}
	var purges int
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		records, err := tx.AuditRecords(t.Context(), large.Scope(), 1000)
		for _, r := range records {
			if r.Action == "tenant.purge" {
				purges++
			}
		}
		return err
	})
	if err != nil || purges != 1 {
		t.Errorf("%d records of the purge (%v)", purges, err)
	}
}

// TestPurge_ClockAhead: a machine whose clock is days ahead of the database's purges
// nothing. SQLite has no other clock than the machine's.
func TestPurge_ClockAhead(t *testing.T) {
	e := testenv.Open(t)
	due := e.Tenant(e.Subscription(2), "us")
	e.Exec("update tenants set status = 'disabled', purge_at = ? where id = ?", e.Clock.Now().UnixMicro(), string(due.ID))
	e.Clock.Advance(max(0, telemetry.SinceWall(e.Clock.Now())) + 48*time.Hour)
	n, err := tenancy.PurgeByBothClocks(e.App.Tenancy, t.Context())
	if e.App.Config.Database == "" {
		if n != 1 || err != nil {
			t.Errorf("%d purged: %v", n, err)
		}
		return
	}
	if have := find(t, e, due.ID); n != 0 || err == nil || !strings.Contains(err.Error(), "nothing is purged") || have.Status != estate.TenantDisabled {
		t.Errorf("%d purged by a clock that is ahead, the tenant is %s: %v", n, have.Status, err)
	}
	e.Clock.Advance(2*time.Minute - 48*time.Hour)
	if n, err := tenancy.PurgeByBothClocks(e.App.Tenancy, t.Context()); n != 1 || err != nil {
		t.Errorf("%d purged once the clocks agree: %v", n, err)
	}
}
