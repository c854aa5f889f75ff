package cli_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// loginSession is a session in which a wait takes no time.
func loginSession(t *testing.T) (*session, *[]time.Duration) {
	s := newSession(t)
	waits := new([]time.Duration)
	s.wait = func(_ context.Context, d time.Duration) error { *waits = append(*waits, d); return nil }
	return s, waits
}

func (s *session) loginPath(name string) string {
	return filepath.Join(s.dir, "config", "logins", name+".json")
}

// expire makes the access token of a context one that has to be replaced.
func (s *session) expire(name string) {
	s.t.Helper()
	text, err := os.ReadFile(s.loginPath(name))
	if err != nil {
		s.t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(text, &stored); err != nil {
		s.t.Fatal(err)
	}
	stored["expiresAt"] = time.Now().Add(-time.Minute)
	if text, err = json.Marshal(stored); err == nil {
		err = os.WriteFile(s.loginPath(name), text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestLogin(t *testing.T) {
	f := newFake(t, 2)
	s, waits := loginSession(t)
	s.port = f.port
	f.family.pending = []string{api.CodeOAuthPending, api.CodeOAuthSlowDown, api.CodeOAuthPending}
	text := s.transcript("login", f.url("console"))
	if want := []time.Duration{5e9, 5e9, 10e9, 10e9}; !slices.Equal(*waits, want) {
		t.Errorf("waited %v, want %v", *waits, want)
	}
	if asked := f.family.scopes[0]; !strings.Contains(asked, api.ScopeOrgTenantsRead) || !strings.HasSuffix(asked, " "+api.ScopeOfflineAccess) {
		t.Errorf("asks for %q", asked)
	}
	info, err := os.Stat(s.loginPath("console"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	text += s.transcript("context", "get") + s.transcript("context", "delete", "console") + s.transcript("tenant", "list")
	if f.family.refreshes != 0 {
		t.Error("does not use the access token that it has")
	}
	s.expire("console")
	text += s.transcript("tenant", "list", "--output", "json", "--limit", "1")
	if f.family.refreshes != 1 {
		t.Errorf("%d refreshes", f.family.refreshes)
	}
	// What is of this host goes to no other.
	text += s.transcript("raw", "GET", "/api/v1/users/me", "--server", "acme.us.freehold.localhost")
	text += s.transcript("raw", "GET", "/api/v1/users/me", "--server", "acme.us.freehold.localhost", "--exchange")
	text += s.transcript("logout")
	if !f.family.ended {
		t.Error("the server was not told")
	}
	if _, err := os.Stat(s.loginPath("console")); !os.IsNotExist(err) {
		t.Errorf("the tokens are still there: %v", err)
	}
	text += s.transcript("tenant", "list") + s.transcript("logout") + s.transcript("login") + s.transcript("context", "list")
	f.family.ended = true
	s.expire("console")
	text += s.transcript("tenant", "list") + s.transcript("logout") + s.transcript("context", "delete", "console")
	golden(t, "login", text)
}

func TestLogin_Errors(t *testing.T) {
	f := newFake(t, 2)
	s, _ := loginSession(t)
	s.port = f.port
	f.family.pending = []string{api.CodeOAuthAccessDenied, api.CodeOAuthDeviceExpired}
	acme := f.url("acme.us")
	text := s.transcript("login") + s.transcript("logout") + s.transcript("login", "ftp://example.com") +
		s.transcript("login", acme, "--context", "../x") + s.transcript("login", acme) + s.transcript("login", acme)
	f.family.narrow = true
	text += s.transcript("login", acme, "--scope", "user_default")
	s.expire("acme-us")
	text += s.transcript("raw", "GET", "/api/v1/users/me")
	s.use(f, "owner", "acme.us")
	text += s.transcript("login", acme, "--context", "owner") + s.transcript("login", "--context", "owner") + s.transcript("logout", "--context", "owner")
	text += s.transcript("login", f.url("other.us"), "--context", "acme-us")
	golden(t, "login-errors", text)
	if got := f.family.scopes[len(f.family.scopes)-1]; got != "user_default offline_access" {
		t.Errorf("asks for %q", got)
	}
}

// TestLogin_AtOnce runs commands at once, as a shell script does. All of them
// need a new token, and a refresh token works once.
func TestLogin_AtOnce(t *testing.T) {
	f := newFake(t, 2)
	s, _ := loginSession(t)
	s.must("login", f.url("console"))
	s.expire("console")
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if _, _, err := s.run("tenant", "list"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if f.family.refreshes != 1 || f.family.ended {
		t.Errorf("%d refreshes, ended: %v", f.family.refreshes, f.family.ended)
	}
	err := filepath.WalkDir(filepath.Join(s.dir, "config"), func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(d.Name(), ".freehold-") {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

var (
	deviceLink = regexp.MustCompile(`\S+/device\?user_code=\S+`)
	formToken  = regexp.MustCompile(`name="form" value="([^"]*)"`)
)

// approve opens the page that a command shows, as somebody who is signed in at
// its host, and approves.
func approve(t *testing.T, e *testenv.Env, in testenv.Session, shown string) {
	t.Helper()
	link, err := url.Parse(deviceLink.FindString(shown))
	if err != nil {
		t.Fatal(err)
	}
	page, body := browse(t, e, in, link.String(), nil)
	form := formToken.FindStringSubmatch(body)
	if page.StatusCode != http.StatusOK || form == nil {
		t.Fatalf("%s: %d %s", link, page.StatusCode, body)
	}
	answer, body := browse(t, e, in, link.Scheme+"://"+link.Host+api.DevicePath, url.Values{
		"user_code": {link.Query().Get("user_code")}, "form": {html.UnescapeString(form[1])},
	})
	if answer.StatusCode != http.StatusSeeOther || !strings.Contains(answer.Header.Get("Location"), "approved") {
		t.Fatalf("approve: %d %s", answer.StatusCode, body)
	}
}

// browse gets a page, or sends its form.
func browse(t *testing.T, e *testenv.Env, in testenv.Session, page string, form url.Values) (*http.Response, string) {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range in.Header() {
		r.Header.Set(name, value)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := e.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// TestLogin_Server signs people in at a real server.
func TestLogin_Server(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	stranger := e.NewOrganization("Stranger")
	theirs := e.Tenant(e.SubscriptionOf(stranger.ID, 5), "us")
	owner := e.Account(e.Organization.ID, "owner@example.com", sub)
	other := e.Account(stranger.ID, "other@example.com", e.SubscriptionOf(stranger.ID, 5))

	signIn := func(in testenv.Session, host string, args ...string) *session {
		t.Helper()
		s := newSession(t)
		var shown strings.Builder
		s.errors = &shown
		asked := 0
		s.wait = func(_ context.Context, d time.Duration) error {
			if e.Clock.Advance(d); asked == 1 {
				approve(t, e, in, shown.String())
			}
			asked++
			return nil
		}
		s.must(append([]string{"login", host}, args...)...)
		if asked != 2 { // once too early
			t.Errorf("asked %d times", asked)
		}
		return s
	}

	mine := signIn(e.SignIn(owner), e.Console())
	list, _ := mine.must("tenant", "list", "--output", "json")
	if !strings.Contains(list, string(tenant.ID)) || strings.Contains(list, string(theirs.ID)) {
		t.Errorf("an account sees %s", list)
	}
	mine.expire("console")
	mine.must("tenant", "list")
	foreign := signIn(e.SignIn(other), e.Console())
	if list, _ := foreign.must("tenant", "list", "--output", "json"); strings.Contains(list, string(tenant.ID)) {
		t.Errorf("an account of another organization sees %s", list)
	}
	if _, _, err := foreign.run("tenant", "get", string(tenant.ID)); err == nil {
		t.Error("an account of another organization sees a tenant")
	}

	token, _ := mine.must("token")
	token = strings.TrimSpace(token)
	call := func() int {
		return e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: token}).Status
	}
	if call() != http.StatusOK {
		t.Fatal("the token does not work")
	}
	mine.must("logout")
	if status := call(); status != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", status)
	}
}
