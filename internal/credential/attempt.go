package credential

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// authenticateClient proves who asks, unless too many attempts have failed from
// where it comes: then nobody is even looked for, but for a client that was right
// there lately. See throttle.Attempts for the rules.
func (s *Service) authenticateClient(ctx context.Context, c Credentials) (estate.Client, error) {
	now := s.now()
	wait := s.attempts.Wait(c.ClientID, c.Address, now)
	if wait > 0 && !s.attempts.Known(c.ClientID, c.Address, now) {
		return estate.Client{}, errTooManyAttempts(wait)
	}
	client, err := s.proveClient(ctx, c)
	switch {
	case wait > 0 && estate.HasCode(err, api.CodeOAuthInvalidClient):
		return estate.Client{}, errTooManyAttempts(wait)
	case err == nil:
		s.attempts.Succeeded(string(client.ID), c.Address, now)
	case estate.HasCode(err, api.CodeOAuthInvalidClient):
		clientWaits, addressWaits := s.attempts.Failed(c.ClientID, c.Address, now)
		if clientWaits {
			s.throttled.add(throttledAttempt{now, estate.ClientID(c.ClientID), c.Address})
		}
		if addressWaits {
			s.throttled.add(throttledAttempt{now, "", c.Address})
		}
	}
	return client, err
}

func errTooManyAttempts(wait time.Duration) error {
	return errTooOften(wait, "Too many failed attempts", "Client authentication failed too often from this address.")
}

// errTooOften says what was done too often, and how long to wait.
func errTooOften(wait time.Duration, title, detail string) error {
	e := estate.E(estate.RateLimited, api.CodeOAuthTooManyAttempts, title, fmt.Sprintf("%s Wait %d seconds.", detail, int64(wait/time.Second)))
	e.RetryAfter = wait
	return e
}

// throttled are the waits that have begun, until they are written: an attempt
// must take as long for a client that exists as for one that does not.
type throttled struct {
	writing sync.Mutex // held until all that was taken is written

	mu     sync.Mutex
	begun  []throttledAttempt
	minute int64 // Unix time of what follows, in minutes
	count  int   // of waits that began in it
}

type throttledAttempt struct {
	at      time.Time
	client  estate.ClientID // empty: the whole address waits
	address netip.Addr
}

// maxThrottled is how many waits are written a minute. Of a flood only the size
// is.
const maxThrottled = 20

func (t *throttled) add(a throttledAttempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.minute == 0 {
		t.minute = a.at.Unix() / 60
	}
	if t.count++; t.count <= maxThrottled {
		t.begun = append(t.begun, a)
	}
}

// take returns what is to be written, and once a minute is over how many more
// there were in it.
func (t *throttled) take(now time.Time) (begun []throttledAttempt, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	begun, t.begun = t.begun, nil
	if now.Unix()/60 != t.minute {
		more = max(t.count-maxThrottled, 0)
		t.minute, t.count = 0, 0
	}
	return begun, more
}

// flushThrottled reports the waits that have begun: all in the log, and those of
// clients that exist in their audit trail.
func (s *Service) flushThrottled(ctx context.Context) {
	s.throttled.writing.Lock()
	defer s.throttled.writing.Unlock()
	begun, more := s.throttled.take(s.now())
	for _, a := range begun {
		s.log.WarnContext(ctx, "failed client authentication slowed down", "client", string(a.client), "address", a.address)
		if err := s.auditThrottled(ctx, a); err != nil {
			s.log.ErrorContext(ctx, "audit record lost", "action", actionThrottle, "client", string(a.client), "error", err)
		}
	}
	if more > 0 {
		s.log.WarnContext(ctx, "failed client authentication slowed down", "more", more)
	}
}

const actionThrottle = "oauth-client.throttle"

func (s *Service) auditThrottled(ctx context.Context, a throttledAttempt) error {
	if a.client == "" {
		return nil
	}
	client, err := s.clients.Get(ctx, a.client)
	var known *estate.Error
	switch {
	case errors.As(err, &known) && known.Kind == estate.NotFound:
		return nil // nobody's trail
	case err != nil:
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		return s.audit.Append(ctx, tx, estate.AuditRecord{
			Time: a.at, Scope: client.Scope, Action: actionThrottle, Target: string(client.ID), Outcome: estate.OutcomeRefused,
			Actor: estate.Actor{Kind: estate.ActorClient, ID: string(client.ID), Level: client.Level},
			Data:  map[string]any{"address": a.address.String(), "reason": "Client authentication failed too often from this address."},
		})
	})
}

// Trim forgets the failed attempts of those who have been quiet for long.
func (s *Service) Trim() {
	s.attempts.Trim(s.now())
	s.userCodes.Trim(s.now())
}
