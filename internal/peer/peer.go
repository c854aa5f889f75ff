// Package peer has the servers on one database tell one another of what they
// count in memory, so that limits hold over all of them although no request waits
// for it.
//
// Each server writes what it has counted since the last time into the database
// and reads what the others have, every Interval. So a server knows of what
// happened at another within a second. While the database is away each counts for
// itself, and what could not be told is not told later.
package peer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/internal/store"
)

// Interval is how often servers write and read: an event is known to the others
// after two of them at most, and the time of a write and a read.
const Interval = 400 * time.Millisecond

// Topic is something that servers tell one another.
type Topic struct {
	Kind  string // the same in all versions of the program
	tell  func() (body []byte, err error)
	learn func(body []byte) error
}

// On makes a topic of lists: untold is what there is since its last call, and
// learn takes in what another server had, at the time now.
func On[T any](kind string, untold func() []T, now func() time.Time, learn func([]T, time.Time)) Topic {
	return Topic{
		Kind: kind,
		tell: func() ([]byte, error) {
			all := untold()
			if len(all) == 0 {
				return nil, nil
			}
			return json.Marshal(all)
		},
		learn: func(body []byte) error {
			var all []T
			if err := json.Unmarshal(body, &all); err != nil {
				return err
			}
			learn(all, now())
			return nil
		},
	}
}

// Exchange is one server's part in the exchange.
type Exchange struct {
	store  *store.Store
	log    *slog.Logger
	now    func() time.Time
	node   string
	topics []Topic

	mu   sync.Mutex // one exchange at a time
	seen int64      // last note that was read
}

// New makes the part of this server, which is given a name that no other has had.
func New(db *store.Store, log *slog.Logger, now func() time.Time, topics ...Topic) *Exchange {
	return &Exchange{store: db, log: log, now: now, node: rand.Text(), topics: topics}
}

// Run exchanges every Interval until ctx ends, and tells once more then. A failure
// is reported to the log once, until it goes well again.
func (e *Exchange) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	failing := false
	for {
		err := e.Once(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			e.log.WarnContext(ctx, "limits are counted by this server alone", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if err := e.tell(context.WithoutCancel(ctx)); err != nil {
				e.log.WarnContext(ctx, "the other servers were not told the last counts", "error", err)
			}
			return
		}
	}
}

// Once tells the others what is new here, and learns what is new there. The first
// time that is all that is still kept, also from servers that have ended.
func (e *Exchange) Once(ctx context.Context) error {
	return errors.Join(e.tell(ctx), e.learn(ctx))
}

func (e *Exchange) tell(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var notes []store.PeerNote
	for _, t := range e.topics {
		body, err := t.tell()
		if err != nil {
			return fmt.Errorf("%s: %w", t.Kind, err)
		}
		if len(body) > 0 {
			notes = append(notes, store.PeerNote{Kind: t.Kind, Body: string(body)})
		}
	}
	if len(notes) == 0 {
		return nil
	}
	return e.store.Write(ctx, func(tx *store.Tx) error { return tx.InsertPeerNotes(ctx, e.node, notes, e.now()) })
}

func (e *Exchange) learn(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var notes []store.PeerNote
	var seen int64
	err := e.store.Read(ctx, func(tx *store.Tx) (err error) {
		notes, seen, err = tx.PeerNotes(ctx, e.node, e.seen)
		return err
	})
	if err != nil {
		return err // and e.seen stays: what was read so far must be read again
	}
	e.seen = seen
	var failed []error
	for _, n := range notes {
		for _, t := range e.topics {
			if t.Kind != n.Kind {
				continue // of another topic, which a newer version may have
			}
			if err := t.learn([]byte(n.Body)); err != nil {
				failed = append(failed, fmt.Errorf("%s of %s: %w", n.Kind, n.Node, err))
			}
		}
	}
	return errors.Join(failed...)
}
