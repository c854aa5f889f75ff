package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/freehold-platform/freehold/internal/estate"
)

// errApart says that a batch has to be executed once more, each write behind a
// savepoint.
var errApart = errors.New("a write of the batch has to fail alone")

// commit executes a batch in one transaction, and returns it. An error means that
// nothing of the batch remains, except where the connection was lost during the commit
// itself: then nobody can know.
//
// The batch is taken when the transaction has begun: that may have to wait for other
// processes, and whoever comes meanwhile is to share the commit.
//
// At first no write has a savepoint, and what all of them append is written
// together: hardly any fails once it has written something. When one does, the
// batch is executed again with savepoints.
//
// What the writes of a batch have in common is written once for all of them: the
// feed of changes, whose numbers are returned, and the counts of tenants.
func (e *engine) commit(take func() []*write) (batch []*write, numbers []int64, err error) {
	ctx := context.Background() // a batch belongs to several callers
	if e.writeTimeout > 0 {
		limited, cancel := context.WithTimeout(ctx, e.writeTimeout)
		defer cancel()
		ctx = limited
	}
	c, err := e.begin(ctx)
	batch = take()
	if err != nil {
		return batch, nil, err
	}
	numbers, err = e.commitAs(ctx, c, batch, &group{})
	if errors.Is(err, errApart) && e.writer != nil { // else it was lost, and the batch with it
		for _, w := range batch {
			w.tx, w.err, w.panicked = nil, nil, nil
		}
		if c, err = e.begin(ctx); err == nil {
			numbers, err = e.commitAs(ctx, c, batch, nil)
		}
	}
	return batch, numbers, err
}

// commitAs is one attempt of commit: with savepoints if there is no group.
func (e *engine) commitAs(ctx context.Context, c *conn, batch []*write, g *group) (numbers []int64, err error) {
	c.pipelining = g != nil
	together := &Tx{conn: c, write: true, within: ctx}
	for _, w := range batch {
		if err := w.run(ctx, c, g); err != nil {
			return nil, errors.Join(fmt.Errorf("transaction lost: %w", err), e.rollback(c))
		}
		if g != nil && w.spoiled() {
			err := e.rollback(c)
			if len(batch) == 1 && c.pipeline == nil && err == nil && (w.err != nil || w.panicked != nil) {
				return nil, nil //nolint:nilerr // w knows what failed
			}
			return nil, errors.Join(errApart, w.err, err)
		}
		if w.err == nil && w.panicked == nil {
			together.feed = append(together.feed, w.tx.feed...)
			together.tally.add(w.tx.tally)
		}
	}
	if err = g.settle(ctx, c); err == nil {
		err = together.writeTally(ctx)
	}
	if err == nil {
		numbers, err = together.writeFeed(ctx)
	}
	if err == nil && len(numbers) > 0 && e.notify != "" {
		err = c.later(ctx, e.notify)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("end of a batch: %w", err), e.rollback(c))
		if g != nil {
			err = errors.Join(errApart, err)
		}
		return nil, err
	}
	if err := c.finish(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("commit: %w", err), e.rollback(c))
	}
	return numbers, nil
}

// run executes w on c: as one of a group, or without one behind a savepoint. It
// returns an error only when the whole transaction is lost.
func (w *write) run(ctx context.Context, c *conn, g *group) error {
	if err := w.ctx.Err(); err != nil {
		w.err = unavailable(w.ctx, err)
		return nil
	}
	if g == nil {
		if err := c.exec(ctx, "savepoint w"); err != nil {
			return err
		}
	}
	w.tx = &Tx{conn: c, write: true, within: ctx, group: g} // an interrupted statement would roll back the others too
	func() {
		defer func() { w.panicked = recover() }()
		w.err = w.fn(w.tx)
	}()
	if g != nil {
		return nil
	}
	if w.err != nil || w.panicked != nil {
		if err := c.exec(ctx, "rollback to w"); err != nil {
			return err
		}
	}
	return c.exec(ctx, "release w")
}

// spoiled tells whether w failed and has left something in the transaction. A
// refusal of the program's own, of a write that has only read until then, leaves
// nothing; of any other failure one can't tell.
func (w *write) spoiled() bool {
	if w.panicked != nil || w.tx != nil && w.tx.failed { // SQLite may have given up the transaction, whatever w makes of it
		return true
	}
	var refusal *estate.Error
	return w.err != nil && w.tx != nil && (w.tx.touched || !errors.As(w.err, &refusal))
}

// group is what the writes of a batch share: the records that they append to
// chains of the audit trail, where the chains end, and what is known of the
// entitlements from which they take places for tenants.
type group struct {
	chains  map[estate.OrganizationID]*chainEnd
	records []any // arguments of records that are not inserted yet, one after the other

	// places are true as long as nothing but tenants and records is inserted:
	// whatever else is executed may be about entitlements, and empties them.
	places map[estate.SubscriptionID]*takenPlace
}

// takenPlace is the place that the last of the group took in an entitlement.
type takenPlace struct {
	TenantPlace

	scope        estate.Scope
	left         int64 // places after it
	starts, ends int64 // when the entitlement is in force
}

func (g *group) forgetPlaces() {
	if g != nil {
		clear(g.places)
	}
}

func (g *group) keepChain(organization estate.OrganizationID, end *chainEnd) {
	if g.chains == nil {
		g.chains = map[estate.OrganizationID]*chainEnd{}
	}
	g.chains[organization] = end
}

// chainEnd is the last record of a chain.
type chainEnd struct {
	position int64
	hash     string
	moved    bool // since it was written
}

// settle writes what the group has collected.
func (g *group) settle(ctx context.Context, c *conn) error {
	if g == nil {
		return nil
	}
	if err := g.insertRecords(ctx, c, 1); err != nil {
		return err
	}
	for organization, end := range g.chains {
		if !end.moved {
			continue
		}
		err := c.later(ctx, `insert into audit_chains (organization_id, position, hash) values ($1, $2, $3)
			on conflict (organization_id) do update set position = excluded.position, hash = excluded.hash`, string(organization), end.position, end.hash)
		if err != nil {
			return wrap("update audit chain", err)
		}
		end.moved = false
	}
	return nil
}

// Records are inserted by statements for one of these numbers, so that there are
// few of them to prepare.
var recordCounts = []int{16, 4, 1}

// insertRecords inserts the collected records, as long as there are at least so
// many.
func (g *group) insertRecords(ctx context.Context, c *conn, least int) error {
	for _, n := range recordCounts {
		for n >= least && len(g.records) >= n*auditWidth {
			if err := c.later(ctx, auditInserts[n], g.records[:n*auditWidth]...); err != nil {
				return wrap("insert audit records", err)
			}
			g.records = g.records[n*auditWidth:]
		}
	}
	return nil
}
