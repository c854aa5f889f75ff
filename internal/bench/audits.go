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
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// auditType and auditUser are of a tenth and of a thousandth of the records that
// the limit program makes.
const (
	auditType = "com.freehold.benchmark.type-3"
	auditUser = "user-003"
)

// recordsFile says in a kept installation how many records it was filled with.
const recordsFile = "records"

// audits measures the organization's audit events over HTTP, among many records:
// all, of a type and of a user, the newest and from the middle.
func (b *bench) audits(ctx context.Context) (t table, err error) {
	in, organization, err := b.auditInstallation(ctx)
	if err != nil || b.fillOnly {
		return t, err
	}
	database := filepath.Join(in.dir, "freehold.db")
	server, err := b.serve(ctx, in)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	k, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return t, err
	}
	t = table{
		title: fmt.Sprintf("Audit events among %s", count(float64(b.auditRecords))),
		text: fmt.Sprintf("GET /api/core/audits?limit=%d with an organization client, %d connections, the newest first; a tenth of the records is of the type, "+
			"a thousandth of the user. The records are a chain that `freehold audit verify` has gone through. The limit program reads the same rows "+
			"from the same file with the bare driver, by the best index; it makes no JSON and speaks no HTTP.", pageSize, pageConnections),
		head: []string{"events", "page", "pages/s", "p50 ms", "p99 ms", "limit pages/s", "freehold CPU µs", "limit CPU µs", "ratio"},
	}
	middle := time.Now().Add(-time.Duration(b.auditRecords) * time.Second / 2).UTC().Truncate(time.Second)
	for _, c := range []struct {
		name  string
		query url.Values
		limit []string
	}{
		{"all", url.Values{}, nil},
		{"of a type", url.Values{"eventType": {auditType}}, []string{"-type", auditType}},
		{"of a user", url.Values{"userId": {auditUser}}, []string{"-user", auditUser}},
	} {
		for _, deep := range []bool{false, true} {
			place, limit := "first", append([]string{"audit", "-db", database, "-organization", organization, "-n", strconv.Itoa(pageReads)}, c.limit...)
			if deep {
				place, limit = "middle", append(limit, "-before", strconv.FormatInt(middle.UnixMicro(), 10))
			}
			name := fmt.Sprintf("%s page of audit events %s", place, c.name)
			target, err := k.findAudits(ctx, c.query, deep, middle)
			if err != nil {
				return t, fmt.Errorf("%s: %w", name, err)
			}
			pair, err := b.auditPair(ctx, name, server, k.request(http.MethodGet, target, ""), b.program(limit...))
			if err != nil {
				return t, err
			}
			l, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
			t.rows = append(t.rows, []string{
				c.name, place, count(ours.PerSecond), decimal(ours.P50 / 1000), decimal(ours.P99 / 1000), count(l.PerSecond),
				decimal(ours.CPU), decimal(l.CPU), ratio(pair.Ratio(cpu)),
			})
		}
	}
	return t, nil
}

// auditInstallation makes an installation with many audit records, or takes the one
// that an earlier run has left.
func (b *bench) auditInstallation(ctx context.Context) (in *installation, organization string, err error) {
	if b.auditDir != "" {
		if in, organization, err = b.keptAudits(ctx); in != nil || err != nil {
			return in, organization, err
		}
	}
	if in, err = b.install(ctx, "audits"); err != nil {
		return nil, "", err
	}
	if organization, err = b.organization(ctx, in); err != nil {
		return nil, "", err
	}
	fmt.Fprintf(b.progress, "adding %d audit records\n", b.auditRecords)
	start := time.Now()
	err = b.prepare(ctx, "fill", "-db", filepath.Join(in.dir, "freehold.db"), "-organization", organization, "-n", strconv.Itoa(b.auditRecords))
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintf(b.progress, "done in %s\n", time.Since(start).Round(time.Second))
	if b.verify {
		start = time.Now()
		if err := b.operate(ctx, "audit", "verify", "--data-dir", in.dir); err != nil {
			return nil, "", err
		}
		fmt.Fprintf(b.progress, "the chain is whole: verified in %s\n", time.Since(start).Round(time.Second))
	}
	if b.auditDir == "" {
		return in, organization, nil
	}
	if err := os.WriteFile(filepath.Join(in.dir, recordsFile), []byte(strconv.Itoa(b.auditRecords)), 0o600); err != nil {
		return nil, "", err
	}
	if err := os.Rename(in.dir, b.auditDir); err != nil {
		return nil, "", fmt.Errorf("keep the installation (-audit-dir must be new, and -dir on the same disk): %w", err)
	}
	in.dir = b.auditDir
	return in, organization, nil
}

// keptAudits is the installation of an earlier run; nil: there is none.
func (b *bench) keptAudits(ctx context.Context) (in *installation, organization string, err error) {
	in, err = readInstallation(b.auditDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if organization, err = b.organization(ctx, in); err != nil {
		return nil, "", err
	}
	text, err := os.ReadFile(filepath.Join(in.dir, recordsFile))
	if err != nil {
		return nil, "", err
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", recordsFile, err)
	}
	if n != b.auditRecords {
		return nil, "", fmt.Errorf("%s has %d records and -audit-records asks for %d", in.dir, n, b.auditRecords)
	}
	return in, organization, nil
}

func (b *bench) auditPair(ctx context.Context, name string, server *measure.Server, request []byte, limit measurement) (measure.Pair, error) {
	t := target{server: server, request: request, connections: pageConnections, check: checkAudits}
	if _, err := b.window(t, b.warmup)(ctx); err != nil {
		return measure.Pair{}, fmt.Errorf("%s, warm-up: %w", name, err)
	}
	return b.alternate(ctx, name, limit, b.window(t, b.duration))
}

// organization is the id of the installation's organization. Only a running
// server tells it.
func (b *bench) organization(ctx context.Context, in *installation) (id string, err error) {
	server, err := b.serve(ctx, in)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	k, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return "", err
	}
	return k.claims.Organization, nil
}

// prepare runs a limit program that makes something to be measured.
func (b *bench) prepare(ctx context.Context, args ...string) error {
	if out, err := measure.Command(ctx, b.core, b.limit, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("limit %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// findAudits returns the request target of the first page of a query, or of the one
// that the first page of what was before the middle links to.
func (k *caller) findAudits(ctx context.Context, query url.Values, deep bool, middle time.Time) (string, error) {
	query.Set("limit", strconv.Itoa(pageSize))
	if !deep {
		return "/api/core/audits?" + query.Encode(), nil
	}
	query.Set("eventTime", "/"+middle.Format(time.RFC3339))
	var page api.AuditEventList
	if err := k.call(ctx, http.MethodGet, "/api/core/audits?"+query.Encode(), nil, &page); err != nil {
		return "", err
	}
	if page.Links.Next == nil {
		return "", errors.New("there is no next page")
	}
	next, err := url.Parse(page.Links.Next.Href)
	if err != nil {
		return "", fmt.Errorf("link to the next page: %w", err)
	}
	return next.RequestURI(), nil
}

// checkAudits accepts a full page.
func checkAudits(body []byte) error {
	var page api.AuditEventList
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	if len(page.Data) != pageSize || page.Data[0].ID == "" {
		return fmt.Errorf("the page has %d events", len(page.Data))
	}
	return nil
}
