package credential

import (
	"context"
	"errors"
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

	atOnce int // maxCountedAtOnce, but in tests

	// The caller holds writing.
	behind  bool // what was counted could not be written
	folding journalFold
}

// FlushInterval is how often use is written.
const FlushInterval = 500 * time.Millisecond

// lastFlush bounds how long the end of the server waits for a database that does not
// answer.
const lastFlush = 5 * time.Second

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
			s.Flush(context.WithoutCancel(ctx)) // what was taken to be written must be, also when the server ends meanwhile
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			s.Flush(ctx)
			s.flushRefusals(ctx, true)
			if taken := s.usage.take(); len(taken) > 0 {
				s.lost(ctx, taken, errUnwritten)
			}
			return
		}
	}
}

// Flush writes what was counted since the last time: the use of each client,
// and one audit record with the number of tokens it got; and the clients that
// were slowed down. If very many clients were busy it goes into the journal first.
// What can't be written while the database is away is kept for the next time, and
// what it refuses is lost, and counted in the log. When Flush returns, nothing
// that was counted before is left to be written by another call.
func (s *Service) Flush(ctx context.Context) {
	s.usage.writing.Lock()
	defer s.usage.writing.Unlock()
	s.flushThrottled(ctx)
	s.flushRefusals(ctx, false)
	taken, secrets := s.usage.take(), s.usage.takeSecrets()
	if len(taken)+len(secrets) > s.usage.atOnce {
		s.journal(ctx, taken, secrets)
	} else if len(taken)+len(secrets) > 0 {
		err := s.store.Write(ctx, func(tx *store.Tx) error { return s.writeUsage(ctx, tx, taken, secrets, false) })
		if err != nil {
			s.keep(ctx, taken, secrets, err)
		} else {
			s.usage.behind = false
		}
	}
	s.fold(ctx)
}

// maxKept bounds how much use is kept while it can't be written.
const maxKept = 200_000

var errUnwritten = errors.New("the database did not take it until the end")

// keep puts use back that could not be written because the database is away, to be
// written with what comes.
func (s *Service) keep(ctx context.Context, taken map[usageKey]*store.ClientUsage, secrets map[secretUse]secretTimes, err error) {
	u := &s.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	if !estate.HasKind(err, estate.Unavailable) || len(u.counts)+len(taken) > maxKept {
		s.lost(ctx, taken, err)
		return
	}
	for key, count := range taken {
		if since := u.counts[key]; since != nil {
			count.LastUsedAt = later(count.LastUsedAt, since.LastUsedAt)
			count.Tokens += since.Tokens
		}
		u.counts[key] = count
	}
	for key, times := range secrets {
		if since, ok := u.secrets[key]; ok {
			times.last = later(times.last, since.last)
		}
		u.secrets[key] = times
	}
	if !u.behind {
		s.log.WarnContext(ctx, "use of clients can't be written and is kept", "clients", len(taken), "error", err)
	}
	u.behind = true
}

// maxCountedAtOnce is how many clients' use is written at once where it belongs.
// That of more goes through the journal.
const maxCountedAtOnce = 512

// lost reports use that could not be written.
func (s *Service) lost(ctx context.Context, taken map[usageKey]*store.ClientUsage, err error) {
	var tokens int64
	for _, count := range taken {
		tokens += count.Tokens
	}
	s.log.ErrorContext(ctx, "use of clients lost", "clients", len(taken), "tokens", tokens, "error", err)
}

// writeUsage writes use where it belongs. Of use from the journal the audit
// records say from when to when it was: it may be minutes.
func (s *Service) writeUsage(ctx context.Context, tx *store.Tx, taken map[usageKey]*store.ClientUsage, secrets map[secretUse]secretTimes, journaled bool) error {
	for key, times := range secrets {
		if err := tx.AddSecretUse(ctx, estate.Scope{Organization: key.organization}, key.client, key.hint, times.first, times.last); err != nil {
			return err
		}
	}
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
		if journaled {
			data["from"], data["until"] = count.FirstUsedAt.Format(time.RFC3339Nano), count.LastUsedAt.Format(time.RFC3339Nano)
		}
		if err := s.audit.Done(ctx, tx, actor, key.scope, "oauth-token.issue", string(key.client), data); err != nil {
			return err
		}
	}
	return nil
}
