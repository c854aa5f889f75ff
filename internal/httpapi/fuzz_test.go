package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// parseToken reads a token request as the token endpoint does.
func parseToken(contentType, authorization, body string) (api.TokenRequest, error) {
	r := httptest.NewRequest(http.MethodPost, "http://console."+domain+tokenPath, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	x := &exchange{w: &response{ResponseWriter: httptest.NewRecorder()}, r: r}
	return x.readTokenRequest()
}

// FuzzTokenRequest parses whatever comes, as JSON, form and HTTP Basic: it is
// refused in words for the caller, or it is a request. The same request in
// another form is then the same.
func FuzzTokenRequest(f *testing.F) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	for _, seed := range [][3]string{
		{jsonType, "", `{"grant_type":"client_credentials","client_id":"i","client_secret":"s","scope":"a b"}`},
		{formType, "", "grant_type=client_credentials&client_id=i&client_secret=s&scope=a+b"},
		{formType, "Basic aTpz", "grant_type=client_credentials"},
		{jsonType + ";charset=utf-8", "basic aTpz", `{"grant_type":"client_credentials","client_id":"i"}`},
		{jsonType, "Basic ***", `{}`},
		{jsonType, "", `{"scope":["a"]}`},
		{jsonType, "", `null`},
		{formType, "Bearer x", "client_id=%00&client_id=%ff"},
		{formType, "Basic JTY5OiU3Mw==", "a=1;b=2"},
		{"text/plain", "", "x"},
		{"", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, contentType, authorization, body string) {
		in, err := parseToken(contentType, authorization, body)
		if err != nil {
			var known *estate.Error
			if !errors.As(err, &known) || known.Kind != estate.Invalid || known.Detail == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var valid api.TokenRequest // JSON can't carry text that is not UTF-8
		if err := json.Unmarshal(text, &valid); err != nil {
			t.Fatal(err)
		}
		again := func(form, contentType, authorization, body string, want api.TokenRequest) {
			t.Helper()
			if have, err := parseToken(contentType, authorization, body); err != nil || have != want {
				t.Errorf("as %s: %+v (%v), want %+v", form, have, err, want)
			}
		}
		again("JSON", jsonType, "", string(text), valid)
		values := url.Values{"grant_type": {in.GrantType}, "scope": {in.Scope}}
		encoded := url.QueryEscape(in.ClientID) + ":" + url.QueryEscape(in.ClientSecret)
		again("Basic", formType, "Basic "+base64.StdEncoding.EncodeToString([]byte(encoded)), values.Encode(), in)
		values.Set("client_id", in.ClientID)
		values.Set("client_secret", in.ClientSecret)
		again("form", formType, "", values.Encode(), in)
	})
}

// FuzzHostResolve resolves whatever stands in a Host header: to a surface whose
// origin resolves to the same, or to one of two refusals.
func FuzzHostResolve(f *testing.F) {
	for _, seed := range []string{
		"console." + domain, "register.us." + domain + ":8480", "acme.us." + domain, "ACME.US." + domain + ".", "nobody.us." + domain, "register.xx." + domain,
		domain, "." + domain, "a.b.c." + domain, "[::1]:80", "127.0.0.1", "", ":", "console." + domain + ":", "acme.us." + domain + ":80:80", "\x00." + domain, "é.us." + domain,
	} {
		f.Add(seed)
	}
	s := newServer(f, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, host string) {
		surface, err := s.resolve(t.Context(), host)
		if err != nil {
			var known *estate.Error
			if !errors.As(err, &known) || known.Code != api.CodeUnknownHost && known.Code != api.CodeMisdirected {
				t.Fatalf("%q: %v", host, err)
			}
			return
		}
		name, ok := strings.CutPrefix(surface.Origin, "http://")
		if _, err := url.Parse(surface.Origin); err != nil || !ok || name != strings.ToLower(name) || !strings.HasSuffix(name, "."+domain) {
			t.Fatalf("%q: origin %q", host, surface.Origin)
		}
		again, err := s.resolve(t.Context(), name)
		if err != nil || again.Kind != surface.Kind || again.Origin != surface.Origin || again.Tenant.ID != surface.Tenant.ID || again.Region != surface.Region {
			t.Errorf("%q: %+v and then %+v (%v)", host, surface, again, err)
		}
		switch surface.Kind {
		case estate.SurfaceConsole:
			ok = name == "console."+domain
		case estate.SurfaceRegister:
			ok = name == "register.us."+domain && surface.Region == "us"
		case estate.SurfaceTenant:
			label := strings.TrimSuffix(name, "."+domain)
			ok = surface.Tenant.ID != "" && (label == string(surface.Tenant.Hostname) || label == string(surface.Tenant.Alias))
		}
		if !ok {
			t.Errorf("%q resolves to %+v", host, surface)
		}
	})
}
