package credential

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// revocations is everything that is revoked and not yet expired, in memory, so
// that no request reads the database for it. It is filled at first use and kept
// up by the change feed, whose entries hold all there is to know. While it may
// be incomplete, nothing is let through.
type revocations struct {
	load func(context.Context) ([]estate.RevokedToken, []estate.RevokedGrant, error)
	now  func() time.Time

	complete atomic.Bool
	loading  sync.Mutex

	mu     sync.RWMutex
	epoch  uint64               // counts interruptions of the feed
	tokens map[string]time.Time // by jti, until when to remember
	grants map[grantKey]estate.RevokedGrant
	sweep  int // size at which to forget what is expired
}

// grantKey names a grant by what it is about.
type grantKey struct {
	tenant estate.TenantID
	client estate.ClientID
	user   estate.UserID
}

// minSweep is how many revocations are kept before expired ones are looked for.
const minSweep = 1024

func newRevocations(now func() time.Time, load func(context.Context) ([]estate.RevokedToken, []estate.RevokedGrant, error)) *revocations {
	return &revocations{load: load, now: now, tokens: map[string]time.Time{}, grants: map[grantKey]estate.RevokedGrant{}, sweep: minSweep}
}

// ready makes sure that the set is complete.
func (r *revocations) ready(ctx context.Context) error {
	if r.complete.Load() {
		return nil
	}
	r.loading.Lock()
	defer r.loading.Unlock()
	for !r.complete.Load() {
		r.mu.RLock()
		epoch := r.epoch
		r.mu.RUnlock()
		tokens, grants, err := r.load(ctx)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			r.addToken(t)
		}
		for _, g := range grants {
			r.addGrant(g)
		}
		r.mu.Lock()
		if r.epoch == epoch { // else the feed was interrupted while we read
			r.complete.Store(true)
		}
		r.mu.Unlock()
	}
	return nil
}

// interrupted notes that changes may have been missed.
func (r *revocations) interrupted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	r.complete.Store(false)
}

// changed takes a change of kind store.ChangeRevocation.
func (r *revocations) changed(key string) {
	token, grant := store.ParseRevocation(key)
	switch {
	case token != nil:
		r.addToken(*token)
	case grant != nil:
		r.addGrant(*grant)
	default: // of a newer version of the program
		r.interrupted()
	}
}

func (r *revocations) addToken(t estate.RevokedToken) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[t.ID] = t.ExpiresAt
	r.forget()
}

func (r *revocations) addGrant(g estate.RevokedGrant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := grantKey{g.Tenant, g.Client, g.User}
	if known, ok := r.grants[key]; !ok || known.IssuedUntil.Before(g.IssuedUntil) {
		r.grants[key] = g
	}
	r.forget()
}

// forget drops what is expired, once the set has grown by half since the last
// time: the cost of it is spread over the additions. The caller holds mu.
func (r *revocations) forget() {
	if len(r.tokens)+len(r.grants) < r.sweep {
		return
	}
	now := r.now()
	for id, expires := range r.tokens {
		if expires.Before(now) {
			delete(r.tokens, id)
		}
	}
	for key, g := range r.grants {
		if g.ExpiresAt.Before(now) {
			delete(r.grants, key)
		}
	}
	r.sweep = max(minSweep, (len(r.tokens)+len(r.grants))*3/2)
}

// revoked tells whether the token with these claims is.
func (r *revocations) revoked(ctx context.Context, c *api.Claims) (bool, error) {
	if err := r.ready(ctx); err != nil {
		return true, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, ok := r.tokens[c.ID]; ok {
		return true, nil
	}
	if _, ok := r.tokens[c.Family]; ok && c.Family != "" {
		return true, nil
	}
	if len(r.grants) == 0 {
		return false, nil
	}
	g, ok := r.grants[grantKey{estate.TenantID(c.Tenant), estate.ClientID(c.ClientID), estate.UserID(c.User)}]
	return ok && issuedAt(c) <= g.IssuedUntil.UnixMilli(), nil
}

// issuedAt is when a token was issued, in Unix milliseconds. Tokens of old hold
// seconds only, and count as issued at their beginning.
func issuedAt(c *api.Claims) int64 {
	if c.IssuedMillis != 0 {
		return c.IssuedMillis
	}
	return c.IssuedAt * 1000
}

// issueTime is the time to put into a token of the grant that is issued at now:
// later than the grant's revocation, if there is one, even by a clock that is
// behind the one that it was revoked by.
func (r *revocations) issueTime(k grantKey, now time.Time) time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.grants) == 0 {
		return now
	}
	if g, ok := r.grants[k]; ok && !now.After(g.IssuedUntil) {
		return g.IssuedUntil.Add(time.Millisecond)
	}
	return now
}

func (s *Service) loadRevocations(ctx context.Context) (tokens []estate.RevokedToken, grants []estate.RevokedGrant, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		tokens, grants, err = tx.Revocations(ctx, s.now())
		return err
	})
	return tokens, grants, err
}
