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
// it has. Cookies never count across origins.

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
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", allow)
	h.Set("Access-Control-Allow-Headers", corsRequestHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	x.w.WriteHeader(http.StatusNoContent)
	return true
}

// shareAll lets pages of every origin read the answer.
func (x *exchange) shareAll() {
	if x.r.Header.Get("Origin") != "" {
		x.w.Header().Set("Access-Control-Allow-Origin", "*")
	}
}

// shareIntegration lets the page that sent the request read the answer, if the web
// integration that it names is one of the tenant, and has the page's origin. What the
// page may do is up to the token that it shows.
func (x *exchange) shareIntegration() {
	origin, id := x.r.Header.Get("Origin"), x.r.Header.Get(api.HeaderWebIntegration)
	if origin == "" || id == "" || x.session.ID != "" || x.surface.Kind != estate.SurfaceTenant {
		return
	}
	if x.server.Directory.AdmitsPage(x.r.Context(), x.surface.Tenant.Scope(), estate.WebIntegrationID(id), origin) {
		h := x.w.Header()
		h.Set("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsAnswerHeaders)
	}
}

// share lets the page that sent the request read the answer, if the client
// allows the page's origin.
func (x *exchange) share(client estate.ClientID) {
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h := x.w.Header()
	h.Add("Vary", "Origin")
	if x.server.Credential.AllowsOrigin(x.r.Context(), client, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsAnswerHeaders)
	}
}
