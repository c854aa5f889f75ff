package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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
// estate, in both orders, at the start, in the middle and deep within.
func (b *bench) pages(ctx context.Context) (t table, err error) {
	t = table{
		title: "Pages of the tenant list",
		text: fmt.Sprintf("GET /api/core/tenants?limit=%d with an organization client, %d connections, once the tenants are in memory. The limit program reads the same rows "+
			"from the same file with the bare driver, by the index of that order; it makes no JSON and speaks no HTTP.", pageSize, pageConnections),
		targets: "processor time of a page at one million tenants at most 1.5 times the limit's, and at most 1.3 times that at one thousand; " +
			"page 5,000 within 10% of the first; at least 3,300 pages a second and core; memory under 512 MiB with a million tenants and 100,000 clients",
		head: []string{
			"tenants", "sort", "page", "pages/s", "p50 ms", "p99 ms",
			"limit pages/s", "freehold CPU µs", "limit CPU µs", "ratio", "to smallest estate", "to first page",
		},
	}
	smallest := map[string]float64{} // by order and position
	for _, size := range b.tenants {
		if err := b.pagesOf(ctx, &t, size, smallest); err != nil {
			return t, fmt.Errorf("%d tenants: %w", size, err)
		}
	}
	return t, nil
}

// deepPage is the page that is to be as fast as the first.
const deepPage = 5000

// pagesOf measures one size of estate. The processor time of the first size is
// left in smallest for the later ones to be compared with.
func (b *bench) pagesOf(ctx context.Context, t *table, size int, smallest map[string]float64) (err error) {
	in, made, err := b.estate(ctx, size)
	if err != nil {
		return err
	}
	if made > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%s tenants were made in %.0f s by `freehold operator seed`, on one processor.", count(float64(size)), made.Seconds()))
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	atRest, err := measure.Memory(server.PID())
	if err != nil {
		return err
	}
	k, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return err
	}
	type place struct {
		name   string
		before int // pages
	}
	places := []place{{"first", 0}, {"middle", size / pageSize / 2}}
	if size/pageSize > deepPage {
		places[1] = place{count(deepPage), deepPage}
	}
	if err := k.settle(ctx, server); err != nil {
		return err
	}
	for _, sort := range []string{"name", "createdAt"} {
		first := 0.0
		for _, place := range places {
			name := fmt.Sprintf("%s page by %s of %d tenants", place.name, sort, size)
			target, err := k.findPage(ctx, sort, place.before)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			limit := b.program("page", "-db", filepath.Join(in.dir, "freehold.db"), "-organization", k.claims.Organization,
				"-sort", sort, "-offset", strconv.Itoa(place.before*pageSize), "-n", strconv.Itoa(pageReads))
			pair, err := b.pagePair(ctx, name, server, k.request(http.MethodGet, target, ""), limit)
			if err != nil {
				return err
			}
			row := pageRow(size, sort, place.name, pair)
			key := sort + " " + strconv.Itoa(min(place.before, 1))
			own := measure.Median(pair.Real).CPU
			if base, ok := smallest[key]; ok {
				row = append(row, ratio(own/base))
			} else {
				smallest[key] = own
				row = append(row, "")
			}
			if place.before == 0 {
				first = own
				row = append(row, "")
			} else {
				row = append(row, ratio(own/first))
			}
			t.rows = append(t.rows, row)
		}
	}
	note := fmt.Sprintf("With %s tenants: ready %d ms after the start; resident memory %.0f MiB then", count(float64(size)), server.Ready.Milliseconds(), mebibytes(atRest))
	if loaded, err := measure.Memory(server.PID()); err == nil {
		note += fmt.Sprintf(", %.0f MiB after the pages", mebibytes(loaded))
	}
	if size == slices.Max(b.tenants) && b.clients > 0 {
		if err := b.tokensOfClients(ctx, server, in); err != nil {
			return err
		}
		loaded, err := measure.Memory(server.PID())
		if err != nil {
			return err
		}
		note += fmt.Sprintf(", %.0f MiB after %s clients got a token each as well", mebibytes(loaded), count(float64(b.clients)))
	}
	t.notes = append(t.notes, note+".")
	return nil
}

// estate makes an estate of a size, or takes it from the folder in which estates are
// kept. It returns how long the tenants took; 0: they were there.
func (b *bench) estate(ctx context.Context, size int) (in *installation, made time.Duration, err error) {
	name := "pages-" + strconv.Itoa(size)
	clients := 0
	if size == slices.Max(b.tenants) {
		clients = b.clients
	}
	if clients > 0 {
		name += "-" + strconv.Itoa(clients)
	}
	if b.estates != "" {
		kept := filepath.Join(b.estates, name)
		if in, err := readInstallation(kept); err == nil {
			return in, 0, nil
		}
	}
	if in, err = b.install(ctx, name); err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	if err := b.seed(ctx, in, size); err != nil {
		return nil, 0, err
	}
	made = time.Since(begun)
	if clients > 0 {
		err := b.operate(ctx, "operator", "seed", "--data-dir", in.dir, "--tenants", "0", "--clients", strconv.Itoa(clients), "--credentials", filepath.Join(in.dir, clientsFile))
		if err != nil {
			return nil, 0, err
		}
	}
	if b.estates == "" {
		return in, made, nil
	}
	kept := filepath.Join(b.estates, name)
	if err := os.MkdirAll(b.estates, 0o700); err != nil {
		return nil, 0, err
	}
	if err := os.CopyFS(kept, os.DirFS(in.dir)); err != nil {
		return nil, 0, fmt.Errorf("keep estate: %w", err)
	}
	in, err = readInstallation(kept)
	return in, made, err
}

// clientsFile is where the seed writes the credentials of clients.
const clientsFile = "clients.tsv"

// seed adds tenants to an installation, in subscriptions of their own.
func (b *bench) seed(ctx context.Context, in *installation, tenants int) error {
	fmt.Fprintf(b.progress, "adding %d tenants\n", tenants)
	subscriptions := max(seedSubscriptions, min(1000, tenants/1000))
	return b.operate(ctx, "operator", "seed", "--data-dir", in.dir, "--tenants", strconv.Itoa(tenants), "--subscriptions", strconv.Itoa(subscriptions))
}

// tokensOfClients has every client of a seed get a token.
func (b *bench) tokensOfClients(ctx context.Context, server *measure.Server, in *installation) error {
	text, err := os.ReadFile(filepath.Join(in.dir, clientsFile))
	if err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "%d clients get a token\n", b.clients)
	callers, ctx := errgroup.WithContext(ctx)
	callers.SetLimit(pageConnections)
	for line := range strings.Lines(string(text)) {
		callers.Go(func() error {
			fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(fields) != 3 {
				return fmt.Errorf("%s has the line %q", clientsFile, line)
			}
			k := &caller{addr: server.Addr, host: "register." + fields[2] + "." + domain}
			var answer api.TokenResponse
			return k.call(ctx, http.MethodPost, "/oauth/token", api.TokenRequest{GrantType: api.GrantClientCredentials, ClientID: fields[0], ClientSecret: fields[1]}, &answer)
		})
	}
	return callers.Wait()
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

// settle asks for a page, which has the server read the tenants into memory, and waits
// until it does nothing any more.
func (k *caller) settle(ctx context.Context, server *measure.Server) error {
	if err := k.call(ctx, http.MethodGet, "/api/core/tenants", nil, &api.OrganizationTenantList{}); err != nil {
		return err
	}
	before, err := measure.CPUTime(server.PID())
	for range 300 {
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		var now time.Duration
		if now, err = measure.CPUTime(server.PID()); err == nil && now-before < 100*time.Millisecond {
			return nil
		}
		before = now
	}
	return errors.New("the server does not settle within five minutes")
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
