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

	space      estate.SpaceID
	assignment estate.AssignmentID

	apiKey         estate.APIKeyID
	cspOrigin      estate.CSPOriginID
	webIntegration estate.WebIntegrationID
}

// newDirectoryTarget makes a user, a group and a space of the tenant for a call, and
// a role if the call is about one: there can't be one for each of all calls.
func (e *actorEstate) newDirectoryTarget(t *testing.T, route httpapi.Route) (made directoryTarget) {
	t.Helper()
	made = directoryTarget{estate.NewUserID(), estate.NewRoleID(), estate.NewGroupID(), estate.NewSpaceID(), estate.NewAssignmentID(), estate.NewAPIKeyID(), estate.NewCSPOriginID(), estate.NewWebIntegrationID()}
	now, of := e.Clock.Now(), e.tenant
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertUser(t.Context(), estate.User{
			ID: made.user, Organization: of.Organization, Tenant: of.ID, Subject: string(made.user), Name: "Target", Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if strings.Contains(route.Path, "{roleId}") {
			if err := tx.InsertRole(t.Context(), estate.Role{
				ID: made.role, Organization: of.Organization, Tenant: of.ID, Name: estate.RoleName(made.role), CreatedAt: now, UpdatedAt: now,
			}); err != nil {
				return err
			}
		}
		if err := tx.InsertGroup(t.Context(), estate.Group{
			ID: made.group, Organization: of.Organization, Tenant: of.ID, Name: string(made.group), Provider: estate.GroupCustom, Status: estate.GroupActive, CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if err := tx.InsertSpace(t.Context(), estate.Space{
			ID: made.space, Organization: of.Organization, Tenant: of.ID, Type: estate.SpaceShared, Name: string(made.space), Owner: made.user, CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if err := e.insertWeb(t, tx, route, made); err != nil {
			return err
		}
		return tx.InsertSpaceAssignment(t.Context(), estate.SpaceAssignment{
			ID: made.assignment, Organization: of.Organization, Tenant: of.ID, Space: made.space, Type: estate.AssigneeGroup, Assignee: string(made.group), Roles: []string{"consumer"},
			CreatedAt: now, UpdatedAt: now,
		})
	})
	e.ok(t, err)
	return made
}

// insertWeb makes an API key of the target user, an entry of the content security
// policy or a web integration, if the call is about one: there can't be one for each
// of all calls.
func (e *actorEstate) insertWeb(t *testing.T, tx *store.Tx, route httpapi.Route, made directoryTarget) error {
	t.Helper()
	now, of := e.Clock.Now(), e.tenant
	switch {
	case strings.Contains(route.Path, "{apiKeyId}"):
		return tx.InsertAPIKey(t.Context(), estate.APIKey{
			ID: made.apiKey, Organization: of.Organization, Tenant: of.ID, User: made.user, Description: "target", Status: estate.APIKeyActive, Hash: []byte{1},
			CreatedAt: now, UpdatedAt: now, ExpiresAt: now.AddDate(1, 0, 0),
		})
	case strings.Contains(route.Path, "{cspOriginId}"):
		return tx.InsertCSPOrigin(t.Context(), estate.CSPOrigin{
			ID: made.cspOrigin, Organization: of.Organization, Tenant: of.ID, Origin: string(made.cspOrigin) + ".example", CreatedAt: now, UpdatedAt: now,
		})
	case strings.Contains(route.Path, "{webIntegrationId}"):
		return tx.InsertWebIntegration(t.Context(), estate.WebIntegration{
			ID: made.webIntegration, Organization: of.Organization, Tenant: of.ID, Name: "target", CreatedAt: now, UpdatedAt: now,
		})
	}
	return nil
}

// isDirectory tells whether an operation is about users, roles, groups, seats or
// spaces.
func isDirectory(route httpapi.Route) bool {
	for _, resource := range []string{"users", "roles", "groups", "licenses", "spaces", "tenant-settings", "quotas", "api-keys", "csp-origins", "web-integrations"} {
		if path := "/api/v1/" + resource; route.Path == path || strings.HasPrefix(route.Path, path+"/") {
			return route.ID != "getMyUser" && route.ID != "getLicenseOverview"
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
	case "getLicenseStatus", "getLicenseSettings", "listLicenseAssignments", "listSpaces", "listSpaceTypes", "getSpace", "deleteSpace", "listSpaceAssignments", "getSpaceAssignment", "deleteSpaceAssignment":
	case "getTenantSettings", "deleteTenantSettings", "listStartPages", "listQuotas", "getQuota":
	case "listAPIKeys", "getAPIKey", "deleteAPIKey", "getAPIKeySettings", "listCSPOrigins", "getCSPOrigin", "deleteCSPOrigin", "getCSPHeader",
		"listWebIntegrations", "getWebIntegration", "deleteWebIntegration":
	case "createAPIKey":
		request.JSON = api.CreateAPIKeyRequest{Description: unique}
	case "updateAPIKey":
		request.JSON = []api.PatchOperation{{Op: "replace", Path: "/description", Value: unique}}
	case "updateAPIKeySettings":
		request.JSON = []api.PatchOperation{{Op: "replace", Path: "/max_keys_per_user", Value: 50}}
	case "createCSPOrigin", "replaceCSPOrigin":
		request.JSON = api.CSPOriginRequest{Origin: unique + ".example"}
	case "createWebIntegration":
		request.JSON = api.CreateWebIntegrationRequest{Name: unique}
	case "createTenantSettings":
		request.JSON = api.CreateTenantSettingsRequest{PreferredStartPage: "management-console"}
	case "updateTenantSettings":
		request.JSON = []api.JSONPatchOperation{{Op: "replace", Path: "/customizeNoAccess/message", Value: unique}}
	case "setLicenseSettings":
		request.JSON = api.LicenseSettings{}
	case "addLicenseAssignments":
		request.JSON = api.AddSeatsRequest{Add: []api.SeatChange{{Subject: unique, Type: "analyzer"}}}
	case "updateLicenseAssignments":
		request.JSON = api.UpdateSeatsRequest{Update: []api.SeatChange{{Subject: unique, Type: "analyzer"}}}
	case "deleteLicenseAssignments":
		request.JSON = api.DeleteSeatsRequest{Delete: []api.SeatChange{{Subject: unique, Type: "analyzer"}}}
	case "createSpace":
		request.JSON = api.CreateSpaceRequest{Name: unique, Type: "shared"}
	case "replaceSpace":
		request.JSON = api.UpdateSpaceRequest{Name: &unique}
	case "createSpaceAssignment":
		request.JSON = api.CreateSpaceAssignmentRequest{Type: "user", AssigneeID: string(made.directory.user), Roles: []string{"consumer"}}
	case "updateSpaceAssignment":
		request.JSON = api.UpdateSpaceAssignmentRequest{Roles: []string{"producer"}}
	case "filterUsers", "filterGroups":
		request.JSON = api.FilterRequest{Filter: `name ne "x"`}
	case "createUser":
		request.JSON = api.CreateUserRequest{Subject: unique}
	case "createSignInLink":
		request.JSON = api.SignInLinkRequest{}
	case "inviteUsers":
		request.JSON = api.InviteRequest{Invitees: []api.Invitee{{Email: unique + "@example.com"}}}
	case "createRole":
		request.JSON = api.CreateRoleRequest{Name: unique}
	case "createGroup":
		request.JSON = api.CreateGroupRequest{Name: unique}
	case "updateUser", "updateRole", "updateGroup", "updateSpace", "updateWebIntegration":
		request.JSON = rename
	case "updateGroupSettings":
		request.JSON = []api.PatchOperation{{Op: "replace", Path: "/autoCreateGroups", Value: true}}
	default:
		return false
	}
	request.URL = strings.NewReplacer("{userId}", string(made.directory.user), "{roleId}", string(made.directory.role), "{groupId}", string(made.directory.group),
		"{spaceId}", string(made.directory.space), "{assignmentId}", string(made.directory.assignment), "{quotaId}", "webhooks",
		"{apiKeyId}", string(made.directory.apiKey), "{cspOriginId}", string(made.directory.cspOrigin), "{webIntegrationId}", string(made.directory.webIntegration)).Replace(request.URL)
	return true
}
