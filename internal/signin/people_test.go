package signin_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPassword goes from a link to a password, an authenticator app and recovery
// codes, and tries what must not work on the way.
func TestPassword(t *testing.T) {
	e := testenv.Open(t)
	ctx, s := t.Context(), e.App.SignIn
	account := e.Account(e.Organization.ID, "ada@example.com", e.Subscription(2))
	console := estate.Surface{Kind: estate.SurfaceConsole, Origin: "http://console.freehold.localhost"}
	guest := signin.Visitor{Address: netip.MustParseAddr("192.0.2.1"), Agent: "test"}
	want := func(what string, err error, code string) {
		t.Helper()
		var known *estate.Error
		if code == "" && err != nil || code != "" && (!errors.As(err, &known) || known.Code != code) {
			t.Fatalf("%s: %v, want %q", what, err, code)
		}
	}
	actor, err := s.AccountActor(ctx, e.Organization.ID, account.ID)
	want("actor", err, "")

	old, _, err := s.CreateAccountLink(ctx, testenv.Operator, "ADA@example.com", false)
	want("link", err, "")
	link, _, err := s.CreateAccountLink(ctx, testenv.Operator, account.Email, true)
	want("newer link", err, "")
	_, _, err = s.CreateAccountLink(ctx, actor, account.Email, true)
	want("link by an account", err, api.CodeForbidden)
	tenant := e.Tenant(e.Subscription(2), "us")
	house := estate.Surface{Kind: estate.SurfaceTenant, Origin: "http://a.us.freehold.localhost", Tenant: tenant}
	for what, try := range map[string]func() error{
		"older link":  func() error { _, err := s.UseLink(ctx, console, old, guest); return err },
		"at a tenant": func() error { _, err := s.UseLink(ctx, house, link, guest); return err },
		"made up":     func() error { _, err := s.UseLink(ctx, console, "x", guest); return err },
	} {
		want(what, try(), api.CodeLinkNone)
	}
	_, err = s.LookAtLink(ctx, console, link)
	want("look", err, "")
	in, err := s.UseLink(ctx, console, link, guest)
	want("use", err, "")
	_, err = s.UseLink(ctx, console, link, guest)
	want("use again", err, api.CodeLinkNone)
	expiring, _, err := s.CreateAccountLink(ctx, testenv.Operator, account.Email, true)
	want("another link", err, "")
	e.Clock.Advance(estate.RecoveryLinkLifetime)
	_, err = s.UseLink(ctx, console, expiring, guest)
	want("expired", err, api.CodeLinkNone)

	const password = "correct horse battery"
	want("password, too late", s.SetPassword(ctx, actor, in.Session, password), api.CodeLoginStale)
	person := in.Session.Person()
	in, err = s.Begin(ctx, console, person, estate.SignInPasskey, guest)
	want("begin", err, "")
	want("short password", s.SetPassword(ctx, actor, in.Session, "short"), api.CodeCredential)
	want("password", s.SetPassword(ctx, actor, in.Session, password), "")
	other, err := s.AccountActor(ctx, e.Organization.ID, e.Account(e.Organization.ID, "eve@example.com").ID)
	want("other", err, "")
	want("password by another's session", s.SetPassword(ctx, other, in.Session, password), api.CodeForbidden)

	by := func(word, code string) (signin.SignedIn, error) {
		return s.SignInByPassword(ctx, console, signin.Proof{Email: "Ada@Example.com", Password: estate.Secret(word), Code: code}, guest)
	}
	_, err = by("wrong", "")
	want("wrong password", err, api.CodeLoginWrong)
	_, err = s.SignInByPassword(ctx, house, signin.Proof{Email: account.Email, Password: password}, guest)
	want("account at a tenant", err, api.CodeLoginWrong)
	in, err = by(password, "")
	want("password alone", err, "")

	key, err := s.NewTOTP(console, account.Email, "")
	want("key", err, "")
	code := func() string {
		text, err := totp.GenerateCode(key.Secret(), e.Clock.Now())
		want("code", err, "")
		return text
	}
	want("wrong first code", s.AddTOTP(ctx, actor, in.Session, key.Secret(), "000"), api.CodeCredential)
	want("app", s.AddTOTP(ctx, actor, in.Session, key.Secret(), code()), "")
	codes, err := s.NewRecoveryCodes(ctx, actor, in.Session)
	want("recovery codes", err, "")
	_, err = by(password, "")
	want("without a code", err, api.CodeLoginCode)
	_, err = by(password, code())
	want("a code that was used to set up", err, api.CodeLoginWrong)
	e.Clock.Advance(time.Minute)
	_, err = by(password, code())
	want("code", err, "")
	_, err = by(password, code())
	want("code again", err, api.CodeLoginWrong)
	_, err = by(password, codes[3])
	want("recovery code", err, "")
	_, err = by(password, codes[3])
	want("recovery code again", err, api.CodeLoginWrong)

	for range 10 {
		_, err = by("wrong", "")
	}
	want("after many failures", err, api.CodeLoginTooMany)
	_, err = by(password, codes[4])
	want("right, after many failures", err, api.CodeLoginTooMany)
	e.Clock.Advance(time.Hour)
	in, err = by(password, codes[4])
	want("an hour later", err, "")
	ended, err := s.EndOtherSessions(ctx, actor, in.Session.ID)
	want("end others", err, "")
	left, err := s.Sessions(ctx, actor)
	if want("sessions", err, ""); len(left) != 1 || left[0].ID != in.Session.ID || ended == 0 {
		t.Errorf("left: %+v, ended %d", left, ended)
	}
}
