package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// Figures are what is counted of the estate as a whole, for metrics.
type Figures struct {
	Subscriptions int64 // in force
	Tenants       int64 // in them
	TenantLimit   int64 // of all of them together
	Fullest       []Fullness

	Jobs      map[string]int64     // by state of the job library; those that are done are not among them
	OldestDue map[string]time.Time // by queue: since when the job is due that has waited longest; now if none waits
	Behind    map[string]int64     // by consumer: records of the audit trail that it has not read yet
}

// Fullness is how far the entitlement of a subscription is used.
type Fullness struct {
	Subscription estate.SubscriptionID
	Used         float64 // 0 to 1
}

// Figures counts, in statements whose cost does not grow with the number of
// tenants. It names the fullest subscriptions, at most as many as fullest says.
func (tx *Tx) Figures(ctx context.Context, now time.Time, fullest int) (f Figures, err error) {
	at := micros(now)
	err = tx.row(ctx, `select count(*), coalesce(sum(tenant_count), 0), coalesce(sum(tenant_limit), 0) from subscriptions
		where starts_at <= $1 and ends_at > $1`, at).Scan(&f.Subscriptions, &f.Tenants, &f.TenantLimit)
	if err != nil {
		return f, wrap("count subscriptions", err)
	}
	rows, err := tx.rows(ctx, `select id, tenant_count * 1.0 / tenant_limit from subscriptions
		where starts_at <= $1 and ends_at > $1 order by tenant_count * 1.0 / tenant_limit desc, id limit $2`, at, fullest)
	f.Fullest, err = collect(rows, err, func(row rowScanner) (one Fullness, err error) {
		err = row.Scan(&one.Subscription, &one.Used)
		return one, err
	})
	if err != nil {
		return f, wrap("select fullest subscriptions", err)
	}
	if f.Behind, err = tx.counts(ctx, `select consumer, (select coalesce(sum(position), 0) from audit_chains where organization_id <> '') - sum(position)
		from event_cursors group by consumer`); err != nil { // also of organizations of which it has not read anything
		return f, wrap("count events", err)
	}
	f.Jobs, err = tx.counts(ctx, `select cast(state as text), count(*) from river_job
		where state in ('available', 'discarded', 'retryable', 'running', 'scheduled') group by state`)
	if err != nil {
		return f, wrap("count jobs", err)
	}
	queues, err := collectTexts(tx.rows(ctx, "select name from river_queue order by name"))
	if err != nil {
		return f, wrap("select queues", err)
	}
	f.OldestDue = map[string]time.Time{}
	for _, queue := range queues {
		var since any // a time or its text, as the driver has it
		err := tx.row(ctx, `select scheduled_at from river_job
			where state = 'available' and queue = $1 and priority = 1 order by scheduled_at limit 1`, queue).Scan(&since)
		if errors.Is(err, sql.ErrNoRows) {
			f.OldestDue[queue] = now
			continue
		}
		if err != nil {
			return f, wrap("select oldest job", err)
		}
		if f.OldestDue[queue], err = asTime(since); err != nil {
			return f, wrap("select oldest job", err)
		}
	}
	return f, nil
}

// counts reads rows of a name and a number.
func (tx *Tx) counts(ctx context.Context, query string) (map[string]int64, error) {
	rows, err := tx.rows(ctx, query)
	type count struct {
		name string
		n    int64
	}
	all, err := collect(rows, err, func(row rowScanner) (c count, err error) {
		err = row.Scan(&c.name, &c.n)
		return c, err
	})
	counts := make(map[string]int64, len(all))
	for _, c := range all {
		counts[c.name] = c.n
	}
	return counts, err
}

// asTime takes a time of the job library's tables as a driver hands it out.
func asTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), nil
	case string:
		for _, layout := range []string{time.DateTime, time.RFC3339Nano, "2006-01-02 15:04:05.999999999-07:00"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("not a time: %v", v)
}

// State is how the database does.
type State struct {
	Engine        string // "sqlite" or "postgresql"
	SchemaVersion int64
	Size          int64 // bytes
	WAL           int64 // bytes of the write-ahead log; -1: not known, which on PostgreSQL is its administrator's

	Waiting int // writes that no batch has taken yet
	Readers int // connections for reading
	Busy    int // those of them that are in use
}

// State asks the database how it does.
func (s *Store) State(ctx context.Context) (State, error) {
	state := State{Engine: s.engine.name, WAL: -1, Readers: cap(s.engine.readers)}
	state.Busy = state.Readers - len(s.engine.readers)
	s.mu.Lock()
	state.Waiting = len(s.pending)
	s.mu.Unlock()
	err := s.Read(ctx, func(tx *Tx) error {
		if err := tx.row(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&state.SchemaVersion); err != nil {
			return wrap("select schema version", err)
		}
		return wrap("select size", tx.row(ctx, s.engine.size).Scan(&state.Size))
	})
	if err == nil && s.engine.wal != nil {
		state.WAL, err = s.engine.wal()
	}
	return state, err
}
