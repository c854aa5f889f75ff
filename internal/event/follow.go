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
// must not keep the database busy.
func (c Consumer) CatchUp(ctx context.Context, db *store.Store) (n int, err error) {
	for {
		var behind []estate.OrganizationID
		err := db.Read(ctx, func(tx *store.Tx) (err error) {
			behind, err = tx.ChainsBehind(ctx, c.Name, organizations)
			return err
		})
		if err != nil {
			return n, err
		}
		for _, organization := range behind {
			for more := true; more; {
				taken := 0
				err := db.Write(ctx, func(tx *store.Tx) (err error) {
					taken, more, err = c.step(ctx, tx, organization)
					return err
				})
				if err != nil {
					return n, err
				}
				n += taken
			}
		}
		if len(behind) < organizations {
			return n, nil
		}
	}
}

// step takes some events of an organization, and tells whether there are more.
func (c Consumer) step(ctx context.Context, tx *store.Tx, organization estate.OrganizationID) (taken int, more bool, err error) {
	scope := estate.Scope{Organization: organization}
	read, head, err := tx.EventCursor(ctx, scope, c.Name)
	if err != nil || read >= head {
		return 0, false, err
	}
	if c.Wants != nil {
		wants, err := c.Wants(ctx, tx, organization)
		if err != nil {
			return 0, false, err
		}
		if !wants {
			return 0, false, tx.SetEventCursor(ctx, scope, c.Name, read, head)
		}
	}
	links, err := tx.AuditChain(ctx, scope, read, batchSize)
	if err != nil {
		return 0, false, err
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
			return 0, false, err
		}
	}
	return len(events), to < head, tx.SetEventCursor(ctx, scope, c.Name, read, to)
}
