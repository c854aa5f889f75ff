package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Tx is a transaction. All row access is methods on it.
type Tx struct {
	conn    *conn
	write   bool
	within  context.Context // of statements, instead of the caller's; nil: the caller's
	changes []Change
	feed    []fed // changes for others, written with those of the whole batch
	tally   tally // tenants that came to be counted, likewise

	group   *group // of the batch; nil: what is written is written at once
	touched bool   // something was written, or failed
	failed  bool   // a statement failed, for another reason than a row that is there already
}

// prepare settles what the group has collected, if a statement could be about it.
func (tx *Tx) prepare(ctx context.Context, query string) error {
	if tx.group == nil || len(tx.group.chains) == 0 || !strings.Contains(query, "audit_") {
		return nil
	}
	return tx.group.settle(ctx, tx.conn)
}

func (tx *Tx) context(ctx context.Context) context.Context {
	if tx.within == nil || !tx.write && ctx.Err() != nil {
		return ctx
	}
	return tx.within
}

func (tx *Tx) row(ctx context.Context, query string, args ...any) rowScanner {
	ctx, span := tx.span(ctx, query)
	defer span.End()
	ctx = tx.context(ctx)
	if !tx.write {
		return tx.conn.row(ctx, query, args...)
	}
	if err := tx.prepare(ctx, query); err != nil {
		tx.touched, tx.failed = true, true
		return failedRow{err}
	}
	if !strings.HasPrefix(query, "select ") {
		tx.touched = true
		tx.group.forgetPlaces()
	}
	return watchedRow{tx.conn.row(ctx, query, args...), tx}
}

// watchedRow notes a failure.
type watchedRow struct {
	rowScanner

	tx *Tx
}

func (r watchedRow) Scan(dest ...any) error {
	err := r.rowScanner.Scan(dest...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		r.tx.touched, r.tx.failed = true, true
	}
	return err
}

func (tx *Tx) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, span := tx.span(ctx, query)
	defer span.End()
	ctx = tx.context(ctx)
	err := tx.prepare(ctx, query)
	var rows *sql.Rows
	if err == nil {
		rows, err = tx.conn.rows(ctx, query, args...)
	}
	if err != nil || !strings.HasPrefix(query, "select ") {
		tx.touched = true
		tx.group.forgetPlaces()
	}
	tx.failed = tx.failed || err != nil
	return rows, err
}

// exec runs a statement and returns how many rows it touched. Violated
// constraints come back as the errors of constraintErrors.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !tx.write {
		return 0, errReadTransaction
	}
	ctx, span := tx.span(ctx, query)
	defer span.End()
	ctx, tx.touched = tx.context(ctx), true
	tx.group.forgetPlaces()
	if err := tx.prepare(ctx, query); err != nil {
		tx.failed = true
		span.Fail(err)
		return 0, err
	}
	result, err := tx.conn.run(ctx, query, args...)
	if err != nil {
		span.Fail(err)
		return 0, tx.constraintError(err)
	}
	return result.RowsAffected()
}

// span begins the span of a statement, up to its first row. The statement's text is
// safe to tell: values are arguments.
func (tx *Tx) span(ctx context.Context, query string) (context.Context, telemetry.Span) {
	ctx, span := telemetry.Start(ctx, "sql", telemetry.Client)
	if span.Kept() {
		verb, table := summary(query)
		span.Rename(verb + " " + table)
		span.Text("db.system.name", tx.conn.name)
		span.Text("db.operation.name", verb)
		span.Text("db.collection.name", table)
		span.Text("db.query.text", query)
	}
	return ctx, span
}

// summary is what a statement does, and to which table first.
func summary(query string) (verb, table string) {
	words := strings.Fields(query)
	for i, word := range words {
		switch {
		case i == 0:
			verb = strings.ToLower(word)
		case i+1 < len(words) && table == "" && (word == "from" || word == "into"), i == 1 && verb == "update":
			if word == "from" || word == "into" {
				word = words[i+1]
			}
			table = strings.Trim(word, `(),"`)
		}
	}
	return verb, table
}

// insert is exec for a statement whose error, if there is one, is the batch's as
// well as the caller's: whoever calls it has nothing to learn from the result. Where
// it waits to be sent with others, its span ends when it begins to wait. It is for
// what nothing that a group shares depends on: see group.places.
func (tx *Tx) insert(ctx context.Context, query string, args ...any) error {
	if !tx.write {
		return errReadTransaction
	}
	ctx, span := tx.span(ctx, query)
	defer span.End()
	tx.touched = true
	if err := tx.conn.later(tx.context(ctx), query, args...); err != nil {
		span.Fail(err)
		return tx.constraintError(err)
	}
	return nil
}

func (tx *Tx) constraintError(err error) error {
	violated := tx.conn.violated(err)
	tx.failed = tx.failed || violated == ""
	if known, ok := constraintErrors[violated]; ok {
		return known.Because(err)
	}
	return err
}

// errReadTransaction is a defect of the program.
var errReadTransaction = errors.New("write in a read transaction")

// changed puts a change into the feed, to be seen when the transaction commits.
func (tx *Tx) changed(_ context.Context, at time.Time, kind ChangeKind, key string) error {
	if !tx.write {
		return errReadTransaction
	}
	c := Change{Kind: kind, Key: key}
	tx.changes, tx.feed = append(tx.changes, c), append(tx.feed, fed{c, at})
	return nil
}

type rowScanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// orNotFound replaces sql.ErrNoRows.
func orNotFound(err error, notFound *estate.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound
	}
	return err
}

// collect reads all rows with scan.
func collect[T any](rows *sql.Rows, err error, scan func(rowScanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// conditions gathers the where clause of a statement and its arguments.
type conditions struct {
	terms        []string
	args         []any
	organization estate.OrganizationID // to which within restricts
}

// arg adds an argument and returns its placeholder.
func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprintf("$%d", len(c.args))
}

func (c *conditions) add(term string) { c.terms = append(c.terms, term) }

func (c *conditions) where() string { return " where " + strings.Join(c.terms, " and ") }

// within restricts to scope. columns names the columns that hold subscription,
// region and tenant; "" where the table has none, in which case a scope that
// sets the field matches nothing. A scope without organization matches nothing.
func within(scope estate.Scope, subscription, region, tenant string) *conditions {
	c := new(conditions)
	c.within(scope, subscription, region, tenant)
	return c
}

// within is the function of this name, for a statement that has arguments already.
func (c *conditions) within(scope estate.Scope, subscription, region, tenant string) {
	if scope.Organization == "" {
		c.add("1 = 0")
		return
	}
	c.organization = scope.Organization
	c.add("organization_id = " + c.arg(string(scope.Organization)))
	narrow := func(column, value string) {
		switch {
		case value == "":
		case column == "":
			c.add("1 = 0")
		default:
			c.add(column + " = " + c.arg(value))
		}
	}
	narrow(subscription, string(scope.Subscription))
	narrow(region, string(scope.Region))
	narrow(tenant, string(scope.Tenant))
}

// micros is how times are stored: UTC microseconds, and 0 for no time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros reads what micros wrote.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T does not marshal: %v", v, err)) //nolint:forbidigo // only our own plain types come here
	}
	return string(b)
}
