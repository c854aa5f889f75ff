package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// labelled makes a tenant in us with labels and an external id.
func (k *keeper) labelled(t *testing.T, externalID string, labels map[string]string) estate.Tenant {
	t.Helper()
	tenant, err := k.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, k.sub.ID, "us", tenancy.NewTenant{Name: externalID, ExternalID: externalID, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func TestListRegionTenants(t *testing.T) {
	e := testenv.New(t)
	k, stranger := newKeeper(e, e.Subscription(20)), newKeeper(e, e.Subscription(20))
	var all []string
	for i := range 5 {
		e.Clock.Advance(1_000_000_000)
		tenant := k.labelled(t, fmt.Sprint("customer-", i), map[string]string{"plan": []string{"gold", "silver"}[i%2], "a/b": "x=y"})
		all = append(all, string(tenant.ID))
	}
	e.Tenant(k.sub, "eu")
	stranger.labelled(t, "customer-0", map[string]string{"plan": "gold"})
	expect(t, "deactivate", k.act("deactivate", tenantOf(t, e, api.Tenant{ID: all[4]}), nil), http.StatusOK, "")
	list := func(k *keeper, query string) (out api.TenantList) {
		t.Helper()
		answer := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants?" + query, Token: k.token})
		expect(t, query, answer, http.StatusOK, "")
		answer.Into(&out)
		return out
	}
	idsOf := func(page api.TenantList) (ids []string) {
		for _, tenant := range page.Data {
			ids = append(ids, tenant.ID)
		}
		return ids
	}
	for filter, want := range map[string][]string{
		"":                           all,
		`labels eq "plan=gold"`:      {all[0], all[2], all[4]},
		`labels eq "plan=GOLD"`:      nil,
		`labels eq "plan"`:           all,
		`labels eq "a/b=x=y"`:        all,
		`labels eq "none"`:           nil,
		`not labels eq "plan=gold"`:  {all[1], all[3]},
		`externalId eq "customer-3"`: {all[3]},
		`externalId eq ""`:           nil,
		`status eq "disabled"`:       {all[4]},
		`labels eq "plan=gold" and status eq "active"`:        {all[0], all[2]},
		`subscriptionId eq "` + string(stranger.sub.ID) + `"`: nil,
		`id eq "` + all[1] + `" or name eq "CUSTOMER-2"`:      {all[1], all[2]},
	} {
		page := list(k, "totalResults=true&filter="+url.QueryEscape(filter))
		if diff := cmp.Diff(want, idsOf(page)); diff != "" || *page.TotalResults != int64(len(want)) {
			t.Errorf("%s: %d in all (-want +got)\n%s", filter, *page.TotalResults, diff)
		}
	}
	if page := list(stranger, ""); len(page.Data) != 1 || page.Data[0].Labels["plan"] != "gold" || slices.Contains(all, page.Data[0].ID) {
		t.Errorf("the stranger sees %+v", page.Data)
	}
	var walked []string
	next := e.Register("us") + "/api/v1/tenants?limit=2&sort=-createdAt"
	for next != "" {
		var page api.TenantList
		e.Do(testenv.Request{URL: next, Token: k.token}).Into(&page)
		walked = append(walked, idsOf(page)...)
		if next = ""; page.Links.Next != nil {
			next = page.Links.Next.Href
		}
	}
	slices.Reverse(walked)
	if diff := cmp.Diff(all, walked); diff != "" {
		t.Errorf("walked (-want +got)\n%s", diff)
	}
	for query, parameter := range map[string]string{"filter=x": "filter", "sort=labels": "sort", "limit=101": "limit", "next=x": "next", "totalResults=1": "totalResults"} {
		answer := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants?" + query, Token: k.token})
		expect(t, query, answer, http.StatusBadRequest, "HTTP-400")
		if source := answer.Error().Source; source == nil || source.Parameter != parameter {
			t.Errorf("%s: source %v", query, source)
		}
	}
}

func TestCheckHostname(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(20))
	tenant := e.Tenant(k.sub, "us", "acme")
	domain := ".us." + testenv.Domain
	for name, want := range map[string]api.HostnameAvailability{
		"free":                      {Hostname: "free" + domain, Available: true},
		"FREE" + domain:             {Hostname: "free" + domain, Available: true},
		"acme":                      {Hostname: "acme" + domain, Reason: "taken"},
		tenant.Hostname.Label():     {Hostname: tenant.Hostname.Label() + domain, Reason: "taken"},
		"ab":                        {Hostname: "ab" + domain, Reason: "invalid"},
		"register":                  {Hostname: "register" + domain, Reason: "invalid"},
		"acme.eu." + testenv.Domain: {Hostname: "acme.eu." + testenv.Domain, Reason: "invalid"},
		"a b":                       {Hostname: "a b" + domain, Reason: "invalid"},
	} {
		answer := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/actions/check-hostname?hostname=" + url.QueryEscape(name), Token: k.token})
		expect(t, name, answer, http.StatusOK, "")
		var have api.HostnameAvailability
		answer.Into(&have)
		if (have.Detail == "") != want.Available {
			t.Errorf("%s: detail %q", name, have.Detail)
		}
		have.Detail = ""
		if have != want {
			t.Errorf("%s: %+v, want %+v", name, have, want)
		}
	}
	expect(t, "none", e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/actions/check-hostname", Token: k.token}), http.StatusBadRequest, "HTTP-400")
}

func (k *keeper) bulk(t *testing.T, body api.BulkTenantsRequest) (out api.BulkTenantsResponse) {
	t.Helper()
	answer := k.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/actions/bulk", Token: k.token, JSON: body})
	expect(t, "bulk "+body.Action, answer, http.StatusMultiStatus, "")
	answer.Into(&out)
	return out
}

// outcomes are the statuses and codes of results.
func outcomes(r api.BulkTenantsResponse) (all []string) {
	for _, one := range r.Data {
		text := fmt.Sprint(one.Status)
		for _, e := range one.Errors {
			text += " " + e.Code
		}
		all = append(all, text)
	}
	return all
}

func TestBulkTenants(t *testing.T) {
	e := testenv.New(t)
	k, stranger := newKeeper(e, e.Subscription(20)), newKeeper(e, e.Subscription(20))
	var tenants []estate.Tenant
	for i := range 4 {
		e.Clock.Advance(1_000_000_000)
		tenants = append(tenants, k.labelled(t, fmt.Sprint("customer-", i), map[string]string{"stage": "trial"}))
	}
	p := newPatcher(e, tenants[1], k.sub)
	expect(t, "protect", p.patchAtRegister(ops1("/deletionProtection", true)), http.StatusNoContent, "")
	states := func() (all []string) {
		for _, tenant := range tenants {
			all = append(all, k.get(t, tenant).Status)
		}
		return all
	}
	same := func(what string, have, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	text := func(s string) *string { return &s }
	ten, four := 10, 4
	filter := `labels eq "stage=trial"`

	before := e.Clock.Now()
	dry := k.bulk(t, api.BulkTenantsRequest{Action: "deactivate", Filter: filter, PurgeAfterDays: &ten, DryRun: true})
	same("dry run", outcomes(dry), []string{"200", "403 TENANTS-35", "200", "200"})
	same("after a dry run", states(), []string{"active", "active", "active", "active"})
	if !dry.DryRun || dry.Data[0].Tenant == nil || dry.Data[0].Tenant.Status != "disabled" || !dry.Data[0].Tenant.EstimatedPurgeDate.Equal(before.AddDate(0, 0, 10)) {
		t.Errorf("%+v", dry.Data[0])
	}
	if n := len(recordsOf(t, e, k.client.Scope, "tenant.deactivate")); n != 0 {
		t.Errorf("%d records of a dry run", n)
	}
	done := k.bulk(t, api.BulkTenantsRequest{Action: "deactivate", Filter: filter, PurgeAfterDays: &ten, ExpectedCount: &four})
	same("deactivate", outcomes(done), outcomes(dry))
	same("deactivated", states(), []string{"disabled", "active", "disabled", "disabled"})
	for i, one := range done.Data {
		if one.ID != string(tenants[i].ID) || (one.Tenant == nil) != (i == 1) {
			t.Errorf("%d: %+v", i, one)
		}
	}
	if n := len(recordsOf(t, e, k.client.Scope, "tenant.deactivate")); n != 4 {
		t.Errorf("%d records, want three and one of the refused attempt", n)
	}

	// By id, in the order of the ids; tenants of others are not there.
	ids := []string{string(tenants[3].ID), "nothing", string(tenants[0].ID)}
	same("reactivate", outcomes(k.bulk(t, api.BulkTenantsRequest{Action: "reactivate", IDs: ids})), []string{"200", "404 TENANTS-8", "200"})
	same("reactivated", states(), []string{"active", "active", "disabled", "active"})
	for _, action := range []string{"deactivate", "reactivate"} {
		same("stranger", outcomes(stranger.bulk(t, api.BulkTenantsRequest{Action: action, IDs: ids})), []string{"404 TENANTS-8", "404 TENANTS-8", "404 TENANTS-8"})
	}
	if have := stranger.bulk(t, api.BulkTenantsRequest{Action: "relabel", Filter: filter, Labels: map[string]*string{"a": nil}}); len(have.Data) != 0 || have.Data == nil {
		t.Errorf("the stranger has relabelled %+v", have)
	}

	relabel := api.BulkTenantsRequest{Action: "relabel", Filter: `not labels eq "none"`, Labels: map[string]*string{"stage": nil, "plan": text("gold"), "none": nil}}
	relabelled := k.bulk(t, relabel)
	same("relabel", outcomes(relabelled), []string{"200", "200", "200", "200"})
	for i, tenant := range tenants {
		if diff := cmp.Diff(map[string]string{"plan": "gold"}, k.get(t, tenant).Labels); diff != "" || relabelled.Data[i].Tenant.Labels["plan"] != "gold" {
			t.Errorf("labels (-want +got)\n%s", diff)
		}
	}
	relabel.Labels = map[string]*string{"-": text("x")}
	same("relabel", outcomes(k.bulk(t, relabel)), []string{"400 TENANTS-30", "400 TENANTS-30", "400 TENANTS-30", "400 TENANTS-30"})
	same("states", states(), []string{"active", "active", "disabled", "active"})
	if status := e.Token(e.TenantURL(tenants[3]), k.client); status == "" {
		t.Error("a reactivated tenant gives no token")
	}
}

func TestBulkTenants_Create(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(3))
	e.Tenant(k.sub, "us", "taken")
	license := e.LicenseKey(k.sub)
	request := api.BulkTenantsRequest{Action: "create", DryRun: true, Tenants: []api.CreateTenantRequest{
		{LicenseKey: license, Name: "One", ExternalID: "1", Hostnames: []string{"one"}},
		{LicenseKey: license, Hostnames: []string{"taken"}},
		{LicenseKey: license, ExternalID: "1"},
		{LicenseKey: license, Hostnames: []string{"ONE"}},
		{LicenseKey: "forged"},
		{LicenseKey: license, Name: "Two", ExternalID: "2"},
		{LicenseKey: license, Name: "Three", ExternalID: "3"},
	}}
	want := []string{"201", "409 TENANTS-31", "409 TENANTS-32", "409 TENANTS-31", "403 TENANTS-23", "201", "403 TENANTS-22"}
	for _, dry := range []bool{true, false} {
		request.DryRun = dry
		have := k.bulk(t, request)
		if diff := cmp.Diff(want, outcomes(have)); diff != "" {
			t.Errorf("dry run %v (-want +got)\n%s", dry, diff)
		}
		for _, one := range have.Data {
			if made := one.Status == http.StatusCreated && !dry; made != (one.ID != "") || made != (one.Tenant != nil) {
				t.Errorf("dry run %v: %+v", dry, one)
			}
		}
	}
	c := newCreator(e, k.sub, "us")
	if n := c.count(t); n != 3 {
		t.Errorf("%d tenants", n)
	}

	// The key of the whole request protects each of its parts.
	roomy := newKeeper(e, e.Subscription(9))
	request = api.BulkTenantsRequest{Action: "create", Tenants: []api.CreateTenantRequest{{LicenseKey: e.LicenseKey(roomy.sub)}, {LicenseKey: e.LicenseKey(roomy.sub)}}}
	var made [2]api.BulkTenantsResponse
	for i := range made {
		answer := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/actions/bulk", Token: roomy.token, JSON: request, Header: map[string]string{"Idempotency-Key": "k"}})
		expect(t, "create", answer, http.StatusMultiStatus, "")
		answer.Into(&made[i])
	}
	if diff := cmp.Diff(made[0], made[1]); diff != "" || made[0].Data[0].ID == made[0].Data[1].ID {
		t.Errorf("repeated (-first +second)\n%s", diff)
	}
}

func TestBulkTenants_Errors(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(20))
	tenant := k.labelled(t, "customer", map[string]string{"stage": "trial"})
	one, two, days, value := 1, 2, 10, "x"
	ids, filter := []string{string(tenant.ID)}, `labels eq "stage=trial"`
	creates := []api.CreateTenantRequest{{LicenseKey: "x"}}
	for name, c := range map[string]struct {
		body          api.BulkTenantsRequest
		status        int
		code, pointer string
	}{
		"no action":            {api.BulkTenantsRequest{IDs: ids}, 400, "TENANTS-30", "/action"},
		"unknown action":       {api.BulkTenantsRequest{Action: "purge", IDs: ids}, 400, "TENANTS-30", "/action"},
		"neither":              {api.BulkTenantsRequest{Action: "reactivate"}, 400, "TENANTS-30", "/filter"},
		"both":                 {api.BulkTenantsRequest{Action: "reactivate", IDs: ids, Filter: filter}, 400, "TENANTS-30", "/filter"},
		"tenants":              {api.BulkTenantsRequest{Action: "reactivate", IDs: ids, Tenants: creates}, 400, "TENANTS-30", "/tenants"},
		"too many ids":         {api.BulkTenantsRequest{Action: "reactivate", IDs: make([]string, 101)}, 400, "TENANTS-30", "/ids"},
		"same id":              {api.BulkTenantsRequest{Action: "reactivate", IDs: []string{"a", "b", "a"}}, 400, "TENANTS-30", "/ids/2"},
		"no count":             {api.BulkTenantsRequest{Action: "deactivate", Filter: filter}, 400, "TENANTS-30", "/expectedCount"},
		"wrong count":          {api.BulkTenantsRequest{Action: "deactivate", Filter: filter, ExpectedCount: &two}, 412, "TENANTS-37", "/expectedCount"},
		"wrong count, relabel": {api.BulkTenantsRequest{Action: "relabel", Filter: filter, ExpectedCount: &two, Labels: map[string]*string{"a": &value}}, 412, "TENANTS-37", "/expectedCount"},
		"days":                 {api.BulkTenantsRequest{Action: "reactivate", IDs: ids, PurgeAfterDays: &days}, 400, "TENANTS-30", "/purgeAfterDays"},
		"labels":               {api.BulkTenantsRequest{Action: "reactivate", IDs: ids, Labels: map[string]*string{"a": &value}}, 400, "TENANTS-30", "/labels"},
		"no labels":            {api.BulkTenantsRequest{Action: "relabel", IDs: ids}, 400, "TENANTS-30", "/labels"},
		"filter":               {api.BulkTenantsRequest{Action: "reactivate", Filter: "x"}, 400, "HTTP-400", ""},
		"filter that escapes":  {api.BulkTenantsRequest{Action: "reactivate", Filter: `id eq "a") or (id eq "b"`}, 400, "HTTP-400", ""},
		"create nothing":       {api.BulkTenantsRequest{Action: "create"}, 400, "TENANTS-30", "/tenants"},
		"create too many":      {api.BulkTenantsRequest{Action: "create", Tenants: make([]api.CreateTenantRequest, 101)}, 400, "TENANTS-30", "/tenants"},
		"create and pick":      {api.BulkTenantsRequest{Action: "create", Tenants: creates, ExpectedCount: &one}, 400, "TENANTS-30", "/tenants"},
	} {
		answer := k.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/actions/bulk", Token: k.token, JSON: c.body})
		expect(t, name, answer, c.status, c.code)
		if source := answer.Error().Source; source == nil || source.Pointer != c.pointer {
			t.Errorf("%s: source %+v", name, source)
		}
	}
	for action, scope := range map[string]string{
		"create": api.ScopeTenantsReactivate, "deactivate": api.ScopeTenantsCreate, "reactivate": api.ScopeTenantsDeactivate, "relabel": api.ScopeTenantsDeactivate,
	} {
		lesser := newKeeper(e, k.sub, scope)
		body := api.BulkTenantsRequest{Action: action, IDs: ids}
		expect(t, action, lesser.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/actions/bulk", Token: lesser.token, JSON: body}), http.StatusForbidden, "AUTH-3")
	}
	crowd := newKeeper(e, e.Subscription(200))
	for i := range api.MaxBulk {
		crowd.labelled(t, fmt.Sprint(i), nil)
	}
	crowd.labelled(t, "", map[string]string{"last": "yes"})
	answer := crowd.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/actions/bulk", Token: crowd.token, JSON: api.BulkTenantsRequest{Action: "reactivate", Filter: `status eq "active"`}})
	expect(t, "too many", answer, http.StatusBadRequest, "TENANTS-30")
	if have := crowd.bulk(t, api.BulkTenantsRequest{Action: "reactivate", Filter: `not labels eq "last"`}); len(have.Data) != api.MaxBulk {
		t.Errorf("%d results", len(have.Data))
	}
	if have := k.get(t, tenant); have.Status != "active" || len(have.Labels) != 1 {
		t.Errorf("%+v", have)
	}
}
