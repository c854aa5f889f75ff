package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

const (
	// PurgeInterval is how often Run looks for tenants to purge.
	PurgeInterval = 15 * time.Second

	// purgeQuiet is how long a tenant must have been disabled before it is purged:
	// longer than a request can take, and than other nodes need to hear of it, so
	// that nobody still writes into it.
	purgeQuiet = time.Minute

	// purgeStep is how many rows of a tenant are erased in one transaction, so that
	// others can write in between: some tens of milliseconds.
	purgeStep = 1000

	// clockAhead is how far this machine's clock may be ahead of the database's before
	// it purges nothing: a purge an hour early is bearable, one days early is not.
	clockAhead = time.Hour
)

// Run purges tenants that are due, now and then, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(PurgeInterval)
	defer ticker.Stop()
	for {
		if _, err := s.purgeByBothClocks(ctx); err != nil && ctx.Err() == nil {
			s.audit.Log.ErrorContext(ctx, "purge", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// purgeByBothClocks is PurgeDue where the database's clock agrees that it is so late:
// nothing brings back what was purged because a machine's clock was set wrong.
func (s *Service) purgeByBothClocks(ctx context.Context) (purged int, err error) {
	now, err := s.store.Clock(ctx)
	if err != nil {
		return 0, err
	}
	if own := s.now(); !now.IsZero() && own.Sub(now) > clockAhead {
		return 0, fmt.Errorf("this machine's clock says %s, %s more than the database's: nothing is purged until they agree",
			own.Format(time.RFC3339), own.Sub(now).Round(time.Second))
	}
	return s.PurgeDue(ctx)
}

// PurgeDue purges the tenants that are due, each in a transaction of its own, and
// returns how many it has purged. Of large tenants it erases the rest step by step,
// also of those that another process had begun with. Any number of processes may call
// it at once: each tenant is purged by one of them. A tenant that can't be purged keeps
// none of the others.
func (s *Service) PurgeDue(ctx context.Context) (purged int, err error) {
	begun := s.eraseRest(ctx)
	for {
		now := s.now()
		var due []estate.Tenant
		failed := s.store.Read(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.TenantsDue(ctx, now, now.Add(-purgeQuiet))
			return err
		})
		if failed != nil {
			return purged, errors.Join(begun, err, failed)
		}
		err = nil // those that failed before are due again
		progress := false
		for _, t := range due {
			done, failed := s.purge(ctx, t, now)
			if failed != nil {
				err = errors.Join(err, failed)
			}
			if done {
				purged++
			}
			progress = progress || failed == nil
		}
		if len(due) < store.MaxPage || !progress {
			return purged, errors.Join(begun, err, s.eraseRest(ctx))
		}
	}
}

// eraseRest erases what is left of tenants that have been purged, a step of each in
// turn.
func (s *Service) eraseRest(ctx context.Context) (err error) {
	for {
		var waiting []estate.Tenant
		failed := s.store.Read(ctx, func(tx *store.Tx) (err error) {
			waiting, err = tx.TenantsToErase(ctx)
			return err
		})
		if failed != nil {
			return errors.Join(err, failed)
		}
		err = nil // those that failed before are there again
		progress := false
		for _, t := range waiting {
			failed := s.store.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.EraseTenant(ctx, t.Scope(), purgeStep)
				return err
			})
			err = errors.Join(err, failed)
			progress = progress || failed == nil
		}
		if !progress {
			return err
		}
	}
}

func (s *Service) purge(ctx context.Context, t estate.Tenant, now time.Time) (done bool, err error) {
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if done, err = tx.PurgeTenant(ctx, t.Scope(), now, purgeStep); err != nil || !done {
			return err
		}
		if err := s.provision(ctx, tx, &t, estate.TenantWasPurged); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, system, t.Scope(), "tenant.purge", string(t.ID), map[string]any{
			"id": t.ID, "name": t.Name, "hostnames": s.hostnames(t), "licenseId": t.Subscription, "externalId": t.ExternalID,
		})
	})
	return done && err == nil, err
}

// system is who does what falls due.
var system = estate.Actor{Kind: estate.ActorSystem, ID: "freehold"}
