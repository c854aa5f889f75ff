package app

import (
	"context"
	"maps"

	"github.com/freehold-platform/freehold/internal/cache"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// namedFullest is how many subscriptions metrics name.
const namedFullest = 10

// look gathers what metrics tell beyond what was counted. What the database does not
// answer in time is left out.
func (a *App) look(ctx context.Context) telemetry.Snapshot {
	var s telemetry.Snapshot
	s.Caches = map[string]telemetry.CacheUse{}
	for _, caches := range []map[string]cache.Stats{a.Credential.Caches(), a.Tenancy.Caches(), a.SignIn.Caches()} {
		for name, c := range caches {
			s.Caches[name] = telemetry.CacheUse{Hits: c.Hits, Misses: c.Misses, Entries: c.Entries}
		}
	}
	if a.databaseAnswers(ctx) != nil {
		return s
	}
	state, err := a.Store.State(ctx)
	if err != nil {
		return s
	}
	s.Database = &telemetry.DatabaseState{
		Engine: state.Engine, SchemaVersion: state.SchemaVersion, Writable: a.databaseWrites(ctx) == nil, Size: state.Size, WAL: state.WAL,
		Waiting: state.Waiting, Readers: state.Readers, Busy: state.Busy,
	}
	now := a.now()
	var f store.Figures
	err = a.Store.Read(ctx, func(tx *store.Tx) (err error) {
		f, err = tx.Figures(ctx, now, namedFullest)
		return err
	})
	if err != nil {
		a.log.WarnContext(ctx, "figures of the estate are missing in the metrics", "error", err)
		return s
	}
	e := &telemetry.EstateCounts{
		Subscriptions: f.Subscriptions, Tenants: f.Tenants, TenantLimit: f.TenantLimit,
		Fullest: map[string]float64{}, Jobs: map[string]int64{}, OldestDue: map[string]float64{}, Behind: f.Behind,
	}
	for _, one := range f.Fullest {
		e.Fullest[string(one.Subscription)] = one.Used
	}
	for _, state := range []string{"available", "discarded", "retryable", "running", "scheduled"} { // a state without jobs has 0 of them
		e.Jobs[state] = 0
	}
	maps.Copy(e.Jobs, f.Jobs)
	for queue, since := range f.OldestDue {
		e.OldestDue[queue] = max(0, now.Sub(since).Seconds())
	}
	s.Estate = e
	return s
}
