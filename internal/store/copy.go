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

// copyBatch is how many rows one statement inserts.
const copyBatch = 100

func copyTable(ctx context.Context, from, to *conn, table string, progress func(string, int64)) error {
	columns, err := collectTexts(from.rows(ctx, from.columns, table))
	if err != nil {
		return err
	}
	list := strings.Join(columns, ", ")
	rows, err := from.rows(ctx, "select "+list+" from "+table)
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
		_, err := to.run(ctx, "insert into "+table+" ("+list+") values "+valueLists(len(args)/len(columns), len(columns)), args...)
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
		if len(args) >= copyBatch*len(columns) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), flush())
}

// valueLists makes "($1, $2), ($3, $4)".
func valueLists(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
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
