// Package httpapi serves Freehold's HTTP surfaces: it finds the surface from
// the host, decodes, authenticates, calls one method of a domain service, and
// turns the result into wire types. It decides nothing itself.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/telemetry"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/throttle"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// Config is what a Server needs.
type Config struct {
	Credential *credential.Service
	Tenancy    *tenancy.Service
	Directory  *directory.Service
	SignIn     *signin.Service
	Trail      event.Trail
	Webhook    *webhook.Service
	Provision  *provision.Service
	Ready      func(context.Context) map[string]error // state of each dependency; nil errors are good
	OutOfTouch func() error                           // why what is in memory is too old to be relied on; a nil function: it never is
	Log        *slog.Logger
	Now        func() time.Time // for durations
	Clock      func() time.Time // for the limits: the services'
	Metrics    *telemetry.Metrics
	Tracer     *telemetry.Tracer

	Rates          *throttle.Rates
	Limits         throttle.Limits // of each caller, where its subscription does not say; zero: none
	TrustedProxies []netip.Prefix  // whose X-Forwarded-For is believed

	// As clients see the server, which behind a proxy is not as it listens:
	Domain string // base domain of all hosts
	Scheme string // "http" or "https"
	Port   int

	ClientCertificates bool // TLS clients are asked for one

	Pages Pages // nil: there are none
}

// Server is the http.Handler of all surfaces.
type Server struct {
	Config
	surfaces map[estate.SurfaceKind]*http.ServeMux
	visits   *throttle.Window[string]                        // of pages, by who asks for them
	fixed    map[estate.SurfaceKind]map[fixedPath]fixedRoute // those of surfaces whose path has no wildcard
	below    string                                          // what the names of all hosts end in
}

// fixedPath names an operation whose path is always the same.
type fixedPath struct{ method, path string }

// fixedRoute is such an operation, with its counters.
type fixedRoute struct {
	op    *operation
	meter *telemetry.Operation
}

// New makes a Server.
func New(c Config) *Server {
	s := &Server{
		Config:   c,
		surfaces: map[estate.SurfaceKind]*http.ServeMux{},
		visits:   throttle.NewWindow[string](maxVisitors),
		fixed:    map[estate.SurfaceKind]map[fixedPath]fixedRoute{},
		below:    "." + c.Domain,
	}
	for _, op := range operations {
		for _, kind := range op.surfaces {
			if s.surfaces[kind] == nil {
				s.surfaces[kind], s.fixed[kind] = http.NewServeMux(), map[fixedPath]fixedRoute{}
			}
			meter := c.Metrics.Operation(string(kind), op.id)
			s.surfaces[kind].Handle(op.method+" "+op.path, s.serve(op, meter))
			if !strings.ContainsRune(op.path, '{') && !strings.HasSuffix(op.path, "/") {
				s.fixed[kind][fixedPath{op.method, op.path}] = fixedRoute{&op, meter}
			}
			if op.tier != throttle.NoTier {
				c.Metrics.Tier(string(kind), int(op.tier))
			}
		}
	}
	return s
}

// exchange is one request and what is known of it.
type exchange struct {
	server  *Server
	w       *response // the one below
	r       *http.Request
	surface estate.Surface
	actor   estate.Actor
	session estate.Session // by which actor is authenticated; zero: by a token
	op      *operation
	trace   string
	client  string // id claimed at the token endpoint, for the log
	grant   string // asked for at the token endpoint
	err     error  // what was answered, if an error

	meter *telemetry.Operation // nil: no operation of the table
	span  telemetry.Span

	response response
}

// noOperation is what a request asks for until that is found out.
var noOperation operation

type exchangeKey struct{}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.Now()
	x := &exchange{server: s, r: r, op: &noOperation}
	x.response.ResponseWriter = w
	x.w = &x.response
	if ctx := x.begin(r, telemetry.TraceOf(r.Header)); ctx != r.Context() {
		x.r = r.WithContext(ctx)
	}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // the documented sentinel, compared as net/http does
				x.end(s.Now().Sub(start))
				panic(p) //nolint:forbidigo // not ours to swallow
			}
			x.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
		took := s.Now().Sub(start)
		x.end(took)
		x.log(took)
	}()
	w.Header()["X-B3-Traceid"] = []string{x.trace}
	x.dispatch()
}

// dispatch finds surface and operation.
func (x *exchange) dispatch() {
	s := x.server
	kind := estate.SurfaceConsole // whose table has the probes, which come to any host name, also to bare addresses
	if path := x.r.URL.Path; path != livenessPath && path != readinessPath {
		if s.OutOfTouch != nil {
			if err := s.OutOfTouch(); err != nil {
				x.fail(err)
				return
			}
		}
		surface, err := s.resolve(x.r.Context(), x.r.Host)
		x.surface, kind = surface, surface.Kind
		if err == nil && kind == estate.SurfaceTenant && surface.Tenant.Status != estate.TenantActive {
			err = errDeactivated
		}
		if err != nil {
			if !x.preflight(x.r.Header.Get("Access-Control-Request-Method")) && !x.showProblem(err) { // the page is to see what is wrong
				x.fail(err)
			}
			return
		}
	}
	// A path that is an operation's to the letter is what the mux would find, too.
	if route := s.fixed[kind][fixedPath{x.r.Method, x.r.URL.Path}]; route.op != nil && x.r.URL.RawPath == "" {
		x.perform(route.op, route.meter)
		return
	}
	x.r = x.r.WithContext(context.WithValue(x.r.Context(), exchangeKey{}, x))
	mux := s.surfaces[kind]
	handler, pattern := mux.Handler(x.r)
	if strings.ContainsRune(x.r.URL.Path, 0) { // not every engine can hold it, and it names nothing
		handler, pattern = http.NotFoundHandler(), ""
	}
	if _, ours := handler.(http.HandlerFunc); pattern == "" || !ours { // not ours: a redirect to a cleaner path, which no document has
		if x.showPage() {
			return
		}
		if err := x.noSuchOperation(handler); err != nil {
			x.fail(err)
		}
		return
	}
	mux.ServeHTTP(x.w, x.r) // again, so that path values are set
}

// noSuchOperation tells 405 from 404 by what the mux would have answered, and
// answers preflights.
func (x *exchange) noSuchOperation(handler http.Handler) error {
	probe := &discard{header: http.Header{}}
	handler.ServeHTTP(probe, x.r)
	if probe.status != http.StatusMethodNotAllowed {
		if x.preflight(x.r.Header.Get("Access-Control-Request-Method")) {
			return nil
		}
		return statusError{http.StatusNotFound, estate.E(estate.NotFound, api.CodeNotFound, "Not found", "No such path on this host.")}
	}
	allow := probe.header.Get("Allow")
	if x.preflight(allow) {
		return nil
	}
	x.w.Header().Set("Allow", allow)
	return statusError{http.StatusMethodNotAllowed, estate.E(estate.Invalid, api.CodeMethodNotAllowed, "Method not allowed", "Allowed: "+allow+".")}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// serve makes the handler of an operation.
func (s *Server) serve(op operation, meter *telemetry.Operation) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		x, _ := r.Context().Value(exchangeKey{}).(*exchange)
		x.r = r
		x.perform(&op, meter)
	})
}

// perform does the steps that no operation can forget, and then what the
// operation is.
func (x *exchange) perform(op *operation, meter *telemetry.Operation) {
	x.op, x.meter = op, meter
	switch {
	case op.public && op.tier == 0:
		x.shareAll()
	case !op.public:
		actor, err := x.authenticate()
		if err != nil {
			if !x.showProblem(err) { // a browser, at what is not the API's
				x.fail(err)
			}
			return
		}
		actor.TraceID = x.trace
		x.actor = actor
		x.carry()
		if actor.Kind == estate.ActorClient {
			x.share(estate.ClientID(actor.ID))
		} else if actor.Client != "" {
			x.share(actor.Client)
		}
		x.shareIntegration()
		err = x.limit(actor.ID, actor.Scope)
		if err == nil {
			err = x.checkQuery()
		}
		if err != nil {
			x.fail(err)
			return
		}
	}
	if err := op.handle(x); err != nil {
		x.fail(err)
	}
}

// checkQuery refuses what net/url would leave out of the query string without a word: a
// filter that disappears would let everything through. A semicolon becomes a character
// like any other.
func (x *exchange) checkQuery() error {
	query := x.r.URL.RawQuery
	if strings.Contains(query, ";") {
		query = strings.ReplaceAll(query, ";", "%3B")
		r, u := *x.r, *x.r.URL
		u.RawQuery, r.URL = query, &u
		x.r = &r
	}
	if _, err := url.ParseQuery(query); err != nil {
		return estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid query", "The query string is not percent-encoded; a % in a value is written %25.")
	}
	return nil
}

// log writes the one event of the request.
func (x *exchange) log(took time.Duration) {
	level := slog.LevelInfo
	if x.w.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := x.r.Context()
	if !x.server.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("method", x.r.Method),
		slog.String("host", x.r.Host),
		slog.String("operation", x.op.id),
		slog.Int("status", x.w.status),
		slog.Duration("duration", took),
		slog.String("trace", x.trace),
	)
	if x.op.id == "" { // no operation: only then is the path worth its risk
		attrs = append(attrs, slog.String("path", x.r.URL.Path))
	}
	if x.surface.Kind != "" {
		attrs = append(attrs, slog.String("surface", string(x.surface.Kind)))
	}
	if x.surface.Tenant.ID != "" {
		attrs = append(attrs, slog.String("tenant", string(x.surface.Tenant.ID)))
	}
	if x.actor.ID != "" {
		attrs = append(attrs, slog.String("actor", x.actor.ID))
	} else if x.client != "" {
		attrs = append(attrs, slog.String("client", x.client))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	x.server.Log.LogAttrs(ctx, level, "request", attrs...)
}

// response remembers the status that was written.
type response struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController and http.MaxBytesReader reach the writer.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
