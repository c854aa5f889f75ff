package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

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

// TestPostgres_OutOfOrder: what a statement does not do because of the state that the
// server is in can be tried again later.
func TestPostgres_OutOfOrder(t *testing.T) {
	url := pgtest.New(t, nil)
	s := openURL(t, url)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	insert := func(tx *store.Tx) error {
		n++
		return tx.InsertOrganization(t.Context(), estate.Organization{ID: estate.OrganizationID(fmt.Sprint("org-", n))})
	}
	unavailable := func(what string, err error) {
		t.Helper()
		if !estate.HasKind(err, estate.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	writable := func() error {
		t.Helper()
		before := s.Statements()
		err := s.Writable(t.Context(), time.Now())
		if executed := s.Statements() - before; (err == nil) != (executed == 0) {
			t.Errorf("%d statements, %v", executed, err)
		}
		return err
	}

	for _, code := range []string{"53100", "57014", "58030"} { // no room, cancelled, input or output
		_, err = db.ExecContext(t.Context(), `create or replace function fail() returns trigger language plpgsql as $$ begin raise exception 'broken' using errcode = '`+code+`'; end $$;
			create trigger fail before insert on organizations for each row execute function fail();
			create trigger fail before insert on changes for each row execute function fail()`)
		if err != nil {
			t.Fatal(err)
		}
		unavailable(code, s.Write(t.Context(), insert))
		unavailable(code+": writable", writable())
		if _, err = db.ExecContext(t.Context(), "drop trigger fail on organizations; drop trigger fail on changes"); err != nil {
			t.Fatal(err)
		}
		if err := s.Writable(t.Context(), time.Now()); err != nil {
			t.Errorf("after %s: %v", code, err)
		}
		if err := writable(); err != nil {
			t.Errorf("still after %s: %v", code, err)
		}
	}

	back := pgtest.ReadOnly(t, url)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("reading what can't be written: %v", err)
	}
	if err := writable(); err != nil {
		t.Errorf("nobody has tried to write: %v", err)
	}
	unavailable("read only", s.Write(t.Context(), insert))
	unavailable("read only: writable", writable())
	back()
	if err := s.Write(t.Context(), insert); err != nil {
		t.Errorf("no longer read only: %v", err)
	}
	if err := writable(); err != nil {
		t.Errorf("no longer read only: writable: %v", err)
	}

	unavailable("connection lost while reading", s.Read(t.Context(), func(tx *store.Tx) error {
		pgtest.Disconnect(t, url)
		_, err := tx.Organizations(t.Context())
		return err
	}))
}
