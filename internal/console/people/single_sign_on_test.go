package people_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// sso is a console whose organization has an identity provider.
type sso struct {
	*place
	provider *testenv.OpenIDProvider
	owner    estate.Actor
	id       estate.IdentityProviderID
}

func person(sub, email string, verified bool) map[string]any {
	return map[string]any{"sub": sub, "name": "Grace", "email": email, "email_verified": verified}
}

func newSSO(t *testing.T, change func(*api.CreateIdentityProviderRequest)) *sso {
	t.Helper()
	s := &sso{place: atConsole(t)}
	s.provider = s.OpenIDProvider(person("grace", "grace@acme.example", true))
	var err error
	if s.owner, err = s.App.SignIn.AccountActor(t.Context(), s.Organization.ID, estate.AccountID(s.person.ID)); err != nil {
		t.Fatal(err)
	}
	request := s.provider.Request(false)
	if change != nil {
		change(&request)
	}
	p, err := s.App.SignIn.CreateIdentityProvider(t.Context(), s.owner, request)
	if err != nil {
		t.Fatal(err)
	}
	s.id = p.ID
	return s
}

// goes follows a path to the provider and back, and returns how it ends here.
func (s *sso) goes(path string) consoletest.Answer {
	s.t.Helper()
	away := s.Get(path)
	if !strings.HasPrefix(away.Location, s.provider.URL+"/authorize?") {
		s.t.Fatalf("%s leads to %d %s: %s", path, away.Status, away.Location, away.Body)
	}
	there, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, away.Location, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	back, err := http.DefaultTransport.RoundTrip(there) // the browser of the place reaches its own server only
	if err != nil {
		s.t.Fatal(err)
	}
	defer back.Body.Close()
	here, ok := strings.CutPrefix(back.Header.Get("Location"), s.URL)
	if !ok {
		s.t.Fatalf("the provider leads to %s", back.Header.Get("Location"))
	}
	return s.Get(here)
}

func (s *sso) login() consoletest.Answer {
	s.t.Helper()
	return s.goes("/login?idp=" + string(s.id) + "&returnto=/account")
}

func (s *sso) signedInAs() string {
	s.t.Helper()
	answer := s.Get("/account")
	for _, name := range []string{email, "grace@acme.example"} {
		if strings.Contains(answer.Body, name) {
			return name
		}
	}
	return ""
}

// TestSingleSignOn_NobodyIsTakenOver: the address of an account that somebody has used
// lets nobody in; an unused one is claimed by a verified address only; and nobody gets
// an account by an address, unless the provider is set so.
func TestSingleSignOn_NobodyIsTakenOver(t *testing.T) {
	s := newSSO(t, nil)
	s.says("nobody has the address", s.login(), 401, "No account for you here")
	s.provider.Person(person("eve", email, true))
	s.arrive() // now Ada has used her account
	stranger := *s.place
	stranger.Site = consoletest.Visit(t, s.Env, s.URL)
	eve := &sso{place: &stranger, provider: s.provider, id: s.id}
	eve.says("an address that is somebody's", eve.login(), 403, "One more step for your account", "Sign in as you did before")
	if as := eve.signedInAs(); as != "" {
		t.Errorf("signed in as %s", as)
	}
	grace := s.Account(s.Organization.ID, "grace@acme.example")
	for _, claims := range []map[string]any{person("g", "grace@acme.example", false), {"sub": "g"}} {
		s.provider.Person(claims)
		eve.says("not verified", eve.login(), 401, "No account for you here")
	}
	foreign := s.NewOrganization("Elsewhere")
	s.Account(foreign.ID, "hal@elsewhere.example")
	s.provider.Person(person("hal", "hal@elsewhere.example", true))
	eve.says("an account of another organization", eve.login(), 401, "No account for you here")

	s.provider.Person(person("g", "GRACE@acme.example", true))
	eve.leadsBack("claimed", eve.login())
	if as := eve.signedInAs(); as != "grace@acme.example" {
		t.Errorf("signed in as %q", as)
	}
	s.provider.Person(person("other", "grace@acme.example", true))
	eve.says("another subject with the address", eve.login(), 403, "One more step")
	s.provider.Person(person("g", email, true)) // it is the subject that counts from now on
	eve.leadsBack("again", eve.login())
	if as := eve.signedInAs(); as != "grace@acme.example" {
		t.Errorf("signed in as %q", as)
	}
	sessions, err := s.App.SignIn.Sessions(t.Context(), estate.Actor{Kind: estate.ActorAccount, ID: string(grace.ID), Scope: estate.Scope{Organization: s.Organization.ID}})
	if err != nil || len(sessions) != 1 || sessions[0].Method != estate.SignInFederated || sessions[0].Provider != s.id {
		t.Errorf("sessions %+v, %v", sessions, err)
	}

	// Who is signed in by a provider that is turned off is out.
	off := []signin.PatchOperation{{Op: "replace", Path: "/active", Value: []byte("false")}}
	if err := s.App.SignIn.UpdateIdentityProvider(t.Context(), s.owner, s.id, off); err != nil {
		t.Fatal(err)
	}
	eve.leads("after it was turned off", eve.Get("/account"), "/login/local?returnto=%2Faccount")
	if away := eve.Get("/login?idp=" + string(s.id)); !strings.HasPrefix(away.Location, "/login/local") {
		t.Errorf("sent to %s", away.Location)
	}
}

func (s *sso) leadsBack(what string, answer consoletest.Answer) {
	s.t.Helper()
	if answer.Status != 302 || answer.Location != "/account" {
		s.t.Errorf("%s: %d to %s: %s", what, answer.Status, answer.Location, answer.Body)
	}
}

// TestSingleSignOn_Create makes accounts that own nothing of people whom nobody knows.
func TestSingleSignOn_Create(t *testing.T) {
	s := newSSO(t, func(r *api.CreateIdentityProviderRequest) { yes := true; r.CreateNewUsersOnLogin = &yes })
	s.leadsBack("unknown", s.login())
	if as := s.signedInAs(); as != "grace@acme.example" {
		t.Fatalf("signed in as %q", as)
	}
	s.says("owns nothing", s.Get("/subscriptions"), 403, "grace@acme.example")
	s.provider.Person(person("noone", "not an address", true))
	s.says("no address", s.login(), 401)
}

// TestSingleSignOn_Connect: who has signed in otherwise connects the account, and
// disconnects it.
func TestSingleSignOn_Connect(t *testing.T) {
	s := newSSO(t, nil)
	s.arrive()
	s.provider.Person(person("ada-at-acme", "somebody.else@acme.example", false))
	s.says("offered", s.Get("/account"), 200, "Connect it")
	if away := s.Get("/login?link=yes").Location; !strings.Contains(away, "prompt=login") { // somebody else may be signed in there
		t.Errorf("connecting leads to %s", away)
	}
	s.leadsBack("connected", s.goes("/login?link=yes"))
	s.says("listed", s.Get("/account"), 200, "Acme ID", "ada-at-acme")
	other := *s.place
	other.Site = consoletest.Visit(t, s.Env, s.URL)
	elsewhere := &sso{place: &other, provider: s.provider, id: s.id}
	elsewhere.leadsBack("signed in by it", elsewhere.login())
	if as := elsewhere.signedInAs(); as != email {
		t.Errorf("signed in as %q", as)
	}
	s.leads("disconnected", s.Submit("/account", "/account/identities/"+string(s.id)+"/remove", nil), "/account")
	elsewhere.leads("whoever came in by it is out", elsewhere.Get("/account"), "/login/local?returnto=%2Faccount")
	elsewhere.says("and stays so", elsewhere.login(), 401)

	// Not for somebody who signed in long ago, by another site, or in another's browser.
	s.Clock.Advance(signin.FreshFor + 1)
	if answer := s.Get("/login?link=yes"); answer.Status != 403 {
		t.Errorf("stale: %d", answer.Status)
	}
}

// TestSingleSignOn_Several: where organizations have providers of their own, who comes
// says of which one it is; none is told of the others.
func TestSingleSignOn_Several(t *testing.T) {
	s := newSSO(t, nil)
	s.says("one", s.Get("/login/local"), 200, "Sign in with Acme ID")
	rival := s.NewOrganization("Rival")
	boss := s.Account(rival.ID, "boss@rival.example", s.SubscriptionOf(rival.ID, 2))
	actor, err := s.App.SignIn.AccountActor(t.Context(), rival.ID, boss.ID)
	if err != nil {
		t.Fatal(err)
	}
	request := s.provider.Request(false)
	request.Description = "Rival ID"
	if _, err := s.App.SignIn.CreateIdentityProvider(t.Context(), actor, request); err != nil {
		t.Fatal(err)
	}
	page := s.Get("/login/local")
	s.says("several", page, 200, "Organization")
	if strings.Contains(page.Body, "Rival") || strings.Contains(page.Body, "Acme ID") {
		t.Error("the page tells of an organization")
	}
	s.says("one of them", s.Get("/login/local?organization="+url.QueryEscape("rival")), 200, "Sign in with Rival ID")
	s.says("none", s.Get("/login/local?organization=nobody"), 200, "No organization of this name")
	s.provider.Person(person("boss", email, true)) // Ada's address, at the rival's provider
	s.arrive()
	theirs := s.Get("/login/local?organization=" + string(rival.ID))
	_, rest, _ := strings.Cut(theirs.Body, `href="/login?idp=`)
	id, _, _ := strings.Cut(rest, "&")
	crossing := &sso{place: s.place, provider: s.provider, id: estate.IdentityProviderID(id)}
	crossing.says("an address of another organization", crossing.login(), 401)
}

// TestSingleSignOn_Rights: only who owns every subscription says who people are.
func TestSingleSignOn_Rights(t *testing.T) {
	s := newSSO(t, nil)
	partial := s.Account(s.Organization.ID, "partial@acme.example", s.Subscription(2))
	none := s.Account(s.Organization.ID, "none@acme.example")
	for _, a := range []estate.Account{partial, none} {
		actor, err := s.App.SignIn.AccountActor(t.Context(), s.Organization.ID, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.App.SignIn.CreateIdentityProvider(t.Context(), actor, s.provider.Request(true)); !estate.HasKind(err, estate.Forbidden) {
			t.Errorf("%s: %v", a.Email, err)
		}
		site := consoletest.Serve(t, s.Env, estate.Surface{Kind: estate.SurfaceConsole}, actor)
		if answer := site.Get("/identity-providers"); answer.Status != 403 {
			t.Errorf("%s sees the page: %d", a.Email, answer.Status)
		}
	}
}
