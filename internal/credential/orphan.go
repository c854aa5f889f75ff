package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Orphan is a bot whose client is deleted or disabled.
type Orphan = store.Orphan

// Orphans lists the bots of an organization whose client is deleted or disabled:
// they are disabled, but what they own in their tenants stays theirs. Only the
// operator may.
func (s *Service) Orphans(ctx context.Context, actor estate.Actor, organization estate.OrganizationID) (all []Orphan, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Orphans(ctx, estate.Scope{Organization: organization}, "")
		return err
	})
	return all, err
}

// AdoptBot makes an orphan the active bot of another client of the same reach:
// what it owns goes on to be used. Only the operator may.
func (s *Service) AdoptBot(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, id estate.UserID, by estate.ClientID) (bot estate.User, err error) {
	if !actor.IsOperator() {
		return bot, errOperatorOnly
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		orphan, err := findOrphan(ctx, tx, organization, id)
		if err != nil {
			return err
		}
		heir, err := tx.Client(ctx, estate.Scope{Organization: organization}, by)
		switch {
		case err != nil:
			return err
		case heir.Level != orphan.Client.Level || heir.Scope != orphan.Client.Scope:
			return errOtherReach
		case !heir.DisabledAt.IsZero():
			return errHeirDisabled
		}
		now := s.now()
		scope := orphan.Tenant.Scope()
		if err := tx.GiveBot(ctx, scope, id, by, now); err != nil {
			return err
		}
		if bot, err = tx.User(ctx, scope, id); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "user.adopt", string(id), map[string]any{"from": orphan.Client.ID, "to": by})
	})
	return bot, err
}

// RemoveBot deletes an orphan from its tenant. Only the operator may.
func (s *Service) RemoveBot(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, id estate.UserID) error {
	if !actor.IsOperator() {
		return errOperatorOnly
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		orphan, err := findOrphan(ctx, tx, organization, id)
		if err != nil {
			return err
		}
		scope := orphan.Tenant.Scope()
		if err := tx.DeleteUser(ctx, scope, id, s.now()); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "user.delete", string(id), map[string]any{"subject": orphan.Bot.Subject, "name": orphan.Bot.Name})
	})
}

func findOrphan(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, id estate.UserID) (store.Orphan, error) {
	if !id.Valid() {
		return store.Orphan{}, errNoOrphan
	}
	found, err := tx.Orphans(ctx, estate.Scope{Organization: organization}, id)
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
