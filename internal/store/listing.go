package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/filter"
)

// Query asks for a page of the rows of one kind in a tenant.
type Query struct {
	Filter   filter.Expr // nil: all
	Sort     []filter.SortKey
	From     *Position // nil: from the start
	Backward bool      // the rows before From instead of those after
	Limit    int       // at most MaxPage; 0 or less: only whether there are any
}

// Position is a place between the rows of a query, in its order: just past the row
// that has these values.
type Position struct {
	Values []any // of the sort keys: string, or int64 microseconds
	ID     string
}

// Listing says how rows of one kind can be filtered and sorted.
type Listing[T any] struct {
	table, columns string
	id             string // column that tells rows apart within a tenant
	order          string // attribute to sort by if nothing else is asked for
	attributes     []listed[T]
	scan           func(rowScanner) (T, error)
	idOf           func(T) string
}

// listed is an attribute of a Listing.
type listed[T any] struct {
	name   string
	typ    filter.Type
	ops    []filter.Op // nil: rows can't be filtered by it
	column string
	value  func(T) any // as it is stored; nil: rows can't be sorted by it

	// holds takes the place of column where a comparison is with another table.
	// It makes a condition of equality.
	holds func(c *conditions, text string) string
}

// Schema is what the rows can be filtered by.
func (l *Listing[T]) Schema() (schema filter.Schema) {
	for _, a := range l.attributes {
		if a.ops != nil {
			schema = append(schema, filter.Attribute{Name: a.name, Type: a.typ, Ops: a.ops})
		}
	}
	return schema
}

// SortAttributes are what the rows can be sorted by.
func (l *Listing[T]) SortAttributes() (names []string) {
	for _, a := range l.attributes {
		if a.value != nil {
			names = append(names, a.name)
		}
	}
	return names
}

// Position returns the position of v in the order of sort.
func (l *Listing[T]) Position(v T, sort []filter.SortKey) Position {
	p := Position{ID: l.idOf(v)}
	for _, key := range l.sort(sort) {
		p.Values = append(p.Values, l.attribute(key.Attribute).value(v))
	}
	return p
}

// Fits tells whether p is a position in the order of sort.
func (l *Listing[T]) Fits(p Position, sort []filter.SortKey) bool {
	keys := l.sort(sort)
	if len(p.Values) != len(keys) || p.ID == "" {
		return false
	}
	for i, key := range keys {
		if _, isTime := p.Values[i].(int64); isTime != (l.attribute(key.Attribute).typ == filter.Time) {
			return false
		}
	}
	return true
}

func (l *Listing[T]) attribute(name string) listed[T] {
	i := slices.IndexFunc(l.attributes, func(a listed[T]) bool { return a.name == name })
	if i < 0 {
		panic("store: no attribute " + name + " of " + l.table) //nolint:forbidigo // the parsers admit no other
	}
	return l.attributes[i]
}

func (l *Listing[T]) sort(sort []filter.SortKey) []filter.SortKey {
	if len(sort) == 0 {
		return []filter.SortKey{{Attribute: l.order}}
	}
	return sort
}

// page returns a page of the rows that satisfy c too, and whether more follow in
// the direction of reading.
func (l *Listing[T]) page(ctx context.Context, tx *Tx, c *conditions, q Query) (page []T, more bool, err error) {
	if q.Filter != nil {
		c.add(l.condition(c, q.Filter))
	}
	var order []orderColumn
	for _, key := range l.sort(q.Sort) {
		order = append(order, orderColumn{l.attribute(key.Attribute).column, key.Descending != q.Backward})
	}
	order = append(order, orderColumn{l.id, order[len(order)-1].descending})
	if q.From != nil {
		c.add(keysetCondition(c, order, append(slices.Clone(q.From.Values), q.From.ID)))
	}
	by := make([]string, len(order))
	for i, o := range order {
		by[i] = o.column
		if o.descending {
			by[i] += " desc"
		}
	}
	limit := max(0, min(q.Limit, MaxPage)) // a negative limit would mean none to SQLite
	rows, err := tx.rows(ctx, "select "+l.columns+" from "+l.table+c.where()+" order by "+strings.Join(by, ", ")+" limit "+c.arg(limit+1), c.args...)
	page, err = collect(rows, err, l.scan)
	if err != nil {
		return nil, false, wrap("select page of "+l.table, err)
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	if q.Backward {
		slices.Reverse(page)
	}
	return page, more, nil
}

// count counts what page would return over all pages.
func (l *Listing[T]) count(ctx context.Context, tx *Tx, c *conditions, expr filter.Expr) (n int64, err error) {
	if expr != nil {
		c.add(l.condition(c, expr))
	}
	err = tx.row(ctx, "select count(*) from "+l.table+c.where(), c.args...).Scan(&n)
	return n, wrap("count "+l.table, err)
}

// condition turns a filter into SQL. Every value becomes an argument.
func (l *Listing[T]) condition(c *conditions, expr filter.Expr) string {
	join := func(exprs []filter.Expr, with string) string {
		terms := make([]string, len(exprs))
		for i, e := range exprs {
			terms[i] = l.condition(c, e)
		}
		return "(" + strings.Join(terms, with) + ")"
	}
	switch e := expr.(type) {
	case *filter.And:
		return join(e.Exprs, " and ")
	case *filter.Or:
		return join(e.Exprs, " or ")
	case *filter.Not:
		return "not " + l.condition(c, e.Expr)
	case *filter.Compare:
		return "(" + l.comparison(c, e) + ")"
	}
	panic(fmt.Sprintf("store: unknown filter expression %T", expr)) //nolint:forbidigo // the set is closed
}

func (l *Listing[T]) comparison(c *conditions, e *filter.Compare) string {
	a := l.attribute(e.Attribute)
	switch {
	case a.holds != nil:
		return a.holds(c, e.Text)
	case a.typ == filter.Time:
		return timeComparison(c, a.column, e)
	case e.Op == filter.CO && len(e.Text) > maxContained:
		return "1 = 0"
	case e.Op == filter.CO:
		return a.column + " like " + c.arg("%"+escapeLike(e.Text)+"%") + " escape '\\'"
	}
	return a.column + sqlOperator[e.Op] + c.arg(e.Text)
}

// Operators that attributes of lists have in common.
var (
	exactly   = []filter.Op{filter.EQ, filter.NE}
	onlyEqual = []filter.Op{filter.EQ}
	texts     = []filter.Op{filter.EQ, filter.NE, filter.CO}
	ordered   = []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE}
)

// text and instant make the values of attributes.
func text[T any, S ~string](get func(T) S) func(T) any {
	return func(v T) any { return string(get(v)) }
}

func folded[T any, S ~string](get func(T) S) func(T) any {
	return func(v T) any { return filter.Fold(string(get(v))) }
}

func instant[T any](get func(T) time.Time) func(T) any {
	return func(v T) any { return micros(get(v)) }
}
