package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
)

// TestTenantSettings creates, patches and deletes them, and has what is wrong change
// nothing.
func TestTenantSettings(t *testing.T) {
	c := newDirectoryCaller(t)
	next := c.neighbour(t)
	settings := func(of directoryCaller) (s api.TenantSettings) {
		t.Helper()
		answer := of.get("tenant-settings")
		expect(t, "get", answer, http.StatusOK, "")
		answer.Into(&s)
		return s
	}
	before := settings(c)
	if before.PreferredStartPage != (api.StartPage{Route: "/insights", Value: "analytics-hub"}) || before.ReleaseCadence != "continuous" ||
		before.UpdatedBy != "" || before.ID != string(c.tenant.ID) || !before.CreatedAt.Equal(c.tenant.CreatedAt) {
		t.Errorf("by default: %+v", before)
	}
	expect(t, "delete what is not there", c.do(http.MethodDelete, "tenant-settings", nil), http.StatusNotFound, api.CodeTenantSettingsNotFound)
	for _, wrong := range []map[string]any{
		{},
		{"preferredStartPage": "home"},
		{"customizeNoAccess": map[string]any{"linkEnabled": true}},
		{"customizeNoAccess": map[string]any{"linkEnabled": true, "linkUrl": "javascript:alert(1)"}},
		{"customizeNoAccess": map[string]any{"linkEnabled": false, "linkUrl": "//x"}},
		{"customizeNoAccess": map[string]any{"linkEnabled": false, "message": strings.Repeat("x", 2049)}},
	} {
		expect(t, fmt.Sprint("create ", wrong), c.post("tenant-settings", wrong), http.StatusBadRequest, api.CodeTenantSettingsInvalid)
	}
	create := api.CreateTenantSettingsRequest{PreferredStartPage: "management-console", CustomizeNoAccess: &api.CustomizeNoAccess{LinkEnabled: true, LinkURL: "https://example.com", Message: "Ask\nus."}}
	expect(t, "create", c.post("tenant-settings", create), http.StatusCreated, "")
	expect(t, "create again", c.post("tenant-settings", create), http.StatusConflict, api.CodeTenantSettingsExist)

	patch := func(operations ...map[string]any) (have string) {
		t.Helper()
		answer := c.do(http.MethodPatch, "tenant-settings", operations)
		if answer.Status == http.StatusOK {
			return "200"
		}
		e, pointer := answer.Error(), ""
		if e.Source != nil {
			pointer = e.Source.Pointer
		}
		return fmt.Sprint(answer.Status, " ", e.Code, " ", pointer)
	}
	operation := func(op, path string, more ...any) map[string]any {
		o := map[string]any{"op": op, "path": path}
		for i := 0; i < len(more); i += 2 {
			o[more[i].(string)] = more[i+1]
		}
		return o
	}
	fine := operation("replace", "/releaseCadence", "value", "monthly")
	kept := settings(c)
	for _, test := range []struct {
		want string
		ops  []map[string]any
	}{
		{"409 TENANTSETTINGS-2 /1", []map[string]any{fine, operation("test", "/releaseCadence", "value", "continuous")}},
		{"400 TENANTSETTINGS-1 /1/path", []map[string]any{fine, operation("remove", "/nothing")}},
		{"400 TENANTSETTINGS-1 /1/path", []map[string]any{fine, operation("replace", "/id", "value", "x")}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("add", "/id", "value", "x")}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("add", "/ReleaseCadence", "value", "monthly")}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("replace", "", "value", []int{1})}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("replace", "/releaseCadence", "value", nil)}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("copy", "/sessionReplayOptOut", "from", "/releaseCadence")}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("remove", "/customizeNoAccess/linkEnabled")}},
		{"400 TENANTSETTINGS-1 ", []map[string]any{fine, operation("replace", "/preferredStartPage", "value", map[string]any{"value": "home"})}},
	} {
		if have := patch(test.ops...); have != test.want {
			t.Errorf("%v: %s, want %s", test.ops[1], have, test.want)
		}
	}
	if now := settings(c); now != kept {
		t.Errorf("after patches that were refused: %+v, before %+v", now, kept)
	}
	if have := patch(
		operation("test", "/preferredStartPage/value", "value", "management-console"),
		fine,
		operation("replace", "/preferredStartPage", "value", "analytics-creation-hub"),
		operation("copy", "/customizeNoAccess/linkLabel", "from", "/customizeNoAccess/message"),
		operation("move", "/customizeNoAccess/message", "from", "/customizeNoAccess/linkUrl"),
		operation("add", "/customizeNoAccess/linkUrl", "value", "mailto:help@example.com"),
		operation("replace", "/sessionReplayOptOut", "value", true),
	); have != "200" {
		t.Fatalf("patch: %s", have)
	}
	want := kept
	want.ReleaseCadence, want.PreferredStartPage, want.SessionReplayOptOut = "monthly", api.StartPage{Route: "/analytics", Value: "analytics-creation-hub"}, true
	want.CustomizeNoAccess = api.CustomizeNoAccess{LinkEnabled: true, LinkLabel: "Ask\nus.", LinkURL: "mailto:help@example.com", Message: "https://example.com"}
	if now := settings(c); now != want {
		t.Errorf("after a patch: %+v\nwant %+v", now, want)
	}
	if have := patch(operation("remove", "/customizeNoAccess"), operation("remove", "/releaseCadence")); have != "200" || settings(c).ReleaseCadence != "continuous" || settings(c).CustomizeNoAccess != (api.CustomizeNoAccess{}) {
		t.Errorf("after removing: %s %+v", have, settings(c))
	}
	if now := settings(next); now.UpdatedBy != "" || now.PreferredStartPage.Value != "analytics-hub" {
		t.Errorf("the neighbour's: %+v", now)
	}
	expect(t, "delete", c.do(http.MethodDelete, "tenant-settings", nil), http.StatusNoContent, "")
	if now := settings(c); now != before {
		t.Errorf("after deleting: %+v", now)
	}
	var pages api.StartPageList
	c.get("tenant-settings/start-pages").Into(&pages)
	if len(pages.Values) != 4 || pages.DefaultValue != "analytics-hub" {
		t.Errorf("start pages %+v", pages)
	}
}

// TestQuotas counts what there is in the own tenant.
func TestQuotas(t *testing.T) {
	c := newDirectoryCaller(t)
	next := c.neighbour(t)
	expect(t, "group", c.post("groups", api.CreateGroupRequest{Name: "Staff"}), http.StatusCreated, "")
	for _, name := range []string{"A", "B"} {
		expect(t, "role", next.post("roles", api.CreateRoleRequest{Name: name}), http.StatusCreated, "")
	}
	figures := func(of directoryCaller, path string) (text string) {
		t.Helper()
		var list api.QuotaList
		answer := of.get(path)
		expect(t, path, answer, http.StatusOK, "")
		answer.Into(&list)
		for _, q := range list.Data {
			used := "?"
			if q.Attributes.Usage != nil {
				used = fmt.Sprint(*q.Attributes.Usage)
			}
			text += fmt.Sprintf("%s %s/%d ", q.ID, used, q.Attributes.Quota)
		}
		return text
	}
	for path, want := range map[string]string{
		"quotas?reportUsage=true":          "csp_origins 0/200 custom_roles 0/500 groups 1/10000 identity_providers 0/50 web_integrations 0/200 webhooks 0/150 ",
		"quotas":                           "csp_origins ?/200 custom_roles ?/500 groups ?/10000 identity_providers ?/50 web_integrations ?/200 webhooks ?/150 ",
		"quotas/webhooks":                  "webhooks ?/150 ",
		"quotas/groups?reportUsage=true":   "groups 1/10000 ",
		"quotas/webhooks?reportUsage=true": "webhooks 0/150 ",
	} {
		if have := figures(c, path); have != want {
			t.Errorf("%s: %s, want %s", path, have, want)
		}
	}
	if have := figures(next, "quotas/custom_roles?reportUsage=true"); have != "custom_roles 2/500 " {
		t.Errorf("the neighbour's: %s", have)
	}
	expect(t, "no such quota", c.get("quotas/apps"), http.StatusNotFound, api.CodeQuotaNotFound)
	expect(t, "not a boolean", c.get("quotas?reportUsage=1"), http.StatusBadRequest, api.CodeInvalidRequest)
}
