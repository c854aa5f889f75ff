package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// Scopes for spaces: of administrators, for all spaces, and of members, for those
// that they can see.
const (
	scopeAdminSpaces = "admin.spaces"
	scopeReadSpaces  = "admin.spaces:read"
)

// spaceScope is the scope for spaces of one type.
func spaceScope(of estate.SpaceType) string { return "spaces." + string(of) }

// seesSpaces tells as whom an actor sees spaces: "" for all of them.
func seesSpaces(actor estate.Actor) (member estate.UserID, err error) {
	if actor.Permissions.Holds(scopeReadSpaces) {
		return "", needs(actor, scopeReadSpaces)
	}
	var scopes []string
	for _, t := range estate.SpaceTypes() {
		scopes = append(scopes, spaceScope(t)+":read")
	}
	if err := needs(actor, append(scopes, scopeReadSpaces)...); err != nil || actor.User == "" {
		return "", errorOr(err, errNeedsTenantAdmin)
	}
	return actor.User, nil
}

// SpaceView is a space with what the actor may do in it.
type SpaceView struct {
	estate.Space

	Roles   []string // of the actor
	Manages bool     // the actor may change and delete the space
	Assigns bool     // the actor may change who has which role
}

// spaceRows are the spaces of a tenant that a member can see.
func spaceRows(member estate.UserID) rows[estate.Space] {
	return rows[estate.Space]{
		name:    "spaces",
		listing: store.SpaceListing,
		page: func(tx *store.Tx, ctx context.Context, scope estate.Scope, q store.Query) ([]estate.Space, bool, error) {
			return tx.Spaces(ctx, scope, member, q)
		},
		count: func(tx *store.Tx, ctx context.Context, scope estate.Scope, expr filter.Expr) (int64, error) {
			return tx.CountSpaces(ctx, scope, member, expr)
		},
	}
}

// ListSpaces lists the spaces of the actor's tenant that the actor can see.
func (s *Service) ListSpaces(ctx context.Context, actor estate.Actor, q PageQuery) (page Page[SpaceView], err error) {
	member, err := seesSpaces(actor)
	if err != nil {
		return page, err
	}
	r := spaceRows(member)
	query, err := r.parse(q)
	if err != nil {
		return page, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, err := r.read(ctx, tx, actor.Scope, query, q.Total)
		if err != nil {
			return err
		}
		page = Page[SpaceView]{Items: make([]SpaceView, len(found.Items)), Next: found.Next, Prev: found.Prev, Total: found.Total}
		for i, space := range found.Items {
			if page.Items[i], err = viewSpace(ctx, tx, actor, space); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

func viewSpace(ctx context.Context, tx *store.Tx, actor estate.Actor, space estate.Space) (SpaceView, error) {
	v := SpaceView{Space: space}
	roles, err := tx.SpaceRoles(ctx, actor.Scope, space.ID, actor.User)
	slices.Sort(roles)
	v.Roles = slices.Compact(roles)
	member := actor.Permissions.Holds(spaceScope(space.Type))
	v.Manages = actor.Permissions.Holds(scopeAdminSpaces) || member && space.Owner == actor.User
	v.Assigns = v.Manages || member && slices.Contains(v.Roles, estate.SpaceFacilitator)
	return v, err
}

// Space returns a space that the actor can see.
func (s *Service) Space(ctx context.Context, actor estate.Actor, id estate.SpaceID) (v SpaceView, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		v, err = findSpace(ctx, tx, actor, id)
		return err
	})
	return v, err
}

func findSpace(ctx context.Context, tx *store.Tx, actor estate.Actor, id estate.SpaceID) (v SpaceView, err error) {
	member, err := seesSpaces(actor)
	if err != nil {
		return v, err
	}
	space, err := tx.Space(ctx, actor.Scope, member, id)
	if err != nil {
		return v, err
	}
	return viewSpace(ctx, tx, actor, space)
}

// NewSpace is what CreateSpace makes a space of.
type NewSpace struct {
	Name        string
	Type        estate.SpaceType
	Description string
}

// creators are the roles whose users may create spaces of a type.
var creators = map[estate.SpaceType]estate.RoleName{
	estate.SpaceShared: estate.RoleSharedSpaceCreator, estate.SpaceManaged: estate.RoleManagedSpaceCreator, estate.SpaceData: estate.RoleDataSpaceCreator,
}

// CreateSpace makes a space in the actor's tenant, which the actor's user owns.
func (s *Service) CreateSpace(ctx context.Context, actor estate.Actor, n NewSpace) (v SpaceView, err error) {
	defer s.audit.Refused(ctx, actor, "space.create", "", &err)
	if len(estate.SpaceRoles(n.Type)) == 0 {
		return v, errSpaceInvalid.At("/type", "type must be shared, managed or data")
	}
	if !slices.Contains(actor.Roles, creators[n.Type]) || !actor.Permissions.Holds(spaceScope(n.Type)) {
		if err := needs(actor, scopeAdminSpaces); err != nil {
			return v, err
		}
	}
	now := s.now()
	space := estate.Space{
		ID: estate.NewSpaceID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, Type: n.Type, Name: strings.TrimSpace(n.Name),
		Description: strings.TrimSpace(n.Description), Owner: actor.User, CreatedAt: now, CreatedBy: by(actor), UpdatedAt: now,
	}
	if err := checkSpace(space); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertSpace(ctx, space); err != nil {
			return err
		}
		if v, err = viewSpace(ctx, tx, actor, space); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "space.create", string(space.ID), spaceData(space))
	})
	return v, err
}

func checkSpace(space estate.Space) error {
	if problem := checkText(space.Name, 1, maxName); problem != "" {
		return errSpaceInvalid.At("/name", "name "+problem)
	}
	if strings.ContainsAny(space.Name, `"*?<>/|\:`) {
		return errSpaceInvalid.At("/name", `name must have none of " * ? < > / | \ :`)
	}
	if problem := checkText(space.Description, 0, maxDescription); problem != "" {
		return errSpaceInvalid.At("/description", "description "+problem)
	}
	return nil
}

func spaceData(space estate.Space) map[string]any {
	return map[string]any{"id": space.ID, "name": space.Name, "type": space.Type, "description": space.Description, "ownerId": space.Owner}
}

// SpaceUpdate says what a space becomes; nil leaves a member as it is.
type SpaceUpdate struct {
	Name        *string
	Description *string
	Owner       *estate.UserID
}

// UpdateSpace changes a space by a patch: all of it or, after an error, nothing.
func (s *Service) UpdateSpace(ctx context.Context, actor estate.Actor, id estate.SpaceID, patch Patch) (SpaceView, error) {
	return s.changeSpace(ctx, actor, id, func(space *estate.Space) error {
		return patch.each(errSpaceInvalid, func(c change) error {
			switch c.Path {
			case "/name":
				return c.textBy(&space.Name, 1, maxName, "replace")
			case "/description":
				return c.textBy(&space.Description, 0, maxDescription, "replace")
			case "/ownerId":
				owner := string(space.Owner)
				err := c.textBy(&owner, 1, maxName, "replace")
				space.Owner = estate.UserID(owner)
				return err
			}
			return c.badPath("/name", "/description", "/ownerId")
		})
	})
}

// ReplaceSpace changes a space to what u says.
func (s *Service) ReplaceSpace(ctx context.Context, actor estate.Actor, id estate.SpaceID, u SpaceUpdate) (SpaceView, error) {
	return s.changeSpace(ctx, actor, id, func(space *estate.Space) error {
		if u.Name != nil {
			space.Name = strings.TrimSpace(*u.Name)
		}
		if u.Description != nil {
			space.Description = strings.TrimSpace(*u.Description)
		}
		if u.Owner != nil {
			space.Owner = *u.Owner
		}
		return nil
	})
}

func (s *Service) changeSpace(ctx context.Context, actor estate.Actor, id estate.SpaceID, fn func(*estate.Space) error) (v SpaceView, err error) {
	defer s.audit.Refused(ctx, actor, "space.update", string(id), &err)
	members := func(space estate.Space) map[string]any {
		return map[string]any{"/name": space.Name, "/description": space.Description, "/ownerId": space.Owner}
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		v, err = findSpace(ctx, tx, actor, id)
		switch {
		case err != nil:
			return err
		case !v.Manages:
			return errNotYourSpace
		}
		before := v.Space
		if err := fn(&v.Space); err != nil {
			return err
		}
		if err := checkSpace(v.Space); err != nil {
			return err
		}
		if v.Owner != before.Owner {
			if _, err := tx.User(ctx, actor.Scope, v.Owner); estate.HasKind(err, estate.NotFound) {
				return errSpaceInvalid.At("/ownerId", "ownerId must be the id of a user")
			} else if err != nil {
				return err
			}
		}
		changed := updates(members(before), members(v.Space))
		if len(changed) == 0 {
			return nil
		}
		v.UpdatedAt = s.now()
		if err := tx.UpdateSpace(ctx, actor.Scope, v.Space); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "space.update", string(id), withUpdates(spaceData(v.Space), changed))
	})
	return v, err
}

// DeleteSpace removes a space with its assignments.
func (s *Service) DeleteSpace(ctx context.Context, actor estate.Actor, id estate.SpaceID) (err error) {
	defer s.audit.Refused(ctx, actor, "space.delete", string(id), &err)
	return s.store.Write(ctx, func(tx *store.Tx) error {
		v, err := findSpace(ctx, tx, actor, id)
		switch {
		case err != nil:
			return err
		case !v.Manages:
			return errNotYourSpace
		}
		if err := tx.DeleteSpace(ctx, actor.Scope, id); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "space.delete", string(id), spaceData(v.Space))
	})
}

// ListSpaceAssignments lists who has which roles in a space.
func (s *Service) ListSpaceAssignments(ctx context.Context, actor estate.Actor, id estate.SpaceID, q PageQuery) (page Page[estate.SpaceAssignment], err error) {
	r := rows[estate.SpaceAssignment]{
		name:    "space-assignments",
		listing: store.SpaceAssignmentListing,
		page: func(tx *store.Tx, ctx context.Context, scope estate.Scope, q store.Query) ([]estate.SpaceAssignment, bool, error) {
			return tx.SpaceAssignments(ctx, scope, id, q)
		},
		count: func(tx *store.Tx, ctx context.Context, scope estate.Scope, expr filter.Expr) (int64, error) {
			return tx.CountSpaceAssignments(ctx, scope, id, expr)
		},
	}
	query, err := r.parse(q)
	if err != nil {
		return page, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := findSpace(ctx, tx, actor, id); err != nil {
			return err
		}
		page, err = r.read(ctx, tx, actor.Scope, query, q.Total)
		return err
	})
	return page, err
}

// SpaceAssignment returns an assignment of a space that the actor can see.
func (s *Service) SpaceAssignment(ctx context.Context, actor estate.Actor, space estate.SpaceID, id estate.AssignmentID) (a estate.SpaceAssignment, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := findSpace(ctx, tx, actor, space); err != nil {
			return err
		}
		a, err = tx.SpaceAssignment(ctx, actor.Scope, space, id)
		return err
	})
	return a, err
}

// NewAssignment is what CreateSpaceAssignment makes an assignment of.
type NewAssignment struct {
	Type     estate.AssigneeType
	Assignee string
	Roles    []string
}

// CreateSpaceAssignment gives a user or group roles in a space.
func (s *Service) CreateSpaceAssignment(ctx context.Context, actor estate.Actor, space estate.SpaceID, n NewAssignment) (a estate.SpaceAssignment, err error) {
	err = s.changeAssignments(ctx, actor, "space.assignment.create", space, func(tx *store.Tx, v SpaceView) (estate.SpaceAssignment, error) {
		now := s.now()
		a = estate.SpaceAssignment{
			ID: estate.NewAssignmentID(), Organization: v.Organization, Tenant: v.Tenant, Space: v.ID, Type: n.Type, Assignee: n.Assignee,
			CreatedAt: now, CreatedBy: by(actor), UpdatedAt: now, UpdatedBy: by(actor),
		}
		if a.Roles, err = checkSpaceRoles(v.Type, n.Roles); err != nil {
			return a, err
		}
		if err := checkAssignee(ctx, tx, actor.Scope, a); err != nil {
			return a, err
		}
		return a, tx.InsertSpaceAssignment(ctx, a)
	})
	return a, err
}

func checkSpaceRoles(of estate.SpaceType, roles []string) ([]string, error) {
	known := estate.SpaceRoles(of)
	if len(roles) == 0 {
		return nil, errSpaceInvalid.At("/roles", "roles must name at least one role")
	}
	for i, role := range roles {
		if !slices.Contains(known, role) {
			return nil, errSpaceInvalid.At(pointer("/roles", i), "roles of "+string(of)+" spaces are "+strings.Join(known, ", "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(roles))), nil
}

// checkAssignee refuses assignments to nobody.
func checkAssignee(ctx context.Context, tx *store.Tx, scope estate.Scope, a estate.SpaceAssignment) (err error) {
	switch a.Type {
	case estate.AssigneeGroup:
		if a.Assignee != string(estate.GroupEveryone) {
			_, err = tx.Group(ctx, scope, estate.GroupID(a.Assignee))
		}
	case estate.AssigneeUser, estate.AssigneeBot:
		_, err = tx.User(ctx, scope, estate.UserID(a.Assignee))
	default:
		return errSpaceInvalid.At("/type", "type must be user, group or bot")
	}
	if estate.HasKind(err, estate.NotFound) {
		return errSpaceInvalid.At("/assigneeId", "there is no such "+string(a.Type))
	}
	return err
}

// UpdateSpaceAssignment replaces the roles of an assignment.
func (s *Service) UpdateSpaceAssignment(ctx context.Context, actor estate.Actor, space estate.SpaceID, id estate.AssignmentID, roles []string) (a estate.SpaceAssignment, err error) {
	err = s.changeAssignments(ctx, actor, "space.assignment.update", space, func(tx *store.Tx, v SpaceView) (estate.SpaceAssignment, error) {
		if a, err = tx.SpaceAssignment(ctx, actor.Scope, space, id); err != nil {
			return a, err
		}
		if a.Roles, err = checkSpaceRoles(v.Type, roles); err != nil {
			return a, err
		}
		a.UpdatedAt, a.UpdatedBy = s.now(), by(actor)
		return a, tx.UpdateSpaceAssignment(ctx, actor.Scope, a)
	})
	return a, err
}

// DeleteSpaceAssignment takes the roles in a space from a user or group.
func (s *Service) DeleteSpaceAssignment(ctx context.Context, actor estate.Actor, space estate.SpaceID, id estate.AssignmentID) error {
	return s.changeAssignments(ctx, actor, "space.assignment.delete", space, func(tx *store.Tx, _ SpaceView) (estate.SpaceAssignment, error) {
		a, err := tx.SpaceAssignment(ctx, actor.Scope, space, id)
		if err != nil {
			return a, err
		}
		return a, tx.DeleteSpaceAssignment(ctx, actor.Scope, space, id)
	})
}

// changeAssignments does something to an assignment of a space, with its audit
// record. fn returns the assignment.
func (s *Service) changeAssignments(ctx context.Context, actor estate.Actor, action string, space estate.SpaceID,
	fn func(tx *store.Tx, v SpaceView) (estate.SpaceAssignment, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(space), &err)
	return s.store.Write(ctx, func(tx *store.Tx) error {
		v, err := findSpace(ctx, tx, actor, space)
		switch {
		case err != nil:
			return err
		case !v.Assigns:
			return errNotYourSpace
		}
		a, err := fn(tx, v)
		if err != nil {
			return err
		}
		data := map[string]any{"id": a.ID, "spaceId": a.Space, "type": a.Type, "assigneeId": a.Assignee, "roles": a.Roles}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(a.ID), data)
	})
}

var (
	errSpaceInvalid = estate.E(estate.Invalid, api.CodeSpaceInvalid, "Invalid space", "")
	errNotYourSpace = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "This is for the owner of the space, its facilitators where it is about members, and administrators of spaces.")
)
