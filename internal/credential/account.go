package credential

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// accountOf is the account for which a token acts: what it may do now, within what
// the token holds.
func (s *Service) accountOf(ctx context.Context, claims *api.Claims, client estate.ClientID, token estate.Actor) (estate.Actor, error) {
	if s.Accounts == nil {
		return estate.Actor{}, errInvalidToken
	}
	actor, err := s.Accounts(ctx, token.Scope.Organization, estate.AccountID(claims.User))
	if err != nil {
		return estate.Actor{}, err
	}
	actor.Client = client
	actor.Permissions = slices.DeleteFunc(slices.Clone(actor.Permissions), func(name string) bool { return !token.Permissions.Holds(name) })
	if !token.Permissions.Holds(api.ScopeOrgSubscriptions) { // without it, owning gives nothing
		actor.Owned, actor.Others = nil, slices.Concat(actor.Others, actor.Owned) // not into what is cached
	}
	return actor, nil
}

// accountExists makes sure that there is an account in the organization of scope.
func (s *Service) accountExists(ctx context.Context, scope estate.Scope, id estate.AccountID) error {
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Account(ctx, estate.Scope{Organization: scope.Organization}, string(id))
		return err
	})
	if estate.HasCode(err, api.CodeEstateNotFound) {
		return errInvalidGrant
	}
	return err
}
