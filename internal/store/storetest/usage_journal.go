package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// testUsageJournal takes from the journal what was put there, once.
func testUsageJournal(t *testing.T, db Database) {
	waits := func() bool {
		return read(t, db, func(tx *store.Tx) (bool, error) { return tx.UsageJournaled(t.Context()) })
	}
	take := func(shard int) (entries []string) {
		write(t, db, func(tx *store.Tx) (err error) {
			entries, err = tx.TakeUsageJournal(t.Context(), shard)
			return err
		})
		slices.Sort(entries)
		return entries
	}
	equal(t, "an empty journal waits", waits(), false)
	var many []store.UsageJournal
	for i := range 200 { // more than one statement takes
		many = append(many, store.UsageJournal{Shard: i % 3, Entries: fmt.Sprintf("%03d", i)})
	}
	write(t, db, func(tx *store.Tx) error { return tx.AppendUsageJournal(t.Context(), many, moment(1)) })
	write(t, db, func(tx *store.Tx) error {
		return tx.AppendUsageJournal(t.Context(), []store.UsageJournal{{Shard: 2, Entries: "more"}}, moment(2))
	})
	write(t, db, func(tx *store.Tx) error { return tx.AppendUsageJournal(t.Context(), nil, moment(2)) })
	equal(t, "waits", waits(), true)
	equal(t, "nothing in the shard", take(3), nil)
	changeMind(t, db, func(tx *store.Tx) error {
		_, err := tx.TakeUsageJournal(t.Context(), 1)
		return err
	})
	for shard := range 3 {
		var want []string
		for i := shard; i < 200; i += 3 {
			want = append(want, fmt.Sprintf("%03d", i))
		}
		if shard == 2 {
			want = append(want, "more")
		}
		equal(t, "waits", waits(), true)
		equal(t, "taken", take(shard), want)
		equal(t, "taken again", take(shard), nil)
	}
	equal(t, "waits in the end", waits(), false)
}

// testAuditTogether appends records in one transaction that reads them too: they
// are collected, but nobody can tell.
func testAuditTogether(t *testing.T, db Database) {
	s := newSample(t, db)
	const n = 45
	write(t, db, func(tx *store.Tx) error {
		for i := range n {
			scope := all(s.acme)
			if i%3 == 0 {
				scope = all(s.other)
			}
			r := auditRecord(scope, i, fmt.Sprint(i))
			if err := tx.AppendAudit(t.Context(), r); err != nil {
				return err
			}
			if i%10 != 5 {
				continue
			}
			if got, err := tx.AuditRecord(t.Context(), scope, r.ID); err != nil || got.Action != r.Action {
				t.Errorf("record %d in its own transaction: %+v, %v", i, got, err)
			}
			heads, err := tx.ChainHeads(t.Context())
			if err != nil {
				return err
			}
			sum := int64(0)
			for _, h := range heads {
				sum += h.Position
			}
			equal(t, "records in the chains", sum, int64(i+1))
		}
		return nil
	})
	for organization, want := range map[estate.OrganizationID]int{s.acme.ID: 30, s.other.ID: 15} {
		chain := read(t, db, func(tx *store.Tx) ([]store.ChainLink, error) {
			return tx.AuditChain(t.Context(), estate.Scope{Organization: organization}, 0, n)
		})
		equal(t, "records", len(chain), want)
		previous := ""
		for i, link := range chain {
			if link.Record.Position != int64(i+1) || link.Record.Hash != link.Record.ChainHash(previous, link.Data) {
				t.Errorf("link %d does not follow the one before: %+v", i, link)
			}
			previous = link.Record.Hash
		}
	}
	// A record that the database refuses takes nothing else with it.
	twice := auditRecord(all(s.acme), 99, "1")
	wantDefect(t, refused(t, db, func(tx *store.Tx) error {
		if err := tx.AppendAudit(t.Context(), auditRecord(all(s.acme), 98, "before")); err != nil {
			return err
		}
		return tx.AppendAudit(t.Context(), twice)
	}))
	appendAudit(t, db, auditRecord(all(s.acme), 100, "after"))
	got := read(t, db, func(tx *store.Tx) ([]store.ChainLink, error) { return tx.AuditChain(t.Context(), all(s.acme), 30, n) })
	if len(got) != 1 || got[0].Record.Action != "after" {
		t.Errorf("after the refused one: %+v", got)
	}
}
