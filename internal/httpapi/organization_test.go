package httpapi_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// inventorySize is how many tenants an inventory has.
const inventorySize = 12

// inventory is an estate with tenants that differ in everything that can be
// filtered and sorted by, and the neighbours that must never show up in it.
type inventory struct {
	*testenv.Env
	token         string
	subscriptions []estate.Subscription
	foreign       estate.Subscription
	all           []api.OrganizationTenant // as the API lists them
}

func newInventory(t *testing.T) *inventory {
	t.Helper()
	e := testenv.New(t)
	i := &inventory{Env: e, subscriptions: []estate.Subscription{e.Subscription(40), e.Subscription(40)}}
	stranger := e.NewOrganization("Stranger")
	i.foreign = e.SubscriptionOf(stranger.ID, 5)
	e.Tenant(i.foreign, "us")
	names := []string{"Beta", "alpha", "Ärger", "beta", "zulu", "Alpha", "100%", "a_b", `quo"te`, "ärger", "Zulu", `back\slash`}
	var made []estate.TenantID
	for n := range inventorySize {
		sub := i.subscriptions[n%2]
		region := []estate.RegionCode{"us", "eu", "ap"}[n%3]
		tenant := tenancy.NewTenant{Name: names[n]}
		if n%4 == 0 {
			tenant.Hostnames = []string{fmt.Sprintf("alias-%c", 'z'-n)}
		}
		created, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, region, tenant)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, created.ID)
		if n%5 != 0 { // some are made in the same millisecond
			e.Clock.Advance(time.Duration(n) * time.Minute)
		}
	}
	// By hand, for dates of which some are equal.
	later := e.Clock.Now().Add(time.Hour).UnixMicro()
	for n, id := range made {
		if n%3 == 1 {
			sqlExec(t, e, "update tenants set updated_at = ? where id = ?", later-int64(n)*time.Minute.Microseconds(), string(id))
		}
		if n%4 == 3 {
			sqlExec(t, e, "update tenants set status = 'disabled' where id = ?", string(id))
		}
	}
	if wrong, err := e.App.Tenancy.VerifyCounts(t.Context(), testenv.Operator, true); len(wrong) == 0 || err != nil {
		t.Fatalf("%d counts were wrong (%v)", len(wrong), err)
	}
	i.token = e.Token(e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead))
	i.all = i.list(t, "limit=100").Data
	if len(i.all) != inventorySize {
		t.Fatalf("%d tenants", len(i.all))
	}
	return i
}

func (i *inventory) get(query string) testenv.Answer {
	return i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants?" + query, Token: i.token})
}

func (i *inventory) list(t *testing.T, query string) (list api.OrganizationTenantList) {
	t.Helper()
	answer := i.get(query)
	if answer.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, answer.Status, answer.Body)
	}
	answer.Into(&list)
	return list
}

func ids(tenants []api.OrganizationTenant) []string {
	all := make([]string, len(tenants))
	for i, t := range tenants {
		all[i] = t.ID
	}
	return all
}

// expectParameter checks that an error names a parameter of the request.
func expectParameter(t *testing.T, what string, a testenv.Answer, name string) {
	t.Helper()
	expect(t, what, a, http.StatusBadRequest, api.CodeInvalidRequest)
	if source := a.Error().Source; source == nil || source.Parameter != name {
		t.Errorf("%s: source %+v, want the parameter %s", what, source, name)
	}
}

func TestListTenants_Tenant(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	made := e.Tenant(sub, "eu", "acme")
	token := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	var list api.OrganizationTenantList
	e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: token}).Into(&list)
	want := api.OrganizationTenant{
		ID: string(made.ID), Name: made.Name, Status: "active", Hostnames: []string{string(made.Hostname) + "." + testenv.Domain, "acme.eu." + testenv.Domain},
		RegionCode: "eu-west-1", CountryCode: "IE", CreatedAt: api.Time{Time: made.CreatedAt}, UpdatedAt: api.Time{Time: made.UpdatedAt}, CreatedBy: made.CreatedBy,
		LicenseNumber: string(sub.ID), SubscriptionID: string(sub.ID), LicenseStartsAt: api.Timestamp(sub.StartsAt), LicenseEndsAt: api.Timestamp(sub.EndsAt),
		Links:        api.SelfLinks{Self: api.Link{Href: e.Console() + "/api/core/tenants/" + string(made.ID)}},
		Provisioning: &api.Provisioning{State: api.ProvisioningReady, UpdatedAt: api.Time{Time: made.CreatedAt}},
	}
	whole := api.OrganizationTenantList{Data: []api.OrganizationTenant{want}, Links: api.PageLinks{Self: api.Link{Href: e.Console() + "/api/core/tenants"}}}
	if diff := gocmp.Diff(whole, list); diff != "" {
		t.Error(diff)
	}

	var one api.OrganizationTenantList
	e.Do(testenv.Request{URL: want.Links.Self.Href, Token: token}).Into(&one)
	count := int64(1)
	single := api.OrganizationTenantList{Data: []api.OrganizationTenant{want}, Links: api.PageLinks{Self: want.Links.Self}, TotalResults: &count}
	if diff := gocmp.Diff(single, one); diff != "" {
		t.Errorf("by its id: %s", diff)
	}
}

// TestListTenants_FollowsTheSubscription lists after the licence has changed.
func TestListTenants_FollowsTheSubscription(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	e.Tenant(sub, "eu")
	token := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	ends := e.Clock.Now().AddDate(3, 0, 0)
	for _, want := range []time.Time{sub.EndsAt, ends} {
		var list api.OrganizationTenantList
		e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants", Token: token}).Into(&list)
		if have := list.Data[0].LicenseEndsAt; !have.Equal(want) {
			t.Errorf("licenseEndsAt %v, want %v", have, want)
		}
		if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{EndsAt: ends}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListTenants_Parameters(t *testing.T) {
	i := newInventory(t)
	for query, want := range map[string]int{
		"": inventorySize, "limit=0": 0, "limit=1": 1, "limit=12": inventorySize, "limit=100": inventorySize, "totalResults=false": inventorySize, "totalResults=": inventorySize,
		"unknown=1": inventorySize, "filter=": inventorySize, "sort=": inventorySize, "next=": inventorySize,
	} {
		list := i.list(t, query)
		if len(list.Data) != want || list.TotalResults != nil {
			t.Errorf("%s: %d tenants and a total of %v, want %d and none", query, len(list.Data), list.TotalResults, want)
		}
	}
	disabled := int64(0)
	for _, tenant := range i.all {
		if tenant.Status == "disabled" {
			disabled++
		}
	}
	for query, want := range map[string]int64{
		"totalResults=true": inventorySize, "totalResults=true&limit=0": inventorySize, "totalResults=true&limit=1": inventorySize,
		"totalResults=True": inventorySize, "totalResults=true&filter=" + url.QueryEscape(`status eq "disabled"`): disabled, "totalResults=true&limit=0&filter=" + url.QueryEscape(`name eq "nobody"`): 0,
	} {
		if have := total(i.list(t, query)); have != want {
			t.Errorf("%s: total %d, want %d", query, have, want)
		}
	}
	for query, name := range map[string]string{
		"limit=101": "limit", "limit=-1": "limit", "limit=abc": "limit", "limit=": "limit", "limit=1.5": "limit", "limit=1e1": "limit", "limit=99999999999999999999": "limit",
		"totalResults=1": "totalResults", "totalResults=TRUE": "totalResults",
		"sort=nothing": "sort", "sort=name,,status": "sort", "sort=--name": "sort", "sort=id": "sort", "sort=name,-name": "sort",
		"filter=name": "filter", "next=garbage": "next", "prev=garbage": "prev", "next=%00": "next", "next=" + strings.Repeat("A", 9000): "next",
	} {
		expectParameter(t, query, i.get(query), name)
	}
}

// TestListTenants_DefaultLimit has more tenants than a page.
func TestListTenants_DefaultLimit(t *testing.T) {
	e := testenv.New(t)
	e.Subscription(150)
	if _, err := e.App.Tenancy.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: 120}); err != nil {
		t.Fatal(err)
	}
	token := e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))
	for query, want := range map[string]int{"": 20, "?limit=100": 100, "?limit=99": 99} {
		var list api.OrganizationTenantList
		e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants" + query, Token: token}).Into(&list)
		if len(list.Data) != want || list.Links.Next == nil || list.Links.Prev != nil {
			t.Errorf("%q: %d tenants, next %v, prev %v", query, len(list.Data), list.Links.Next, list.Links.Prev)
		}
	}
}

func TestGetOrganizationTenant(t *testing.T) {
	i := newInventory(t)
	get := func(id string) testenv.Answer {
		return i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants/" + id, Token: i.token})
	}
	expect(t, "unknown", get(strings.Repeat("x", 32)), http.StatusNotFound, api.CodeTenantNotFound)
	for _, malformed := range []string{"x", strings.Repeat("x", 31), strings.Repeat("x", 33), strings.Repeat("x", 31) + "$", "6305f0a2b1c4d5e6f7a8b9c0", "%20"} {
		expectParameter(t, malformed, get(malformed), "tenantId")
	}
	theirs := i.Tenant(i.foreign, "eu")
	expect(t, "of another organization", get(string(theirs.ID)), http.StatusNotFound, api.CodeTenantNotFound)
	if have, want := string(get(string(theirs.ID)).Body), string(get(strings.Repeat("x", 32)).Body); have[:strings.Index(have, "traceId")] != want[:strings.Index(want, "traceId")] {
		t.Errorf("a tenant of another organization can be told from none: %s, %s", have, want)
	}
}

func TestCountTenants(t *testing.T) {
	i := newInventory(t)
	a, b := i.subscriptions[0].ID, i.subscriptions[1].ID
	count := func(filter string) testenv.Answer {
		return i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants/actions/count?filter=" + url.QueryEscape(filter), Token: i.token})
	}
	for filter, want := range map[string]int64{
		fmt.Sprintf(`subscriptionId eq "%s"`, a):                               6,
		fmt.Sprintf(`subscriptionId eq "%s" or subscriptionId eq "%s"`, a, b):  12,
		fmt.Sprintf(`subscriptionId eq "%s" and subscriptionId eq "%s"`, a, b): 0,
		fmt.Sprintf(`not (subscriptionId eq "%s")`, a):                         6,
		fmt.Sprintf(`subscriptionId eq "%s" and countryCode eq "us"`, a):       2,
	} {
		answer := count(filter)
		var have api.Count
		if answer.Into(&have); answer.Status != http.StatusOK || have.Total != want {
			t.Errorf("%s: %d %s, want %d", filter, answer.Status, answer.Body, want)
		}
	}
	none := i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants/actions/count", Token: i.token})
	expectParameter(t, "no filter", none, "filter")
	for _, filter := range []string{"", " ", `status eq "active"`, `subscriptionId`, `subscriptionId eq`} {
		expectParameter(t, filter, count(filter), "filter")
	}
	for _, id := range []string{string(i.foreign.ID), "0000000000000000", "", "x"} {
		expect(t, "subscription "+id, count(fmt.Sprintf(`subscriptionId eq "%s"`, id)), http.StatusForbidden, api.CodeForbidden)
	}
}

// TestListTenants_ForeignSubscription names a subscription of another
// organization, wherever in the filter it stands. One that does not exist gets
// the same answer.
func TestListTenants_ForeignSubscription(t *testing.T) {
	i := newInventory(t)
	for _, id := range []string{string(i.foreign.ID), "0000000000000000"} {
		named := fmt.Sprintf(`subscriptionId eq "%s"`, id)
		for _, filter := range []string{
			named, "not " + named, `status eq "active" or ` + named, fmt.Sprintf(`subscriptionId eq "%s" or (name eq "x" and %s)`, i.subscriptions[0].ID, named),
		} {
			for name, answer := range map[string]testenv.Answer{
				"list":   i.get("filter=" + url.QueryEscape(filter)),
				"total":  i.get("limit=0&totalResults=true&filter=" + url.QueryEscape(filter)),
				"filter": i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants/actions/filter", Token: i.token, JSON: api.TenantFilterRequest{Filter: filter}}),
			} {
				expect(t, name+" "+filter, answer, http.StatusForbidden, api.CodeForbidden)
				if source := answer.Error().Source; source == nil || source.Parameter != "filter" {
					t.Errorf("%s %s: source %+v", name, filter, source)
				}
			}
		}
	}
	theirs := i.Token(i.Console(), i.OrganizationClient(i.foreign.Organization))
	var list api.OrganizationTenantList
	i.Do(testenv.Request{URL: i.Console() + "/api/core/tenants?limit=100", Token: theirs}).Into(&list)
	if len(list.Data) != 1 || list.Data[0].SubscriptionID != string(i.foreign.ID) {
		t.Errorf("the other organization sees %d tenants", len(list.Data))
	}
	var page api.OrganizationTenantList
	i.Do(testenv.Request{URL: i.list(t, "limit=1").Links.Next.Href, Token: theirs}).Into(&page)
	for _, tenant := range page.Data {
		if tenant.SubscriptionID != string(i.foreign.ID) {
			t.Errorf("a cursor leads the other organization to tenant %s", tenant.ID)
		}
	}
}

// TestFilterTenants compares the filter in the body with the one in the query.
func TestFilterTenants(t *testing.T) {
	i := newInventory(t)
	post := func(query, body string) testenv.Answer {
		return i.Do(testenv.Request{
			Method: http.MethodPost, URL: i.Console() + "/api/core/tenants/actions/filter?" + query, Token: i.token, Body: body, Header: map[string]string{"Content-Type": jsonType},
		})
	}
	for _, filter := range []string{"", `status eq "active"`, `countryCode co "U" and not (name eq "BETA")`} {
		for _, query := range []string{"", "limit=3&sort=-name", "totalResults=true&limit=0", "sort=regionCode,-createdAt&limit=100"} {
			want := i.list(t, query+"&filter="+url.QueryEscape(filter))
			var have api.OrganizationTenantList
			post(query, fmt.Sprintf(`{"filter":%q}`, filter)).Into(&have)
			if diff := gocmp.Diff(want.Data, have.Data); diff != "" || cmp.Compare(total(have), total(want)) != 0 {
				t.Errorf("%s, %s: total %d, want %d %s", filter, query, total(have), total(want), diff)
			}
			if (have.Links.Next == nil) != (want.Links.Next == nil) {
				t.Errorf("%s, %s: next %v, want %v", filter, query, have.Links.Next, want.Links.Next)
			}
		}
	}
	var walked []string
	query := "limit=4&sort=name"
	for {
		var page api.OrganizationTenantList
		post(query, `{"filter":"status eq \"active\"","more":1}`).Into(&page)
		walked = append(walked, ids(page.Data)...)
		if page.Links.Next == nil || len(walked) > inventorySize {
			break
		}
		next, ok := strings.CutPrefix(page.Links.Next.Href, i.Console()+"/api/core/tenants/actions/filter?")
		if !ok {
			t.Fatalf("next is %s", page.Links.Next.Href)
		}
		query = next
	}
	if want := ids(i.list(t, "limit=100&sort=name&filter="+url.QueryEscape(`status eq "active"`)).Data); !slices.Equal(walked, want) {
		t.Errorf("walked %v, want %v", walked, want)
	}
	expectParameter(t, "bad filter", post("", `{"filter":"name"}`), "filter")
	expectParameter(t, "bad limit", post("limit=x", `{"filter":""}`), "limit")
	expect(t, "filter of another type", post("", `{"filter":1}`), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "no JSON", post("", `name eq "x"`), http.StatusBadRequest, api.CodeInvalidRequest)
}

func total(list api.OrganizationTenantList) int64 {
	if list.TotalResults == nil {
		return -1
	}
	return *list.TotalResults
}

// TestLinks_BehindAProxy configures what clients see differently from what the
// server listens on. Links are followed as they are.
func TestLinks_BehindAProxy(t *testing.T) {
	for _, test := range []struct {
		scheme string
		port   int
		want   string // origin of the console
	}{
		{"https", 443, "https://console.freehold.localhost"},
		{"https", 8443, "https://console.freehold.localhost:8443"},
		{"http", 80, "http://console.freehold.localhost"},
		{"http", 443, "http://console.freehold.localhost:443"},
	} {
		t.Run(test.want, func(t *testing.T) {
			config := app.Defaults()
			config.DataDir, config.Domain, config.PublicScheme, config.PublicPort = t.TempDir(), testenv.Domain, test.scheme, test.port
			e := testenv.Start(t, config, t.TempDir())
			sub := e.Subscription(5)
			tenant := e.Tenant(sub, "us", "acme")
			e.Tenant(sub, "us")
			if e.Console() != test.want {
				t.Fatalf("console at %s", e.Console())
			}
			token := e.Token(test.want, e.OrganizationClient(e.Organization.ID))
			if claims := verifyToken(t, e, test.want, token); claims["aud"] != test.want {
				t.Errorf("aud %s", claims["aud"])
			}
			seen := 0
			for next := test.want + "/api/core/tenants?limit=1"; next != ""; seen++ {
				var page api.OrganizationTenantList
				e.Do(testenv.Request{URL: next, Token: token}).Into(&page)
				if page.Links.Self.Href != next {
					t.Errorf("self %s, want %s", page.Links.Self.Href, next)
				}
				expect(t, "link of a tenant", e.Do(testenv.Request{URL: page.Data[0].Links.Self.Href, Token: token}), http.StatusOK, "")
				if next = ""; page.Links.Next != nil {
					next = page.Links.Next.Href
				}
			}
			if seen != 2 {
				t.Errorf("%d pages", seen)
			}
			alias := e.Origin("acme.us")
			own := e.Token(alias, e.TenantClient(tenant))
			verifyToken(t, e, alias, own)
			var shown api.Tenant
			e.Do(testenv.Request{URL: alias + "/api/v1/tenants/" + string(tenant.ID), Token: own}).Into(&shown)
			if shown.Links.Self.Href != alias+"/api/v1/tenants/"+shown.ID || !strings.HasPrefix(alias, test.scheme+"://acme.us.") {
				t.Errorf("self %s at %s", shown.Links.Self.Href, alias)
			}
		})
	}
}
