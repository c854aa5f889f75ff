package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// ofProcesses are tables that are about running processes, and not the estate.
var ofProcesses = []string{"river_leader", "river_migration", "river_notification", "river_queue"}

// jobs reads the job library's table in one form on both engines: as JSON with
// its keys in order, and times in UTC.
const (
	sqliteJobs = `select id, json(args) args, attempt, attempted_at, json(attempted_by) attempted_by, created_at, json(errors) errors, finalized_at, kind,
		max_attempts, json(metadata) metadata, priority, queue, state, scheduled_at, json(tags) tags, unique_key, unique_states from river_job`
	postgresJobs = `select id, args, attempt, attempted_at at time zone 'UTC' attempted_at, to_json(attempted_by) attempted_by, created_at at time zone 'UTC' created_at,
		to_json(errors) errors, finalized_at at time zone 'UTC' finalized_at, kind, max_attempts, metadata, priority, queue, state::text state,
		scheduled_at at time zone 'UTC' scheduled_at, to_json(tags) tags, unique_key, unique_states::int unique_states from river_job`
)

// canonical writes JSON the same way whoever kept it, and times as UTC.
func canonical(v any) any {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	var text []byte
	switch v := v.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return v
	}
	var value any
	if !strings.HasPrefix(string(text), "{") && !strings.HasPrefix(string(text), "[") || json.Unmarshal(text, &value) != nil {
		return v
	}
	again, err := json.Marshal(value)
	if err != nil {
		return v
	}
	return string(again)
}

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
		if slices.Contains(ofProcesses, table) {
			continue
		}
		query := "select * from " + table
		switch {
		case table == "river_job" && driver == "pgx":
			query = postgresJobs
		case table == "river_job":
			query = sqliteJobs
		}
		rows, err := db.QueryContext(t.Context(), query)
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
				line += fmt.Sprintf(" %s=%v", column, canonical(values[i]))
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
	if err := rows.Err(); err != nil {
		t.Fatal(err)
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
	var done []string
	handle(e, &done)
	enqueue(t, e, "failed", "")
	if _, err := e.App.Jobs.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	enqueue(t, e, "waiting", "key")
	e.Exec("update tenants set name = ? where id = ?", "Ünïcode \"quoted\" 'n' \\ %_", string(tenant.ID))
	bare := estate.Webhook{ID: estate.NewWebhookID(), Scope: estate.Scope{Organization: e.Organization.ID}, Name: "nothing is sealed", URL: "https://hooks.example"}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertWebhook(t.Context(), bare) }); err != nil {
		t.Fatal(err)
	}
	e.Exec("insert into forms (nonce, begun_at, expires_at, result) values ('null', 1, 1, null), ('empty', 1, 1, x'')")

	path := filepath.Join(e.App.Config.DataDir, "freehold.db")
	url := pgtest.New(t, nil)
	back, beside := filepath.Join(t.TempDir(), "back.db"), filepath.Join(t.TempDir(), "new", "folder")
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
	if err := app.CopyEstate(t.Context(), "sqlite:"+path, "sqlite:"+beside, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(beside); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the new folder: %v (%v)", info, err)
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
	if diff := cmp.Diff(want, dump(t, "sqlite", "file:"+filepath.Join(beside, "freehold.db"), sqliteTables)); diff != "" {
		t.Errorf("in another SQLite (-want +have)\n%s", diff)
	}
	if !slices.ContainsFunc(want, func(row string) bool {
		return strings.Contains(row, "nonce=null") && strings.Contains(row, "result=<nil>")
	}) ||
		!slices.ContainsFunc(want, func(row string) bool {
			return strings.Contains(row, "nonce=empty") && strings.Contains(row, "result=[]")
		}) {
		t.Error("nothing and an empty value look alike")
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if err := app.CopyEstate(t.Context(), "sqlite:"+missing, "sqlite:"+filepath.Join(t.TempDir(), "new"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an estate that is not there was copied (%v)", err)
	}
	if err := app.CopyEstate(t.Context(), "sqlite:"+path, url, nil); err == nil {
		t.Error("an estate was copied over another")
	}
	empty := pgtest.New(t, nil)
	err := app.CopyEstate(t.Context(), empty, "sqlite:"+filepath.Join(t.TempDir(), "new"), nil)
	if tables := dump(t, "pgx", empty, postgresTables); err == nil || !strings.Contains(err.Error(), "there is no estate") || len(tables) > 0 {
		t.Errorf("an empty database was copied (%v), and has %d rows now", err, len(tables))
	}
	for _, name := range []string{"", "sqlite:", path, "mysql://x"} {
		if err := app.CopyEstate(t.Context(), name, url, nil); err == nil {
			t.Errorf("%q was taken for a database", name)
		}
	}

	// The jobs that were left are done there, once, and new ones get new numbers.
	e.App.Config.Database = url
	moved := e.Restart()
	done = nil
	handle(moved, &done)
	enqueue(t, moved, "the same", "key")
	enqueue(t, moved, "new", "")
	moved.Clock.Advance(time.Hour)
	if _, err := moved.App.Jobs.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(done)
	if want := []string{`"failed"`, `"new"`, `"waiting"`}; !slices.Equal(done, want) {
		t.Errorf("done after the move: %q, want %q", done, want)
	}

	served := moved.Node()
	if served.Token(served.Console(), client) == "" {
		t.Error("no token of the copy")
	}
	served.Tenant(sub, "us")
}

// handle has jobs of the test write into done; the first attempt at "failed" fails.
func handle(e *testenv.Env, done *[]string) {
	e.App.Jobs.Handle(job.Kind{Name: "test", Do: func(_ context.Context, j job.Job) error {
		if string(j.Payload) == `"failed"` && j.Attempt == 1 {
			return errors.New("it failed")
		}
		*done = append(*done, string(j.Payload))
		return nil
	}})
}

func enqueue(t *testing.T, e *testenv.Env, payload, key string) {
	t.Helper()
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		return e.App.Jobs.Enqueue(t.Context(), tx, job.New{Kind: "test", Payload: payload, Key: key})
	})
	if err != nil {
		t.Fatal(err)
	}
}
