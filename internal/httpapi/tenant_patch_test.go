package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// recordsOf returns the records of an action in scope, oldest first.
func recordsOf(t *testing.T, e *testenv.Env, scope estate.Scope, action string) (found []estate.AuditRecord) {
	t.Helper()
	for _, r := range slices.Backward(auditOf(t, e, scope)) {
		if r.Action == action {
			found = append(found, r)
		}
	}
	return found
}

// patcher changes one tenant, at its own host and at the register host.
type patcher struct {
	*testenv.Env
	tenant         estate.Tenant
	here, register string // tokens
	getURL         string
}

func newPatcher(e *testenv.Env, tenant estate.Tenant, sub estate.Subscription) *patcher {
	region := e.RegionClient(sub, tenant.Region)
	return &patcher{
		Env: e, tenant: tenant, here: e.Token(e.TenantURL(tenant), e.TenantClient(tenant)), register: e.Token(e.Register(tenant.Region), region),
		getURL: e.Register(tenant.Region) + "/api/v1/tenants/" + string(tenant.ID),
	}
}

func (p *patcher) patch(body any) testenv.Answer {
	return p.Do(testenv.Request{Method: http.MethodPatch, URL: p.TenantURL(p.tenant) + "/api/v1/tenants/" + string(p.tenant.ID), Token: p.here, JSON: body})
}

func (p *patcher) patchAtRegister(body any) testenv.Answer {
	return p.Do(testenv.Request{Method: http.MethodPatch, URL: p.getURL, Token: p.register, JSON: body})
}

func (p *patcher) get(t *testing.T) (tenant api.Tenant) {
	t.Helper()
	answer := p.Do(testenv.Request{URL: p.getURL, Token: p.register})
	expect(t, "get", answer, http.StatusOK, "")
	answer.Into(&tenant)
	return tenant
}

func replace(path string, value any) api.TenantPatchOperation {
	return api.TenantPatchOperation{Op: "replace", Path: path, Value: value}
}

func TestUpdateTenant(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	p := newPatcher(e, e.Tenant(sub, "us"), sub)
	before := p.get(t)
	e.Clock.Advance(5_000_000_000)
	expect(t, "patch", p.patch([]api.TenantPatchOperation{
		replace("/name", " Renamed "), replace("/hostnames/1", "ACME.us."+testenv.Domain),
		replace("/autoAssignCreateSharedSpacesRoleToProfessionals", false), replace("/autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals", false),
		replace("/autoAssignDataServicesContributorRoleToProfessionals", false), replace("/enableAnalyticCreation", true), replace("/enableAppOpeningFeedback", true),
	}), http.StatusNoContent, "")
	want := before
	want.Name, want.Hostnames, want.LastUpdated = "Renamed", append(before.Hostnames, "acme.us."+testenv.Domain), api.Time{Time: e.Clock.Now()}
	want.AutoAssignCreateSharedSpacesRoleToProfessionals, want.AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals = false, false
	want.AutoAssignDataServicesContributorRoleToProfessionals, want.EnableAnalyticCreation, want.EnableAppOpeningFeedback = false, true, true
	if diff := cmp.Diff(want, p.get(t)); diff != "" {
		t.Errorf("tenant (-want +got)\n%s", diff)
	}
	records := recordsOf(t, e, p.tenant.Scope(), "tenant.update")
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	text, err := json.Marshal(records[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`{"newValue":"Renamed","oldValue":"` + before.Name + `","property":"name"}`, `"licenseId":"` + string(sub.ID) + `"`, `"hostnames":["` + before.Hostnames[0] + `","acme.us.`,
		`{"newValue":true,"oldValue":false,"property":"enableAnalyticCreation"}`, `"id":"` + before.ID + `"`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the record lacks %s:\n%s", part, text)
		}
	}

	// What changes nothing is no change.
	e.Clock.Advance(5_000_000_000)
	for _, body := range [][]api.TenantPatchOperation{{}, {replace("/name", "Renamed")}, {replace("/hostnames/1", "acme.us."+testenv.Domain)}} {
		expect(t, "patch", p.patch(body), http.StatusNoContent, "")
	}
	if diff := cmp.Diff(want, p.get(t)); diff != "" {
		t.Errorf("tenant (-want +got)\n%s", diff)
	}
	if n := len(recordsOf(t, e, p.tenant.Scope(), "tenant.update")); n != 1 {
		t.Errorf("%d records", n)
	}
}

// TestUpdateTenant_Errors sends what is wrong: the answer says so of each property,
// and nothing is done.
func TestUpdateTenant_Errors(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	tenant, other := e.Tenant(sub, "us", "mine"), e.Tenant(sub, "us", "theirs")
	p := newPatcher(e, tenant, sub)
	before := p.get(t)
	domain := "." + testenv.Domain
	type bad struct {
		body any
		want []string // pointer and meta codes of each entry
	}
	for name, c := range map[string]bad{
		"name empty":        {ops1("/name", ""), []string{"/name TENANTS-13"}},
		"name blank":        {ops1("/name", "  "), []string{"/name TENANTS-13"}},
		"name null":         {ops1("/name", nil), []string{"/name TENANTS-13"}},
		"name no text":      {ops1("/name", 5), []string{"/name TENANTS-13"}},
		"name long":         {ops1("/name", strings.Repeat("é", 257)), []string{"/name TENANTS-13"}},
		"name with control": {ops1("/name", "a\x01b"), []string{"/name TENANTS-13"}},
		"switch no boolean": {ops1("/enableAnalyticCreation", "true"), []string{"/enableAnalyticCreation TENANTS-13"}},
		"switch null":       {ops1("/enableAnalyticCreation", nil), []string{"/enableAnalyticCreation TENANTS-13"}},
		"status":            {ops1("/status", "disabled"), []string{"/status TENANTS-12"}},
		"id":                {ops1("/id", "x"), []string{"/id TENANTS-12"}},
		"system host name":  {ops1("/hostnames/0", "acme.us"+domain), []string{"/hostnames/0 TENANTS-12"}},
		"third host name":   {ops1("/hostnames/2", "acme.us"+domain), []string{"/hostnames/2 TENANTS-12"}},
		"all host names":    {ops1("/hostnames", []string{"a"}), []string{"/hostnames TENANTS-12"}},
		"labels":            {ops1("/labels", map[string]string{"a": "b"}), []string{"/labels TENANTS-12"}},
		"a label":           {ops1("/labels/a", "b"), []string{"/labels/a TENANTS-12"}},
		"protection":        {ops1("/deletionProtection", true), []string{"/deletionProtection TENANTS-12"}},
		"whole":             {ops1("/", map[string]any{}), []string{"/ TENANTS-12"}},
		"alias short":       {ops1("/hostnames/1", "ac.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias long":        {ops1("/hostnames/1", strings.Repeat("a", 64)+".us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias hyphen":      {ops1("/hostnames/1", "-acme.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias underscore":  {ops1("/hostnames/1", "ac_me.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias label only":  {ops1("/hostnames/1", "acme"), []string{"/hostnames/1 TENANTS-14"}},
		"alias region":      {ops1("/hostnames/1", "acme.eu"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias domain":      {ops1("/hostnames/1", "acme.us.example.com"), []string{"/hostnames/1 TENANTS-14"}},
		"alias below":       {ops1("/hostnames/1", "www.acme.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias with dot":    {ops1("/hostnames/1", "acme.us"+domain+"."), []string{"/hostnames/1 TENANTS-14"}},
		"alias register":    {ops1("/hostnames/1", "register.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias console":     {ops1("/hostnames/1", "CONSOLE.us"+domain), []string{"/hostnames/1 TENANTS-14"}},
		"alias no text":     {ops1("/hostnames/1", true), []string{"/hostnames/1 TENANTS-13"}},
		"alias missing":     {[]map[string]any{{"op": "replace", "path": "/hostnames/1"}}, []string{"/hostnames/1 TENANTS-13"}},
		"alias taken":       {ops1("/hostnames/1", "theirs.us"+domain), []string{"/hostnames/1 TENANTS-31"}},
		"alias is theirs":   {ops1("/hostnames/1", string(other.Hostname)+domain), []string{"/hostnames/1 TENANTS-31"}},
		"alias is own name": {ops1("/hostnames/1", string(tenant.Hostname)+domain), []string{"/hostnames/1 TENANTS-31"}},
		"op":                {[]map[string]any{{"op": "remove", "path": "/hostnames/1"}}, []string{"/hostnames/1 TENANTS-11"}},
		"no op":             {[]map[string]any{{"path": "/name", "value": "x"}}, []string{"/name TENANTS-11"}},
		"no path":           {[]map[string]any{{"op": "replace", "value": "x"}}, []string{"/0 TENANTS-12"}},
		"path no pointer":   {[]map[string]any{{"op": "replace", "path": "name", "value": "x"}}, []string{"/0 TENANTS-12"}},
		"several": {
			[]any{replace("/name", "fine"), replace("/hostnames/1", "x"), replace("/status", "active"), replace("/enableAnalyticCreation", 1)},
			[]string{"/hostnames/1 TENANTS-14", "/status TENANTS-12", "/enableAnalyticCreation TENANTS-13"},
		},
		"twice the same": {
			[]any{replace("/hostnames/1", 1), replace("/hostnames/1", "x")},
			[]string{"/hostnames/1 TENANTS-13 TENANTS-14"},
		},
		"name and taken alias": {
			[]any{replace("/name", ""), replace("/hostnames/1", "theirs.us"+domain)},
			[]string{"/name TENANTS-13", "/hostnames/1 TENANTS-31"},
		},
		"no array": {map[string]any{"name": "x"}, []string{""}},
		"null":     {json.RawMessage("null"), []string{""}},
		"too many": {make([]struct{}, 101), []string{""}},
		"no ops":   {[]int{1}, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := p.patch(c.body)
			expect(t, name, answer, http.StatusBadRequest, "TENANTS-10")
			var body api.ErrorBody
			answer.Into(&body)
			var have []string
			for _, entry := range body.Errors {
				if entry.Title != "Invalid PATCH request" || entry.Status != "400" {
					t.Errorf("%+v", entry)
				}
				have = append(have, describeEntry(t, entry))
			}
			if diff := cmp.Diff(c.want, have); diff != "" {
				t.Errorf("errors (-want +got)\n%s", diff)
			}
		})
	}
	expect(t, "not JSON", p.Do(testenv.Request{
		Method: http.MethodPatch, URL: p.TenantURL(tenant) + "/api/v1/tenants/" + string(tenant.ID), Token: p.here, Body: "[{]", Header: map[string]string{"Content-Type": "application/json"},
	}), http.StatusBadRequest, "TENANTS-10")
	expect(t, "a form", p.Do(testenv.Request{
		Method: http.MethodPatch, URL: p.TenantURL(tenant) + "/api/v1/tenants/" + string(tenant.ID), Token: p.here, Body: "[]", Header: map[string]string{"Content-Type": "text/plain"},
	}), http.StatusUnsupportedMediaType, "HTTP-415")
	expect(t, "another tenant", p.Do(testenv.Request{
		Method: http.MethodPatch, URL: p.TenantURL(tenant) + "/api/v1/tenants/" + string(other.ID), Token: p.here, JSON: ops1("/name", "x"),
	}), http.StatusNotFound, "TENANTS-8")
	if diff := cmp.Diff(before, p.get(t)); diff != "" {
		t.Errorf("something was done (-want +got)\n%s", diff)
	}
	if n := len(recordsOf(t, e, tenant.Scope(), "tenant.update")); n != 0 {
		t.Errorf("%d records", n)
	}
}

func ops1(path string, value any) []api.TenantPatchOperation {
	return []api.TenantPatchOperation{replace(path, value)}
}

// describeEntry writes the pointer of an entry and the codes in its meta.
func describeEntry(t *testing.T, entry api.Error) string {
	t.Helper()
	text, err := json.Marshal(entry.Meta)
	if err != nil {
		t.Fatal(err)
	}
	var one api.PatchErrorMeta
	several := []api.PatchErrorMeta{}
	if json.Unmarshal(text, &one) == nil && one.Code != "" {
		several = append(several, one)
	} else if err := json.Unmarshal(text, &several); err != nil {
		t.Errorf("meta %s", text)
	}
	var out string
	if entry.Source != nil {
		out = entry.Source.Pointer
	}
	for _, meta := range several {
		if meta.Title == "" {
			t.Errorf("meta without a title: %s", text)
		}
		out += " " + meta.Code
	}
	return out
}

// TestUpdateTenant_Alias follows aliases from tenant to tenant: each leads at once
// to whom it belongs, on every node, and to nobody else.
func TestUpdateTenant_Alias(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	one, two := e.Tenant(sub, "us", "acme"), e.Tenant(sub, "us")
	p, q := newPatcher(e, one, sub), newPatcher(e, two, sub)
	acme := e.Origin("acme.us")
	region := e.RegionClient(sub, "us")
	atAlias := e.Token(acme, region)
	tenantAt := func(n *testenv.Env, origin string) string {
		res := n.Do(testenv.Request{URL: origin + "/api/v1/tenants/me", Token: n.Token(origin, region)})
		return strings.TrimPrefix(res.Header.Get("Location"), "/api/v1/tenants/")
	}
	if have := tenantAt(e, acme); have != string(one.ID) {
		t.Fatalf("acme leads to %s", have)
	}
	expect(t, "rename", p.patch(ops1("/hostnames/1", "acme2.us."+testenv.Domain)), http.StatusNoContent, "")
	expect(t, "old alias", e.Do(testenv.Request{URL: acme + "/.well-known/jwks.json"}), http.StatusUnauthorized, "LOGIN-2")
	if have := tenantAt(e, e.Origin("acme2.us")); have != string(one.ID) {
		t.Errorf("acme2 leads to %s", have)
	}
	expect(t, "take", q.patch(ops1("/hostnames/1", "acme.us."+testenv.Domain)), http.StatusNoContent, "")
	if have := tenantAt(e, acme); have != string(two.ID) {
		t.Errorf("acme leads to %s", have)
	}
	// A token that was issued there for the one is none for the other, and stays good
	// at its own tenant.
	expect(t, "old token at the alias", e.Do(testenv.Request{URL: acme + "/api/v1/tenants/" + string(two.ID), Token: atAlias}), http.StatusUnauthorized, "AUTH-1")
	expect(t, "old token at home", e.Do(testenv.Request{URL: e.TenantURL(one) + "/api/v1/tenants/" + string(one.ID), Token: atAlias}), http.StatusOK, "")

	for _, nothing := range []any{nil, ""} {
		expect(t, "remove", q.patch(ops1("/hostnames/1", nothing)), http.StatusNoContent, "")
		if names := q.get(t).Hostnames; len(names) != 1 {
			t.Errorf("host names %v", names)
		}
		expect(t, "removed alias", e.Do(testenv.Request{URL: acme + "/.well-known/jwks.json"}), http.StatusUnauthorized, "LOGIN-2")
		expect(t, "take again", q.patch(ops1("/hostnames/1", "acme.us."+testenv.Domain)), http.StatusNoContent, "")
	}
	// A new tenant can't have it either.
	c := newCreator(e, sub, "us")
	expect(t, "create", c.create(map[string]any{"hostnames": []string{"acme"}}), http.StatusConflict, "TENANTS-31")
}

// TestUpdateTenant_Register changes what is the platform's.
func TestUpdateTenant_Register(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	p := newPatcher(e, e.Tenant(sub, "us"), sub)
	expect(t, "patch", p.patchAtRegister([]api.TenantPatchOperation{
		replace("/labels", map[string]string{"plan": "gold", "stage": "trial"}), replace("/labels/a~1b", "c"), replace("/labels/stage", nil), replace("/labels/none", nil),
		replace("/name", "Acme"), replace("/deletionProtection", true),
	}), http.StatusNoContent, "")
	tenant := p.get(t)
	if diff := cmp.Diff(map[string]string{"plan": "gold", "a/b": "c"}, tenant.Labels); diff != "" {
		t.Errorf("labels (-want +got)\n%s", diff)
	}
	if tenant.Name != "Acme" || !tenant.DeletionProtection {
		t.Errorf("%+v", tenant)
	}
	var own api.Tenant
	e.Do(testenv.Request{URL: e.TenantURL(p.tenant) + "/api/v1/tenants/" + tenant.ID, Token: p.here}).Into(&own)
	if own.DeletionProtection {
		t.Error("the tenant's own host shows the protection")
	}
	for name, want := range map[string]struct {
		body any
		want string
	}{
		"label's name":     {ops1("/labels/-", "x"), "/labels/- TENANTS-13"},
		"label no text":    {ops1("/labels/a", 1), "/labels/a TENANTS-13"},
		"labels no object": {ops1("/labels", "a"), "/labels TENANTS-13"},
		"labels no texts":  {ops1("/labels", map[string]int{"a": 1}), "/labels TENANTS-13"},
		"protection":       {ops1("/deletionProtection", 1), "/deletionProtection TENANTS-13"},
		"status":           {ops1("/status", "deleted"), "/status TENANTS-12"},
	} {
		answer := p.patchAtRegister(want.body)
		expect(t, name, answer, http.StatusBadRequest, "TENANTS-10")
		if have := describeEntry(t, answer.Error()); have != want.want {
			t.Errorf("%s: %s, want %s", name, have, want.want)
		}
	}
	expect(t, "no labels", p.patchAtRegister(ops1("/labels", map[string]string{})), http.StatusNoContent, "")
	expect(t, "unprotect", p.patchAtRegister(ops1("/deletionProtection", false)), http.StatusNoContent, "")
	if tenant = p.get(t); len(tenant.Labels) != 0 || tenant.DeletionProtection {
		t.Errorf("%+v", tenant)
	}
	for _, action := range []string{"tenant.disallowed-deactivate", "tenant.allowed-deactivate"} {
		if n := len(recordsOf(t, e, p.tenant.Scope(), action)); n != 1 {
			t.Errorf("%d records of %s", n, action)
		}
	}
}
