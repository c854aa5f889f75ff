package store_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/store/storetest"
)

func TestStore_Postgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		url := pgtest.New(t, func(url string) error { // to copy an empty database is faster than to make one for every test
			s, err := store.Open(t.Context(), store.Options{URL: estate.Secret(url)})
			if err != nil {
				return err
			}
			return s.Close()
		})
		again := func(t *testing.T) *store.Store { return openURL(t, url) }
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return storetest.Database{
			Store: again(t), Again: again, SQL: db,
			Tables: "select tablename from pg_tables where schemaname = current_schema()",
		}
	})
}

func openURL(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: estate.Secret(url)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
