package tenancy

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// SeedPlan says what Seed makes.
type SeedPlan struct {
	Tenants int
	// Subscriptions to make first, for just these tenants; 0: those that there are
	// take them.
	Subscriptions int
	Progress      func(made int) // told after each batch of tenants; may be nil
}

// seedBatch is how many tenants of a seed share a transaction: enough that a page of an
// index, which all of them are spread over, is written for many at once.
const seedBatch = 10_000

// seedYears is how long ago the first tenant of a seed was created.
const seedYears = 3

// Seed makes synthetic tenants in the organization, as an estate has them that grew
// over three years: in subscriptions of unequal sizes, most of them in the first
// region of each, some disabled, a few deleted. All but the random ids is the same
// each time. Only the operator may. It is for measuring: one audit record stands for
// all. It returns how many were made, also when it fails.
func (s *Service) Seed(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, plan SeedPlan) (made int, err error) {
	open, err := s.seedPlaces(ctx, actor, organization, plan)
	if err != nil {
		return 0, err
	}
	regions := map[estate.RegionCode]estate.Region{}
	for _, sub := range open {
		for _, code := range sub.Regions {
			if regions[code], err = s.Region(ctx, code); err != nil {
				return 0, err
			}
		}
	}
	g := &seeder{random: rand.New(rand.NewPCG(1, 2)), now: s.now(), actor: actor, n: plan.Tenants} //nolint:gosec // nothing that has to be secret
	turns := make([]int32, 0, plan.Tenants)                                                        // which subscription each tenant belongs to
	for i, sub := range open {
		turns = append(turns, slices.Repeat([]int32{int32(i)}, int(sub.places))...)
	}
	g.random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	for made < plan.Tenants {
		batch := make([]estate.Tenant, 0, seedBatch)
		places := map[estate.SubscriptionID]int64{}
		for i := made; i < min(made+seedBatch, plan.Tenants); i++ {
			sub := open[turns[i]].Subscription
			t := g.tenant(i, sub, regions)
			if t.Status != estate.TenantDeleted {
				places[sub.ID]++
			}
			batch = append(batch, t)
		}
		err := s.store.Write(ctx, func(tx *store.Tx) error {
			for id, n := range places {
				if free, err := tx.TakeTenantPlaces(ctx, estate.Scope{Organization: organization, Subscription: id}, n); err != nil || !free {
					return errorOr(err, errQuota)
				}
			}
			return tx.InsertTenants(ctx, batch)
		})
		if err != nil {
			return made, err
		}
		made += len(batch)
		if plan.Progress != nil {
			plan.Progress(made)
		}
	}
	return made, s.store.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Done(ctx, tx, actor, estate.Scope{Organization: organization}, "tenant.seed", "", map[string]any{"tenants": plan.Tenants})
	})
}

// seedPlace is a subscription with the number of tenants that it gets.
type seedPlace struct {
	estate.Subscription

	places int64
}

// seedPlaces spreads the tenants over subscriptions: new ones, or those that are for
// more than one tenant and have places.
func (s *Service) seedPlaces(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, plan SeedPlan) (open []seedPlace, err error) {
	if plan.Subscriptions > 0 {
		return s.seedSubscriptions(ctx, actor, organization, plan)
	}
	all, err := s.Subscriptions(ctx, actor, organization)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, sub := range all {
		if free := sub.TenantLimit - sub.TenantCount; sub.MultiTenant() && free > 0 {
			open = append(open, seedPlace{Subscription: sub})
			total += free
		}
	}
	if total < int64(plan.Tenants) {
		return nil, invalid("seed", "The organization's subscriptions for more than one tenant have places for only %d of them.", total)
	}
	// Each gets its share of those that are left, as far as it has places. The last
	// ones may take more than their share.
	left := int64(plan.Tenants)
	shares := unequal(plan.Tenants, len(open))
	for range 2 {
		for i := range open {
			sub := &open[i]
			n := min(left, sub.TenantLimit-sub.TenantCount-sub.places, shares[i])
			sub.places += n
			left -= n
			shares[i] = left
		}
	}
	return open, nil
}

// seedSubscriptions makes the subscriptions of a seed, in some of the regions each.
func (s *Service) seedSubscriptions(ctx context.Context, actor estate.Actor, organization estate.OrganizationID, plan SeedPlan) (open []seedPlace, err error) {
	all, err := s.Regions(ctx, actor)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, invalid("seed", "There is no region.")
	}
	start := s.now().AddDate(-seedYears, 0, 0)
	for i, n := range unequal(plan.Tenants, plan.Subscriptions) {
		var regions []estate.RegionCode
		for k := range min(1+i%3, len(all)) {
			regions = append(regions, all[(i/2+k)%len(all)].Code)
		}
		sub, err := s.CreateSubscription(ctx, actor, estate.Subscription{
			Organization: organization, Name: fmt.Sprintf("Seeded %04d", i+1), TenantLimit: max(2, n+n/4), Regions: regions, StartsAt: start, EndsAt: start.AddDate(2*seedYears, 0, 0),
		}, nil)
		if err != nil {
			return nil, err
		}
		open = append(open, seedPlace{sub, n})
	}
	return open, nil
}

// unequal divides n into parts, the first of which are by far the largest.
func unequal(n, parts int) []int64 {
	var sum float64
	weights := make([]float64, parts)
	for i := range weights {
		weights[i] = 1 / float64(i+3)
		sum += weights[i]
	}
	shares := make([]int64, parts)
	left := int64(n)
	for i := range shares {
		shares[i] = min(left, int64(math.Round(float64(n)*weights[i]/sum)))
		left -= shares[i]
	}
	if parts > 0 {
		shares[0] += left // of rounding
	}
	return shares
}

// seeder makes the tenants of a seed.
type seeder struct {
	random *rand.Rand
	now    time.Time
	actor  estate.Actor
	n      int
}

var (
	seedFirst  = []string{"Alder", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Keystone", "Lumen", "Meridian", "Northwind", "Orchard", "Pioneer", "Quarry", "Redwood", "Summit", "Tidewater", "Umber", "Vertex", "Willow", "Zenith"}
	seedSecond = []string{"Analytics", "Bank", "Care", "Dental", "Energy", "Foods", "Freight", "Health", "Hotels", "Insurance", "Labs", "Logistics", "Media", "Motors", "Pharma", "Retail", "Software", "Steel", "Systems", "Textiles"}
	seedForm   = []string{"AB", "AG", "BV", "GmbH", "Inc", "KK", "Ltd", "Oy", "Pty", "SA", "SAS", "SpA"}
	seedTier   = []string{"bronze", "bronze", "bronze", "silver", "silver", "gold"}
)

// tenant makes the tenant number i, by age.
func (g *seeder) tenant(i int, sub estate.Subscription, regions map[estate.RegionCode]estate.Region) estate.Tenant {
	pick := func(of []string) string { return of[g.random.IntN(len(of))] }
	region := regions[sub.Regions[int(float64(len(sub.Regions))*math.Pow(g.random.Float64(), 1.7))]]
	age := g.now.Sub(g.now.AddDate(-seedYears, 0, 0))
	created := g.now.Add(-time.Duration(float64(age) * (1 - math.Sqrt((float64(i)+0.5)/float64(g.n))))).Truncate(time.Millisecond)
	t := estate.Tenant{
		ID: estate.NewTenantID(g.now), Organization: sub.Organization, Subscription: sub.ID, Region: region.Code, Datacenter: region.Datacenter,
		CountryCode: region.CountryCode, Name: pick(seedFirst) + " " + pick(seedSecond) + " " + pick(seedForm), Hostname: estate.NewHostname(estate.NewHostLabel(), region.Code),
		Status: estate.TenantActive, StatusUpdatedAt: created, CreatedBy: g.actor.ID, CreatedAt: created, UpdatedAt: created, Settings: estate.DefaultTenantSettings(), Rev: 1,
	}
	if g.random.IntN(4) == 0 {
		t.Name += fmt.Sprintf(" %d", 2+g.random.IntN(40))
	}
	if g.random.IntN(3) > 0 { // changed once, rather lately
		t.UpdatedAt = created.Add(time.Duration(g.random.Float64() * float64(g.now.Sub(created)))).Truncate(time.Millisecond)
		t.Rev = 2
	}
	switch what := g.random.IntN(100); {
	case what < 1:
		t.Status, t.StatusUpdatedAt = estate.TenantDeleted, t.UpdatedAt
		return t
	case what < 4: // whose purge is not due for long
		t.Status, t.StatusUpdatedAt, t.PurgeAt = estate.TenantDisabled, t.UpdatedAt, g.now.AddDate(0, 0, 30+g.random.IntN(60))
	}
	if g.random.IntN(2) == 0 {
		t.ExternalID = "crm-" + string(t.ID[len(t.ID)-10:]) // which is random
	}
	if g.random.IntN(2) == 0 {
		t.Labels = map[string]string{"tier": pick(seedTier)}
		if g.random.IntN(5) == 0 {
			t.Labels["environment"] = "test"
		}
	}
	return t
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
