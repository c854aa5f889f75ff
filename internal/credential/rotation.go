package credential

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

const (
	// MaxSecrets is how many secrets a client can have, as the contract has it.
	MaxSecrets = 5

	// MaxOverlap is how long both secrets of a rotation can be valid.
	MaxOverlap = 90 * 24 * time.Hour
)

// MadeSecret is a new secret. Plain is told here and nowhere else.
type MadeSecret struct {
	Client     estate.ClientID
	Stored     estate.ClientSecret
	Plain      estate.Secret
	OverlapEnd time.Time // of a rotation with an overlap: when the old secrets end
}

// CreateSecret gives a client one more secret. It ends at expires, unless that is
// zero.
func (s *Service) CreateSecret(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, expires time.Time) (made MadeSecret, err error) {
	if !expires.IsZero() && !expires.After(s.now()) {
		return made, invalidClient("/expiresAt", "expiresAt must be in the future")
	}
	err = s.changeSecrets(ctx, actor, realm, id, "oauth-client.secret.create", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if err := mayHaveSecret(actor, c); err != nil {
			return nil, err
		}
		if len(c.Secrets) >= MaxSecrets {
			return nil, errTooManySecrets
		}
		made = s.makeSecret(c, actor)
		made.Stored.ExpiresAt = expires
		data := map[string]any{"hint": made.Stored.Hint}
		if !expires.IsZero() {
			data["expiresAt"] = expires.Format(time.RFC3339)
		}
		return data, tx.InsertClientSecret(ctx, c.Scope, c.ID, made.Stored)
	})
	return made, err
}

// DeleteSecret erases a secret: it no longer authenticates.
func (s *Service) DeleteSecret(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, hint string) error {
	return s.changeSecrets(ctx, actor, realm, id, "oauth-client.secret.delete", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		i := slices.IndexFunc(c.Secrets, func(stored estate.ClientSecret) bool { return stored.Hint == hint })
		if i >= 0 && c.Secrets[i].Rotation == estate.RotationNew {
			return nil, errRotating // or the client would be left with secrets that are about to end
		}
		if err := tx.DeleteClientSecret(ctx, c.Scope, c.ID, hint, s.now()); err != nil {
			return nil, err
		}
		c.Secrets = slices.Delete(slices.Clone(c.Secrets), i, i+1)
		_, err := s.settle(ctx, tx, c, s.now())
		return map[string]any{"hint": hint}, err
	})
}

// RotateSecret makes a new secret and has all others end after overlap. Until
// then both work and the rotation can be finished early or cancelled. Without
// overlap the others are erased at once.
func (s *Service) RotateSecret(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, overlap time.Duration) (made MadeSecret, err error) {
	if overlap < 0 || overlap > MaxOverlap {
		return made, invalidClient("/overlapSeconds", fmt.Sprintf("overlapSeconds must be from 0 to %d", MaxOverlap/time.Second))
	}
	err = s.changeSecrets(ctx, actor, realm, id, "oauth-client.secret.rotate", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if err := mayHaveSecret(actor, c); err != nil {
			return nil, err
		}
		if rotating(c) {
			return nil, errRotating
		}
		if overlap > 0 && len(c.Secrets) >= MaxSecrets {
			return nil, errTooManySecrets
		}
		made = s.makeSecret(c, actor)
		end := made.Stored.CreatedAt.Add(overlap)
		for _, old := range c.Secrets {
			if overlap == 0 {
				if err := tx.DeleteClientSecret(ctx, c.Scope, c.ID, old.Hint, made.Stored.CreatedAt); err != nil {
					return nil, err
				}
				continue
			}
			old.Rotation, old.EndBefore = estate.RotationOld, old.ExpiresAt
			if old.ExpiresAt.IsZero() || end.Before(old.ExpiresAt) {
				old.ExpiresAt = end
			}
			if err := tx.UpdateClientSecret(ctx, c.Scope, c.ID, old, made.Stored.CreatedAt); err != nil {
				return nil, err
			}
		}
		if overlap > 0 && len(c.Secrets) > 0 {
			made.Stored.Rotation, made.OverlapEnd = estate.RotationNew, end
		}
		data := map[string]any{"hint": made.Stored.Hint, "replaced": hints(c.Secrets), "overlapSeconds": int64(overlap / time.Second)}
		return data, tx.InsertClientSecret(ctx, c.Scope, c.ID, made.Stored)
	})
	return made, err
}

// FinishRotation erases the secrets that a running rotation replaces.
func (s *Service) FinishRotation(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) error {
	return s.changeSecrets(ctx, actor, realm, id, "oauth-client.secret.finish-rotation", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if !rotating(c) {
			return nil, errNotRotating
		}
		erased, err := s.endRotation(ctx, tx, c, estate.RotationOld)
		return map[string]any{"erased": erased}, err
	})
}

// CancelRotation erases the secret that a running rotation has made. The others
// end when they would have without it.
func (s *Service) CancelRotation(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) error {
	return s.changeSecrets(ctx, actor, realm, id, "oauth-client.secret.cancel-rotation", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if !rotating(c) {
			return nil, errNotRotating
		}
		erased, err := s.endRotation(ctx, tx, c, estate.RotationNew)
		return map[string]any{"erased": erased}, err
	})
}

// endRotation erases the secrets of one part and frees those of the other.
func (s *Service) endRotation(ctx context.Context, tx *store.Tx, c estate.Client, erase estate.Rotation) (erased []string, err error) {
	now := s.now()
	for _, stored := range c.Secrets {
		switch stored.Rotation {
		case "":
		case erase:
			erased = append(erased, stored.Hint)
			err = tx.DeleteClientSecret(ctx, c.Scope, c.ID, stored.Hint, now)
		default:
			if stored.Rotation == estate.RotationOld {
				stored.ExpiresAt = stored.EndBefore
			}
			stored.Rotation, stored.EndBefore = "", time.Time{}
			err = tx.UpdateClientSecret(ctx, c.Scope, c.ID, stored, now)
		}
		if err != nil {
			return nil, err
		}
	}
	return erased, nil
}

// changeSecrets is change on a client whose secrets are up to date.
func (s *Service) changeSecrets(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, action string,
	fn func(tx *store.Tx, c estate.Client) (map[string]any, error),
) error {
	return s.change(ctx, actor, realm, id, action, func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		c, err := s.settle(ctx, tx, c, s.now())
		if err != nil {
			return nil, err
		}
		return fn(tx, c)
	})
}

// settle erases the secrets of c that have ended, and ends a rotation that has
// nothing left to replace. It returns c as it is then.
func (s *Service) settle(ctx context.Context, tx *store.Tx, c estate.Client, now time.Time) (estate.Client, error) {
	var left []estate.ClientSecret
	for _, stored := range c.Secrets {
		if stored.ValidAt(now) {
			left = append(left, stored)
			continue
		}
		if err := tx.DeleteClientSecret(ctx, c.Scope, c.ID, stored.Hint, now); err != nil {
			return c, err
		}
		data := map[string]any{"hint": stored.Hint, "expiresAt": stored.ExpiresAt.Format(time.RFC3339), "rotated": stored.Rotation == estate.RotationOld}
		if err := s.audit.Done(ctx, tx, system, c.Scope, "oauth-client.secret.expire", string(c.ID), data); err != nil {
			return c, err
		}
	}
	c.Secrets = left
	if rotating(c) {
		return c, nil
	}
	for i, stored := range c.Secrets {
		if stored.Rotation == "" {
			continue
		}
		stored.Rotation, stored.EndBefore = "", time.Time{}
		if err := tx.UpdateClientSecret(ctx, c.Scope, c.ID, stored, now); err != nil {
			return c, err
		}
		c.Secrets[i] = stored
	}
	return c, nil
}

// system is who does what falls due.
var system = estate.Actor{Kind: estate.ActorSystem, ID: "freehold"}

// rotating tells whether c has both a secret that replaces and one that is
// replaced.
func rotating(c estate.Client) bool {
	has := func(part estate.Rotation) bool {
		return slices.ContainsFunc(c.Secrets, func(stored estate.ClientSecret) bool { return stored.Rotation == part })
	}
	return has(estate.RotationNew) && has(estate.RotationOld)
}

// makeSecret makes a secret whose hint no other secret of c has.
func (s *Service) makeSecret(c estate.Client, actor estate.Actor) MadeSecret {
	c.UpdatedAt = s.now()
	for {
		stored, plain := s.newSecret(c, actor)
		if !slices.Contains(hints(c.Secrets), stored.Hint) {
			return MadeSecret{Client: c.ID, Stored: stored, Plain: plain}
		}
	}
}

func hints(secrets []estate.ClientSecret) []string {
	all := make([]string, len(secrets))
	for i, stored := range secrets {
		all[i] = stored.Hint
	}
	return all
}

func mayHaveSecret(actor estate.Actor, c estate.Client) error {
	if !slices.Contains(c.AuthMethods, authClientSecret) {
		return errNoSecrets
	}
	return mayHand(actor, c)
}

var (
	errNoSecrets      = estate.E(estate.Invalid, api.CodeClientInvalid, "Invalid OAuth client", "The client does not authenticate by secret: client_secret is not in its allowedAuthMethods.")
	errTooManySecrets = estate.E(estate.Conflict, api.CodeSecretLimit, "Too many secrets", fmt.Sprintf("The client has %d secrets, which is the most; delete one first.", MaxSecrets))
	errRotating       = estate.E(estate.Conflict, api.CodeSecretRotation, "Rotation is running", "Finish or cancel the rotation of the client's secrets first.")
	errNotRotating    = estate.E(estate.Conflict, api.CodeSecretRotation, "No rotation is running", "Neither can be finished nor cancelled what was not started, or is over.")
)
