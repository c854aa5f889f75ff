package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// collect is what a list goes through, by what name makes of each.
func collect[T any](t *testing.T, all iter.Seq2[T, error], name func(T) string) (names []string) {
	t.Helper()
	for one, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name(one))
	}
	return names
}

// TestClient_Directory does everything that there is to do in a tenant, on a real
// server.
func TestClient_Directory(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	if err := e.App.Directory.SetSeats(t.Context(), testenv.Operator, sub.ID, estate.SeatAnalyzer, 1); err != nil {
		t.Fatal(err)
	}
	credentials := e.RegionClient(sub, "us")
	c, err := client.New(e.TenantURL(e.Tenant(sub, "us")), client.WithHTTPClient(e.Client), client.WithMaxAttempts(1),
		client.WithCredentials(client.Credentials{ClientID: string(credentials.ID), ClientSecret: credentials.Secret}))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	replace := func(path string, value any) []api.PatchOperation {
		return []api.PatchOperation{{Op: "replace", Path: path, Value: value}}
	}

	settings, err := c.CreateTenantSettings(ctx, api.CreateTenantSettingsRequest{PreferredStartPage: "management-console"})
	ok(err)
	changed, err := c.UpdateTenantSettings(ctx, []api.JSONPatchOperation{{Op: "test", Path: "/releaseCadence", Value: settings.ReleaseCadence}, {Op: "replace", Path: "/releaseCadence", Value: "monthly"}})
	ok(err)
	if now, err := c.GetTenantSettings(ctx); err != nil || *now != *changed || now.ReleaseCadence != "monthly" || now.PreferredStartPage.Value != "management-console" {
		t.Errorf("settings %+v, changed %+v (%v)", now, changed, err)
	}
	ok(c.DeleteTenantSettings(ctx))
	if pages, err := c.ListStartPages(ctx); err != nil || len(pages.Values) != 4 {
		t.Errorf("start pages %+v (%v)", pages, err)
	}
	if all, err := c.ListQuotas(ctx); err != nil || len(all) != 6 {
		t.Errorf("quotas %+v (%v)", all, err)
	}
	if one, err := c.GetQuota(ctx, "webhooks"); err != nil || one.Attributes.Quota != 150 || *one.Attributes.Usage != 0 {
		t.Errorf("quota %+v (%v)", one, err)
	}

	role, err := c.CreateRole(ctx, api.CreateRoleRequest{Name: "Desk", AssignedScopes: []string{"admin.users"}})
	ok(err)
	ok(c.UpdateRole(ctx, role.ID, replace("/name", "Helpdesk")))
	role, err = c.GetRole(ctx, role.ID)
	ok(err)
	custom := collect(t, c.Roles(ctx, client.ListOptions{Filter: `type eq "custom"`}), func(r api.Role) string { return r.Name })
	if all := collect(t, c.Roles(ctx, client.ListOptions{Limit: 3}), func(r api.Role) string { return r.Name }); !slices.Equal(custom, []string{"Helpdesk"}) || len(all) != len(estate.DefaultRoles())+1 {
		t.Errorf("roles %v, %v", custom, all)
	}
	group, err := c.CreateGroup(ctx, api.CreateGroupRequest{Name: "Staff", AssignedRoles: []api.RoleReference{{Name: "Steward"}}})
	ok(err)
	ok(c.UpdateGroup(ctx, group.ID, replace("assignedRoles", []api.RoleReference{{ID: role.ID}})))
	if group, err = c.GetGroup(ctx, group.ID); err != nil || group.AssignedRoles[0].Name != "Helpdesk" {
		t.Errorf("%+v (%v)", group, err)
	}
	ok(c.UpdateGroupSettings(ctx, replace("/autoCreateGroups", true)))
	if settings, err := c.GetGroupSettings(ctx); err != nil || !settings.AutoCreateGroups {
		t.Errorf("%+v (%v)", settings, err)
	}

	user, err := c.CreateUser(ctx, api.CreateUserRequest{Subject: "ada", Email: "ada@example.com"})
	ok(err)
	ok(c.UpdateUser(ctx, user.ID, []api.PatchOperation{{Op: "add", Path: "/assignedGroups", Value: []api.RoleReference{{Name: "Staff"}}}}))
	if user, err = c.GetUser(ctx, user.ID); err != nil || !slices.Equal(user.Groups, []string{"Staff"}) {
		t.Errorf("%+v (%v)", user, err)
	}
	invited, err := c.InviteUsers(ctx, []api.Invitee{{Email: "bob@example.com"}, {Email: "ada@example.com"}})
	if err != nil || invited[0].Status != "ok" || invited[1].Code != api.CodeInviteActive {
		t.Errorf("%+v (%v)", invited, err)
	}
	if n, err := c.CountUsers(ctx); err != nil || n != 3 {
		t.Errorf("%d users (%v)", n, err)
	}
	subject := func(u api.User) string { return u.Subject }
	people := client.ListOptions{Filter: `clientId eq ""`, Sort: "subject", Limit: 1}
	short := collect(t, c.Users(ctx, people), subject)
	people.Filter = strings.Repeat(`name ne "nobody of this name" and `, 100) + people.Filter
	if long := collect(t, c.Users(ctx, people), subject); !slices.Equal(short, []string{"ada", invited[0].Subject}) || !slices.Equal(long, short) {
		t.Errorf("users %v, with a long filter %v", short, long)
	}
	if names := collect(t, c.Groups(ctx, client.ListOptions{}), func(g api.Group) string { return g.Name }); !slices.Equal(names, []string{"Staff"}) {
		t.Errorf("groups %v", names)
	}

	seat := []api.SeatChange{{Subject: "ada", Type: "analyzer"}, {Subject: invited[0].Subject, Type: "analyzer"}}
	given, err := c.AddSeats(ctx, seat)
	if err != nil || given[0].Status != http.StatusCreated || given[1].Code != api.CodeLicenseNone {
		t.Errorf("%+v (%v)", given, err)
	}
	moved, err := c.UpdateSeats(ctx, []api.SeatChange{{Subject: seat[1].Subject, Type: "analyzer", SourceSubject: "ada"}})
	if err != nil || moved[0].Status != http.StatusOK {
		t.Errorf("%+v (%v)", moved, err)
	}
	holders := func(orphans bool) []string {
		return collect(t, c.LicenseAssignments(ctx, orphans, client.ListOptions{Filter: `type eq "analyzer"`}), func(a api.LicenseAssignment) string { return a.Subject })
	}
	if !slices.Equal(holders(false), []string{seat[1].Subject}) || len(holders(true)) != 0 {
		t.Errorf("seats %v, orphans %v", holders(false), holders(true))
	}
	if taken, err := c.DeleteSeats(ctx, seat[1:]); err != nil || taken[0].Status != http.StatusNoContent {
		t.Errorf("%+v (%v)", taken, err)
	}
	yes := true
	if settings, err := c.SetLicenseSettings(ctx, api.LicenseSettingsRequest{AutoAssignAnalyzer: &yes}); err != nil || !settings.AutoAssignAnalyzer {
		t.Errorf("%+v (%v)", settings, err)
	}
	if settings, err := c.GetLicenseSettings(ctx); err != nil || !settings.AutoAssignAnalyzer {
		t.Errorf("%+v (%v)", settings, err)
	}
	if status, err := c.GetLicenseStatus(ctx); err != nil || status.Status != "Ok" {
		t.Errorf("%+v (%v)", status, err)
	}

	space, err := c.CreateSpace(ctx, api.CreateSpaceRequest{Name: "Dev", Type: "shared"})
	ok(err)
	if space, err = c.UpdateSpace(ctx, space.ID, replace("/name", "Test")); err != nil || space.Name != "Test" {
		t.Errorf("%+v (%v)", space, err)
	}
	member, err := c.CreateSpaceAssignment(ctx, space.ID, api.CreateSpaceAssignmentRequest{Type: "group", AssigneeID: group.ID, Roles: []string{"consumer"}})
	ok(err)
	if member, err = c.UpdateSpaceAssignment(ctx, space.ID, member.ID, []string{"producer"}); err != nil || !slices.Equal(member.Roles, []string{"producer"}) {
		t.Errorf("%+v (%v)", member, err)
	}
	members := collect(t, c.SpaceAssignments(ctx, space.ID, client.ListOptions{}), func(a api.SpaceAssignment) string { return a.AssigneeID })
	names := collect(t, c.Spaces(ctx, client.ListOptions{}), func(s api.Space) string { return s.Name })
	if !slices.Equal(members, []string{group.ID}) || !slices.Equal(names, []string{"Test"}) {
		t.Errorf("members %v of %v", members, names)
	}
	ok(c.DeleteSpaceAssignment(ctx, space.ID, member.ID))
	ok(c.DeleteSpace(ctx, space.ID))
	if _, err := c.GetSpace(ctx, space.ID); !isCode(err, api.CodeSpaceNotFound) {
		t.Errorf("a deleted space: %v", err)
	}
	ok(c.DeleteUser(ctx, user.ID))
	ok(c.DeleteGroup(ctx, group.ID))
	ok(c.DeleteRole(ctx, role.ID))

	for _, err := range c.Users(ctx, client.ListOptions{Filter: "nonsense"}) {
		if !isCode(err, api.CodeInvalidRequest) {
			t.Errorf("a wrong filter: %v", err)
		}
	}
	for what, err := range map[string]error{"no id": c.DeleteUser(ctx, ""), "no space": c.DeleteSpaceAssignment(ctx, "..", "x")} {
		if err == nil || !strings.Contains(err.Error(), "is not an id") {
			t.Errorf("%s: %v", what, err)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range c.Users(stopped, client.ListOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
	}
}

func isCode(err error, code string) bool {
	var refused *client.Error
	return errors.As(err, &refused) && strings.Contains(fmt.Sprint(refused), code)
}
