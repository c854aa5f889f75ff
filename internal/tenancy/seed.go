package tenancy

import (
	"context"
	"fmt"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// seedBatch is how many tenants of a seed share a transaction.
const seedBatch = 2000

// Seed makes n synthetic tenants in the organization, spread over those of its
// subscriptions that have the places and over their regions. Only the operator
// may. It is for measuring: one audit record stands for all.
func (s *Service) Seed(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, n int) (made int, err error) {
	all, err := s.Subscriptions(ctx, actor, organization)
	if err != nil {
		return 0, err
	}
	var open []seedPlaces
	var total int64
	for _, sub := range all {
		places := min(sub.TenantLimit-sub.TenantCount, int64(n))
		if sub.MultiTenant() && places > 0 {
			open = append(open, seedPlaces{sub, places})
			total += places
		}
	}
	if total < int64(n) {
		return 0, invalid("seed", "The organization's subscriptions for more than one tenant have places for only %d of them.", total)
	}
	regions := map[estate.RegionCode]estate.Region{}
	for _, sub := range open {
		for _, code := range sub.Regions {
			if regions[code], err = s.Region(ctx, code); err != nil {
				return 0, err
			}
		}
	}
	turn := 0
	next := func() estate.Subscription { // in turn, passing over those that are full
		for open[turn%len(open)].places == 0 {
			turn++
		}
		place := &open[turn%len(open)]
		turn++
		place.places--
		return place.Subscription
	}
	for made < n {
		batch := make([]estate.Subscription, min(seedBatch, n-made))
		for i := range batch {
			batch[i] = next()
		}
		err := s.store.Write(ctx, func(tx *store.Tx) error {
			for i, sub := range batch {
				if err := s.seedTenant(ctx, tx, actor, sub, regions, made+i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return made, err
		}
		made += len(batch)
	}
	return made, s.store.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Done(ctx, tx, actor, estate.Scope{Organization: organization}, "tenant.seed", "", map[string]any{"tenants": n})
	})
}

// seedPlaces is a subscription with the tenants that it still has places for.
type seedPlaces struct {
	estate.Subscription

	places int64
}

func (s *Service) seedTenant(ctx context.Context, tx *store.Tx, actor estate.Actor, sub estate.Subscription, regions map[estate.RegionCode]estate.Region, i int) error {
	region := regions[sub.Regions[i%len(sub.Regions)]]
	if free, err := tx.TakeTenantPlace(ctx, subscriptionScope(sub)); err != nil || !free {
		return errorOr(err, errQuota)
	}
	now := s.now()
	return tx.InsertTenant(ctx, estate.Tenant{
		ID: estate.NewTenantID(), Organization: sub.Organization, Subscription: sub.ID, Region: region.Code, Datacenter: region.Datacenter,
		CountryCode: region.CountryCode, Name: fmt.Sprintf("Customer %07d", i), Hostname: estate.NewHostname(estate.NewHostLabel(), region.Code),
		Status: estate.TenantActive, StatusUpdatedAt: now, CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now,
	})
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
