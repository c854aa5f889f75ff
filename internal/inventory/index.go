// Package inventory keeps the tenants of organizations in memory, in the orders in
// which they are listed, so that a page of them costs no query.
//
// What it answers is as fresh as the feed of changes: a change of this process is seen
// by whatever is read after it, one of another process as soon as the feed has it. An
// organization's tenants are read when they are first asked for, in the background;
// until then, and wherever the feed is interrupted, the index answers nothing and the
// database is asked.
package inventory

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

const (
	// promise is how long a change of another process may go unheard of. If the feed was
	// not read for longer, nothing is known for sure.
	promise = time.Second
	// maxRows bounds how many tenants are kept, of all organizations together: about
	// 220 bytes each.
	maxRows = 2_000_000
	// maxInline is how many changes are caught up with by who asks for a page. After
	// more, the database answers, and the index catches up in the background.
	maxInline = 200
	// maxStale bounds how many changes are kept in mind. After more, everything is read
	// anew.
	maxStale = 100_000
	// renewBatch is how many tenants are read again at a time in the background.
	renewBatch = 500
	// loadBatch is how many tenants are read at a time.
	loadBatch = 2_000
	// maxWaste bounds the memory of rows that are there no more, as a part of that of
	// those that are.
	maxWaste = 1
)

// Index is the tenants of some organizations. It is safe for concurrent use.
type Index struct {
	db  *store.Store
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex // may be taken while that of a table is held, never the other way round
	tables map[estate.OrganizationID]*table
	turn   atomic.Int64
	wanted chan *table
	max    int
}

// New makes an index, which is empty until it runs. now is the clock of the store's
// Follow.
func New(db *store.Store, log *slog.Logger, now func() time.Time) *Index {
	x := &Index{db: db, log: log, now: now, tables: map[estate.OrganizationID]*table{}, wanted: make(chan *table, 16), max: maxRows}
	db.Subscribe(x.heard)
	return x
}

// Run reads what is asked for, until ctx ends.
func (x *Index) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-x.wanted:
			x.serve(ctx, t)
		}
	}
}

// serve reads a table that was asked for, or what has changed since.
func (x *Index) serve(ctx context.Context, t *table) {
	t.wanted.Store(false)
	var err error
	if t.isReady() {
		err = x.catchUp(ctx, t)
	} else {
		err = x.load(ctx, t)
	}
	if err != nil && ctx.Err() == nil {
		x.log.Warn("tenants were not read into memory", "organization", t.organization, "error", err)
		x.drop(t)
	}
}

// heard is told of changes. It reads nothing: the writer waits for it.
func (x *Index) heard(changes []store.Change) {
	for _, c := range changes {
		switch c.Kind {
		case store.ChangeAll:
			x.dropAll()
		case store.ChangeTenant:
			organization, id, _ := strings.Cut(c.Key, "/")
			x.mu.Lock()
			t := x.tables[estate.OrganizationID(organization)]
			x.mu.Unlock()
			if t != nil && (id == "" || t.mark(estate.TenantID(id)) > maxStale) {
				x.drop(t)
			}
		}
	}
}

// drop forgets a table.
func (x *Index) drop(t *table) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t.dropped.Store(true)
	if x.tables[t.organization] == t {
		delete(x.tables, t.organization)
	}
}

func (x *Index) dropAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range x.tables {
		t.dropped.Store(true)
	}
	clear(x.tables)
}

// table returns the organization's tenants as they are now, locked for reading; nil
// if they are not in memory. In that case they will be soon.
func (x *Index) table(ctx context.Context, organization estate.OrganizationID) *table {
	if organization == "" || x.now().Sub(x.db.Heard()) > promise {
		return nil
	}
	x.mu.Lock()
	t := x.tables[organization]
	if t == nil {
		t = newTable(organization)
		if x.want(t) {
			x.tables[organization] = t // so that it hears of what changes while it is read
		}
		x.mu.Unlock()
		return nil
	}
	x.mu.Unlock()
	t.used.Store(x.turn.Add(1))
	if !t.isReady() {
		return nil
	}
	if t.stale.Load() > maxInline {
		x.want(t)
		return nil
	}
	if err := x.renew(ctx, t, maxStale); err != nil {
		return nil
	}
	t.mu.RLock()
	if t.dropped.Load() {
		t.mu.RUnlock()
		return nil
	}
	return t
}

// want has the table read in the background. False: others are asked for; another time.
func (x *Index) want(t *table) bool {
	if !t.wanted.CompareAndSwap(false, true) {
		return true
	}
	select {
	case x.wanted <- t:
		return true
	default:
		t.wanted.Store(false)
		return false
	}
}

// catchUp renews the table until the rest can be left to who asks for a page.
func (x *Index) catchUp(ctx context.Context, t *table) error {
	for t.stale.Load() > maxInline && !t.dropped.Load() && ctx.Err() == nil {
		if err := x.renew(ctx, t, renewBatch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// renew reads at most limit tenants of those that have changed since the table was
// read. A change whose Write has returned was marked before, so it is either here, or
// another reader is at it and has renewing. The table is dropped if it fails.
func (x *Index) renew(ctx context.Context, t *table, limit int) error {
	if t.stale.Load() == 0 {
		return nil
	}
	t.renewing.Lock()
	defer t.renewing.Unlock()
	ids, changes := t.takeMarks(limit)
	if changes == 0 {
		return nil
	}
	renewed, err := x.read(ctx, t.organization, ids)
	if err != nil {
		x.drop(t) // it would lack what was taken
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range renewed {
		if !t.put(v) {
			x.drop(t)
			return nil
		}
	}
	if waste := t.memory.used - t.memory.live; waste > maxWaste*t.memory.live+chunk {
		x.drop(t) // to be made anew
	}
	t.stale.Add(-changes)
	return nil
}

func (x *Index) read(ctx context.Context, organization estate.OrganizationID, ids []estate.TenantID) (all []estate.Tenant, err error) {
	ctx = context.WithoutCancel(ctx) // it is for everybody, even if this caller gives up
	err = x.db.Read(ctx, func(tx *store.Tx) error {
		all = all[:0]
		for _, id := range ids {
			v, err := tx.Tenant(ctx, estate.Scope{Organization: organization}, id)
			if estate.HasKind(err, estate.NotFound) {
				continue // of a transaction that did not happen
			}
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return nil
	})
	return all, err
}

// load reads all tenants of an organization, a batch at a time. What changes meanwhile
// is marked, because the table is known already, and read again.
func (x *Index) load(ctx context.Context, t *table) error {
	scope := estate.Scope{Organization: t.organization}
	var n int64
	err := x.db.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.CountTenants(ctx, scope, nil)
		return err
	})
	if err != nil {
		return err
	}
	if !x.makeRoom(t, n) {
		return nil // it stays known and is never ready, so nobody tries again
	}
	places := make([]place, 0, n)
	var after estate.TenantID
	var buffer []byte
	for {
		if t.dropped.Load() {
			return nil
		}
		var batch []estate.Tenant
		err := x.db.Read(ctx, func(tx *store.Tx) (err error) {
			batch, err = tx.TenantsByID(ctx, scope, after, loadBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range batch {
			p, b, ok := t.load(v, buffer)
			if !ok {
				return nil
			}
			buffer, after = b, v.ID
			places = append(places, p)
		}
		if len(batch) < loadBatch {
			break
		}
	}
	t.sort(places)
	if err := x.catchUp(ctx, t); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready = true
	return nil
}

// makeRoom forgets the tables that were not asked for the longest, until n more rows
// fit; false: they don't.
func (x *Index) makeRoom(t *table, n int64) bool {
	if n > int64(x.max) {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		sum := n
		var oldest *table
		for _, other := range x.tables {
			if other == t {
				continue
			}
			sum += other.rows.Load()
			if oldest == nil || other.used.Load() < oldest.used.Load() {
				oldest = other
			}
		}
		if sum <= int64(x.max) || oldest == nil {
			return true
		}
		oldest.dropped.Store(true)
		delete(x.tables, oldest.organization)
	}
}
