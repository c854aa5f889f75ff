package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// BenchmarkAuthenticate is what every request with a token pays for it.
func BenchmarkAuthenticate(b *testing.B) {
	e := testenv.New(b)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	client := e.RegionClient(sub, "us")
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}
	presented := credential.Presented{Scheme: "bearer", Token: e.Token(surface.Origin, client)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.App.Credential.Authenticate(b.Context(), surface, presented); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIntrospect is introspection by secret without the network, as JSON
// and as a JWT.
func BenchmarkIntrospect(b *testing.B) {
	e := testenv.New(b)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	client := e.RegionClient(sub, "us")
	origin := e.TenantURL(tenant)
	form := url.Values{"token": {e.Token(origin, client)}, "client_id": {string(client.ID)}, "client_secret": {client.Secret}}.Encode()
	handler := e.App.Handler(e.Port)
	for name, accept := range map[string]string{"JSON": "application/json", "JWT": "application/token-introspection+jwt"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, origin+"/oauth/introspect", strings.NewReader(form))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Accept", accept)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK || name == "JSON" && !strings.HasPrefix(w.Body.String(), `{"active":true`) {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
