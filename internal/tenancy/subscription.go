package tenancy

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// OwnSubscriptions lists the subscriptions of the actor's organization, oldest
// first.
func (s *Service) OwnSubscriptions(ctx context.Context, actor estate.Actor) (all []estate.Subscription, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgSubscriptionsRead); err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Subscriptions(ctx, actor.Scope)
		return err
	})
	return all, err
}

// OwnSubscription returns a subscription of the actor's organization.
func (s *Service) OwnSubscription(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (sub estate.Subscription, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgSubscriptionsRead); err != nil {
		return sub, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		sub, err = tx.Subscription(ctx, actor.Scope, id)
		return err
	})
	return sub, err
}
