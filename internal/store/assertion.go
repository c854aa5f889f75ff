package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// UseAssertion notes that client has used the assertion with the id, which
// nobody will accept from expires on. It is false if that was noted before, and
// if there is no such client in scope.
func (tx *Tx) UseAssertion(ctx context.Context, scope estate.Scope, client estate.ClientID, id string, now, expires time.Time) (bool, error) {
	hash := sha256.Sum256([]byte(id))
	c := within(scope, "subscription_id", "region", "tenant_id")
	values := "organization_id, id, " + c.arg(base64.RawURLEncoding.EncodeToString(hash[:])) + ", " + c.arg(micros(expires))
	c.add("id = " + c.arg(client))
	n, err := tx.exec(ctx, "insert into assertion_ids (organization_id, client_id, id, expires_at) select "+values+" from clients"+c.where()+
		" on conflict (client_id, id) do update set expires_at = excluded.expires_at where assertion_ids.expires_at <= "+c.arg(micros(now)), c.args...)
	return n == 1, wrap("insert assertion id", err)
}

// trimAssertions forgets ids of assertions that have expired. A server with a slow
// clock must not accept one again: see clockMargin.
func (tx *Tx) trimAssertions(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from assertion_ids where expires_at < $1", micros(now.Add(-clockMargin)))
	return wrap("trim assertion ids", err)
}
