package directory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// userPaths are what a patch of a user can change.
var userPaths = []string{"/name", "/status", "/assignedRoles", "/assignedGroups", "/inviteExpiry", "/preferredLocale", "/preferredZoneinfo"}

// preferences are those of userPaths that a user may change of itself.
var preferences = []string{"/preferredLocale", "/preferredZoneinfo"}

// UpdateUser changes a user of the actor's tenant by a patch: all of it or, after
// an error, nothing.
func (s *Service) UpdateUser(ctx context.Context, actor estate.Actor, id estate.UserID, patch Patch) (err error) {
	defer s.audit.Refused(ctx, actor, "user.update", string(id), &err)
	own := actor.User == id && id != "" && needs(actor, scopeOwnUser) == nil &&
		!slices.ContainsFunc(patch, func(p PatchOperation) bool { return !slices.Contains(preferences, p.Path) })
	if !own {
		if err := needs(actor, scopeManageUsers); err != nil {
			return err
		}
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		before, err := tx.User(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if !own {
			if err := mayChange(ctx, tx, actor, before); err != nil {
				return err
			}
		}
		p := userPatch{tx: tx, actor: actor, now: s.now(), user: before, roles: tenantRoles{tx: tx, scope: actor.Scope}}
		return s.applyUserPatch(ctx, &p, patch)
	})
}

// userPatch is a user while it is patched.
type userPatch struct {
	tx     *store.Tx
	actor  estate.Actor
	now    time.Time
	user   estate.User
	roles  tenantRoles
	groups []estate.Group // loaded
}

func (s *Service) applyUserPatch(ctx context.Context, p *userPatch, patch Patch) error {
	before := p.user
	before.Roles = slices.Clone(before.Roles)
	found, err := p.tx.UserGroups(ctx, p.actor.Scope, []estate.UserID{p.user.ID})
	if err != nil {
		return err
	}
	p.groups = found[p.user.ID]
	groupsBefore := slices.Clone(p.groups)
	if err := patch.each(errUserInvalid, func(c change) error { return p.apply(ctx, c) }); err != nil {
		return err
	}
	if err := p.mayAssign(ctx, before.Roles, groupsBefore); err != nil {
		return err
	}
	changed := updates(userMembers(before, groupsBefore), userMembers(p.user, p.groups))
	if len(changed) == 0 {
		return nil
	}
	p.user.UpdatedAt = p.now
	if err := p.tx.UpdateUser(ctx, p.actor.Scope, p.user); err != nil {
		return err
	}
	ids := make([]estate.GroupID, len(p.groups))
	for i, g := range p.groups {
		ids[i] = g.ID
	}
	if err := p.tx.SetUserGroups(ctx, p.actor.Scope, p.user.ID, ids, p.now); err != nil {
		return err
	}
	if err := keepsAdmin(ctx, p.tx, p.actor.Scope, before, p.user); err != nil {
		return err
	}
	return s.audit.Done(ctx, p.tx, p.actor, p.actor.Scope, "user.update", string(p.user.ID), withUpdates(userData(p.user), changed))
}

// userMembers are what a patch can change of a user, by path.
func userMembers(u estate.User, groups []estate.Group) map[string]any {
	names := []string{}
	for _, g := range groups {
		names = append(names, g.Name)
	}
	expiry := int64(0)
	if !u.InviteExpiresAt.IsZero() {
		expiry = u.InviteExpiresAt.Unix()
	}
	return map[string]any{
		"/name": u.Name, "/status": u.Status, "/assignedRoles": slices.Concat([]estate.RoleName{}, u.Roles), "/assignedGroups": names,
		"/inviteExpiry": expiry, "/preferredLocale": u.Profile.PreferredLocale, "/preferredZoneinfo": u.Profile.PreferredZoneinfo,
	}
}

// apply does one operation on the user.
func (p *userPatch) apply(ctx context.Context, c change) error {
	switch c.Path {
	case "/name":
		return c.textBy(&p.user.Name, 1, maxName, "replace", "set")
	case "/preferredLocale":
		return c.optional(&p.user.Profile.PreferredLocale)
	case "/preferredZoneinfo":
		return c.optional(&p.user.Profile.PreferredZoneinfo)
	case "/status":
		return p.setStatus(c)
	case "/inviteExpiry":
		return p.setExpiry(c)
	case "/assignedRoles", "/assignedRoles/-", "/roles":
		return p.setRoles(ctx, c)
	case "/assignedGroups", "/assignedGroups/-":
		return p.setGroups(ctx, c)
	}
	return c.badPath(userPaths...)
}

// optional sets or clears a preference.
func (c change) optional(out *string) error {
	if err := c.ops("replace", "set", "unset"); err != nil {
		return err
	}
	if c.Op == "unset" {
		*out = ""
		return nil
	}
	return c.text(out, 0, maxLocale)
}

func (p *userPatch) setStatus(c change) error {
	var status string
	if err := c.textBy(&status, 1, maxName, "replace", "set"); err != nil {
		return err
	}
	switch to := estate.UserStatus(status); to {
	case estate.UserActive:
		p.user.InviteExpiresAt = time.Time{}
		p.user.Status = to
	case estate.UserDisabled, p.user.Status:
		p.user.Status = to
	default:
		return c.bad("must be active or disabled")
	}
	return nil
}

// setExpiry makes an invitation last longer, or as long as the value says.
func (p *userPatch) setExpiry(c change) error {
	if err := c.ops("renew", "replace", "set"); err != nil {
		return err
	}
	if p.user.Status != estate.UserInvited {
		return c.wrong.At(c.place+"/path", "inviteExpiry can be changed of invited users only")
	}
	if c.Op == "renew" {
		p.user.InviteExpiresAt = p.now.Add(inviteLifetime)
		return nil
	}
	var seconds int64
	if err := c.into(&seconds, "a number of seconds since 1970"); err != nil {
		return err
	}
	until := time.Unix(seconds, 0).UTC()
	if until.Before(p.now) || until.After(p.now.AddDate(1, 0, 0)) {
		return c.bad("must be within a year from now")
	}
	p.user.InviteExpiresAt = until
	return nil
}

func (p *userPatch) setRoles(ctx context.Context, c change) error {
	refs, err := c.refs()
	if err != nil {
		return err
	}
	given, err := p.roles.find(ctx, refs, func(i int, detail string) error { return c.wrong.At(pointer(c.place+"/value", i), detail) })
	if err != nil {
		return err
	}
	names := make([]estate.RoleName, len(given))
	for i, role := range given {
		names[i] = role.Name
	}
	if p.user.Roles = merge(c.Op, p.user.Roles, names); len(p.user.Roles) > maxRoles {
		return c.bad(fmt.Sprintf("must have 0 to %d items", maxRoles))
	}
	return nil
}

func (p *userPatch) setGroups(ctx context.Context, c change) error {
	refs, err := c.refs()
	if err != nil {
		return err
	}
	given := make([]estate.Group, len(refs))
	for i, ref := range refs {
		var err error
		if ref.ID != "" {
			given[i], err = p.tx.Group(ctx, p.actor.Scope, estate.GroupID(ref.ID))
		} else {
			given[i], err = p.tx.GroupByName(ctx, p.actor.Scope, ref.Name)
		}
		switch {
		case estate.HasKind(err, estate.NotFound):
			return c.wrong.At(pointer(c.place+"/value", i), "there is no such group")
		case err != nil:
			return err
		}
	}
	same := func(a, b estate.Group) bool { return a.ID == b.ID }
	if p.groups = mergeFunc(c.Op, p.groups, given, same); len(p.groups) > maxGroups {
		return c.bad(fmt.Sprintf("must have 0 to %d items", maxGroups))
	}
	slices.SortFunc(p.groups, func(a, b estate.Group) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// mayAssign refuses changes to roles and groups that the actor may not make.
func (p *userPatch) mayAssign(ctx context.Context, roles []estate.RoleName, groups []estate.Group) error {
	moved := difference(roles, p.user.Roles)
	inGroup := func(all []estate.Group, g estate.Group) bool {
		return slices.ContainsFunc(all, func(other estate.Group) bool { return other.ID == g.ID })
	}
	for _, g := range groups {
		if !inGroup(p.groups, g) {
			moved = append(moved, g.Roles...)
		}
	}
	for _, g := range p.groups {
		if !inGroup(groups, g) {
			moved = append(moved, g.Roles...)
		}
	}
	return p.roles.mayMove(ctx, p.actor, moved)
}

// refs reads what an operation on a list of roles or groups is about: one or
// several, by id or name.
func (c change) refs() (refs []RoleRef, err error) {
	if err := c.ops("replace", "set", "add", "remove-value", "unset"); err != nil {
		return nil, err
	}
	if strings.HasSuffix(c.Path, "/-") && c.Op != "add" {
		return nil, c.wrong.At(c.place+"/op", "op for "+c.Path+" must be add")
	}
	if c.Op == "unset" {
		return nil, nil
	}
	const what = "a list of objects with id or name"
	var several []RoleRef
	var one RoleRef
	var names []string
	var name string
	switch {
	case c.into(&several, what) == nil:
		refs = several
	case c.into(&one, what) == nil:
		refs = []RoleRef{one}
	case c.into(&names, what) == nil:
		for _, name := range names {
			refs = append(refs, RoleRef{Name: name})
		}
	case c.into(&name, what) == nil:
		refs = []RoleRef{{Name: name}}
	default:
		return nil, c.bad("must be " + what)
	}
	for i, ref := range refs {
		if (ref.ID == "") == (ref.Name == "") {
			return nil, c.wrong.At(pointer(c.place+"/value", i), "must have an id or a name")
		}
	}
	return refs, nil
}

// merge is what an operation makes of a list of things that are comparable.
func merge[T comparable](op string, before, given []T) []T {
	return mergeFunc(op, before, given, func(a, b T) bool { return a == b })
}

func mergeFunc[T any](op string, before, given []T, same func(a, b T) bool) (after []T) {
	has := func(all []T, v T) bool { return slices.ContainsFunc(all, func(other T) bool { return same(v, other) }) }
	add := func(from []T, unless []T) {
		for _, v := range from {
			if !has(after, v) && !has(unless, v) {
				after = append(after, v)
			}
		}
	}
	switch op {
	case "add":
		add(before, nil)
		add(given, nil)
	case "remove-value":
		add(before, given)
	default:
		add(given, nil)
	}
	return after
}

// difference is what only one of two lists has.
func difference[T comparable](a, b []T) []T {
	return slices.Concat(merge("remove-value", a, b), merge("remove-value", b, a))
}

func pointer(list string, i int) string { return list + "/" + strconv.Itoa(i) }
