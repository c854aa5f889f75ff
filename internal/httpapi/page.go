package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/throttle"
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
	if pages == nil {
		return false
	}
	toRoot := x.surface.Kind == estate.SurfaceTenant && x.r.URL.Path == "/" // where programs find nothing
	if (toRoot || !pages.Serves(x.surface.Kind, x.r)) && (!navigates(x.r) || x.surface.Kind == estate.SurfaceRegister) {
		return false
	}
	person, err := x.person() // pages see to it themselves that nothing comes from another site
	if err == nil && !strings.HasPrefix(x.r.URL.Path, pagesOwn) {
		err = x.limitVisits(person.Actor.ID)
	}
	x.visit(person.Actor, err)
	return true
}

// How many pages and forms somebody gets in throttle.Span: far more than people
// look at, and few enough that nobody keeps the server busy with them, for which each
// counts by itself. Who is signed in counts alone, and guests by the network that they
// come from, which many may share.
const (
	maxVisits       = 6000
	maxForms        = 600
	maxGuestVisits  = 3000
	maxGuestForms   = 300
	maxVisitors     = 16_384
	formVisitPrefix = "form "
)

// limitVisits counts a page or a form of a person; of a guest, if person is empty.
func (x *exchange) limitVisits(person string) error {
	who, visits, forms := string(x.surface.Tenant.ID)+" "+person, int64(maxVisits), int64(maxForms)
	if person == "" {
		network := throttle.Network(x.address())
		if !network.IsValid() {
			return nil
		}
		who, visits, forms = network.String(), maxGuestVisits, maxGuestForms
	}
	now := x.server.Clock()
	if wait := x.server.visits.Take(who, visits, now); wait > 0 {
		return x.tooManyVisits(wait)
	}
	if x.r.Method == http.MethodPost {
		if wait := x.server.visits.Take(formVisitPrefix+who, forms, now); wait > 0 {
			return x.tooManyVisits(wait)
		}
	}
	return nil
}

func (x *exchange) tooManyVisits(wait time.Duration) error {
	e := estate.E(estate.RateLimited, api.CodeRateLimited, "Too many pages", fmt.Sprintf("Wait %d seconds, then go on.", int64(wait/time.Second)))
	e.RetryAfter = wait
	return e
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
	v := &visit.Visit{
		Surface: x.surface, Actor: actor, TraceID: x.trace, Problem: problem,
		Session: x.session, Guest: x.guest(), SignedIn: x.setSession, SignedOut: x.clearSession,
	}
	x.server.Pages.ServeHTTP(x.w, x.r.WithContext(visit.With(x.r.Context(), v)))
	name := "page"
	if v.Page != "" {
		name += "." + v.Page
	}
	x.op, x.err = &operation{id: name}, v.Err
	if x.err == nil {
		x.err = problem
	}
}

// unlessNobody is err, but for what says that nobody is signed in.
func unlessNobody(err error) error {
	if kindOf(err) == estate.Unauthenticated {
		return nil
	}
	return err
}
