package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// caller calls one host as one client; every exchange is held against the
// document of the surface.
type caller struct {
	t      *testing.T
	e      *testenv.Env
	origin string
	token  string
}

func newCaller(t *testing.T, e *testenv.Env, origin string, c testenv.Credentials) caller {
	t.Helper()
	return caller{t: t, e: e, origin: origin, token: e.Token(origin, c)}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// do makes a call. Headers are pairs; a body that is no string goes as JSON.
func (c caller) do(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.origin+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.e.Client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	apitest.Check(c.t, surfaceOf(c.origin), r, text, res, got)
	return answer{res.StatusCode, res.Header, got}
}

// want makes a call that has to answer status, and decodes the answer into out.
func (c caller) want(status int, out any, method, path string, body any, headers ...string) {
	c.t.Helper()
	a := c.do(method, path, body, headers...)
	if a.status != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.body)
	}
	if out != nil {
		reflect.ValueOf(out).Elem().SetZero() // absent members must not keep what was there
		if err := json.Unmarshal(a.body, out); err != nil {
			c.t.Fatal(err)
		}
	}
}

// refused makes a call that has to fail with status and code, and returns where.
func (c caller) refused(status int, code, method, path string, body any, headers ...string) (where string) {
	c.t.Helper()
	var e api.ErrorBody
	c.want(status, &e, method, path, body, headers...)
	if e.Errors[0].Code != code {
		c.t.Fatalf("%s %s: %s, want %s: %+v", method, path, e.Errors[0].Code, code, e.Errors)
	}
	if e.Errors[0].Source != nil {
		return e.Errors[0].Source.Pointer + e.Errors[0].Source.Parameter
	}
	return ""
}

// tokenStatus is what the token endpoint answers to a client.
func tokenStatus(t *testing.T, e *testenv.Env, origin string, id estate.ClientID, secret string) int {
	t.Helper()
	res, err := e.Client.PostForm(origin+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {string(id)}, "client_secret": {secret}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// actions are the audited actions of an organization, newest first.
func actions(t *testing.T, e *testenv.Env) (names []string) {
	t.Helper()
	for _, r := range records(t, e) {
		names = append(names, string(r.Outcome)+" "+r.Action)
	}
	return names
}

func records(t *testing.T, e *testenv.Env) (all []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.AuditRecords(t.Context(), estate.Scope{Organization: e.Organization.ID}, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// place is one of the three APIs with somebody who may do everything there, and a
// client that it manages.
type place struct {
	name    string
	admin   caller
	boss    testenv.Credentials // the admin's
	path    string              // of the collection
	client  testenv.Credentials // one to manage
	host    string              // where client gets tokens
	foreign []testenv.Credentials
}

// places makes the three APIs, each beside clients of every other owner.
func places(t *testing.T, e *testenv.Env) []place {
	t.Helper()
	sub := e.Subscription(5)
	e.Clock.Advance(time.Second)
	sub2 := e.Subscription(5)
	us, us2, eu, other := e.Tenant(sub, "us"), e.Tenant(sub, "us"), e.Tenant(sub, "eu"), e.Tenant(sub2, "us")
	rival, err := e.App.Tenancy.CreateOrganization(t.Context(), testenv.Operator, "Rival")
	if err != nil {
		t.Fatal(err)
	}
	rivalSub := e.SubscriptionOf(rival.ID, 5)
	rivalTenant := e.Tenant(rivalSub, "us")

	boss := e.OrganizationClient(e.Organization.ID)
	tenant, region, organization := e.TenantClient(us), e.RegionClient(sub, "us"), e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead)
	elsewhere := []testenv.Credentials{
		e.TenantClient(us2), e.TenantClient(eu), e.TenantClient(other), e.TenantClient(rivalTenant),
		e.RegionClient(sub2, "us"), e.RegionClient(rivalSub, "us"), e.OrganizationClient(rival.ID),
	}
	console, keeper := newCaller(t, e, e.Console(), boss), e.TenantClient(us)
	return []place{
		{"tenant", newCaller(t, e, e.TenantURL(us), keeper), keeper, "/api/v1/oauth-clients", tenant, e.TenantURL(us), append(elsewhere, region, organization)},
		{"organization", console, boss, "/api/core/oauth-clients", organization, e.Console(), append(elsewhere, tenant, region)},
		{"region", console, boss, "/api/core/subscriptions/" + string(sub.ID) + "/oauth-clients", region, e.Register("us"), append(elsewhere, tenant, organization)},
	}
}

// Of each API, every operation finds its own clients and none of anybody else's.
func TestOAuthClients_isolation(t *testing.T) {
	e := testenv.New(t)
	for _, p := range places(t, e) {
		t.Run(p.name, func(t *testing.T) {
			p.admin.t = t
			for _, f := range p.foreign {
				path := p.path + "/" + string(f.ID)
				for _, call := range []struct {
					method, path string
					body         any
				}{
					{"GET", path, nil},
					{"PATCH", path, []api.PatchOperation{{Op: "replace", Path: "/clientName", Value: "stolen"}}},
					{"DELETE", path, nil},
					{"POST", path + "/client-secrets", nil},
					{"POST", path + "/federated-credentials", federatedAs("stolen")},
					{"POST", path + "/federated-credentials/actions/check", api.CheckFederatedTokenRequest{Token: "nonsense"}},
					{"DELETE", path + "/federated-credentials/stolen", nil},
					{"DELETE", path + "/client-secrets/" + f.Secrets[0].Hint, nil},
					{"POST", path + "/actions/rotate-secret", nil},
					{"POST", path + "/actions/finish-rotation", nil},
					{"POST", path + "/actions/cancel-rotation", nil},
				} {
					p.admin.refused(404, api.CodeClientNotFound, call.method, call.path, call.body, api.HeaderConfirmDelete, string(f.ID))
				}
				if p.name == "tenant" {
					p.admin.refused(404, api.CodeClientNotFound, "POST", path+"/actions/publish", nil)
					p.admin.refused(404, api.CodeClientNotFound, "GET", path+"/connection-configs/me", nil)
					p.admin.refused(404, api.CodeClientNotFound, "PATCH", path+"/connection-configs/me", []api.PatchOperation{{Op: "replace", Path: "/consentMethod", Value: "trusted"}})
					p.admin.refused(404, api.CodeClientNotFound, "DELETE", path+"/connection-configs/me", nil)
				}
			}
			var list api.OAuthClientList
			p.admin.want(200, &list, "GET", p.path+"?limit=100&totalResults=true", nil)
			found := false
			for _, c := range list.Data {
				found = found || c.ClientID == string(p.client.ID)
				if slices.ContainsFunc(p.foreign, func(f testenv.Credentials) bool { return string(f.ID) == c.ClientID }) {
					t.Errorf("lists %s, which belongs to others", c.ClientID)
				}
			}
			if !found || *list.TotalResults != int64(len(list.Data)) {
				t.Errorf("lists %d of %d, its own: %v", len(list.Data), *list.TotalResults, found)
			}
		})
	}
}

// Who may call each operation, and what the others are told.
func TestOAuthClients_authorization(t *testing.T) {
	e := testenv.New(t)
	all := places(t, e)
	tenant := all[0].admin
	tenantID := all[0].client.Scope
	us := estate.Tenant{ID: tenantID.Tenant, Organization: tenantID.Organization, Subscription: tenantID.Subscription, Region: tenantID.Region}
	weak := e.TenantClient(us, api.ScopeUserDefault)
	none := e.TenantClient(us, "crm:read")
	reader := e.OrganizationClient(e.Organization.ID, api.ScopeOrgOAuthClientsRead, api.ScopeOrgSubscriptionsRead)
	unrelated := e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead)
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			as := func(c testenv.Credentials) caller { return newCaller(t, e, p.admin.origin, c) }
			anonymous := caller{t: t, e: e, origin: p.admin.origin}
			reads, unrelatedTo, seen := as, unrelated, reader
			if p.name == "tenant" {
				tenant.t, unrelatedTo, seen = t, none, weak
			}
			one := p.path + "/" + string(p.client.ID)
			for _, path := range []string{p.path, one} {
				anonymous.refused(401, api.CodeUnauthenticated, "GET", path, nil)
				reads(seen).want(200, nil, "GET", path, nil)
				as(unrelatedTo).refused(403, api.CodeInsufficientScope, "GET", path, nil)
			}
			writes := [][2]string{
				{"PATCH", one},
				{"DELETE", one},
				{"POST", one + "/client-secrets"},
				{"DELETE", one + "/client-secrets/" + p.client.Secrets[0].Hint},
				{"POST", one + "/actions/rotate-secret"},
				{"POST", one + "/actions/finish-rotation"},
				{"POST", one + "/actions/cancel-rotation"},
			}
			if p.name == "tenant" {
				writes = append(writes, [2]string{"POST", one + "/actions/publish"}, [2]string{"GET", one + "/connection-configs/me"},
					[2]string{"PATCH", one + "/connection-configs/me"}, [2]string{"DELETE", one + "/connection-configs/me"})
			} else {
				writes = append(writes, [2]string{"POST", p.path})
			}
			for _, w := range writes {
				var body any
				switch {
				case strings.HasSuffix(w[1], "/me") && w[0] == "PATCH":
					body = []api.PatchOperation{{Op: "replace", Path: "/consentMethod", Value: "trusted"}}
				case w[0] == "PATCH":
					body = []api.PatchOperation{{Op: "replace", Path: "/clientName", Value: "x"}}
				case w[1] == p.path:
					body = map[string]any{"clientName": "x", "appType": "web", "regionCode": "us"}
				}
				anonymous.refused(401, api.CodeUnauthenticated, w[0], w[1], body)
				for _, c := range []testenv.Credentials{seen, unrelatedTo} {
					as(c).refused(403, api.CodeInsufficientScope, w[0], w[1], body, api.HeaderConfirmDelete, string(p.client.ID))
				}
			}
			if got := tokenStatus(t, e, p.host, p.client.ID, p.client.Secret); got != 200 {
				t.Errorf("after the refusals the client gets %d", got)
			}
		})
	}
	if got := actions(t, e); !slices.Contains(got, "refused oauth-client.delete") || !slices.Contains(got, "refused oauth-client.secret.rotate") {
		t.Errorf("refusals left no records: %v", got)
	}
}

func TestOAuthClients_subscriptions(t *testing.T) {
	e := testenv.New(t)
	all := places(t, e)
	console := all[1].admin
	sub := all[2].client.Scope.Subscription
	var list api.SubscriptionList
	console.want(200, &list, "GET", "/api/core/subscriptions", nil)
	if len(list.Data) != 2 || list.Data[0].ID != string(sub) || list.Data[0].TenantCount != 3 {
		t.Errorf("%+v", list.Data)
	}
	var got api.Subscription
	console.want(200, &got, "GET", "/api/core/subscriptions/"+string(sub), nil)
	if diff := cmp.Diff(list.Data[0], got); diff != "" {
		t.Error(diff)
	}
	weak := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead))
	weak.refused(403, api.CodeInsufficientScope, "GET", "/api/core/subscriptions", nil)
	weak.refused(403, api.CodeInsufficientScope, "GET", "/api/core/subscriptions/"+string(sub), nil)
	caller{t: t, e: e, origin: e.Console()}.refused(401, api.CodeUnauthenticated, "GET", "/api/core/subscriptions", nil)
	for _, f := range all[2].foreign {
		if f.Scope.Organization == e.Organization.ID || f.Scope.Subscription == "" {
			continue
		}
		path := "/api/core/subscriptions/" + string(f.Scope.Subscription)
		console.refused(404, api.CodeEstateNotFound, "GET", path, nil)
		console.refused(404, api.CodeEstateNotFound, "GET", path+"/oauth-clients", nil)
		console.refused(404, api.CodeEstateNotFound, "GET", path+"/oauth-clients/"+string(f.ID), nil)
		console.refused(404, api.CodeEstateNotFound, "POST", path+"/oauth-clients", map[string]any{"regionCode": "us"})
		console.refused(404, api.CodeEstateNotFound, "DELETE", path+"/oauth-clients/"+string(f.ID), nil, api.HeaderConfirmDelete, string(f.ID))
	}
}

func TestOAuthClients_createRegion(t *testing.T) {
	e := testenv.New(t)
	sub, single, euOnly := e.Subscription(5), e.Subscription(1), e.Subscription(2, "eu")
	console := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgSubscriptions))
	path := func(s estate.Subscription) string {
		return "/api/core/subscriptions/" + string(s.ID) + "/oauth-clients"
	}

	var first, second api.OAuthClient
	console.want(201, &first, "POST", path(sub), map[string]any{"regionCode": "us"})
	console.want(201, &second, "POST", path(sub), map[string]any{"regionCode": "us", "clientName": "ci", "allowedScopes": []string{"tenants:create"}})
	if first.ClientName != "US OAuth Client" || first.RegionCode != "us" || len(first.AllowedScopes) != 4 || second.ClientName != "ci" || len(second.ClientSecret) != 64 {
		t.Errorf("%+v\n%+v", first, second)
	}
	if got := tokenStatus(t, e, e.Register("us"), estate.ClientID(second.ClientID), second.ClientSecret); got != 200 {
		t.Errorf("token at its region: %d", got)
	}
	if got := tokenStatus(t, e, e.Register("eu"), estate.ClientID(second.ClientID), second.ClientSecret); got != 401 {
		t.Errorf("token at another region: %d", got)
	}
	for _, tt := range []struct {
		sub    estate.Subscription
		body   string
		status int
		code   string
		where  string
	}{
		{sub, `{}`, 400, api.CodeClientInvalid, "/regionCode"},
		{sub, `{"regionCode":"us","allowedScopes":["user_default"]}`, 400, api.CodeClientInvalid, "/allowedScopes/0"},
		{sub, `{"regionCode":"us","allowedScopes":["tenants:create","cloud-console.subscriptions"]}`, 400, api.CodeClientInvalid, "/allowedScopes/1"},
		{sub, `{"regionCode":"xx"}`, 403, api.CodeClientEntitlement, "/regionCode"},
		{euOnly, `{"regionCode":"us"}`, 403, api.CodeClientEntitlement, "/regionCode"},
		{single, `{"regionCode":"us"}`, 403, api.CodeClientEntitlement, ""},
		{sub, `[]`, 400, api.CodeInvalidRequest, ""},
	} {
		if where := console.refused(tt.status, tt.code, "POST", path(tt.sub), tt.body); where != tt.where {
			t.Errorf("%s: at %q, want %q", tt.body, where, tt.where)
		}
	}
	var list api.OAuthClientList
	console.want(200, &list, "GET", path(sub)+"?filter="+url.QueryEscape(`regionCode eq "us" and clientName co "CI"`), nil)
	if len(list.Data) != 1 || list.Data[0].ClientID != second.ClientID {
		t.Errorf("%+v", list.Data)
	}
}

func TestOAuthClients_list(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	admin := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant)) // "automation"
	ids := map[string]string{}
	for _, name := range []string{"delta", "Alpha", "charlie", "Bravo", "alpha"} {
		e.Clock.Advance(time.Second)
		var c api.OAuthClient
		admin.want(201, &c, "POST", "/api/v1/oauth-clients", map[string]any{"clientName": name, "appType": map[bool]string{true: "spa", false: "web"}[name == "Bravo"]})
		ids[c.ClientID] = name
	}
	names := func(list api.OAuthClientList) (all []string) {
		for _, c := range list.Data {
			all = append(all, c.ClientName)
		}
		return all
	}
	get := func(query url.Values) api.OAuthClientList {
		t.Helper()
		var list api.OAuthClientList
		admin.want(200, &list, "GET", "/api/v1/oauth-clients?"+query.Encode(), nil)
		return list
	}
	for _, tt := range []struct {
		query url.Values
		want  string
	}{
		{url.Values{}, "automation delta Alpha charlie Bravo alpha"},
		{url.Values{"sort": {"-createdAt"}}, "alpha Bravo charlie Alpha delta automation"},
		{url.Values{"sort": {"-updatedAt"}, "limit": {"2"}}, "alpha Bravo"},
		{url.Values{"sort": {"clientName,-createdAt"}}, "alpha Alpha automation Bravo charlie delta"},
		{url.Values{"sort": {"appType,clientName,createdAt"}}, "Bravo Alpha alpha automation charlie delta"},
		{url.Values{"sort": {"tenantId,createdAt"}, "limit": {"1"}}, "automation"},
		{url.Values{"filter": {`appType eq "spa"`}}, "Bravo"},
		{url.Values{"filter": {`clientName eq "ALPHA"`}}, "Alpha alpha"},
		{url.Values{"filter": {`not (clientName co "a") or appType ne "web"`}}, "Bravo"},
		{url.Values{"filter": {`createdByType eq "service" and tenantId eq "` + string(tenant.ID) + `" and clientName co "lta"`}}, "delta"},
		{url.Values{"filter": {`tenantId ne "` + string(tenant.ID) + `"`}}, ""},
		{url.Values{"filter": {`clientName co "%"`}}, ""},
	} {
		if got := strings.Join(names(get(tt.query)), " "); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.query, got, tt.want)
		}
	}
	for _, tt := range [][2]string{
		{"limit", "0"},
		{"limit", "101"},
		{"limit", "x"},
		{"sort", "secret"},
		{"sort", "regionCode"},
		{"filter", "oops"},
		{"filter", `organizationId eq "x"`},
		{"filter", `createdAt gt "2026-01-01"`},
		{"next", "garbage"},
		{"prev", "e30"},
		{"totalResults", "yes"},
	} {
		where := admin.refused(400, api.CodeInvalidRequest, "GET", "/api/v1/oauth-clients?"+url.Values{tt[0]: {tt[1]}}.Encode(), nil)
		if where != tt[0] {
			t.Errorf("%v: blames %q", tt, where)
		}
	}

	// Forth and back by cursor, with every order.
	for _, sort := range []string{"", "clientId", "-clientName", "appType,-clientName", "-updatedAt,clientId"} {
		whole := names(get(url.Values{"sort": {sort}}))
		var forth, back []string
		list := get(url.Values{"sort": {sort}, "limit": {"2"}, "totalResults": {"true"}})
		for {
			if *list.TotalResults != 6 {
				t.Errorf("%s: total %d", sort, *list.TotalResults)
			}
			forth = append(forth, names(list)...)
			if list.Links.Next == nil {
				break
			}
			path := strings.TrimPrefix(list.Links.Next.Href, admin.origin)
			list = api.OAuthClientList{}
			admin.want(200, &list, "GET", path, nil)
		}
		for {
			back = append(names(list), back...)
			if list.Links.Prev == nil {
				break
			}
			path := strings.TrimPrefix(list.Links.Prev.Href, admin.origin)
			list = api.OAuthClientList{}
			admin.want(200, &list, "GET", path, nil)
		}
		if !slices.Equal(forth, whole) || !slices.Equal(back, whole) {
			t.Errorf("%q: forth %v, back %v, want %v", sort, forth, back, whole)
		}
	}
}

// Somebody who is no administrator sees what is public: not how the client
// authenticates, and not which outside issuers it trusts on what conditions.
func TestOAuthClients_reduced(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant, near := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	owner := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant))
	plain := newCaller(t, e, e.TenantURL(tenant), e.TenantClient(tenant, api.ScopeUserDefault))
	neighbour := newCaller(t, e, e.TenantURL(near), e.TenantClient(near))
	common := `"clientName":"automation","appType":"web","redirectUris":["https://example.com/"],"allowedOrigins":["https://example.com"],` +
		`"allowedGrantTypes":["client_credentials"],"allowedAuthMethods":["private_key_jwt","client_secret"],"tokenBinding":"dpop",` +
		`"federatedCredentials":[` + exampleTrust + `]`
	private := []string{
		"redirectUris", "allowedOrigins", "allowedGrantTypes", "allowedAuthMethods", "clientSecrets", "createdByType", "tokenBinding", "federatedCredentials",
	}
	for member, value := range map[string]string{"publicKeys": `[` + exampleKey + `]`, "jwksUri": `"https://client.example.com/keys"`} {
		var made api.OAuthClient
		owner.want(201, &made, "POST", "/api/v1/oauth-clients", `{`+common+`,"`+member+`":`+value+`}`)
		path := "/api/v1/oauth-clients/" + made.ClientID
		owner.want(201, nil, "POST", path+"/actions/publish", nil)
		var full map[string]any
		owner.want(200, &full, "GET", path, nil)
		seen := map[string]map[string]any{}
		for who, reader := range map[string]caller{"another user": plain, "another tenant's administrator": neighbour} {
			var one map[string]any
			reader.want(200, &one, "GET", path, nil)
			seen[who] = one
			var list struct{ Data []map[string]any }
			reader.want(200, &list, "GET", "/api/v1/oauth-clients?filter="+url.QueryEscape(`clientId eq "`+made.ClientID+`"`), nil)
			if len(list.Data) != 1 {
				t.Fatalf("%s lists %v", who, list.Data)
			}
			seen[who+", in the list"] = list.Data[0]
		}
		for _, name := range append([]string{member}, private...) {
			if _, ok := full[name]; !ok {
				t.Errorf("an administrator does not see %s", name)
			}
			for who, reduced := range seen {
				if value, ok := reduced[name]; ok {
					t.Errorf("%s sees %s: %v", who, name, value)
				}
			}
		}
		for who, reduced := range seen {
			if reduced["clientName"] != "automation" || reduced["clientId"] != made.ClientID {
				t.Errorf("%s: %v", who, reduced)
			}
		}
	}
}
