package directory

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
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
			return query, badParameter("filter", err)
		}
	}
	var sortable []string
	for _, name := range r.listing.SortAttributes() {
		if !slices.Contains(hidden, name) {
			sortable = append(sortable, name)
		}
	}
	if query.Sort, err = filter.ParseSort(q.Sort, sortable); err != nil {
		return query, badParameter("sort", err)
	}
	if q.Next != "" && q.Prev != "" {
		return query, badParameter("prev", errors.New("next and prev exclude each other"))
	}
	for name, text := range map[string]string{"next": q.Next, "prev": q.Prev} {
		if text == "" {
			continue
		}
		position, err := parseCursor(text, query.Sort)
		if err != nil || !r.listing.Fits(*position, query.Sort) {
			return query, badParameter(name, errCursor)
		}
		query.From, query.Backward = position, name == "prev"
	}
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
		page.Next = formatCursor(r.listing.Position(items[len(items)-1], query.Sort), query.Sort)
	}
	if query.Backward && more || !query.Backward && query.From != nil {
		page.Prev = formatCursor(r.listing.Position(items[0], query.Sort), query.Sort)
	}
	return page, nil
}

// cursor is a position in a sorted list. It carries no rights: every page is
// restricted to the caller's tenant anew.
type cursor struct {
	Sort   string `json:"s"` // the order it was made for
	Values []any  `json:"v"` // strings, or integer microseconds
	ID     string `json:"i"`
}

var errCursor = errors.New("is not a cursor of this list in this order; take it from links.next or links.prev")

// maxCursor bounds the text of a cursor; names of 256 characters fit well.
const maxCursor = 8 << 10

func formatCursor(p store.Position, sort []filter.SortKey) string {
	text, err := json.Marshal(cursor{Sort: sortText(sort), Values: p.Values, ID: p.ID})
	if err != nil {
		panic(err) //nolint:forbidigo // strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string, sort []filter.SortKey) (*store.Position, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > maxCursor {
		return nil, errCursor
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // microseconds don't fit a float exactly
	var c cursor
	if err := decoder.Decode(&c); err != nil || c.Sort != sortText(sort) {
		return nil, errCursor
	}
	p := &store.Position{ID: c.ID}
	for _, v := range c.Values {
		if number, ok := v.(json.Number); ok {
			n, err := number.Int64()
			if err != nil {
				return nil, errCursor
			}
			v = n
		} else if _, ok := v.(string); !ok {
			return nil, errCursor
		}
		p.Values = append(p.Values, v)
	}
	return p, nil
}

func sortText(sort []filter.SortKey) string {
	parts := make([]string, len(sort))
	for i, key := range sort {
		parts[i] = key.Attribute
		if key.Descending {
			parts[i] = "-" + key.Attribute
		}
	}
	return strings.Join(parts, ",")
}

// badParameter is the error for a query parameter that does not parse.
func badParameter(name string, err error) error {
	e := estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid "+name, err.Error())
	field := estate.Field{Parameter: name, Detail: err.Error()}
	var at *filter.Error
	if errors.As(err, &at) {
		field.Meta = map[string]int{"position": at.Position}
	}
	e.Fields = []estate.Field{field}
	return e
}
