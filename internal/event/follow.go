package event

import (
	"context"
	"log/slog"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Consumer follows the events of all organizations: it gets each once, those of
// an organization in the order in which they were committed, in a transaction
// that also notes how far it has come. What it does with them it does in that
// transaction, be it that it enqueues a job.
type Consumer struct {
	Name string // under which its place is kept

	// Wants tells whether anything in the organization is for the consumer. If not,
	// its events are passed over without being read. Nil: always.
	Wants func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID) (bool, error)

	// Take takes events of one organization.
	Take func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, events []estate.AuditRecord) error
}

const (
	batchSize     = 25                     // events in a transaction, in which each may become many jobs
	followDelay   = 100 * time.Millisecond // so that many events together cost one transaction
	followAnyhow  = time.Second            // for the events of other processes
	organizations = 100                    // looked after at a time
)

// Follow gives the consumer the events as they happen until ctx ends.
func (c Consumer) Follow(ctx context.Context, db *store.Store, log *slog.Logger) {
	happened := make(chan struct{}, 1)
	db.Subscribe(func(changes []store.Change) {
		for _, change := range changes {
			if change.Kind == store.ChangeEvent {
				select {
				case happened <- struct{}{}:
				default:
				}
				return
			}
		}
	})
	look := time.NewTimer(0)
	defer look.Stop()
	down, soon := false, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-happened:
			if !soon { // what goes on happening must not put it off
				soon = true
				look.Reset(followDelay)
			}
			continue
		case <-look.C:
			soon = false
		}
		_, err := c.CatchUp(ctx, db)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !down:
			log.ErrorContext(ctx, "events wait", "consumer", c.Name, "error", err)
		}
		down = err != nil
		look.Reset(followAnyhow)
	}
}

// CatchUp gives the consumer all events that there are, and returns how many
// those were. What happens meanwhile may be left: where something always does, it
// must not keep the database busy, nor the other organizations waiting.
func (c Consumer) CatchUp(ctx context.Context, db *store.Store) (n int, err error) {
	for after := estate.OrganizationID(""); ; {
		var behind []store.ChainHead
		err := db.Read(ctx, func(tx *store.Tx) (err error) {
			behind, err = tx.ChainsBehind(ctx, c.Name, after, organizations)
			return err
		})
		if err != nil {
			return n, err
		}
		last := len(behind) < organizations
		if !last {
			after = behind[len(behind)-1].Organization
		}
		for len(behind) > 0 { // a batch of each in turn, so that a long one keeps no other waiting
			var left []store.ChainHead
			for _, head := range behind {
				var taken int
				var position int64
				err := db.Write(ctx, func(tx *store.Tx) (err error) {
					taken, position, err = c.step(ctx, tx, head.Organization)
					return err
				})
				if err != nil {
					return n, err
				}
				n += taken
				if position < head.Position {
					left = append(left, head)
				}
			}
			behind = left
		}
		if last {
			return n, nil
		}
	}
}

// step takes some events of an organization, and tells how far it has come.
func (c Consumer) step(ctx context.Context, tx *store.Tx, organization estate.OrganizationID) (taken int, position int64, err error) {
	scope := estate.Scope{Organization: organization}
	read, head, err := tx.EventCursor(ctx, scope, c.Name)
	if err != nil || read >= head {
		return 0, head, err
	}
	if c.Wants != nil {
		wants, err := c.Wants(ctx, tx, organization)
		if err != nil {
			return 0, read, err
		}
		if !wants {
			return 0, head, tx.SetEventCursor(ctx, scope, c.Name, read, head)
		}
	}
	links, err := tx.AuditChain(ctx, scope, read, batchSize)
	if err != nil {
		return 0, read, err
	}
	to := head // of a chain whose rest is gone
	var events []estate.AuditRecord
	for _, link := range links {
		to = link.Record.Position
		if link.Record.Outcome == estate.OutcomeDone {
			events = append(events, link.Record)
		}
	}
	if len(events) > 0 {
		if err := c.Take(ctx, tx, organization, events); err != nil {
			return 0, read, err
		}
	}
	return len(events), to, tx.SetEventCursor(ctx, scope, c.Name, read, to)
}
