package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestRoles runs the life of a custom role.
func TestRoles(t *testing.T) {
	c := newDirectoryCaller(t)
	made := c.post("roles", map[string]any{"name": "Helpdesk", "description": "d", "assignedScopes": []string{"admin.users:read", "spaces.shared"}})
	expect(t, "create", made, http.StatusCreated, "")
	var r api.Role
	made.Into(&r)
	if r.Type != "custom" || r.Level != "admin" || !r.CanEdit || !r.CanDelete || r.TenantID != string(c.tenant.ID) || r.CreatedBy == "" {
		t.Errorf("%+v", r)
	}
	var list api.RoleList
	c.get("roles?limit=100&totalResults=true").Into(&list)
	if int64(len(list.Data)) != *list.TotalResults || len(list.Data) != len(estate.DefaultRoles())+1 {
		t.Errorf("%d roles of %d", len(list.Data), *list.TotalResults)
	}
	for _, one := range list.Data { // @qlik/api's types have these as always there
		if !one.CreatedAt.Equal(c.tenant.CreatedAt) && one.Type == "default" || one.TenantID != string(c.tenant.ID) || one.LastUpdatedAt.Before(one.CreatedAt.Time) || one.CreatedAt.IsZero() {
			t.Errorf("%+v", one)
		}
		var alone api.Role
		if c.get("roles/" + one.ID).Into(&alone); alone.TenantID != one.TenantID || !alone.CreatedAt.Equal(one.CreatedAt.Time) {
			t.Errorf("alone %+v", alone)
		}
	}
	var seen []string
	page := "roles?limit=5&sort=-name"
	var last api.RoleList
	for href := c.TenantURL(c.tenant) + "/api/v1/" + page; href != ""; {
		last = api.RoleList{}
		c.Do(testenv.Request{URL: href, Token: c.token}).Into(&last)
		for _, one := range last.Data {
			seen = append(seen, one.Name)
		}
		href = ""
		if last.Links.Next != nil {
			href = last.Links.Next.Href
		}
	}
	if len(seen) != len(list.Data) || seen[0] != "UserDefault" || !slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(strings.ToLower(b), strings.ToLower(a)) }) {
		t.Errorf("pages %v", seen)
	}
	var before api.RoleList
	c.Do(testenv.Request{URL: last.Links.Prev.Href, Token: c.token}).Into(&before)
	if len(before.Data) != 5 || before.Data[4].Name != seen[len(seen)-len(last.Data)-1] {
		t.Errorf("the page before %+v", before.Data)
	}
	c.get("roles?filter=" + url.QueryEscape(`type eq "custom" or (name co "admin" and not (level ne "admin"))`)).Into(&list)
	if len(list.Data) != 5 {
		t.Errorf("filtered %+v", list.Data)
	}
	for what, body := range map[string]map[string]any{
		"no name": {}, "scope of a set": {"name": "x", "assignedScopes": []string{"user_default"}}, "administrators' set": {"name": "x", "assignedScopes": []string{"admin_classic"}},
		"scope above": {"name": "x", "assignedScopes": []string{"tenants:create"}}, "no scope": {"name": "x", "assignedScopes": []string{"a b"}},
	} {
		expect(t, what, c.post("roles", body), http.StatusBadRequest, api.CodeRoleInvalid)
	}
	for _, name := range []string{"Helpdesk", "TenantAdmin"} {
		expect(t, "taken", c.post("roles", map[string]any{"name": name}), http.StatusConflict, api.CodeRoleExists)
	}
	path := "roles/" + r.ID
	expect(t, "patch", c.patch(path, op("replace", "/name", "Support"), op("remove-value", "/assignedScopes", "spaces.shared"), op("add", "/assignedScopes/-", "admin.users")), http.StatusNoContent, "")
	var changed api.Role
	c.get(path).Into(&changed)
	if changed.Name != "Support" || !slices.Equal(changed.AssignedScopes, []string{"admin.users:read", "admin.users"}) {
		t.Errorf("%+v", changed)
	}
	for what, bad := range map[string]api.PatchOperation{"path": op("replace", "/type", "default"), "op": op("add", "/name", "x"), "scope": op("add", "/assignedScopes", []string{"tenants:create"}), "end": op("replace", "/assignedScopes/-", []string{})} {
		expect(t, what, c.patch(path, op("replace", "/description", "half"), bad), http.StatusBadRequest, api.CodeRoleInvalid)
	}
	expect(t, "name of a built-in role", c.patch(path, op("replace", "/name", "Developer")), http.StatusConflict, api.CodeRoleExists)
	admin, _ := estate.DefaultRole(estate.RoleTenantAdmin)
	expect(t, "built-in", c.patch("roles/"+string(admin.ID), op("replace", "/name", "x")), http.StatusForbidden, api.CodeRoleBuiltIn)
	expect(t, "built-in", c.remove("roles/"+string(admin.ID)), http.StatusForbidden, api.CodeRoleBuiltIn)
	u := c.newUser(t, "ada", "Support")
	expect(t, "assigned", c.remove(path), http.StatusConflict, api.CodeRoleAssigned)
	expect(t, "take it", c.patch("users/"+u.ID, op("replace", "/assignedRoles", []any{})), http.StatusNoContent, "")
	expect(t, "delete", c.remove(path), http.StatusNoContent, "")
	expect(t, "gone", c.get(path), http.StatusNotFound, api.CodeRoleNotFound)
	if have := c.actions(t, r.ID); !slices.Equal(have, []string{"role.create done", "role.update done", "role.delete done"}) {
		t.Errorf("records %v", have)
	}
}

// TestRoles_TakeEffectAtOnce: what a token may do follows its user's roles, those of
// groups and of everybody included, at the other server too.
func TestRoles_TakeEffectAtOnce(t *testing.T) {
	c := newDirectoryCaller(t)
	var role api.Role
	c.post("roles", map[string]any{"name": "Helpdesk", "assignedScopes": []string{"admin.users"}}).Into(&role)
	var group api.Group
	c.post("groups", map[string]any{"name": "Desk"}).Into(&group)
	u, boss := c.newUser(t, "ada"), c.newUser(t, "boss", "TenantAdmin")
	here := c.as(t, u.ID)
	there := here
	there.Env = c.Node()
	n := 0
	may := func(what string, want bool) {
		t.Helper()
		for _, who := range []directoryCaller{here, there} {
			deadline := time.Now().Add(20 * time.Second)
			for {
				n++
				answer := who.post("users", api.CreateUserRequest{Subject: fmt.Sprint("made", n)})
				if ok := answer.Status == http.StatusCreated; ok == want {
					break
				} else if who.Env == here.Env || time.Now().After(deadline) {
					t.Fatalf("%s: %d %s, want %v", what, answer.Status, answer.Body, want)
				}
			}
		}
	}
	change := func(answer testenv.Answer) {
		t.Helper()
		expect(t, "change", answer, http.StatusNoContent, "")
	}
	ref := []any{map[string]any{"name": "Helpdesk"}}
	may("without a role", false)
	change(c.patch("users/"+u.ID, op("add", "/assignedRoles", ref)))
	may("with a role", true)
	// Who manages users is no administrator for that: it can make none, nor touch one.
	expect(t, "give oneself all", here.patch("users/"+u.ID, op("add", "/assignedRoles", []any{map[string]any{"name": "TenantAdmin"}})), http.StatusForbidden, api.CodeForbidden)
	expect(t, "make an administrator", here.post("users", map[string]any{"subject": "x", "assignedRoles": []any{map[string]any{"name": "TenantAdmin"}}}), http.StatusForbidden, api.CodeForbidden)
	expect(t, "delete an administrator", here.remove("users/"+boss.ID), http.StatusForbidden, api.CodeForbidden)
	var admins api.Group
	c.post("groups", map[string]any{"name": "Admins", "assignedRoles": []any{map[string]any{"name": "TenantAdmin"}}}).Into(&admins)
	expect(t, "rename a group that administers", here.patch("groups/"+admins.ID, op("replace", "name", "Desk of ada")), http.StatusForbidden, api.CodeForbidden)
	// A bot that was stripped would come back as an administrator if it were deleted.
	client := c.TenantClient(c.tenant)
	c.Token(c.TenantURL(c.tenant), client)
	bot := c.list("filter=" + url.QueryEscape(`clientId eq "`+string(client.ID)+`"`)).Data[0]
	change(c.patch("users/"+bot.ID, op("replace", "/assignedRoles", []any{})))
	expect(t, "delete a stripped bot", here.remove("users/"+bot.ID), http.StatusForbidden, api.CodeForbidden)
	expect(t, "change a role", here.patch("roles/"+role.ID, op("add", "/assignedScopes", []string{"admin.spaces"})), http.StatusForbidden, api.CodeForbidden)
	expect(t, "give a group", here.patch("groups/"+group.ID, op("replace", "assignedRoles", ref)), http.StatusForbidden, api.CodeForbidden)
	expect(t, "give everybody", here.patch("groups/settings", op("replace", "/systemGroups/000000000000000000000001/assignedRoles", ref)), http.StatusForbidden, api.CodeForbidden)

	change(c.patch("roles/"+role.ID, op("replace", "/assignedScopes", []string{"admin.users:read"})))
	may("with a role that allows less", false)
	change(c.patch("roles/"+role.ID, op("replace", "/assignedScopes", []string{"admin.users"}), op("replace", "/name", "Desk")))
	may("with a renamed role", true)
	change(c.patch("users/"+u.ID, op("replace", "/assignedRoles", []any{})))
	may("without it again", false)
	change(c.patch("users/"+u.ID, op("add", "/assignedGroups", []any{map[string]any{"id": group.ID}})))
	change(c.patch("groups/"+group.ID, op("replace", "assignedRoles", []any{map[string]any{"id": role.ID}})))
	may("by a group", true)
	// Nor can it put others into the group, or take them out.
	expect(t, "put into the group", here.patch("users/"+c.newUser(t, "eve").ID, op("add", "/assignedGroups", []any{map[string]any{"id": group.ID}})), http.StatusForbidden, api.CodeForbidden)
	expect(t, "delete the group", here.remove("groups/"+group.ID), http.StatusForbidden, api.CodeForbidden)
	change(c.remove("groups/" + group.ID))
	may("without the group", false)
	change(c.patch("groups/settings", op("replace", "/systemGroups/000000000000000000000001/assignedRoles", []any{map[string]any{"id": role.ID}})))
	may("by being there", true)
	change(c.patch("groups/000000000000000000000001", op("replace", "/assignedRoles", []any{})))
	may("without it", false)
}

// TestGroups runs the life of a group.
func TestGroups(t *testing.T) {
	c := newDirectoryCaller(t)
	made := c.post("groups", map[string]any{"name": "Finance", "status": "active", "assignedRoles": []any{map[string]any{"name": "Steward"}}})
	expect(t, "create", made, http.StatusCreated, "")
	var g api.Group
	made.Into(&g)
	if g.ProviderType != "idp" || g.Status != "active" || g.AssignedRoles[0].Name != "Steward" || g.TenantID != string(c.tenant.ID) {
		t.Errorf("%+v", g)
	}
	expect(t, "other case", c.post("groups", map[string]any{"name": "finance", "providerType": "custom", "status": "disabled"}), http.StatusCreated, "")
	expect(t, "taken", c.post("groups", map[string]any{"name": "Finance"}), http.StatusConflict, api.CodeGroupExists)
	for what, body := range map[string]map[string]any{
		"no name": {}, "long name": {"name": strings.Repeat("x", 257)}, "provider": {"name": "x", "providerType": "y"}, "status": {"name": "x", "status": "y"},
		"role": {"name": "x", "assignedRoles": []any{map[string]any{"name": "y"}}}, "system": {"name": "com.qlik.Everyone"},
	} {
		expect(t, what, c.post("groups", body), http.StatusBadRequest, api.CodeGroupInvalid)
	}
	var list api.GroupList
	c.get("groups?totalResults=true&filter=" + url.QueryEscape(`name eq "FINANCE" and status eq "active"`)).Into(&list)
	if len(list.Data) != 1 || list.Data[0].ID != g.ID || *list.TotalResults != 1 {
		t.Errorf("%+v", list)
	}
	c.post("groups/actions/filter", api.FilterRequest{}).Into(&list)
	if len(list.Data) != 2 {
		t.Errorf("%+v", list)
	}
	path := "groups/" + g.ID
	expect(t, "both spellings", c.patch(path, op("replace", "name", "Money"), op("replace", "/description", "who pays"), op("replace", "/assignedRoles", []any{map[string]any{"name": "Developer"}})), http.StatusNoContent, "")
	c.get(path).Into(&g)
	if g.Name != "Money" || g.Description != "who pays" || g.AssignedRoles[0].Name != "Developer" {
		t.Errorf("%+v", g)
	}
	for what, bad := range map[string]api.PatchOperation{"path": op("replace", "/status", "disabled"), "op": op("add", "/name", "x"), "role": op("replace", "assignedRoles", []any{map[string]any{"name": "x"}})} {
		expect(t, what, c.patch(path, op("replace", "/name", "half"), bad), http.StatusBadRequest, api.CodeGroupInvalid)
	}
	expect(t, "taken", c.patch(path, op("replace", "/name", "finance")), http.StatusConflict, api.CodeGroupExists)

	expect(t, "settings", c.patch("groups/settings", op("replace", "/autoCreateGroups", true), op("replace", "syncIdpGroups", true)), http.StatusNoContent, "")
	for what, bad := range map[string]api.PatchOperation{"path": op("replace", "/tenantId", "x"), "type": op("replace", "/syncIdpGroups", "yes"), "op": op("add", "/syncIdpGroups", true)} {
		expect(t, what, c.patch("groups/settings", op("replace", "/autoCreateGroups", false), bad), http.StatusBadRequest, api.CodeGroupInvalid)
	}
	var settings api.GroupSettings
	c.get("groups/settings").Into(&settings)
	if everyone := settings.SystemGroups["000000000000000000000001"]; !settings.AutoCreateGroups || !settings.SyncIDPGroups || everyone.Name != "com.qlik.Everyone" || !everyone.Enabled {
		t.Errorf("%+v", settings)
	}
	c.get("groups?systemGroups=true").Into(&list)
	if len(list.Data) != 1 || list.Data[0].Name != "com.qlik.Everyone" {
		t.Errorf("system groups %+v", list)
	}
	expect(t, "system groups", c.get("groups?systemGroups=x"), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "delete everybody", c.remove("groups/000000000000000000000001"), http.StatusForbidden, api.CodeForbidden)
	expect(t, "rename everybody", c.patch("groups/000000000000000000000001", op("replace", "/name", "x")), http.StatusBadRequest, api.CodeGroupInvalid)
	expect(t, "delete", c.remove(path), http.StatusNoContent, "")
	expect(t, "gone", c.get(path), http.StatusNotFound, api.CodeGroupNotFound)
	if have := c.actions(t, g.ID); !slices.Equal(have, []string{"group.create done", "group.update done", "group.delete done"}) {
		t.Errorf("records %v", have)
	}
}

// TestDirectory_Limits fills a tenant with as much as it can hold.
func TestDirectory_Limits(t *testing.T) {
	c := newDirectoryCaller(t)
	err := c.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 10_000 {
			g := estate.Group{ID: estate.NewGroupID(), Organization: c.tenant.Organization, Tenant: c.tenant.ID, Name: fmt.Sprint("group ", i)}
			if err := tx.InsertGroup(context.Background(), g); err != nil {
				return err
			}
			if i >= 500 {
				continue
			}
			r := estate.Role{ID: estate.NewRoleID(), Organization: c.tenant.Organization, Tenant: c.tenant.ID, Name: estate.RoleName(fmt.Sprint("role ", i))}
			if err := tx.InsertRole(context.Background(), r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "one more role", c.post("roles", map[string]any{"name": "x"}), http.StatusForbidden, api.CodeRoleLimit)
	expect(t, "one more group", c.post("groups", map[string]any{"name": "x"}), http.StatusForbidden, api.CodeGroupLimit)
}
