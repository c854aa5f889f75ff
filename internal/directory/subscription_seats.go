package directory

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// SubscriptionSeats returns the seats of a subscription of the actor's
// organization, with how many are taken over all its tenants.
func (s *Service) SubscriptionSeats(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (all []estate.Seats, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgSubscriptionsRead); err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Seats(ctx, estate.Scope{Organization: actor.Scope.Organization, Subscription: id})
		return err
	})
	return all, err
}
