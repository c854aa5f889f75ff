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

// VerifyCounts compares the counts of tenants with the tenants themselves, of all
// organizations, and returns those that are wrong. If repair is set they are made anew.
// Only the operator may. It reads every tenant.
func (s *Service) VerifyCounts(ctx context.Context, actor estate.Actor, repair bool) (wrong []store.Miscounted, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		wrong, err = tx.MiscountedTenants(ctx)
		return err
	})
	if err != nil || len(wrong) == 0 || !repair {
		return wrong, err
	}
	return wrong, s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RecountTenants(ctx, s.now()); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, estate.Scope{}, "tenant-counts.repair", "", map[string]any{"wrong": len(wrong)})
	})
}
