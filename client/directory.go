package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/freehold-platform/freehold/api"
)

// ListOptions pick and order what a tenant has of something.
type ListOptions struct {
	Filter string // SCIM filter, e.g. `name co "ada"`; empty: all
	Sort   string // comma-separated attributes, "-" before one for descending
	Limit  int    // rows a page, 1 to 100; 0: the server's default of 20
}

func (o ListOptions) query() url.Values {
	query := make(url.Values)
	if o.Sort != "" {
		query.Set("sort", o.Sort)
	}
	if o.Limit > 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	return query
}

// each goes through the rows of a list, page by page as they are needed. part takes
// a page apart. A filter that is too long for a URL goes to filterPath, if there is
// one, in the body of a POST.
func each[L, T any](ctx context.Context, c *Client, path, filterPath string, query url.Values, filter string, part func(*L) ([]T, api.PageLinks)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		req, err := c.listOf(path, filterPath, query, filter)
		for err == nil {
			var resp *Response
			if resp, err = c.send(ctx, req); err != nil {
				break
			}
			page := new(L)
			if err = resp.decode(page); err != nil {
				err = fmt.Errorf("read page of %s: %w", path, err)
				break
			}
			rows, links := part(page)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if links.Next == nil || links.Next.Href == "" {
				return
			}
			req, err = c.follow(req, links.Next.Href)
		}
		yield(none, err)
	}
}

// listOf is the call for the first page of a list.
func (c *Client) listOf(path, filterPath string, query url.Values, filter string) (call, error) {
	if filterPath != "" && tooLongForURL(filter) {
		r, err := newRequest(http.MethodPost, filterPath, query, api.FilterRequest{Filter: filter})
		if err != nil {
			return call{}, err
		}
		req, err := c.prepare(r)
		req.safe = true // a read, whatever its method
		return req, err
	}
	if filter != "" {
		query.Set("filter", filter)
	}
	return c.prepare(Request{Method: http.MethodGet, Path: path, Query: query})
}

// makeOne creates something at path.
func makeOne[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	made := new(T)
	if err := c.Do(ctx, http.MethodPost, path, nil, body, made); err != nil {
		return nil, err
	}
	return made, nil
}

// about makes a call about one thing, whose path is that of its list and its id.
func (c *Client) about(ctx context.Context, method, list, id string, body, out any) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return c.Do(ctx, method, list+"/"+segment, nil, body, out)
}

const (
	users    = "/api/v1/users"
	roles    = "/api/v1/roles"
	groups   = "/api/v1/groups"
	licenses = "/api/v1/licenses"
	spaces   = "/api/v1/spaces"
)

// Users goes through the users of the tenant at c's host, bots among them. After an
// error it ends.
func (c *Client) Users(ctx context.Context, opts ListOptions) iter.Seq2[api.User, error] {
	return each(ctx, c, users, users+"/actions/filter", opts.query(), opts.Filter, func(l *api.UserList) ([]api.User, api.PageLinks) { return l.Data, l.Links })
}

// CountUsers returns how many users the tenant has.
func (c *Client) CountUsers(ctx context.Context) (int64, error) {
	count, err := get[api.Count](ctx, c, users+"/actions/count")
	if err != nil {
		return 0, err
	}
	return count.Total, nil
}

// CreateUser creates a person. Bots appear by themselves.
func (c *Client) CreateUser(ctx context.Context, req api.CreateUserRequest) (*api.User, error) {
	return makeOne[api.User](ctx, c, users, req)
}

// UpdateUser changes a user by a patch, all of it or nothing.
func (c *Client) UpdateUser(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, users, id, patch, nil)
}

// DeleteUser deletes a user.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, users, id, nil, nil)
}

// InviteUsers creates users who have yet to sign in. The results are in the order of
// the invitees; look at the status of each.
func (c *Client) InviteUsers(ctx context.Context, invitees []api.Invitee) ([]api.InviteResult, error) {
	out, err := makeOne[api.InviteResponse](ctx, c, users+"/actions/invite", api.InviteRequest{Invitees: invitees})
	if err != nil {
		return nil, err
	}
	return out.Data, nil
}

// CreateSignInLink makes a link that signs a user in once, at c's host. It is
// returned here and nowhere else.
func (c *Client) CreateSignInLink(ctx context.Context, userID string, req api.SignInLinkRequest) (*api.SignInLink, error) {
	segment, err := pathSegment(userID)
	if err != nil {
		return nil, err
	}
	return makeOne[api.SignInLink](ctx, c, users+"/"+segment+"/actions/sign-in-link", req)
}

// Roles goes through the roles of the tenant at c's host, built-in and custom. After
// an error it ends.
func (c *Client) Roles(ctx context.Context, opts ListOptions) iter.Seq2[api.Role, error] {
	return each(ctx, c, roles, "", opts.query(), opts.Filter, func(l *api.RoleList) ([]api.Role, api.PageLinks) { return l.Data, l.Links })
}

// GetRole returns a role by its id.
func (c *Client) GetRole(ctx context.Context, id string) (*api.Role, error) {
	return getByID[api.Role](ctx, c, roles+"/", id)
}

// CreateRole creates a custom role.
func (c *Client) CreateRole(ctx context.Context, req api.CreateRoleRequest) (*api.Role, error) {
	return makeOne[api.Role](ctx, c, roles, req)
}

// UpdateRole changes a custom role by a patch, all of it or nothing.
func (c *Client) UpdateRole(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, roles, id, patch, nil)
}

// DeleteRole deletes a custom role that nobody has.
func (c *Client) DeleteRole(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, roles, id, nil, nil)
}

// Groups goes through the groups of the tenant at c's host. After an error it ends.
func (c *Client) Groups(ctx context.Context, opts ListOptions) iter.Seq2[api.Group, error] {
	return each(ctx, c, groups, groups+"/actions/filter", opts.query(), opts.Filter, func(l *api.GroupList) ([]api.Group, api.PageLinks) { return l.Data, l.Links })
}

// GetGroup returns a group by its id.
func (c *Client) GetGroup(ctx context.Context, id string) (*api.Group, error) {
	return getByID[api.Group](ctx, c, groups+"/", id)
}

// CreateGroup creates a group.
func (c *Client) CreateGroup(ctx context.Context, req api.CreateGroupRequest) (*api.Group, error) {
	return makeOne[api.Group](ctx, c, groups, req)
}

// UpdateGroup changes a group by a patch, all of it or nothing.
func (c *Client) UpdateGroup(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, groups, id, patch, nil)
}

// DeleteGroup deletes a group. Its members stay.
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, groups, id, nil, nil)
}

// GetGroupSettings returns the tenant's settings of groups.
func (c *Client) GetGroupSettings(ctx context.Context) (*api.GroupSettings, error) {
	return get[api.GroupSettings](ctx, c, groups+"/settings")
}

// UpdateGroupSettings changes the tenant's settings of groups by a patch, all of it
// or nothing.
func (c *Client) UpdateGroupSettings(ctx context.Context, patch []api.PatchOperation) error {
	return c.Do(ctx, http.MethodPatch, groups+"/settings", nil, patch, nil)
}

// GetLicenseStatus returns whether the subscription of the tenant is in force.
func (c *Client) GetLicenseStatus(ctx context.Context) (*api.LicenseStatus, error) {
	return get[api.LicenseStatus](ctx, c, licenses+"/status")
}

// GetLicenseSettings returns whether users get seats by themselves.
func (c *Client) GetLicenseSettings(ctx context.Context) (*api.LicenseSettings, error) {
	return get[api.LicenseSettings](ctx, c, licenses+"/settings")
}

// SetLicenseSettings says whether users get seats by themselves, and returns the
// settings as they are then.
func (c *Client) SetLicenseSettings(ctx context.Context, req api.LicenseSettingsRequest) (*api.LicenseSettings, error) {
	settings := new(api.LicenseSettings)
	return settings, c.Do(ctx, http.MethodPut, licenses+"/settings", nil, req, settings)
}

// LicenseAssignments goes through who has seats in the tenant: of all subjects, or
// of those that no user has any more. After an error it ends.
func (c *Client) LicenseAssignments(ctx context.Context, orphans bool, opts ListOptions) iter.Seq2[api.LicenseAssignment, error] {
	query := opts.query()
	if orphans {
		query.Set("orphans", "true")
	}
	return each(ctx, c, licenses+"/assignments", "", query, opts.Filter, func(l *api.LicenseAssignmentList) ([]api.LicenseAssignment, api.PageLinks) { return l.Data, l.Links })
}

// AddSeats gives free seats of the subscription to users of the tenant. The results
// are in the order of the changes; look at the status of each.
func (c *Client) AddSeats(ctx context.Context, changes []api.SeatChange) ([]api.SeatResult, error) {
	return c.seats(ctx, "add", api.AddSeatsRequest{Add: changes})
}

// UpdateSeats changes the type of seats, or who has them. See AddSeats.
func (c *Client) UpdateSeats(ctx context.Context, changes []api.SeatChange) ([]api.SeatResult, error) {
	return c.seats(ctx, "update", api.UpdateSeatsRequest{Update: changes})
}

// DeleteSeats gives seats back to the subscription. See AddSeats.
func (c *Client) DeleteSeats(ctx context.Context, changes []api.SeatChange) ([]api.SeatResult, error) {
	return c.seats(ctx, "delete", api.DeleteSeatsRequest{Delete: changes})
}

func (c *Client) seats(ctx context.Context, action string, body any) ([]api.SeatResult, error) {
	out, err := makeOne[api.SeatResults](ctx, c, licenses+"/assignments/actions/"+action, body)
	if err != nil {
		return nil, err
	}
	return out.Data, nil
}

// Spaces goes through the spaces of the tenant that c can see. After an error it
// ends.
func (c *Client) Spaces(ctx context.Context, opts ListOptions) iter.Seq2[api.Space, error] {
	return each(ctx, c, spaces, "", opts.query(), opts.Filter, func(l *api.SpaceList) ([]api.Space, api.PageLinks) { return l.Data, l.Links })
}

// GetSpace returns a space by its id.
func (c *Client) GetSpace(ctx context.Context, id string) (*api.Space, error) {
	return getByID[api.Space](ctx, c, spaces+"/", id)
}

// CreateSpace creates a space, which the calling user owns.
func (c *Client) CreateSpace(ctx context.Context, req api.CreateSpaceRequest) (*api.Space, error) {
	return makeOne[api.Space](ctx, c, spaces, req)
}

// UpdateSpace changes a space by a patch, all of it or nothing.
func (c *Client) UpdateSpace(ctx context.Context, id string, patch []api.PatchOperation) (*api.Space, error) {
	space := new(api.Space)
	return space, c.about(ctx, http.MethodPatch, spaces, id, patch, space)
}

// DeleteSpace deletes a space.
func (c *Client) DeleteSpace(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, spaces, id, nil, nil)
}

// SpaceAssignments goes through who has roles in a space. After an error it ends.
func (c *Client) SpaceAssignments(ctx context.Context, space string, opts ListOptions) iter.Seq2[api.SpaceAssignment, error] {
	path, err := assignmentsOf(space)
	if err != nil {
		return func(yield func(api.SpaceAssignment, error) bool) { yield(api.SpaceAssignment{}, err) }
	}
	return each(ctx, c, path, "", opts.query(), opts.Filter, func(l *api.SpaceAssignmentList) ([]api.SpaceAssignment, api.PageLinks) { return l.Data, l.Links })
}

func assignmentsOf(space string) (string, error) {
	segment, err := pathSegment(space)
	return spaces + "/" + segment + "/assignments", err
}

// CreateSpaceAssignment gives a user or group roles in a space.
func (c *Client) CreateSpaceAssignment(ctx context.Context, space string, req api.CreateSpaceAssignmentRequest) (*api.SpaceAssignment, error) {
	path, err := assignmentsOf(space)
	if err != nil {
		return nil, err
	}
	return makeOne[api.SpaceAssignment](ctx, c, path, req)
}

// UpdateSpaceAssignment replaces the roles of an assignment.
func (c *Client) UpdateSpaceAssignment(ctx context.Context, space, id string, roles []string) (*api.SpaceAssignment, error) {
	path, err := assignmentsOf(space)
	if err != nil {
		return nil, err
	}
	changed := new(api.SpaceAssignment)
	return changed, c.about(ctx, http.MethodPut, path, id, api.UpdateSpaceAssignmentRequest{Roles: roles}, changed)
}

// DeleteSpaceAssignment takes the roles in a space from a user or group.
func (c *Client) DeleteSpaceAssignment(ctx context.Context, space, id string) error {
	path, err := assignmentsOf(space)
	if err != nil {
		return err
	}
	return c.about(ctx, http.MethodDelete, path, id, nil, nil)
}
