package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// begin counts an exchange that begins, and begins its span if its trace is kept.
func (x *exchange) begin(r *http.Request, of telemetry.Trace) context.Context {
	s := x.server
	s.Metrics.Begin()
	x.trace = of.ID
	ctx, span := s.Tracer.Begin(r.Context(), of, r.Method, telemetry.Server)
	x.span = span
	return ctx
}

// end tells metrics and trace what came of the exchange.
func (x *exchange) end(took time.Duration) {
	status := x.w.status
	switch {
	case status == 0 && x.err != nil: // the connection was ended instead
		status = http.StatusInternalServerError
	case status == 0:
		status = http.StatusOK // as net/http does for whoever writes nothing
	}
	kept := ""
	if x.span.Kept() {
		x.describe(status)
		kept = x.trace
	}
	meter := x.meter
	if meter == nil { // a page, or nothing at all
		meter = x.server.Metrics.Operation(string(x.surface.Kind), x.op.id)
	}
	meter.End(status, took, kept)
	if x.op.id == "issueToken" {
		x.server.Metrics.Token(x.grant, oauthFailure(x.err))
	}
	if x.err != nil && estate.HasCode(x.err, api.CodeOAuthTooManyAttempts) {
		x.server.Metrics.ClientThrottled()
	}
}

// oauthFailure is the error of RFC 6749 that err was answered with; empty: none.
func oauthFailure(err error) string {
	var e *estate.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return oauthError(e)
	}
	return "server_error"
}

// describe ends the span of the exchange, under the names that OpenTelemetry has for
// HTTP. The host is not among them: the tenant says as much, and the rest of the
// address is the client's to invent.
func (x *exchange) describe(status int) {
	span := x.span
	if x.op.id != "" {
		span.Rename(x.r.Method + " " + x.op.id)
	}
	span.Text("http.request.method", x.r.Method)
	span.Text("http.route", x.op.path)
	span.Number("http.response.status_code", status)
	span.Text("freehold.operation", x.op.id)
	span.Text("freehold.surface", string(x.surface.Kind))
	span.Text("freehold.tenant", string(x.surface.Tenant.ID))
	var e *estate.Error
	if errors.As(x.err, &e) {
		span.Text("error.type", e.Code)
	}
	if status >= http.StatusInternalServerError {
		span.Fail(x.err)
	}
	span.End()
}

// carry lets what the operation does later, in jobs and at the servers of others,
// belong to the trace, also where it is not kept here.
func (x *exchange) carry() {
	if x.r.Method != http.MethodGet && !telemetry.Carries(x.r.Context()) {
		x.r = x.r.WithContext(telemetry.Trace{ID: x.trace}.Carry(x.r.Context()))
	}
}
