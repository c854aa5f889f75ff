package main

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
	"github.com/freehold-platform/freehold/internal/estate"
)

const (
	auditBatch = 20_000 // records in a transaction of fill
	auditUsers = 1000
	auditTypes = 10
)

// fill adds records to the chain of an organization, as the server would have
// written them one by one: a second apart until now, of a hundred tenants, ten
// types and a thousand users.
func fill(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("fill", flag.ContinueOnError)
	file := flags.String("db", "", "database `file` of a server that does not run")
	organization := flags.String("organization", "", "`id` of the organization")
	n := flags.Int("n", 1000, "how many records")
	if err := flags.Parse(args); err != nil {
		return err
	}
	conn, err := open(*file, "_pragma=journal_mode(wal)&_pragma=synchronous(off)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	head, err := firstRow(ctx, conn, "select position, hash from audit_chains where organization_id = $1", *organization)
	if err != nil {
		return fmt.Errorf("chain of the organization: %w", err)
	}
	position, _ := head[0].(int64)
	hash, _ := head[1].(string)
	insert, err := conn.Prepare(`insert into audit_records (organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, user_id,
		action, target, outcome, data, trace_id, id, event_type, source, position, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	indexes, err := takeIndexes(ctx, conn, "audit_records")
	if err != nil {
		return err
	}
	start := time.Now().Add(-time.Duration(*n) * time.Second).UTC().Truncate(time.Millisecond)
	const data = `{"list":["one","two"],"name":"a name"}`
	for done := 0; done < *n; {
		if err := execute(ctx, conn, "begin immediate"); err != nil {
			return err
		}
		for range min(auditBatch, *n-done) {
			r := auditRecord(estate.OrganizationID(*organization), done, start)
			position++
			done++
			r.Position = position
			hash = r.ChainHash(hash, data)
			err := exec(ctx, insert, string(r.Scope.Organization), string(r.Scope.Subscription), string(r.Scope.Region), string(r.Scope.Tenant), r.Time.UnixMicro(),
				string(r.Actor.Kind), r.Actor.ID, string(r.Actor.User), r.Action, r.Target, string(r.Outcome), data, r.Actor.TraceID, string(r.ID), r.Type, r.Source, r.Position, hash)
			if err != nil {
				return fmt.Errorf("insert: %w", err)
			}
		}
		if err := execute(ctx, conn, "update audit_chains set position = $2, hash = $3 where organization_id = $1", *organization, position, hash); err != nil {
			return err
		}
		if err := execute(ctx, conn, "commit"); err != nil {
			return err
		}
	}
	for _, index := range indexes {
		if err := execute(ctx, conn, index); err != nil {
			return err
		}
	}
	return nil
}

// takeIndexes drops the indexes of a table and returns the statements that make
// them again: to sort millions of rows once takes far less time than to put each
// into every index.
func takeIndexes(ctx context.Context, conn driver.Conn, table string) (made []string, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "select name, sql from sqlite_master where type = 'index' and tbl_name = $1 and sql is not null",
		named([]driver.Value{table}))
	if err != nil {
		return nil, err
	}
	var names []string
	row := make([]driver.Value, 2)
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		name, _ := row[0].(string)
		statement, _ := row[1].(string)
		names, made = append(names, name), append(made, statement)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, name := range names {
		if err := execute(ctx, conn, "drop index "+name); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func auditRecord(organization estate.OrganizationID, n int, start time.Time) estate.AuditRecord {
	at := start.Add(time.Duration(n) * time.Second)
	return estate.AuditRecord{
		ID: estate.NewAuditID(at), Time: at, Action: "benchmark", Source: "com.freehold/benchmark",
		Type: fmt.Sprintf("com.freehold.benchmark.type-%d", n%auditTypes), Target: "target", Outcome: estate.OutcomeDone,
		Scope: estate.Scope{Organization: organization, Subscription: "0000000000000000", Region: "us", Tenant: estate.TenantID(fmt.Sprintf("tenant-%02d", n/7%100))},
		Actor: estate.Actor{Kind: estate.ActorClient, ID: "benchmark", User: estate.UserID(fmt.Sprintf("user-%03d", n%auditUsers)), TraceID: "0123456789abcdef0123456789abcdef"},
	}
}

// audit reads the same page of an organization's records n times, the newest
// first, by the index that is best for it.
func audit(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	file := flags.String("db", "", "database `file` of a server")
	organization := flags.String("organization", "", "`id` of the organization")
	kind := flags.String("type", "", "only events of this `type`")
	user := flags.String("user", "", "only events of this `user`")
	before := flags.Int64("before", 0, "only events before this `time`, in microseconds; 0: all")
	n := flags.Int("n", 2000, "how often to read it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *n < 1 || *kind != "" && *user != "" {
		return errors.New("-n must be at least 1, and -type and -user don't go together")
	}
	index, condition, values := "audit_records_by_time", "", []driver.Value{*organization}
	switch {
	case *kind != "":
		index, condition, values = "audit_records_by_type", " and event_type = $2", append(values, *kind)
	case *user != "":
		index, condition, values = "audit_records_by_user", " and user_id = $2 and user_id <> ''", append(values, *user)
	}
	if *before > 0 {
		values = append(values, *before)
		condition += fmt.Sprintf(" and time < $%d", len(values))
	}
	conn, err := open(*file, "mode=ro&_pragma=cache_size(-16384)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	stmt, err := conn.Prepare(fmt.Sprintf(`select id, subscription_id, region, tenant_id, time, actor_kind, actor_id, user_id, action, event_type, source, target,
		outcome, data, trace_id, position, hash, seq from audit_records indexed by %s where organization_id = $1%s order by time desc, seq desc limit %d`, index, condition, pageSize))
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	return readPages(ctx, stmt, values, *n, out)
}

// readPages reads the page of a statement a number of times and prints the figures.
func readPages(ctx context.Context, stmt driver.Stmt, values []driver.Value, n int, out io.Writer) error {
	for range max(n/10, 1) { // warm up
		if _, err := readPage(ctx, stmt, values); err != nil {
			return err
		}
	}
	latency := new(load.Histogram)
	cpu, cpuErr := measure.CPUTime(os.Getpid())
	start := time.Now()
	before := start
	for range n {
		if _, err := readPage(ctx, stmt, values); err != nil {
			return err
		}
		after := time.Now()
		latency.Record(after.Sub(before))
		before = after
	}
	return json.NewEncoder(out).Encode(loopFigures(latency, before.Sub(start), cpu, cpuErr))
}

// age moves the deactivation of tenants into the past, so that their purge is due
// when the server is started.
func age(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("age", flag.ContinueOnError)
	file := flags.String("db", "", "database `file` of a server that does not run")
	by := flags.Duration("by", time.Hour, "how far")
	if err := flags.Parse(args); err != nil {
		return err
	}
	conn, err := open(*file, "_pragma=journal_mode(wal)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return execute(ctx, conn, "update tenants set status_updated_at = status_updated_at - $1, purge_at = purge_at - $1 where status = 'disabled'", by.Microseconds())
}

func execute(ctx context.Context, conn driver.Conn, statement string, values ...driver.Value) error {
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, named(values)); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// firstRow returns the first row of a query.
func firstRow(ctx context.Context, conn driver.Conn, query string, values ...driver.Value) (row []driver.Value, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, query, named(values))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row = make([]driver.Value, len(rows.Columns()))
	return row, rows.Next(row)
}
