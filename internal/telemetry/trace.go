package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer keeps a share of the traces and sends their spans to a collector.
//
// Whether a trace is kept is decided before its first span is made, so the others
// cost next to nothing.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	bound    uint64 // a trace is kept if the end of its id is below
}

// TracerOptions say where spans go, and which.
type TracerOptions struct {
	Endpoint string  // URL of a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318
	Ratio    float64 // of the traces that begin here, 0 to 1; callers that have decided are followed
	Version  string  // of the program
	Log      *slog.Logger
}

// NewTracer makes a Tracer. Of the environment, the exporter and the description of
// the service go by OpenTelemetry's own variables, OTEL_EXPORTER_OTLP_HEADERS and
// OTEL_RESOURCE_ATTRIBUTES among them.
func NewTracer(ctx context.Context, o TracerOptions) (*Tracer, error) {
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("collector of traces: %w", err)
	}
	if strings.Trim(endpoint.Path, "/") == "" {
		endpoint = endpoint.JoinPath("v1", "traces") // where collectors take them
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint.String()))
	if err != nil {
		return nil, fmt.Errorf("exporter of traces: %w", err)
	}
	described, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "freehold"), attribute.String("service.version", o.Version)),
		resource.WithHost(), resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("description of the service for traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Warn("traces are lost", "error", err) })) // the library has one for the process
	t := &Tracer{bound: ratioBound(o.Ratio)}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), sdktrace.WithResource(described), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // of what Begin lets through
	)
	t.tracer = t.provider.Tracer(scope)
	return t, nil
}

const scope = "github.com/freehold-platform/freehold"

// ratioBound is what a number of 63 random bits is below in ratio of all cases.
func ratioBound(ratio float64) uint64 {
	if ratio >= 1 {
		return math.MaxUint64
	}
	return uint64(ratio * (1 << 63))
}

// Close sends the spans that are still here.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Trace is what a request or a job belongs to.
type Trace struct {
	ID     string            // 32 hexadecimal digits
	parent trace.SpanContext // in which it was asked for; invalid: not known
}

// TraceOf is the trace of a request: its caller's (W3C or B3), or a new one.
func TraceOf(header http.Header) Trace {
	if parent := header.Get("Traceparent"); parent != "" {
		if t := ParseTrace(parent); t.ID != "" {
			return t
		}
	}
	if id := header.Get("X-B3-Traceid"); validTraceID(id) {
		return Trace{ID: id}
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return Trace{ID: hex.EncodeToString(b[:])}
}

// ParseTrace reads a traceparent (W3C Trace Context). Of one that is not valid, the
// Trace has no ID.
func ParseTrace(traceparent string) Trace {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{headerTraceparent: traceparent})
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsValid() {
		return Trace{}
	}
	return Trace{ID: parent.TraceID().String(), parent: parent}
}

const headerTraceparent = "traceparent"

func validTraceID(id string) bool {
	if len(id) != 32 {
		return false
	}
	parsed, err := trace.TraceIDFromHex(id)
	return err == nil && parsed.IsValid()
}

// Carries tells whether ctx has a trace to pass on.
func Carries(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsValid() }

// Carry puts a trace into ctx, so that it is passed on although it is not kept.
func (t Trace) Carry(ctx context.Context) context.Context {
	parent := t.parent
	if !parent.IsValid() {
		id, err := trace.TraceIDFromHex(t.ID)
		if err != nil {
			return ctx
		}
		parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: newSpanID()})
	}
	return trace.ContextWithRemoteSpanContext(ctx, parent)
}

// Traceparent is the trace of ctx as the next server, or a later job, is told
// (W3C Trace Context). Empty: there is none.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[headerTraceparent]
}

// Kind says which side of a call a span is.
type Kind = trace.SpanKind

// The kinds of spans.
const (
	Server   = trace.SpanKindServer   // answers a request
	Client   = trace.SpanKindClient   // asks another server
	Consumer = trace.SpanKindConsumer // does a job
	Internal = trace.SpanKindInternal
)

// Begin begins a span of a trace that comes from outside, if the trace is kept: as
// its caller has decided, or else by the ratio.
func (t *Tracer) Begin(ctx context.Context, of Trace, name string, kind Kind) (context.Context, Span) {
	known := of.parent.IsValid()
	var root []trace.SpanStartOption
	switch {
	case known && (t == nil || !of.parent.IsSampled()):
		return of.Carry(ctx), Span{}
	case t == nil:
		return ctx, Span{}
	case known:
		ctx = trace.ContextWithRemoteSpanContext(ctx, of.parent)
	default:
		var id trace.TraceID
		if n, err := hex.Decode(id[:], []byte(of.ID)); err != nil || n != len(id) || binary.BigEndian.Uint64(id[8:])>>1 >= t.bound {
			return ctx, Span{}
		}
		ctx = context.WithValue(ctx, idKey{}, id)
		root = []trace.SpanStartOption{trace.WithNewRoot()}
	}
	ctx, otel := t.tracer.Start(ctx, name, append(root, trace.WithSpanKind(kind))...)
	return ctx, Span{otel}
}

// Start begins a span within the one of ctx, if that is kept.
func Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, otel := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{otel}
}

// Span is a part of a trace. The zero Span is one that is not kept: all that is
// said of it is forgotten.
type Span struct{ otel trace.Span }

// Kept tells whether the span is sent, and so whether there is any use in finding
// out what to say of it.
func (s Span) Kept() bool { return s.otel != nil }

// Rename changes the name.
func (s Span) Rename(name string) {
	if s.otel != nil {
		s.otel.SetName(name)
	}
}

// Text says something of the span, under a name of OpenTelemetry's conventions.
func (s Span) Text(key, value string) {
	if s.otel != nil && value != "" {
		s.otel.SetAttributes(attribute.String(key, value))
	}
}

// Number says how much or how many.
func (s Span) Number(key string, value int) {
	if s.otel != nil {
		s.otel.SetAttributes(attribute.Int(key, value))
	}
}

// Fail says that what the span is about went wrong.
func (s Span) Fail(err error) {
	if s.otel != nil && err != nil {
		s.otel.SetStatus(codes.Error, err.Error())
	}
}

// End ends the span.
func (s Span) End() {
	if s.otel != nil {
		s.otel.End()
	}
}

// ids gives the first span of a trace the id that the trace has already.
type ids struct{}

type idKey struct{}

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, _ := ctx.Value(idKey{}).(trace.TraceID)
	return id, newSpanID()
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }

func newSpanID() (id trace.SpanID) {
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	return id
}
