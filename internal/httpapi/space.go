package httpapi

import (
	"cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/paging"
)

// space is the space that the path names.
func (x *exchange) space() estate.SpaceID { return estate.SpaceID(x.r.PathValue("spaceId")) }

// assignment is the assignment that the path names.
func (x *exchange) assignment() estate.AssignmentID {
	return estate.AssignmentID(x.r.PathValue("assignmentId"))
}

// listSpaces takes the contract's parameters for single attributes beside a filter.
func listSpaces(x *exchange) (list api.SpaceList, err error) {
	query := x.r.URL.Query()
	text := filterBy(query, query.Get("filter"), "ownerId")
	if types := commaSeparated(query, "type"); len(types) > 0 {
		text = paging.Narrowed(text, "type", "eq", types...)
	}
	if cmp.Or(query.Get("environmentId"), query.Get("environment.name"), query.Get("action")) != "" { // none has an environment, or an action to be named here
		text = paging.Narrowed(text, "id", "eq", "")
	}
	if name := query.Get("name"); name != "" { // an open search
		text = paging.Narrowed(text, "name", "co", name)
	}
	q, err := x.pageQuery(text)
	if err != nil {
		return list, err
	}
	q.Total = true
	page, err := x.server.Directory.ListSpaces(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Space, len(page.Items))
	for i, v := range page.Items {
		list.Data[i] = x.wireSpace(v)
	}
	list.Links, list.Meta = x.pageLinks(page.Next, page.Prev), api.ListMeta{Count: page.Total}
	return list, nil
}

func listSpaceTypes(*exchange) (list api.SpaceTypeList, err error) {
	for _, t := range estate.SpaceTypes() {
		list.Data = append(list.Data, string(t))
	}
	return list, nil
}

func getSpace(x *exchange) (api.Space, error) {
	v, err := x.server.Directory.Space(x.r.Context(), x.actor, x.space())
	return x.wireSpace(v), err
}

func createSpace(x *exchange, in api.CreateSpaceRequest) (api.Space, error) {
	v, err := x.server.Directory.CreateSpace(x.r.Context(), x.actor, directory.NewSpace{Name: in.Name, Type: estate.SpaceType(in.Type), Description: in.Description})
	return x.wireSpace(v), err
}

func replaceSpace(x *exchange, in api.UpdateSpaceRequest) (api.Space, error) {
	v, err := x.server.Directory.ReplaceSpace(x.r.Context(), x.actor, x.space(), directory.SpaceUpdate{
		Name: in.Name, Description: in.Description, Owner: (*estate.UserID)(in.OwnerID),
	})
	return x.wireSpace(v), err
}

func updateSpace(x *exchange) (api.Space, error) {
	patch, err := x.directoryPatch()
	if err != nil {
		return api.Space{}, err
	}
	v, err := x.server.Directory.UpdateSpace(x.r.Context(), x.actor, x.space(), patch)
	return x.wireSpace(v), err
}

func deleteSpace(x *exchange) error {
	return x.server.Directory.DeleteSpace(x.r.Context(), x.actor, x.space())
}

func listSpaceAssignments(x *exchange) (list api.SpaceAssignmentList, err error) {
	q, err := x.pageQuery(filterBy(x.r.URL.Query(), x.r.URL.Query().Get("filter"), "assigneeId", "type"))
	if err != nil {
		return list, err
	}
	q.Total = true
	page, err := x.server.Directory.ListSpaceAssignments(x.r.Context(), x.actor, x.space(), q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.SpaceAssignment, len(page.Items))
	for i, a := range page.Items {
		list.Data[i] = x.wireSpaceAssignment(a)
	}
	list.Links, list.Meta = x.pageLinks(page.Next, page.Prev), api.ListMeta{Count: page.Total}
	return list, nil
}

func getSpaceAssignment(x *exchange) (api.SpaceAssignment, error) {
	a, err := x.server.Directory.SpaceAssignment(x.r.Context(), x.actor, x.space(), x.assignment())
	return x.wireSpaceAssignment(a), err
}

func createSpaceAssignment(x *exchange, in api.CreateSpaceAssignmentRequest) (api.SpaceAssignment, error) {
	a, err := x.server.Directory.CreateSpaceAssignment(x.r.Context(), x.actor, x.space(), directory.NewAssignment{
		Type: estate.AssigneeType(in.Type), Assignee: in.AssigneeID, Roles: in.Roles,
	})
	return x.wireSpaceAssignment(a), err
}

func updateSpaceAssignment(x *exchange, in api.UpdateSpaceAssignmentRequest) (api.SpaceAssignment, error) {
	a, err := x.server.Directory.UpdateSpaceAssignment(x.r.Context(), x.actor, x.space(), x.assignment(), in.Roles)
	return x.wireSpaceAssignment(a), err
}

func deleteSpaceAssignment(x *exchange) error {
	return x.server.Directory.DeleteSpaceAssignment(x.r.Context(), x.actor, x.space(), x.assignment())
}

func (x *exchange) wireSpace(v directory.SpaceView) api.Space {
	self := x.surface.Origin + "/api/v1/spaces/" + string(v.ID)
	out := api.Space{
		ID: string(v.ID), Type: string(v.Type), Name: v.Name, Description: v.Description, OwnerID: string(v.Owner), TenantID: string(v.Tenant),
		CreatedAt: api.Time{Time: v.CreatedAt}, CreatedBy: v.CreatedBy, UpdatedAt: api.Time{Time: v.UpdatedAt},
		Meta:  api.SpaceMeta{Actions: []string{"read"}, Roles: append([]string{}, v.Roles...), AssignableRoles: []string{}},
		Links: api.SpaceLinks{Self: api.Link{Href: self}, Assignments: api.Link{Href: self + "/assignments"}},
	}
	if v.Manages {
		out.Meta.Actions = append(out.Meta.Actions, "update", "delete")
	}
	if v.Assigns {
		out.Meta.AssignableRoles = estate.SpaceRoles(v.Type)
	}
	return out
}

func (x *exchange) wireSpaceAssignment(a estate.SpaceAssignment) api.SpaceAssignment {
	return api.SpaceAssignment{
		ID: string(a.ID), Type: string(a.Type), AssigneeID: a.Assignee, Roles: append([]string{}, a.Roles...), SpaceID: string(a.Space), TenantID: string(a.Tenant),
		CreatedAt: api.Time{Time: a.CreatedAt}, CreatedBy: a.CreatedBy, UpdatedAt: api.Time{Time: a.UpdatedAt}, UpdatedBy: a.UpdatedBy,
		Links: x.self("/api/v1/spaces/" + string(a.Space) + "/assignments/" + string(a.ID)),
	}
}
