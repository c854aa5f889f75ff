package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

var consoleHost = estate.Surface{Kind: estate.SurfaceConsole}

// TestPages_Hosts shows who answers what: operations before pages, and pages to
// browsers only.
func TestPages_Hosts(t *testing.T) {
	e := testenv.New(t)
	get := func(origin, path, accept string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		res, err := e.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	for name, test := range map[string]struct {
		origin, path, accept string
		status               int
		kind                 string
	}{
		"an operation":                 {e.Console(), "/livez", "text/html", 200, "application/json"},
		"no operation":                 {e.Console(), "/api/nothing", "text/html", 404, "application/json"},
		"no page, for a program":       {e.Console(), "/nothing", "*/*", 404, "application/json"},
		"no page, for a browser":       {e.Console(), "/nothing", "text/html", 404, "text/html; charset=utf-8"},
		"nobody signed in":             {e.Console(), "/", "text/html", 303, "text/html; charset=utf-8"},
		"a host that is nobody's":      {e.Origin("gone.us"), "/", "text/html", 401, "text/html; charset=utf-8"},
		"nobody's, for a program":      {e.Origin("gone.us"), "/", "*/*", 401, "application/json"},
		"a register host has no pages": {e.Register("us"), "/", "text/html", 404, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			res := get(test.origin, test.path, test.accept)
			if res.StatusCode != test.status || res.Header.Get("Content-Type") != test.kind {
				t.Errorf("%d %s, want %d %s", res.StatusCode, res.Header.Get("Content-Type"), test.status, test.kind)
			}
			if strings.HasPrefix(test.kind, "text/html") && res.Header.Get("Content-Security-Policy") == "" {
				t.Error("no content security policy")
			}
		})
	}
}

// TestPages_Assets keeps the promise of their names.
func TestPages_Assets(t *testing.T) {
	e := testenv.Open(t)
	site := consoletest.Serve(t, e, consoleHost, estate.Actor{})
	_, rest, _ := strings.Cut(site.Get("/nothing").Body, `rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	if !strings.HasPrefix(path, "/-/assets/app.") {
		t.Fatalf("no style sheet: %q", path)
	}
	answer := site.Get(path)
	if answer.Status != 200 || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") || !strings.Contains(answer.Body, "--color-primary") {
		t.Errorf("%d %v", answer.Status, answer.Header)
	}
	if again := site.Get("/-/assets/app.000000000000.css"); again.Status != 404 {
		t.Errorf("a name with another hash: %d", again.Status)
	}
}

// TestPages_Theme is the toggle without scripts.
func TestPages_Theme(t *testing.T) {
	e := testenv.Open(t)
	site := consoletest.Serve(t, e, consoleHost, estate.Actor{})
	answer := site.Post("/-/theme", url.Values{"theme": {"dark"}, "to": {"//elsewhere.example"}})
	if answer.Status != 303 || answer.Location != "/" {
		t.Errorf("%d to %q", answer.Status, answer.Location)
	}
	if body := site.Get("/nothing").Body; !strings.Contains(body, `data-theme="dark"`) {
		t.Error("not dark")
	}
}

func TestBrowser_Problem(t *testing.T) {
	e := testenv.Open(t)
	site := consoletest.Serve(t, e, consoleHost, estate.Actor{})
	b := consoletest.Open(t)
	b.Go(site.URL + "/nothing")
	b.WaitText("No such page")
	b.Check("no-such-page")
}
