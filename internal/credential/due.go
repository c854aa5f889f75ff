package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

const (
	// SecretWarning is how long before its end a secret is announced to end.
	SecretWarning = 7 * 24 * time.Hour

	// SweepInterval is how often secrets are looked after. An ended secret stops
	// to authenticate at its very end, not at the next sweep.
	SweepInterval = time.Minute
)

// Watch announces the ends of secrets and erases those that have ended, now and
// then, until ctx ends.
func (s *Service) Watch(ctx context.Context) {
	ticker := time.NewTicker(SweepInterval)
	defer ticker.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "sweep of secrets", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep does what is due of all secrets: those that end within SecretWarning are
// announced once, by an audit record; those that have ended are erased; rotations
// whose overlap is over are finished. Clients that registered themselves and that
// nobody connected in time are deleted. With nothing to do it only reads, so it may
// run on every node.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.sweepRegistrations(ctx); err != nil {
		return err
	}
	if err := s.sweepAPIKeys(ctx); err != nil {
		return err
	}
	for {
		now := s.now()
		var due []store.SecretDue
		err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.SecretsDue(ctx, now, now.Add(SecretWarning))
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range due {
			err := s.store.Write(ctx, func(tx *store.Tx) error { return s.attend(ctx, tx, d, now) })
			if err != nil && !estate.HasCode(err, api.CodeClientNotFound) {
				return err
			}
		}
		if len(due) < store.MaxPage {
			return nil
		}
	}
}

// attend does what is due of one secret, if it still is: another node may have
// been faster.
func (s *Service) attend(ctx context.Context, tx *store.Tx, d store.SecretDue, now time.Time) error {
	c, err := tx.Client(ctx, d.Scope, d.Client)
	if err != nil {
		return err
	}
	if c, err = s.settle(ctx, tx, c, now); err != nil {
		return err
	}
	for _, stored := range c.Secrets {
		if stored.Hint != d.Secret.Hint || !stored.WarnedAt.IsZero() || stored.Rotation != "" || stored.ExpiresAt.IsZero() {
			continue
		}
		stored.WarnedAt = now
		if err := tx.UpdateClientSecret(ctx, c.Scope, c.ID, stored, now); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, system, c.Scope, "oauth-client.secret.expiring", string(c.ID), map[string]any{
			"hint": stored.Hint, "name": c.Name, "expiresAt": stored.ExpiresAt.Format(time.RFC3339), "last": len(c.Secrets) == 1,
		})
	}
	return nil
}

// secretUse is when a secret was used, until it is written.
type secretUse struct {
	organization estate.OrganizationID
	client       estate.ClientID
	hint         string
}

type secretTimes struct{ first, last time.Time }

// usedSecret notes that a client authenticated with a secret.
func (u *usage) usedSecret(c estate.Client, hint string, now time.Time) {
	key := secretUse{c.Scope.Organization, c.ID, hint}
	u.mu.Lock()
	defer u.mu.Unlock()
	times, ok := u.secrets[key]
	if !ok {
		times.first = now
	}
	times.last = now
	u.secrets[key] = times
}

func (u *usage) takeSecrets() map[secretUse]secretTimes {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.secrets
	u.secrets = make(map[secretUse]secretTimes, len(taken))
	return taken
}
