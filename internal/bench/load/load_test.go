package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on a free port and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestRun_StopsAtCount(t *testing.T) {
	var served atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Host != "us.example.test:1" || r.URL.RequestURI() != "/a?b=c" || string(body) != "x=1" ||
			r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			http.Error(w, fmt.Sprintf("%s %s %s %q", r.Host, r.URL, r.Header, body), http.StatusBadRequest)
			return
		}
		served.Add(1)
		fmt.Fprint(w, "fine")
	})
	var checked atomic.Int64
	result, err := Run(t.Context(), Config{
		Addr:        addr,
		Request:     NewRequest("POST", "us.example.test:1", "/a?b=c", "x=1", "Content-Type: application/x-www-form-urlencoded"),
		Connections: 4,
		Duration:    time.Minute,
		Count:       2500,
		Check: func(body []byte) error {
			checked.Add(1)
			if string(body) != "fine" {
				return fmt.Errorf("body %q", body)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != 2500 || served.Load() != 2500 || result.Latency.Count() != 2500 {
		t.Errorf("counted %d, recorded %d, served %d", result.Requests, result.Latency.Count(), served.Load())
	}
	if n := checked.Load(); n < 4 || n > 8 {
		t.Errorf("%d bodies were checked", n)
	}
	if result.PerSecond() <= 0 || result.Latency.Max() > result.Elapsed {
		t.Errorf("%f/s, longest %s of %s", result.PerSecond(), result.Latency.Max(), result.Elapsed)
	}
}

func TestRun_StopsAtDuration(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush() // chunked
		fmt.Fprint(w, "fine")
	})
	const duration = 20 * time.Millisecond
	result, err := Run(t.Context(), Config{Addr: addr, Request: NewRequest("GET", "h", "/", ""), Connections: 2, Duration: duration})
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests < 2 || result.Elapsed < duration {
		t.Errorf("%d requests in %s", result.Requests, result.Elapsed)
	}
}

func TestRun_EndsWithFirstError(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		check   func([]byte) error
		want    string
	}{
		"status": {
			handler: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such client", http.StatusUnauthorized) },
			want:    "status 401: no such client",
		},
		"redirect": {
			handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/b", http.StatusFound) },
			want:    "status 302",
		},
		"body": {
			handler: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"error":"x"}`) },
			check:   func([]byte) error { return errors.New("no token") },
			want:    `no token: {"error":"x"}`,
		},
		"connection": {
			handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			want:    "EOF",
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, c.handler)
			_, err := Run(t.Context(), Config{
				Addr: addr, Request: NewRequest("GET", "h", "/", ""), Connections: 3, Duration: time.Minute, Check: c.check,
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestRun_Canceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	addr := serve(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release // never answers on its own
	})
	defer close(release)
	_, err := Run(ctx, Config{Addr: addr, Request: NewRequest("GET", "h", "/", ""), Connections: 2, Duration: time.Minute})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestRun_RefusesConfig(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{
		"other machine": {Addr: "192.0.2.1:80", Connections: 1, Duration: 1},
		"host name":     {Addr: "localhost:80", Connections: 1, Duration: 1},
		"no port":       {Addr: "127.0.0.1", Connections: 1, Duration: 1},
		"no connection": {Addr: "127.0.0.1:1", Duration: 1},
		"no duration":   {Addr: "127.0.0.1:1", Connections: 1},
		"nobody there":  {Addr: closed, Connections: 1, Duration: 1},
	} {
		if _, err := Run(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewRequest_Get(t *testing.T) {
	got := string(NewRequest("GET", "h:1", "/p", "", "Authorization: Bearer t"))
	if want := "GET /p HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\n\r\n"; got != want {
		t.Errorf("request %q", got)
	}
}

// Requests that are good for one answer only are made anew, and an answer of the
// wrong status ends the run.
func TestRun_Next(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if seen[r.URL.Path] {
			t.Errorf("%s came again", r.URL.Path)
		}
		seen[r.URL.Path] = true
		w.WriteHeader(http.StatusFound)
	})
	var n atomic.Int64
	c := Config{
		Addr: addr, Connections: 3, Duration: time.Minute, Count: 30, Status: http.StatusFound,
		Next: func() []byte { return NewRequest(http.MethodGet, "h", fmt.Sprintf("/%d", n.Add(1)), "") },
	}
	if r, err := Run(t.Context(), c); err != nil || r.Requests != 30 || len(seen) != 30 {
		t.Errorf("%+v, %v; %d requests", r, err, len(seen))
	}
	c.Status = 0
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "status 302") {
		t.Errorf("302 is good: %v", err)
	}
}
