package tenancy

import (
	"context"

	"github.com/freehold-platform/freehold/internal/estate"
)

// owner is actor as it may act on a tenant: an account acts at the level of the
// tenant's subscription and region, if it owns the subscription. All others act as
// they are.
func (s *Service) owner(ctx context.Context, actor estate.Actor, id estate.TenantID) (estate.Actor, error) {
	if actor.Kind != estate.ActorAccount || actor.Level != estate.LevelOrganization {
		return actor, nil
	}
	if !actor.IsOwner() {
		return actor, actor.LacksFor("", "") // before it could learn whether there is such a tenant
	}
	t, err := s.Tenant(ctx, actor, id)
	if err != nil {
		return actor, err
	}
	return actor.In(t.Subscription, t.Region)
}
