package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// directoryTarget is what a call about the directory of the tenant is about.
type directoryTarget struct {
	user  estate.UserID
	role  estate.RoleID
	group estate.GroupID
}

// newDirectoryTarget makes a user, a role and a group of the tenant.
func (e *actorEstate) newDirectoryTarget(t *testing.T) (made directoryTarget) {
	t.Helper()
	made = directoryTarget{estate.NewUserID(), estate.NewRoleID(), estate.NewGroupID()}
	now, of := e.Clock.Now(), e.tenant
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertUser(t.Context(), estate.User{
			ID: made.user, Organization: of.Organization, Tenant: of.ID, Subject: string(made.user), Name: "Target", Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if err := tx.InsertRole(t.Context(), estate.Role{
			ID: made.role, Organization: of.Organization, Tenant: of.ID, Name: estate.RoleName(made.role), CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		return tx.InsertGroup(t.Context(), estate.Group{
			ID: made.group, Organization: of.Organization, Tenant: of.ID, Name: string(made.group), Provider: estate.GroupCustom, Status: estate.GroupActive, CreatedAt: now, UpdatedAt: now,
		})
	})
	e.ok(t, err)
	return made
}

// isDirectory tells whether an operation is about users, roles or groups.
func isDirectory(route httpapi.Route) bool {
	for _, resource := range []string{"users", "roles", "groups"} {
		if path := "/api/v1/" + resource; route.Path == path || strings.HasPrefix(route.Path, path+"/") {
			return route.ID != "getMyUser"
		}
	}
	return false
}

// directoryCall completes a call that is about the directory; others it does not
// know.
func (e *actorEstate) directoryCall(request *testenv.Request, route httpapi.Route, made target) bool {
	if !isDirectory(route) {
		return false
	}
	unique := fmt.Sprint(estate.NewUserID())
	rename := []api.PatchOperation{{Op: "replace", Path: "/name", Value: unique}}
	switch route.ID {
	case "listUsers", "listRoles", "listGroups", "countUsers", "getUser", "getRole", "getGroup", "getGroupSettings", "deleteUser", "deleteRole", "deleteGroup":
	case "filterUsers", "filterGroups":
		request.JSON = api.FilterRequest{Filter: `name ne "x"`}
	case "createUser":
		request.JSON = api.CreateUserRequest{Subject: unique}
	case "inviteUsers":
		request.JSON = api.InviteRequest{Invitees: []api.Invitee{{Email: unique + "@example.com"}}}
	case "createRole":
		request.JSON = api.CreateRoleRequest{Name: unique}
	case "createGroup":
		request.JSON = api.CreateGroupRequest{Name: unique}
	case "updateUser", "updateRole", "updateGroup":
		request.JSON = rename
	case "updateGroupSettings":
		request.JSON = []api.PatchOperation{{Op: "replace", Path: "/autoCreateGroups", Value: true}}
	default:
		return false
	}
	request.URL = strings.NewReplacer("{userId}", string(made.directory.user), "{roleId}", string(made.directory.role), "{groupId}", string(made.directory.group)).Replace(request.URL)
	return true
}
