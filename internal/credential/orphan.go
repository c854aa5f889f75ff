package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Orphan is a bot whose client is deleted or disabled.
type Orphan = store.Orphan

// Orphans lists the bots in scope, an organization or a tenant, whose client is
// deleted or disabled: they are disabled, but what they own in their tenants stays
// theirs. An administrator of a tenant sees all of its; above tenants one sees
// those of the clients that one may read. There are at most limit, unless that is 0.
func (s *Service) Orphans(ctx context.Context, actor estate.Actor, scope estate.Scope, limit int) (all []Orphan, err error) {
	if err := mayDealWithBots(actor, scope, mayReadAll); err != nil {
		return nil, err
	}
	shown := func(c estate.Client) bool { return mayDealWith(actor, scope, c, mayReadAll) == nil }
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Orphans(ctx, scope, store.OrphanQuery{Shown: shown, Limit: limit})
		return err
	})
	return all, err
}

// AdoptBot makes an orphan the active bot of another client of the same reach:
// what it owns goes on to be used. It needs the right to manage both clients.
func (s *Service) AdoptBot(ctx context.Context, actor estate.Actor, scope estate.Scope, id estate.UserID, by estate.ClientID) (bot estate.User, err error) {
	err = s.changeOrphan(ctx, actor, scope, id, "user.adopt", func(tx *store.Tx, orphan Orphan) (map[string]any, error) {
		heir, err := tx.Client(ctx, estate.Scope{Organization: scope.Organization}, by)
		switch {
		case err != nil:
			return nil, err
		case mayManage(actor, realmOf(heir)) != nil:
			return nil, errNoClient
		case heir.Level != orphan.Client.Level || heir.Scope != orphan.Client.Scope:
			return nil, errOtherReach
		case !heir.DisabledAt.IsZero():
			return nil, errHeirDisabled
		}
		home := orphan.Tenant.Scope()
		if err := tx.GiveBot(ctx, home, id, by, s.now()); err != nil {
			return nil, err
		}
		bot, err = tx.User(ctx, home, id)
		return map[string]any{"from": orphan.Client.ID, "to": by}, err
	})
	return bot, err
}

// RemoveBot deletes an orphan from its tenant.
func (s *Service) RemoveBot(ctx context.Context, actor estate.Actor, scope estate.Scope, id estate.UserID) error {
	return s.changeOrphan(ctx, actor, scope, id, "user.delete", func(tx *store.Tx, orphan Orphan) (map[string]any, error) {
		data := map[string]any{"subject": orphan.Bot.Subject, "name": orphan.Bot.Name}
		return data, tx.DeleteUser(ctx, orphan.Tenant.Scope(), id, s.now())
	})
}

// changeOrphan does something to an orphan in scope, with its audit record.
func (s *Service) changeOrphan(ctx context.Context, actor estate.Actor, scope estate.Scope, id estate.UserID, action string,
	fn func(tx *store.Tx, orphan Orphan) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayDealWithBots(actor, scope, mayManage); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		orphan, err := findOrphan(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if mayDealWith(actor, scope, orphan.Client, mayReadAll) != nil {
			return errNoOrphan
		}
		if err := mayDealWith(actor, scope, orphan.Client, mayManage); err != nil {
			return err
		}
		data, err := fn(tx, orphan)
		if err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, orphan.Tenant.Scope(), action, string(id), data)
	})
}

// mayDealWithBots tells why actor may do nothing with the orphans of scope; nil: it
// may with some. may is mayManage or mayReadAll.
func mayDealWithBots(actor estate.Actor, scope estate.Scope, may func(estate.Actor, Realm) error) error {
	if scope.Tenant != "" {
		return may(actor, Realm{Level: estate.LevelTenant, Scope: scope})
	}
	if may(actor, Realm{Level: estate.LevelRegion, Scope: scope}) == nil {
		return nil
	}
	return may(actor, Realm{Level: estate.LevelOrganization, Scope: scope})
}

// mayDealWith tells why actor, which may deal with orphans of scope, may not with
// those of this client. In a tenant its administrators may with all: they are the tenant's users.
func mayDealWith(actor estate.Actor, scope estate.Scope, c estate.Client, may func(estate.Actor, Realm) error) error {
	if scope.Tenant != "" {
		return nil
	}
	return may(actor, realmOf(c))
}

func mayReadAll(actor estate.Actor, realm Realm) error {
	sees, err := mayRead(actor, realm)
	if err == nil && sees != viewAll {
		return errNeedsTenantAdmin
	}
	return err
}

// realmOf is the realm in which c is managed.
func realmOf(c estate.Client) Realm {
	if c.Level == estate.LevelRegion {
		return Realm{Level: c.Level, Scope: estate.Scope{Organization: c.Scope.Organization, Subscription: c.Scope.Subscription}}
	}
	return Realm{Level: c.Level, Scope: c.Scope}
}

func findOrphan(ctx context.Context, tx *store.Tx, scope estate.Scope, id estate.UserID) (store.Orphan, error) {
	if !id.Valid() {
		return store.Orphan{}, errNoOrphan
	}
	found, err := tx.Orphans(ctx, scope, store.OrphanQuery{ID: id})
	switch {
	case err != nil:
		return store.Orphan{}, err
	case len(found) != 1:
		return store.Orphan{}, errNoOrphan
	}
	return found[0], nil
}

var (
	errOperatorOnly = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only the operator may do this.")
	errNoOrphan     = estate.E(estate.NotFound, api.CodeUserNotFound, "Not found", "No bot with this id has lost its client.")
	errOtherReach   = estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid client", "The client is not of the level, subscription, region and tenant of the bot's former client.")
	errHeirDisabled = estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid client", "The client is disabled.")
)
