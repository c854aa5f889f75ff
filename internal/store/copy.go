package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Copy copies everything of one database into another, new one, whatever their
// engines are: all of it or nothing, in one transaction. What is written to the
// source meanwhile is not copied, so no server should run on it. progress, which
// may be nil, is told how many rows of a table are copied so far.
func Copy(ctx context.Context, from, to Options, progress func(table string, rows int64)) (err error) {
	source, err := from.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	target, err := to.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	c, err := source.beginReading(ctx)
	if err != nil {
		return err
	}
	defer func() {
		c.broken = c.exec(ctx, "commit") != nil
		source.release(c)
	}()
	tables, err := c.tables(ctx)
	if err != nil {
		return err
	}
	tables = slices.DeleteFunc(tables, func(name string) bool { return slices.Contains(ofProcesses, name) })
	w, err := target.begin(ctx)
	if err != nil {
		return err
	}
	if err := copyTables(ctx, c, w, tables, progress); err != nil {
		return errors.Join(err, target.rollback(w))
	}
	return w.exec(ctx, "commit")
}

// errNotNew is what Copy answers if the target has an estate.
var errNotNew = errors.New("the database to copy to has an estate already")

func copyTables(ctx context.Context, from, to *conn, tables []string, progress func(string, int64)) error {
	var organizations int64
	if err := to.row(ctx, "select count(*) from organizations").Scan(&organizations); err != nil {
		return err
	}
	if organizations > 0 {
		return errNotNew
	}
	for _, table := range slices.Backward(tables) { // what the migrations put there comes from the source too
		if err := to.exec(ctx, "delete from "+table); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	for _, table := range tables {
		if err := copyTable(ctx, from, to, table, progress); err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
	}
	return to.afterCopy(ctx, to)
}

// ofProcesses are the tables of the job library that are about its running
// processes and its own schema, and not about any job.
var ofProcesses = []string{"river_leader", "river_migration", "river_notification", "river_queue"}

// column is how a column is copied that the engines keep in different types: the
// expression that reads it into a type that both have, and the one that makes it
// of such a value, with %s for the value.
type column struct{ read, write string }

// The tables of the job library are the library's own on each engine. In between
// are JSON, times as text in UTC, and numbers.
var sqliteNeutral = map[string]column{
	"river_job.args":         {"json(args)", "jsonb(%s)"},
	"river_job.attempted_at": {"attempted_at || ''", "%s"},
	"river_job.attempted_by": {"json(attempted_by)", "jsonb(%s)"},
	"river_job.created_at":   {"created_at || ''", "%s"},
	"river_job.errors":       {"json(errors)", "jsonb(%s)"},
	"river_job.finalized_at": {"finalized_at || ''", "%s"},
	"river_job.metadata":     {"json(metadata)", "jsonb(%s)"},
	"river_job.scheduled_at": {"scheduled_at || ''", "%s"},
	"river_job.tags":         {"json(tags)", "jsonb(%s)"},
}

var postgresNeutral = map[string]column{
	"river_job.args":          {"args::text", "%s::text::jsonb"},
	"river_job.attempted_at":  postgresTime("attempted_at"),
	"river_job.attempted_by":  {"to_json(attempted_by)::text", "(select array_agg(e) from jsonb_array_elements_text(%s::text::jsonb) e)"},
	"river_job.created_at":    postgresTime("created_at"),
	"river_job.errors":        {"to_json(errors)::text", "(select array_agg(e) from jsonb_array_elements(%s::text::jsonb) e)"},
	"river_job.finalized_at":  postgresTime("finalized_at"),
	"river_job.metadata":      {"metadata::text", "%s::text::jsonb"},
	"river_job.scheduled_at":  postgresTime("scheduled_at"),
	"river_job.state":         {"state::text", "%s::text::river_job_state"},
	"river_job.tags":          {"to_json(tags)::text", "array(select jsonb_array_elements_text(%s::text::jsonb))"},
	"river_job.unique_states": {"unique_states::int", "%s::bigint::int::bit(8)"},
}

// postgresTime copies a time in the form, and with the milliseconds, that the
// library keeps on SQLite.
func postgresTime(name string) column {
	return column{"to_char(" + name + " at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')", "(%s::text || '+00')::timestamptz"}
}

// copyBatch is how many rows one statement inserts.
const copyBatch = 100

func copyTable(ctx context.Context, from, to *conn, table string, progress func(string, int64)) error {
	columns, err := collectTexts(from.rows(ctx, from.columns, table))
	if err != nil {
		return err
	}
	list, reads, writes := strings.Join(columns, ", "), slices.Clone(columns), make([]string, len(columns))
	for i, name := range columns {
		writes[i] = "%s"
		if c, ok := from.neutral[table+"."+name]; ok {
			reads[i] = c.read
		}
		if c, ok := to.neutral[table+"."+name]; ok {
			writes[i] = c.write
		}
	}
	rows, err := from.rows(ctx, "select "+strings.Join(reads, ", ")+" from "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var n int64
	var args []any
	flush := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := to.run(ctx, "insert into "+table+" ("+list+") values "+valueLists(len(args)/len(columns), writes), args...)
		n += int64(len(args) / len(columns))
		args = args[:0]
		if progress != nil {
			progress(table, n)
		}
		return err
	}
	for rows.Next() {
		at := len(args)
		args = append(args, make([]any, len(columns))...)
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &args[at+i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range args[at:] {
			if b, ok := v.([]byte); ok && b == nil { // what the SQLite driver makes of an empty one; it would be written as null
				args[at+i] = []byte{}
			}
		}
		if len(args) >= copyBatch*len(columns) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), flush())
}

// valueLists makes "($1, $2), ($3, $4)", each value in its column's expression.
func valueLists(rows int, columns []string) string {
	var b strings.Builder
	for i := range rows * len(columns) {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%len(columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, columns[i%len(columns)], fmt.Sprintf("$%d", i+1))
	}
	return b.String() + ")"
}

// tables lists the tables of the estate, each after those that it refers to.
func (c *conn) tables(ctx context.Context) ([]string, error) {
	names, err := collectTexts(c.rows(ctx, c.tableNames))
	if err != nil {
		return nil, err
	}
	refers := map[string][]string{}
	for _, name := range names {
		if refers[name], err = collectTexts(c.rows(ctx, c.references, name)); err != nil {
			return nil, err
		}
	}
	var ordered []string
	var visit func(name string)
	visit = func(name string) {
		if slices.Contains(ordered, name) {
			return
		}
		for _, other := range refers[name] {
			if other != name {
				visit(other)
			}
		}
		ordered = append(ordered, name)
	}
	for _, name := range names {
		visit(name)
	}
	return ordered, nil
}

// collectTexts reads rows of one text each.
func collectTexts(rows *sql.Rows, err error) ([]string, error) {
	return collect(rows, err, func(row rowScanner) (s string, err error) { return s, row.Scan(&s) })
}
