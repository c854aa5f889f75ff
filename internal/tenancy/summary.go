package tenancy

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Summary is the estate of an organization in numbers.
type Summary struct {
	Groups []store.TenantGroup
	Days   []store.TenantDay // on which tenants were created
}

// Summary counts the tenants of the actor's organization, and those created per
// day since a time.
func (s *Service) Summary(ctx context.Context, actor estate.Actor, since time.Time) (sum Summary, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgTenantsRead); err != nil {
		return sum, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if sum.Groups, err = tx.TenantGroups(ctx, actor.Scope); err != nil {
			return err
		}
		sum.Days, err = tx.TenantsPerDay(ctx, actor.Scope, since)
		return err
	})
	return sum, err
}
