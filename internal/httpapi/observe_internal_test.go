package httpapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// BenchmarkObserve is what metrics and traces cost a request for a token: nothing at
// all, metrics, and metrics with a tracer that does not keep the request's trace.
func BenchmarkObserve(b *testing.B) {
	metrics := telemetry.NewMetrics()
	metrics.Grants(api.GrantClientCredentials)
	tracer, err := telemetry.NewTracer(b.Context(), telemetry.TracerOptions{Endpoint: "http://127.0.0.1:1", Ratio: .01, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://console."+domain+tokenPath, http.NoBody)
	of := telemetry.Trace{ID: "4bf92f3577b34da6ffffffffffffffff"}
	for name, config := range map[string]Config{"nothing": {}, "metrics": {Metrics: metrics}, "metrics and traces": {Metrics: metrics, Tracer: tracer}} {
		b.Run(name, func(b *testing.B) {
			server := &Server{Config: config}
			op := &operation{id: "issueToken"}
			meter := config.Metrics.Operation("console", "issueToken")
			b.ReportAllocs()
			for b.Loop() {
				x := exchange{server: server, w: &response{status: http.StatusOK}, r: r, op: op, grant: api.GrantClientCredentials, meter: meter}
				x.begin(r, of)
				x.end(60 * time.Microsecond)
			}
		})
	}
}
