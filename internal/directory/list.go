package directory

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// PageQuery asks for a page of a list.
type PageQuery struct {
	Filter string // SCIM; empty: all
	Sort   string // comma-separated attributes with sign; empty: the list's own order
	Next   string // cursor: the page after it
	Prev   string // cursor: the page before it
	Limit  int    // 1 to 100
	Total  bool   // count all that match
}

// Page is a page of a list. Next and Prev are cursors, empty at the ends. Total is
// -1 unless it was asked for.
type Page[T any] struct {
	Items []T
	Next  string
	Prev  string
	Total int64
}

// rows reads the rows of one kind in a tenant: a page of them, and how many there
// are.
type rows[T any] struct {
	name    string // of the list, in its cursors
	listing *store.Listing[T]
	page    func(*store.Tx, context.Context, estate.Scope, store.Query) ([]T, bool, error)
	count   func(*store.Tx, context.Context, estate.Scope, filter.Expr) (int64, error)
}

// parse reads a query for rows. hidden are attributes that the caller may not
// filter and sort by.
func (r rows[T]) parse(q PageQuery, hidden ...string) (query store.Query, err error) {
	query.Limit = q.Limit
	if q.Filter != "" {
		if query.Filter, err = filter.Parse(q.Filter, without(r.listing.Schema(), hidden)); err != nil {
			return query, paging.Unparsed("filter", err)
		}
	}
	var sortable []string
	for _, name := range r.listing.SortAttributes() {
		if !slices.Contains(hidden, name) {
			sortable = append(sortable, name)
		}
	}
	if query.Sort, err = filter.ParseSort(q.Sort, sortable); err != nil {
		return query, paging.Unparsed("sort", err)
	}
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil || sent == "" {
		return query, err
	}
	query.From, err = parseCursor(r.name, sent, query.Sort)
	if err != nil || !r.listing.Fits(*query.From, query.Sort) {
		return query, paging.Unparsed(parameter, paging.ErrCursor)
	}
	query.Backward = parameter == "prev"
	return query, nil
}

func without(schema filter.Schema, hidden []string) (left filter.Schema) {
	for _, a := range schema {
		if !slices.Contains(hidden, a.Name) {
			left = append(left, a)
		}
	}
	return left
}

// read returns a page of the rows in scope.
func (r rows[T]) read(ctx context.Context, tx *store.Tx, scope estate.Scope, query store.Query, total bool) (page Page[T], err error) {
	page.Total = -1
	if total {
		if page.Total, err = r.count(tx, ctx, scope, query.Filter); err != nil {
			return page, err
		}
	}
	items, more, err := r.page(tx, ctx, scope, query)
	if err != nil {
		return page, err
	}
	page.Items = items
	if len(items) == 0 {
		return page, nil
	}
	if more || query.Backward { // the page one came from is always there to go back to
		page.Next = formatCursor(r.name, r.listing.Position(items[len(items)-1], query.Sort), query.Sort)
	}
	if query.Backward && more || !query.Backward && query.From != nil {
		page.Prev = formatCursor(r.name, r.listing.Position(items[0], query.Sort), query.Sort)
	}
	return page, nil
}

func formatCursor(list string, p store.Position, sort []filter.SortKey) string {
	return paging.Format(paging.Sorted(list, sort), paging.Place{Values: p.Values, ID: p.ID})
}

func parseCursor(list, text string, sort []filter.SortKey) (*store.Position, error) {
	place, err := paging.Parse[paging.Place](paging.Sorted(list, sort), text)
	if err != nil {
		return nil, err
	}
	return &store.Position{Values: place.Values, ID: place.ID}, nil
}
