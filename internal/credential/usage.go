package credential

import (
	"context"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// usage counts issued tokens until they are written: a token must not wait for
// the disk. What is counted is lost when the process is killed before the next
// flush, at most FlushInterval's worth.
type usage struct {
	writing sync.Mutex // held until all that was taken is written

	mu     sync.Mutex
	counts map[usageKey]*store.ClientUsage

	secrets map[secretUse]secretTimes
}

// FlushInterval is how often use is written.
const FlushInterval = 500 * time.Millisecond

type usageKey struct {
	client estate.ClientID
	user   estate.UserID // empty above tenants
	scope  estate.Scope
	level  estate.Level
	workload

	impersonated bool // user is not the client's own
	approved     bool // by the user, for whom the client acts
}

func (u *usage) add(i *issue, now time.Time) {
	key := usageKey{client: i.client.ID, user: i.user, impersonated: i.actor != nil, approved: i.family != "", scope: i.scope, level: i.client.Level, workload: i.workload}
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.counts[key]
	if c == nil {
		c = &store.ClientUsage{Client: i.client.ID, Tenant: i.scope.Tenant, FirstUsedAt: now}
		u.counts[key] = c
	}
	c.LastUsedAt = now
	c.Tokens++
}

func (u *usage) take() map[usageKey]*store.ClientUsage {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.counts
	u.counts = make(map[usageKey]*store.ClientUsage, len(taken))
	return taken
}

// Run writes use behind the token path until ctx ends, and once more then.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(FlushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Flush(ctx)
		case <-ctx.Done():
			s.Flush(context.WithoutCancel(ctx))
			s.flushRefusals(context.WithoutCancel(ctx), true)
			return
		}
	}
}

// Flush writes what was counted since the last time: the use of each client,
// and one audit record with the number of tokens it got; and the clients that
// were slowed down. What can't be written is counted as lost in the log. When it
// returns, nothing that was counted before is left to be written by another call.
func (s *Service) Flush(ctx context.Context) {
	s.usage.writing.Lock()
	defer s.usage.writing.Unlock()
	s.flushThrottled(ctx)
	s.flushRefusals(ctx, false)
	s.flushSecrets(ctx)
	taken := s.usage.take()
	if len(taken) == 0 {
		return
	}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		for key, count := range taken {
			if err := tx.AddClientUsage(ctx, key.scope, *count); err != nil {
				return err
			}
			if key.user != "" {
				g := estate.Grant{ID: estate.NewGrantID(), Client: key.client, User: key.user, LastUsedAt: count.LastUsedAt}
				if err := tx.AddGrantUse(ctx, key.scope, g); err != nil {
					return err
				}
			}
			actor := estate.Actor{Kind: estate.ActorClient, ID: string(key.client), Level: key.level}
			data := map[string]any{"tokens": count.Tokens}
			if key.impersonated {
				data["impersonates"] = key.user
			}
			if key.approved {
				data["actsFor"] = key.user
			}
			if w := key.workload; w.credential != "" {
				data["federatedCredential"], data["issuer"], data["subject"] = w.credential, w.issuer, w.subject
			}
			if err := s.audit.Done(ctx, tx, actor, key.scope, "oauth-token.issue", string(key.client), data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		var tokens int64
		for _, count := range taken {
			tokens += count.Tokens
		}
		s.log.ErrorContext(ctx, "use of clients lost", "clients", len(taken), "tokens", tokens, "error", err)
	}
}
