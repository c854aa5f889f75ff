package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func types(list api.AuditEventList) (all []string) {
	for _, e := range list.Data {
		all = append(all, e.EventType)
	}
	return all
}

// TestAudits reads the trail of a tenant as the contract documents it.
func TestAudits(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	home, other := e.Tenant(sub, "us", "home"), e.Tenant(sub, "us")
	e.Clock.Advance(time.Hour)
	admin := newCaller(t, e, e.TenantURL(home), e.TenantClient(home))
	newCaller(t, e, e.TenantURL(other), e.TenantClient(other))
	e.Clock.Advance(time.Hour)
	var made api.OAuthClient
	answer := e.Do(testenv.Request{URL: admin.origin + "/api/v1/oauth-clients", Token: admin.token, JSON: api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb}})
	answer.Into(&made)
	refused := e.TenantClient(home, api.ScopeUserDefault)
	expect(t, "create without the scope", e.Do(testenv.Request{
		URL: admin.origin + "/api/v1/oauth-clients", Token: e.Token(admin.origin, refused), JSON: api.CreateOAuthClientRequest{ClientName: "made", AppType: api.AppTypeWeb},
	}), http.StatusForbidden, api.CodeInsufficientScope)

	list := func(query string) (l api.AuditEventList) {
		t.Helper()
		answer := e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits" + query, Token: admin.token})
		expect(t, query, answer, http.StatusOK, "")
		answer.Into(&l)
		return l
	}
	e.Flush()
	all := list("?limit=100")
	for _, event := range all.Data {
		if event.TenantID != string(home.ID) {
			t.Errorf("an event of another tenant: %+v", event)
		}
	}
	for _, want := range []string{"com.qlik.tenant.created", "com.qlik.core.oauth-client.created", "com.qlik.core.oauth-client.created.refused", "com.freehold.user.create", "com.qlik.core.oauth-token.issued"} {
		if !slices.Contains(types(all), want) {
			t.Errorf("%s is missing in %q", want, types(all))
		}
	}
	created := list("?eventType=com.qlik.core.oauth-client.created&sort=%2BeventTime").Data
	last := created[slices.IndexFunc(created, func(e api.AuditEvent) bool { return e.Data["clientId"] == made.ClientID })]
	if last.Data["clientId"] != made.ClientID || last.Data["clientName"] != "made" || last.Data["tenantId"] != string(home.ID) || last.Extensions.TopLevelResourceID != made.ClientID ||
		last.Extensions.Outcome != "done" || last.UserID == "" || last.Extensions.Actor.SubType != "client" || last.Source != "com.qlik/oauth-clients" || len(last.ID) != 32 {
		t.Errorf("%+v", last)
	}
	if mine := list("?userId=" + last.UserID); len(mine.Data) == 0 || slices.ContainsFunc(mine.Data, func(e api.AuditEvent) bool { return e.UserID != last.UserID }) {
		t.Errorf("of one user: %+v", mine.Data)
	}
	if byID := list("?id=" + last.ID + "," + all.Data[0].ID); len(byID.Data) < 1 || !slices.ContainsFunc(byID.Data, func(e api.AuditEvent) bool { return e.ID == last.ID }) {
		t.Errorf("by ids: %+v", byID.Data)
	}
	begin, end := e.Clock.Now().Add(-2*time.Hour).Format(api.TimeLayout), e.Clock.Now().Add(-time.Minute).Format(api.TimeLayout)
	if old := types(list("?eventTime=" + begin + "/" + end)); !slices.Contains(old, "com.qlik.tenant.created") || slices.Contains(old, "com.qlik.core.oauth-client.created.refused") {
		t.Errorf("in the interval: %q", old)
	}
	if first := list("?eventTime=/" + begin); !slices.Equal(types(first), []string{"com.qlik.tenant.created"}) {
		t.Errorf("until the start: %q", types(first))
	}
	if sources := types(list("?source=com.qlik/tenants")); !slices.Equal(sources, []string{"com.qlik.tenant.created"}) {
		t.Errorf("of one source: %q", sources)
	}

	// Page by page it is the same.
	var paged []api.AuditEvent
	for page := list("?limit=2"); ; {
		paged = append(paged, page.Data...)
		if page.Links.Next == nil {
			break
		}
		next, err := url.Parse(page.Links.Next.Href)
		if err != nil {
			t.Fatal(err)
		}
		page = list("?" + next.RawQuery)
	}
	if len(paged) != len(all.Data) {
		t.Errorf("%d events page by page, %d at once", len(paged), len(all.Data))
	}

	var one api.AuditEvent
	answer = e.Do(testenv.Request{URL: last.Links.Self.Href, Token: admin.token})
	answer.Into(&one)
	if one.ID != last.ID || one.Data["clientId"] != made.ClientID {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	var names api.AuditNameList
	e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/types", Token: admin.token}).Into(&names)
	if !slices.Contains(names.Data, "com.qlik.tenant.created") || !slices.IsSorted(names.Data) {
		t.Errorf("types %q", names.Data)
	}
	e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/sources", Token: admin.token}).Into(&names)
	if !slices.Contains(names.Data, "com.qlik/tenants") {
		t.Errorf("sources %q", names.Data)
	}
	var settings api.AuditSettings
	e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/settings", Token: admin.token}).Into(&settings)
	if !settings.Data.ArchiveEnabled || settings.Data.EventTTL != 7_776_000 {
		t.Errorf("settings %+v", settings)
	}
	archived := 0
	for _, day := range []time.Time{e.Clock.Now().Add(-2 * time.Hour), e.Clock.Now()} {
		var archive api.AuditArchive
		answer := e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/archive?date=" + day.Format(time.DateOnly), Token: admin.token})
		answer.Into(&archive)
		if archived = max(archived, len(archive.Data)); len(archive.Data) > 0 && archive.Data[0].EventID == "" {
			t.Errorf("%s", answer.Body)
		}
	}
	if archived == 0 {
		t.Error("the archive is empty")
	}
	for query, parameter := range map[string]string{
		"?limit=0": "limit", "?limit=101": "limit", "?sort=data": "sort", "?sort=eventTime,source": "sort", "?eventTime=today": "eventTime", "?eventTime=/": "eventTime",
		"?eventTime=x/y": "eventTime", "?next=x": "next", "?prev=x": "prev", "?next=x&prev=y": "prev",
	} {
		answer := e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits" + query, Token: admin.token})
		if source := answer.Error().Source; answer.Status != http.StatusBadRequest || source == nil || source.Parameter != parameter {
			t.Errorf("%s: %d %s", query, answer.Status, answer.Body)
		}
	}
	for _, date := range []string{"", "?date=today", "?date=2026-13-01"} {
		expect(t, date, e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/archive" + date, Token: admin.token}), http.StatusBadRequest, api.CodeInvalidRequest)
	}
	expect(t, "unknown event", e.Do(testenv.Request{URL: admin.origin + "/api/v1/audits/none", Token: admin.token}), http.StatusNotFound, api.CodeAuditNotFound)
}

// TestAudits_Organization reads the trail of all tenants, a disabled one included.
func TestAudits_Organization(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	one, two := e.Tenant(sub, "us"), e.Tenant(sub, "eu")
	stranger := e.Tenant(e.SubscriptionOf(e.NewOrganization("Stranger").ID, 2), "us")
	sqlExec(t, e, "update tenants set status = 'disabled' where id = ?", string(two.ID))
	reader := newCaller(t, e, e.Console(), e.OrganizationClient(e.Organization.ID, api.ScopeOrgAuditsRead))
	var list api.AuditEventList
	e.Do(testenv.Request{URL: reader.origin + "/api/core/audits?eventType=com.qlik.tenant.created", Token: reader.token}).Into(&list)
	var seen []string
	for _, event := range list.Data {
		seen = append(seen, event.TenantID)
	}
	if !slices.Contains(seen, string(one.ID)) || !slices.Contains(seen, string(two.ID)) || slices.Contains(seen, string(stranger.ID)) || len(seen) != 2 {
		t.Errorf("tenants %q", seen)
	}
	answer := e.Do(testenv.Request{URL: list.Data[0].Links.Self.Href, Token: reader.token})
	expect(t, "one event", answer, http.StatusOK, "")
	var records []estate.AuditRecord
	err := e.App.Store.Read(t.Context(), trailOf(t, stranger.Scope(), &records))
	if err != nil || len(records) == 0 {
		t.Fatal(err)
	}
	expect(t, "an event of a stranger", e.Do(testenv.Request{URL: reader.origin + "/api/core/audits/" + string(records[0].ID), Token: reader.token}), http.StatusNotFound, api.CodeAuditNotFound)
}

func trailOf(t *testing.T, scope estate.Scope, into *[]estate.AuditRecord) func(tx *store.Tx) error {
	t.Helper()
	return func(tx *store.Tx) (err error) {
		*into, err = tx.AuditRecords(t.Context(), scope, 100)
		return err
	}
}
