package people_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	email    = "ada@acme.example"
	password = "correct horse battery"
)

// place is a host at which Ada may sign in.
type place struct {
	*testenv.Env
	*consoletest.Site
	t      *testing.T
	person estate.Person
	tenant estate.Tenant // none: the console
	start  string        // a page for who is signed in
}

// eachPlace runs a test at the console and at a tenant.
func eachPlace(t *testing.T, fn func(*testing.T, *place)) {
	for name, open := range map[string]func(*testing.T) *place{"console": atConsole, "tenant": atTenant} {
		t.Run(name, func(t *testing.T) { fn(t, open(t)) })
	}
}

func atConsole(t *testing.T) *place {
	e := testenv.New(t)
	account := e.Account(e.Organization.ID, email, e.Subscription(2))
	p := &place{Env: e, t: t, person: estate.Person{Organization: account.Organization, ID: string(account.ID)}, start: "/tenants"}
	p.Site = consoletest.Visit(t, e, e.Console())
	return p
}

func atTenant(t *testing.T) *place {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	p := &place{Env: e, t: t, tenant: tenant, start: "/device"}
	p.person = p.user(email, "Ada")
	p.Site = consoletest.Visit(t, e, e.TenantURL(tenant))
	return p
}

// user makes a user of the tenant who was invited.
func (p *place) user(email, name string) estate.Person {
	p.t.Helper()
	u := estate.User{
		ID: estate.NewUserID(), Organization: p.tenant.Organization, Tenant: p.tenant.ID, Subject: "local|" + email, Name: name, Email: email,
		Status: estate.UserInvited, CreatedAt: p.Clock.Now(), UpdatedAt: p.Clock.Now(),
	}
	if err := p.App.Store.Write(p.t.Context(), func(tx *store.Tx) error { return tx.InsertUser(p.t.Context(), u) }); err != nil {
		p.t.Fatal(err)
	}
	return estate.Person{Organization: u.Organization, Tenant: u.Tenant, ID: string(u.ID)}
}

// link makes a link for Ada.
func (p *place) link() string {
	p.t.Helper()
	var secret estate.Secret
	err := p.App.Store.Write(p.t.Context(), func(tx *store.Tx) (err error) {
		secret, _, err = p.App.SignIn.NewLink(p.t.Context(), tx, testenv.Operator, p.person, false)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return signin.LinkPath + secret.Reveal()
}

// arrive signs in by a link.
func (p *place) arrive() {
	p.t.Helper()
	link := p.link()
	if answer := p.Submit(link, link, nil); answer.Status != 303 || answer.Location != "/account" {
		p.t.Fatalf("link: %d %s\n%s", answer.Status, answer.Location, answer.Body)
	}
}

func (p *place) says(what string, answer consoletest.Answer, status int, texts ...string) {
	p.t.Helper()
	if answer.Status != status {
		p.t.Errorf("%s: status %d, want %d:\n%s", what, answer.Status, status, answer.Body)
	}
	body := html.UnescapeString(answer.Body)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			p.t.Errorf("%s: does not say %q:\n%s", what, text, body)
		}
	}
}

// leads fails the test unless the answer sends the browser to path.
func (p *place) leads(what string, answer consoletest.Answer, path string) {
	p.t.Helper()
	if answer.Status != 303 || answer.Location != path {
		p.t.Errorf("%s: %d to %q, want %q\n%s", what, answer.Status, answer.Location, path, answer.Body)
	}
}

func typed(word, code string) url.Values {
	return url.Values{"email": {email}, "password": {word}, "code": {code}}
}

func TestLink(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		link := p.link()
		for range 2 { // looking at it does not use it up
			p.says("look", p.Get(link), 200, "Welcome", email, "once")
		}
		form := p.Form(link, link, nil)
		p.leads("use", p.Post(link, form), "/account")
		p.leads("double click", p.Post(link, form), "/account")
		p.says("account", p.Get("/account"), 200, "You have nothing to sign in with yet", "Add a passkey", "Set password")

		p.says("used", p.Get(link), 404, "The link doesn't work", "Ask who gave it to you for another")
		p.leads("used, from the history", p.Post(link, form), "/account")
		p.leads("used, double click that comes before the answer", consoletest.Visit(t, p.Env, p.URL).Post(link, form), "/account")
		p.Clock.Advance(time.Minute)
		stranger := consoletest.Visit(t, p.Env, p.URL)
		stranger.Post(link, form) // as the page of the first time, but without what it handed out
		if to := stranger.Get("/account"); to.Status != 303 {
			t.Errorf("a form that was sent again let somebody in: %d", to.Status)
		}
		p.says("made up", p.Get(signin.LinkPath+"fhl_x"), 404, "The link doesn't work")
		late := p.link()
		form = p.Form(late, late, nil)
		p.Clock.Advance(estate.SetUpLinkLifetime)
		p.says("expired", p.Get(late), 404, "has expired")
		p.says("expired, sent", p.Post(late, form), 404, "The link doesn't work")

		elsewhere := p.Console()
		if p.tenant.ID == "" {
			elsewhere = p.TenantURL(p.Tenant(p.Subscription(2), "eu"))
		}
		p.says("at another host", consoletest.Visit(t, p.Env, elsewhere).Get(p.link()), 404, "The link doesn't work")
		another := p.link()
		p.says("from another site", p.From("https://evil.example", another, p.Form(another, another, nil)), 403, "another site")
		p.says("and is not used up", p.Get(another), 200)
	})
}

func TestPassword(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		p.arrive()
		short := p.Submit("/account", "/account/password", url.Values{"password": {"short-secret"[:11]}})
		p.says("short", short, 422, "A password must have 12 to 1024 characters.", `aria-describedby="f-password-hint f-password-error"`)
		if strings.Contains(short.Body, "short-secre") {
			t.Error("the page repeats the password")
		}
		p.leads("set", p.Submit("/account", "/account/password", url.Values{"password": {password}}), "/account")
		p.says("account", p.Get("/account"), 200, "The password is set.", "Set on")
		p.leads("sign out", p.Submit("/account", "/account/sign-out", nil), "/login/local")
		p.says("signed out", p.Get("/login/local"), 200, "You are signed out.")
		p.leads("nobody", p.Get(p.start), p.askedAt(p.start))
		p.says("nobody's form", p.Post("/account/password", url.Values{"password": {password}}), 401, "You were signed out", "Nothing was saved.")

		for what, answer := range map[string]consoletest.Answer{
			"wrong":        p.Submit("/login/local", "/login/local", typed("wrong "+password, "")),
			"nobody":       p.Submit("/login/local", "/login/local", url.Values{"email": {email}, "password": {"x"}}),
			"passkey":      p.Submit("/login/local", "/login/local/passkey", url.Values{"response": {"{}"}}),
			"empty":        p.Submit("/login/local", "/login/local", url.Values{"email": {email}}),
			"other return": p.Submit("/login/local?returnto="+url.QueryEscape(p.start), "/login/local", typed("wrong", "")),
		} {
			p.says(what, answer, 422, "is wrong.", "Sign in with a passkey")
			if strings.Contains(answer.Body, "wrong "+password) || what == "wrong" && !strings.Contains(answer.Body, `value="`+email+`"`) {
				t.Errorf("%s: the page repeats the password, or not the address:\n%s", what, answer.Body)
			}
			if what == "other return" && !strings.Contains(answer.Body, `name="returnto" value="`+p.start+`"`) {
				t.Errorf("the page forgets where to go:\n%s", answer.Body)
			}
		}
		form := p.Form("/login/local", "/login/local", typed(password, ""))
		p.says("from another site", p.From("https://evil.example", "/login/local", form), 403, "another site")
		p.leads("sign in", p.Post("/login/local", form), "/")
		p.says("in", p.Get(p.start), 200)
		p.says("from the history", p.Post("/login/local", form), 409, "You are signed in already", `value="`+email+`"`)
		p.says("no token at all", consoletest.Visit(t, p.Env, p.URL).Post("/login/local", typed(password, "")), 409, "open for too long")
		p.says("still in", p.Get(p.start), 200)
	})
}

// askedAt is where who isn't signed in is sent from a page.
func (p *place) askedAt(page string) string {
	path := "/login"
	if p.tenant.ID == "" {
		path = "/login/local"
	}
	if page != "" {
		path += "?returnto=" + url.QueryEscape(page)
	}
	return path
}

func TestReturnTo(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		p.arrive()
		p.leads("set", p.Submit("/account", "/account/password", url.Values{"password": {password}}), "/account")
		for to, want := range map[string]string{
			"":                                   "/",
			"/tenants?a=b&c=%2F":                 "/tenants?a=b&c=%2F",
			p.URL + "/account":                   "/account",
			"https://evil.example/":              "/",
			"//evil.example/":                    "/",
			"/\\evil.example/":                   "/",
			"/%5Cevil.example/":                  "/",
			"/%2Fevil.example/":                  "/",
			"\t//evil.example":                   "/",
			"javascript:alert(1)":                "/",
			"http:evil.example":                  "/",
			p.URL + ".evil.example/":             "/",
			p.URL + "@evil.example/":             "/",
			"https://console.freehold.localhost": "/",
		} {
			page := "/login/local?returnto=" + url.QueryEscape(to)
			p.leads("to "+to, p.Submit(page, "/login/local", typed(password, "")), want)
			form := p.Form("/login/local", "/login/local", typed(password, ""))
			form.Set("returnto", to)
			p.leads("typed into the form: "+to, p.Post("/login/local", form), want)
		}
		// /login leads to the page, and takes along where to go and who it may be.
		// Whoever is signed in has to sign in anew there.
		before := p.Get("/login?prompt=login&login_hint=" + url.QueryEscape(email) + "&returnto=" + url.QueryEscape(p.start))
		if before.Status != 303 && before.Status != 302 || !strings.HasPrefix(before.Location, "/login/local?") {
			t.Fatalf("login: %d %s", before.Status, before.Location)
		}
		p.says("prompt", p.Get(before.Location), 200, `value="`+email+`"`, `value="`+p.start+`"`)
		p.leads("anew", p.Submit(before.Location, "/login/local", typed(password, "")), p.start)
		if _, out := url.Parse(p.Get("/login?returnto=https://evil.example").Location); out != nil {
			t.Error(out)
		}
		if to := p.Get("/login?returnto=https://evil.example/x").Location; !strings.HasPrefix(to, "/login/local") {
			t.Errorf("login to elsewhere: %s", to)
		}
	})
}

var (
	totpKey      = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`)
	recoveryCode = regexp.MustCompile(`<li>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</li>`)
)

func TestAuthenticator(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		p.arrive()
		p.leads("password", p.Submit("/account", "/account/password", url.Values{"password": {password}}), "/account")
		form := p.Form("/account/authenticator", "/account/authenticator", url.Values{"code": {"000"}})
		wrong := p.Post("/account/authenticator", form)
		p.says("wrong code", wrong, 422, "This is not the code that the app shows now.", "<svg", "f-code-error")
		key := totpKey.FindStringSubmatch(wrong.Body)
		if key == nil {
			t.Fatalf("no key:\n%s", wrong.Body)
		}
		code := func() string {
			text, err := totp.GenerateCode(key[1], p.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		token := regexp.MustCompile(`name="form" value="([^"]+)"`).FindAllStringSubmatch(wrong.Body, -1)
		form = url.Values{"form": {token[len(token)-1][1]}, "code": {code()}}
		p.leads("code", p.Post("/account/authenticator", form), "/account")
		p.leads("double click", p.Post("/account/authenticator", form), "/account")
		p.says("account", p.Get("/account"), 200, "The authenticator app is set up.", "There are no recovery codes")

		p.leads("codes", p.Submit("/account", "/account/recovery-codes", nil), "/account")
		page := p.Get("/account")
		codes := recoveryCode.FindAllStringSubmatch(page.Body, -1)
		if len(codes) != 10 {
			t.Fatalf("%d codes:\n%s", len(codes), page.Body)
		}
		again := p.Get("/account")
		p.says("once", again, 200, "10 recovery codes are left.")
		if strings.Contains(again.Body, codes[0][1]) {
			t.Error("the codes are shown again")
		}

		p.leads("sign out", p.Submit("/account", "/account/sign-out", nil), "/login/local")
		p.Clock.Advance(time.Minute)
		asked := p.Submit("/login/local", "/login/local", typed(password, ""))
		p.says("no code", asked, 422, "Type your password once more", "f-code-error", `value="`+email+`"`)
		p.says("wrong code", p.Submit("/login/local", "/login/local", typed(password, "123")), 422, "is wrong.")
		now := code()
		p.leads("with a code", p.Submit("/login/local", "/login/local", typed(password, now)), "/")
		p.says("the code again", p.Submit("/login/local", "/login/local", typed(password, now)), 422, "is wrong.")
		p.leads("recovery", p.Submit("/login/local", "/login/local", typed(password, strings.ToLower(codes[4][1]))), "/")
		p.says("recovery again", p.Submit("/login/local", "/login/local", typed(password, codes[4][1])), 422, "is wrong.")
		p.says("left", p.Get("/account"), 200, "9 recovery codes are left.", "Password and recovery code")

		p.Get("/account/authenticator")
		form = p.Form("/account/authenticator", "/account/authenticator", url.Values{"code": {code()}})
		p.Clock.Advance(6 * time.Minute)
		p.says("late", p.Post("/account/authenticator", form), 422, "That took too long.")
		remove := regexp.MustCompile(`action="(/account/credentials/[^"]+/remove)"[^>]*><input[^>]*> ?<button[^>]*aria-label="Remove the authenticator app"`)
		action := remove.FindStringSubmatch(p.Get("/account").Body)
		if action == nil {
			t.Fatalf("no button to remove the app:\n%s", p.Get("/account").Body)
		}
		p.leads("remove", p.Submit("/account", action[1], nil), "/account")
		p.leads("password alone", p.Submit("/login/local", "/login/local", typed(password, "")), "/")

		p.Clock.Advance(signin.FreshFor + time.Second)
		stale := p.Get("/account")
		p.says("stale", stale, 200, "Sign in again")
		if strings.Contains(stale.Body, "/remove") || strings.Contains(stale.Body, "Set password") {
			t.Error("a stale session is offered changes")
		}
	})
}

func TestSessions(t *testing.T) {
	eachPlace(t, func(t *testing.T, p *place) {
		p.arrive()
		surface := estate.Surface{Kind: estate.SurfaceConsole, Origin: p.URL}
		if p.tenant.ID != "" {
			surface.Kind, surface.Tenant = estate.SurfaceTenant, p.tenant
		}
		elsewhere := func(agent string) {
			if _, err := p.App.SignIn.Begin(t.Context(), surface, p.person, estate.SignInPasskey, signin.Visitor{Agent: agent}); err != nil {
				t.Fatal(err)
			}
		}
		elsewhere("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36")
		elsewhere("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1")
		page := p.Get("/account")
		p.says("list", page, 200, "Chrome on Windows", "Safari on iPhone", "This one", "Passkey", "Link")
		end := regexp.MustCompile(`action="(/account/sessions/[^"]+/end)"`).FindStringSubmatch(page.Body)
		p.leads("end", p.Submit("/account", end[1], nil), "/account")
		page = p.Get("/account")
		p.says("ended", page, 200, "The session has ended.")
		if n := strings.Count(page.Body, "/end\""); n != 1 {
			t.Errorf("%d sessions beside this one:\n%s", n, page.Body)
		}
		p.leads("end others", p.Submit("/account", "/account/sessions/end-others", nil), "/account")
		page = p.Get("/account")
		p.says("alone", page, 200, "This one")
		if strings.Contains(page.Body, "end-others") {
			t.Error("there are others")
		}
		form := p.Form("/account", "/account/sign-out", nil)
		p.says("sign out from another site", p.From("https://evil.example", "/account/sign-out", form), 403)
		p.leads("sign out", p.Post("/account/sign-out", form), "/login/local")
		p.leads("sign out twice", p.Post("/account/sign-out", form), "/login/local")
		p.leads("out", p.Get("/account"), p.askedAt("/account"))
	})
}

// TestIsolation tries what belongs to somebody else of the same place.
func TestIsolation(t *testing.T) {
	p := atTenant(t)
	p.arrive()
	p.leads("password", p.Submit("/account", "/account/password", url.Values{"password": {password}}), "/account")
	page := p.Get("/account")
	mine := regexp.MustCompile(`action="(/account/credentials/[^"]+/remove)"`).FindStringSubmatch(page.Body)[1]
	ada := p.person
	eve := &place{Env: p.Env, t: t, tenant: p.tenant, Site: consoletest.Visit(t, p.Env, p.URL)}
	eve.person = eve.user("eve@acme.example", "Eve")
	eve.arrive()
	form := eve.Form("/account", "/account/password", nil)
	eve.says("another's password", eve.Post(mine, form), 404, "No such credential")
	sessions, err := p.App.SignIn.Sessions(t.Context(), estate.Actor{Kind: estate.ActorUser, ID: ada.ID, User: estate.UserID(ada.ID), Scope: p.tenant.Scope()})
	if err != nil || len(sessions) != 1 {
		t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	eve.leads("another's session", eve.Post("/account/sessions/"+string(sessions[0].ID)+"/end", eve.Form("/account", "/account/password", nil)), "/account")
	p.says("still in", p.Get("/account"), 200, "Set on")
	stolen := p.Form("/account", "/account/password", url.Values{"password": {"a password of Eve's"}})
	eve.says("another's token", eve.Post("/account/password", stolen), 409, "Send again?")
}
