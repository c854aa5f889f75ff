package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

const domain = "freehold.localhost"

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// newServer is a Server on a database of its own, with region us and tenant
// acme.us, without the program around it.
func newServer(t testing.TB, log *slog.Logger) *Server {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "freehold.db")
	sqlitetest.New(t, file, prepare)
	db, err := store.Open(t.Context(), store.Options{Path: file})
	must(err)
	t.Cleanup(func() { must(db.Close()) })
	keys, err := keyring.Open(t.Context(), db, keyring.Options{Master: keyring.MasterSource{File: filepath.Join(dir, "master.key")}, Algorithm: "ES256", Now: time.Now})
	must(err)
	audit := event.Auditor{Store: db, Log: log, Now: time.Now}
	s := New(Config{
		Credential: credential.New(db, keys, audit, nil, time.Now, log), Tenancy: tenancy.New(db, keys, audit, time.Now, domain), Directory: directory.New(db, audit, time.Now),
		Ready: func(ctx context.Context) map[string]error { return map[string]error{"database": db.Ping(ctx)} },
		Log:   log, Now: time.Now, Domain: domain, Scheme: "http", Port: 80,
	})
	operator := estate.Operator("test")
	_, err = s.Tenancy.CreateRegion(t.Context(), operator, estate.Region{Code: "us"})
	must(err)
	o, err := s.Tenancy.CreateOrganization(t.Context(), operator, "Acme")
	must(err)
	sub, err := s.Tenancy.CreateSubscription(t.Context(), operator, estate.Subscription{Organization: o.ID, TenantLimit: 5, Regions: []estate.RegionCode{"us"}}, nil)
	must(err)
	_, err = s.Tenancy.CreateTenantFor(t.Context(), operator, sub.ID, "us", tenancy.NewTenant{Hostnames: []string{"acme"}})
	must(err)
	return s
}

// TestUnexpectedErrors serves operations that break in every way. The caller is
// told nothing but the trace id; the log has the rest, once.
func TestUnexpectedErrors(t *testing.T) {
	const secret = "select password from accounts"
	var log strings.Builder
	s := newServer(t, slog.New(slog.NewTextHandler(&log, nil)))
	for name, test := range map[string]struct {
		handle       handler
		internalCode string
		status       int
		code         string
	}{
		"panic":                     {func(*exchange) error { panic(secret) }, "", 500, api.CodeInternal},
		"panic with an error":       {func(*exchange) error { panic(errors.New(secret)) }, "", 500, api.CodeInternal},
		"nil pointer":               {func(*exchange) error { var s *Server; return errors.New(s.Domain) }, "", 500, api.CodeInternal},
		"unknown error":             {func(*exchange) error { return errors.New(secret) }, "", 500, api.CodeInternal},
		"wrapped":                   {func(*exchange) error { return fmt.Errorf("list: %w", errors.New(secret)) }, "", 500, api.CodeInternal},
		"with a code of its own":    {func(*exchange) error { return errors.New(secret) }, api.CodeTenantInternal, 500, api.CodeTenantInternal},
		"with a cause":              {func(*exchange) error { return errInvalid.Because(errors.New(secret)) }, "", 400, api.CodeInvalidRequest},
		"wrapped, with a cause":     {func(*exchange) error { return fmt.Errorf("%s: %w", secret, errInvalid) }, "", 400, api.CodeInvalidRequest},
		"answer that can't be JSON": {func(x *exchange) error { x.writeJSON(http.StatusOK, func() {}); return nil }, "", 500, ""},
		"kind that nobody knows":    {func(*exchange) error { return estate.E(estate.Kind(99), "X-1", "x", "") }, "", 500, api.CodeInternal},
		"error after the answer":    {func(x *exchange) error { x.writeJSON(http.StatusOK, status{"ok", nil}); return errors.New(secret) }, "", 200, ""},
		"panic after the answer":    {func(x *exchange) error { x.writeJSON(http.StatusOK, status{"ok", nil}); panic(secret) }, "", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			op := operation{id: "break", method: "GET", path: "/break", public: true, handle: test.handle, internalCode: test.internalCode}
			mux := http.NewServeMux()
			mux.Handle("GET /break", s.serve(op, nil))
			s.surfaces[estate.SurfaceConsole] = mux
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://console."+domain+"/break", http.NoBody))
			var body api.ErrorBody
			_ = json.Unmarshal(w.Body.Bytes(), &body)
			code := ""
			if len(body.Errors) > 0 {
				code = body.Errors[0].Code
			}
			if w.Code != test.status || code != test.code {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, test.status, test.code)
			}
			if strings.Contains(w.Body.String(), "password") || strings.Contains(w.Body.String(), "goroutine") || strings.Contains(fmt.Sprint(w.Header()), "password") {
				t.Errorf("the answer tells too much: %s", w.Body)
			}
			if lines := strings.Count(log.String(), "msg=request"); lines != 1 || !strings.Contains(log.String(), w.Header().Get("X-B3-Traceid")) {
				t.Errorf("%d events in the log: %s", lines, log.String())
			}
			if test.code == api.CodeInternal && !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("not an error in the log: %s", log.String())
			}
		})
	}
}

var errInvalid = estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid request", "")

// TestAbortHandler lets net/http see its own sentinel.
func TestAbortHandler(t *testing.T) {
	s := newServer(t, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /break", s.serve(operation{id: "break", public: true, handle: func(*exchange) error { panic(http.ErrAbortHandler) }}, nil))
	s.surfaces[estate.SurfaceConsole] = mux
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // a panic value
			t.Errorf("panic %v", p)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://console."+domain+"/break", http.NoBody))
}

// TestAbandonedRequests cancels requests before they are answered: that is not
// an error of the server's.
func TestAbandonedRequests(t *testing.T) {
	var log strings.Builder
	s := newServer(t, slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, target := range []string{"http://nobody.us." + domain + "/openapi.json", "http://register.xx." + domain + "/openapi.json"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// TestRetryAfter checks that waiting times are rounded up to whole seconds, and
// that there is one where the server can't do now what it was asked for.
func TestRetryAfter(t *testing.T) {
	s := newServer(t, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		kind estate.Kind
		wait time.Duration
		want string
	}{
		{estate.RateLimited, time.Second, "1"},
		{estate.RateLimited, 1500 * time.Millisecond, "2"},
		{estate.RateLimited, time.Millisecond, "1"},
		{estate.RateLimited, 0, ""},
		{estate.Unavailable, 0, "2"},
		{estate.Unavailable, 9 * time.Second, "9"},
		{estate.Conflict, 0, ""},
	} {
		failure := estate.E(c.kind, api.CodeRateLimited, "Not now.", "")
		failure.RetryAfter = c.wait
		mux := http.NewServeMux()
		mux.Handle("GET /break", s.serve(operation{id: "break", public: true, handle: func(*exchange) error { return failure }}, nil))
		s.surfaces[estate.SurfaceConsole] = mux
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://console."+domain+"/break", http.NoBody))
		if have := w.Header().Get("Retry-After"); w.Code != statusOf[c.kind] || have != c.want {
			t.Errorf("%v after %v: %d, Retry-After %q, want %q", c.kind, c.wait, w.Code, have, c.want)
		}
	}
}

// TestReadiness_NotReady reports what is missing, and not why.
func TestReadiness_NotReady(t *testing.T) {
	s := newServer(t, slog.New(slog.DiscardHandler))
	s.Ready = func(context.Context) map[string]error {
		return map[string]error{"database": errors.New("disk full at /srv/data"), "serving": nil}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", http.NoBody))
	if want := `{"status":"unavailable","checks":{"database":"unavailable","serving":"ok"}}`; w.Code != http.StatusServiceUnavailable || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestReadiness_Degraded goes on taking requests without what can be missed for a
// while, but not without more than that.
func TestReadiness_Degraded(t *testing.T) {
	s := newServer(t, slog.New(slog.DiscardHandler))
	for want, serving := range map[string]error{
		`200 {"status":"degraded","checks":{"database":"unavailable","serving":"ok"}}`:             nil,
		`503 {"status":"unavailable","checks":{"database":"unavailable","serving":"unavailable"}}`: errors.New("shutting down"),
	} {
		s.Ready = func(context.Context) map[string]error {
			return map[string]error{"database": Degrade(errors.New("no connection")), "serving": serving}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", http.NoBody))
		if have := fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String())); have != want {
			t.Errorf("%s, want %s", have, want)
		}
	}
}

// TestStatusOf has a status for every kind of error there is.
func TestStatusOf(t *testing.T) {
	for kind := estate.Internal; kind <= estate.Unavailable; kind++ {
		if statusOf[kind] < 400 {
			t.Errorf("kind %d has the status %d", kind, statusOf[kind])
		}
	}
	if len(statusOf) != int(estate.Unavailable)+1 {
		t.Errorf("%d kinds have a status", len(statusOf))
	}
}
