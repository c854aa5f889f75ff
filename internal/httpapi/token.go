package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/jsontext"
)

func issueToken(x *exchange) error {
	in, err := x.readTokenRequest()
	if err != nil {
		return err
	}
	x.client, x.grant = in.ClientID, in.GrantType
	x.share(estate.ClientID(in.ClientID))
	token, err := x.server.Credential.IssueToken(x.r.Context(), x.surface, credential.TokenRequest{
		GrantType: in.GrantType,
		Credentials: credential.Credentials{
			ClientID: in.ClientID, Secret: estate.Secret(in.ClientSecret), Assertion: in.ClientAssertion, AssertionType: in.ClientAssertionType,
			Address: x.address(),
		},
		Scope: in.Scope,
		Proof: x.proof(),
		Exchange: credential.Exchange{
			SubjectToken: in.SubjectToken, SubjectTokenType: in.SubjectTokenType, RequestedTokenType: in.RequestedTokenType,
			Audience: in.Audience, Purpose: in.Purpose,
		},
		Admit:      x.admit,
		UserLookup: userLookup(in),

		Code: estate.Secret(in.Code), RedirectURI: in.RedirectURI, Verifier: in.CodeVerifier,
		RefreshToken: estate.Secret(in.RefreshToken), DeviceCode: estate.Secret(in.DeviceCode),
	})
	if err != nil {
		return err
	}
	x.noStore()
	kind := "bearer"
	if x.surface.Kind == estate.SurfaceConsole {
		kind = "Bearer" // as the contract's examples have it
	}
	if token.DPoP {
		kind = "DPoP"
	}
	answer := tokenResponse{
		AccessToken: token.Value,
		TokenType:   kind,
		ExpiresAt:   api.Time{Time: token.ExpiresAt},
		ExpiresIn:   int64(token.ExpiresAt.Sub(token.IssuedAt) / time.Second),
		Scope:       token.Scope,

		IssuedTokenType: token.IssuedType,
		RefreshToken:    token.Refresh.Reveal(),
	}
	if !token.AuthenticatedAt.IsZero() {
		answer.AuthTime = token.AuthenticatedAt.Unix()
	}
	x.writeJSON(http.StatusOK, &answer)
	return nil
}

type tokenResponse api.TokenResponse

// appendJSON appends the answer as encoding/json would write it: every token pays
// for it.
func (r *tokenResponse) appendJSON(b []byte) []byte {
	b = append(b, `{"access_token":`...)
	b = jsontext.AppendString(b, r.AccessToken)
	b = append(b, `,"token_type":`...)
	b = jsontext.AppendString(b, r.TokenType)
	b = append(b, `,"expires_at":"`...)
	b = r.ExpiresAt.UTC().AppendFormat(b, api.TimeLayout)
	b = append(b, `","expires_in":`...)
	b = strconv.AppendInt(b, r.ExpiresIn, 10)
	for _, optional := range []struct{ name, value string }{
		{`,"scope":`, r.Scope}, {`,"issued_token_type":`, r.IssuedTokenType}, {`,"refresh_token":`, r.RefreshToken},
	} {
		if optional.value != "" {
			b = append(b, optional.name...)
			b = jsontext.AppendString(b, optional.value)
		}
	}
	if r.AuthTime != 0 {
		b = append(b, `,"auth_time":`...)
		b = strconv.AppendInt(b, r.AuthTime, 10)
	}
	return append(b, '}', '\n')
}

// readTokenRequest reads the parameters from a JSON or form body, and the
// client's credentials from there or from HTTP Basic.
func (x *exchange) readTokenRequest() (api.TokenRequest, error) {
	var in api.TokenRequest
	err := x.readOAuthBody(&in, func(form string) error { return parseTokenForm(form, &in) })
	if err != nil {
		return in, err
	}
	return in, basicCredentials(x.r, &in)
}

// readOAuthBody reads a JSON body into in, or gives a form to parse.
func (x *exchange) readOAuthBody(in any, parse func(form string) error) error {
	kind := contentType(x.r)
	if hasNoBody(x.r) {
		return parse("")
	}
	if kind != "application/json" && kind != "application/x-www-form-urlencoded" {
		return errMediaType("application/json or application/x-www-form-urlencoded")
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	if kind != "application/json" {
		return parse(string(body))
	}
	if err := json.Unmarshal(body, in); err != nil {
		return invalidTokenRequest("The body is not a JSON object with text members.")
	}
	return nil
}

func parseTokenForm(body string, in *api.TokenRequest) error {
	var lookup string
	err := parseForm(body, []formField{
		{"grant_type", &in.GrantType},
		{"client_id", &in.ClientID},
		{"client_secret", &in.ClientSecret},
		{"scope", &in.Scope},
		{"client_assertion", &in.ClientAssertion},
		{"client_assertion_type", &in.ClientAssertionType},
		{"subject_token", &in.SubjectToken},
		{"subject_token_type", &in.SubjectTokenType},
		{"requested_token_type", &in.RequestedTokenType},
		{"audience", &in.Audience},
		{"purpose", &in.Purpose},
		{"user_lookup", &lookup},
		{"code", &in.Code},
		{"redirect_uri", &in.RedirectURI},
		{"code_verifier", &in.CodeVerifier},
		{"refresh_token", &in.RefreshToken},
		{"device_code", &in.DeviceCode},
	})
	if err != nil {
		return err
	}
	if lookup != "" && json.Unmarshal([]byte(lookup), &in.UserLookup) != nil {
		return invalidTokenRequest("user_lookup is not a JSON object with the members field and value.")
	}
	return nil
}

// formField is a field of a form, and where its value goes.
type formField struct {
	name string
	into *string
}

// maxFormFields is more than any form has.
const maxFormFields = 32

// parseForm takes the fields of a form-encoded body. Others are ignored, but must
// be well-formed too. It is url.ParseQuery without the map.
func parseForm(body string, fields []formField) error {
	var seen [maxFormFields]bool
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil || strings.Contains(pair, ";") {
			return invalidTokenRequest("The body is not form-encoded.")
		}
		for i, field := range fields {
			if field.name != name {
				continue
			}
			if seen[i] { // RFC 6749 section 3.2
				return invalidTokenRequest(name + " is given more than once.")
			}
			seen[i], *field.into = true, value
		}
	}
	return nil
}

func userLookup(in api.TokenRequest) credential.UserLookup {
	if in.UserLookup == nil {
		return credential.UserLookup{}
	}
	return credential.UserLookup{Field: in.UserLookup.Field, Value: in.UserLookup.Value}
}

// basicCredentials takes id and secret from HTTP Basic, if it is there. Some
// clients form-encode both, as RFC 6749 section 2.3.1 wants, and some don't; for
// our ids and secrets the two are the same. A client_id repeated in the body
// must agree; a second secret is refused.
func basicCredentials(r *http.Request, in *api.TokenRequest) error {
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	id, secret, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok || strings.ContainsRune(id, 0) {
		return invalidTokenRequest("The Authorization header is not HTTP Basic.")
	}
	if unescaped, err := url.QueryUnescape(id); err == nil {
		id = unescaped
	}
	if unescaped, err := url.QueryUnescape(secret); err == nil {
		secret = unescaped
	}
	switch {
	case in.ClientSecret != "":
		return invalidTokenRequest("The client's secret is given both in the Authorization header and in the body.")
	case in.ClientID != "" && in.ClientID != id:
		return invalidTokenRequest("client_id differs between the Authorization header and the body.")
	}
	in.ClientID, in.ClientSecret = id, secret
	return nil
}

func invalidTokenRequest(detail string) error {
	return estate.E(estate.Invalid, api.CodeOAuthInvalidRequest, "Invalid request", detail)
}
