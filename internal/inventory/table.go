package inventory

import (
	"sync"
	"sync/atomic"

	"github.com/freehold-platform/freehold/internal/estate"
)

// The orders of a table.
const (
	ofID = iota
	ofCreated
	ofUpdated
	ofHostname
	ofName
	orders
)

// table is all tenants of an organization.
type table struct {
	organization estate.OrganizationID
	used         atomic.Int64 // when it was last asked, in turns of the index
	wanted       atomic.Bool  // to be read in the background

	mu     sync.RWMutex // of what follows
	ready  bool
	texts  texts
	memory memory
	orders [orders]order

	rows atomic.Int64 // read by others without mu, which may be held by who waits for the index

	// What has changed since it was read. Whoever finds something here reads it anew
	// before anything else is read.
	stale    atomic.Int64 // changes that rows do not show yet
	marks    sync.Mutex
	marked   map[estate.TenantID]int64
	renewing sync.Mutex // one at a time, so that what was read later is kept
	dropped  atomic.Bool
}

func newTable(organization estate.OrganizationID) *table {
	t := &table{organization: organization, marked: map[estate.TenantID]int64{}}
	for i, compare := range []func(a, b row) int{byID, byCreated, byUpdated, byHostname, byName} {
		t.orders[i].compare = compare
	}
	return t
}

// mark notes that a tenant has changed. It returns how many changes wait.
func (t *table) mark(id estate.TenantID) int64 {
	t.marks.Lock()
	defer t.marks.Unlock()
	t.marked[id]++
	return t.stale.Add(1)
}

// takeMarks returns at most limit of the tenants that have changed, and how many
// changes that were.
func (t *table) takeMarks(limit int) (ids []estate.TenantID, changes int64) {
	t.marks.Lock()
	defer t.marks.Unlock()
	for id, n := range t.marked {
		if len(ids) == limit {
			break
		}
		ids = append(ids, id)
		changes += n
		delete(t.marked, id)
	}
	return ids, changes
}

func (t *table) isReady() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ready
}

// load adds a tenant before the table is sorted. False: there is no room for it.
func (t *table) load(v estate.Tenant, buffer []byte) (place, []byte, bool) {
	buffer = t.texts.appendRow(buffer[:0], v)
	p, ok := t.memory.add(buffer)
	t.rows.Add(1)
	return p, buffer, ok
}

// sort makes the orders of places, which are sorted by id.
func (t *table) sort(places []place) {
	t.orders[ofID].fill(places)
	for i, prefix := range map[int]func(row) uint64{
		ofCreated:  func(r row) uint64 { return prefixOfTime(r.created()) },
		ofUpdated:  func(r row) uint64 { return prefixOfTime(r.updated()) },
		ofHostname: func(r row) uint64 { return prefixOfText(r.hostname()) },
		ofName:     func(r row) uint64 { return prefixOfText(r.key()) },
	} {
		t.orders[i].fill(t.memory.sorted(places, prefix, t.orders[i].compare))
	}
}

// put takes the place of what is there of the tenant, if anything is. The caller has
// locked the table. False: there is no room.
func (t *table) put(v estate.Tenant) bool {
	r := row(t.texts.appendRow(nil, v))
	old, found := t.place(string(v.ID))
	p, ok := t.memory.add(r)
	if !ok {
		return false
	}
	for i := range t.orders {
		if found {
			t.orders[i].remove(&t.memory, old)
		}
		t.orders[i].insert(&t.memory, p)
	}
	if found {
		t.memory.drop(old)
	} else {
		t.rows.Add(1)
	}
	return true
}

// tenants returns what lies at places.
func (t *table) tenants(places []place) []estate.Tenant {
	t.memory.fetch(places)
	all := make([]estate.Tenant, len(places))
	for i, p := range places {
		all[i] = t.texts.tenant(t.memory.row(p), t.organization)
	}
	return all
}

// place returns where the tenant is.
func (t *table) place(id string) (place, bool) {
	o := &t.orders[ofID]
	c := o.find(&t.memory, func(r row) bool { return string(r.id()) >= id })
	if c.block == len(o.blocks) {
		return 0, false
	}
	p := o.blocks[c.block][c.at]
	return p, string(t.memory.row(p).id()) == id
}
