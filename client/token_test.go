package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestToken_requestIsAForm(t *testing.T) {
	server := &issuer{}
	scoped := credentials
	scoped.Scopes = []string{"admin_classic", "tenants:create"}
	c := newInMemory(t, "a.example", server, client.WithCredentials(scoped))
	if _, err := c.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"grant_type": "client_credentials", "client_id": "c1", "client_secret": "s3cret+&=",
		"scope": "admin_classic tenants:create",
	}
	for name, value := range want {
		if got := server.form.Get(name); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

func TestToken_onePerHost(t *testing.T) {
	server := &issuer{api: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "+r.Host+"-") {
			t.Errorf("%s got %q", r.Host, r.Header.Get("Authorization"))
		}
		ok(w, r)
	})}
	first := newInMemory(t, "register.us.example.com", server, client.WithCredentials(credentials))
	for range 3 {
		for _, host := range []string{"register.us.example.com", "a.us.example.com", "b.us.example.com"} {
			c, err := first.Host("https://" + host)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Do(t.Context(), http.MethodGet, "/api/v1/users/me", nil, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := server.issued.Load(); n != 3 {
		t.Errorf("%d tokens were issued, want one for each of three hosts", n)
	}
}

func TestToken_singleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{api: http.HandlerFunc(ok)}
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			server.ServeHTTP(w, r)
		})
		c := newInMemory(t, "a.example", slow, client.WithCredentials(credentials))
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := server.issued.Load(); n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
}

func TestToken_waitersOutliveTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{}
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(2 * time.Second)
			server.ServeHTTP(w, r)
		})
		c := newInMemory(t, "a.example", slow, client.WithCredentials(credentials))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := c.Token(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first waiter got %v", err)
			}
		})
		time.Sleep(time.Millisecond)
		group.Go(func() {
			if token, err := c.Token(t.Context()); err != nil || token != "a.example-1" {
				t.Errorf("the second waiter got %q, %v", token, err)
			}
		})
		group.Wait()

		// When everyone has left, the request ends and the next one is new.
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		other, err := c.Host("https://b.example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Token(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if token, err := other.Token(t.Context()); err != nil || token == "" {
			t.Errorf("after an abandoned request: %q, %v", token, err)
		}
	})
}

func TestToken_isReplacedBeforeItExpires(t *testing.T) {
	for _, tt := range []struct {
		name              string
		lifetime          int64
		lastUse, replaced time.Duration
	}{
		{"a minute before the end of six hours", 21600, 21539 * time.Second, 21540 * time.Second},
		{"a tenth before the end of 100 seconds", 100, 89 * time.Second, 90 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &issuer{lifetime: tt.lifetime}
				c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
				start := time.Now()
				for _, step := range []struct {
					at   time.Duration
					want string
				}{{0, "a.example-1"}, {tt.lastUse, "a.example-1"}, {tt.replaced, "a.example-2"}} {
					time.Sleep(time.Until(start.Add(step.at)))
					if got, err := c.Token(t.Context()); err != nil || got != step.want {
						t.Errorf("after %v: %q, %v; want %q", step.at, got, err, step.want)
					}
				}
			})
		})
	}
}

func TestToken_oldOneServesWhileItCannotBeReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{lifetime: 100}
		c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
		if _, err := c.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.token = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		time.Sleep(95 * time.Second)
		start := time.Now()
		if got, err := c.Token(t.Context()); err != nil || got != "a.example-1" {
			t.Errorf("five seconds before expiry: %q, %v", got, err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the caller waited %v for a replacement it did not need", waited)
		}
		time.Sleep(6 * time.Second)
		if got, err := c.Token(t.Context()); err == nil {
			t.Errorf("after expiry: %q", got)
		}
	})
}

func TestToken_lifetimeByTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{}
		server.token = func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]any{
				"access_token": "t", "token_type": "Bearer", "expires_at": api.Time{Time: time.Now().Add(time.Hour)},
			})
		}
		c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
		for _, step := range []struct {
			wait time.Duration
			want int64
		}{{0, 1}, {58 * time.Minute, 1}, {90 * time.Second, 2}} {
			time.Sleep(step.wait)
			if _, err := c.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := server.issued.Load(); n != step.want {
				t.Errorf("after %v more: %d token requests, want %d", step.wait, n, step.want)
			}
		}
	})
}

func TestToken_strangeAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"no token":        `{"token_type":"bearer"}`,
		"not a bearer":    `{"access_token":"t","token_type":"mac"}`,
		"not JSON":        `<html>sign in</html>`,
		"JSON of a list":  `[]`,
		"empty":           ``,
		"null":            `null`,
		"null as a token": `{"access_token":null,"token_type":"bearer"}`,
	} {
		server := &issuer{token: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }}
		c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
		if got, err := c.Token(t.Context()); err == nil {
			t.Errorf("%s: got token %q", name, got)
		}
	}
	for name, answer := range map[string]string{
		"no lifetime":         `{"access_token":"t","token_type":"bearer"}`,
		"lifetime by halves":  `{"access_token":"t","token_type":"bearer","expires_in":3600.5}`,
		"unreadable lifetime": `{"access_token":"t","token_type":"bearer","expires_at":12}`,
	} {
		server := &issuer{token: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }}
		c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
		for range 2 {
			if got, err := c.Token(t.Context()); err != nil || got != "t" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if n := server.issued.Load(); n != 1 {
			t.Errorf("%s: %d token requests, want 1", name, n)
		}
	}
}

func TestToken_withoutCredentials(t *testing.T) {
	c := newInMemory(t, "a.example", http.HandlerFunc(ok))
	if _, err := c.Token(t.Context()); err == nil {
		t.Error("no error")
	}
	var out map[string]string
	if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, &out); err != nil || out["authorization"] != "" {
		t.Errorf("an anonymous call: %v, %v", out, err)
	}
}

func TestClient_replacesRefusedToken(t *testing.T) {
	server := &issuer{}
	calls := 0
	server.api = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("Authorization") != "Bearer a.example-2" {
			writeError(w, http.StatusUnauthorized, api.CodeUnauthenticated, "Unauthorized", "")
			return
		}
		if got := body(t, r); got != `{"x":1}` {
			t.Errorf("the repeated call has body %q", got)
		}
		ok(w, r)
	})
	c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
	// POST without a key: a refused token means that nothing was done yet.
	if err := c.Do(t.Context(), http.MethodPost, "/", nil, map[string]int{"x": 1}, nil); err != nil {
		t.Fatal(err)
	}
	if calls != 2 || server.issued.Load() != 2 {
		t.Errorf("%d calls with %d tokens, want 2 with 2", calls, server.issued.Load())
	}
}

func TestClient_replacesRefusedTokenOnlyOnce(t *testing.T) {
	server := &issuer{}
	calls := 0
	server.api = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		writeError(w, http.StatusUnauthorized, api.CodeUnauthenticated, "Unauthorized", "")
	})
	c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
	err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil)
	if client.Code(err) != api.CodeUnauthenticated || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestClient_ownAuthorizationReplacesToken(t *testing.T) {
	server := &issuer{api: http.HandlerFunc(ok)}
	c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
	resp, err := c.Raw(t.Context(), client.Request{
		Method: http.MethodGet, Path: "/", Header: http.Header{"Authorization": {"Bearer mine"}},
	})
	if err != nil || !strings.Contains(string(resp.Body), "Bearer mine") || server.issued.Load() != 0 {
		t.Errorf("%v, %v, %d tokens", resp, err, server.issued.Load())
	}
}

func TestClient_tokenErrors(t *testing.T) {
	server := &issuer{api: http.HandlerFunc(ok)}
	server.token = func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusUnauthorized, api.OAuthErrorBody{
			OAuthError: "invalid_client", ErrorDescription: "Client authentication failed.",
			Errors: []api.Error{{Code: api.CodeOAuthInvalidClient, Title: "Invalid client", Detail: "Client authentication failed.", Status: "401"}},
		})
	}
	c := newInMemory(t, "a.example", server, client.WithCredentials(credentials))
	err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Fatalf("got %v", err)
	}
	want := "get token from a.example: Invalid client: Client authentication failed. (401, OAUTH-14)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if n := server.issued.Load(); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}
