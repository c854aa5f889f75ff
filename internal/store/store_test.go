package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/store/storetest"
)

func TestStore_SQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "test.db")
		sqlitetest.New(t, path, prepare)
		again := func(t *testing.T) *store.Store { return open(t, path) }
		return storetest.Database{
			Store: again(t), Again: again, SQL: openSQL(t, path),
			Tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'",
		}
	})
}

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// open opens the store of a file until the test ends.
func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path})
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
