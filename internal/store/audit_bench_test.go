package store_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// auditRecords is how many records the benchmark of the audit query reads among:
// go test ./internal/store -run none -bench Audit -audit-records 10000000
var auditRecords = flag.Int("audit-records", 100_000, "records that BenchmarkAuditPage reads among")

// benchStore opens an empty database.
func benchStore(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(context.Background(), store.Options{Path: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// benchRecord is the n-th record: of one of a hundred tenants and ten types, a
// second after the one before.
func benchRecord(n int) estate.AuditRecord {
	return estate.AuditRecord{
		ID: estate.NewAuditID(time.Unix(1_700_000_000+int64(n), 0)), Time: time.Unix(1_700_000_000+int64(n), 0), Action: "oauth-client.update", Type: fmt.Sprintf("type-%d", n%10), Source: "source",
		Scope:  estate.Scope{Organization: "org", Subscription: "sub", Region: "us", Tenant: estate.TenantID(fmt.Sprintf("tenant-%d", n%100))},
		Actor:  estate.Actor{Kind: estate.ActorClient, ID: "client", User: "user", TraceID: "0123456789abcdef"},
		Target: "target", Outcome: estate.OutcomeDone, Data: map[string]any{"name": "a name", "list": []string{"one", "two"}},
	}
}

// BenchmarkAppendAudit appends records, a hundred in a transaction.
func BenchmarkAppendAudit(b *testing.B) {
	s := benchStore(b)
	appendRecords(b, s, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func appendRecords(b *testing.B, s *store.Store, n int) {
	b.Helper()
	ctx := b.Context()
	for done := 0; done < n; done += 100 {
		err := s.Write(ctx, func(tx *store.Tx) error {
			for i := done; i < min(done+100, n); i++ {
				if err := tx.AppendAudit(ctx, benchRecord(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAuditPage reads pages of a hundred out of many records: of the
// organization and of a tenant, the newest and from the middle, and of one type.
func BenchmarkAuditPage(b *testing.B) {
	s := benchStore(b)
	appendRecords(b, s, *auditRecords)
	middle := time.Unix(1_700_000_000+int64(*auditRecords)/2, 0)
	organization := estate.Scope{Organization: "org"}
	tenant := estate.Scope{Organization: "org", Subscription: "sub", Region: "us", Tenant: "tenant-7"}
	for _, c := range []struct {
		name  string
		scope estate.Scope
		query store.AuditQuery
	}{
		{"organization newest", organization, store.AuditQuery{}},
		{"organization middle", organization, store.AuditQuery{Until: middle}},
		{"organization type", organization, store.AuditQuery{Types: []string{"type-3"}, Until: middle}},
		{"tenant newest", tenant, store.AuditQuery{}},
		{"tenant middle", tenant, store.AuditQuery{Until: middle}},
		{"tenant type", tenant, store.AuditQuery{Types: []string{"type-7"}, Until: middle}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.query.Limit = store.MaxPage
			for b.Loop() {
				err := s.Read(b.Context(), func(tx *store.Tx) error {
					page, _, err := tx.AuditPage(b.Context(), c.scope, c.query)
					if err == nil && len(page) != store.MaxPage {
						err = fmt.Errorf("%d records", len(page))
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
