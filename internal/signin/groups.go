package signin

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxTenantGroups is how many groups a tenant can have. Those that a login would
// make beyond are left out: the person is let in without them.
const maxTenantGroups = 10_000

// join puts a user into the groups that a login names, as far as the tenant has
// them or makes them by itself, and takes it out of other groups of identity
// providers: if the tenant's settings say that groups come from there. Groups that
// people manage stay.
func (s *Service) join(ctx context.Context, tx *store.Tx, scope estate.Scope, user estate.User, a arrival) error {
	settings, err := tx.DirectorySettings(ctx, scope)
	if err != nil || !settings.AutoCreateGroups && !settings.SyncIDPGroups {
		return err
	}
	if err := tx.LockDirectory(ctx, scope); err != nil { // no group is made twice
		return err
	}
	before, err := tx.UserGroups(ctx, scope, []estate.UserID{user.ID})
	if err != nil {
		return err
	}
	var was, is []estate.GroupID
	for _, g := range before[user.ID] {
		was = append(was, g.ID)
		if g.Provider != estate.GroupIDP {
			is = append(is, g.ID)
		}
	}
	for _, name := range a.login.Groups {
		g, err := tx.GroupByName(ctx, scope, name)
		if isNotFound(err) && settings.AutoCreateGroups && name != estate.EveryoneName {
			g, err = s.newGroup(ctx, tx, scope, user, name, a.visitor.TraceID)
		}
		switch {
		case isNotFound(err), errors.Is(err, errTooManyGroups):
		case err != nil:
			return err
		case g.Provider == estate.GroupIDP && !slices.Contains(is, g.ID):
			is = append(is, g.ID)
		}
	}
	slices.Sort(was)
	slices.Sort(is)
	if slices.Equal(was, is) {
		return nil
	}
	if err := tx.SetUserGroups(ctx, scope, user.ID, is, s.now()); err != nil {
		return err
	}
	return s.audit.Done(ctx, tx, actorOf(user, scope, a.visitor.TraceID), scope, "user.update", string(user.ID), map[string]any{
		event.KeyUpdates: []event.Update{{Path: "/assignedGroups", OldValue: was, NewValue: is}},
	})
}

var errTooManyGroups = errors.New("the tenant has no room for another group")

func (s *Service) newGroup(ctx context.Context, tx *store.Tx, scope estate.Scope, user estate.User, name, traceID string) (estate.Group, error) {
	n, err := tx.CountGroups(ctx, scope, nil)
	switch {
	case err != nil:
		return estate.Group{}, err
	case n >= maxTenantGroups:
		return estate.Group{}, errTooManyGroups
	}
	now := s.now()
	g := estate.Group{
		ID: estate.NewGroupID(), Organization: scope.Organization, Tenant: scope.Tenant, Name: name, Provider: estate.GroupIDP, Status: estate.GroupActive,
		CreatedAt: now, CreatedBy: string(user.ID), UpdatedAt: now, UpdatedBy: string(user.ID),
	}
	if err := tx.InsertGroup(ctx, g); err != nil {
		return g, err
	}
	return g, s.audit.Done(ctx, tx, actorOf(user, scope, traceID), scope, "group.create", string(g.ID), map[string]any{
		"id": g.ID, "name": g.Name, "status": g.Status, "providerType": g.Provider,
	})
}
