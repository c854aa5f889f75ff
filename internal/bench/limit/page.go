package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

const pageSize = 100

// pageColumns are what a tenant of the organization API is made of.
const pageColumns = `id, name, hostname, alias, status, datacenter, country_code, created_at, updated_at,
	created_by, subscription_id, status_updated_at`

// sortColumns are the columns by which a sort parameter of the API orders. Each
// list has an index, with organization_id before it.
var sortColumns = map[string][]string{"name": {"name_key", "created_at", "id"}, "createdAt": {"created_at", "id"}}

// page reads the same page of an organization's tenants n times, with the
// driver itself: no database/sql, no JSON, no HTTP.
func page(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("page", flag.ContinueOnError)
	file := flags.String("db", "", "database `file` of a server")
	organization := flags.String("organization", "", "`id` of the organization")
	sort := flags.String("sort", "createdAt", "name or createdAt")
	offset := flags.Int64("offset", 0, "how many tenants come before the page")
	n := flags.Int("n", 2000, "how often to read it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	columns, ok := sortColumns[*sort]
	if !ok || *n < 1 {
		return errors.New("-sort must be name or createdAt, -n at least 1")
	}
	conn, err := open(*file, "mode=ro&_pragma=cache_size(-16384)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	values := []driver.Value{*organization}
	if *offset > 0 {
		last, err := keyBefore(ctx, conn, columns, *organization, *offset)
		if err != nil {
			return err
		}
		values = append(values, last...)
	}
	stmt, err := conn.Prepare(pageQuery(columns, *offset > 0))
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()

	return readPages(ctx, stmt, values, *n, out)
}

// pageQuery reads a page in the order of columns, from the start or after a key.
func pageQuery(columns []string, after bool) string {
	order := strings.Join(columns, ", ")
	query := "select " + pageColumns + " from tenants where organization_id = $1"
	if after {
		query += " and (" + order + ") > (" + strings.Join([]string{"$2", "$3", "$4"}[:len(columns)], ", ") + ")"
	}
	return query + fmt.Sprintf(" order by %s limit %d", order, pageSize)
}

// readPage reads every column of every row, as the server must, and returns
// how many bytes of text there were.
func readPage(ctx context.Context, stmt driver.Stmt, values []driver.Value) (text int, err error) {
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, named(values))
	if err != nil {
		return 0, fmt.Errorf("query: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	read := 0
	for ; ; read++ {
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read row: %w", err)
		}
		for _, value := range row {
			if s, ok := value.(string); ok {
				text += len(s)
			}
		}
	}
	if read != pageSize {
		return 0, fmt.Errorf("the page has %d rows instead of %d: too few tenants", read, pageSize)
	}
	return text, nil
}

// keyBefore finds the sort key and id of the last row before a page, once, in
// the slow way that cursors avoid.
func keyBefore(ctx context.Context, conn driver.Conn, columns []string, organization string, offset int64) (key []driver.Value, err error) {
	order := strings.Join(columns, ", ")
	stmt, err := conn.Prepare("select " + order + " from tenants where organization_id = $1 order by " + order + " limit 1 offset $2")
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, named([]driver.Value{organization, offset - 1}))
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	key = make([]driver.Value, len(columns))
	if err := rows.Next(key); err != nil {
		return nil, fmt.Errorf("there are fewer than %d tenants: %w", offset, err)
	}
	return key, nil
}

func named(values []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, value := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return args
}

// open opens an SQLite file with the parameters of a DSN.
func open(file, parameters string) (driver.Conn, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file)
	conn, err := new(sqlite.Driver).Open("file:" + escaped + "?_pragma=busy_timeout(10000)&" + parameters)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return conn, nil
}

// loopFigures are the figures of a loop that ended just now. cpu is the
// processor time of this process before it.
func loopFigures(latency *load.Histogram, elapsed, cpu time.Duration, cpuErr error) measure.Figures {
	n := float64(latency.Count())
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	f := measure.Figures{
		PerSecond: n / elapsed.Seconds(),
		P50:       micros(latency.Quantile(0.50)),
		P95:       micros(latency.Quantile(0.95)),
		P99:       micros(latency.Quantile(0.99)),
	}
	if now, err := measure.CPUTime(os.Getpid()); err == nil && cpuErr == nil {
		f.CPU = micros(now-cpu) / n
	}
	return f
}
