package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// signInAfter is the parameter that a request for authorization carries when it
// comes back from a sign-in that it asked for: since when, with a signature.
const signInAfter = "signed_in_after"

// signInPath is where people sign in to a host.
const signInPath = "/login"

// parseAuthorization reads the query of the authorization endpoint.
func (s *Service) parseAuthorization(surface estate.Surface, query url.Values) authorizationRequest {
	r := authorizationRequest{SignInAfter: s.openSignIn(surface, query.Get(signInAfter))}
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

// next is where the browser goes: back to the program, or to what the person has to
// do before.
func (s *Service) next(surface estate.Surface, query url.Values, a authorization) string {
	switch {
	case a.RedirectURI == "":
		return ""
	case a.SignIn:
		back := url.Values{}
		for name, values := range query {
			back[name] = values
		}
		back.Del(signInAfter)
		to := url.Values{}
		if a.Fresh {
			back.Set(signInAfter, s.sealSignIn(surface, s.now()))
			to.Set("prompt", "login")
		}
		to.Set("returnto", api.AuthorizePath+"?"+back.Encode())
		if hint := query.Get("login_hint"); hint != "" {
			to.Set("login_hint", hint)
		}
		return signInPath + "?" + to.Encode()
	case a.Consent != nil:
		return api.ConsentPath + "?" + query.Encode()
	}
	to := url.Values{"iss": {surface.Origin}}
	if a.State != "" {
		to.Set("state", a.State)
	}
	if a.Err == nil {
		to.Set("code", a.Code.Reveal())
	} else {
		describe(to, a.Err)
	}
	join := "?"
	if strings.Contains(a.RedirectURI, "?") {
		join = "&"
	}
	return a.RedirectURI + join + to.Encode()
}

// authorizationErrors are the names of what a program is told (RFC 6749 section
// 4.1.2.1 and OpenID Connect Core section 3.1.2.6).
var authorizationErrors = map[string]string{
	api.CodeOAuthInvalidRequest:  "invalid_request",
	api.CodeOAuthResponseType:    "unsupported_response_type",
	api.CodeOAuthInvalidScope:    "invalid_scope",
	api.CodeOAuthAccessDenied:    "access_denied",
	api.CodeOAuthLoginRequired:   "login_required",
	api.CodeOAuthConsentRequired: "consent_required",
}

func describe(to url.Values, e *estate.Error) {
	detail := e.Detail
	for _, field := range e.Fields {
		if detail == "" {
			detail = field.Detail
		}
	}
	to.Set("error", authorizationErrors[e.Code])
	to.Set("error_description", e.Title)
	to.Set("error_code", e.Code)
	if detail != "" {
		to.Set("error_description", detail)
		to.Set("error_detail", detail)
	}
}

// sealSignIn writes down when a sign-in was asked for, so that only this server
// can have.
func (s *Service) sealSignIn(surface estate.Surface, at time.Time) string {
	text := strconv.FormatInt(at.UnixMilli(), 10)
	return text + "." + s.signSignIn(surface, text)
}

func (s *Service) openSignIn(surface estate.Surface, sealed string) time.Time {
	text, signature, _ := strings.Cut(sealed, ".")
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !hmac.Equal([]byte(signature), []byte(s.signSignIn(surface, text))) {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func (s *Service) signSignIn(surface estate.Surface, text string) string {
	mac := hmac.New(sha256.New, s.keys.Derive("sign-in that was asked for"))
	mac.Write([]byte(string(surface.Tenant.ID) + " " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
