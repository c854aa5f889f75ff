package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// keeper deactivates and reactivates the tenants of a subscription in us.
type keeper struct {
	*testenv.Env
	sub    estate.Subscription
	client testenv.Credentials
	token  string
}

func newKeeper(e *testenv.Env, sub estate.Subscription, scopes ...string) *keeper {
	client := e.RegionClient(sub, "us", scopes...)
	return &keeper{e, sub, client, e.Token(e.Register("us"), client)}
}

// act posts an action on a tenant that is confirmed by its host name.
func (k *keeper) act(action string, tenant estate.Tenant, body any) testenv.Answer {
	return k.actAs(action, tenant, string(tenant.Hostname)+"."+testenv.Domain, body)
}

func (k *keeper) actAs(action string, tenant estate.Tenant, confirm string, body any) testenv.Answer {
	return k.Do(testenv.Request{
		Method: http.MethodPost, URL: k.Register("us") + "/api/v1/tenants/" + string(tenant.ID) + "/actions/" + action, Token: k.token, JSON: body,
		Header: map[string]string{api.HeaderConfirmHostname: confirm},
	})
}

func (k *keeper) get(t *testing.T, tenant estate.Tenant) (out api.Tenant) {
	t.Helper()
	answer := k.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/" + string(tenant.ID), Token: k.token})
	expect(t, "get", answer, http.StatusOK, "")
	answer.Into(&out)
	return out
}

// purgeDue lets the services purge what is due, and a moment pass before.
func (k *keeper) purgeDue(t *testing.T) int {
	t.Helper()
	k.Clock.Advance(2 * time.Minute)
	n, err := k.App.Tenancy.PurgeDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeactivateTenant(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(10))
	tenant := e.Tenant(k.sub, "us", "acme")
	owner := e.TenantClient(tenant)
	issued := e.Token(e.TenantURL(tenant), owner)
	before := k.get(t, tenant)

	answer := k.act("deactivate", tenant, nil)
	expect(t, "deactivate", answer, http.StatusOK, "")
	var have api.DeactivatedTenant
	answer.Into(&have)
	now := e.Clock.Now()
	if want := (api.DeactivatedTenant{ID: string(tenant.ID), Status: "disabled", EstimatedPurgeDate: api.Time{Time: now.AddDate(0, 0, 30)}}); have != want {
		t.Errorf("%+v, want %+v", have, want)
	}
	want := before
	want.Status, want.StatusLastUpdatedAt, want.LastUpdated, want.EstimatedPurgeDate = "disabled", api.Time{Time: now}, api.Time{Time: now}, &have.EstimatedPurgeDate
	if diff := cmp.Diff(want, k.get(t, tenant)); diff != "" {
		t.Errorf("tenant (-want +got)\n%s", diff)
	}
	organization := e.OrganizationClient(e.Organization.ID)
	inventory := func(filter string) (list api.OrganizationTenantList) {
		e.Do(testenv.Request{Method: http.MethodPost, URL: e.Console() + "/api/core/tenants/actions/filter", Token: e.Token(e.Console(), organization), JSON: api.TenantFilterRequest{Filter: filter}}).Into(&list)
		return list
	}
	for _, status := range []string{"disabled", "deactivated"} {
		list := inventory(`status eq "` + status + `"`)
		if len(list.Data) != 1 || list.Data[0].Status != "disabled" || list.Data[0].DeletionStartsAt == nil || !list.Data[0].DeletionStartsAt.Equal(now.AddDate(0, 0, 30)) {
			t.Errorf("the organization sees %+v", list.Data)
		}
	}

	// Again: the countdown begins anew, and the status stays as old as it is.
	e.Clock.Advance(10 * 24 * time.Hour)
	k.token = e.Token(e.Register("us"), k.client)
	expect(t, "deactivate", k.act("deactivate", tenant, map[string]any{"purgeAfterDays": 90}), http.StatusOK, "")
	again := k.get(t, tenant)
	if !again.EstimatedPurgeDate.Equal(e.Clock.Now().AddDate(0, 0, 90)) || again.StatusLastUpdatedAt != want.StatusLastUpdatedAt {
		t.Errorf("%+v", again)
	}
	e.Clock.Advance(31 * 24 * time.Hour)
	if n := k.purgeDue(t); n != 0 {
		t.Fatalf("%d purged", n)
	}

	k.token = e.Token(e.Register("us"), k.client)
	answer = k.act("reactivate", tenant, nil)
	expect(t, "reactivate", answer, http.StatusOK, "")
	var active api.ReactivatedTenant
	if answer.Into(&active); active != (api.ReactivatedTenant{ID: string(tenant.ID), Status: "active"}) {
		t.Errorf("%+v", active)
	}
	after := k.get(t, tenant)
	if after.EstimatedPurgeDate != nil || after.Status != "active" {
		t.Errorf("%+v", after)
	}
	expect(t, "token that expired meanwhile", e.Do(testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/users/me", Token: issued}), http.StatusUnauthorized, "AUTH-1")
	e.Token(e.TenantURL(tenant), owner)
	expect(t, "reactivate what is active", k.act("reactivate", tenant, map[string]any{}), http.StatusOK, "")
	if diff := cmp.Diff(after, k.get(t, tenant)); diff != "" {
		t.Errorf("tenant (-want +got)\n%s", diff)
	}

	names := []any{string(tenant.Hostname) + "." + testenv.Domain, "acme.us." + testenv.Domain}
	for action, n := range map[string]int{"tenant.deactivate": 2, "tenant.reactivate": 1} {
		records := recordsOf(t, e, tenant.Scope(), action)
		if len(records) != n || records[0].Data["name"] != tenant.Name || records[0].Actor.ID != string(k.client.ID) {
			t.Errorf("%s: %+v", action, records)
			continue
		}
		if diff := cmp.Diff(names, records[0].Data["hostnames"]); diff != "" {
			t.Errorf("%s: host names (-want +got)\n%s", action, diff)
		}
	}
	if date, _ := recordsOf(t, e, tenant.Scope(), "tenant.deactivate")[0].Data["purgeDate"].(string); !strings.HasPrefix(date, now.AddDate(0, 0, 30).Format(time.DateOnly)) {
		t.Errorf("purge date %q", date)
	}
}

// TestDeactivateTenant_Tokens: what was issued before comes back with the tenant,
// and at the other hosts nothing changes.
func TestDeactivateTenant_Tokens(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(10))
	tenant := e.Tenant(k.sub, "us", "acme")
	node := e.Node()
	me := testenv.Request{URL: e.TenantURL(tenant) + "/api/v1/users/me", Token: e.Token(e.TenantURL(tenant), k.client)}
	for _, n := range []*testenv.Env{e, node} {
		expect(t, "before", n.Do(me), http.StatusFound, "")
	}
	expect(t, "deactivate", k.act("deactivate", tenant, nil), http.StatusOK, "")
	for name, n := range map[string]*testenv.Env{"here": e, "other node": node} {
		within(t, name, func() bool { return n.Do(me).Error().Code == "TENANT_DEACTIVATED" })
	}
	requests := map[string]testenv.Request{
		"resource": me,
		"no token": {URL: e.TenantURL(tenant) + "/api/v1/tenants/me"},
		"alias":    {URL: e.Origin("acme.us") + "/api/v1/users/me", Token: me.Token},
		"token":    {URL: e.TenantURL(tenant) + "/oauth/token", Form: k.client.Form()},
		"revoke":   {URL: e.TenantURL(tenant) + "/oauth/revoke", JSON: api.TokenQuery{Token: me.Token}},
		"metadata": {URL: e.TenantURL(tenant) + "/.well-known/oauth-authorization-server"},
		"keys":     {URL: e.TenantURL(tenant) + "/.well-known/jwks.json"},
		"document": {URL: e.TenantURL(tenant) + "/openapi.json"},
		"patch":    {Method: http.MethodPatch, URL: e.TenantURL(tenant) + "/api/v1/tenants/" + string(tenant.ID), Token: me.Token, JSON: ops1("/name", "x")},
		"nowhere":  {URL: e.TenantURL(tenant) + "/nowhere"},
	}
	// Without host names in the database everything is answered as with them, once
	// each name has been read, and the nodes have heard of all that happened.
	calm := false
	for range 10 {
		for _, n := range []*testenv.Env{e, node} {
			n.Do(me)
			n.Do(requests["alias"])
		}
		sqlExec(t, e, "alter table hostnames rename to hidden")
		calm = true
		for name, r := range requests {
			for _, n := range []*testenv.Env{e, node} {
				answer := n.Do(r)
				calm = calm && answer.Status != http.StatusInternalServerError
				if answer.Status != http.StatusInternalServerError {
					expect(t, name, answer, http.StatusUnauthorized, "TENANT_DEACTIVATED")
				}
			}
		}
		sqlExec(t, e, "alter table hidden rename to hostnames")
		if calm {
			break
		}
	}
	if !calm {
		t.Error("the database is read for every request")
	}
	k.get(t, tenant) // the region's token is good
	expect(t, "reactivate", k.act("reactivate", tenant, nil), http.StatusOK, "")
	for name, n := range map[string]*testenv.Env{"here": e, "other node": node} {
		within(t, name, func() bool { return n.Do(me).Status == http.StatusFound })
	}
}

// within fails the test unless cond holds within a second.
func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a second", what)
		}
	}
}

func TestDeactivateTenant_Errors(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(10))
	tenant, other := e.Tenant(k.sub, "us", "acme"), e.Tenant(k.sub, "us")
	before := k.get(t, tenant)
	for _, action := range []string{"deactivate", "reactivate"} {
		for _, confirm := range []string{"", "acme", string(other.Hostname) + "." + testenv.Domain, "acme.us." + testenv.Domain + ".", "acme.eu." + testenv.Domain, string(tenant.ID)} {
			answer := k.actAs(action, tenant, confirm, nil)
			expect(t, action+" confirmed by "+confirm, answer, http.StatusPreconditionFailed, "TENANTS-34")
			if source := answer.Error().Source; source == nil || source.Parameter != api.HeaderConfirmHostname {
				t.Errorf("source %v", source)
			}
		}
	}
	for _, days := range []any{9, 91, 0, -1, 1 << 40} {
		answer := k.act("deactivate", tenant, map[string]any{"purgeAfterDays": days})
		expect(t, "purgeAfterDays", answer, http.StatusBadRequest, "TENANTS-30")
		if source := answer.Error().Source; source == nil || source.Pointer != "/purgeAfterDays" {
			t.Errorf("source %v", source)
		}
	}
	for _, days := range []any{"10", 10.5, true, []int{10}, 1e30} {
		expect(t, "purgeAfterDays", k.act("deactivate", tenant, map[string]any{"purgeAfterDays": days}), http.StatusBadRequest, "HTTP-400")
	}
	expect(t, "array", k.act("deactivate", tenant, []int{}), http.StatusBadRequest, "HTTP-400")
	expect(t, "literal copy of the documented command", e.Do(testenv.Request{
		URL: e.Register("us") + "/api/v1/tenants/" + before.ID + "/actions/reactivate", Token: k.token, Header: map[string]string{api.HeaderConfirmHostname: before.Hostnames[0]},
	}), http.StatusMethodNotAllowed, "HTTP-405")
	for _, id := range []estate.TenantID{"x", estate.NewTenantID(time.Now())} {
		unknown := tenant
		unknown.ID = id
		expect(t, "unknown tenant", k.act("deactivate", unknown, nil), http.StatusNotFound, "TENANTS-8")
		expect(t, "unknown tenant", k.act("reactivate", unknown, nil), http.StatusNotFound, "TENANTS-8")
	}
	lesser := newKeeper(e, k.sub, api.ScopeTenantsCreate)
	expect(t, "without the scope", lesser.act("deactivate", tenant, nil), http.StatusForbidden, "AUTH-3")
	expect(t, "without the scope", lesser.act("reactivate", tenant, nil), http.StatusForbidden, "AUTH-3")
	if diff := cmp.Diff(before, k.get(t, tenant)); diff != "" {
		t.Errorf("something was done (-want +got)\n%s", diff)
	}
	if n := len(recordsOf(t, e, estate.Scope{Organization: e.Organization.ID}, "tenant.deactivate")); n != 1 {
		t.Errorf("%d records, want that of the refused attempt", n)
	}
	for _, confirm := range []string{"ACME.us." + strings.ToUpper(testenv.Domain), string(tenant.Hostname) + "." + testenv.Domain} {
		expect(t, "confirmed by "+confirm, k.actAs("deactivate", tenant, confirm, map[string]any{}), http.StatusOK, "")
	}
}

// TestDeactivateTenant_Minimum: the operator may allow a purge at once.
func TestDeactivateTenant_Minimum(t *testing.T) {
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir, config.Domain, config.TenantPurgeMinDays = dir+"/data", testenv.Domain, 0
	e := testenv.Start(t, config, dir)
	k := newKeeper(e, e.Subscription(10))
	tenant := e.Tenant(k.sub, "us")
	expect(t, "deactivate", k.act("deactivate", tenant, map[string]any{"purgeAfterDays": 0}), http.StatusOK, "")
	if n, err := e.App.Tenancy.PurgeDue(t.Context()); n != 0 || err != nil {
		t.Errorf("%d purged at once (%v): requests may still be running", n, err)
	}
	if n := k.purgeDue(t); n != 1 {
		t.Errorf("%d purged", n)
	}
	if status := k.get(t, tenant).Status; status != "deleted" {
		t.Error(status)
	}
}

func TestDeletionProtection(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(10))
	tenant := e.Tenant(k.sub, "us")
	p := newPatcher(e, tenant, k.sub)
	preview := func() (out api.DeactivationPreview) {
		answer := e.Do(testenv.Request{URL: p.getURL + "/deactivation-preview", Token: k.token})
		expect(t, "preview", answer, http.StatusOK, "")
		answer.Into(&out)
		return out
	}
	expect(t, "protect", p.patchAtRegister(ops1("/deletionProtection", true)), http.StatusNoContent, "")
	expect(t, "deactivate", k.act("deactivate", tenant, nil), http.StatusForbidden, "TENANTS-35")
	if have := preview(); have.Allowed || have.Refusal == nil || have.Refusal.Code != "TENANTS-35" || have.Refusal.Status != "403" || have.EstimatedPurgeDate != nil {
		t.Errorf("preview %+v", have)
	}
	if n := len(recordsOf(t, e, estate.Scope{Organization: e.Organization.ID}, "tenant.deactivate")); n != 1 {
		t.Errorf("%d records, want that of the refused attempt", n)
	}
	expect(t, "unprotect", p.patchAtRegister(ops1("/deletionProtection", false)), http.StatusNoContent, "")
	if have := preview(); !have.Allowed || have.Refusal != nil || have.EstimatedPurgeDate == nil {
		t.Errorf("preview %+v", have)
	}
	expect(t, "deactivate", k.act("deactivate", tenant, nil), http.StatusOK, "")

	// Protected meanwhile, it is not purged.
	expect(t, "protect", p.patchAtRegister(ops1("/deletionProtection", true)), http.StatusNoContent, "")
	e.Clock.Advance(40 * 24 * time.Hour)
	if n := k.purgeDue(t); n != 0 {
		t.Fatalf("%d purged", n)
	}
	k.token = e.Token(e.Register("us"), k.client)
	expect(t, "begin the countdown anew", k.act("deactivate", tenant, nil), http.StatusForbidden, "TENANTS-35")
	expect(t, "reactivate", k.act("reactivate", tenant, nil), http.StatusOK, "")
}

func TestPurge(t *testing.T) {
	e := testenv.New(t)
	k := newKeeper(e, e.Subscription(2))
	c := newCreator(e, k.sub, "us")
	c.client, c.token = k.client, k.token
	answer := c.create(map[string]any{"hostnames": []string{"acme"}, "externalId": "customer", "labels": map[string]string{"plan": "gold"}, "admin": map[string]string{"email": "ada@example.com"}})
	expect(t, "create", answer, http.StatusCreated, "")
	var made api.Tenant
	answer.Into(&made)
	tenant := tenantOf(t, e, made)
	owner := e.TenantClient(tenant)
	token := e.Token(e.TenantURL(tenant), owner)
	e.Flush()
	var preview api.DeactivationPreview
	e.Do(testenv.Request{URL: k.Register("us") + "/api/v1/tenants/" + made.ID + "/deactivation-preview", Token: k.token}).Into(&preview)
	if diff := cmp.Diff(map[string]int64{"users": 1, "bots": 1, "apiKeys": 0, "oauthClients": 1, "groups": 0, "identityProviders": 0, "seats": 0, "spaces": 0, "webhooks": 0}, preview.Contents); diff != "" || preview.LastTokenAt == nil || !preview.LastTokenAt.Equal(e.Clock.Now()) {
		t.Errorf("preview %+v (-want +got)\n%s", preview, diff)
	}
	e.Tenant(k.sub, "us")
	expect(t, "third of two", c.create(nil), http.StatusForbidden, "TENANTS-22")
	expect(t, "third of two, elsewhere", c.create(map[string]any{"datacenter": "nowhere"}), http.StatusBadRequest, api.CodeTenantInvalid)
	expect(t, "deactivate", k.act("deactivate", tenant, map[string]any{"purgeAfterDays": 10}), http.StatusOK, "")
	expect(t, "third of two", c.create(nil), http.StatusForbidden, "TENANTS-22")
	expect(t, "alias of a disabled tenant", c.create(map[string]any{"hostnames": []string{"acme"}}), http.StatusForbidden, "TENANTS-22")

	e.Clock.Advance(10*24*time.Hour - 10*time.Minute)
	if n := k.purgeDue(t); n != 0 {
		t.Fatalf("%d purged too early", n)
	}
	e.Clock.Advance(10 * time.Minute)
	if n := k.purgeDue(t); n != 1 {
		t.Fatalf("%d purged", n)
	}
	k.token = e.Token(e.Register("us"), k.client)
	c.token = k.token
	now := api.Time{Time: e.Clock.Now()}
	want := made
	want.Admin = nil // told at the creation only
	want.Hostnames, want.ExternalID, want.Labels = made.Hostnames[:1], "", nil
	want.Status, want.StatusLastUpdatedAt, want.LastUpdated = "deleted", now, now
	if diff := cmp.Diff(want, k.get(t, tenant)); diff != "" {
		t.Errorf("tombstone (-want +got)\n%s", diff)
	}
	for _, action := range []string{"deactivate", "reactivate"} {
		expect(t, action+" the tombstone", k.act(action, tenant, nil), http.StatusNotFound, "TENANTS-8")
	}
	p := newPatcher(e, e.Tenant(k.sub, "us"), k.sub)
	p.getURL = k.Register("us") + "/api/v1/tenants/" + made.ID
	expect(t, "patch the tombstone", p.patchAtRegister(ops1("/name", "x")), http.StatusNotFound, "TENANTS-8")
	for _, origin := range []string{e.TenantURL(tenant), e.Origin("acme.us")} {
		expect(t, "its host", e.Do(testenv.Request{URL: origin + "/api/v1/users/me", Token: token}), http.StatusUnauthorized, "LOGIN-2")
	}
	var list api.OrganizationTenantList
	e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants/" + made.ID, Token: e.Token(e.Console(), e.OrganizationClient(e.Organization.ID))}).Into(&list)
	if len(list.Data) != 1 || list.Data[0].Status != "deleted" || list.Data[0].DeletionStartsAt != nil {
		t.Errorf("the organization sees %+v", list.Data)
	}
	// Its place has been taken again, by p; what it was called is free.
	expect(t, "fourth of two", c.create(nil), http.StatusForbidden, "TENANTS-22")
	if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, k.sub.ID, subscriptionLimit(3)); err != nil {
		t.Fatal(err)
	}
	expect(t, "the next customer", c.create(map[string]any{"hostnames": []string{"acme"}, "externalId": "customer"}), http.StatusCreated, "")
	if records := recordsOf(t, e, tenant.Scope(), "tenant.purge"); len(records) != 1 || records[0].Actor.Kind != estate.ActorSystem || records[0].Data["externalId"] != "customer" {
		t.Errorf("records %+v", records)
	}
	if n := k.purgeDue(t); n != 0 {
		t.Errorf("%d purged again", n)
	}
}

// tenantOf is the stored tenant that an answer shows.
func tenantOf(t *testing.T, e *testenv.Env, shown api.Tenant) (tenant estate.Tenant) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		tenant, err = tx.Tenant(t.Context(), estate.Scope{Organization: e.Organization.ID}, estate.TenantID(shown.ID))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// TestCreateTenant_Administrator: the first user comes with the tenant.
func TestCreateTenant_Administrator(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(10), "us")
	for _, admin := range []map[string]string{
		{"email": ""}, {"email": "ada"}, {"email": "Ada <ada@example.com>"}, {"email": "a@b@c"}, {"email": strings.Repeat("a", 250) + "@x.com"}, {},
	} {
		answer := c.create(map[string]any{"admin": admin})
		expect(t, "admin", answer, http.StatusBadRequest, "TENANTS-30")
		if source := answer.Error().Source; source == nil || source.Pointer != "/admin/email" {
			t.Errorf("%v: source %v", admin, source)
		}
	}
	expect(t, "name", c.create(map[string]any{"admin": map[string]string{"email": "ada@example.com", "name": "a\nb"}}), http.StatusBadRequest, "TENANTS-30")
	if n := c.count(t); n != 0 {
		t.Errorf("%d tenants", n)
	}
	for name, want := range map[string]string{"": "ada@example.com", "Ada Lovelace": "Ada Lovelace"} {
		answer := c.create(map[string]any{"admin": map[string]string{"email": "ada@example.com", "name": name}})
		expect(t, "create", answer, http.StatusCreated, "")
		var made api.Tenant
		answer.Into(&made)
		tenant := tenantOf(t, e, made)
		var user estate.User
		err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
			user, err = tx.User(t.Context(), tenant.Scope(), estate.UserID(made.Admin.UserID))
			return err
		})
		if err != nil || user.Subject != estate.InviteSubject(user.ID) || user.Name != want || user.Email != "ada@example.com" || user.Status != estate.UserInvited || len(user.Roles) != 1 || user.Roles[0] != estate.RoleTenantAdmin {
			t.Errorf("user %+v (%v)", user, err)
		}
		if records := recordsOf(t, e, tenant.Scope(), "user.create"); len(records) != 1 || records[0].Target != string(user.ID) {
			t.Errorf("records %+v", records)
		}
	}
}

func subscriptionLimit(n int64) tenancy.SubscriptionUpdate {
	return tenancy.SubscriptionUpdate{TenantLimit: n}
}

// TestPurge_Stuck: a tenant that can't be purged keeps none of the others, and is
// purged when it can be. A server that starts does it by itself.
func TestPurge_Stuck(t *testing.T) {
	e := testenv.New(t)
	if e.App.Config.Database != "" {
		t.Skip("the trigger is SQLite's")
	}
	k := newKeeper(e, e.Subscription(10))
	var tenants []estate.Tenant
	for range 3 {
		tenants = append(tenants, e.Tenant(k.sub, "us"))
		expect(t, "deactivate", k.act("deactivate", tenants[len(tenants)-1], nil), http.StatusOK, "")
	}
	sqlExec(t, e, `create trigger stuck before delete on hostnames when old.tenant_id = '`+string(tenants[0].ID)+`' begin select raise(abort, 'stuck'); end`)
	e.Clock.Advance(31 * 24 * time.Hour)
	if n, err := e.App.Tenancy.PurgeDue(t.Context()); n != 2 || err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("%d purged (%v)", n, err)
	}
	k.token = e.Token(e.Register("us"), k.client)
	for i, want := range []string{"disabled", "deleted", "deleted"} {
		if have := k.get(t, tenants[i]).Status; have != want {
			t.Errorf("tenant %d is %s, want %s", i, have, want)
		}
	}
	sqlExec(t, e, "drop trigger stuck")
	e.Node()
	within(t, "purge", func() bool { return k.get(t, tenants[0]).Status == "deleted" })
	if n := len(recordsOf(t, e, k.client.Scope, "tenant.purge")); n != 3 {
		t.Errorf("%d records", n)
	}
}
