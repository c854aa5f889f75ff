package app_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// dump lists every row of every table that either engine has, without the
// migrations' own.
func dump(t *testing.T, driver, dsn, tables string) (all []string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range texts(t, db, tables) {
		rows, err := db.QueryContext(t.Context(), "select * from "+table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			line := table
			for i, column := range columns {
				line += fmt.Sprintf(" %s=%v", column, values[i])
			}
			all = append(all, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return all
}

func texts(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestCopy moves an estate from SQLite to PostgreSQL and back, and compares every
// row; a server on the copy knows the same secrets and goes on writing.
func TestCopy(t *testing.T) {
	e := testenv.Open(t)
	if e.App.Config.Database != "" {
		t.Skip("needs an estate on SQLite to start from")
	}
	sub := e.Subscription(5, "us", "eu")
	tenant := e.Tenant(sub, "us", "acme")
	e.Tenant(sub, "eu")
	client := e.OrganizationClient(e.Organization.ID)
	e.TenantClient(tenant)
	e.RegionClient(sub, "us")
	e.Exec("update tenants set name = ? where id = ?", "Ünïcode \"quoted\" 'n' \\ %_", string(tenant.ID))

	path := filepath.Join(e.App.Config.DataDir, "freehold.db")
	url := pgtest.New(t, nil)
	back := filepath.Join(t.TempDir(), "back.db")
	var rows int64
	progress := func(_ string, n int64) { rows += n }
	if err := app.CopyEstate(t.Context(), "sqlite:"+e.App.Config.DataDir, url, progress); err != nil {
		t.Fatal(err)
	}
	if rows < 20 {
		t.Errorf("%d rows were copied", rows)
	}
	if err := app.CopyEstate(t.Context(), url, "sqlite:"+back, nil); err != nil {
		t.Fatal(err)
	}
	const sqliteTables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!' and name <> 'goose_db_version'"
	const postgresTables = "select tablename::text from pg_tables where schemaname = current_schema() and tablename <> 'goose_db_version'"
	want := dump(t, "sqlite", "file:"+path, sqliteTables)
	if diff := cmp.Diff(want, dump(t, "pgx", url, postgresTables)); diff != "" {
		t.Errorf("in PostgreSQL (-want +have)\n%s", diff)
	}
	if diff := cmp.Diff(want, dump(t, "sqlite", "file:"+back, sqliteTables)); diff != "" {
		t.Errorf("and back in SQLite (-want +have)\n%s", diff)
	}
	if err := app.CopyEstate(t.Context(), "sqlite:"+path, url, nil); err == nil {
		t.Error("an estate was copied over another")
	}
	for _, name := range []string{"", "sqlite:", path, "mysql://x"} {
		if err := app.CopyEstate(t.Context(), name, url, nil); err == nil {
			t.Errorf("%q was taken for a database", name)
		}
	}

	config := e.App.Config
	config.Database = url
	moved := e.NodeWith(config)
	if moved.Token(moved.Console(), client) == "" {
		t.Error("no token of the copy")
	}
	moved.Tenant(sub, "us")
}
