package store_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// openSQL opens an SQLite file beside the store.
func openSQL(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execSQL(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// schemaOf is what a database says of its schema, without the tables of SQLite
// and of the migrations.
func schemaOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select sql from sqlite_schema
		where sql is not null and tbl_name not like 'sqlite!_%' escape '!' and tbl_name <> 'goose_db_version' order by tbl_name, type desc, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var schema strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		schema.WriteString(text + ";\n\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return schema.String()
}

// TestSchema_SQLite compares what the migrations make of an empty file with
// what was reviewed.
func TestSchema_SQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path)
	got := "-- The schema of a fresh database. Written by go test ./internal/store -update.\n\n" + schemaOf(t, openSQL(t, path))
	golden := filepath.Join("testdata", "schema.sqlite.sql")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run go test ./internal/store -update, and read the difference (-want +got)\n%s", diff)
	}
}

// TestMigrations_Twins: the engines have migrations of the same names.
func TestMigrations_Twins(t *testing.T) {
	engines, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for _, engine := range engines {
		files, err := filepath.Glob(filepath.Join("migrations", engine.Name(), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if first == nil {
			first = files
		}
		if diff := cmp.Diff(first, files); diff != "" {
			t.Errorf("%s and %s have different migrations\n%s", engines[0].Name(), engine.Name(), diff)
		}
	}
	if len(first) == 0 {
		t.Error("there are no migrations")
	}
}

// newestMigration is the highest number of a migration.
func newestMigration(t *testing.T) (newest int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("migrations", "sqlite", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		newest = max(newest, n)
	}
	return newest
}

func TestOpen_NewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db := openSQL(t, path)
	execSQL(t, db, "insert into goose_db_version (version_id, is_applied) values (9999, 1)")
	execSQL(t, db, "create table from_the_future (x text)")
	before := schemaOf(t, db)
	_, err := store.Open(t.Context(), store.Options{Path: path})
	want := fmt.Sprintf("open database %s: the database has schema version 9999, this program knows only %d: use the newer program", path, newestMigration(t))
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if diff := cmp.Diff(before, schemaOf(t, db)); diff != "" {
		t.Errorf("the refused database was changed\n%s", diff)
	}
}

// TestOpen_Again: what is there stays.
func TestOpen_Again(t *testing.T) {
	for _, name := range []string{"test.db", "a b.db", "100%25 #1? ü&x=y.db", "file:x.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			s := open(t, path)
			o := estate.Organization{ID: "org", Name: "Acme"}
			if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertOrganization(t.Context(), o) }); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir(dir)
			if err != nil || len(files) != 1 || files[0].Name() != name {
				t.Errorf("files after closing: %v, %v", files, err)
			}
			err = open(t, path).Read(t.Context(), func(tx *store.Tx) error {
				got, err := tx.Organization(t.Context(), estate.Scope{Organization: "org"})
				if got != o {
					t.Errorf("organization %v, want %v", got, o)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOpen_AtTheSameTime starts several programs on a file that does not exist.
func TestOpen_AtTheSameTime(t *testing.T) {
	for range 3 {
		path := filepath.Join(t.TempDir(), "test.db")
		stores := make([]*store.Store, 4)
		var starts sync.WaitGroup
		for i := range stores {
			starts.Go(func() {
				var err error
				if stores[i], err = store.Open(t.Context(), store.Options{Path: path}); err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		for i, s := range stores {
			if s == nil {
				continue
			}
			err := s.Write(t.Context(), func(tx *store.Tx) error {
				return tx.InsertOrganization(t.Context(), estate.Organization{ID: estate.OrganizationID(rune('a' + i))})
			})
			if err != nil {
				t.Error(err)
			}
		}
		var applied int
		row := openSQL(t, path).QueryRowContext(t.Context(), "select count(*) from goose_db_version where version_id = 1")
		if err := row.Scan(&applied); err != nil || applied != 1 {
			t.Errorf("the migration is noted %d times, %v", applied, err)
		}
		for _, s := range stores {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestOpen_Impossible(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	execSQL(t, openSQL(t, foreign), "create table tenants (id text)")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		path string
	}{
		"no folder":                  {t.Context(), filepath.Join(dir, "none", "test.db")},
		"not a database":             {t.Context(), garbage},
		"database of something else": {t.Context(), foreign},
		"cancelled":                  {cancelled, filepath.Join(dir, "new.db")},
	} {
		t.Run(what, func(t *testing.T) {
			s, err := store.Open(c.ctx, store.Options{Path: c.path})
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "open database "+c.path+": ") {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
}
