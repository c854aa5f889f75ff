package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

// pageQuery reads the parameters of a list of things in a tenant.
func (x *exchange) pageQuery(filter string) (q directory.PageQuery, err error) {
	query := x.r.URL.Query()
	q = directory.PageQuery{Filter: filter, Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev")}
	if q.Limit, err = limitIn(query); err != nil {
		return q, err
	}
	if q.Total, _, err = flagIn(query, "totalResults"); err != nil {
		return q, err
	}
	return q, nil
}

// pageLinks are the links of a page with such cursors.
func (x *exchange) pageLinks(next, prev string) api.PageLinks {
	query := x.r.URL.Query()
	return api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", next), Prev: x.cursorLink(query, "prev", prev)}
}

// total is how many there are, if they were counted.
func total(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func listRoles(x *exchange) (list api.RoleList, err error) {
	q, err := x.pageQuery(x.r.URL.Query().Get("filter"))
	if err != nil {
		return list, err
	}
	page, err := x.server.Directory.ListRoles(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Role, len(page.Items))
	for i, r := range page.Items {
		list.Data[i] = x.wireRole(r)
	}
	list.Links, list.TotalResults = x.pageLinks(page.Next, page.Prev), total(page.Total)
	return list, nil
}

// role is the role that the path names.
func (x *exchange) role() estate.RoleID { return estate.RoleID(x.r.PathValue("roleId")) }

func getRole(x *exchange) (api.Role, error) {
	r, err := x.server.Directory.Role(x.r.Context(), x.actor, x.role())
	return x.wireRole(r), err
}

func createRole(x *exchange, in api.CreateRoleRequest) (api.Role, error) {
	r, err := x.server.Directory.CreateRole(x.r.Context(), x.actor, directory.NewRole{Name: in.Name, Description: in.Description, Scopes: in.AssignedScopes})
	return x.wireRole(r), err
}

func updateRole(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Directory.UpdateRole(x.r.Context(), x.actor, x.role(), patch)
}

func deleteRole(x *exchange) error {
	return x.server.Directory.DeleteRole(x.r.Context(), x.actor, x.role())
}

func (x *exchange) wireRole(r estate.Role) api.Role {
	custom := r.Type == estate.RoleCustom
	return api.Role{
		ID: string(r.ID), Name: string(r.Name), Description: r.Description, Type: string(r.Type), Level: string(r.Level),
		AssignedScopes: append([]string{}, r.Scopes...), Permissions: []string{}, CanEdit: custom, CanDelete: custom,
		TenantID: string(r.Tenant), CreatedAt: api.Time{Time: r.CreatedAt}, CreatedBy: r.CreatedBy, LastUpdatedAt: api.Time{Time: r.UpdatedAt}, UpdatedBy: r.UpdatedBy,
		Links: x.self("/api/v1/roles/" + string(r.ID)),
	}
}

// listGroups lists the groups of the tenant or, with systemGroups, those that are
// there by themselves: one.
func listGroups(x *exchange) (list api.GroupList, err error) {
	query := x.r.URL.Query()
	if system, _, err := flagIn(query, "systemGroups"); err != nil || !system {
		if err != nil {
			return list, err
		}
		return filterGroups(x, api.FilterRequest{Filter: query.Get("filter")})
	}
	everyone, err := x.server.Directory.Group(x.r.Context(), x.actor, estate.GroupEveryone)
	if err != nil {
		return list, err
	}
	list.Data, list.Links = []api.Group{x.wireGroup(everyone)}, x.pageLinks("", "")
	return list, nil
}

func filterGroups(x *exchange, in api.FilterRequest) (list api.GroupList, err error) {
	q, err := x.pageQuery(in.Filter)
	if err != nil {
		return list, err
	}
	page, err := x.server.Directory.ListGroups(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Group, len(page.Items))
	for i, v := range page.Items {
		list.Data[i] = x.wireGroup(v)
	}
	list.Links, list.TotalResults = x.pageLinks(page.Next, page.Prev), total(page.Total)
	return list, nil
}

// group is the group that the path names.
func (x *exchange) group() estate.GroupID { return estate.GroupID(x.r.PathValue("groupId")) }

func getGroup(x *exchange) (api.Group, error) {
	v, err := x.server.Directory.Group(x.r.Context(), x.actor, x.group())
	return x.wireGroup(v), err
}

func createGroup(x *exchange, in api.CreateGroupRequest) (api.Group, error) {
	v, err := x.server.Directory.CreateGroup(x.r.Context(), x.actor, directory.NewGroup{
		Name: in.Name, Description: in.Description, Provider: estate.GroupProvider(in.ProviderType), Status: estate.GroupStatus(in.Status), Roles: roleRefs(in.AssignedRoles),
	})
	return x.wireGroup(v), err
}

func updateGroup(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Directory.UpdateGroup(x.r.Context(), x.actor, x.group(), patch)
}

func deleteGroup(x *exchange) error {
	return x.server.Directory.DeleteGroup(x.r.Context(), x.actor, x.group())
}

func getGroupSettings(x *exchange) (api.GroupSettings, error) {
	s, err := x.server.Directory.GroupSettings(x.r.Context(), x.actor)
	return api.GroupSettings{
		AutoCreateGroups: s.AutoCreateGroups, SyncIDPGroups: s.SyncIDPGroups, TenantID: string(s.Everyone.Tenant), Links: x.self("/api/v1/groups/settings"),
		SystemGroups: map[string]api.SystemGroup{string(s.Everyone.ID): {
			ID: string(s.Everyone.ID), Name: s.Everyone.Name, Enabled: true, AssignedRoles: wireAssigned(s.Everyone.Assigned),
			CreatedAt: api.Time{Time: s.Everyone.CreatedAt}, LastUpdatedAt: api.Time{Time: s.Everyone.UpdatedAt},
		}},
	}, err
}

func updateGroupSettings(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Directory.UpdateGroupSettings(x.r.Context(), x.actor, patch)
}

func (x *exchange) wireGroup(v directory.GroupView) api.Group {
	return api.Group{
		ID: string(v.ID), TenantID: string(v.Tenant), Name: v.Name, Description: v.Description, ProviderType: string(v.Provider), Status: string(v.Status),
		AssignedRoles: wireAssigned(v.Assigned), CreatedAt: api.Time{Time: v.CreatedAt}, CreatedBy: v.CreatedBy,
		LastUpdatedAt: api.Time{Time: v.UpdatedAt}, UpdatedBy: v.UpdatedBy, Links: x.self("/api/v1/groups/" + string(v.ID)),
	}
}
