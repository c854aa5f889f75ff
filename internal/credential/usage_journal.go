package credential

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// The journal of use. A client whose use is written costs a dozen index entries.
// When a few hundred are busy that is nothing; when a hundred thousand are, each
// for a token now and then, it would cost more than their tokens. So then the use
// of all is first written down in a few rows, by which it is durable, and moved
// to where it belongs a shard of the clients at a time, minutes of use of a client
// at once. A shard has neighbours, so that what is moved is in a few pages. Rows are
// moved in the transaction that removes them from the journal, so that whoever is
// killed, and whoever moves them, nothing is counted twice.
//
// A row that is written down has the use of a group of shards: a row for every
// shard would change a page for each. Its lines, one for each shard, go to the rows
// of the shards unread, some 32 seconds of them at once. A shard's row is a list of
// entries, and a line the same without the brackets.

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

// Shards that are written down together.
const (
	groupShards = 16
	groups      = store.UsageShards / groupShards
)

// ofGroup is what the rows of a group have for their shard.
func ofGroup(group int) int { return -1 - group }

// journaled is an entry of the journal: use of a client, or of a secret.
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

// shardOf is the shard of the journal that a client's use belongs into: the first
// ten bits of its id, which is random.
func shardOf(id estate.ClientID) int {
	first, err := strconv.ParseUint(string(id[:min(len(id), 3)]), 16, 12)
	if err != nil { // not an id of ours
		return 0
	}
	return int(first) * store.UsageShards >> 12
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
	for group := range groups {
		var lines [groupShards]string
		for i, entries := range shards[group*groupShards:][:groupShards] {
			if len(entries) == 0 {
				continue
			}
			list, err := json.Marshal(entries)
			if err != nil {
				s.lost(ctx, taken, err)
				return
			}
			lines[i] = string(list[1 : len(list)-1])
		}
		if lines != [groupShards]string{} {
			rows = append(rows, store.UsageJournal{Shard: ofGroup(group), Entries: strings.Join(lines[:], "\n")})
		}
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
		moved, err := s.spread(ctx, tx, f.shard%groups)
		if err != nil {
			return err
		}
		texts, err := tx.TakeUsageJournal(ctx, f.shard)
		if err != nil {
			return err
		}
		found = moved || len(texts) > 0
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

// spread moves the use in the rows of a group to its shards. It tells whether there
// was any.
func (s *Service) spread(ctx context.Context, tx *store.Tx, group int) (moved bool, err error) {
	texts, err := tx.TakeUsageJournal(ctx, ofGroup(group))
	if err != nil {
		return false, err
	}
	var shards [groupShards][]string
	for _, text := range texts {
		for i, line := range strings.SplitN(text, "\n", groupShards) {
			if line != "" {
				shards[i] = append(shards[i], line)
			}
		}
	}
	var rows []store.UsageJournal
	for i, lines := range shards {
		if len(lines) > 0 {
			rows = append(rows, store.UsageJournal{Shard: group*groupShards + i, Entries: "[" + strings.Join(lines, ",") + "]"})
		}
	}
	return len(texts) > 0, tx.AppendUsageJournal(ctx, rows, s.now())
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

// sumUpJournal adds up what rows of a shard say.
func sumUpJournal(texts []string) (map[usageKey]*store.ClientUsage, map[secretUse]secretTimes, error) {
	taken, secrets := map[usageKey]*store.ClientUsage{}, map[secretUse]secretTimes{}
	for _, text := range texts {
		var entries []journaled
		if err := json.Unmarshal([]byte(text), &entries); err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			first, last := time.UnixMilli(e.First).UTC(), time.UnixMilli(e.Last).UTC()
			if e.Hint != "" {
				key := secretUse{e.Scope.Organization, e.Client, e.Hint}
				if known, ok := secrets[key]; ok {
					first, last = earlier(first, known.first), later(last, known.last)
				}
				secrets[key] = secretTimes{first, last}
				continue
			}
			key := usageKey{
				client: e.Client, user: e.User, scope: e.Scope, level: e.Level, workload: workload{e.Credential, e.Issuer, e.Subject},
				impersonated: e.Impersonated, approved: e.Approved,
			}
			sum := taken[key]
			if sum == nil {
				sum = &store.ClientUsage{Client: e.Client, Tenant: e.Scope.Tenant, FirstUsedAt: first, LastUsedAt: last}
				taken[key] = sum
			}
			sum.FirstUsedAt, sum.LastUsedAt = earlier(sum.FirstUsedAt, first), later(sum.LastUsedAt, last)
			sum.Tokens += e.Tokens
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
