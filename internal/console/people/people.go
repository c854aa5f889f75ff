// Package people is the pages by which people sign in, at the console and in
// tenants alike, and see to what they sign in with.
package people

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// Paths of pages that others lead to.
const (
	LocalPath   = signin.LocalPath   // where people sign in by what this server keeps
	AccountPath = signin.AccountPath // what the person who is signed in signs in with
	SignOutPath = "/account/sign-out"
)

// script is what passkeys need.
const script = "passkey.js"

// People is the pages of one surface.
type People struct {
	SignIn *signin.Service
	// Providers is the path below which identity providers are administered.
	Providers string
}

// Pages is the table of all pages.
func (p *People) Pages() []frame.Page {
	return []frame.Page{
		{Method: "GET", Path: LocalPath, ID: "signIn", Public: true, Handle: p.show},
		{Method: "POST", Path: LocalPath, ID: "signInByPassword", Public: true, Handle: p.byPassword, Stale: p.tooLate},
		{Method: "POST", Path: LocalPath + "/passkey", ID: "signInByPasskey", Public: true, Handle: p.byPasskey, Stale: p.tooLate},
		{Method: "GET", Path: signin.LinkPath + "{secret}", ID: "link", Public: true, Handle: p.link},
		{Method: "POST", Path: signin.LinkPath + "{secret}", ID: "useLink", Public: true, Handle: p.useLink, Stale: p.linkAgain},
		{Method: "GET", Path: AccountPath, ID: "account", Handle: p.account},
		{Method: "POST", Path: AccountPath + "/password", ID: "setPassword", Handle: p.setPassword},
		{Method: "GET", Path: AccountPath + "/authenticator", ID: "authenticator", Handle: p.authenticator},
		{Method: "POST", Path: AccountPath + "/authenticator", ID: "addAuthenticator", Handle: p.addAuthenticator},
		{Method: "POST", Path: AccountPath + "/recovery-codes", ID: "recoveryCodes", Handle: p.recoveryCodes},
		{Method: "POST", Path: AccountPath + "/passkeys", ID: "addPasskey", Handle: p.addPasskey},
		{Method: "POST", Path: AccountPath + "/credentials/{id}/remove", ID: "removeCredential", Handle: p.remove},
		{Method: "POST", Path: AccountPath + "/sessions/{id}/end", ID: "endSession", Handle: p.endSession},
		{Method: "POST", Path: AccountPath + "/sessions/end-others", ID: "endOtherSessions", Handle: p.endOthers},
		{Method: "POST", Path: AccountPath + "/identities/{provider}/remove", ID: "removeIdentity", Handle: p.removeIdentity},
		{Method: "GET", Path: signin.ResultPath, ID: "testResult", Handle: p.result},
		{Method: "POST", Path: SignOutPath, ID: "signOut", Public: true, Handle: p.signOut, Stale: stay},
	}
}

// login is what the sign-in page shows.
type login struct {
	Email    string
	ReturnTo string
	Code     string // what is wrong about the code
	Problem  string // about the rest
	Already  bool   // somebody has signed in meanwhile
	Passkey  signin.Ceremony

	Elsewhere    string // where an identity provider signs people in; empty: none does
	Provider     string // what that is called; empty: it has no name
	Several      bool   // organizations have one, and it is to be said which
	Organization string // that was named
	Unknown      bool   // and has none
}

func (p *People) show(q *frame.Request) error {
	return p.login(q, http.StatusOK, login{Email: q.Value("login_hint")})
}

// tooLate shows the page again to whoever had it open for too long, or has signed
// in meanwhile.
func (p *People) tooLate(q *frame.Request) error {
	if q.Actor.Kind != "" {
		return p.login(q, http.StatusConflict, login{Email: q.Value("email"), Already: true})
	}
	return p.login(q, http.StatusConflict, login{Email: q.Value("email"), Problem: "This page was open for too long. Nothing has been done yet: sign in now."})
}

func (p *People) login(q *frame.Request, status int, l login) (err error) {
	l.ReturnTo = signin.LocalURL(q.Surface, q.Value("returnto"))
	browser := p.browser(q)
	q.Pass(browserKey, browser)
	if l.Passkey, err = p.SignIn.BeginPasskeyLogin(q.Surface, browser); err != nil {
		return err
	}
	if err := p.elsewhere(q, &l); err != nil {
		return err
	}
	if to, err := url.Parse(l.ReturnTo); err == nil && to.Path == api.AuthorizePath {
		q.AllowFormsTo(to.Query().Get("redirect_uri")) // where a program waits that needs no approval
	}
	return q.RenderNarrow(status, "Sign in", loginPage(l), script)
}

// elsewhere finds out by which identity provider people could sign in: a tenant has
// its own, and at the console each organization may have one.
func (p *People) elsewhere(q *frame.Request, l *login) error {
	if q.Surface.Kind == estate.SurfaceTenant {
		provided, err := p.SignIn.Interactive(q.Context(), q.Surface)
		if provided {
			l.Elsewhere = ui.Query(signin.LoginPath, nil, "prompt", "login", "returnto", l.ReturnTo)
		}
		return err
	}
	only, several, err := p.SignIn.OnlySingleSignOn(q.Context())
	if l.Several, l.Organization = several, q.Value("organization"); several && l.Organization != "" {
		only, err = p.SignIn.SingleSignOnOf(q.Context(), l.Organization)
		if l.Unknown = estate.HasCode(err, api.CodeLoginNoInteractive); l.Unknown {
			err = nil
		}
	}
	if only.Provider != "" {
		l.Elsewhere, l.Provider = ui.Query(signin.LoginPath, nil, "idp", string(only.Provider), "returnto", l.ReturnTo), only.Name
	}
	return err
}

// browserKey is under which what the browser is known by waits for its answer.
const browserKey = "browser"

// browser is what the browser is known by: the same in all its windows.
func (p *People) browser(q *frame.Request) string {
	var known string
	if !q.Take(browserKey, &known) {
		known = signin.NewBrowser()
	}
	return known
}

func (p *People) byPassword(q *frame.Request) error {
	in, err := p.SignIn.SignInByPassword(q.Context(), q.Surface, signin.Proof{
		Email: q.Value("email"), Password: estate.Secret(q.FormValue("password")), Code: q.Value("code"),
	}, q.Guest)
	return p.enter(q, in, err)
}

func (p *People) byPasskey(q *frame.Request) error {
	in, err := p.SignIn.SignInByPasskey(q.Context(), q.Surface, signin.PasskeyProof{Browser: p.browser(q), State: q.Value("state"), Response: q.Value("response")}, q.Guest)
	return p.enter(q, in, err)
}

// enter leads in whoever has signed in, or shows the page again.
func (p *People) enter(q *frame.Request, in signin.SignedIn, err error) error {
	if err == nil {
		q.SignedIn(in.Cookie)
		return q.Redirect(signin.LocalURL(q.Surface, q.Value("returnto")))
	}
	known := frame.Known(err)
	l := login{Email: q.Value("email"), Problem: known.Detail}
	switch known.Code {
	case api.CodeLoginCode:
		l.Problem, l.Code = "Type your password once more, and a code.", known.Detail
		return p.login(q, http.StatusUnprocessableEntity, l)
	case api.CodeLoginWrong:
		return p.login(q, http.StatusUnprocessableEntity, l)
	case api.CodeLoginTooMany:
		q.W.Header().Set("Retry-After", known.Wait())
		return p.login(q, http.StatusTooManyRequests, l)
	}
	return err
}

func (p *People) link(q *frame.Request) error {
	invited, err := p.SignIn.LookAtLink(q.Context(), q.Surface, estate.Secret(q.PathValue("secret")))
	if err != nil {
		return err
	}
	return q.RenderNarrow(http.StatusOK, "Sign in", linkPage(q.URL.Path, invited))
}

func (p *People) useLink(q *frame.Request) error {
	in, err := p.SignIn.UseLink(q.Context(), q.Surface, estate.Secret(q.PathValue("secret")), q.Guest)
	if err != nil {
		return err
	}
	q.SignedIn(in.Cookie)
	return q.Redirect(AccountPath)
}

// linkAgain shows the page of a link again, unless it is the page by which somebody
// has just signed in.
func (p *People) linkAgain(q *frame.Request) error {
	err := p.link(q)
	if estate.HasCode(err, api.CodeLinkNone) && q.Actor.Kind != "" {
		return q.Redirect(AccountPath)
	}
	return err
}

func (p *People) signOut(q *frame.Request) error {
	to, err := p.SignIn.SignOut(q.Context(), q.Surface, q.Guest.Cookie, q.TraceID)
	if err != nil {
		return err
	}
	q.SignedOut()
	q.Leave()
	q.Say("success", "You are signed out.")
	if u, err := url.Parse(to); err == nil && u.Host != "" { // where the identity provider wants people to be, which forms of ours may not lead to
		q.W.Header().Set("Refresh", "1; url="+to)
		return q.RenderNarrow(http.StatusOK, "Signed out", signedOut(to))
	}
	return q.Redirect(LocalPath)
}

// stay leads on who signs out by a page of a session that has ended before. That of
// another session says so, and can be used.
func stay(q *frame.Request) error {
	if q.Actor.Kind == "" {
		return q.Redirect(LocalPath)
	}
	return q.Redirect(AccountPath)
}

// account is what the page about one's own sign-in shows.
type account struct {
	Passkeys []estate.PersonCredential
	Password estate.PersonCredential
	TOTP     estate.PersonCredential
	Codes    int      // recovery codes that are left
	NewCodes []string // that were just made
	Sessions []estate.Session
	Here     estate.SessionID
	Fresh    bool
	SignIn   string // where to sign in anew
	New      bool   // there is nothing to sign in with yet
	Name     string // typed for a new passkey
	Passkey  signin.Ceremony
	Problems frame.FieldErrors

	Identities []signin.Identity // at the organization's identity provider
	Connect    string            // where it could get one; empty: it can't
}

func (p *People) account(q *frame.Request) error {
	a, err := p.accountOf(q)
	if err != nil {
		return err
	}
	q.Take("recovery-codes", &a.NewCodes)
	return q.Render("Sign-in and sessions", accountPage(a), script)
}

func (p *People) accountOf(q *frame.Request) (a account, err error) {
	a = account{Here: q.Session.ID, Fresh: q.Now().Sub(q.Session.CreatedAt) <= signin.FreshFor, SignIn: ui.Query(LocalPath, nil, "returnto", AccountPath)}
	if q.Session.Provider != "" {
		a.SignIn = ui.Query(signin.LoginPath, nil, "idp", string(q.Session.Provider), "prompt", "login", "returnto", AccountPath)
	}
	all, err := p.SignIn.Credentials(q.Context(), q.Actor)
	if err != nil {
		return a, err
	}
	for _, c := range all {
		switch c.Kind {
		case estate.CredentialPasskey:
			a.Passkeys = append(a.Passkeys, c)
		case estate.CredentialPassword:
			a.Password = c
		case estate.CredentialTOTP:
			a.TOTP = c
		case estate.CredentialRecoveryCode:
			a.Codes++
		}
	}
	a.New = len(a.Passkeys) == 0 && a.Password.ID == "" && q.Session.Provider == ""
	if a.Sessions, err = p.SignIn.Sessions(q.Context(), q.Actor); err != nil {
		return a, err
	}
	var available bool
	if a.Identities, available, err = p.SignIn.Identities(q.Context(), q.Actor); err != nil {
		return a, err
	}
	if available && len(a.Identities) == 0 {
		a.Connect = ui.Query(signin.LoginPath, nil, "link", "yes")
	}
	if a.Fresh {
		a.Passkey, err = p.SignIn.BeginPasskey(q.Context(), q.Actor, q.Session, q.Surface)
	}
	return a, err
}

// done says that something was changed, or shows the page again with what is wrong.
func (p *People) done(q *frame.Request, said string, err error) error {
	var known *estate.Error
	if errors.As(err, &known) && known.Kind != estate.Internal {
		a, failed := p.accountOf(q)
		if failed != nil {
			return failed
		}
		a.Name = q.Value("name")
		if a.Problems, failed = frame.Fields(err, map[string]string{"/password": "password", "/name": "name"}); failed != nil {
			return failed
		}
		return q.Again("Sign-in and sessions", accountPage(a), script)
	}
	if err != nil {
		return err
	}
	q.Say("success", said)
	return q.Redirect(AccountPath)
}

func (p *People) setPassword(q *frame.Request) error {
	return p.done(q, "The password is set.", p.SignIn.SetPassword(q.Context(), q.Actor, q.Session, estate.Secret(q.FormValue("password"))))
}

func (p *People) addPasskey(q *frame.Request) error {
	return p.done(q, "The passkey is added.", p.SignIn.AddPasskey(q.Context(), q.Actor, q.Session, q.Surface, q.Value("state"), q.Value("response"), q.Value("name")))
}

func (p *People) remove(q *frame.Request) error {
	return p.done(q, "It is removed.", p.SignIn.RemoveCredential(q.Context(), q.Actor, q.Session, estate.CredentialID(q.PathValue("id"))))
}

func (p *People) removeIdentity(q *frame.Request) error {
	return p.done(q, "Your organization's identity provider doesn't sign you in any more.",
		p.SignIn.RemoveIdentity(q.Context(), q.Actor, q.Session, estate.IdentityProviderID(q.PathValue("provider"))))
}

func (p *People) recoveryCodes(q *frame.Request) error {
	codes, err := p.SignIn.NewRecoveryCodes(q.Context(), q.Actor, q.Session)
	if err == nil {
		q.Pass("recovery-codes", codes)
	}
	return p.done(q, "There are new recovery codes. Those of before don't work any more.", err)
}

func (p *People) endSession(q *frame.Request) error {
	return p.done(q, "The session has ended.", p.SignIn.EndSession(q.Context(), q.Actor, estate.SessionID(q.PathValue("id"))))
}

func (p *People) endOthers(q *frame.Request) error {
	_, err := p.SignIn.EndOtherSessions(q.Context(), q.Actor, q.Session.ID)
	return p.done(q, "All other sessions have ended.", err)
}

// enrolment is what the page for a new authenticator app shows. Its key goes with
// the form, sealed.
type enrolment struct {
	Secret  string
	QR      string // path of an SVG
	Size    int    // of the square
	Problem string
}

// authenticator shows the key of a new authenticator app. It stays the same while
// its codes are typed wrong.
func (p *People) authenticator(q *frame.Request) error {
	return p.enrol(q, "", "")
}

func (p *People) enrol(q *frame.Request, secret, problem string) error {
	name, err := p.SignIn.Name(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	key, err := p.SignIn.NewTOTP(q.Surface, name, secret)
	if err != nil {
		return err
	}
	code, err := qr.Encode(key.URL(), qr.M, qr.Auto)
	if err != nil {
		return err
	}
	e := enrolment{Secret: key.Secret(), Size: code.Bounds().Dx(), Problem: problem}
	var path strings.Builder
	for y := range e.Size {
		for x := range e.Size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				path.WriteString("M" + strconv.Itoa(x+4) + " " + strconv.Itoa(y+4) + "h1v1h-1z")
			}
		}
	}
	e.QR, e.Size = path.String(), e.Size+8 // with the quiet zone
	q.Pass("authenticator", e.Secret)
	if problem != "" {
		return q.Again("Authenticator app", enrolPage(e))
	}
	return q.Render("Authenticator app", enrolPage(e))
}

func (p *People) addAuthenticator(q *frame.Request) error {
	var secret string
	if !q.Take("authenticator", &secret) {
		return p.enrol(q, "", "That took too long. Scan this new picture instead.")
	}
	err := p.SignIn.AddTOTP(q.Context(), q.Actor, q.Session, secret, q.Value("code"))
	if known := frame.Known(err); err != nil && known.Code == api.CodeCredential {
		return p.enrol(q, secret, known.Fields[0].Detail)
	}
	return p.done(q, "The authenticator app is set up. Make recovery codes now, for when you lose it.", err)
}
