package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freehold-platform/freehold/internal/telemetry"
)

func TestMetrics_HTTP(t *testing.T) {
	m := telemetry.NewMetrics()
	m.Grants("client_credentials")
	list := m.Operation("console", "listTenants")
	if m.Operation("console", "listTenants") != list {
		t.Error("an operation has two counters")
	}
	m.Begin()
	m.Begin()
	list.End(200, 3*time.Millisecond, "")
	list.End(404, 3*time.Millisecond, "")
	m.Begin()
	list.End(200, 30*time.Millisecond, "")
	m.Begin()
	m.Operation("", "").End(421, time.Millisecond, "")
	m.RateLimited("console", 2)
	m.Token("client_credentials", "")
	m.Token("client_credentials", "invalid_client")
	m.Token("invented by whoever asks", "unsupported_grant_type")
	m.Begin()
	want := `
# HELP freehold_http_rate_limited_total Requests that were refused because their caller made too many.
# TYPE freehold_http_rate_limited_total counter
freehold_http_rate_limited_total{surface="console",tier="2"} 1
# HELP freehold_http_requests_in_flight Requests that are being answered.
# TYPE freehold_http_requests_in_flight gauge
freehold_http_requests_in_flight 1
# HELP freehold_http_requests_total Requests that were answered.
# TYPE freehold_http_requests_total counter
freehold_http_requests_total{operation="listTenants",status="200",surface="console"} 2
freehold_http_requests_total{operation="listTenants",status="404",surface="console"} 1
freehold_http_requests_total{operation="none",status="421",surface="none"} 1
# HELP freehold_tokens_total Requests for access tokens, by grant, and what came of them: issued, or the error of RFC 6749.
# TYPE freehold_tokens_total counter
freehold_tokens_total{grant="client_credentials",outcome="invalid_client"} 1
freehold_tokens_total{grant="client_credentials",outcome="issued"} 1
freehold_tokens_total{grant="other",outcome="unsupported_grant_type"} 1
`
	err := testutil.GatherAndCompare(m.Gatherer(), strings.NewReader(want),
		"freehold_http_requests_total", "freehold_http_requests_in_flight", "freehold_http_rate_limited_total", "freehold_tokens_total")
	if err != nil {
		t.Error(err)
	}
}

// TestMetrics_Exemplars has the trace beside the duration, in the format that knows
// exemplars.
func TestMetrics_Exemplars(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	m := telemetry.NewMetrics()
	m.Begin()
	m.Operation("console", "listTenants").End(200, 3*time.Millisecond, id)
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `# {trace_id="`+id+`"} 0.003`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestMetrics_Nil has whoever has no metrics do as everybody.
func TestMetrics_Nil(t *testing.T) {
	var m *telemetry.Metrics
	m.Grants("client_credentials")
	m.Begin()
	m.Operation("console", "listTenants").End(200, time.Second, "")
	m.RateLimited("console", 1)
	m.Token("client_credentials", "")
	m.Read(time.Second)
	m.Wrote(telemetry.WriteCommitted, time.Second)
	m.Committed(1, time.Second)
	m.Looked()
	m.Heard(time.Time{})
	m.Job("webhook.send", telemetry.JobDone, time.Second, time.Second)
	m.SignIn("passkey", telemetry.SignedIn)
	m.ClientThrottled()
	m.Call(t.Context(), telemetry.Span{}, telemetry.Webhook, http.Header{}).End(200, nil)
}

// TestMetrics_Look asks once for all who read at about the same time.
func TestMetrics_Look(t *testing.T) {
	m := telemetry.NewMetrics()
	asked := 0
	err := m.Look(func(ctx context.Context) telemetry.Snapshot {
		asked++
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("nothing bounds how long a reader waits")
		}
		return telemetry.Snapshot{
			Caches:   map[string]telemetry.CacheUse{"clients": {Hits: 9, Misses: 1, Entries: 1}},
			Database: &telemetry.DatabaseState{Engine: "sqlite", SchemaVersion: 80, Size: 4096, WAL: -1},
			Estate:   &telemetry.EstateCounts{Subscriptions: 1, Tenants: 3, TenantLimit: 4, Fullest: map[string]float64{"s1": .75}},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `
# HELP freehold_cache_hits_total Lookups that a cache answered.
# TYPE freehold_cache_hits_total counter
freehold_cache_hits_total{cache="clients"} 9
# HELP freehold_database_up 1 if the database answers, else 0.
# TYPE freehold_database_up gauge
freehold_database_up 1
# HELP freehold_entitlement_fullest_ratio Used share of the entitlement, of the ten subscriptions where it is largest.
# TYPE freehold_entitlement_fullest_ratio gauge
freehold_entitlement_fullest_ratio{subscription="s1"} 0.75
`
	for range 2 {
		err := testutil.GatherAndCompare(m.Gatherer(), strings.NewReader(want),
			"freehold_cache_hits_total", "freehold_database_up", "freehold_database_wal_bytes", "freehold_entitlement_fullest_ratio")
		if err != nil {
			t.Error(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// BenchmarkRequest is what metrics cost each request.
func BenchmarkRequest(b *testing.B) {
	m := telemetry.NewMetrics()
	m.Grants("client_credentials")
	operation := m.Operation("console", "issueToken")
	b.ReportAllocs()
	for b.Loop() {
		m.Begin()
		operation.End(200, 60*time.Microsecond, "")
		m.Token("client_credentials", "")
	}
}
