package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// InsertKey adds a key of the server's own. A generation of a purpose is there
// once: if another process was faster, the answer is a conflict.
func (tx *Tx) InsertKey(ctx context.Context, k estate.Key) error {
	_, err := tx.exec(ctx, "insert into keys (id, purpose, algorithm, sealed, created_at, active_at, generation) values ($1, $2, $3, $4, $5, $6, $7)",
		k.ID, k.Purpose, k.Algorithm, k.Sealed, micros(k.CreatedAt), micros(k.ActiveAt), k.Generation)
	if err != nil {
		return wrap("insert key", err)
	}
	return tx.changed(ctx, k.CreatedAt, ChangeKey, string(k.ID))
}

// Keys returns all keys of the server's own, oldest first.
func (tx *Tx) Keys(ctx context.Context) ([]estate.Key, error) {
	rows, err := tx.rows(ctx, "select id, purpose, algorithm, sealed, created_at, active_at, generation from keys order by purpose, generation")
	all, err := collect(rows, err, func(row rowScanner) (k estate.Key, err error) {
		var created, active int64
		err = row.Scan(&k.ID, &k.Purpose, &k.Algorithm, &k.Sealed, &created, &active, &k.Generation)
		k.CreatedAt, k.ActiveAt = fromMicros(created), fromMicros(active)
		return k, err
	})
	return all, wrap("select keys", err)
}

// UpdateKeySeal replaces the sealed form of a key; the key itself stays.
func (tx *Tx) UpdateKeySeal(ctx context.Context, id estate.KeyID, sealed []byte, now time.Time) error {
	if _, err := tx.exec(ctx, "update keys set sealed = $1 where id = $2", sealed, id); err != nil {
		return wrap("update key", err)
	}
	return tx.changed(ctx, now, ChangeKey, string(id))
}

// ActivateKey lets a key sign from at on.
func (tx *Tx) ActivateKey(ctx context.Context, id estate.KeyID, at time.Time) error {
	if _, err := tx.exec(ctx, "update keys set active_at = $1 where id = $2", micros(at), id); err != nil {
		return wrap("activate key", err)
	}
	return tx.changed(ctx, at, ChangeKey, string(id))
}

// DeleteKey removes a key for good.
func (tx *Tx) DeleteKey(ctx context.Context, id estate.KeyID, now time.Time) error {
	if _, err := tx.exec(ctx, "delete from keys where id = $1", id); err != nil {
		return wrap("delete key", err)
	}
	return tx.changed(ctx, now, ChangeKey, string(id))
}
