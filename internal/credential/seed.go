package credential

import (
	"context"
	"fmt"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// seedBatch is how many clients of a seed share a transaction.
const seedBatch = 500

// Seed makes n synthetic clients at region level, spread over the subscriptions that
// are for more than one tenant, and their regions. each is called with the secret of
// every client that was made, which is told nowhere else. Only the operator may. It is
// for measuring: one audit record stands for all.
func (s *Service) Seed(ctx context.Context, actor estate.Actor, subscriptions []estate.Subscription, n int, each func(estate.Client, estate.Secret) error) error {
	if !actor.IsOperator() {
		return errNeedsOwner
	}
	var places []estate.Scope
	for _, sub := range subscriptions {
		for _, region := range sub.Regions {
			if sub.MultiTenant() {
				places = append(places, estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: region})
			}
		}
	}
	if n > 0 && len(places) == 0 {
		return invalidClient("", "there is no subscription for more than one tenant")
	}
	for made := 0; made < n; {
		size := min(seedBatch, n-made)
		clients, secrets := make([]estate.Client, size), make([]estate.Secret, size)
		for i := range clients {
			now := s.now()
			c := estate.Client{
				ID: estate.NewClientID(), Level: estate.LevelRegion, Scope: places[(made+i)%len(places)], Name: fmt.Sprintf("Seeded client %06d", made+i+1),
				CreatedBy: actor.ID, CreatedByType: "service", CreatedAt: now, UpdatedAt: now,
			}
			complete(&c)
			stored, plain := s.newSecret(c, actor)
			c.Secrets = []estate.ClientSecret{stored}
			clients[i], secrets[i] = c, plain
		}
		err := s.store.Write(ctx, func(tx *store.Tx) error {
			for _, c := range clients {
				if err := tx.InsertClient(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, c := range clients {
			if err := each(c, secrets[i]); err != nil {
				return err
			}
		}
		made += size
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Done(ctx, tx, actor, estate.Scope{Organization: subscriptions[0].Organization}, "oauth-client.seed", "", map[string]any{"clients": n})
	})
}
