package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// lifeTenants are deactivated and purged in a round, a second or two of each.
const lifeTenants = 1000

// lives measures the deactivation of tenants over HTTP, and their purge by the
// server that is started when it is due.
func (b *bench) lives(ctx context.Context) (t table, err error) {
	in, err := b.install(ctx, "lives")
	if err != nil {
		return t, err
	}
	private := *b
	private.serveArgs = append([]string{"--tenant-purge-min-days", "0"}, b.serveArgs...)
	t = table{
		title: "Tenants deactivated and purged",
		text: fmt.Sprintf("POST /api/v1/tenants/{id}/actions/deactivate with a region client, of %d tenants a round, each answer a durable commit. "+
			"Then the server is started anew when their purge is due, and the figure is tenants a second until all are tombstones, from the start of the process; each is a "+
			"transaction of its own. The limit program commits one row at a time to a table with five indexes in the same engine.", lifeTenants),
		head: []string{"", "callers", "freehold/s", "p50 ms", "p99 ms", "limit, one row a commit/s", "ratio"},
	}
	for _, callers := range []int{1, 16} {
		var purges measure.Pair
		name := fmt.Sprintf("tenants deactivated by %d callers", callers)
		pair, err := b.alternate(ctx, name, b.limitCreate(engineSQLite, 1), func(ctx context.Context) (measure.Figures, error) {
			deactivated, purged, err := private.life(ctx, in, callers)
			purges.Real = append(purges.Real, purged)
			return deactivated, err
		})
		if err != nil {
			return t, err
		}
		purges.Limit = pair.Limit
		l, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
		t.rows = append(t.rows, []string{
			"deactivated", strconv.Itoa(callers), count(ours.PerSecond), decimal(ours.P50 / 1000), decimal(ours.P99 / 1000), count(l.PerSecond), ratio(pair.Ratio(perSecond)),
		})
		if callers > 1 { // nobody calls for a purge: once is enough
			t.rows = append(t.rows, []string{
				"purged", "", count(measure.Median(purges.Real).PerSecond), "", "", count(l.PerSecond), ratio(purges.Ratio(perSecond)),
			})
		}
	}
	return t, nil
}

// life creates tenants, deactivates them and has them purged.
func (b *bench) life(ctx context.Context, in *installation, callers int) (deactivated, purged measure.Figures, err error) {
	if deactivated, err = b.deactivations(ctx, in, callers); err != nil {
		return deactivated, purged, err
	}
	if err := b.prepare(ctx, "age", "-db", filepath.Join(in.dir, "freehold.db")); err != nil {
		return deactivated, purged, err
	}
	start := time.Now()
	server, err := b.serve(ctx, in)
	if err != nil {
		return deactivated, purged, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	k, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return deactivated, purged, err
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	within := time.NewTimer(deliveriesWithin)
	defer within.Stop()
	for {
		var page api.OrganizationTenantList
		if err := k.call(ctx, http.MethodGet, "/api/core/tenants?limit=1&filter=status+eq+%22disabled%22", nil, &page); err != nil {
			return deactivated, purged, err
		}
		if len(page.Data) == 0 {
			purged.PerSecond = lifeTenants / time.Since(start).Seconds()
			return deactivated, purged, nil
		}
		select {
		case <-look.C:
		case <-within.C:
			return deactivated, purged, errors.New("not all tenants were purged")
		}
	}
}

// deactivations creates tenants and measures their deactivation.
func (b *bench) deactivations(ctx context.Context, in *installation, callers int) (f measure.Figures, err error) {
	server, err := b.serve(ctx, in)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	client := in.Regions[region]
	k, err := newCaller(ctx, server, in, client)
	if err != nil {
		return f, err
	}
	requests := make([][]byte, 0, lifeTenants)
	for range lifeTenants {
		var made api.Tenant
		if err := k.call(ctx, http.MethodPost, "/api/v1/tenants", api.CreateTenantRequest{LicenseKey: client.LicenseKey}, &made); err != nil {
			return f, err
		}
		requests = append(requests, load.NewRequest(http.MethodPost, k.host, "/api/v1/tenants/"+made.ID+"/actions/deactivate", `{"purgeAfterDays":0}`,
			"Authorization: Bearer "+k.token, "Accept: application/json", "Content-Type: application/json", api.HeaderConfirmHostname+": "+made.Hostnames[0]))
	}
	var next atomic.Int64
	result, err := load.Run(ctx, load.Config{
		Addr: server.Addr, Connections: callers, Duration: deliveriesWithin, Count: lifeTenants, Check: checkDeactivated,
		Next: func() []byte { return requests[next.Add(1)-1] },
	})
	if err != nil {
		return f, err
	}
	if result.Requests != lifeTenants {
		return f, fmt.Errorf("%d tenants were deactivated instead of %d", result.Requests, lifeTenants)
	}
	return measure.Figures{PerSecond: result.PerSecond(), P50: micros(result.Latency.Quantile(0.50)), P99: micros(result.Latency.Quantile(0.99))}, nil
}

// checkDeactivated accepts a deactivated tenant.
func checkDeactivated(body []byte) error {
	var tenant api.DeactivatedTenant
	if err := json.Unmarshal(body, &tenant); err != nil {
		return err
	}
	if tenant.ID == "" || tenant.Status != "disabled" {
		return errors.New("the answer is no deactivated tenant")
	}
	return nil
}
