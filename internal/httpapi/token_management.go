package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// isOAuth tells whether a path is that of an OAuth endpoint, whose errors have a
// form of their own.
func isOAuth(path string) bool {
	return path == tokenPath || path == revokePath || path == inspectPath || path == api.DeviceAuthorizationPath || path == api.RegisterPath
}

func revokeToken(x *exchange) error {
	in, err := x.readTokenQuery()
	if err != nil {
		return err
	}
	if err := x.identify(in, x.server.Credential.IdentifyClient); err != nil {
		if header := x.r.Header.Get("Authorization"); in.Token != "" && bearer(header) == in.Token && kindOf(err) == estate.Unauthenticated {
			return x.done() // a token that says goodbye and is dead already
		}
		return err
	}
	if err := x.server.Credential.RevokeToken(x.r.Context(), x.surface, x.actor, in.Token); err != nil {
		return err
	}
	return x.done()
}

// done answers 200 without a body.
func (x *exchange) done() error {
	x.noStore()
	x.w.Header().Set("Content-Length", "0")
	x.w.WriteHeader(http.StatusOK)
	return nil
}

const typeIntrospectionJWT = "application/token-introspection+jwt" // RFC 9701

func introspectToken(x *exchange) error {
	in, err := x.readTokenQuery()
	if err != nil {
		return err
	}
	if err := x.identify(in, x.server.Credential.AuthenticateClient); err != nil {
		return err
	}
	answer, err := x.server.Credential.Introspect(x.r.Context(), x.surface, x.actor, in.Token)
	if err != nil {
		return err
	}
	x.noStore()
	if !accepts(x.r, typeIntrospectionJWT) {
		x.writeJSON(http.StatusOK, answer)
		return nil
	}
	jwt, err := x.server.Credential.SignIntrospection(x.surface, x.actor, answer)
	if err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", typeIntrospectionJWT)
	h.Set("Content-Length", strconv.Itoa(len(jwt)))
	h.Set("X-Content-Type-Options", "nosniff")
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write([]byte(jwt)) // the client may be gone; there is nobody to tell
	return nil
}

// accepts tells whether the client asks for a media type by its name.
func accepts(r *http.Request, mediaType string) bool {
	for _, header := range r.Header["Accept"] {
		for part := range strings.SplitSeq(header, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), mediaType) && strings.ReplaceAll(parameters, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}

// readTokenQuery reads what the endpoints about a token take: the token, and the
// client's credentials as the token endpoint takes them.
func (x *exchange) readTokenQuery() (api.TokenQuery, error) {
	var in api.TokenQuery
	err := x.readOAuthBody(&in, func(form string) error { return parseTokenQueryForm(form, &in) })
	if err != nil {
		return in, err
	}
	credentials := api.TokenRequest{ClientID: in.ClientID, ClientSecret: in.ClientSecret}
	err = basicCredentials(x.r, &credentials)
	in.ClientID, in.ClientSecret = credentials.ClientID, credentials.ClientSecret
	if err == nil && in.Token == "" {
		err = errNoTokenParameter
	}
	return in, err
}

var errNoTokenParameter = estate.E(estate.Invalid, api.CodeOAuthInvalidRequest, "Invalid request", "").InParameter("token", "token is missing")

func parseTokenQueryForm(body string, in *api.TokenQuery) error {
	return parseForm(body, []formField{
		{"token", &in.Token},
		{"token_type_hint", &in.TokenTypeHint},
		{"client_id", &in.ClientID},
		{"client_secret", &in.ClientSecret},
		{"client_assertion", &in.ClientAssertion},
		{"client_assertion_type", &in.ClientAssertionType},
	})
}

// identifies is how a client is found by what it shows.
type identifies func(context.Context, estate.Surface, credential.Credentials) (estate.Actor, error)

// identify finds out who asks about a token: whom an access token in the
// Authorization header names, or the client whose credentials are there.
func (x *exchange) identify(in api.TokenQuery, identify identifies) (err error) {
	x.client = in.ClientID
	scheme, _, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if scheme != "" && !strings.EqualFold(scheme, "Basic") {
		x.actor, err = x.authenticate()
	} else {
		x.actor, err = identify(x.r.Context(), x.surface, credential.Credentials{
			ClientID: in.ClientID, Secret: estate.Secret(in.ClientSecret), Assertion: in.ClientAssertion, AssertionType: in.ClientAssertionType,
			Address: x.address(),
		})
	}
	x.actor.TraceID = x.trace
	x.share(cmp.Or(x.actor.Client, estate.ClientID(cmp.Or(x.actor.ID, x.client))))
	if err != nil {
		return err
	}
	return x.limit(x.actor.ID, x.actor.Scope)
}

// bearer is the token in an Authorization header, whatever its scheme.
func bearer(header string) string {
	_, token, _ := strings.Cut(header, " ")
	return strings.TrimSpace(token)
}
