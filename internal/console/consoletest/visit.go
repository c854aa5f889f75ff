package consoletest

import (
	"net/http"
	"net/http/cookiejar"
	"testing"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// Visit is the pages of a host of a server that serves, to a browser that nobody
// has signed in with yet.
func Visit(t testing.TB, e *testenv.Env, origin string) *Site {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *e.Client
	client.Jar = jar
	return &Site{URL: origin, t: t, Client: &client}
}

// From sends a form as a page of another origin has a browser send it.
func (s *Site) From(origin, path string, form map[string][]string) Answer {
	s.t.Helper()
	return s.send(http.MethodPost, path, form, map[string]string{"Origin": origin, "Sec-Fetch-Site": "cross-site"})
}
