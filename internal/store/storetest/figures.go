package storetest

import (
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// testFigures counts subscriptions in force, jobs that are not done, and events that
// a consumer has not read.
func testFigures(t *testing.T, db Database) {
	s := newSample(t, db)
	now := moment(100)
	full, over, later := subscription(s.other, 4), subscription(s.acme, 5), subscription(s.acme, 6)
	full.TenantCount, over.EndsAt, later.StartsAt = full.TenantLimit, now, now.Add(time.Microsecond)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSubscription(t.Context(), full), tx.InsertSubscription(t.Context(), over), tx.InsertSubscription(t.Context(), later))
	})
	appendAudit(t, db, auditRecord(all(s.acme), 1, "a"), auditRecord(all(s.acme), 1, "b"), auditRecord(all(s.other), 1, "c"))
	write(t, db, func(tx *store.Tx) error { return tx.SetEventCursor(t.Context(), all(s.acme), "one", 0, 1) })
	for _, statement := range []string{
		"insert into river_queue (name, updated_at) values ('default', '2026-01-02 03:04:05+00:00')",
		"insert into river_queue (name, updated_at) values ('outside', '2026-01-02 03:04:05+00:00')",
		"insert into river_job (kind, args, max_attempts, state, queue, scheduled_at) values ('job', '{}', 25, 'available', 'default', '2026-01-02 03:04:07+00:00')",
		"insert into river_job (kind, args, max_attempts, state, queue, scheduled_at) values ('job', '{}', 25, 'available', 'default', '2026-01-02 03:04:06+00:00')",
		"insert into river_job (kind, args, max_attempts, state, queue, scheduled_at) values ('job', '{}', 25, 'scheduled', 'outside', '2026-01-02 03:04:05+00:00')",
	} {
		if _, err := db.SQL.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	have := read(t, db, func(tx *store.Tx) (store.Figures, error) { return tx.Figures(t.Context(), now, 2) })
	equal(t, "figures", have, store.Figures{
		Subscriptions: 4, Tenants: 16, TenantLimit: 40, Fullest: []store.Fullness{{Subscription: full.ID, Used: 1}, {Subscription: s.sub.ID, Used: .2}},
		Jobs: map[string]int64{"available": 2, "scheduled": 1}, Behind: map[string]int64{"one": 2},
		OldestDue: map[string]time.Time{"default": time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), "outside": now},
	})

	state, err := db.Store.State(t.Context())
	if err != nil || state.Engine == "" || state.SchemaVersion == 0 || state.Size == 0 || state.Readers == 0 || state.Busy != 0 || state.Waiting != 0 {
		t.Errorf("%+v, %v", state, err)
	}

	// PostgreSQL has a clock of its own, here on the same machine.
	at, err := db.Store.Clock(t.Context())
	if off := telemetry.SinceWall(at).Abs(); err != nil || at.IsZero() != (state.Engine == "sqlite") || !at.IsZero() && off > time.Hour {
		t.Errorf("%s has %v, %v", state.Engine, at, err)
	}
}
