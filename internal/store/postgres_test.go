package store_test

import (
	"database/sql"
	"fmt"
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

// TestPostgres_ConnectionsLost: what the server ends, as in a failover, is made
// again, without anybody noticing who did not use it right then.
func TestPostgres_ConnectionsLost(t *testing.T) {
	url := pgtest.New(t, nil)
	s := openURL(t, url)
	for range 20 { // until every reader has a connection
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		pgtest.Disconnect(t, url)
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			return tx.InsertOrganization(t.Context(), estate.Organization{ID: estate.OrganizationID(fmt.Sprint("org-", n))})
		})
		if err != nil {
			t.Errorf("write: %v", err)
		}
		for range 20 {
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("read: %v", err)
			}
		}
	}
}

// TestPostgres_LostInTheMiddle: a batch whose connection ends is not half done.
func TestPostgres_LostInTheMiddle(t *testing.T) {
	url := pgtest.New(t, nil)
	s := openURL(t, url)
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: "lost"}); err != nil {
			return err
		}
		pgtest.Disconnect(t, url)
		return tx.InsertOrganization(t.Context(), estate.Organization{ID: "lost too"})
	})
	if err == nil {
		t.Fatal("the write went through")
	}
	var all []estate.Organization
	err = s.Read(t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.Organizations(t.Context())
		return err
	})
	if err != nil || len(all) != 0 {
		t.Errorf("%d organizations, %v", len(all), err)
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertOrganization(t.Context(), estate.Organization{ID: "next"}) }); err != nil {
		t.Errorf("the next write: %v", err)
	}
}
