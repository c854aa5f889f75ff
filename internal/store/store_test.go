package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/store/storetest"
)

func TestStore_SQLite(t *testing.T) {
	// To copy an empty database is faster than to make one for every test.
	template := filepath.Join(t.TempDir(), "fresh.db")
	if err := open(t, template).Close(); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, fresh, 0o600); err != nil {
			t.Fatal(err)
		}
		again := func(t *testing.T) *store.Store { return open(t, path) }
		return storetest.Database{
			Store: again(t), Again: again, SQL: openSQL(t, path),
			Tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'",
		}
	})
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
