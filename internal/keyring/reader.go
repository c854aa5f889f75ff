package keyring

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/freehold-platform/freehold/internal/estate"
)

// Reader verifies the tokens of one purpose and remembers their claims, so that
// a token which is shown again and again costs its signature once. What is
// remembered is that the signature was good, of the very same text, and nothing
// else: whether a token has expired or was revoked is up to its caller each time.
// When keys change, everything is forgotten. A Reader is safe for concurrent use.
type Reader[T any] struct {
	keys    *Keyring
	purpose estate.KeyPurpose
	half    int // tokens in each of recent and older

	mu            sync.RWMutex
	under         *state // the keys by which those below were verified
	recent, older map[string]*T
}

// NewReader makes a Reader that remembers the claims of at most limit tokens; of
// more, those go that were not shown for longest.
func NewReader[T any](keys *Keyring, purpose estate.KeyPurpose, limit int) *Reader[T] {
	return &Reader[T]{keys: keys, purpose: purpose, half: max(limit/2, 1)}
}

// Read returns the claims of a token that Sign made for the purpose, or
// ErrInvalidToken. They are shared: nobody may change them.
func (r *Reader[T]) Read(token string) (*T, error) {
	now := r.keys.state()
	r.mu.RLock()
	claims, ok := r.recent[token]
	ok = ok && r.under == now
	r.mu.RUnlock()
	if ok {
		return claims, nil
	}
	if claims := r.again(now, token); claims != nil {
		return claims, nil
	}
	payload, err := r.keys.verify(now, r.purpose, token)
	if err != nil {
		return nil, err
	}
	claims = new(T)
	if json.Unmarshal(payload, claims) != nil {
		return nil, ErrInvalidToken
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under == now { // else the keys have changed since, or verify has met a new one
		r.keep(strings.Clone(token), claims)
	}
	return claims, nil
}

// again looks among the older tokens, after all have been forgotten that other
// keys than now's were good for.
func (r *Reader[T]) again(now *state, token string) *T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under != now {
		r.under, r.recent, r.older = now, map[string]*T{}, nil
	}
	claims := r.older[token]
	if claims != nil {
		r.keep(strings.Clone(token), claims)
	}
	return claims
}

// keep remembers claims. The caller holds mu.
func (r *Reader[T]) keep(token string, claims *T) {
	if len(r.recent) >= r.half {
		r.recent, r.older = make(map[string]*T, r.half), r.recent
	}
	r.recent[token] = claims
}
