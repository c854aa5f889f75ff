package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// TestIssueToken_Requests sends one request in every form in which clients in
// the field do.
func TestIssueToken_Requests(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	c := e.RegionClient(sub, "us")
	id, secret := string(c.ID), c.Secret
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	inBody := map[string]any{"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
	with := func(more map[string]any) string {
		all := maps.Clone(inBody)
		maps.Copy(all, more)
		return encode(all)
	}
	padded := with(map[string]any{"padding": ""})
	padded = strings.Replace(padded, `"padding":""`, `"padding":"`+strings.Repeat("x", httpapi.MaxBody-len(padded))+`"`, 1)
	percent := func(s string) string { // form-encoding may encode any character
		var all strings.Builder
		for _, b := range []byte(s) {
			all.WriteString("%" + strconv.FormatInt(int64(b), 16))
		}
		return all.String()
	}
	for name, request := range map[string]testenv.Request{
		"JSON":                             {Body: encode(inBody), Header: map[string]string{"Content-Type": jsonType}},
		"JSON with charset":                {Body: encode(inBody), Header: map[string]string{"Content-Type": "application/json; charset=utf-8"}},
		"JSON in capitals":                 {Body: encode(inBody), Header: map[string]string{"Content-Type": "Application/JSON;charset=UTF-8"}},
		"JSON with white space":            {Body: "\r\n\t " + encode(inBody) + " \n", Header: map[string]string{"Content-Type": jsonType}},
		"JSON with unknown members":        {Body: with(map[string]any{"audience": "x", "nested": map[string]any{"a": []int{1}}}), Header: map[string]string{"Content-Type": jsonType}},
		"JSON with an empty scope":         {Body: with(map[string]any{"scope": ""}), Header: map[string]string{"Content-Type": jsonType}},
		"JSON as large as may be":          {Body: padded, Header: map[string]string{"Content-Type": jsonType}},
		"form":                             {Form: c.Form()},
		"form with charset":                {Body: c.Form().Encode(), Header: map[string]string{"Content-Type": formType + "; charset=UTF-8"}},
		"form with unknown fields":         {Body: c.Form().Encode() + "&audience=x&resource=y&resource=z", Header: map[string]string{"Content-Type": formType}},
		"form with percent-encoding":       {Body: "grant_type=client%5Fcredentials&client_id=" + id + "&client_secret=" + percent(secret), Header: map[string]string{"Content-Type": formType}},
		"Basic and a form":                 {Body: "grant_type=client_credentials", Header: map[string]string{"Content-Type": formType, "Authorization": basic(id, secret)}},
		"Basic, form-encoded":              {Body: "grant_type=client_credentials", Header: map[string]string{"Content-Type": formType, "Authorization": basic(percent(id), percent(secret))}},
		"Basic with the client_id again":   {Body: "grant_type=client_credentials&client_id=" + id, Header: map[string]string{"Content-Type": formType, "Authorization": basic(id, secret)}},
		"Basic in lower case":              {Body: "grant_type=client_credentials", Header: map[string]string{"Content-Type": formType, "Authorization": strings.Replace(basic(id, secret), "Basic", "basic", 1)}},
		"Basic and JSON":                   {Body: `{"grant_type":"client_credentials"}`, Header: map[string]string{"Content-Type": jsonType, "Authorization": basic(id, secret)}},
		"Basic and client_id in JSON":      {Body: encode(map[string]any{"grant_type": "client_credentials", "scope": "user_default", "client_id": id}), Header: map[string]string{"Content-Type": jsonType, "Authorization": basic(id, secret)}},
		"Basic and an empty client_secret": {Body: "grant_type=client_credentials&client_secret=", Header: map[string]string{"Content-Type": formType, "Authorization": basic(id, secret)}},
		"bearer token beside":              {Form: c.Form(), Header: map[string]string{"Authorization": "Bearer of.another.host"}},
		"credentials in the query as well": {URL: e.Register("us") + "/oauth/token?client_id=x&client_secret=y&scope=nothing&grant_type=password", Form: c.Form()},
	} {
		t.Run(name, func(t *testing.T) {
			if request.URL == "" {
				request.URL = e.Register("us") + "/oauth/token"
			}
			answer := e.With(t).Do(request)
			var token api.TokenResponse
			answer.Into(&token)
			if answer.Status != http.StatusOK || token.AccessToken == "" {
				t.Fatalf("%d %s", answer.Status, answer.Body)
			}
			if want := strings.Join(api.RegionScopes(), " "); token.Scope != want {
				t.Errorf("scope %q, want %q", token.Scope, want)
			}
			used := e.With(t).Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/" + strings.Repeat("x", 32), Token: token.AccessToken})
			expect(t, "use of the token", used, http.StatusNotFound, api.CodeTenantNotFound)
		})
	}
}

// TestIssueToken_Scope narrows tokens to what is asked for and held.
func TestIssueToken_Scope(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	all := strings.Join(api.RegionScopes(), " ")
	region, apps := e.RegionClient(sub, "us"), e.TenantClient(tenant, "apps", "spaces:read", api.ScopeUserDefault)
	for name, test := range map[string]struct {
		origin string
		client testenv.Credentials
		scope  string
		want   string // empty: invalid_scope
	}{
		"none asked for":                       {e.Register("us"), region, "", all},
		"only white space asked for":           {e.Register("us"), region, " \t ", all},
		"one":                                  {e.Register("us"), region, "tenants:create", "tenants:create"},
		"two in their order, repeated":         {e.Register("us"), region, "tenants:reactivate  tenants:create tenants:reactivate", "tenants:reactivate tenants:create"},
		"user_default of a region client":      {e.Register("us"), region, "user_default", all},
		"user_default at a tenant":             {e.TenantURL(tenant), region, "user_default", all},
		"both defaults":                        {e.Register("us"), region, "offline_access user_default", all},
		"user_default beside a held one":       {e.Register("us"), region, "user_default tenants:create", "tenants:create"},
		"user_default that is held":            {e.TenantURL(tenant), apps, "user_default", "user_default"},
		"held in part":                         {e.Register("us"), region, "apps tenants:create", "tenants:create"},
		"none held":                            {e.Register("us"), region, "apps spaces", ""},
		"none held, and a default":             {e.Register("us"), region, "user_default apps", ""},
		"child of a held one":                  {e.TenantURL(tenant), apps, "apps:read", "apps:read"},
		"grandchild":                           {e.TenantURL(tenant), apps, "apps:read:own", "apps:read:own"},
		"parent of a held one":                 {e.TenantURL(tenant), apps, "spaces", ""},
		"sibling that begins like a held one":  {e.TenantURL(tenant), apps, "apps-secret apps.read", ""},
		"sibling of a held child":              {e.TenantURL(tenant), apps, "spaces:readwrite", ""},
		"in another case":                      {e.TenantURL(tenant), apps, "APPS", ""},
		"scope of another level":               {e.TenantURL(tenant), apps, "tenants:create", ""},
		"organization client and user_default": {e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead), "user_default", api.ScopeOrgTenantsRead},
	} {
		t.Run(name, func(t *testing.T) {
			request := tokenRequest(test.origin, map[string]any{"grant_type": "client_credentials", "client_id": test.client.ID, "client_secret": test.client.Secret, "scope": test.scope})
			answer := e.With(t).Do(request)
			if test.want == "" {
				expectOAuth(t, answer, http.StatusBadRequest, "invalid_scope", api.CodeOAuthInvalidScope)
				return
			}
			var token api.TokenResponse
			answer.Into(&token)
			if token.Scope != test.want {
				t.Errorf("%d, scope %q, want %q", answer.Status, token.Scope, test.want)
			}
			if claims := verifyToken(t, e, test.origin, token.AccessToken); claims["scope"] != test.want {
				t.Errorf("scope of the token %q, want %q", claims["scope"], test.want)
			}
		})
	}
}

// TestIssueToken_NarrowedTokenMayLess uses a narrowed token.
func TestIssueToken_NarrowedTokenMayLess(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(5), "us")
	form := e.TenantClient(tenant, api.ScopeAdminClassic, "apps").Form()
	form.Set("scope", "apps:read")
	var token api.TokenResponse
	e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/oauth/token", Form: form}).Into(&token)
	answer := e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/licenses/overview", Token: token.AccessToken})
	expect(t, "licence by a narrowed token", answer, http.StatusForbidden, api.CodeInsufficientScope)
	if have := answer.Header.Get("WWW-Authenticate"); !strings.Contains(have, `error="insufficient_scope"`) {
		t.Errorf("WWW-Authenticate: %s", have)
	}
}

// TestIssueToken_Response compares the answer with the contract, member by
// member, on each surface.
func TestIssueToken_Response(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	for origin, test := range map[string]struct {
		client    testenv.Credentials
		tokenType string
	}{
		e.Console():         {e.OrganizationClient(e.Organization.ID), "Bearer"},
		e.Register("us"):    {e.RegionClient(sub, "us"), "bearer"},
		e.TenantURL(tenant): {e.TenantClient(tenant), "bearer"},
	} {
		answer := e.Do(testenv.Request{URL: origin + "/oauth/token", Form: test.client.Form()})
		var members map[string]any
		answer.Into(&members)
		names := slices.Sorted(maps.Keys(members))
		if want := []string{"access_token", "expires_at", "expires_in", "scope", "token_type"}; !slices.Equal(names, want) {
			t.Errorf("%s: members %v, want %v", origin, names, want)
		}
		want := map[string]any{
			"token_type": test.tokenType,
			"expires_in": float64(21600),
			"expires_at": e.Clock.Now().Add(6 * time.Hour).Truncate(time.Second).Format("2006-01-02T15:04:05.000Z"),
			"scope":      test.client.Permissions.String(),
		}
		for name, value := range want {
			if members[name] != value {
				t.Errorf("%s: %s is %v, want %v", origin, name, members[name], value)
			}
		}
		for name, value := range map[string]string{"Content-Type": jsonType, "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"} {
			if have := answer.Header.Get(name); have != value {
				t.Errorf("%s: %s: %s, want %s", origin, name, have, value)
			}
		}
		if len(answer.Header.Get("X-B3-Traceid")) != 32 {
			t.Errorf("%s: X-B3-Traceid: %s", origin, answer.Header.Get("X-B3-Traceid"))
		}
	}
}

// TestIssueToken_SecretsStayInTheBody sends credentials where they must not be,
// in the query, which ends up in logs.
func TestIssueToken_SecretsStayInTheBody(t *testing.T) {
	e := testenv.New(t)
	c := e.RegionClient(e.Subscription(5), "us")
	query := c.Form().Encode()
	for name, test := range map[string]struct {
		query string
		form  url.Values
	}{
		"everything in the query":  {query, url.Values{"other": {"x"}}},
		"credentials in the query": {query, url.Values{"grant_type": {"client_credentials"}}},
		"secret in the query":      {"client_secret=" + c.Secret, url.Values{"grant_type": {"client_credentials"}, "client_id": {string(c.ID)}}},
	} {
		answer := e.Do(testenv.Request{URL: e.Register("us") + "/oauth/token?" + test.query, Form: test.form})
		if answer.Status != http.StatusBadRequest || answer.Error().Code != api.CodeOAuthInvalidRequest {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
}
