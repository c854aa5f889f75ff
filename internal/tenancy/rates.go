package tenancy

import (
	"context"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// RateLimits are what a subscription says about how often its clients may call.
// From memory when busy.
func (s *Service) RateLimits(ctx context.Context, organization estate.OrganizationID, id estate.SubscriptionID) (throttle.Limits, error) {
	sub, err := s.subscriptions.Get(ctx, subscriptionKey{organization, id})
	return throttle.Limits{Tier1: sub.RateTier1, Tier2: sub.RateTier2}, err
}

func validRate(perMinute int64) bool { return perMinute >= 0 && perMinute <= throttle.MaxPerMinute }
