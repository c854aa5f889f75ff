package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// signInAfter is the parameter that a request for authorization carries when it
// comes back from a sign-in that it asked for: since when, with a signature.
const signInAfter = "signed_in_after"

// authorize decides what becomes of a person whom a program has sent (RFC 6749
// section 4.1.1).
func authorize(x *exchange) error {
	query := x.r.URL.Query()
	person, err := x.person()
	if err != nil {
		return err
	}
	x.client = query.Get("client_id")
	answer, err := x.server.Credential.Authorize(x.r.Context(), x.surface, x.authorizationRequest(query), person)
	if err != nil {
		return asBadRequest(err)
	}
	x.noStore()
	http.Redirect(x.w, x.r, x.afterAuthorization(query, answer), http.StatusFound)
	return nil
}

// authorizationRequest reads the query of the authorization endpoint.
func (x *exchange) authorizationRequest(query url.Values) credential.AuthorizationRequest {
	r := credential.AuthorizationRequest{SignInAfter: x.openSignIn(query.Get(signInAfter))}
	for name, field := range map[string]*string{
		"client_id": &r.ClientID, "redirect_uri": &r.RedirectURI, "response_type": &r.ResponseType, "scope": &r.Scope, "state": &r.State,
		"code_challenge": &r.Challenge, "code_challenge_method": &r.ChallengeMethod, "prompt": &r.Prompt, "max_age": &r.MaxAge,
	} {
		*field = query.Get(name)
		if len(query[name]) > 1 && (r.Repeated == "" || name == "client_id" || name == "redirect_uri" && r.Repeated != "client_id") {
			r.Repeated = name // the one that counts most
		}
	}
	return r
}

// afterAuthorization is where the browser goes: back to the program, or to what
// the person has to do before.
func (x *exchange) afterAuthorization(query url.Values, a credential.Authorization) string {
	if a.SignIn {
		back := url.Values{}
		for name, values := range query {
			back[name] = values
		}
		back.Del(signInAfter)
		to := url.Values{}
		if a.Fresh {
			back.Set(signInAfter, x.sealSignIn(x.server.Clock()))
			to.Set("prompt", "login")
		}
		to.Set("returnto", api.AuthorizePath+"?"+back.Encode())
		if hint := query.Get("login_hint"); hint != "" {
			to.Set("login_hint", hint)
		}
		return signin.LoginPath + "?" + to.Encode()
	}
	if a.Consent != nil {
		return api.ConsentPath + "?" + query.Encode()
	}
	return x.backToProgram(a)
}

// backToProgram is the redirect URI with the answer.
func (x *exchange) backToProgram(a credential.Authorization) string {
	to := url.Values{"iss": {x.surface.Origin}}
	if a.State != "" {
		to.Set("state", a.State)
	}
	if a.Err == nil {
		to.Set("code", a.Code.Reveal())
	} else {
		entries := wireErrors(a.Err, statusOf[a.Err.Kind])
		to.Set("error", oauthError(a.Err))
		to.Set("error_description", description(entries))
		to.Set("error_code", a.Err.Code)
		if detail := entries[0].Detail; detail != "" {
			to.Set("error_detail", detail)
		}
	}
	join := "?"
	if strings.Contains(a.RedirectURI, "?") {
		join = "&"
	}
	return a.RedirectURI + join + to.Encode()
}

// person is who is signed in at the host by a session. Nobody is the zero Person.
func (x *exchange) person() (credential.Person, error) {
	c := x.sessionCookie()
	if c.Token == "" {
		return credential.Person{}, nil
	}
	ctx := x.r.Context()
	session, err := x.server.SignIn.Session(ctx, x.surface, c)
	if err != nil {
		return credential.Person{}, unlessUnauthenticated(err)
	}
	actor, err := x.server.Credential.UserActor(ctx, x.surface, session.User)
	if err != nil {
		return credential.Person{}, unlessUnauthenticated(err)
	}
	actor.TraceID = x.trace
	return credential.Person{Actor: actor, AuthenticatedAt: session.CreatedAt}, nil
}

func unlessUnauthenticated(err error) error {
	if kindOf(err) == estate.Unauthenticated {
		return nil
	}
	return err
}

// asBadRequest answers 400 to who sends a person for a client that there isn't:
// nobody has to authenticate anew for that.
func asBadRequest(err error) error {
	var e *estate.Error
	if errors.As(err, &e) && e.Kind == estate.Unauthenticated && e.Code == api.CodeOAuthInvalidClient {
		return statusError{http.StatusBadRequest, e}
	}
	return err
}

// sealSignIn writes down when a sign-in was asked for, so that only this server
// can have.
func (x *exchange) sealSignIn(at time.Time) string {
	text := strconv.FormatInt(at.UnixMilli(), 10)
	return text + "." + x.signSignIn(text)
}

func (x *exchange) openSignIn(sealed string) time.Time {
	text, signature, _ := strings.Cut(sealed, ".")
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !hmac.Equal([]byte(signature), []byte(x.signSignIn(text))) {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func (x *exchange) signSignIn(text string) string {
	mac := hmac.New(sha256.New, x.server.Credential.Derive("sign-in that was asked for"))
	mac.Write([]byte(string(x.surface.Tenant.ID) + " " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// askAlong hands on to an identity provider what a program asked about the
// sign-in.
func askAlong(to string, query url.Values) string {
	ask := url.Values{}
	if query.Get("prompt") == "login" {
		ask.Set("prompt", "login")
	}
	if hint := query.Get("login_hint"); hint != "" {
		ask.Set("login_hint", hint)
	}
	if len(ask) == 0 {
		return to
	}
	return to + "&" + ask.Encode()
}
