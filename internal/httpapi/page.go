package httpapi

import (
	"net/http"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/visit"
)

// Pages are what people see in a browser. They get requests whose context carries
// a visit.Visit, and that no operation answers.
type Pages interface {
	http.Handler
	// Serves tells whether a request at a surface of the kind is for a page.
	Serves(kind estate.SurfaceKind, r *http.Request) bool
}

// showPage answers with a page, if the request is for one, or is a browser's for
// what is nothing at all.
func (x *exchange) showPage() bool {
	pages := x.server.Pages
	if pages == nil || !pages.Serves(x.surface.Kind, x.r) && (!navigates(x.r) || x.surface.Kind == estate.SurfaceRegister) {
		return false
	}
	actor, err := x.visitor()
	x.visit(actor, err)
	return true
}

// showProblem answers a browser with a page that says why there is nothing to be
// had at the host.
func (x *exchange) showProblem(err error) bool {
	if x.server.Pages == nil || !navigates(x.r) && !strings.HasPrefix(x.r.URL.Path, pagesOwn) {
		return false
	}
	x.visit(estate.Actor{}, err)
	return true
}

// pagesOwn is the path below which pages have what they load.
const pagesOwn = "/-/"

// navigates tells whether a browser asks, on behalf of somebody who looks at it,
// for something that is not the API's.
func navigates(r *http.Request) bool {
	for _, prefix := range []string{"/api/", "/oauth/token", "/.well-known/", "/openapi.json"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodPost) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (x *exchange) visit(actor estate.Actor, problem error) {
	actor.TraceID = x.trace
	x.actor = actor
	v := &visit.Visit{Surface: x.surface, Actor: actor, TraceID: x.trace, Problem: problem}
	x.server.Pages.ServeHTTP(x.w, x.r.WithContext(visit.With(x.r.Context(), v)))
	x.op.id, x.err = "page", v.Err
	if v.Page != "" {
		x.op.id += "." + v.Page
	}
	if x.err == nil {
		x.err = problem
	}
}

// visitor is who is signed in: nobody, if there is no session. Pages see to it
// themselves that nothing comes from another site.
func (x *exchange) visitor() (estate.Actor, error) {
	c := x.sessionCookie()
	if c.Token == "" {
		return estate.Actor{}, nil
	}
	ctx := x.r.Context()
	session, err := x.server.SignIn.Session(ctx, x.surface, c)
	if err != nil {
		return estate.Actor{}, unlessNobody(err)
	}
	actor, err := x.personActor(session)
	if err != nil {
		return estate.Actor{}, unlessNobody(err)
	}
	x.session = session
	return actor, nil
}

// unlessNobody is err, but for what says that nobody is signed in.
func unlessNobody(err error) error {
	if kindOf(err) == estate.Unauthenticated {
		return nil
	}
	return err
}
