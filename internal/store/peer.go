package store

import (
	"context"
	"time"
)

// PeerNote is something that a server tells the others on the same database.
type PeerNote struct {
	Node string // that wrote it
	Kind string
	Body string
}

// PeerRetention is how long peer notes are kept: a server that starts reads what
// was told so far, and nothing that is in them counts for longer.
const PeerRetention = 5 * time.Minute

// InsertPeerNotes writes what node has to tell, and deletes what it told before
// PeerRetention.
func (tx *Tx) InsertPeerNotes(ctx context.Context, node string, notes []PeerNote, now time.Time) error {
	for _, n := range notes {
		_, err := tx.exec(ctx, "insert into peer_notes (node, kind, body, created_at) values ($1, $2, $3, $4)", node, n.Kind, n.Body, micros(now))
		if err != nil {
			return wrap("insert peer note", err)
		}
	}
	_, err := tx.exec(ctx, "delete from peer_notes where node = $1 and created_at < $2", node, micros(now.Add(-PeerRetention)))
	return wrap("delete peer notes", err)
}

// PeerNotes are those with a number after the given one that others than node have
// written, in the order of their commits, and the number of the last of all.
func (tx *Tx) PeerNotes(ctx context.Context, node string, after int64) (notes []PeerNote, last int64, err error) {
	last = after
	rows, err := tx.rows(ctx, "select seq, node, kind, body from peer_notes where seq > $1 order by seq", after)
	if err != nil {
		return nil, last, wrap("select peer notes", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n PeerNote
		if err := rows.Scan(&last, &n.Node, &n.Kind, &n.Body); err != nil {
			return nil, after, wrap("select peer notes", err)
		}
		if n.Node != node {
			notes = append(notes, n)
		}
	}
	return notes, last, wrap("select peer notes", rows.Err())
}

// UseProof notes that the proof with the id was used, which nobody will accept
// from expires on. It is false if that was noted before, by any server.
func (tx *Tx) UseProof(ctx context.Context, id []byte, expires time.Time) (bool, error) {
	n, err := tx.exec(ctx, "insert into used_proofs (id, expires_at) values ($1, $2) on conflict (id) do nothing", id, micros(expires))
	return n == 1, wrap("insert proof", err)
}

// trimPeers forgets what servers told that run no more, and proofs that have
// expired. A server with a slow clock must not accept one again: see clockMargin.
func (tx *Tx) trimPeers(ctx context.Context, now time.Time) error {
	if _, err := tx.exec(ctx, "delete from peer_notes where created_at < $1", micros(now.Add(-PeerRetention))); err != nil {
		return wrap("trim peer notes", err)
	}
	_, err := tx.exec(ctx, "delete from used_proofs where expires_at < $1", micros(now.Add(-clockMargin)))
	return wrap("trim proofs", err)
}
