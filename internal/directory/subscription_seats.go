package directory

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// SubscriptionSeats returns the seats of a subscription of the actor's
// organization, with how many are taken over all its tenants. The operator may ask for
// any.
func (s *Service) SubscriptionSeats(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (all []estate.Seats, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgSubscriptionsRead); err != nil && !actor.IsOperator() {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		organization := actor.Scope.Organization
		if actor.IsOperator() {
			if organization, err = tx.SubscriptionOwner(ctx, id); err != nil {
				return err
			}
		}
		all, err = tx.Seats(ctx, estate.Scope{Organization: organization, Subscription: id})
		return err
	})
	return all, err
}
