package httpapi

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// authorize decides what becomes of a person whom a program has sent (RFC 6749
// section 4.1.1).
func authorize(x *exchange) error {
	query := x.r.URL.Query()
	person, err := x.person()
	if err != nil {
		return err
	}
	x.client = query.Get("client_id")
	to, err := x.server.Credential.Authorize(x.r.Context(), x.surface, query, person)
	if err != nil {
		return asBadRequest(err)
	}
	x.noStore()
	http.Redirect(x.w, x.r, to, http.StatusFound)
	return nil
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
		return credential.Person{}, unlessNobody(err)
	}
	actor, err := x.personActor(session)
	if err != nil {
		return credential.Person{}, unlessNobody(err)
	}
	actor.TraceID = x.trace
	x.session = session
	return credential.Person{Actor: actor, AuthenticatedAt: session.CreatedAt}, nil
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
