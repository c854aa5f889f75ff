package consoletest

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/visit"
)

// Site is the pages of one surface as one person sees them, without signing in.
type Site struct {
	URL    string
	Client *http.Client // keeps cookies, follows no redirects

	t testing.TB
}

// Serve serves the pages of a surface to actor, the zero one for nobody.
func Serve(t testing.TB, e *testenv.Env, surface estate.Surface, actor estate.Actor) *Site {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	surface.Origin = "http://" + server.Listener.Addr().String()
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit.Visit{Surface: surface, Actor: actor, TraceID: strings.Repeat("0", 32)}
		e.App.Pages.ServeHTTP(w, r.WithContext(visit.With(r.Context(), v)))
		if v.Err != nil && v.Page != "" {
			t.Logf("page %s: %v", v.Page, v.Err)
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Site{URL: surface.Origin, t: t, Client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is a page as it came.
type Answer struct {
	Status   int
	Location string
	Body     string
	Header   http.Header
}

// Get opens a page.
func (s *Site) Get(path string) Answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil)
}

// Post sends a form as it is.
func (s *Site) Post(path string, form url.Values) Answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, form)
}

// Submit opens the page with the form, and sends it with what is typed in.
func (s *Site) Submit(page, action string, typed url.Values) Answer {
	s.t.Helper()
	return s.Post(action, s.Form(page, action, typed))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// Form is the hidden fields of a form on a page, with what is typed into others.
func (s *Site) Form(page, action string, typed url.Values) url.Values {
	s.t.Helper()
	body := s.Get(page).Body
	_, rest, found := strings.Cut(body, `<form method="post" action="`+strings.ReplaceAll(action, "&", "&amp;")+`"`)
	if !found {
		s.t.Fatalf("%s has no form that leads to %s:\n%s", page, action, body)
	}
	rest, _, _ = strings.Cut(rest, "</form>")
	form := url.Values{}
	for _, match := range hidden.FindAllStringSubmatch(rest, -1) {
		form.Add(match[1], html.UnescapeString(match[2]))
	}
	for name, values := range typed {
		form[name] = values
	}
	return form
}

func (s *Site) do(method, path string, form url.Values) Answer {
	s.t.Helper()
	return s.send(method, path, form, nil)
}

func (s *Site) send(method, path string, form url.Values, header map[string]string) Answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := s.Client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return Answer{Status: res.StatusCode, Location: res.Header.Get("Location"), Body: string(body), Header: res.Header}
}
