package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// A signing key lives like this:
//
//	made, published ──PublishLead──▶ signs ──successor signs──▶ verifies only ──Retention──▶ gone
//
// It is published before it signs for as long as anybody may keep an old copy of
// the key set, and after it has signed until its last token has expired.

// PublishLead is how long a new key is published before it signs: longer than
// caches keep the key set, and far longer than servers take to hear of it.
const PublishLead = 15 * time.Minute

// RetentionMargin is how much longer than its last token a key is kept.
const RetentionMargin = 10 * time.Minute

// errMasterChanged keeps a server with an old master key from sealing new keys
// under it: nobody else could open them.
var errMasterChanged = errors.New("the keys are sealed under another master key than this server has: give it the new one")

// accessTokenKeys returns the keys for access tokens, oldest first, in tx.
func accessTokenKeys(ctx context.Context, tx *store.Tx) (own, all []estate.Key, err error) {
	if all, err = tx.Keys(ctx); err != nil {
		return nil, nil, err
	}
	for _, key := range all {
		if key.Purpose == estate.KeyAccessToken {
			own = append(own, key)
		}
	}
	if len(own) == 0 {
		return nil, nil, errors.New("there is no access-token key")
	}
	return own, all, nil
}

// Keys returns the keys for access tokens, oldest first, in tx.
func (k *Keyring) Keys(ctx context.Context, tx *store.Tx) ([]estate.Key, error) {
	own, _, err := accessTokenKeys(ctx, tx)
	return own, err
}

// Due returns when the next signing key should sign, if it is time to make it:
// every so long after its predecessor (0: never), or as soon as can be when the
// configured algorithm is another. The zero time means that it is not.
func (k *Keyring) Due(keys []estate.Key, every time.Duration) time.Time {
	newest, now := keys[len(keys)-1], k.now()
	soonest := now.Add(PublishLead)
	switch {
	case newest.ActiveAt.After(now):
		return time.Time{} // made, and waiting
	case newest.Algorithm != k.algorithm:
		return soonest
	case every <= 0:
		return time.Time{}
	}
	at := newest.ActiveAt.Add(every)
	switch {
	case at.After(soonest):
		return time.Time{}
	case at.Before(soonest): // the servers were off when it should have been made
		return soonest
	}
	return at
}

// Rotate makes the next signing key in tx, to sign from activeAt on. algorithm
// may be left empty: the configured one. Call Refresh first, outside of tx.
func (k *Keyring) Rotate(ctx context.Context, tx *store.Tx, algorithm string, activeAt time.Time) (estate.Key, error) {
	own, all, err := accessTokenKeys(ctx, tx)
	if err != nil {
		return estate.Key{}, err
	}
	k.mu.Lock()
	master := k.master
	k.mu.Unlock()
	if !master.opens(all) {
		return estate.Key{}, errMasterChanged
	}
	if algorithm == "" {
		algorithm = k.algorithm
	}
	key, err := generate(master, estate.Key{
		Purpose: estate.KeyAccessToken, Algorithm: algorithm, CreatedAt: k.now(), ActiveAt: activeAt, Generation: own[len(own)-1].Generation + 1,
	})
	if err != nil {
		return key, err
	}
	return key, tx.InsertKey(ctx, key)
}

// Trim deletes in tx the signing keys whose last token has expired, given how
// long tokens live, and returns their ids.
func (k *Keyring) Trim(ctx context.Context, tx *store.Tx, lifetime time.Duration) (gone []estate.KeyID, err error) {
	own, _, err := accessTokenKeys(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, key := range k.Expired(own, lifetime) {
		if err := tx.DeleteKey(ctx, key, k.now()); err != nil {
			return nil, err
		}
		gone = append(gone, key)
	}
	return gone, nil
}

// Expired returns which of keys, the oldest first, nobody needs any more.
func (k *Keyring) Expired(keys []estate.Key, lifetime time.Duration) (ids []estate.KeyID) {
	now := k.now()
	for i, key := range keys[:len(keys)-1] {
		signedUntil := keys[i+1].ActiveAt
		if !signedUntil.Add(lifetime + RetentionMargin).After(now) {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// Rewrap is a change of the master key.
type Rewrap struct {
	keys   *Keyring
	source MasterSource
	master masterKey
}

// PrepareRewrap reads the new master key, making its file if there is none.
func (k *Keyring) PrepareRewrap(ctx context.Context, source MasterSource) (*Rewrap, error) {
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	master, err := source.load(ctx, true)
	return &Rewrap{keys: k, source: source, master: master}, err
}

// Apply seals all keys anew in tx and returns how many there are. The keys
// themselves stay, so servers that have them open notice nothing.
func (r *Rewrap) Apply(ctx context.Context, tx *store.Tx) (int, error) {
	all, err := tx.Keys(ctx)
	if err != nil {
		return 0, err
	}
	r.keys.mu.Lock()
	old := r.keys.master
	r.keys.mu.Unlock()
	for _, key := range all {
		plain, err := old.open(key)
		if err != nil {
			return 0, fmt.Errorf("open key %s: %w", key.ID, err)
		}
		if err := tx.UpdateKeySeal(ctx, key.ID, r.master.seal(key, plain), r.keys.now()); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// Adopt goes on with the new master key, once Apply is committed.
func (r *Rewrap) Adopt() {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	r.keys.master, r.keys.source = r.master, r.source
}
