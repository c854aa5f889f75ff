package httpapi

import (
	"net/http"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/paging"
)

func getMyUser(x *exchange) error {
	http.Redirect(x.w, x.r, "/api/v1/users/"+string(x.actor.User), http.StatusFound)
	return nil
}

// user is the user that the path names.
func (x *exchange) user() estate.UserID { return estate.UserID(x.r.PathValue("userId")) }

func listUsers(x *exchange) (api.UserList, error) {
	query := x.r.URL.Query()
	for _, name := range []string{"startingAfter", "endingBefore"} { // without it the first page would come again and again
		if query.Get(name) != "" {
			return api.UserList{}, paging.BadParameter(name, name+" is not known any more; next and prev have the links of a page")
		}
	}
	text := filterBy(query, query.Get("filter"), "email", "subject", "status") // which the contract has given up for the filter
	if role := query.Get("role"); role != "" {
		text = paging.Narrowed(text, "assignedRoles.name", "eq", role)
	}
	if tenant := query.Get("tenantId"); tenant != "" && tenant != string(x.actor.Scope.Tenant) { // those of others can't be seen from here
		text = paging.Narrowed(text, "id", "eq", "")
	}
	return filterUsers(x, api.FilterRequest{Filter: text})
}

func filterUsers(x *exchange, in api.FilterRequest) (list api.UserList, err error) {
	q, err := x.pageQuery(in.Filter)
	if err != nil {
		return list, err
	}
	page, err := x.server.Directory.ListUsers(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.User, len(page.Items))
	for i, v := range page.Items {
		list.Data[i] = x.wireUser(v)
	}
	list.Links, list.TotalResults = x.pageLinks(page.Next, page.Prev), total(page.Total)
	return list, nil
}

func countUsers(x *exchange) (api.Count, error) {
	n, err := x.server.Directory.CountUsers(x.r.Context(), x.actor, x.r.URL.Query().Get("filter"))
	return api.Count{Total: n}, err
}

func getUser(x *exchange) (api.User, error) {
	v, err := x.server.Directory.User(x.r.Context(), x.actor, x.user())
	return x.wireUser(v), err
}

func createUser(x *exchange, in api.CreateUserRequest) (api.User, error) {
	v, err := x.server.Directory.CreateUser(x.r.Context(), x.actor, directory.NewUser{
		Tenant: estate.TenantID(in.TenantID), Subject: in.Subject, Name: in.Name, Email: in.Email, Status: estate.UserStatus(in.Status), Roles: roleRefs(in.AssignedRoles),
		Profile: estate.UserProfile{
			Picture: in.Picture, Locale: in.Locale, Zoneinfo: in.Zoneinfo, PreferredLocale: in.PreferredLocale, PreferredZoneinfo: in.PreferredZoneinfo,
		},
	})
	return x.wireUser(v), err
}

func roleRefs(in []api.RoleReference) (refs []directory.RoleRef) {
	for _, ref := range in {
		refs = append(refs, directory.RoleRef(ref))
	}
	return refs
}

func updateUser(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Directory.UpdateUser(x.r.Context(), x.actor, x.user(), patch)
}

func deleteUser(x *exchange) error {
	return x.server.Directory.DeleteUser(x.r.Context(), x.actor, x.user())
}

func inviteUsers(x *exchange, in api.InviteRequest) (out api.InviteResponse, err error) {
	invitees := make([]directory.Invitee, len(in.Invitees))
	for i, n := range in.Invitees {
		invitees[i] = directory.Invitee(n)
	}
	results, err := x.server.Directory.InviteUsers(x.r.Context(), x.actor, invitees)
	if err != nil {
		return out, err
	}
	out.Data = make([]api.InviteResult, len(results))
	for i, r := range results {
		out.Data[i] = api.InviteResult{Email: r.Email, Status: string(r.Status)}
		if r.Err != nil {
			entry := wireErrors(r.Err, 0)[0]
			out.Data[i].Code, out.Data[i].Title, out.Data[i].Detail = entry.Code, entry.Title, entry.Detail
			continue
		}
		out.Data[i].Subject, out.Data[i].UserID = r.User.Subject, string(r.User.ID)
	}
	return out, nil
}

// directoryPatch reads a patch of something in a tenant.
func (x *exchange) directoryPatch() (directory.Patch, error) {
	body, err := x.readPatchBody()
	if err != nil {
		return nil, err
	}
	return directory.ParsePatch(body)
}

func (x *exchange) wireUser(v directory.UserView) api.User {
	out := api.User{
		ID:                string(v.ID),
		TenantID:          string(v.Tenant),
		ClientID:          string(v.ClientID),
		Status:            string(v.Status),
		Subject:           v.Subject,
		Name:              v.Name,
		Email:             v.Email,
		Picture:           v.Profile.Picture,
		Locale:            v.Profile.Locale,
		Zoneinfo:          v.Profile.Zoneinfo,
		PreferredLocale:   v.Profile.PreferredLocale,
		PreferredZoneinfo: v.Profile.PreferredZoneinfo,
		Roles:             []string{},
		AssignedRoles:     wireAssigned(v.Assigned),
		AssignedGroups:    []api.AssignedGroup{},
		Groups:            []string{},
		CreatedAt:         api.Time{Time: v.CreatedAt},
		LastUpdatedAt:     api.Time{Time: v.UpdatedAt},
		Created:           api.Time{Time: v.CreatedAt},
		LastUpdated:       api.Time{Time: v.UpdatedAt},
		Links:             x.self("/api/v1/users/" + string(v.ID)),
	}
	if !v.InviteExpiresAt.IsZero() {
		out.InviteExpiry = v.InviteExpiresAt.Unix()
	}
	for _, role := range v.Assigned {
		out.Roles = append(out.Roles, string(role.Name))
		if role.Type == estate.RoleCustom {
			out.AssignedScopes = append(out.AssignedScopes, role.Scopes...)
		}
	}
	slices.Sort(out.AssignedScopes)
	out.AssignedScopes = slices.Compact(out.AssignedScopes)
	for _, g := range v.Groups {
		out.Groups = append(out.Groups, g.Name)
		out.AssignedGroups = append(out.AssignedGroups, api.AssignedGroup{
			ID: string(g.ID), Name: g.Name, ProviderType: string(g.Provider), AssignedRoles: wireAssigned(g.Assigned),
		})
	}
	return out
}

func wireAssigned(roles []estate.Role) []api.AssignedRole {
	out := make([]api.AssignedRole, len(roles))
	for i, role := range roles {
		out[i] = api.AssignedRole{ID: string(role.ID), Name: string(role.Name), Type: string(role.Type), Level: string(role.Level)}
	}
	return out
}
