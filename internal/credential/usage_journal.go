package credential

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// The journal of use. A client whose use is written costs a dozen index entries.
// When a few hundred are busy that is nothing; when a hundred thousand are, each
// for a token now and then, it would cost more than their tokens. So then the use
// of all is first written down in a few rows, by which it is durable, and moved
// to where it belongs a shard of the clients at a time, minutes of use of a client
// at once. Rows are moved in the transaction that removes them from the journal,
// so that whoever is killed, and whoever moves them, nothing is counted twice.

// journalFold is what moving needs to know. It is for one caller at a time.
type journalFold struct {
	shard  int       // that is moved next
	empty  int       // shards in a row in which there was nothing
	idle   bool      // the journal was found empty
	looked time.Time // when idle: when that was last
}

// foldInterval is how often an idle node looks whether there is something in the
// journal after all: of another that was killed, say.
const foldInterval = time.Minute

// journaled is one line of the journal: use of a client, or of a secret.
type journaled struct {
	Client estate.ClientID `json:"c"`
	Scope  estate.Scope    `json:"s"`
	First  int64           `json:"f"` // Unix milliseconds
	Last   int64           `json:"l"`

	Tokens       int64         `json:"n,omitempty"`
	User         estate.UserID `json:"u,omitempty"`
	Level        estate.Level  `json:"v,omitempty"`
	Credential   string        `json:"w,omitempty"` // of a workload, with its issuer and subject
	Issuer       string        `json:"wi,omitempty"`
	Subject      string        `json:"ws,omitempty"`
	Impersonated bool          `json:"i,omitempty"`
	Approved     bool          `json:"a,omitempty"`

	Hint string `json:"h,omitempty"` // of the secret, instead of the others
}

// shardOf is the shard of the journal that a client's use belongs into.
func shardOf(id estate.ClientID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % store.UsageShards)
}

// journal writes use into the journal.
func (s *Service) journal(ctx context.Context, taken map[usageKey]*store.ClientUsage, secrets map[secretUse]secretTimes) {
	var shards [store.UsageShards][]journaled
	for key, count := range taken {
		at := &shards[shardOf(key.client)]
		*at = append(*at, journaled{
			Client: key.client, Scope: key.scope, First: count.FirstUsedAt.UnixMilli(), Last: count.LastUsedAt.UnixMilli(),
			Tokens: count.Tokens, User: key.user, Level: key.level, Impersonated: key.impersonated, Approved: key.approved,
			Credential: key.credential, Issuer: key.issuer, Subject: key.subject,
		})
	}
	for key, times := range secrets {
		at := &shards[shardOf(key.client)]
		*at = append(*at, journaled{
			Client: key.client, Scope: estate.Scope{Organization: key.organization}, First: times.first.UnixMilli(), Last: times.last.UnixMilli(), Hint: key.hint,
		})
	}
	var rows []store.UsageJournal
	for shard, lines := range shards {
		if len(lines) == 0 {
			continue
		}
		text, err := json.Marshal(lines)
		if err != nil {
			s.lost(ctx, taken, err)
			return
		}
		rows = append(rows, store.UsageJournal{Shard: shard, Entries: string(text)})
	}
	if err := s.store.Write(ctx, func(tx *store.Tx) error { return tx.AppendUsageJournal(ctx, rows, s.now()) }); err != nil {
		s.keep(ctx, taken, secrets, err)
		return
	}
	s.usage.behind = false
	s.usage.folding.idle, s.usage.folding.empty = false, 0
}

// fold moves the use in the next shard of the journal to where it belongs, if
// there is any in the journal. What can't be moved stays.
func (s *Service) fold(ctx context.Context) {
	f := &s.usage.folding
	if f.idle {
		if now := s.now(); now.Sub(f.looked) < foldInterval {
			return
		} else if f.looked = now; !s.journalWaits(ctx) {
			return
		}
		f.idle, f.empty = false, 0
	}
	found := false
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		texts, err := tx.TakeUsageJournal(ctx, f.shard)
		if err != nil {
			return err
		}
		found = len(texts) > 0
		taken, secrets, err := sumUpJournal(texts)
		if err != nil {
			return err
		}
		return s.writeUsage(ctx, tx, taken, secrets, true)
	})
	if err != nil {
		s.log.ErrorContext(ctx, "use of clients stays in the journal", "shard", f.shard, "error", err)
	}
	f.shard = (f.shard + 1) % store.UsageShards
	if f.empty++; found || err != nil {
		f.empty = 0
	}
	if f.empty == emptyShards {
		f.looked, f.idle = s.now(), !s.journalWaits(ctx)
		f.empty = 0
	}
}

// emptyShards is after how many empty shards one looks whether the journal is.
const emptyShards = 8

func (s *Service) journalWaits(ctx context.Context) (waits bool) {
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		waits, err = tx.UsageJournaled(ctx)
		return err
	})
	return waits && err == nil
}

// sumUpJournal adds up what rows of the journal say.
func sumUpJournal(texts []string) (map[usageKey]*store.ClientUsage, map[secretUse]secretTimes, error) {
	taken, secrets := map[usageKey]*store.ClientUsage{}, map[secretUse]secretTimes{}
	for _, text := range texts {
		var lines []journaled
		if err := json.Unmarshal([]byte(text), &lines); err != nil {
			return nil, nil, err
		}
		for _, l := range lines {
			first, last := time.UnixMilli(l.First).UTC(), time.UnixMilli(l.Last).UTC()
			if l.Hint != "" {
				key := secretUse{l.Scope.Organization, l.Client, l.Hint}
				if known, ok := secrets[key]; ok {
					first, last = earlier(first, known.first), later(last, known.last)
				}
				secrets[key] = secretTimes{first, last}
				continue
			}
			key := usageKey{
				client: l.Client, user: l.User, scope: l.Scope, level: l.Level, workload: workload{l.Credential, l.Issuer, l.Subject},
				impersonated: l.Impersonated, approved: l.Approved,
			}
			sum := taken[key]
			if sum == nil {
				sum = &store.ClientUsage{Client: l.Client, Tenant: l.Scope.Tenant, FirstUsedAt: first, LastUsedAt: last}
				taken[key] = sum
			}
			sum.FirstUsedAt, sum.LastUsedAt = earlier(sum.FirstUsedAt, first), later(sum.LastUsedAt, last)
			sum.Tokens += l.Tokens
		}
	}
	return taken, secrets, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
