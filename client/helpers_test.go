package client_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

var credentials = client.Credentials{ClientID: "c1", ClientSecret: "s3cret+&="}

// inMemory is a transport that calls a handler without a network, so that
// tests can run in a synctest bubble.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	var failure error
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				failure = fmt.Errorf("connection reset: %v", p)
			}
		}()
		in := r.Clone(r.Context())
		in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
		if in.Body == nil {
			in.Body = http.NoBody
		}
		m.ServeHTTP(recorder, in)
	}()
	select {
	case <-done:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if failure != nil {
		return nil, failure
	}
	resp := recorder.Result()
	resp.Request = r
	return resp, nil
}

// issuer answers /oauth/token with a token that counts up for each host, and
// gives every other request to api.
type issuer struct {
	api      http.Handler
	token    http.HandlerFunc // in place of the usual answer
	lifetime int64            // seconds; 0: 21600
	issued   atomic.Int64

	mu     sync.Mutex
	byHost map[string]int
	form   url.Values // of the last token request
}

func (s *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/oauth/token" {
		s.api.ServeHTTP(w, r)
		return
	}
	s.issued.Add(1)
	if s.token != nil {
		s.token(w, r)
		return
	}
	s.mu.Lock()
	if s.byHost == nil {
		s.byHost = make(map[string]int)
	}
	s.byHost[r.Host]++
	token := fmt.Sprintf("%s-%d", r.Host, s.byHost[r.Host])
	_ = r.ParseForm()
	s.form = r.PostForm
	s.mu.Unlock()
	lifetime := s.lifetime
	if lifetime == 0 {
		lifetime = 21600
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": lifetime})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, status int, code, title, detail string) {
	writeJSON(w, status, api.ErrorBody{
		Errors:  []api.Error{{Code: code, Title: title, Detail: detail, Status: fmt.Sprint(status)}},
		TraceID: "9a3a5a25531c1e2d0000000000000000",
	})
}

func ok(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"authorization": r.Header.Get("Authorization"), "path": r.URL.Path})
}

// newInMemory makes a client of host whose calls go to handler.
func newInMemory(t *testing.T, host string, handler http.Handler, opts ...client.Option) *client.Client {
	t.Helper()
	return newClient(t, "https://"+host, append(opts, client.WithHTTPClient(&http.Client{Transport: inMemory{handler}}))...)
}

func newClient(t *testing.T, base string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(base, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func body(t *testing.T, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
