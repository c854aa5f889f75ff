package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

const secretColumns = "hint, key_id, hash, created_by, created_at, expires_at, first_used_at, last_used_at, warned_at, rotation, end_before"

var errSecretNotFound = estate.E(estate.NotFound, api.CodeSecretNotFound, "Not found", "The client has no secret with this hint.")

func scanSecret(row rowScanner) (s estate.ClientSecret, err error) {
	var created, expires, first, last, warned, before int64
	err = row.Scan(&s.Hint, &s.KeyID, &s.Hash, &s.CreatedBy, &created, &expires, &first, &last, &warned, &s.Rotation, &before)
	s.CreatedAt, s.ExpiresAt, s.FirstUsedAt, s.LastUsedAt = fromMicros(created), fromMicros(expires), fromMicros(first), fromMicros(last)
	s.WarnedAt, s.EndBefore = fromMicros(warned), fromMicros(before)
	return s, err
}

// InsertClientSecret adds a secret to a client.
func (tx *Tx) InsertClientSecret(ctx context.Context, scope estate.Scope, id estate.ClientID, s estate.ClientSecret) error {
	if _, err := tx.Client(ctx, scope, id); err != nil {
		return err
	}
	if err := tx.insertClientSecret(ctx, scope, id, s); err != nil {
		return err
	}
	return tx.changed(ctx, s.CreatedAt, ChangeClient, string(id))
}

func (tx *Tx) insertClientSecret(ctx context.Context, scope estate.Scope, id estate.ClientID, s estate.ClientSecret) error {
	_, err := tx.exec(ctx, "insert into client_secrets (organization_id, client_id, "+secretColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		scope.Organization, id, s.Hint, s.KeyID, s.Hash, s.CreatedBy, micros(s.CreatedAt), micros(s.ExpiresAt), micros(s.FirstUsedAt),
		micros(s.LastUsedAt), micros(s.WarnedAt), string(s.Rotation), micros(s.EndBefore))
	return wrap("insert client secret", err)
}

// UpdateClientSecret replaces when a secret ends, when that was announced, and
// its part in a rotation.
func (tx *Tx) UpdateClientSecret(ctx context.Context, scope estate.Scope, id estate.ClientID, s estate.ClientSecret, at time.Time) error {
	if _, err := tx.Client(ctx, scope, id); err != nil {
		return err
	}
	n, err := tx.exec(ctx, `update client_secrets set expires_at = $4, warned_at = $5, rotation = $6, end_before = $7
		where organization_id = $1 and client_id = $2 and hint = $3`,
		scope.Organization, id, s.Hint, micros(s.ExpiresAt), micros(s.WarnedAt), string(s.Rotation), micros(s.EndBefore))
	if err == nil && n == 0 {
		err = errSecretNotFound
	}
	if err != nil {
		return wrap("update client secret", err)
	}
	return tx.changed(ctx, at, ChangeClient, string(id))
}

// DeleteClientSecret erases a secret.
func (tx *Tx) DeleteClientSecret(ctx context.Context, scope estate.Scope, id estate.ClientID, hint string, at time.Time) error {
	if _, err := tx.Client(ctx, scope, id); err != nil {
		return err
	}
	n, err := tx.exec(ctx, "delete from client_secrets where organization_id = $1 and client_id = $2 and hint = $3", scope.Organization, id, hint)
	if err == nil && n == 0 {
		err = errSecretNotFound
	}
	if err != nil {
		return wrap("delete client secret", err)
	}
	return tx.changed(ctx, at, ChangeClient, string(id))
}

// AddSecretUse notes that a client authenticated with a secret. Several processes
// write behind, so uses come in any order, and a secret that is gone by now is
// passed over. It is no change of the client: nothing that is cached depends on
// it.
func (tx *Tx) AddSecretUse(ctx context.Context, scope estate.Scope, id estate.ClientID, hint string, first, last time.Time) error {
	c := &conditions{} // arguments in the order of the text: see namelessParameters
	set := "update client_secrets set first_used_at = case when first_used_at = 0 or first_used_at > " + c.arg(micros(first)) + " then " + c.arg(micros(first)) + " else first_used_at end" +
		", last_used_at = case when last_used_at < " + c.arg(micros(last)) + " then " + c.arg(micros(last)) + " else last_used_at end"
	c.within(scope, "subscription_id", "region", "tenant_id")
	c.add("id = " + c.arg(id))
	client := "(select id from clients" + c.where() + ")"
	c.terms = nil
	c.add("client_id = " + client)
	c.add("hint = " + c.arg(hint))
	c.add("organization_id = " + c.arg(scope.Organization))
	err := tx.insert(ctx, set+c.where(), c.args...)
	return wrap("add secret use", err)
}

// SecretDue is a secret whose end is near or past.
type SecretDue struct {
	Scope  estate.Scope // of the client
	Client estate.ClientID
	Secret estate.ClientSecret
}

// SecretsDue returns the secrets of all organizations that end before until and
// have ended by now or were not yet announced: at most MaxPage, the most urgent
// first.
func (tx *Tx) SecretsDue(ctx context.Context, now, until time.Time) ([]SecretDue, error) {
	rows, err := tx.rows(ctx, `select c.organization_id, c.subscription_id, c.region, c.tenant_id, c.id, s.hint, s.expires_at, s.warned_at, s.rotation
		from client_secrets s join clients c on c.organization_id = s.organization_id and c.id = s.client_id
		where s.expires_at <> 0 and s.expires_at <= $2 and (s.expires_at <= $1 or (s.warned_at = 0 and s.rotation = ''))
		order by s.expires_at, s.client_id, s.hint limit $3`, micros(now), micros(until), MaxPage)
	all, err := collect(rows, err, func(row rowScanner) (d SecretDue, err error) {
		var expires, warned int64
		err = row.Scan(&d.Scope.Organization, &d.Scope.Subscription, &d.Scope.Region, &d.Scope.Tenant, &d.Client, &d.Secret.Hint, &expires, &warned, &d.Secret.Rotation)
		d.Secret.ExpiresAt, d.Secret.WarnedAt = fromMicros(expires), fromMicros(warned)
		return d, err
	})
	return all, wrap("select due secrets", err)
}
