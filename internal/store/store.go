// Package store holds all SQL of Freehold: the estate's rows, transactions,
// migrations, and the feed of changes that keeps caches honest.
//
// Row access is methods on Tx, inside Store.Read or Store.Write. A method on
// owned rows takes an estate.Scope right after the context and touches nothing
// outside it.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Store is a database of one estate. It is safe for concurrent use.
type Store struct {
	engine  *engine
	metrics *telemetry.Metrics

	mu          sync.Mutex
	pending     []*write
	closed      bool // no more writes are taken
	subscribers []func([]Change)
	leader      chan struct{} // holds one token; who has it executes pending writes

	unwritable atomic.Bool // see Writable

	closing  sync.Once
	closeErr error

	seen      int64          // last change that Follow has handed out; used by Follow only
	following bool           // Follow runs
	own       map[int64]bool // changes in the feed that this process has published already; for Follow
	heard     atomic.Pointer[time.Time]
}

// Options say which database to open.
type Options struct {
	Path string        // of the SQLite file; created when missing
	URL  estate.Secret // of a PostgreSQL database ("postgres://…"), instead of Path; it may hold a password

	Metrics *telemetry.Metrics // nil: nobody counts
}

// Open opens the database, creating and migrating it as needed. It fails when
// the database was written by a newer version of the program.
func Open(ctx context.Context, o Options) (*Store, error) {
	engine, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: engine, metrics: o.Metrics, leader: make(chan struct{}, 1)}
	s.leader <- struct{}{}
	return s, nil
}

func (o Options) open(ctx context.Context) (*engine, error) {
	if o.URL != "" {
		return openPostgres(ctx, o.URL)
	}
	e, err := openSQLite(ctx, o.Path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", o.Path, err)
	}
	return e, nil
}

// errClosed is the cause of what Read and Write answer after Close.
var errClosed = errors.New("the store is closed")

// Close waits for the running transactions and closes the database. Writes that
// still wait for their turn fail, as does whatever comes later, as unavailable
// and at once. Closing again returns what the first time did.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		<-s.leader // never given back: nothing can get into the queue any more
		s.mu.Lock()
		waiting := s.pending
		s.pending = nil
		s.mu.Unlock()
		for _, w := range waiting {
			w.err = unavailable(w.ctx, errClosed)
			close(w.done)
		}
		s.closeErr = s.engine.close()
	})
	return s.closeErr
}

// Read runs fn in a transaction that sees one state of the database.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	watch := telemetry.StartWatch()
	ctx, span := telemetry.Start(ctx, "database read", telemetry.Internal)
	defer func() {
		s.metrics.Read(watch.Took())
		span.End()
	}()
	if err := ctx.Err(); err != nil {
		return unavailable(ctx, err)
	}
	c, err := s.engine.beginReading(ctx)
	if err != nil {
		return unavailable(ctx, err)
	}
	defer s.engine.release(c)
	defer func() {
		end := context.WithoutCancel(ctx)
		if s.engine.readTimeout > 0 {
			limited, cancel := context.WithTimeout(end, beginTimeout)
			defer cancel()
			end = limited
		}
		if err := c.exec(end, "commit"); err != nil {
			c.broken = true
		}
	}()
	tx := &Tx{conn: c}
	if s.engine.readTimeout > 0 {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.engine.readTimeout)
		defer cancel()
		tx.within = within
	}
	return s.engine.explain(ctx, fn(tx))
}

// maxBatch bounds how many writes share one commit, and so how long the first
// of them waits for the last.
const maxBatch = 64

// write is one call of Write on its way through a batch.
type write struct {
	ctx      context.Context
	fn       func(*Tx) error
	tx       *Tx
	err      error
	panicked any
	done     chan struct{}
	watch    telemetry.Stopwatch
	batch    int // writes that shared its commit
}

func (w *write) outcome() telemetry.WriteOutcome {
	switch {
	case w.panicked != nil:
		return telemetry.WriteRolledBack
	case w.err == nil:
		return telemetry.WriteCommitted
	case estate.HasKind(w.err, estate.Unavailable):
		return telemetry.WriteUnavailable
	}
	return telemetry.WriteRolledBack
}

// Write runs fn in a transaction and returns once the transaction is durable.
// When fn fails nothing of it remains. fn must have no effects outside the
// transaction: it may run on another goroutine, and more than once.
//
// Concurrent writes are committed in groups: whoever finds the database idle
// executes all waiting writes and commits them with one flush to disk. The
// database has one writer anyway; so it is fair, and an order of magnitude faster
// than many writers taking turns. If one of them fails after it has written
// something, they are rolled back and executed once more, each behind a savepoint
// of its own, so that it fails alone.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	ctx, span := telemetry.Start(ctx, "database write", telemetry.Internal)
	w := &write{ctx: ctx, fn: fn, done: make(chan struct{}), watch: telemetry.StartWatch()}
	defer func() {
		s.metrics.Wrote(w.outcome(), w.watch.Took())
		span.Text("freehold.write.outcome", string(w.outcome()))
		span.Number("freehold.write.batch", w.batch)
		span.End()
	}()
	if err := ctx.Err(); err != nil { // whoever has no time left is not to lead others
		w.err = unavailable(ctx, err)
		return w.err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		w.err = unavailable(ctx, errClosed)
		return w.err
	}
	s.pending = append(s.pending, w)
	s.mu.Unlock()

	select {
	case <-w.done:
	case <-s.leader:
		s.lead(w)
	case <-ctx.Done():
		if s.withdraw(w) {
			w.err = unavailable(ctx, ctx.Err())
			return w.err
		}
		<-w.done // a leader has it already, and decides its fate
	}
	if w.panicked != nil {
		panic(w.panicked) //nolint:forbidigo // the caller's own, which happened on another goroutine
	}
	return w.err
}

// lead executes batches until w is among the executed, then passes the lead on.
func (s *Store) lead(w *write) {
	defer func() { s.leader <- struct{}{} }()
	for {
		select {
		case <-w.done:
			return
		default:
		}
		s.commit()
	}
}

// take returns the next batch. The leader's own write waits at least.
func (s *Store) take() []*write {
	if s.engine.queue != nil {
		s.engine.queue.gather()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.pending), maxBatch)
	batch := s.pending[:n:n]
	s.pending = s.pending[n:]
	return batch
}

// withdraw takes w out of the queue; false if a leader has taken it.
func (s *Store) withdraw(w *write) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.pending {
		if p == w {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return true
		}
	}
	return false
}

// commit executes a batch in one transaction and tells each write its result.
func (s *Store) commit() {
	watch := telemetry.StartWatch()
	batch, numbers, err := s.engine.commit(s.take)
	s.metrics.Committed(len(batch), watch.Took())
	var changes []Change
	for _, w := range batch {
		w.batch = len(batch)
		switch {
		case err != nil:
			s.unwritable.Store(true)
			if !errors.As(w.err, new(*estate.Error)) {
				w.err = lost(w.ctx, errors.Join(err, w.err))
			}
		case w.err != nil:
			if s.engine.outOfOrder(w.err) {
				s.unwritable.Store(true)
			}
			w.err = s.engine.explain(w.ctx, w.err)
		case w.panicked == nil:
			changes = append(changes, w.tx.changes...)
			if w.tx.touched || len(w.tx.feed) > 0 {
				s.unwritable.Store(false)
			}
		}
	}
	if len(changes) > 0 {
		s.publish(changes) // before the writers return: they must read their own writes
		s.published(numbers)
	}
	for _, w := range batch {
		close(w.done)
	}
}

// Statements is how many statements were executed so far, by reads and writes
// alike.
func (s *Store) Statements() int64 { return s.engine.executed.Load() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.Read(ctx, func(tx *Tx) error {
		var one int
		return tx.row(ctx, "select 1").Scan(&one)
	})
}

// Clock returns the time by the database's own clock, in UTC; the zero time if it has
// none, as SQLite goes by that of the machine.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	if s.engine.clock == "" {
		return now, nil
	}
	err = s.Read(ctx, func(tx *Tx) error { return tx.row(ctx, s.engine.clock).Scan(&now) })
	return now.UTC(), err
}

// Writable tells whether writes become durable. As long as they do it asks nobody;
// when the last one did not, it tries another, now, of which nothing is to be seen.
func (s *Store) Writable(ctx context.Context, now time.Time) error {
	if !s.unwritable.Load() {
		return nil
	}
	return s.Write(ctx, func(tx *Tx) error { return tx.changed(ctx, now, ChangeNothing, "") })
}

// explain makes err unavailable if it is about the database itself.
func (e *engine) explain(ctx context.Context, err error) error {
	if err == nil || !e.outOfOrder(err) {
		return err
	}
	return unavailable(ctx, err)
}

// unavailable wraps a failure of the database itself.
func unavailable(ctx context.Context, err error) error {
	var known *estate.Error
	if errors.As(err, &known) {
		return err
	}
	return lost(ctx, err)
}

// lost is unavailable for an error that can hold one that another caller is to get.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return estate.E(estate.Unavailable, api.CodeUnavailable, "Service unavailable", "The database can't be reached or written, or did not answer in time.").Because(err)
}

// Change names something of which other parts of the program, and other
// processes on the same database, may hold a copy.
type Change struct {
	Kind ChangeKind
	Key  string
}

// ChangeKind says what kind of thing changed.
type ChangeKind string

// The kinds of changes. ChangeAll means that the feed was interrupted and
// everything must be forgotten, ChangeNothing that somebody tried whether he can write.
const (
	ChangeAll          ChangeKind = "all"
	ChangeNothing      ChangeKind = "nothing"
	ChangeRegion       ChangeKind = "region"       // key: code
	ChangeSubscription ChangeKind = "subscription" // key: id
	ChangeHostname     ChangeKind = "hostname"     // key: estate.Hostname
	ChangeTenant       ChangeKind = "tenant"       // key: organization and tenant id, joined with "/"; without the id: all of the organization
	ChangeBot          ChangeKind = "bot"          // key: organization, tenant and client id, joined with "/"
	ChangeClient       ChangeKind = "client"       // key: id
	ChangeUser         ChangeKind = "user"         // key: organization, tenant and user id, joined with "/"
	ChangeAccess       ChangeKind = "access"       // key: organization and tenant id, joined with "/": what roles or groups give there
	ChangeAPIKey       ChangeKind = "api-key"      // key: see APIKeyKey
	ChangeRevocation   ChangeKind = "revocation"   // key: see ParseRevocation
	ChangeKey          ChangeKind = "key"          // key: id

	ChangeIdentityProvider ChangeKind = "identity-provider" // key: organization, tenant and its id, joined with "/"
	ChangeSession          ChangeKind = "session"           // key: organization, tenant and its id, joined with "/"
	ChangeAccounts         ChangeKind = "accounts"          // key: organization id: its accounts, or what they own
	ChangeAuthSettings     ChangeKind = "auth-settings"     // key: organization and tenant id, joined with "/", and "/"
	ChangeEvent            ChangeKind = "event"             // key: organization id; only from this process
)

// Subscribe registers fn to be called with committed changes: of this process
// before the Write that made them returns, of other processes soon after (see
// Follow). fn must be quick and must not write.
func (s *Store) Subscribe(fn func([]Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, fn)
}

func (s *Store) publish(changes []Change) {
	s.mu.Lock()
	subscribers := s.subscribers[:len(s.subscribers):len(s.subscribers)]
	s.mu.Unlock()
	for _, fn := range subscribers {
		fn(changes)
	}
}
