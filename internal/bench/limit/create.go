package main

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// createSchema is one table with five indexes, counting the one that its text
// key makes: what a tenant costs at the very least.
const createSchema = `
create table if not exists tenants (
	id text primary key,
	organization_id text not null,
	subscription_id text not null,
	region          text not null,
	name_key        text not null,
	hostname        text not null,
	status          text not null,
	created_at      integer not null,
	updated_at      integer not null
) strict;
create index if not exists tenants_by_created_at on tenants (organization_id, created_at, id);
create index if not exists tenants_by_name on tenants (organization_id, name_key, id);
create index if not exists tenants_by_hostname on tenants (organization_id, hostname, id);
create index if not exists tenants_by_subscription on tenants (organization_id, subscription_id, created_at, id);`

// create commits rows durably for a while: one row a commit with one writer,
// and with more of them the rows of all in one commit, which is the most that
// grouping could give.
func create(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("create", flag.ContinueOnError)
	file := flags.String("db", "", "database `file`, made if missing")
	url := flags.String("url", "", "of a PostgreSQL `database`, instead of a file")
	writers := flags.Int("writers", 1, "rows in a commit; on PostgreSQL, connections that each commit one row at a time")
	duration := flags.Duration("duration", 5*time.Second, "how long to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *writers < 1 || *duration <= 0 {
		return errors.New("-writers and -duration must be positive")
	}
	if *url != "" {
		return createPostgres(ctx, *url, *writers, *duration, out)
	}
	conn, err := open(*file, "_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(-16384)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, createSchema, nil); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	w, err := newRowWriter(conn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	latency := new(load.Histogram)
	cpu, cpuErr := measure.CPUTime(os.Getpid())
	start := time.Now()
	before := start
	for before.Sub(start) < *duration && ctx.Err() == nil {
		if err := w.commit(ctx, *writers, before); err != nil {
			return err
		}
		after := time.Now()
		for range *writers { // each writer waited as long as its commit took
			latency.Record(after.Sub(before))
		}
		before = after
	}
	return json.NewEncoder(out).Encode(loopFigures(latency, before.Sub(start), cpu, cpuErr))
}

// rowWriter holds the prepared statements of one connection.
type rowWriter struct {
	begin, insert, end driver.Stmt
}

func newRowWriter(conn driver.Conn) (*rowWriter, error) {
	var w rowWriter
	var errs [3]error
	w.begin, errs[0] = conn.Prepare("begin immediate")
	w.insert, errs[1] = conn.Prepare("insert into tenants values ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
	w.end, errs[2] = conn.Prepare("commit")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	return &w, nil
}

func (w *rowWriter) close() error {
	return errors.Join(w.begin.Close(), w.insert.Close(), w.end.Close())
}

// commit writes n random rows in one transaction.
func (w *rowWriter) commit(ctx context.Context, n int, now time.Time) error {
	if err := exec(ctx, w.begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for range n {
		var random [24]byte
		_, _ = rand.Read(random[:])
		id := base64.RawURLEncoding.EncodeToString(random[:])
		label := id[:15]
		err := exec(ctx, w.insert, id, "org_abcdefghijklmnopqrstuvwxyz", "1234567890123456", "us",
			label, label+".us", "active", now.UnixMicro(), now.UnixMicro())
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
	}
	if err := exec(ctx, w.end); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func exec(ctx context.Context, stmt driver.Stmt, values ...driver.Value) error {
	_, err := stmt.(driver.StmtExecContext).ExecContext(ctx, named(values))
	return err
}
