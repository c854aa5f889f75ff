package signin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// accounts are those of an organization, with what they own.
type accounts struct {
	byID   map[estate.AccountID]estate.Account
	owned  map[estate.AccountID][]estate.SubscriptionID
	others map[estate.AccountID][]estate.SubscriptionID
}

func (s *Service) loadAccounts(ctx context.Context, organization estate.OrganizationID) (a accounts, err error) {
	a = accounts{
		byID: map[estate.AccountID]estate.Account{}, owned: map[estate.AccountID][]estate.SubscriptionID{}, others: map[estate.AccountID][]estate.SubscriptionID{},
	}
	scope := estate.Scope{Organization: organization}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.Accounts(ctx, scope)
		if err != nil {
			return err
		}
		for _, one := range all {
			a.byID[one.ID] = one
		}
		subscriptions, err := tx.Subscriptions(ctx, scope)
		for _, sub := range subscriptions {
			for _, one := range all {
				if slices.Contains(sub.Owners, one.ID) {
					a.owned[one.ID] = append(a.owned[one.ID], sub.ID)
				} else {
					a.others[one.ID] = append(a.others[one.ID], sub.ID)
				}
			}
		}
		return err
	})
	return a, err
}

// AccountActor is an account as it may act now, by what it owns. One that is gone
// is nobody.
func (s *Service) AccountActor(ctx context.Context, organization estate.OrganizationID, id estate.AccountID) (estate.Actor, error) {
	all, err := s.accounts.Get(ctx, organization)
	if err != nil {
		return estate.Actor{}, err
	}
	account, ok := all.byID[id]
	if !ok {
		return estate.Actor{}, errNoAccount
	}
	return estate.AccountActor(account, all.owned[id], all.others[id]), nil
}

// Account is the account that actor is, for pages that greet it.
func (s *Service) Account(ctx context.Context, actor estate.Actor) (estate.Account, error) {
	if actor.Kind != estate.ActorAccount {
		return estate.Account{}, errNoPerson
	}
	all, err := s.accounts.Get(ctx, actor.Scope.Organization)
	if err != nil {
		return estate.Account{}, err
	}
	account, ok := all.byID[estate.AccountID(actor.ID)]
	if !ok {
		return estate.Account{}, errNoAccount
	}
	return account, nil
}

// Accounts lists the accounts of the organization of actor, by e-mail address. All
// accounts of an organization may know of one another: each needs to know whom to
// ask for what it may not do.
func (s *Service) Accounts(ctx context.Context, actor estate.Actor) ([]estate.Account, error) {
	if actor.Kind != estate.ActorAccount && actor.Lacks(estate.LevelOrganization, api.ScopeOrgSubscriptionsRead) != nil {
		return nil, errNoPerson
	}
	all, err := s.accounts.Get(ctx, actor.Scope.Organization)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(all.byID), func(a, b estate.Account) int { return strings.Compare(a.Email, b.Email) }), nil
}

var errNoAccount = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The account of the session is gone.")
