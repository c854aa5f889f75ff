// Package keyring holds the server's own keys: it creates them, keeps them
// sealed in the database under a master key, signs and verifies JWTs with them,
// changes them on a schedule, and hashes client secrets. The database alone is
// worth nothing to a thief.
package keyring

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Keyring is the opened set of keys. It is safe for concurrent use: readers see
// one immutable state, which is replaced as a whole when keys change.
type Keyring struct {
	db        *store.Store
	source    MasterSource
	algorithm string
	now       func() time.Time
	reload    func() error // load in the middle of a request, whose context has no say in it

	current atomic.Pointer[state]
	stale   atomic.Bool // keys have changed since current was loaded

	mu     sync.Mutex // held while loading
	master masterKey
	paused time.Time // no further load that a failure or a stranger's token asks for until then
}

// state is a set of opened keys.
type state struct {
	opened  map[estate.KeyID][]byte         // plain, so that no key is unsealed twice
	signers map[estate.KeyPurpose][]*signer // newest first
	headers map[string]*signer              // by encoded JWT header, see Verify
	hashes  map[estate.KeyID][]byte
	hashers map[estate.KeyID]*hasher // of hashes
	hash    estate.KeyID             // the one that hashes now
	jwks    []byte
}

// ErrInvalidToken is what Verify answers for whatever it does not accept.
var ErrInvalidToken = errors.New("invalid token")

// Options say where the keys come from.
type Options struct {
	Master    MasterSource
	Algorithm string // of new access-token keys
	Now       func() time.Time
}

// Open loads the keys of the database and creates those that are missing.
func Open(ctx context.Context, db *store.Store, o Options) (*Keyring, error) {
	k := &Keyring{db: db, source: o.Master, algorithm: o.Algorithm, now: o.Now}
	k.reload = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return k.load(ctx)
	}
	sealed, err := k.sealed(ctx)
	if err != nil {
		return nil, err
	}
	if k.master, err = o.Master.load(ctx, len(sealed) == 0); err != nil {
		return nil, err
	}
	if sealed, err = k.createMissing(ctx, sealed); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	loaded, err := k.open(k.master, sealed)
	if err != nil {
		return nil, err
	}
	k.current.Store(loaded)
	db.Subscribe(func(changes []store.Change) {
		for _, c := range changes {
			if c.Kind == store.ChangeKey || c.Kind == store.ChangeAll {
				k.stale.Store(true)
			}
		}
	})
	return k, nil
}

func (k *Keyring) sealed(ctx context.Context) (sealed []estate.Key, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		sealed, err = tx.Keys(ctx)
		return err
	})
	return sealed, err
}

// createMissing makes the first key of each purpose that has none.
func (k *Keyring) createMissing(ctx context.Context, sealed []estate.Key) ([]estate.Key, error) {
	purposes := map[estate.KeyPurpose]string{
		estate.KeyAccessToken: k.algorithm, estate.KeyLicense: "ES256", estate.KeyClientSecret: "HS256",
	}
	missing := func() map[estate.KeyPurpose]string {
		left := map[estate.KeyPurpose]string{}
		for purpose, algorithm := range purposes {
			if !slices.ContainsFunc(sealed, func(key estate.Key) bool { return key.Purpose == purpose }) {
				left[purpose] = algorithm
			}
		}
		return left
	}
	if len(missing()) == 0 {
		return sealed, nil
	}
	now := k.now()
	err := k.db.Write(ctx, func(tx *store.Tx) (err error) {
		if sealed, err = tx.Keys(ctx); err != nil { // another process may have been faster
			return err
		}
		for purpose, algorithm := range missing() {
			key, err := generate(k.master, estate.Key{Purpose: purpose, Algorithm: algorithm, CreatedAt: now, ActiveAt: now, Generation: 1})
			if err != nil {
				return err
			}
			if err := tx.InsertKey(ctx, key); err != nil {
				return err
			}
			sealed = append(sealed, key)
		}
		return nil
	})
	return sealed, err
}

// open opens what is sealed, oldest first. Keys that are open already stay so,
// whatever they are sealed under now.
func (k *Keyring) open(master masterKey, sealed []estate.Key) (*state, error) {
	s := &state{
		opened:  map[estate.KeyID][]byte{},
		signers: map[estate.KeyPurpose][]*signer{},
		headers: map[string]*signer{},
		hashes:  map[estate.KeyID][]byte{},
		hashers: map[estate.KeyID]*hasher{},
	}
	var known map[estate.KeyID][]byte
	if current := k.current.Load(); current != nil {
		known = current.opened
	}
	var published jose.JSONWebKeySet
	for _, key := range sealed {
		plain, err := known[key.ID], error(nil)
		if plain == nil {
			plain, err = master.open(key)
		}
		if err != nil {
			return nil, fmt.Errorf("open key %s: %w; is this the master key that the database was made with, or changed to?", key.ID, err)
		}
		s.opened[key.ID] = plain
		if key.Purpose == estate.KeyClientSecret {
			s.hashes[key.ID], s.hashers[key.ID], s.hash = plain, newHasher(plain), key.ID
			continue
		}
		sign, err := newSigner(key, plain)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key.ID, err)
		}
		s.signers[key.Purpose] = slices.Insert(s.signers[key.Purpose], 0, sign)
		s.headers[sign.header] = sign
		if key.Purpose == estate.KeyAccessToken {
			published.Keys = append(published.Keys, jose.JSONWebKey{Key: sign.private.Public(), KeyID: string(key.ID), Algorithm: key.Algorithm, Use: "sig"})
		}
	}
	var err error
	s.jwks, err = json.Marshal(published)
	return s, err
}

func generate(master masterKey, key estate.Key) (estate.Key, error) {
	key.ID = estate.NewKeyID()
	plain := make([]byte, 32)
	if key.Algorithm == "HS256" {
		_, _ = rand.Read(plain) // never fails, by its documentation
	} else {
		var err error
		if plain, err = generateSigner(key.Algorithm); err != nil {
			return key, err
		}
	}
	key.Sealed = master.seal(key, plain)
	return key, nil
}

// retryPause is how long after a failed load, or one for a token of an unknown
// key, the next such load has to wait.
const retryPause = time.Second

// loadTimeout bounds a load that happens in the middle of a request.
const loadTimeout = 5 * time.Second

// state is the present state. When keys have changed, one caller loads them
// while the others go on with what they have: a new key is known long before it
// signs.
func (k *Keyring) state() *state {
	if k.stale.Load() && k.mu.TryLock() {
		if !k.now().Before(k.paused) {
			if err := k.reload(); err != nil {
				k.paused = k.now().Add(retryPause) // and stale is still set
			}
		}
		k.mu.Unlock()
	}
	return k.current.Load()
}

// Refresh loads the keys anew, and the master key too if it has changed.
func (k *Keyring) Refresh(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.load(ctx)
}

// load replaces the state by what the database has. The caller holds mu.
func (k *Keyring) load(ctx context.Context) error {
	k.stale.Store(false) // first: a change from here on must not be missed
	err := func() error {
		sealed, err := k.sealed(ctx)
		if err != nil {
			return err
		}
		if err := k.renewMaster(ctx, sealed); err != nil {
			return err
		}
		loaded, err := k.open(k.master, sealed)
		if err != nil {
			return err
		}
		k.current.Store(loaded)
		return nil
	}()
	if err != nil {
		k.stale.Store(true)
	}
	return err
}

// renewMaster reads the master key again if it no longer opens the newest key,
// which is when the keys were sealed anew. If there is none yet that does, the
// old one stays; what is open stays open.
func (k *Keyring) renewMaster(ctx context.Context, sealed []estate.Key) error {
	if k.master.opens(sealed) {
		return nil
	}
	master, err := k.source.load(ctx, false)
	if err != nil {
		return err
	}
	if master.opens(sealed) {
		k.master = master
	}
	return nil
}

// JWKS is the published key set, as JSON (RFC 7517): keys that sign, will sign,
// or have signed tokens that are still good.
func (k *Keyring) JWKS() []byte { return k.state().jwks }

// SigningAlgorithms lists the algorithms of published keys, newest first.
func (k *Keyring) SigningAlgorithms() []string {
	var names []string
	for _, s := range k.state().signers[estate.KeyAccessToken] {
		if !slices.Contains(names, s.algorithm) {
			names = append(names, s.algorithm)
		}
	}
	return names
}

// signer is the key of purpose that signs now.
func (k *Keyring) signer(purpose estate.KeyPurpose) *signer {
	all := k.state().signers[purpose]
	last := len(all) - 1
	if last == 0 {
		return all[0]
	}
	now := k.now()
	for _, s := range all[:last] {
		if !s.activeAt.After(now) {
			return s
		}
	}
	return all[last]
}

// Sign makes a JWT (JWS compact serialization) of claims, which is a JSON
// object.
func (k *Keyring) Sign(purpose estate.KeyPurpose, claims []byte) (string, error) {
	s := k.signer(purpose)
	return s.jwt(s.header, claims)
}

// SignIntrospection makes a JWT of an introspection answer (RFC 9701), with the
// key that signs access tokens, as which it does not pass.
func (k *Keyring) SignIntrospection(claims []byte) (string, error) {
	s := k.signer(estate.KeyAccessToken)
	return s.jwt(s.introspection, claims)
}

// Verify checks the signature of a JWT made by Sign for purpose and returns its
// claims. It checks no claim. Only headers that this keyring wrote itself are
// accepted, byte for byte: no algorithm, key or type is taken from the token.
func (k *Keyring) Verify(purpose estate.KeyPurpose, token string) ([]byte, error) {
	return k.verify(k.state(), purpose, token)
}

func (k *Keyring) verify(keys *state, purpose estate.KeyPurpose, token string) ([]byte, error) {
	header, rest, ok := strings.Cut(token, ".")
	if !ok {
		return nil, ErrInvalidToken
	}
	s := keys.headers[header]
	if s == nil {
		s = k.meet(header)
	}
	if s == nil || s.purpose != purpose {
		return nil, ErrInvalidToken
	}
	body, encoded, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, ErrInvalidToken
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	oneSpelling := len(encoded) == base64.RawURLEncoding.EncodedLen(len(signature)) // the decoder skips line breaks
	if err != nil || !oneSpelling || !s.verify([]byte(token[:len(header)+1+len(body)]), signature) {
		return nil, ErrInvalidToken
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, ErrInvalidToken
	}
	return claims, nil
}

// meet looks whether an unknown header is that of a key which another process
// has made and which this one has not heard of yet. Strangers can write such
// headers too, so it looks once in retryPause.
func (k *Keyring) meet(header string) *signer {
	if !k.mayBeOurs(header) {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.current.Load().headers[header]; s != nil {
		return s // loaded while this caller waited
	}
	now := k.now()
	if now.Before(k.paused) {
		return nil
	}
	k.paused = now.Add(retryPause)
	if err := k.reload(); err != nil {
		return nil // stale is set, so the next caller tries again
	}
	return k.current.Load().headers[header]
}

// mayBeOurs tells whether header looks like one of a keyring, with a key that
// this one does not have.
func (k *Keyring) mayBeOurs(encoded string) bool {
	const longest = 200
	if len(encoded) > longest {
		return false
	}
	var header struct {
		Algorithm string       `json:"alg"`
		KeyID     estate.KeyID `json:"kid"`
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return false
	}
	_, known := k.current.Load().opened[header.KeyID]
	return !known && header.KeyID.Valid() && slices.Contains(Algorithms(), header.Algorithm)
}

// HashSecret is the stored form of a client's secret and the key it was made
// with. The client id is part of it, so that hashes can't be moved between
// clients. Secrets are 256 random bits: a fast keyed hash is as strong as a
// slow one, and costs a thousandth.
func (k *Keyring) HashSecret(client estate.ClientID, secret estate.Secret) (estate.KeyID, []byte) {
	s := k.state()
	return s.hash, s.hashers[s.hash].hash(client, secret)
}

// SecretMatches compares secret with a stored hash in constant time.
func (k *Keyring) SecretMatches(stored estate.ClientSecret, client estate.ClientID, secret estate.Secret) bool {
	s := k.state()
	hasher, ok := s.hashers[stored.KeyID]
	if !ok {
		hasher = s.hashers[s.hash] // it takes as long
	}
	matches := subtle.ConstantTimeCompare(stored.Hash, hasher.hash(client, secret)) == 1
	return ok && matches
}

// hasher hashes secrets with one key. It keeps what it makes of the key.
type hasher struct{ macs sync.Pool }

func newHasher(key []byte) *hasher {
	return &hasher{macs: sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// mac is a hash with room for what goes in and what comes out.
type mac struct {
	hash.Hash
	text []byte
}

func (h *hasher) hash(client estate.ClientID, secret estate.Secret) []byte {
	m, _ := h.macs.Get().(*mac)
	defer h.macs.Put(m)
	m.Reset()
	m.text = append(append(append(m.text[:0], client...), 0), secret.Reveal()...)
	_, _ = m.Write(m.text) // never fails, by its documentation
	clear(m.text)
	return m.Sum(nil)
}
