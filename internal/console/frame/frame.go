// Package frame is how pages of the console are served: routes in tables, who may
// see them, forms that do one thing once, messages for the next page, errors as
// pages. It is to pages what httpapi is to the JSON API, and decides as little.
package frame

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/assets"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/visit"
)

// Page is a row of a table of pages.
type Page struct {
	Method string // GET or POST
	Path   string // as http.ServeMux has it
	ID     string // for the log
	Public bool   // also for who isn't signed in
	Handle func(*Request) error
	// Stale answers a form that was open for too long, or was made for somebody
	// else's session, instead of Handle; nil: it is asked for once more.
	Stale func(*Request) error
}

// Site is the pages of one surface.
type Site struct {
	Kind    estate.SurfaceKind
	Pages   []Page
	Nav     func(*Request) []ui.NavGroup
	Place   func(*Request) string // organization or tenant; may be nil
	Person  func(*Request) string // who is signed in; may be nil
	SignIn  string                // where people are sent who aren't
	SignOut string                // where the button of the shell posts to
	Account string                // page about the person's own sign-in
	// Refused says what would help who can't have something, and who can give it; may
	// be nil.
	Refused func(*Request, *estate.Error) string
}

// Sealer keeps what browsers carry for the server from being read or made up. It
// is what all processes on the same database have in common.
type Sealer interface {
	Seal(purpose, id string, plain []byte) ([]byte, error)
	Open(purpose, id string, sealed []byte) ([]byte, error)
}

// Frame serves sites.
type Frame struct {
	now    func() time.Time
	keys   Sealer
	assets *assets.Files
	sites  map[estate.SurfaceKind]*site
	forms  Forms
}

type site struct {
	Site
	mux *http.ServeMux
}

// New makes a Frame.
func New(keys Sealer, forms Forms, now func() time.Time, sites ...Site) (*Frame, error) {
	files, err := assets.Load()
	if err != nil {
		return nil, err
	}
	f := &Frame{now: now, keys: keys, assets: files, sites: map[estate.SurfaceKind]*site{}, forms: forms}
	for _, s := range sites {
		made := &site{Site: s, mux: http.NewServeMux()}
		for _, p := range append(s.Pages, Page{Method: http.MethodPost, Path: themePath, ID: "theme", Public: true, Handle: setTheme}) {
			made.mux.Handle(p.Method+" "+p.Path, f.serve(made, p))
			if levels := levelsToPage(s.Pages, p); levels > 0 {
				made.mux.Handle(http.MethodGet+" "+p.Path, up(levels))
			}
		}
		made.mux.Handle(assets.Prefix, files)
		f.sites[s.Kind] = made
	}
	return f, nil
}

// levelsToPage is how many segments the path of a form has more than that of the page it
// belongs to; 0 if its own path is a page, or there is none above it.
func levelsToPage(pages []Page, form Page) int {
	path := form.Path
	for levels := 0; form.Method == http.MethodPost && path != ""; levels++ {
		if slices.ContainsFunc(pages, func(p Page) bool { return p.Method == http.MethodGet && p.Path == path }) {
			return levels
		}
		path = path[:strings.LastIndex(path, "/")]
	}
	return 0
}

// up leads to the page that is so many levels above: the address of a form that was
// refused stays in the browser, and people load it again or keep it.
func up(levels int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		for range levels {
			path = path[:strings.LastIndex(path, "/")]
		}
		http.Redirect(w, r, path, http.StatusSeeOther)
	})
}

// Serves tells whether a request at a surface of the kind is answered by a page.
func (f *Frame) Serves(kind estate.SurfaceKind, r *http.Request) bool {
	s, ok := f.sites[kind]
	if !ok {
		return false
	}
	_, pattern := s.mux.Handler(r)
	return pattern != ""
}

// ServeHTTP implements http.Handler, for requests whose context carries a visit.
func (f *Frame) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := visit.From(r.Context())
	s, ok := f.sites[v.Surface.Kind]
	if !ok {
		s = &site{}
	}
	q := &Request{Request: r, W: w, Visit: v, frame: f, site: s, asset: f.assets.Path}
	q.security(nil)
	switch _, pattern := q.muxHandler(); {
	case v.Problem != nil && strings.HasPrefix(r.URL.Path, assets.Prefix):
		f.assets.ServeHTTP(w, r)
	case v.Problem != nil:
		q.fail(v.Problem)
	case pattern == "":
		q.fail(estate.E(estate.NotFound, api.CodeNotFound, "No such page", "There is nothing at this address, or not for you."))
	default:
		s.mux.ServeHTTP(w, r)
	}
}

func (q *Request) muxHandler() (http.Handler, string) {
	if q.site.mux == nil {
		return nil, ""
	}
	return q.site.mux.Handler(q.Request)
}

// maxForm is the largest form that is read: contracts' keys and texts are small.
const maxForm = 256 << 10

// serve makes the handler of a page: the steps that none can forget.
func (f *Frame) serve(s *site, p Page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &Request{Request: r, W: w, Visit: visit.From(r.Context()), frame: f, site: s, asset: f.assets.Path}
		q.Visit.Page = p.ID
		q.security(nil)
		w.Header().Set("Cache-Control", "no-store")
		if !p.Public && q.Actor.Kind == "" {
			q.askToSignIn()
			return
		}
		if p.Method == http.MethodGet {
			q.fail(p.Handle(q))
			return
		}
		if new(http.CrossOriginProtection).Check(r) != nil {
			q.fail(estate.E(estate.Forbidden, api.CodeCSRF, "Sent from another site", "Only pages of this host can change something here."))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			q.fail(estate.E(estate.Invalid, api.CodeInvalidRequest, "The form could not be read", ""))
			return
		}
		if p.Path == themePath {
			q.fail(p.Handle(q))
			return
		}
		q.submit(p)
	})
}

// askToSignIn leads to the sign-in page, and from there back here.
func (q *Request) askToSignIn() {
	if q.site.SignIn == "" {
		q.fail(estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Not signed in", ""))
		return
	}
	if q.Method == http.MethodPost { // what was sent would be lost without a word, and a browser leads no form to a provider's host
		q.fail(estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "You were signed out", "Nothing was saved. Sign in, and send it again."))
		return
	}
	back := url.Values{}
	if q.Method == http.MethodGet && q.URL.Path != "/" {
		back.Set("returnto", q.URL.RequestURI())
	}
	http.Redirect(q.W, q.Request, ui.Query(q.site.SignIn, back), http.StatusSeeOther)
}

// security sets the headers by which browsers refuse what no page here does.
// Forms lead to this host, and to where formsTo says.
func (q *Request) security(formsTo []string) {
	h := q.W.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+
		strings.Join(append([]string{""}, formsTo...), " "))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// status is the HTTP status of a page that shows err.
var statusOf = map[estate.Kind]int{
	estate.Internal:        http.StatusInternalServerError,
	estate.Invalid:         http.StatusBadRequest,
	estate.Unauthenticated: http.StatusUnauthorized,
	estate.Forbidden:       http.StatusForbidden,
	estate.NotFound:        http.StatusNotFound,
	estate.Conflict:        http.StatusConflict,
	estate.Precondition:    http.StatusPreconditionFailed,
	estate.Unprocessable:   http.StatusUnprocessableEntity,
	estate.RateLimited:     http.StatusTooManyRequests,
	estate.Unavailable:     http.StatusServiceUnavailable,
}

// fail shows err as a page, if there is one. What is not an *estate.Error tells
// people nothing but the trace id.
func (q *Request) fail(err error) {
	if err == nil {
		return
	}
	q.Visit.Err = err
	e := Known(err)
	help := ""
	if (e.Kind == estate.Forbidden || e.Kind == estate.Unauthenticated) && q.site.Refused != nil {
		help = q.site.Refused(q, e)
	}
	detail := e.Detail
	for _, f := range e.Fields {
		if detail == "" {
			detail = f.Detail
		}
	}
	if wait := e.Wait(); wait != "" {
		q.W.Header().Set("Retry-After", wait)
	}
	trace := ""
	if e.Kind == estate.Internal || e.Kind == estate.Unavailable {
		trace = q.TraceID
	}
	q.write(statusOf[e.Kind], e.Title, ui.Narrow(false), ui.Problem(e.Title, detail, help, trace))
}

// Known is err as one that may be shown.
func Known(err error) *estate.Error {
	var e *estate.Error
	if !errors.As(err, &e) || e.Kind == estate.Internal {
		return estate.E(estate.Internal, api.CodeInternal, "Something went wrong here", "The server's log has the details under the trace id.").Because(err)
	}
	return e
}

// write renders a page as a whole before any of it is sent.
func (q *Request) write(status int, title string, shell, body templ.Component) {
	ctx := ui.With(q.Context(), q.chrome(title))
	var page bytes.Buffer
	if err := shell.Render(templ.WithChildren(ctx, body), &page); err != nil {
		q.Visit.Err = errors.Join(q.Visit.Err, err)
		http.Error(q.W, "Something went wrong here. Trace id "+q.TraceID, http.StatusInternalServerError)
		return
	}
	h := q.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	q.W.WriteHeader(status)
	_, _ = q.W.Write(page.Bytes()) // the browser may be gone
}
