package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/store"
)

// keyInterval is how often a server looks whether a signing key is due. It only
// has to be short beside keyring.PublishLead.
const keyInterval = time.Minute

// RotateKeys changes the signing keys on schedule until ctx ends: each signs for
// every, 0 for ever.
func (s *Service) RotateKeys(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(keyInterval)
	defer ticker.Stop()
	for {
		if err := s.RotateDueKeys(ctx, every); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "rotate signing keys", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// RotateDueKeys makes the next signing key if it is due, and deletes those that
// nobody needs any more. However many servers do it at once, it happens once.
func (s *Service) RotateDueKeys(ctx context.Context, every time.Duration) error {
	var keys []estate.Key
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		keys, err = s.keys.Keys(ctx, tx)
		return err
	})
	if err != nil || s.keys.Due(keys, every).IsZero() && len(s.keys.Expired(keys, TokenLifetime)) == 0 {
		return err
	}
	if err := s.keys.Refresh(ctx); err != nil {
		return err
	}
	actor := estate.Operator("schedule")
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		keys, err := s.keys.Keys(ctx, tx) // another server may have been faster
		if err != nil {
			return err
		}
		if at := s.keys.Due(keys, every); !at.IsZero() {
			if _, err := s.makeKey(ctx, tx, actor, "", at); err != nil {
				return err
			}
		}
		gone, err := s.keys.Trim(ctx, tx, TokenLifetime)
		if err != nil {
			return err
		}
		for _, id := range gone {
			if err := s.audit.Done(ctx, tx, actor, estate.Scope{}, "signing-key.delete", string(id), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if estate.HasKind(err, estate.Conflict) {
		return nil // on an engine with several writers, another server made the key meanwhile
	}
	return err
}

func (s *Service) makeKey(ctx context.Context, tx *store.Tx, actor estate.Actor, algorithm string, at time.Time) (estate.Key, error) {
	key, err := s.keys.Rotate(ctx, tx, algorithm, at)
	if err != nil {
		return key, err
	}
	data := map[string]any{"algorithm": key.Algorithm, "signsFrom": key.ActiveAt}
	return key, s.audit.Done(ctx, tx, actor, estate.Scope{}, "signing-key.create", string(key.ID), data)
}

// SigningKey is a key for access tokens, without its private part.
type SigningKey struct {
	ID        estate.KeyID
	Algorithm string
	CreatedAt time.Time
	SignsFrom time.Time
	SignsTo   time.Time // zero: until a next key is made
}

// SigningKeys lists the keys for access tokens, oldest first. For the operator.
func (s *Service) SigningKeys(ctx context.Context, actor estate.Actor) ([]SigningKey, error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	var keys []estate.Key
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		keys, err = s.keys.Keys(ctx, tx)
		return err
	})
	all := make([]SigningKey, len(keys))
	for i, k := range keys {
		all[i] = SigningKey{ID: k.ID, Algorithm: k.Algorithm, CreatedAt: k.CreatedAt, SignsFrom: k.ActiveAt}
		if i > 0 {
			all[i-1].SignsTo = k.ActiveAt
		}
	}
	return all, err
}

// RotateSigningKey makes the next signing key now, whether it is due or not. It
// signs after keyring.PublishLead, or at once: then verifiers that cache the key
// set must fetch it again when they meet the key. One that waits for its time is
// passed over then, and stays published. algorithm may be left empty.
func (s *Service) RotateSigningKey(ctx context.Context, actor estate.Actor, algorithm string, atOnce bool) (SigningKey, error) {
	if !actor.IsOperator() {
		return SigningKey{}, errOperatorOnly
	}
	if err := s.keys.Refresh(ctx); err != nil {
		return SigningKey{}, err
	}
	at := s.now()
	if !atOnce {
		at = at.Add(keyring.PublishLead)
	}
	var made estate.Key
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		keys, err := s.keys.Keys(ctx, tx)
		if err != nil {
			return err
		}
		if waiting := keys[len(keys)-1]; waiting.ActiveAt.After(at) { // its successor would sign before it does
			if !atOnce {
				return errKeyWaiting
			}
			if err := tx.ActivateKey(ctx, waiting.ID, at); err != nil {
				return err
			}
		}
		made, err = s.makeKey(ctx, tx, actor, algorithm, at)
		return err
	})
	return SigningKey{ID: made.ID, Algorithm: made.Algorithm, CreatedAt: made.CreatedAt, SignsFrom: made.ActiveAt}, err
}

// RewrapKeys seals the server's keys under another master key, while servers
// run, and returns how many there are. The servers have the keys open; at their
// next start they need the new master key.
func (s *Service) RewrapKeys(ctx context.Context, actor estate.Actor, source keyring.MasterSource) (n int, err error) {
	if !actor.IsOperator() {
		return 0, errOperatorOnly
	}
	rewrap, err := s.keys.PrepareRewrap(ctx, source)
	if err != nil {
		return 0, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if n, err = rewrap.Apply(ctx, tx); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, estate.Scope{}, "master-key.change", "", map[string]any{"keys": n})
	})
	if err == nil {
		rewrap.Adopt()
	}
	return n, err
}

var errKeyWaiting = estate.E(estate.Conflict, api.CodeEstateConflict, "Already rotated", "A new key is published and waits for its time to sign.")
