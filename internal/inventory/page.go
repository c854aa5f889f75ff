package inventory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxLooked is how many tenants a page looks at before the database, which may have an
// index for what is looked for, is asked instead.
const maxLooked = 20_000

// Tenants answers as store.Tx.Tenants does, or that it can't: then ok is false, and the
// database is to be asked.
func (x *Index) Tenants(ctx context.Context, scope estate.Scope, q store.TenantQuery) (page []estate.Tenant, next *store.TenantPosition, ok bool) {
	column, descending, simple := q.Order()
	of := slices.Index(orderColumns, column)
	limit := min(q.Limit, store.MaxPage)
	if !simple || of < 0 || scope.Tenant != "" || limit <= 0 {
		return nil, nil, false
	}
	t := x.table(ctx, scope.Organization)
	if t == nil {
		return nil, nil, false
	}
	defer t.mu.RUnlock()
	holds, ok := t.condition(scope, q.Filter)
	if !ok {
		return nil, nil, false
	}
	o := &t.orders[of]
	at := t.start(o, of, descending, q.From)
	places := make([]place, 0, limit)
	for range maxLooked {
		p, more := o.step(&at, descending)
		if !more {
			return backward(q, t.tenants(places)), nil, true
		}
		if holds != nil && !holds(t.memory.row(p)) {
			continue
		}
		if len(places) == limit {
			page = t.tenants(places)
			position := store.PositionOf(page[limit-1], q.Sort)
			return backward(q, page), &position, true
		}
		places = append(places, p)
	}
	return nil, nil, false
}

func backward(q store.TenantQuery, page []estate.Tenant) []estate.Tenant {
	if q.Backward {
		slices.Reverse(page)
	}
	return page
}

// orderColumns are the columns that the orders of a table begin with.
var orderColumns = []string{ofID: "", ofCreated: "created_at", ofUpdated: "updated_at", ofHostname: "hostname", ofName: "name_key"}

// start returns where reading begins: after the position in the direction of reading.
func (t *table) start(o *order, of int, descending bool, from *store.TenantPosition) cursor {
	if from == nil {
		if descending {
			return cursor{len(o.blocks), 0}
		}
		return cursor{}
	}
	return o.find(&t.memory, func(r row) bool {
		c := compareTo(r, of, from)
		return c > 0 || c == 0 && descending // to read on from before it
	})
}

// compareTo compares a row with a position.
func compareTo(r row, of int, p *store.TenantPosition) int {
	c := 0
	switch value := p.Values[0].(type) {
	case int64:
		at := r.created()
		if of == ofUpdated {
			at = r.updated()
		}
		c = cmp.Compare(at, value)
	case string:
		key := r.key
		if of == ofHostname {
			key = r.hostname
		}
		c = bytes.Compare(key(), []byte(value))
	}
	if c == 0 && of == ofName {
		created, _ := p.Values[1].(int64)
		c = cmp.Compare(r.created(), created)
	}
	if c == 0 {
		c = bytes.Compare(r.id(), []byte(p.ID))
	}
	return c
}

// step returns the row at the cursor, or before it if it reads downwards, and moves
// on; false at the end.
func (o *order) step(c *cursor, descending bool) (place, bool) {
	if descending {
		if c.at == 0 {
			if c.block == 0 {
				return 0, false
			}
			c.block--
			c.at = len(o.blocks[c.block])
		}
		c.at--
		return o.blocks[c.block][c.at], true
	}
	if c.block < len(o.blocks) && c.at == len(o.blocks[c.block]) {
		c.block, c.at = c.block+1, 0
	}
	if c.block >= len(o.blocks) {
		return 0, false
	}
	c.at++
	return o.blocks[c.block][c.at-1], true
}

// condition makes a function of a scope and a filter; nil: every row satisfies them.
// False: they are about what only the database knows.
func (t *table) condition(scope estate.Scope, expr filter.Expr) (holds func(row) bool, ok bool) {
	var all []func(row) bool
	if scope.Subscription != "" {
		all = append(all, t.equal(string(scope.Subscription), func(c common) uint64 { return c.subscription }))
	}
	if scope.Region != "" {
		all = append(all, t.equal(string(scope.Region), func(c common) uint64 { return c.region }))
	}
	if expr != nil {
		of, ok := t.filtered(expr)
		if !ok {
			return nil, false
		}
		all = append(all, of)
	}
	switch len(all) {
	case 0:
		return nil, true
	case 1:
		return all[0], true
	}
	return func(r row) bool {
		for _, holds := range all {
			if !holds(r) {
				return false
			}
		}
		return true
	}, true
}

func (t *table) equal(text string, of func(common) uint64) func(row) bool {
	n, known := t.texts.numbers[text]
	return func(r row) bool { return known && of(r.common()) == n }
}

func (t *table) filtered(expr filter.Expr) (func(row) bool, bool) {
	parts := func(exprs []filter.Expr) (all []func(row) bool, ok bool) {
		for _, e := range exprs {
			one, ok := t.filtered(e)
			if !ok {
				return nil, false
			}
			all = append(all, one)
		}
		return all, true
	}
	switch e := expr.(type) {
	case *filter.And:
		all, ok := parts(e.Exprs)
		return func(r row) bool {
			return !slices.ContainsFunc(all, func(holds func(row) bool) bool { return !holds(r) })
		}, ok
	case *filter.Or:
		all, ok := parts(e.Exprs)
		return func(r row) bool { return slices.ContainsFunc(all, func(holds func(row) bool) bool { return holds(r) }) }, ok
	case *filter.Not:
		one, ok := t.filtered(e.Expr)
		return func(r row) bool { return !one(r) }, ok
	case *filter.Compare:
		return t.comparison(e)
	}
	return nil, false
}

func (t *table) comparison(e *filter.Compare) (holds func(row) bool, ok bool) {
	text := e.Text
	switch e.Attribute {
	case "createdAt":
		return timeComparison(e, row.created), true
	case "updatedAt":
		return timeComparison(e, row.updated), true
	case "name":
		holds = func(r row) bool { return string(r.key()) == text }
	case "subscriptionId":
		holds = t.equal(text, func(c common) uint64 { return c.subscription })
	case "regionCode":
		holds = t.equal(text, func(c common) uint64 { return c.datacenter })
	case "countryCode":
		if upper := strings.ToUpper(text); filter.Fold(upper) == text {
			text = upper // as they are kept
		}
		holds = t.equal(text, func(c common) uint64 { return c.country })
	case "status":
		holds = t.equal(text, func(c common) uint64 { return c.status })
	}
	switch {
	case holds == nil:
		return nil, false
	case e.Op == filter.EQ:
		return holds, true
	case e.Op == filter.NE:
		equal := holds
		return func(r row) bool { return !equal(r) }, true
	}
	return nil, false
}

// timeComparison minds that times are kept in microseconds, as the store's does.
func timeComparison(e *filter.Compare, of func(row) int64) func(row) bool {
	us, between := micros(e.Time), e.Time.Nanosecond()%1000 != 0
	return func(r row) bool {
		at := of(r)
		switch e.Op {
		case filter.EQ:
			return at == us && !between
		case filter.NE:
			return at != us || between
		case filter.GT:
			return at > us
		case filter.GE:
			return at > us || at == us && !between
		case filter.LT:
			return at < us || at == us && between
		}
		return at <= us
	}
}
