package telemetry_test

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/freehold-platform/freehold/internal/telemetry"
)

// collector is a server that takes spans as OTLP over HTTP.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	spans []*tracev1.Span
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request coltrace.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func newTracer(t testing.TB, c *collector, ratio float64) *telemetry.Tracer {
	t.Helper()
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.TracerOptions{Endpoint: c.URL, Ratio: ratio, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

const (
	traceID    = "4bf92f3577b34da6a3ce929d0e0e4736"
	sampled    = "00-" + traceID + "-00f067aa0ba902b7-01"
	notSampled = "00-" + traceID + "-00f067aa0ba902b7-00"
)

// TestTracer sends a span with its parts, in the trace of the caller.
func TestTracer(t *testing.T) {
	c := newCollector(t)
	tracer := newTracer(t, c, 0)
	ctx, span := tracer.Begin(t.Context(), telemetry.TraceOf(http.Header{"Traceparent": {sampled}}), "POST", telemetry.Server)
	if !span.Kept() {
		t.Fatal("the caller keeps it, and we don't")
	}
	within, part := telemetry.Start(ctx, "sql", telemetry.Client)
	part.Text("db.system.name", "sqlite")
	next := telemetry.Traceparent(within)
	part.End()
	span.Rename("POST createTenant")
	span.End()
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 2 {
		t.Fatalf("%d spans", len(c.spans))
	}
	inner, outer := c.spans[0], c.spans[1]
	if outer.GetName() != "POST createTenant" || outer.GetKind() != tracev1.Span_SPAN_KIND_SERVER || hexOf(outer.GetParentSpanId()) != "00f067aa0ba902b7" || hexOf(outer.GetTraceId()) != traceID {
		t.Errorf("%v", outer)
	}
	if inner.GetName() != "sql" || hexOf(inner.GetParentSpanId()) != hexOf(outer.GetSpanId()) || hexOf(inner.GetTraceId()) != traceID {
		t.Errorf("%v", inner)
	}
	if next != "00-"+traceID+"-"+hexOf(inner.GetSpanId())+"-01" {
		t.Errorf("the next server is told %s", next)
	}
}

// TestTracer_Begin keeps what the caller or the ratio says, under the id that the
// trace has already.
func TestTracer_Begin(t *testing.T) {
	c := newCollector(t)
	for name, test := range map[string]struct {
		header http.Header
		ratio  float64
		kept   bool
	}{
		"caller keeps":        {http.Header{"Traceparent": {sampled}}, 0, true},
		"caller does not":     {http.Header{"Traceparent": {notSampled}}, 1, false},
		"all":                 {http.Header{"X-B3-Traceid": {traceID}}, 1, true},
		"none":                {http.Header{"X-B3-Traceid": {traceID}}, 0, false},
		"low end of the id":   {http.Header{"X-B3-Traceid": {"ffffffffffffffff0000000000000001"}}, .001, true},
		"high end of the id":  {http.Header{"X-B3-Traceid": {"0000000000000001ffffffffffffffff"}}, .999, false},
		"broken traceparent":  {http.Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"}, "X-B3-Traceid": {traceID}}, 1, true},
		"nothing, and a new ": {nil, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			tracer := newTracer(t, c, test.ratio)
			of := telemetry.TraceOf(test.header)
			ctx, span := tracer.Begin(t.Context(), of, "GET", telemetry.Server)
			if span.Kept() != test.kept {
				t.Fatalf("kept: %v", span.Kept())
			}
			if parent := telemetry.Traceparent(ctx); test.kept && (len(parent) != 55 || parent[3:35] != of.ID || !strings.HasSuffix(parent, "-01")) {
				t.Errorf("trace %s goes on as %s", of.ID, parent)
			}
			if test.header.Get("Traceparent") == notSampled && telemetry.Traceparent(ctx) != notSampled {
				t.Errorf("goes on as %s", telemetry.Traceparent(ctx))
			}
		})
	}
}

// TestTrace_Carry passes a trace on that is not kept, with or without a Tracer.
func TestTrace_Carry(t *testing.T) {
	var none *telemetry.Tracer
	ctx, span := none.Begin(t.Context(), telemetry.TraceOf(http.Header{"Traceparent": {sampled}}), "GET", telemetry.Server)
	if span.Kept() || telemetry.Traceparent(ctx) != sampled {
		t.Errorf("goes on as %q", telemetry.Traceparent(ctx))
	}
	if ctx, span := none.Begin(t.Context(), telemetry.TraceOf(nil), "GET", telemetry.Server); span.Kept() || telemetry.Carries(ctx) {
		t.Error("without a Tracer a request without a trace pays for one")
	}
	ctx = telemetry.Trace{ID: traceID}.Carry(t.Context())
	if parent := telemetry.Traceparent(ctx); !strings.HasPrefix(parent, "00-"+traceID+"-") || !strings.HasSuffix(parent, "-00") {
		t.Errorf("goes on as %q", parent)
	}
	if ctx, span := telemetry.Start(ctx, "sql", telemetry.Client); span.Kept() || !telemetry.Carries(ctx) {
		t.Error("a part of a trace that is not kept is kept")
	}
	if ctx := (telemetry.Trace{ID: "operator"}).Carry(t.Context()); telemetry.Traceparent(ctx) != "" {
		t.Error("what is no trace id goes on")
	}
}

// BenchmarkTracer is what traces cost a request: without a Tracer, and with one that
// does not keep the request's.
func BenchmarkTracer(b *testing.B) {
	of := telemetry.Trace{ID: "4bf92f3577b34da6ffffffffffffffff"}
	for name, tracer := range map[string]*telemetry.Tracer{"off": nil, "sampled out": newTracer(b, newCollector(b), .01)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, span := tracer.Begin(context.Background(), of, "POST", telemetry.Server)
				_, part := telemetry.Start(ctx, "credential.IssueToken", telemetry.Internal)
				part.End()
				span.End()
			}
		})
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
