package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// UseAssertion notes that client has used the assertion with the id, which
// nobody will accept from expires on. It is false if that was noted before.
func (tx *Tx) UseAssertion(ctx context.Context, scope estate.Scope, client estate.ClientID, id string, now, expires time.Time) (bool, error) {
	if scope.Organization == "" {
		return false, errClientNotFound
	}
	hash := sha256.Sum256([]byte(id))
	n, err := tx.exec(ctx, `insert into assertion_ids (organization_id, client_id, id, expires_at)
		select organization_id, id, $3, $4 from clients where organization_id = $1 and id = $2
		on conflict (client_id, id) do update set expires_at = excluded.expires_at where assertion_ids.expires_at <= $5`,
		scope.Organization, client, base64.RawURLEncoding.EncodeToString(hash[:]), micros(expires), micros(now))
	return n == 1, wrap("insert assertion id", err)
}

func (tx *Tx) trimAssertions(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from assertion_ids where expires_at <= $1", micros(now))
	return wrap("trim assertion ids", err)
}
