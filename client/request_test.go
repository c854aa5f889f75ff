package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

// failing answers with each status in turn, the last one for ever. Status 0
// breaks the connection.
type failing struct {
	statuses []int
	header   http.Header
	calls    []time.Time
	keys     []string
}

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := f.statuses[min(len(f.calls), len(f.statuses)-1)]
	f.calls = append(f.calls, time.Now())
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	if status == 0 {
		panic("broken")
	}
	if status == http.StatusOK {
		ok(w, r)
		return
	}
	for name, values := range f.header {
		w.Header()[name] = values
	}
	writeError(w, status, fmt.Sprintf("HTTP-%d", status), http.StatusText(status), "")
}

func TestClient_repeatsSafeCalls(t *testing.T) {
	key := http.Header{"Idempotency-Key": {"k"}}
	for _, tt := range []struct {
		name     string
		method   string
		header   http.Header
		statuses []int
		calls    int
		ok       bool
	}{
		{"GET until it works", http.MethodGet, nil, []int{429, 502, 503, 200}, 4, true},
		{"GET at most four times", http.MethodGet, nil, []int{504}, 4, false},
		{"GET over broken connections", http.MethodGet, nil, []int{0, 0, 200}, 3, true},
		{"GET not on 500", http.MethodGet, nil, []int{500}, 1, false},
		{"GET not on 404", http.MethodGet, nil, []int{404}, 1, false},
		{"HEAD", http.MethodHead, nil, []int{503, 200}, 2, true},
		{"POST with a key", http.MethodPost, key, []int{0, 503, 200}, 3, true},
		{"POST without a key", http.MethodPost, nil, []int{503}, 1, false},
		{"POST without a key, broken", http.MethodPost, nil, []int{0}, 1, false},
		{"PATCH with a key", http.MethodPatch, key, []int{503}, 1, false},
		{"DELETE", http.MethodDelete, nil, []int{503}, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &failing{statuses: tt.statuses}
				c := newInMemory(t, "a.example", server)
				_, err := c.Raw(t.Context(), client.Request{Method: tt.method, Path: "/", Header: tt.header})
				if (err == nil) != tt.ok || len(server.calls) != tt.calls {
					t.Errorf("%d calls, %v; want %d, ok %v", len(server.calls), err, tt.calls, tt.ok)
				}
			})
		})
	}
}

func TestClient_backsOffExponentially(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &failing{statuses: []int{503}}
		c := newInMemory(t, "a.example", server, client.WithMaxAttempts(9))
		if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err == nil {
			t.Fatal("no error")
		}
		for i, most := range []time.Duration{200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
			most *= time.Millisecond
			if wait := server.calls[i+1].Sub(server.calls[i]); wait < most/2 || wait > most {
				t.Errorf("wait %d was %v, want %v to %v", i+1, wait, most/2, most)
			}
		}
	})
}

func TestClient_honoursRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name       string
		header     func() http.Header
		wait       time.Duration
		calls      int
		retryAfter time.Duration
	}{
		{"seconds", func() http.Header { return http.Header{"Retry-After": {"13"}} }, 13 * time.Second, 2, 0},
		{"a date by our clock", func() http.Header {
			return http.Header{"Retry-After": {time.Now().Add(7 * time.Second).UTC().Format(http.TimeFormat)}}
		}, 7 * time.Second, 2, 0},
		{"a date by the server's clock", func() http.Header {
			theirs := time.Now().Add(-time.Hour)
			return http.Header{
				"Date":        {theirs.UTC().Format(http.TimeFormat)},
				"Retry-After": {theirs.Add(9 * time.Second).UTC().Format(http.TimeFormat)},
			}
		}, 9 * time.Second, 2, 0},
		{"too long to wait for", func() http.Header { return http.Header{"Retry-After": {"61"}} }, 0, 1, 61 * time.Second},
		{"beyond all measure", func() http.Header { return http.Header{"Retry-After": {"99999999999999"}} }, 0, 1, 1 << 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &failing{statuses: []int{429, 200}, header: tt.header()}
				c := newInMemory(t, "a.example", server)
				start := time.Now()
				err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil)
				if len(server.calls) != tt.calls {
					t.Fatalf("%d calls, want %d (%v)", len(server.calls), tt.calls, err)
				}
				if waited := time.Since(start).Truncate(time.Second); waited != tt.wait {
					t.Errorf("waited %v, want %v", waited, tt.wait)
				}
				var limited *client.Error
				if errors.As(err, &limited) && limited.RetryAfter != tt.retryAfter {
					t.Errorf("RetryAfter %v, want %v", limited.RetryAfter, tt.retryAfter)
				}
			})
		})
	}
}

func TestClient_contextEndsRepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &failing{statuses: []int{503}, header: http.Header{"Retry-After": {"30"}}}
		c := newInMemory(t, "a.example", server)

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := c.Do(ctx, http.MethodGet, "/", nil, nil, nil)
		if client.Code(err) != "HTTP-503" || time.Since(start) != 0 {
			t.Errorf("with a deadline before the next attempt: %v after %v", err, time.Since(start))
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		start = time.Now()
		err = c.Do(ctx, http.MethodGet, "/", nil, nil, nil)
		if client.Code(err) != "HTTP-503" || !errors.Is(err, context.Canceled) || time.Since(start) != 5*time.Second {
			t.Errorf("when cancelled: %v after %v", err, time.Since(start))
		}
	})
}

func TestClient_timeoutIsPerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := newInMemory(t, "a.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) < 3 {
				<-r.Context().Done()
			}
			ok(w, r)
		}), client.WithTimeout(2*time.Second))
		if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err != nil || calls.Load() != 3 {
			t.Errorf("%v after %d calls", err, calls.Load())
		}
	})
}

func TestClient_doesNotRepeatHopelessCalls(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(ok))
	defer plain.Close()
	c := newClient(t, "https"+strings.TrimPrefix(plain.URL, "http"), client.WithMaxAttempts(100))
	start := time.Now()
	if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err == nil {
		t.Error("HTTPS to an HTTP server worked")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to find out", took)
	}
}

func TestClient_GetMyTenant_followsRedirectWithToken(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/tenants/me", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/v1/tenants/t1", http.StatusFound)
	})
	mux.HandleFunc("GET /api/v1/tenants/t1", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			writeError(w, http.StatusUnauthorized, api.CodeUnauthenticated, "Unauthorized", "")
			return
		}
		writeJSON(w, http.StatusOK, api.Tenant{ID: "t1"})
	})
	server := httptest.NewServer(&issuer{api: mux})
	defer server.Close()
	c := newClient(t, server.URL, client.WithCredentials(credentials))
	tenant, err := c.GetMyTenant(t.Context())
	if err != nil || tenant.ID != "t1" {
		t.Errorf("%+v, %v", tenant, err)
	}
}

func TestClient_refusesForeignOrigins(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s arrived with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	mux := http.NewServeMux()
	mux.Handle("/away", http.RedirectHandler(thief.URL, http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.Handle("/home", http.RedirectHandler("/", http.StatusTemporaryRedirect))
	tokens := &issuer{api: mux}
	server := httptest.NewServer(tokens)
	defer server.Close()
	// A host below the origin's is another origin, too; net/http alone would
	// send the token along.
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	mux.Handle("/below", http.RedirectHandler("http://evil.a.localhost:"+port+"/", http.StatusFound))
	c := newClient(t, "http://a.localhost:"+port, client.WithCredentials(credentials))

	foreign := []string{"/away", "/below", thief.URL + "/x", "//" + strings.TrimPrefix(thief.URL, "http://") + "/x", "https://a.localhost:" + port + "/"}
	for _, path := range foreign {
		if err := c.Do(t.Context(), http.MethodGet, path, nil, nil, nil); !errors.Is(err, client.ErrForeignOrigin) {
			t.Errorf("GET %s: %v", path, err)
		}
	}
	for _, call := range [][2]string{{"POST", "/home"}, {"PUT", "/home"}, {"GET", "/loop"}} {
		if err := c.Do(t.Context(), call[0], call[1], nil, "x", nil); err == nil || !strings.Contains(err.Error(), "refused redirect") {
			t.Errorf("%s: %v", call, err)
		}
	}

	tokens.token = http.RedirectHandler(thief.URL+"/oauth/token", http.StatusTemporaryRedirect).ServeHTTP
	other := newClient(t, server.URL, client.WithCredentials(credentials))
	if _, err := other.Token(t.Context()); !errors.Is(err, client.ErrForeignOrigin) {
		t.Errorf("token endpoint: %v", err)
	}
}

// endless is a transport whose answers never end.
type endless struct{}

func (endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: endless{}, Request: r}, nil
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func TestClient_limitsAnswers(t *testing.T) {
	c := newClient(t, "https://a.example", client.WithHTTPClient(&http.Client{Transport: endless{}}))
	_, err := c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/x"})
	if err == nil || err.Error() != "read answer to GET /x: answer is longer than 32 MiB" {
		t.Errorf("%v", err)
	}
}

func TestClient_Raw(t *testing.T) {
	var seen *http.Request
	var sent string
	c := newInMemory(t, "a.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, sent = r, body(t, r)
		writeError(w, http.StatusConflict, "X-1", "Conflict", "")
	}))
	resp, err := c.Raw(t.Context(), client.Request{
		Method: http.MethodPut, Path: "https://A.example:443/api/x?a=1+2", Query: url.Values{"b": {"&"}},
		Header: http.Header{"qlik-confirm-hostname": {"h"}}, Body: []byte(`{}`),
	})
	if client.Code(err) != "X-1" || resp == nil || resp.StatusCode != http.StatusConflict || !strings.Contains(string(resp.Body), "X-1") {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := seen.URL.RequestURI(); got != "/api/x?a=1+2&b=%26" {
		t.Errorf("URI %s", got)
	}
	if sent != "{}" || seen.Header.Get("Content-Type") != "application/json" || seen.Header.Get("Qlik-Confirm-Hostname") != "h" {
		t.Errorf("body %q, header %v", sent, seen.Header)
	}
	for _, path := range []string{"", "api/v1", "?x", "\x00"} {
		if _, err := c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: path}); err == nil {
			t.Errorf("path %q was taken", path)
		}
	}
}

func TestClient_Do_wantsJSON(t *testing.T) {
	c := newInMemory(t, "a.example", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>\nWelcome\x1b[31m to the proxy</html>"))
	}))
	var out api.Tenant
	err := c.Do(t.Context(), http.MethodGet, "/x", nil, nil, &out)
	if err == nil || !strings.Contains(err.Error(), "Welcome [31m to the proxy") {
		t.Errorf("%v", err)
	}
	if err := c.Do(t.Context(), http.MethodPost, "/x", nil, func() {}, nil); err == nil {
		t.Error("a function was sent as JSON")
	}
}
