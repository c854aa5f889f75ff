package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

const (
	pageSize = 100
	// pageConnections keep the server busy without turning its latency into
	// the length of a queue.
	pageConnections = 4
	// pageReads is how often the limit program reads a page: a second or two.
	pageReads = 5000
	// seedSubscriptions is how many subscriptions are made for the tenants of
	// a large estate.
	seedSubscriptions = 4
)

// pages measures the organization's tenant list over HTTP, for each size of
// estate, in both orders, at the start and in the middle.
func (b *bench) pages(ctx context.Context) (t table, err error) {
	t = table{
		title: "Pages of the tenant list",
		text: fmt.Sprintf("GET /api/core/tenants?limit=%d with an organization client, %d connections. The limit program reads the same rows "+
			"from the same file with the bare driver, by the index of that order; it makes no JSON and speaks no HTTP.", pageSize, pageConnections),
		targets: "processor time of a page at one million tenants at most 1.5 times the limit's, and at most 1.3 times that at one thousand",
		head: []string{
			"tenants", "sort", "page", "pages/s", "p50 ms", "p99 ms",
			"limit pages/s", "freehold CPU µs", "limit CPU µs", "ratio", "to smallest estate",
		},
	}
	smallest := map[string]float64{} // by order and position
	for _, size := range b.tenants {
		rows, err := b.pagesOf(ctx, size, smallest)
		if err != nil {
			return t, fmt.Errorf("%d tenants: %w", size, err)
		}
		t.rows = append(t.rows, rows...)
	}
	return t, nil
}

// pagesOf measures one size of estate. The processor time of the first size is
// left in smallest for the later ones to be compared with.
func (b *bench) pagesOf(ctx context.Context, size int, smallest map[string]float64) (rows [][]string, err error) {
	in, err := b.install(ctx, "pages-"+strconv.Itoa(size))
	if err != nil {
		return nil, err
	}
	if err := b.seed(ctx, in, size); err != nil {
		return nil, err
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	k, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return nil, err
	}
	for _, sort := range []string{"name", "createdAt"} {
		for _, place := range []struct {
			name   string
			before int // pages
		}{{"first", 0}, {"middle", size / pageSize / 2}} {
			name := fmt.Sprintf("%s page by %s of %d tenants", place.name, sort, size)
			target, err := k.findPage(ctx, sort, place.before)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			limit := b.program("page", "-db", filepath.Join(in.dir, "freehold.db"), "-organization", k.claims.Organization,
				"-sort", sort, "-offset", strconv.Itoa(place.before*pageSize), "-n", strconv.Itoa(pageReads))
			pair, err := b.pagePair(ctx, name, server, k.request(http.MethodGet, target, ""), limit)
			if err != nil {
				return nil, err
			}
			row := pageRow(size, sort, place.name, pair)
			key := sort + " " + place.name
			own := measure.Median(pair.Real).CPU
			if base, ok := smallest[key]; ok {
				row = append(row, ratio(own/base))
			} else {
				smallest[key] = own
				row = append(row, "")
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// seed adds tenants to an installation. Its own entitlement may be too small
// for them, so there are more subscriptions first.
func (b *bench) seed(ctx context.Context, in *installation, tenants int) error {
	fmt.Fprintf(b.progress, "adding %d tenants\n", tenants)
	for i := range seedSubscriptions {
		err := b.operate(ctx, "operator", "subscription", "create", "--data-dir", in.dir,
			"--name", fmt.Sprintf("Benchmark %d", i+1), "--tenants", strconv.Itoa(2*tenants), "--region", strings.Join(in.regions(), ","))
		if err != nil {
			return err
		}
	}
	return b.operate(ctx, "operator", "seed", "--data-dir", in.dir, "--tenants", strconv.Itoa(tenants))
}

func (b *bench) pagePair(ctx context.Context, name string, server *measure.Server, request []byte, limit measurement) (measure.Pair, error) {
	t := target{server: server, request: request, connections: pageConnections, check: checkPage}
	if _, err := b.window(t, b.warmup)(ctx); err != nil {
		return measure.Pair{}, fmt.Errorf("%s, warm-up: %w", name, err)
	}
	return b.alternate(ctx, name, limit, b.window(t, b.duration))
}

func pageRow(size int, sort, place string, pair measure.Pair) []string {
	limit, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
	return []string{
		count(float64(size)), sort, place, count(ours.PerSecond), decimal(ours.P50 / 1000), decimal(ours.P99 / 1000),
		count(limit.PerSecond), decimal(ours.CPU), decimal(limit.CPU), ratio(pair.Ratio(cpu)),
	}
}

// findPage follows the list's own links over a number of pages and returns the
// request target of the page behind them.
func (k *caller) findPage(ctx context.Context, sort string, before int) (string, error) {
	target := fmt.Sprintf("/api/core/tenants?limit=%d&sort=%s", pageSize, sort)
	for range before {
		var page api.OrganizationTenantList
		if err := k.call(ctx, http.MethodGet, target, nil, &page); err != nil {
			return "", err
		}
		if len(page.Data) != pageSize || page.Links.Next == nil {
			return "", fmt.Errorf("a page has %d tenants; next: %v", len(page.Data), page.Links.Next)
		}
		next, err := url.Parse(page.Links.Next.Href)
		if err != nil {
			return "", fmt.Errorf("link to the next page: %w", err)
		}
		target = next.RequestURI()
	}
	return target, nil
}

// checkPage accepts a full page.
func checkPage(body []byte) error {
	var page api.OrganizationTenantList
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	if len(page.Data) != pageSize || page.Data[0].ID == "" {
		return fmt.Errorf("the page has %d tenants", len(page.Data))
	}
	return nil
}
