package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// The cookies of a session, by the contract's names, and that of a login which is
// under way.
const (
	cookieSession   = "eas.sid"
	cookieSignature = "eas.sid.sig"
	cookieCSRF      = "_csrfToken"
	cookieLogin     = "login.state"
)

const jwtSessionPath = "/login/jwt-session"

// sessionCookie is what the request shows of a session.
func (x *exchange) sessionCookie() signin.Cookie {
	var c signin.Cookie
	if x.surface.Kind == estate.SurfaceRegister {
		return c
	}
	if token, err := x.r.Cookie(cookieSession); err == nil {
		c.Token = estate.Secret(token.Value)
	}
	if signature, err := x.r.Cookie(cookieSignature); err == nil {
		c.Signature = signature.Value
	}
	return c
}

// authenticateSession finds out who is signed in. Browsers send cookies along
// whoever makes them send a request: one that changes something must come from a
// page of this host, which knows the CSRF token.
func (x *exchange) authenticateSession(c signin.Cookie) (estate.Actor, error) {
	session, err := x.server.SignIn.Session(x.r.Context(), x.surface, c)
	if err != nil {
		return estate.Actor{}, err
	}
	if !isSafe(x.r.Method) {
		if err := x.sameOrigin(); err != nil {
			return estate.Actor{}, err
		}
		if !x.op.form { // forms can't send it; what they do is for people to see, and no other site can make a browser send one
			if err := signin.CheckCSRF(c, x.r.Header.Get(api.HeaderCSRF)); err != nil {
				return estate.Actor{}, err
			}
		}
	}
	x.session = session
	return x.personActor(session)
}

// personActor is the person whose session it is, as that may act now.
func (x *exchange) personActor(session estate.Session) (estate.Actor, error) {
	if session.Account != "" {
		return x.server.SignIn.AccountActor(x.r.Context(), session.Organization, session.Account)
	}
	return x.server.Credential.UserActor(x.r.Context(), x.surface, session.User)
}

// guest is what is known of who sends the request before anybody signs in.
func (x *exchange) guest() signin.Visitor {
	return signin.Visitor{Cookie: x.sessionCookie(), Agent: x.r.UserAgent(), Address: x.address(), TraceID: x.trace}
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin refuses what a browser says a page of another origin has sent.
func (x *exchange) sameOrigin() error {
	if new(http.CrossOriginProtection).Check(x.r) != nil {
		return errCrossOrigin
	}
	return nil
}

// ownNavigation refuses a GET that changes something if the browser says that a page
// of another host made it go there. Those of other tenants count as the same site, so
// that is not enough.
func (x *exchange) ownNavigation() error {
	switch x.r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // an old browser or none; typed, or a bookmark; this host
		return nil
	}
	return errCrossOrigin
}

var errCrossOrigin = estate.E(estate.Forbidden, api.CodeCSRF, "Cross-origin request", "With a session cookie, only pages of this host can change something.")

// setSession hands the cookies of a session to the browser.
func (x *exchange) setSession(c signin.Cookie) {
	for name, value := range map[string]string{
		cookieSession: c.Token.Reveal(), cookieSignature: c.Signature, cookieCSRF: signin.CSRFToken(c.Token),
	} {
		http.SetCookie(x.w, x.cookie(name, value))
	}
	x.noStore()
}

// clearSession makes the browser forget the session.
func (x *exchange) clearSession() {
	for _, name := range []string{cookieSession, cookieSignature, cookieCSRF} {
		cookie := x.cookie(name, "") //nolint:gosec // see cookie
		cookie.MaxAge = -1
		http.SetCookie(x.w, cookie)
	}
	x.noStore()
}

// cookie is one of a session. Over https, pages of other sites may embed what is
// in a tenant, so that it is sent to them too; what they can't do with it is seen to
// by authenticateSession. Nobody embeds the console.
func (x *exchange) cookie(name, value string) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if x.secure() {
		c.Secure = true
	}
	if x.secure() && x.surface.Kind == estate.SurfaceTenant {
		c.SameSite = http.SameSiteNoneMode
	}
	return c
}

func (x *exchange) secure() bool { return x.server.Scheme == "https" }

// loginCookie keeps the state of a login while the browser is away, or forgets it.
// It comes back only when the identity provider sends the browser back.
func (x *exchange) loginCookie(state string) {
	c := &http.Cookie{ //nolint:gosec // Secure wherever the server is reached by https
		Name: cookieLogin, Value: state, Path: signin.LoginPath, MaxAge: int(signin.LoginLifetime.Seconds()),
		HttpOnly: true, Secure: x.secure(), SameSite: http.SameSiteLaxMode,
	}
	if state == "" {
		c.MaxAge = -1
	}
	http.SetCookie(x.w, c)
	x.noStore()
}

func createSession(x *exchange) error {
	scheme, token, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = "" // which is refused like any other that is wrong
	}
	signedIn, err := x.server.SignIn.SignInByJWT(x.r.Context(), x.surface, strings.TrimSpace(token), x.guest())
	if err != nil {
		return err
	}
	x.setSession(signedIn.Cookie)
	return x.done()
}

func getCSRFToken(x *exchange) error {
	if x.session.ID != "" {
		x.w.Header().Set(api.HeaderCSRF, signin.CSRFToken(x.sessionCookie().Token))
	}
	x.noStore()
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

func beginLogin(x *exchange) error {
	if err := x.limitVisits(""); err != nil {
		return x.unlessShown(err)
	}
	query := x.r.URL.Query()
	if query.Get("link") != "" && x.surface.Kind == estate.SurfaceConsole {
		return x.beginLink()
	}
	r := signin.LoginRequest{Provider: estate.IdentityProviderID(query.Get("idp")), ReturnTo: query.Get("returnto"), TraceID: x.trace}
	departure, err := x.server.SignIn.BeginLogin(x.r.Context(), x.surface, r)
	switch {
	case err == nil:
		departure.URL = askAlong(departure.URL, query)
	case estate.HasCode(err, api.CodeLoginNoInteractive) && navigates(x.r):
		to := url.Values{"returnto": {signin.LocalURL(x.surface, r.ReturnTo)}}
		if hint := query.Get("login_hint"); hint != "" {
			to.Set("login_hint", hint)
		}
		http.Redirect(x.w, x.r, signin.LocalPath+"?"+to.Encode(), http.StatusFound)
		return nil
	}
	return x.depart(departure, err)
}

// beginLink sends the account that is signed in to its organization's identity
// provider, to be known there.
func (x *exchange) beginLink() error {
	if err := x.ownNavigation(); err != nil {
		return x.unlessShown(err)
	}
	person, err := x.person()
	switch {
	case err != nil:
		return err
	case person.Actor.Kind == "":
		http.Redirect(x.w, x.r, signin.LocalPath+"?"+url.Values{"returnto": {signin.AccountPath}}.Encode(), http.StatusFound)
		return nil
	}
	departure, err := x.server.SignIn.BeginLink(x.r.Context(), person.Actor, x.session, x.surface)
	if err == nil { // somebody else may be signed in there
		departure.URL = askAlong(departure.URL, url.Values{"prompt": {"login"}})
	}
	return x.depart(departure, err)
}

func beginLoginTest(x *exchange) error {
	if err := x.ownNavigation(); err != nil {
		return x.unlessShown(err)
	}
	id := estate.IdentityProviderID(x.r.URL.Query().Get("idp"))
	departure, err := x.server.SignIn.BeginTest(x.r.Context(), x.actor, x.surface, id)
	if estate.HasCode(err, api.CodeIDPUnverified) && navigates(x.r) { // which is kept as the result
		return x.showResult(id)
	}
	return x.depart(departure, err)
}

// showResult sends a browser to the page that shows how a test went.
func (x *exchange) showResult(id estate.IdentityProviderID) error {
	http.Redirect(x.w, x.r, signin.ResultPath+"?"+url.Values{"idp": {string(id)}}.Encode(), http.StatusFound)
	return nil
}

// unlessShown is err, unless a page has said so to a person.
func (x *exchange) unlessShown(err error) error {
	if x.showProblem(err) {
		return nil
	}
	return err
}

// depart sends the browser to an identity provider.
func (x *exchange) depart(d signin.Departure, err error) error {
	if err != nil {
		return x.unlessShown(err)
	}
	x.loginCookie(d.State)
	http.Redirect(x.w, x.r, d.URL, http.StatusFound)
	return nil
}

func finishLogin(x *exchange) error {
	var state string
	if cookie, err := x.r.Cookie(cookieLogin); err == nil {
		state = cookie.Value
	}
	x.loginCookie("")
	arrived, err := x.server.SignIn.FinishLogin(x.r.Context(), x.surface, state, x.identityProvider(), x.r.URL.Query(), x.guest())
	switch {
	case err != nil:
		return x.unlessShown(err)
	case arrived.Test != nil && navigates(x.r):
		return x.showResult(arrived.Provider)
	case arrived.Test != nil:
		x.writeJSON(http.StatusOK, arrived.Test)
		return nil
	case arrived.Cookie.Token != "":
		x.setSession(arrived.Cookie)
	}
	http.Redirect(x.w, x.r, arrived.ReturnTo, http.StatusFound)
	return nil
}

// logout ends the session, if there is one, and sends the browser on.
func logout(x *exchange) error {
	if err := x.ownNavigation(); err != nil {
		return x.unlessShown(err)
	}
	to, err := x.signOut()
	if err != nil {
		return err
	}
	if to == "" {
		to = "/"
	}
	http.Redirect(x.w, x.r, to, http.StatusFound)
	return nil
}

// deleteSession is logout for scripts of a page.
func deleteSession(x *exchange) error {
	if err := x.sameOrigin(); err != nil {
		return err
	}
	if _, err := x.signOut(); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (x *exchange) signOut() (string, error) {
	to, err := x.server.SignIn.SignOut(x.r.Context(), x.surface, x.sessionCookie(), x.trace)
	if err == nil {
		x.clearSession()
	}
	return to, err
}

// topLevelCode is the code that the contract's clients look for outside of the
// list of errors: by it they get a new CSRF token, and try once more.
func topLevelCode(e *estate.Error) string {
	if e.Code == api.CodeCSRF {
		return e.Code
	}
	return ""
}
