package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// creates measures the creation of tenants over HTTP, with one caller and with
// several, on each engine.
func (b *bench) creates(ctx context.Context) (t table, err error) {
	t = table{
		title: "Tenants created",
		text: "POST /api/v1/tenants with a region client; every answer means a durable commit. The limit program commits rows to a table with " +
			"five indexes in the same engine (SQLite: WAL, synchronous=FULL; PostgreSQL: as installed): one row a commit; and for several callers one row " +
			"of each caller a commit on SQLite, and a connection of each caller that commits one row at a time on PostgreSQL. On PostgreSQL the processor " +
			"time is that of the server alone, without the database's.",
		targets: "at least 0.60 of the limit's commits of one row; 3,700 a second with 16 callers",
		head: []string{
			"engine", "callers", "freehold/s", "p50 ms", "p99 ms", "freehold CPU µs",
			"limit, one row a commit/s", "ratio", "limit, a row of each caller/s", "ratio",
		},
	}
	for _, engine := range b.engines {
		if err := b.createsOn(ctx, engine, &t); err != nil {
			return t, fmt.Errorf("%s: %w", engine, err)
		}
	}
	return t, nil
}

func (b *bench) createsOn(ctx context.Context, engine string, t *table) (err error) {
	in, err := b.installOn(ctx, engine, "creates")
	if err != nil {
		return err
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	client := in.Regions[region]
	k, err := newCaller(ctx, server, in, client)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.CreateTenantRequest{LicenseKey: client.LicenseKey})
	if err != nil {
		return err
	}
	request := k.request(http.MethodPost, "/api/v1/tenants", string(body))
	for _, callers := range []int{1, 16} {
		row, err := b.createRow(ctx, engine, target{server: server, request: request, connections: callers, check: checkTenant})
		if err != nil {
			return err
		}
		t.rows = append(t.rows, append([]string{engine}, row...))
	}
	return nil
}

func (b *bench) createRow(ctx context.Context, engine string, t target) ([]string, error) {
	name := fmt.Sprintf("tenants created by %d callers on %s", t.connections, engine)
	if _, err := b.window(t, b.warmup)(ctx); err != nil {
		return nil, fmt.Errorf("%s, warm-up: %w", name, err)
	}
	// Both ways of the limit program run in each round, so that each ratio is
	// between neighbours.
	var grouped []measure.Figures
	single := func(ctx context.Context) (measure.Figures, error) {
		f, err := b.limitCreate(engine, t.connections)(ctx)
		if err != nil {
			return f, err
		}
		grouped = append(grouped, f)
		return b.limitCreate(engine, 1)(ctx)
	}
	pair, err := b.alternate(ctx, name, single, b.window(t, b.duration))
	if err != nil {
		return nil, err
	}
	limit, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
	row := []string{
		strconv.Itoa(t.connections), count(ours.PerSecond), decimal(ours.P50 / 1000), decimal(ours.P99 / 1000), decimal(ours.CPU),
		count(limit.PerSecond), ratio(pair.Ratio(perSecond)),
	}
	if t.connections == 1 {
		return append(row, "", ""), nil
	}
	together := measure.Pair{Real: pair.Real, Limit: grouped}
	return append(row, count(measure.Median(grouped).PerSecond), ratio(together.Ratio(perSecond))), nil
}

// limitCreate runs the limit program on a new file, or a new database, beside the
// server's.
func (b *bench) limitCreate(engine string, writers int) measurement {
	return func(ctx context.Context) (f measure.Figures, err error) {
		if engine == enginePostgres {
			url, err := b.postgres.Database(ctx)
			if err != nil {
				return f, err
			}
			return b.program("create", "-url", url, "-writers", strconv.Itoa(writers), "-duration", b.duration.String())(ctx)
		}
		dir, err := os.MkdirTemp(b.work, "limit-create-")
		if err != nil {
			return f, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		return b.program("create", "-db", filepath.Join(dir, "limit.db"), "-writers", strconv.Itoa(writers),
			"-duration", b.duration.String())(ctx)
	}
}

// checkTenant accepts a created tenant.
func checkTenant(body []byte) error {
	var tenant api.Tenant
	if err := json.Unmarshal(body, &tenant); err != nil {
		return err
	}
	if tenant.ID == "" || len(tenant.Hostnames) == 0 {
		return errors.New("the answer is no tenant")
	}
	return nil
}
