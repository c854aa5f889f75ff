package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// clock moves only when it is told to.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(1_800_000_000_000_000)
	return c
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700:4700::1111": true, "172.32.0.1": true, "100.63.255.255": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "::": false,
		"10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "fc00::1": false, "fd00:ec2::254": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false,
		"100.64.0.1": false, "100.100.100.200": false, "192.0.0.192": false, "168.63.129.16": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true,
		"64:ff9b::a00:1": false, "64:ff9b::7f00:1": false, "2002:a00:1::": false, "::127.0.0.1": false, "2001:db8::1": false, "fec0::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("public(%s) = %v", text, got)
		}
	}
}

func TestClient_CheckURL(t *testing.T) {
	clock := newClock()
	strict, lax := New(false, clock.now), New(true, clock.now)
	for url, want := range map[string]string{
		"https://issuer.example.com/keys":          "",
		"https://issuer.example.com:8443":          "",
		"http://issuer.example.com":                "https",
		"ftp://issuer.example.com":                 "https",
		"file:///etc/passwd":                       "absolute",
		"https:issuer.example.com":                 "absolute",
		"//issuer.example.com":                     "https",
		"issuer":                                   "absolute",
		"":                                         "absolute",
		"https://:443/":                            "absolute",
		"https://u:p@issuer.example.com":           "password",
		"https://issuer.example.com/#x":            "fragment",
		"https://issuer.example.com/#":             "fragment",
		"https://127.0.0.1/":                       "private",
		"https://[::1]/":                           "private",
		"https://169.254.169.254/latest":           "private",
		"https://a/" + strings.Repeat("a", maxURL): "longer",
	} {
		err := strict.CheckURL(url)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("CheckURL(%.60q) = %v, want %q", url, err, want)
		}
	}
	for _, url := range []string{"http://127.0.0.1:8080/keys", "https://10.0.0.1", "http://localhost"} {
		if err := lax.CheckURL(url); err != nil {
			t.Errorf("with private addresses allowed: CheckURL(%q) = %v", url, err)
		}
	}
}

// A name that leads to a private address is refused when it is dialled.
func TestClient_RefusesPrivateAddresses(t *testing.T) {
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	c := New(false, newClock().now)
	_, err := c.get(t.Context(), "https://localhost:"+port+"/keys")
	if err == nil || !strings.Contains(err.Error(), "outbound_allow_private") {
		t.Errorf("get = %v, want a refusal that names the setting", err)
	}
	if reached {
		t.Error("the server was reached")
	}
}

// site is a server whose answer the test decides.
type site struct {
	*httptest.Server
	mu      sync.Mutex
	answer  http.HandlerFunc
	fetches atomic.Int32
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	t.Helper()
	s := &site{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) set(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func says(text, cacheControl string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if cacheControl != "" {
			w.Header().Set("Cache-Control", cacheControl)
		}
		fmt.Fprint(w, text)
	}
}

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

func asText(_ string, body []byte) (string, error) {
	if string(body) == "nonsense" {
		return "", errors.New("not what it should be")
	}
	return string(body), nil
}

func TestClient_Limits(t *testing.T) {
	other := newSite(t, says("elsewhere", ""))
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string // part of the error; empty: none
	}{
		"largest":                  {says(strings.Repeat("x", MaxDocument), ""), ""},
		"too large":                {says(strings.Repeat("x", MaxDocument+1), ""), "larger"},
		"endless":                  {func(w http.ResponseWriter, _ *http.Request) { endless(w) }, "larger"},
		"redirect on the host":     {hop("/next"), ""},
		"redirect round and round": {hop("/keys"), "redirects"},
		"redirect to another":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }, "another host"},
		"not found":                {http.NotFound, "404"},
		"no content":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "204"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, tc.answer)
			_, err := New(true, newClock().now).get(t.Context(), s.URL+"/keys")
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("get = %v, want %q", err, tc.want)
			}
		})
	}
	if n := other.fetches.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

func hop(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == to && to != "/keys" {
			fmt.Fprint(w, "ok")
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}
}

func endless(w http.ResponseWriter) {
	block := strings.Repeat("x", 64<<10)
	for {
		if _, err := fmt.Fprint(w, block); err != nil {
			return
		}
	}
}

// A server that never answers costs its time limit and no more.
func TestClient_Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(true, newClock().now)
		c.http.Transport = stuck{}
		began := time.Now()
		_, err := c.get(t.Context(), "http://issuer.example.com/keys")
		if err == nil || time.Since(began) != Timeout {
			t.Errorf("get took %v and returned %v", time.Since(began), err)
		}
	})
}

type stuck struct{}

func (stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCache_Ages(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"":                         defaultAge,
		"public":                   defaultAge,
		"max-age=300":              5 * time.Minute,
		"public, Max-Age=\"7200\"": 2 * time.Hour,
		"max-age=0":                minAge,
		"no-store":                 minAge,
		"max-age=99999999":         maxMaxAge,
		"max-age=rubbish":          defaultAge,
	} {
		t.Run(control, func(t *testing.T) {
			clock := newClock()
			s := newSite(t, says("one", control))
			cache := NewCache(New(true, clock.now), asText)
			for _, step := range []struct {
				advance time.Duration
				fetches int32
			}{{0, 1}, {want - time.Second, 1}, {time.Second, 2}} {
				clock.advance(step.advance)
				if v, err := cache.Get(t.Context(), s.URL); v != "one" || err != nil {
					t.Fatalf("Get = %q, %v", v, err)
				}
				if n := s.fetches.Load(); n != step.fetches {
					t.Fatalf("after %v: %d fetches, want %d", step.advance, n, step.fetches)
				}
			}
		})
	}
}

func TestCache_Refresh(t *testing.T) {
	clock := newClock()
	s := newSite(t, says("one", ""))
	cache := NewCache(New(true, clock.now), asText)
	get := func(fn func(context.Context, string) (string, error), want string, fetches int32) {
		t.Helper()
		v, err := fn(t.Context(), s.URL)
		if n := s.fetches.Load(); v != want || err != nil || n != fetches {
			t.Fatalf("%q, %v after %d fetches, want %q after %d", v, err, n, want, fetches)
		}
	}
	get(cache.Get, "one", 1)
	s.set(says("two", ""))
	get(cache.Refresh, "one", 1) // too soon after the last fetch
	clock.advance(refreshGap)
	get(cache.Get, "one", 1)
	get(cache.Refresh, "two", 2)
	get(cache.Refresh, "two", 2)
	s.set(down)
	clock.advance(refreshGap)
	get(cache.Refresh, "two", 3) // what there is, is better than nothing
}

func TestCache_ServerDown(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{"down": down, "nonsense": says("nonsense", "")} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			s := newSite(t, says("one", ""))
			cache := NewCache(New(true, clock.now), asText)
			get := func(want string, fetches int32) {
				t.Helper()
				v, err := cache.Get(t.Context(), s.URL)
				if n := s.fetches.Load(); v != want || (err == nil) != (want != "") || n != fetches {
					t.Fatalf("%q, %v after %d fetches, want %q after %d", v, err, n, want, fetches)
				}
			}
			get("one", 1)
			s.set(broken)
			clock.advance(defaultAge)
			get("one", 2)
			get("one", 2) // that it is down is remembered
			clock.advance(failedFor)
			get("one", 3)
			clock.advance(staleFor - failedFor - time.Second)
			get("one", 4)
			clock.advance(failedFor)
			get("", 5) // old enough
			get("", 5)
			s.set(says("two", ""))
			clock.advance(failedFor)
			get("two", 6)
		})
	}
}

// Many callers make one fetch, and one that gives up doesn't take it from the
// others.
func TestCache_SingleFlight(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{}, 1)
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		fmt.Fprint(w, "one")
	})
	cache := NewCache(New(true, newClock().now), asText)
	impatient, giveUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := cache.Get(impatient, s.URL)
		first <- err
	}()
	<-arrived
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if v, err := cache.Get(t.Context(), s.URL); v != "one" || err != nil {
				t.Errorf("Get = %q, %v", v, err)
			}
		})
	}
	close(release)
	all.Wait()
	if n := s.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestCache_Bounded(t *testing.T) {
	cache := NewCache(New(false, newClock().now), asText)
	for i := range maxDocuments + 10 {
		cache.mu.Lock()
		cache.entry(fmt.Sprint(i))
		cache.mu.Unlock()
	}
	if n := len(cache.entries); n > maxDocuments {
		t.Errorf("%d entries", n)
	}
}
