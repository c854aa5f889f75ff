package httpapi

import (
	"net/http"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol). A
// preflight names no client, so every origin gets a yes to it; whether a page
// may read an answer is decided by the allowed origins of the client whose token
// it has. Browsers may send cookies along, as they do for @qlik/api, but cookies
// never count across origins.

// What pages send, and may read, beyond what every page may.
var (
	corsRequestHeaders = strings.Join([]string{
		"Authorization", "Content-Type", "DPoP", "Idempotency-Key", "Prefer", "Qlik-Api-Version", "Qlik-Confirm-Delete",
		"Qlik-Confirm-Hostname", "Qlik-Csrf-Token", "Qlik-Web-Integration-Id", "Traceparent", "User-Agent", "X-B3-Traceid",
	}, ", ")
	corsAnswerHeaders = strings.Join([]string{
		"Deprecation", "DPoP-Nonce", "Link", "Location", "Retry-After", "Sunset", "WWW-Authenticate", "X-B3-Traceid",
	}, ", ")
)

// corsMaxAge is how long a browser may remember a preflight, in seconds: the
// most that browsers accept.
const corsMaxAge = "7200"

// preflight answers a CORS preflight for a path with the methods allow; false:
// it is none.
func (x *exchange) preflight(allow string) bool {
	if x.r.Method != http.MethodOptions || x.r.Header.Get("Origin") == "" || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := x.w.Header()
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", x.r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Methods", allow)
	h.Set("Access-Control-Allow-Headers", corsRequestHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	x.w.WriteHeader(http.StatusNoContent)
	return true
}

// cookiesCount tells whether the answer may depend on cookies. Then no page of
// another origin may read one to a request with which cookies were sent. An
// Authorization header has authenticate pass cookies over, in requests of pages of
// other origins always; what is public, such as to sign in and out, does not
// authenticate.
func (x *exchange) cookiesCount() bool {
	return !isOAuth(x.r.URL.Path) && (x.op.public || x.r.Header.Get("Authorization") == "")
}

// shareAll lets pages of every origin read the answer.
func (x *exchange) shareAll() {
	switch origin := x.r.Header.Get("Origin"); {
	case origin == "":
	case x.cookiesCount():
		x.w.Header().Set("Access-Control-Allow-Origin", "*")
	default:
		x.shareWith(origin)
	}
}

// shareWith lets pages of the origin read the answer, also if cookies were sent.
func (x *exchange) shareWith(origin string) {
	h := x.w.Header()
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", corsAnswerHeaders)
}

// shareIntegration lets the page that sent the request read the answer, if the web
// integration that it names is one of the tenant, and has the page's origin. What the
// page may do is up to the token that it shows.
func (x *exchange) shareIntegration() {
	origin, id := x.r.Header.Get("Origin"), x.r.Header.Get(api.HeaderWebIntegration)
	if origin == "" || id == "" || x.cookiesCount() || x.surface.Kind != estate.SurfaceTenant {
		return
	}
	if x.server.Directory.AdmitsPage(x.r.Context(), x.surface.Tenant.Scope(), estate.WebIntegrationID(id), origin) {
		x.shareWith(origin)
	}
}

// share lets the page that sent the request read the answer, if the client
// allows the page's origin.
func (x *exchange) share(client estate.ClientID) {
	origin := x.r.Header.Get("Origin")
	if origin == "" || x.cookiesCount() {
		return
	}
	x.w.Header().Set("Vary", "Origin")
	if x.server.Credential.AllowsOrigin(x.r.Context(), client, origin) {
		x.shareWith(origin)
	}
}
