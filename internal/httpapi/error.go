package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// statusOf is the HTTP status of each kind of error.
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

// statusError is an error of HTTP itself, which has a status of its own.
type statusError struct {
	status int
	err    *estate.Error
}

// Error implements error.
func (e statusError) Error() string { return e.err.Error() }

// Unwrap makes errors.As find the estate.Error.
func (e statusError) Unwrap() error { return e.err }

// oauthErrors are the RFC 6749 names of error codes. Other codes answer with
// the name of their kind.
var oauthErrors = map[string]string{
	api.CodeOAuthInvalidRequest:       "invalid_request",
	api.CodeOAuthUnsupportedGrantType: "unsupported_grant_type",
	api.CodeOAuthInvalidScope:         "invalid_scope",
	api.CodeOAuthUnauthorizedClient:   "unauthorized_client",
	api.CodeOAuthInvalidClient:        "invalid_client",
	api.CodeOAuthInvalidProof:         "invalid_dpop_proof",
	api.CodeOAuthUseNonce:             "use_dpop_nonce",
	api.CodeOAuthInvalidTarget:        "invalid_target",
	api.CodeOAuthInvalidUser:          "invalid_grant",
	api.CodeOAuthInvalidGrant:         "invalid_grant",
	api.CodeOAuthRedirectURI:          "invalid_request",
	api.CodeOAuthPending:              "authorization_pending",
	api.CodeOAuthSlowDown:             "slow_down",
	api.CodeOAuthDeviceExpired:        "expired_token",
	api.CodeOAuthRegistrationURI:      "invalid_redirect_uri",
	api.CodeOAuthRegistrationInvalid:  "invalid_client_metadata",
}

func oauthError(e *estate.Error) string {
	if name, ok := oauthErrors[e.Code]; ok {
		return name
	}
	switch e.Kind {
	case estate.Unauthenticated:
		return "invalid_client"
	case estate.Forbidden:
		return "access_denied"
	case estate.Internal:
		return "server_error"
	case estate.Unavailable, estate.RateLimited:
		return "temporarily_unavailable"
	default:
		return "invalid_request"
	}
}

// fail answers with err. What is not an *estate.Error tells the caller nothing
// but the trace id.
func (x *exchange) fail(err error) {
	x.err = err
	if x.w.status != 0 {
		return // the answer has begun; nothing can be taken back
	}
	var e *estate.Error
	if !errors.As(err, &e) {
		e = estate.E(estate.Internal, api.CodeInternal, "Internal server error", "The server's log has the details under the trace id.")
		if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
			e = estate.E(estate.Unavailable, api.CodeUnavailable, "Request abandoned", "The client closed the connection.")
		}
		if x.op.internalCode != "" {
			e.Code = x.op.internalCode
		}
	}
	status := statusOf[e.Kind]
	var se statusError
	if errors.As(err, &se) {
		status = se.status
	}
	x.challenge(e, status)
	if x.client == "" && x.actor.ID == "" {
		x.shareAll() // it is not known whose origins to ask for, and there is nothing of anybody's in it
	}
	if wait := e.Wait(); wait != "" {
		x.w.Header().Set("Retry-After", wait)
	}
	entries := wireErrors(e, status)
	if isOAuth(x.r.URL.Path) {
		x.noStore()
		x.writeJSON(status, api.OAuthErrorBody{OAuthError: oauthError(e), ErrorDescription: description(entries), Errors: entries, TraceID: x.trace})
		return
	}
	x.writeJSON(status, api.ErrorBody{Code: topLevelCode(e), Errors: entries, TraceID: x.trace})
}

// challenge says in the header how to authenticate (RFC 6749 section 5.2, RFC
// 6750 section 3).
func (x *exchange) challenge(e *estate.Error, status int) {
	var value string
	_, token := presentedToken(x.r.Header.Get("Authorization"))
	switch {
	case proofErrors[e.Code] != "": // also at the endpoints about tokens, where an access token may say who asks
		value = `DPoP realm="freehold", error="` + proofErrors[e.Code] + `", algs="` + strings.Join(credential.ProofAlgorithms(), " ") + `"`
	case isOAuth(x.r.URL.Path) && e.Code != api.CodeUnauthenticated:
		if _, _, basic := x.r.BasicAuth(); status == http.StatusUnauthorized && basic {
			value = `Basic realm="freehold"`
		}
	case status == http.StatusUnauthorized && token == "": // which could be wrong
		value = `Bearer realm="freehold"` + x.resourceMetadata(e)
	case status == http.StatusUnauthorized:
		value = `Bearer realm="freehold", error="invalid_token"` + x.resourceMetadata(e)
	case e.Code == api.CodeInsufficientScope:
		value = `Bearer realm="freehold", error="insufficient_scope"`
	}
	if value != "" {
		x.w.Header().Set("WWW-Authenticate", value)
	}
}

// proofErrors are what RFC 9449 section 7.1 calls what is wrong with a DPoP
// proof, or with a token that needs one.
var proofErrors = map[string]string{
	api.CodeInvalidProof: "invalid_dpop_proof",
	api.CodeUseNonce:     "use_dpop_nonce",
	api.CodeTokenBound:   "invalid_token",
}

// resourceMetadata leads a client that knows nothing but the API to the tokens
// that it needs (RFC 9728 section 5.1). A host that nobody answers at has none.
func (x *exchange) resourceMetadata(e *estate.Error) string {
	if x.surface.Origin == "" || e.Code != api.CodeUnauthenticated {
		return ""
	}
	return `, resource_metadata="` + x.surface.Origin + resourcePath + `"`
}

// wireErrors writes e as entries of the envelope: one, or one a field.
func wireErrors(e *estate.Error, status int) []api.Error {
	entry := api.Error{Code: e.Code, Title: e.Title, Detail: e.Detail, Status: strconv.Itoa(status)}
	if e.Code == api.CodeRateLimited {
		entry.Status = "" // the contract's body has none
	}
	if len(e.Fields) == 0 {
		return []api.Error{entry}
	}
	entries := make([]api.Error, len(e.Fields))
	for i, f := range e.Fields {
		entries[i] = entry
		if entries[i].Detail == "" {
			entries[i].Detail = f.Detail
		}
		entries[i].Source = &api.ErrorSource{Pointer: f.Pointer, Parameter: f.Parameter}
		entries[i].Meta = f.Meta
	}
	return entries
}

func description(entries []api.Error) string {
	if entries[0].Detail != "" {
		return entries[0].Detail
	}
	return entries[0].Title
}

// kindOf is the kind of err; what is not an *estate.Error is internal.
func kindOf(err error) estate.Kind {
	var e *estate.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return estate.Internal
}
