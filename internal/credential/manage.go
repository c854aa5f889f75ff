package credential

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// Realm is the clients that one API manages: those of a tenant, those of a
// subscription's regions, or those of an organization. The three are managed by
// the same methods; what differs is who may, and what can be changed.
type Realm struct {
	Level estate.Level // empty: of all levels, which only the operator can ask for
	Scope estate.Scope // region level: without a region
}

// view is how much an actor sees of a realm.
type view uint8

const (
	viewNothing view = iota
	viewPublic       // what any user of the tenant may know
	viewAll
)

// mayRead tells how much of realm actor may see, or why nothing.
func mayRead(actor estate.Actor, realm Realm) (view, error) {
	if actor.IsOperator() {
		return viewAll, nil
	}
	switch {
	case realm.Level == estate.LevelTenant && actor.Scope == realm.Scope:
		switch {
		case mayManage(actor, realm) == nil:
			return viewAll, nil
		case actor.Permissions.Holds(api.ScopeUserDefault), actor.Permissions.Holds(api.ScopeAdminClassic):
			return viewPublic, nil
		}
		return viewNothing, errNeedsScope(api.ScopeAdminClassic)
	case realm.Level == estate.LevelOrganization && actor.Scope == realm.Scope:
		return viewOr(actor.Lacks(estate.LevelOrganization, api.ScopeOrgOAuthClientsRead))
	case realm.Level == estate.LevelRegion && actor.Scope.Organization == realm.Scope.Organization:
		return viewOr(actor.LacksFor(realm.Scope.Subscription, api.ScopeOrgSubscriptionsRead))
	}
	return viewNothing, errNotHere
}

// viewOr is the view of everything, unless there is something that is lacking.
func viewOr(lacking error) (view, error) {
	if lacking != nil {
		return viewNothing, lacking
	}
	return viewAll, nil
}

// mayManage tells why actor may not change the clients of realm; nil: it may.
func mayManage(actor estate.Actor, realm Realm) error {
	if actor.IsOperator() {
		return nil
	}
	switch {
	case realm.Level == estate.LevelTenant && actor.Scope == realm.Scope:
		if !slices.Contains(actor.Roles, estate.RoleTenantAdmin) {
			return errNeedsTenantAdmin
		}
		if !actor.Permissions.Holds(api.ScopeAdminClassic) {
			return errNeedsScope(api.ScopeAdminClassic)
		}
		return nil
	case realm.Level == estate.LevelOrganization && actor.Scope == realm.Scope:
		return actor.Lacks(estate.LevelOrganization, api.ScopeOrgOAuthClients)
	case realm.Level == estate.LevelRegion && actor.Scope.Organization == realm.Scope.Organization:
		return actor.LacksFor(realm.Scope.Subscription, api.ScopeOrgSubscriptions)
	}
	return errNotHere
}

// isBounded tells whether actor can give a client of its own level no more than it
// may do itself.
func isBounded(actor estate.Actor) bool {
	return actor.Kind == estate.ActorClient || actor.Kind == estate.ActorAccount
}

// mayHand refuses to hand out the secret of an organization-level client that may
// do more than the actor: with it, the actor would get what it was not given.
// Clients of the other levels do things that their managers can't do at all.
func mayHand(actor estate.Actor, c estate.Client) error {
	if isBounded(actor) && c.Level == estate.LevelOrganization && !c.Permissions.Within(actor.Permissions) {
		return errSecretBeyondActor
	}
	return nil
}

// find returns a client of realm.
func find(ctx context.Context, tx *store.Tx, realm Realm, id estate.ClientID) (estate.Client, error) {
	if realm.Level == estate.LevelRegion {
		if err := checkSubscription(ctx, tx, realm.Scope); err != nil {
			return estate.Client{}, err
		}
	}
	c, err := tx.Client(ctx, realm.Scope, id)
	if err == nil && realm.Level != "" && c.Level != realm.Level {
		return estate.Client{}, errNoClient // a wider scope holds narrower clients, too
	}
	return c, err
}

// findToChange is find for a change: a tenant sees the clients that others have
// published to it, but they aren't its own.
func findToChange(ctx context.Context, tx *store.Tx, realm Realm, id estate.ClientID) (estate.Client, error) {
	c, err := find(ctx, tx, realm, id)
	if realm.Level != estate.LevelTenant || !isCode(err, api.CodeClientNotFound) {
		return c, err
	}
	if _, other := tx.PublishedClient(ctx, realm.Scope, id); other == nil {
		return c, errForeignClient
	}
	return c, err
}

// checkSubscription makes sure that a subscription is one of the organization's.
func checkSubscription(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
	_, err := tx.Subscription(ctx, estate.Scope{Organization: scope.Organization}, scope.Subscription)
	return err
}

// change does something to a client of realm, with its audit record. fn returns
// what the record tells; with nil data nothing was done and there is no record.
func (s *Service) change(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, action string,
	fn func(tx *store.Tx, c estate.Client) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayManage(actor, realm); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		c, err := findToChange(ctx, tx, realm, id)
		if err != nil {
			return err
		}
		data, err := fn(tx, c)
		if err != nil || data == nil {
			return err
		}
		told, err := clientEvent(ctx, tx, action, c, data)
		if err != nil {
			return err
		}
		if told != nil {
			data[event.KeyEvent] = told
		}
		return s.audit.Done(ctx, tx, actor, c.Scope, action, string(c.ID), data)
	})
}

var (
	errNoClient          = estate.E(estate.NotFound, api.CodeClientNotFound, "Not found", "No such OAuth client.")
	errNotHere           = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "These clients are managed by others.")
	errForeignClient     = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The client belongs to another tenant; only its connection here can be changed.")
	errSecretBeyondActor = estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The client has scopes that the calling token lacks, so its secret can't be had with it.")
)
