package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	statisticsInterval = time.Second
	statisticsWork     = 200 // statements since the last look that make another one worth while
)

// gatherStatistics tells PostgreSQL's planner of tables that have grown since they
// were made, until ctx ends. Autovacuum does the same, but comes once a minute: until
// then plans are kept that were made when the tables were empty, when one index is
// as good as any other, and which read all tenants of an organization to find one.
// It need not succeed.
func (e *engine) gatherStatistics(ctx context.Context) {
	ticker := time.NewTicker(statisticsInterval)
	defer ticker.Stop()
	looked := int64(-statisticsWork)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		executed := e.executed.Load()
		if executed-looked < statisticsWork {
			continue
		}
		looked = executed
		rows, err := e.pool.Query(ctx, `select relname from pg_stat_user_tables
			where schemaname = current_schema() and last_analyze is null and last_autoanalyze is null and n_live_tup >= 100`)
		if err != nil {
			continue
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			continue
		}
		for _, table := range tables {
			_, _ = e.pool.Exec(ctx, "analyze "+pgx.Identifier{table}.Sanitize())
		}
	}
}
