package job_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
)

// catalogue says what PostgreSQL has of the library: columns, constraints,
// indexes, functions and types.
const catalogue = `
	select table_name || '.' || column_name || ' ' || udt_name || ' ' || coalesce(character_maximum_length, 0) || ' ' || is_nullable || ' ' || coalesce(column_default, '')
		from information_schema.columns where table_name like 'river%'
	union all select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid::regclass::text like 'river%'
	union all select indexdef from pg_indexes where tablename like 'river%'
	union all select relname || ' ' || relpersistence::text from pg_class where relkind = 'r' and relname like 'river%'
	union all select oid::regprocedure || ' ' || provolatile::text || ' ' || prosrc from pg_proc where proname like 'river%'
	union all select enumtypid::regtype || ' ' || row_number() over (order by enumsortorder) || ' ' || enumlabel from pg_enum
	union all select line || ' ' || version from river_migration
	order by 1`

// TestSchema_Postgres: the migrations leave the tables that the library's own
// leave.
func TestSchema_Postgres(t *testing.T) {
	listed := func(url string, make func(*pgxpool.Pool) error) []string {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if err := make(pool); err != nil {
			t.Fatal(err)
		}
		rows, err := pool.Query(context.Background(), catalogue)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(all) < 50 {
			t.Fatal(len(all), err)
		}
		return all
	}
	want := listed(pgtest.New(t, nil), func(pool *pgxpool.Pool) error {
		m, err := rivermigrate.New(riverpgxv5.New(pool), nil)
		if err != nil {
			return err
		}
		_, err = m.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
		return err
	})
	url := pgtest.New(t, nil)
	have := listed(url, func(*pgxpool.Pool) error {
		s, err := store.Open(t.Context(), store.Options{URL: estate.Secret(url)})
		if err != nil {
			return err
		}
		return s.Close()
	})
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("the library's (-) and ours (+)\n%s", diff)
	}
}
