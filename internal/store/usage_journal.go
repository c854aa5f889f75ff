package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// UsageShards is how many shards the journal of use has.
const UsageShards = 1024

// UsageJournal is a part of the journal of use: a shard, and what there is in it.
// What the entries say, and which shards there are beside UsageShards, is up to who
// writes them.
type UsageJournal struct {
	Shard   int
	Entries string
}

// usageRows is how many rows of the journal a statement inserts.
const usageRows = 64

// AppendUsageJournal adds to the journal.
func (tx *Tx) AppendUsageJournal(ctx context.Context, journal []UsageJournal, at time.Time) error {
	if !tx.write {
		return errReadTransaction // also where there is nothing to add
	}
	for part := range slices.Chunk(journal, usageRows) {
		places := make([]string, len(part))
		var args []any
		for i, j := range part {
			places[i] = fmt.Sprintf("($%d, $%d, $%d, $%d)", 4*i+1, 4*i+2, 4*i+3, 4*i+4)
			args = append(args, j.Shard, rand.Text(), j.Entries, micros(at))
		}
		if err := tx.insert(ctx, "insert into usage_journal (shard, id, entries, created_at) values "+strings.Join(places, ", "), args...); err != nil {
			return wrap("insert usage journal", err)
		}
	}
	return nil
}

// TakeUsageJournal removes what is in a shard of the journal and returns it, in
// any order.
func (tx *Tx) TakeUsageJournal(ctx context.Context, shard int) ([]string, error) {
	if !tx.write {
		return nil, errReadTransaction // the statement returns rows, and would be executed
	}
	rows, err := tx.rows(ctx, "delete from usage_journal where shard = $1 returning entries", shard)
	all, err := collectTexts(rows, err)
	return all, wrap("take usage journal", err)
}

// UsageJournaled tells whether there is anything in the journal.
func (tx *Tx) UsageJournaled(ctx context.Context) (bool, error) {
	var n int
	err := tx.row(ctx, "select count(*) from (select shard from usage_journal limit 1) j").Scan(&n)
	return n > 0, wrap("select usage journal", err)
}
