package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// verifyToken does what a resource server elsewhere would: it knows the issuer
// and nothing else, reads the metadata and the keys, and checks the token by
// RFC 9068 section 4 with somebody else's library.
func verifyToken(t *testing.T, e *testenv.Env, issuer, token string) map[string]any {
	t.Helper()
	var metadata api.AuthorizationServerMetadata
	e.Do(testenv.Request{URL: issuer + "/.well-known/oauth-authorization-server"}).Into(&metadata)
	if metadata.Issuer != issuer {
		t.Fatalf("issuer in the metadata: %s, want %s", metadata.Issuer, issuer)
	}
	var keys jose.JSONWebKeySet
	e.Do(testenv.Request{URL: metadata.JWKSURI}).Into(&keys)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	header := parsed.Headers[0]
	if typ := header.ExtraHeaders[jose.HeaderType]; typ != "at+jwt" {
		t.Errorf("typ %v, want at+jwt", typ)
	}
	found := keys.Key(header.KeyID)
	if len(found) != 1 || !found[0].IsPublic() || found[0].Use != "sig" || found[0].Algorithm != "ES256" {
		t.Fatalf("%d keys have the kid %q", len(found), header.KeyID)
	}
	var standard jwt.Claims
	claims := map[string]any{}
	if err := parsed.Claims(found[0].Key, &standard, &claims); err != nil {
		t.Fatal(err)
	}
	err = standard.ValidateWithLeeway(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{issuer}, Time: e.Clock.Now()}, 0)
	if err != nil {
		t.Error(err)
	}
	if standard.IssuedAt == nil || standard.Expiry == nil || standard.Expiry.Time().Sub(standard.IssuedAt.Time()) != 6*time.Hour {
		t.Errorf("iat %v, exp %v", standard.IssuedAt, standard.Expiry)
	}
	if len(standard.ID) != 32 {
		t.Errorf("jti %q", standard.ID)
	}
	return claims
}

// TestToken_Claims checks what tokens say, at each surface and for each level.
func TestToken_Claims(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "eu")
	organization, region, own := e.OrganizationClient(e.Organization.ID), e.RegionClient(sub, "eu"), e.TenantClient(tenant)
	inTenant := map[string]any{"subscription": string(sub.ID), "region": "eu", "tenant": string(tenant.ID)}
	for name, test := range map[string]struct {
		origin string
		client testenv.Credentials
		level  estate.Level
		reach  map[string]any
	}{
		"organization client":       {e.Console(), organization, estate.LevelOrganization, map[string]any{}},
		"region client":             {e.Register("eu"), region, estate.LevelRegion, map[string]any{"subscription": string(sub.ID), "region": "eu"}},
		"region client in a tenant": {e.TenantURL(tenant), region, estate.LevelRegion, inTenant},
		"tenant client":             {e.TenantURL(tenant), own, estate.LevelTenant, inTenant},
	} {
		t.Run(name, func(t *testing.T) {
			e := e.With(t)
			token := e.Token(test.origin, test.client)
			claims := verifyToken(t, e, test.origin, token)
			want := map[string]any{
				"iss": test.origin, "aud": test.origin, "sub": string(test.client.ID), "client_id": string(test.client.ID),
				"iat": float64(e.Clock.Now().Unix()), "exp": float64(e.Clock.Now().Unix() + 21600), "iat_ms": float64(e.Clock.Now().UnixMilli()), "jti": claims["jti"],
				"scope": test.client.Permissions.String(), "level": string(test.level), "organization": string(e.Organization.ID),
			}
			maps.Copy(want, test.reach)
			if test.reach["tenant"] != nil {
				me := e.Do(testenv.Request{URL: test.origin + "/api/v1/users/me", Token: token})
				want["user"] = strings.TrimPrefix(me.Header.Get("Location"), "/api/v1/users/")
			}
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Error(diff)
			}
			again := verifyToken(t, e, test.origin, e.Token(test.origin, test.client))
			if again["jti"] == claims["jti"] {
				t.Error("two tokens have the same jti")
			}
		})
	}
}

// TestToken_Expiry uses a token up to its last second.
func TestToken_Expiry(t *testing.T) {
	e := testenv.New(t)
	token := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	list := testenv.Request{URL: e.Console() + "/api/core/tenants", Token: token}
	e.Clock.Advance(credential.TokenLifetime - time.Second)
	expect(t, "a second before", e.Do(list), http.StatusOK, "")
	e.Clock.Advance(time.Second)
	answer := e.Do(list)
	expect(t, "at expiry", answer, http.StatusUnauthorized, api.CodeUnauthenticated)
	if have := answer.Header.Get("WWW-Authenticate"); !strings.Contains(have, `error="invalid_token"`) {
		t.Errorf("WWW-Authenticate: %s", have)
	}
}

// TestToken_Forged shows tokens that look right and are not.
func TestToken_Forged(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	token := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	parts := strings.Split(token, ".")
	for name, forged := range map[string]string{
		"licence key":            e.LicenseKey(sub),
		"without its signature":  parts[0] + "." + parts[1] + ".",
		"with alg none":          "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + ".",
		"cut short":              token[:len(token)-2],
		"with something after":   token + ".x",
		"with changed claims":    parts[0] + "." + strings.ToUpper(parts[1][:8]) + parts[1][8:] + "." + parts[2],
		"with another signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
	} {
		answer := e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: forged})
		expect(t, name, answer, http.StatusUnauthorized, api.CodeUnauthenticated)
	}
	inQuery := e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants?access_token=" + token})
	expect(t, "in the query", inQuery, http.StatusUnauthorized, api.CodeUnauthenticated)
	for name, header := range map[string]string{"Basic": basic("a", "b"), "no scheme": token, "empty": "Bearer ", "in lower case": "bearer " + token} {
		answer := e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Header: map[string]string{"Authorization": header}})
		if name == "in lower case" { // RFC 9110 section 11.1: schemes are case-insensitive
			expect(t, name, answer, http.StatusOK, "")
			continue
		}
		expect(t, name, answer, http.StatusUnauthorized, api.CodeUnauthenticated)
	}
}

// TestToken_OfAnotherInstallation shows a token that another installation
// issued for the same origin.
func TestToken_OfAnotherInstallation(t *testing.T) {
	e := testenv.New(t)
	c := e.OrganizationClient(e.Organization.ID)
	token := e.Token(e.Console(), c)
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.PublicPort = e.Port
	other := testenv.Start(t, config, dir)
	answer := other.Do(testenv.Request{URL: other.Console() + "/api/core/tenants", Token: token})
	expect(t, "token of another installation", answer, http.StatusUnauthorized, api.CodeUnauthenticated)
}

// TestToken_Alias shows a token of one of a tenant's host names at the other.
func TestToken_Alias(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant, other := e.Tenant(sub, "us", "acme"), e.Tenant(sub, "us", "other")
	system, alias := e.TenantURL(tenant), e.Origin("acme.us")
	c := e.RegionClient(sub, "us")
	for from, to := range map[string]string{system: alias, alias: system} {
		token := e.Token(from, c)
		if claims := verifyToken(t, e, from, token); claims["iss"] != from {
			t.Errorf("issuer %s, want %s", claims["iss"], from)
		}
		answer := e.Do(testenv.Request{URL: to + "/api/v1/tenants/" + string(tenant.ID), Token: token})
		expect(t, "token of "+from+" at "+to, answer, http.StatusOK, "")
		var shown api.Tenant
		answer.Into(&shown)
		if !strings.HasPrefix(shown.Links.Self.Href, to+"/") {
			t.Errorf("link %s at %s", shown.Links.Self.Href, to)
		}
		for _, elsewhere := range []string{e.TenantURL(other), e.Origin("other.us")} {
			answer := e.Do(testenv.Request{URL: elsewhere + "/api/v1/tenants/me", Token: token})
			expect(t, "token of "+from+" at "+elsewhere, answer, http.StatusUnauthorized, api.CodeUnauthenticated)
		}
	}
}

// TestMetadata checks the discovery documents of each host name: what is there
// says what that host does, and not what another does.
func TestMetadata(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us", "acme")
	atRegister := []string{"client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"}
	atConsole := append(slices.Clone(atRegister), "refresh_token", "urn:ietf:params:oauth:grant-type:device_code")
	inTenant := []string{
		"client_credentials", "urn:qlik:oauth:user-impersonation", "urn:ietf:params:oauth:grant-type:token-exchange",
		"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
	}
	catalogue := slices.Concat(api.TenantScopes(api.ScopeClassUser), api.TenantScopes(api.ScopeClassAdmin))
	for _, name := range []string{"user_default", "admin_classic", "apps", "apps:read", "admin.users:read", "spaces.shared:create"} {
		if !slices.Contains(catalogue, name) {
			t.Errorf("the catalogue lacks %s", name)
		}
	}
	if len(catalogue) < 90 || slices.ContainsFunc(catalogue, func(name string) bool {
		return strings.HasPrefix(name, "tenants:") || strings.HasPrefix(name, "cloud-console.")
	}) {
		t.Errorf("the catalogue of tenants has %d scopes: %v", len(catalogue), catalogue)
	}
	organization := append(api.OrganizationScopes(), "admin_classic") // which is for the tenants below, by exchange
	for origin, expected := range map[string]struct{ grants, scopes []string }{
		e.Console():         {atConsole, organization},
		e.Register("us"):    {atRegister, api.RegionScopes()},
		e.TenantURL(tenant): {inTenant, catalogue},
		e.Origin("acme.us"): {inTenant, catalogue},
	} {
		answer := e.Do(testenv.Request{URL: origin + "/.well-known/oauth-authorization-server"})
		var have api.AuthorizationServerMetadata
		answer.Into(&have)
		methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
		want := api.AuthorizationServerMetadata{
			Issuer: origin, TokenEndpoint: origin + "/oauth/token", JWKSURI: origin + "/.well-known/jwks.json",
			GrantTypesSupported: expected.grants, ResponseTypesSupported: []string{}, ScopesSupported: expected.scopes,
			TokenEndpointAuthMethodsSupported: methods,
			TokenEndpointAuthSigningAlgs:      []string{"RS256", "RS512", "ES384", "PS256", "ES256", "EdDSA", "Ed25519"},

			DPoPSigningAlgValuesSupported:         []string{"ES256", "ES384", "RS256", "PS256", "EdDSA"},
			TLSClientCertificateBoundAccessTokens: false, // this server does not terminate TLS

			RevocationEndpoint: origin + "/oauth/revoke", RevocationEndpointAuthMethodsSupported: methods,
			IntrospectionEndpoint: origin + "/oauth/introspect", IntrospectionEndpointAuthMethodsSupported: append(slices.Clone(methods), "Bearer"),
			IntrospectionSigningAlgorithmsSupported: []string{"ES256"},
		}
		if origin != e.Register("us") {
			public := append(slices.Clone(methods), "none")
			want.TokenEndpointAuthMethodsSupported, want.RevocationEndpointAuthMethodsSupported = public, public
			want.DeviceAuthorizationEndpoint = origin + "/oauth/device_authorization"
		}
		if slices.Equal(expected.grants, inTenant) {
			want.AuthorizationEndpoint, want.ResponseTypesSupported = origin+"/oauth/authorize", []string{"code"}
			want.CodeChallengeMethods, want.ResponseModes, want.IssuerInAnswer = []string{"S256"}, []string{"query"}, true
			want.PromptValues = []string{"none", "login", "consent"}
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: %s", origin, diff)
		}
		var resource api.ProtectedResourceMetadata
		e.Do(testenv.Request{URL: origin + "/.well-known/oauth-protected-resource"}).Into(&resource)
		if diff := cmp.Diff(api.ProtectedResourceMetadata{
			Resource: origin, AuthorizationServers: []string{origin}, ScopesSupported: expected.scopes, BearerMethodsSupported: []string{"header"},
		}, resource); diff != "" {
			t.Errorf("%s, as a resource: %s", origin, diff)
		}
		keys := e.Do(testenv.Request{URL: have.JWKSURI})
		var set struct{ Keys []map[string]json.RawMessage }
		keys.Into(&set)
		for _, key := range set.Keys {
			if _, private := key["d"]; private {
				t.Errorf("%s publishes a private key", origin)
			}
		}
		if len(set.Keys) != 1 || keys.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: %d keys, Cache-Control %q", origin, len(set.Keys), keys.Header.Get("Cache-Control"))
		}
	}
}

// unverifiedClaims reads a token of a server that the test trusts.
func unverifiedClaims(t *testing.T, token string) map[string]any {
	t.Helper()
	claims := map[string]any{}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		err = parsed.UnsafeClaimsWithoutVerification(&claims)
	}
	if err != nil {
		t.Error(err)
	}
	return claims
}
