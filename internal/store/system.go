package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// IdempotentAnswer is what a request with an Idempotency-Key was answered.
type IdempotentAnswer struct {
	RequestHash []byte
	Answer      string
}

// IdempotentAnswer returns the answer that client got under key to a request
// about exactly scope, or nil.
func (tx *Tx) IdempotentAnswer(ctx context.Context, scope estate.Scope, client estate.ClientID, key string) (*IdempotentAnswer, error) {
	var a IdempotentAnswer
	err := tx.row(ctx, `select request_hash, answer from idempotency_keys
		where organization_id = $1 and subscription_id = $2 and region = $3 and tenant_id = $4 and client_id = $5 and key = $6`,
		scope.Organization, scope.Subscription, scope.Region, scope.Tenant, client, key).Scan(&a.RequestHash, &a.Answer)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no answer yet is no error
	}
	return &a, wrap("select idempotency key", err)
}

// InsertIdempotentAnswer keeps a, which was about scope, for
// IdempotencyRetention. The organization must exist.
func (tx *Tx) InsertIdempotentAnswer(ctx context.Context, scope estate.Scope, client estate.ClientID, key string, a IdempotentAnswer, at time.Time) error {
	_, err := tx.exec(ctx, `insert into idempotency_keys (organization_id, subscription_id, region, tenant_id, client_id, key, request_hash, answer, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		scope.Organization, scope.Subscription, scope.Region, scope.Tenant, client, key, a.RequestHash, a.Answer, micros(at))
	return wrap("insert idempotency key", err)
}

// IdempotencyRetention is how long a repeated request gets its first answer.
const IdempotencyRetention = 24 * time.Hour

// Trim deletes what is past its retention. The newest change stays, so that a
// follower can tell that it missed some.
func (tx *Tx) Trim(ctx context.Context, now time.Time) error {
	if _, err := tx.exec(ctx, "delete from idempotency_keys where created_at < $1", micros(now.Add(-IdempotencyRetention))); err != nil {
		return wrap("trim idempotency keys", err)
	}
	if err := tx.trimAssertions(ctx, now); err != nil {
		return err
	}
	if err := tx.trimPeers(ctx, now); err != nil {
		return err
	}
	if err := tx.trimRevocations(ctx, now); err != nil {
		return err
	}
	if err := tx.trimLinks(ctx, now); err != nil {
		return err
	}
	if err := tx.trimForms(ctx, now); err != nil {
		return err
	}
	if err := tx.trimSessions(ctx, now); err != nil {
		return err
	}
	if err := tx.trimAuthorization(ctx, now); err != nil {
		return err
	}
	if err := tx.trimDeliveries(ctx, now); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "delete from changes where created_at < $1 and seq < (select max(seq) from changes)", micros(now.Add(-changeRetention)))
	return wrap("trim changes", err)
}
