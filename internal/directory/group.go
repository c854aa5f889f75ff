package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// GroupView is a group with its roles.
type GroupView struct {
	estate.Group

	Assigned []estate.Role
}

func viewGroup(ctx context.Context, roles *tenantRoles, g estate.Group) (GroupView, error) {
	assigned, err := roles.named(ctx, g.Roles)
	return GroupView{g, assigned}, err
}

// groupRows are the groups of a tenant, but for the one that everybody is in.
var groupRows = rows[estate.Group]{name: "groups", listing: store.GroupListing, page: (*store.Tx).Groups, count: (*store.Tx).CountGroups}

// maxTenantGroups is how many groups a tenant can have.
const maxTenantGroups = estate.MaxGroups

// ListGroups lists the groups of the actor's tenant.
func (s *Service) ListGroups(ctx context.Context, actor estate.Actor, q PageQuery) (page Page[GroupView], err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return page, err
	}
	query, err := groupRows.parse(q)
	if err != nil {
		return page, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, err := groupRows.read(ctx, tx, actor.Scope, query, q.Total)
		if err != nil {
			return err
		}
		page = Page[GroupView]{Items: make([]GroupView, len(found.Items)), Next: found.Next, Prev: found.Prev, Total: found.Total}
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		for i, g := range found.Items {
			if page.Items[i], err = viewGroup(ctx, &roles, g); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

// Group returns a group of the actor's tenant, which may be the one that everybody
// is in.
func (s *Service) Group(ctx context.Context, actor estate.Actor, id estate.GroupID) (v GroupView, err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return v, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		v, err = findGroup(ctx, tx, actor.Scope, id)
		return err
	})
	return v, err
}

func findGroup(ctx context.Context, tx *store.Tx, scope estate.Scope, id estate.GroupID) (v GroupView, err error) {
	var g estate.Group
	if id == estate.GroupEveryone {
		g, err = everyone(ctx, tx, scope)
	} else {
		g, err = tx.Group(ctx, scope, id)
	}
	if err != nil {
		return v, err
	}
	return viewGroup(ctx, &tenantRoles{tx: tx, scope: scope}, g)
}

// everyone is the group of all users of a tenant.
func everyone(ctx context.Context, tx *store.Tx, scope estate.Scope) (g estate.Group, err error) {
	settings, err := tx.DirectorySettings(ctx, scope)
	if err != nil {
		return g, err
	}
	tenant, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return g, err
	}
	g = estate.Group{
		ID: estate.GroupEveryone, Organization: scope.Organization, Tenant: scope.Tenant, Name: estate.EveryoneName, Provider: estate.GroupCustom,
		Status: estate.GroupActive, Roles: settings.EveryoneRoles, CreatedAt: tenant.CreatedAt, UpdatedAt: settings.EveryoneUpdatedAt,
	}
	if g.UpdatedAt.IsZero() {
		g.UpdatedAt = g.CreatedAt
	}
	return g, nil
}

// NewGroup is what CreateGroup makes a group of.
type NewGroup struct {
	Name        string
	Description string
	Provider    estate.GroupProvider // empty: idp
	Status      estate.GroupStatus   // empty: active
	Roles       []RoleRef
}

// CreateGroup makes a group in the actor's tenant.
func (s *Service) CreateGroup(ctx context.Context, actor estate.Actor, n NewGroup) (v GroupView, err error) {
	defer s.audit.Refused(ctx, actor, "group.create", "", &err)
	if err := needs(actor, scopeManageUsers); err != nil {
		return v, err
	}
	now := s.now()
	g := estate.Group{
		ID: estate.NewGroupID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, Name: strings.TrimSpace(n.Name),
		Description: strings.TrimSpace(n.Description), Provider: n.Provider, Status: n.Status,
		CreatedAt: now, CreatedBy: by(actor), UpdatedAt: now, UpdatedBy: by(actor),
	}
	if err := completeGroup(&g, n); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		if count, err := tx.CountGroups(ctx, actor.Scope, nil); err != nil || count >= maxTenantGroups {
			return errorOr(err, errGroupLimit)
		}
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		g.Roles, err = roles.assign(ctx, actor, nil, n.Roles, func(i int, detail string) error { return errGroupInvalid.At(pointer("/assignedRoles", i), detail) })
		if err != nil {
			return err
		}
		if err := tx.InsertGroup(ctx, g); err != nil {
			return err
		}
		if v, err = viewGroup(ctx, &roles, g); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "group.create", string(g.ID), groupData(g))
	})
	return v, err
}

// assign returns the names of the roles that take the place of before. Who assigns
// them must be allowed to give and take those that differ.
func (r *tenantRoles) assign(ctx context.Context, actor estate.Actor, before []estate.RoleName, refs []RoleRef, wrong func(int, string) error) ([]estate.RoleName, error) {
	given, err := r.find(ctx, refs, wrong)
	if err != nil {
		return nil, err
	}
	var names []estate.RoleName
	for _, role := range given {
		names = append(names, role.Name)
	}
	return names, r.mayMove(ctx, actor, difference(before, names))
}

// mayMove refuses to give or take one of the roles to an actor who may not.
func (r *tenantRoles) mayMove(ctx context.Context, actor estate.Actor, moved []estate.RoleName) error {
	roles, err := r.named(ctx, moved)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := mayGive(actor, role); err != nil {
			return err
		}
	}
	return nil
}

// completeGroup fills in what a new group leaves open, and says what is wrong with
// it.
func completeGroup(g *estate.Group, n NewGroup) error {
	if g.Provider == "" {
		g.Provider = estate.GroupIDP
	}
	if g.Status == "" {
		g.Status = estate.GroupActive
	}
	if err := checkGroup(*g); err != nil {
		return err
	}
	switch {
	case g.Provider != estate.GroupIDP && g.Provider != estate.GroupCustom:
		return errGroupInvalid.At("/providerType", "providerType must be idp or custom")
	case g.Status != estate.GroupActive && g.Status != estate.GroupDisabled:
		return errGroupInvalid.At("/status", "status must be active or disabled")
	case len(n.Roles) > maxRoles:
		return errGroupInvalid.At("/assignedRoles", "assignedRoles must have 0 to 100 items")
	}
	return nil
}

func checkGroup(g estate.Group) error {
	if problem := checkText(g.Name, 1, maxName); problem != "" {
		return errGroupInvalid.At("/name", "name "+problem)
	}
	if g.Name == estate.EveryoneName {
		return errGroupInvalid.At("/name", "name must not be that of a system group")
	}
	if problem := checkText(g.Description, 0, maxDescription); problem != "" {
		return errGroupInvalid.At("/description", "description "+problem)
	}
	return nil
}

func groupData(g estate.Group) map[string]any {
	return map[string]any{
		"id": g.ID, "name": g.Name, "description": g.Description, "status": g.Status, "providerType": g.Provider, "assignedRoles": slices.Concat([]estate.RoleName{}, g.Roles),
	}
}

func groupMembers(g estate.Group) map[string]any {
	return map[string]any{"/name": g.Name, "/description": g.Description, "/assignedRoles": slices.Concat([]estate.RoleName{}, g.Roles)}
}

// UpdateGroup changes a group of the actor's tenant by a patch: all of it or, after
// an error, nothing. Of the group that everybody is in only roles can be changed.
func (s *Service) UpdateGroup(ctx context.Context, actor estate.Actor, id estate.GroupID, patch Patch) error {
	return s.changeGroup(ctx, actor, "group.update", id, func(tx *store.Tx, before estate.Group) (map[string]any, error) {
		g := before
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		err := patch.each(errGroupInvalid, func(c change) (err error) {
			if id == estate.GroupEveryone && c.Path != "/assignedRoles" {
				return c.badPath("/assignedRoles")
			}
			switch c.Path {
			case "/name": // who is in it may follow from its name
				if err := roles.mayMove(ctx, actor, g.Roles); err != nil {
					return err
				}
				return c.textBy(&g.Name, 1, maxName, "replace")
			case "/description":
				return c.textBy(&g.Description, 0, maxDescription, "replace")
			case "/assignedRoles":
				g.Roles, err = roles.replace(ctx, actor, g.Roles, c)
				return err
			}
			return c.badPath("/name", "/description", "/assignedRoles")
		})
		if err != nil {
			return nil, err
		}
		if id != estate.GroupEveryone {
			if err := checkGroup(g); err != nil {
				return nil, err
			}
		}
		changed := updates(groupMembers(before), groupMembers(g))
		if len(changed) == 0 {
			return nil, nil //nolint:nilnil // nothing changes, so there is nothing to record
		}
		g.UpdatedAt, g.UpdatedBy = s.now(), by(actor)
		return withUpdates(groupData(g), changed), setGroup(ctx, tx, actor.Scope, g)
	})
}

// setGroup stores a changed group, which may be the one that everybody is in.
func setGroup(ctx context.Context, tx *store.Tx, scope estate.Scope, g estate.Group) error {
	if g.ID != estate.GroupEveryone {
		return tx.UpdateGroup(ctx, scope, g)
	}
	settings, err := tx.DirectorySettings(ctx, scope)
	if err != nil {
		return err
	}
	settings.EveryoneRoles, settings.EveryoneUpdatedAt = g.Roles, g.UpdatedAt
	return tx.SetDirectorySettings(ctx, scope, settings, g.UpdatedAt)
}

// replace returns the roles that an operation on a group's roles leaves.
func (r *tenantRoles) replace(ctx context.Context, actor estate.Actor, before []estate.RoleName, c change) ([]estate.RoleName, error) {
	if err := c.ops("replace"); err != nil {
		return nil, err
	}
	refs, err := c.refs()
	if err != nil {
		return nil, err
	}
	if len(refs) > maxRoles {
		return nil, c.bad("must have 0 to 100 items")
	}
	return r.assign(ctx, actor, before, refs, func(i int, detail string) error { return c.wrong.At(pointer(c.place+"/value", i), detail) })
}

// DeleteGroup removes a group of the actor's tenant.
func (s *Service) DeleteGroup(ctx context.Context, actor estate.Actor, id estate.GroupID) error {
	return s.changeGroup(ctx, actor, "group.delete", id, func(tx *store.Tx, g estate.Group) (map[string]any, error) {
		if id == estate.GroupEveryone {
			return nil, errGroupSystem
		}
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		if err := roles.mayMove(ctx, actor, g.Roles); err != nil {
			return nil, err
		}
		return groupData(g), tx.DeleteGroup(ctx, actor.Scope, id, s.now())
	})
}

// changeGroup does something to a group, with its audit record. fn returns what the
// record tells; with nil data nothing was done and there is no record.
func (s *Service) changeGroup(ctx context.Context, actor estate.Actor, action string, id estate.GroupID,
	fn func(tx *store.Tx, g estate.Group) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := needs(actor, scopeManageUsers); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		v, err := findGroup(ctx, tx, actor.Scope, id)
		if err != nil {
			return err
		}
		data, err := fn(tx, v.Group)
		if err != nil || data == nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(id), data)
	})
}

// GroupSettings are a tenant's settings of groups.
type GroupSettings struct {
	estate.DirectorySettings

	Everyone GroupView
}

// GroupSettings returns the settings of groups of the actor's tenant.
func (s *Service) GroupSettings(ctx context.Context, actor estate.Actor) (settings GroupSettings, err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return settings, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if settings.DirectorySettings, err = tx.DirectorySettings(ctx, actor.Scope); err != nil {
			return err
		}
		settings.Everyone, err = findGroup(ctx, tx, actor.Scope, estate.GroupEveryone)
		return err
	})
	return settings, err
}

// UpdateGroupSettings changes the settings of groups of the actor's tenant by a
// patch: all of it or, after an error, nothing.
func (s *Service) UpdateGroupSettings(ctx context.Context, actor estate.Actor, patch Patch) error {
	return s.changeSettings(ctx, actor, "group-settings.update", scopeManageUsers, func(tx *store.Tx, settings *estate.DirectorySettings) ([]update, error) {
		before := *settings
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		const ofEveryone = "/systemGroups/" + string(estate.GroupEveryone) + "/assignedRoles"
		err := patch.each(errGroupInvalid, func(c change) (err error) {
			if err := c.ops("replace"); err != nil {
				return err
			}
			switch c.Path {
			case "/autoCreateGroups":
				return c.into(&settings.AutoCreateGroups, "true or false")
			case "/syncIdpGroups":
				return c.into(&settings.SyncIDPGroups, "true or false")
			case ofEveryone:
				settings.EveryoneRoles, err = roles.replace(ctx, actor, settings.EveryoneRoles, c)
				return err
			}
			return c.badPath("/autoCreateGroups", "/syncIdpGroups", ofEveryone)
		})
		if err != nil {
			return nil, err
		}
		members := func(s estate.DirectorySettings) map[string]any {
			return map[string]any{
				"/autoCreateGroups": s.AutoCreateGroups, "/syncIdpGroups": s.SyncIDPGroups, ofEveryone: slices.Concat([]estate.RoleName{}, s.EveryoneRoles),
			}
		}
		if !slices.Equal(before.EveryoneRoles, settings.EveryoneRoles) {
			settings.EveryoneUpdatedAt = s.now()
		}
		return updates(members(before), members(*settings)), nil
	})
}

// changeSettings changes settings of the actor's tenant, with an audit record. fn
// returns what changed; without anything there is no record.
func (s *Service) changeSettings(ctx context.Context, actor estate.Actor, action, scope string,
	fn func(tx *store.Tx, settings *estate.DirectorySettings) ([]update, error),
) (err error) {
	target := string(actor.Scope.Tenant)
	defer s.audit.Refused(ctx, actor, action, target, &err)
	if err := needs(actor, scope); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		settings, err := tx.DirectorySettings(ctx, actor.Scope)
		if err != nil {
			return err
		}
		changed, err := fn(tx, &settings)
		if err != nil || len(changed) == 0 {
			return err
		}
		if err := tx.SetDirectorySettings(ctx, actor.Scope, settings, s.now()); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, target, withUpdates(map[string]any{}, changed))
	})
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

var (
	errGroupInvalid = estate.E(estate.Invalid, api.CodeGroupInvalid, "Invalid group", "")
	errGroupLimit   = estate.E(estate.Forbidden, api.CodeGroupLimit, "Too many groups", "A tenant can have 10,000 groups at most.")
	errGroupSystem  = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "System groups can't be deleted.")
)
