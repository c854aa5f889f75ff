package frame_test

import (
	"database/sql"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	pagesforms "github.com/freehold-platform/freehold/internal/form"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/visit"
)

// sealer is the keyring's sealing, as far as a frame sees it.
type sealer struct{}

func (sealer) Seal(purpose, id string, plain []byte) ([]byte, error) {
	return []byte(purpose + "|" + id + "|" + string(plain)), nil
}

func (sealer) Open(purpose, id string, sealed []byte) ([]byte, error) {
	plain, ok := strings.CutPrefix(string(sealed), purpose+"|"+id+"|")
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	return []byte(plain), nil
}

// shop is a site with one form, which makes a thing.
type shop struct {
	t      *testing.T
	made   atomic.Int64
	server *httptest.Server
	client *http.Client
	clock  testenv.Clock
	actor  atomic.Value
	slow   chan struct{} // if set, the form waits for it
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return newShopOn(t, testenv.Open(t).App.Store)
}

// newShopOn is a shop of one process on a database.
func newShopOn(t *testing.T, db *store.Store) *shop {
	t.Helper()
	s := &shop{t: t}
	s.actor.Store("acc_1")
	s.clock.Advance(24 * time.Hour)
	f, err := frame.New(sealer{}, pagesforms.New(db, s.clock.Now), s.clock.Now, frame.Site{Kind: estate.SurfaceConsole, SignIn: "/login", Pages: []frame.Page{
		{Method: "GET", Path: "/form", ID: "form", Handle: func(q *frame.Request) error { return q.Render("Form", form("", "")) }},
		{Method: "POST", Path: "/form", ID: "make", Handle: s.make},
		{Method: "POST", Path: "/form/{thing}/name", ID: "rename", Handle: s.make},
		{Method: "POST", Path: "/leave", ID: "leave", Handle: s.make},
		{Method: "GET", Path: "/closed", ID: "closed", Handle: func(*frame.Request) error {
			return estate.E(estate.Unavailable, api.CodeUnavailable, "Service unavailable", "")
		}},
		{Method: "GET", Path: "/made", ID: "made", Handle: func(q *frame.Request) error {
			var secret string
			q.Take("secret", &secret)
			return q.Render("Made", templ.Raw("secret:"+html.EscapeString(secret)))
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.actor.Load().(string)
		v := &visit.Visit{Surface: estate.Surface{Kind: estate.SurfaceConsole, Origin: "http://shop"}}
		if id != "" {
			v.Actor = estate.Actor{Kind: estate.ActorAccount, ID: id}
		}
		f.ServeHTTP(w, r.WithContext(visit.With(r.Context(), v)))
	}))
	t.Cleanup(s.server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

func form(value, problem string) templ.Component {
	return templ.Join(ui.FormToken(), ui.Input(ui.Field{Name: "name", Label: "Name", Value: value, Error: problem}))
}

func (s *shop) make(q *frame.Request) error {
	if s.slow != nil {
		<-s.slow
	}
	name := q.Value("name")
	if name == "" {
		return q.Again("Form", form(name, "A name is needed."))
	}
	n := s.made.Add(1)
	q.Say("success", "Made "+name)
	q.Pass("secret", fmt.Sprintf("secret-%d", n))
	return q.Redirect("/made")
}

func (s *shop) do(method string, path string, form url.Values, header ...string) (int, string, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Error(err)
		return 0, "", ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Error(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(body)
}

var tokenField = regexp.MustCompile(`name="form" value="([^"]+)"`)

func (s *shop) token() string {
	s.t.Helper()
	_, _, body := s.do("GET", "/form", nil)
	found := tokenField.FindStringSubmatch(body)
	if found == nil {
		s.t.Fatalf("no token in %s", body)
	}
	return html.UnescapeString(found[1])
}

// TestForm_Once sends a form many times at once: one thing is made, everybody is
// led to it, and a step back later shows no secret again.
func TestForm_Once(t *testing.T) {
	s := newShop(t)
	typed := url.Values{"form": {s.token()}, "name": {"a"}}
	s.slow = make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if status, to, _ := s.do("POST", "/form", typed); status != 303 || to != "/made" {
				t.Errorf("%d to %q", status, to)
			}
		})
	}
	close(s.slow)
	all.Wait()
	if n := s.made.Load(); n != 1 {
		t.Fatalf("%d made", n)
	}
	if _, _, body := s.do("GET", "/made", nil); !strings.Contains(body, "secret:secret-1") || !strings.Contains(body, "Made a") {
		t.Error("the secret is not shown")
	}
	if _, _, body := s.do("GET", "/made", nil); strings.Contains(body, "secret-1") || strings.Contains(body, "Made a") {
		t.Error("the secret is shown twice")
	}
	s.clock.Advance(time.Minute)
	if status, to, _ := s.do("POST", "/form", typed); status != 303 || to != "/made" {
		t.Errorf("after a step back: %d to %q", status, to)
	}
	if _, _, body := s.do("GET", "/made", nil); strings.Contains(body, "secret-1") || s.made.Load() != 1 {
		t.Error("a step back did it again")
	}
}

// TestForm_OnceOnTwoNodes sends a form to two processes on one database at once, and
// again after the first of them has gone: one thing is made.
func TestForm_OnceOnTwoNodes(t *testing.T) {
	db := testenv.Open(t).App.Store
	one, two := newShopOn(t, db), newShopOn(t, db)
	two.client.Jar = one.client.Jar
	typed := url.Values{"form": {one.token()}, "name": {"a"}}
	one.slow = make(chan struct{})
	two.slow = one.slow
	var all sync.WaitGroup
	for _, s := range []*shop{one, two, one, two} {
		all.Go(func() {
			if status, to, _ := s.do("POST", "/form", typed); status != 303 || to != "/made" {
				t.Errorf("%d to %q", status, to)
			}
		})
	}
	close(one.slow)
	all.Wait()
	if n := one.made.Load() + two.made.Load(); n != 1 {
		t.Fatalf("%d made", n)
	}
	three := newShopOn(t, db)
	if status, to, _ := three.do("POST", "/form", typed); status != 303 || to != "/made" || three.made.Load() != 0 {
		t.Errorf("after a restart: %d to %q", status, to)
	}
	if left := column(t, db); !strings.HasPrefix(left, "form outcome|") {
		t.Errorf("the outcome is kept unsealed: %s", left)
	}
}

// TestForm_CutOff: of a form whose process ended while it was handled nobody knows
// what came, and a person decides.
func TestForm_CutOff(t *testing.T) {
	db := testenv.Open(t).App.Store
	s := newShopOn(t, db)
	typed := url.Values{"form": {s.token()}, "name": {"a"}}
	s.slow = make(chan struct{})
	gone := make(chan struct{})
	go func() { // it never ends, as far as the others can see
		defer close(gone)
		s.do("POST", "/form", typed)
	}()
	other := newShopOn(t, db)
	other.client.Jar = s.client.Jar
	waitFor(t, func() bool { return column(t, db) == "begun" })
	other.clock.Advance(time.Minute)
	if status, _, body := other.do("POST", "/form", typed); status != 409 || !strings.Contains(body, `value="a"`) || other.made.Load() != 0 {
		t.Errorf("%d %s", status, body)
	}
	close(s.slow)
	<-gone
}

// waitFor waits until something that other goroutines do is done.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		if t.Context().Err() != nil {
			t.Fatal("it never happened")
		}
		runtime.Gosched()
	}
}

// column is the outcome of the one form in the database; "begun": none yet.
func column(t *testing.T, db *store.Store) (outcome string) {
	t.Helper()
	var text []byte
	err := db.Handle().QueryRowContext(t.Context(), "select result from forms").Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ""
	case err != nil:
		t.Fatal(err)
	case text == nil:
		return "begun"
	}
	return string(text)
}

// TestForm_Refused keeps what was typed, beside what is wrong with it, and lets
// the same form be sent again.
func TestForm_Refused(t *testing.T) {
	s := newShop(t)
	token := s.token()
	status, _, body := s.do("POST", "/form", url.Values{"form": {token}, "name": {" "}})
	if status != 422 || !strings.Contains(body, "A name is needed.") || !strings.Contains(body, `aria-describedby="f-name-error"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := s.do("POST", "/form", url.Values{"form": {token}, "name": {"a"}}); status != 303 {
		t.Errorf("again: %d", status)
	}
}

// TestForm_Outdated asks once more, and has kept what was typed but for passwords.
// TestForm_Address: the address of a form that was refused leads to its page when it is
// opened again.
func TestForm_Address(t *testing.T) {
	s := newShop(t)
	for path, want := range map[string]string{"/form": "200 ", "/form/7%2F8/name": "303 /form", "/form/7": "404 ", "/leave": "404 "} {
		if status, to, _ := s.do("GET", path, nil); fmt.Sprint(status, " ", to) != want {
			t.Errorf("%s: %d %s, want %s", path, status, to, want)
		}
	}
	if status, _, body := s.do("POST", "/form/7/name", url.Values{"form": {s.token()}, "name": {""}}); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest || !strings.Contains(body, "A name is needed.") {
		t.Errorf("the form itself: %d", status)
	}
}

func TestForm_Outdated(t *testing.T) {
	s := newShop(t)
	old := s.token()
	s.clock.Advance(13 * time.Hour)
	for name, token := range map[string]string{"outdated": old, "none": "", "made up": "bm90aGluZw"} {
		status, _, body := s.do("POST", "/form", url.Values{"form": {token}, "name": {"<typed>"}, "password": {"hunter2"}})
		if status != 409 || !strings.Contains(body, `name="name" value="&lt;typed&gt;"`) || strings.Contains(body, "hunter2") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		found := tokenField.FindStringSubmatch(body)
		if found == nil {
			t.Fatal("no new token")
		}
		if status, _, _ := s.do("POST", "/form", url.Values{"form": {html.UnescapeString(found[1])}, "name": {"<typed>"}}); status != 303 {
			t.Errorf("%s: sent again: %d", name, status)
		}
	}
	token := s.token()
	s.actor.Store("acc_2")
	if status, _, _ := s.do("POST", "/form", url.Values{"form": {token}, "name": {"a"}}); status != 409 {
		t.Errorf("somebody else's token: %d", status)
	}
	if n := s.made.Load(); n != 3 {
		t.Errorf("%d made", n)
	}
}

// TestForm_CrossSite refuses what another site sends, whoever is signed in.
func TestForm_CrossSite(t *testing.T) {
	s := newShop(t)
	form := url.Values{"form": {s.token()}, "name": {"a"}}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://elsewhere.example"}} {
		if status, _, _ := s.do("POST", "/form", form, header...); status != 403 {
			t.Errorf("%v: %d", header, status)
		}
	}
	if s.made.Load() != 0 {
		t.Error("it was made")
	}
}

// TestPage_SignIn sends people to sign in, and back.
func TestPage_SignIn(t *testing.T) {
	s := newShop(t)
	s.actor.Store("")
	if status, to, _ := s.do("GET", "/form?a=b", nil); status != 303 || to != "/login?returnto=%2Fform%3Fa%3Db" {
		t.Errorf("%d to %q", status, to)
	}
	if status, to, _ := s.do("POST", "/form", url.Values{"name": {"a"}}); status != 401 || to != "" || s.made.Load() != 0 {
		t.Errorf("%d to %q", status, to)
	}
}

// TestPage_Unavailable tells programs too when to come again.
func TestPage_Unavailable(t *testing.T) {
	s := newShop(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/closed", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
}
