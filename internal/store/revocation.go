package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// InsertRevokedToken revokes one token. Revoking it again changes nothing. scope is
// where the token is good: a client that can't act there has none.
func (tx *Tx) InsertRevokedToken(ctx context.Context, scope estate.Scope, r estate.RevokedToken, now time.Time) error {
	c := &conditions{}
	values := strings.Join([]string{c.arg(r.ID), "organization_id", "id", c.arg(micros(r.ExpiresAt)), c.arg(micros(now))}, ", ")
	c.add("id = " + c.arg(r.Client))
	c.add(actsIn(c, scope))
	n, err := tx.exec(ctx, "insert into revoked_tokens (jti, organization_id, client_id, expires_at, created_at) select "+values+" from clients"+c.where()+
		" on conflict (jti) do update set jti = excluded.jti where revoked_tokens.client_id = excluded.client_id", c.args...) // an update, to be counted
	if err == nil && n == 0 {
		err = errClientNotFound
	}
	if err != nil {
		return wrap("insert revoked token", err)
	}
	return tx.changed(ctx, now, ChangeRevocation, RevokedTokenKey(r))
}

// Revocations returns all that is revoked and not expired at now. Servers keep
// it in memory: it concerns every request, whoever makes it.
func (tx *Tx) Revocations(ctx context.Context, now time.Time) ([]estate.RevokedToken, []estate.RevokedGrant, error) {
	rows, err := tx.rows(ctx, "select jti, client_id, expires_at from revoked_tokens where expires_at > $1", micros(now))
	tokens, err := collect(rows, err, func(row rowScanner) (r estate.RevokedToken, err error) {
		var expires int64
		err = row.Scan(&r.ID, &r.Client, &expires)
		r.ExpiresAt = fromMicros(expires)
		return r, err
	})
	if err != nil {
		return nil, nil, wrap("select revoked tokens", err)
	}
	rows, err = tx.rows(ctx, "select tenant_id, client_id, user_id, issued_until, expires_at from revoked_grants where expires_at > $1", micros(now))
	grants, err := collect(rows, err, func(row rowScanner) (r estate.RevokedGrant, err error) {
		var until, expires int64
		err = row.Scan(&r.Tenant, &r.Client, &r.User, &until, &expires)
		r.IssuedUntil, r.ExpiresAt = fromMicros(until), fromMicros(expires)
		return r, err
	})
	return tokens, grants, wrap("select revoked grants", err)
}

// trimRevocations forgets what is revoked and has expired. A server with a slow
// clock must not accept it again: see clockMargin.
func (tx *Tx) trimRevocations(ctx context.Context, now time.Time) error {
	for _, table := range []string{"revoked_tokens", "revoked_grants"} {
		if _, err := tx.exec(ctx, "delete from "+table+" where expires_at < $1", micros(now.Add(-clockMargin))); err != nil {
			return wrap("trim "+table, err)
		}
	}
	return nil
}

// clockMargin is by how much the clocks of servers may differ.
const clockMargin = time.Hour

// The keys of changes of kind ChangeRevocation hold everything that a follower
// needs, so that a revocation takes effect without a read.
const (
	revokedTokenPrefix = "token"
	revokedGrantPrefix = "grant"
)

// RevokedTokenKey is the key of the change that revokes r.
func RevokedTokenKey(r estate.RevokedToken) string {
	return fmt.Sprintf("%s/%s/%s/%d", revokedTokenPrefix, r.ID, r.Client, micros(r.ExpiresAt))
}

// RevokedGrantKey is the key of the change that revokes r.
func RevokedGrantKey(r estate.RevokedGrant) string {
	return fmt.Sprintf("%s/%s/%s/%s/%d/%d", revokedGrantPrefix, r.Tenant, r.Client, r.User, micros(r.IssuedUntil), micros(r.ExpiresAt))
}

// ParseRevocation reads the key of a change of kind ChangeRevocation: one of
// token and grant is set, none if the key is not one.
func ParseRevocation(key string) (token *estate.RevokedToken, grant *estate.RevokedGrant) {
	parts := strings.Split(key, "/")
	switch {
	case len(parts) == 4 && parts[0] == revokedTokenPrefix:
		expires, err := strconv.ParseInt(parts[3], 10, 64)
		if err != nil {
			return nil, nil
		}
		return &estate.RevokedToken{ID: parts[1], Client: estate.ClientID(parts[2]), ExpiresAt: fromMicros(expires)}, nil
	case len(parts) == 6 && parts[0] == revokedGrantPrefix:
		until, err := strconv.ParseInt(parts[4], 10, 64)
		expires, err2 := strconv.ParseInt(parts[5], 10, 64)
		if err != nil || err2 != nil {
			return nil, nil
		}
		return nil, &estate.RevokedGrant{
			Tenant: estate.TenantID(parts[1]), Client: estate.ClientID(parts[2]), User: estate.UserID(parts[3]),
			IssuedUntil: fromMicros(until), ExpiresAt: fromMicros(expires),
		}
	}
	return nil, nil
}
