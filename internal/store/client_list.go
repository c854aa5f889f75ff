package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// ClientSchema is what clients of a level can be filtered by. Attributes are
// those of the contract; its operators are not documented. A region-level client
// has its region.
func ClientSchema(level estate.Level) filter.Schema {
	exact := []filter.Op{filter.EQ, filter.NE}
	schema := filter.Schema{
		{Name: "clientId", Type: filter.Exact, Ops: exact},
		{Name: "clientName", Type: filter.String, Ops: []filter.Op{filter.EQ, filter.NE, filter.CO}},
		{Name: "appType", Type: filter.String, Ops: exact},
		{Name: "createdByType", Type: filter.String, Ops: exact},
	}
	switch level {
	case estate.LevelTenant:
		schema = append(schema, filter.Attribute{Name: "tenantId", Type: filter.Exact, Ops: exact})
	case estate.LevelRegion:
		schema = append(schema, filter.Attribute{Name: "regionCode", Type: filter.String, Ops: exact})
	}
	return schema
}

// ClientSortAttributes are what clients of a level can be sorted by.
func ClientSortAttributes(level estate.Level) []string {
	all := []string{"clientId", "clientName", "appType", "createdAt", "updatedAt"}
	switch level {
	case estate.LevelTenant:
		all = append(all, "tenantId")
	case estate.LevelRegion:
		all = append(all, "regionCode")
	}
	return all
}

// clientColumn maps attributes to the columns that are compared and sorted by.
var clientColumn = map[string]string{
	"clientId":      "id",
	"clientName":    "name_key",
	"appType":       "app_type",
	"createdByType": "created_by_type",
	"tenantId":      "tenant_id",
	"regionCode":    "region",
	"createdAt":     "created_at",
	"updatedAt":     "updated_at",
}

// ClientQuery asks for a page of the clients of one level. Without Sort, the
// oldest come first.
type ClientQuery struct {
	Level     estate.Level
	Published bool        // at tenant level: also what other tenants have published to this one
	Enabled   bool        // only those that are not disabled
	Disabled  bool        // only those that are
	Filter    filter.Expr // nil: all
	Sort      []filter.SortKey
	From      *ClientPosition // nil: from the start
	Backward  bool            // the rows before From instead of those after
	Limit     int             // at most MaxPage; 0 or less: only whether there are any
}

// ClientPosition is a place between clients in the order of a query: just past
// the client that has these values.
type ClientPosition struct {
	Values []any // of the sort keys: string, or int64 microseconds
	ID     estate.ClientID
}

func (q ClientQuery) conditions(scope estate.Scope) *conditions {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("level = " + c.arg(string(q.Level)))
	c.add("deleted_at = 0")
	if q.Published {
		own := "(" + strings.Join(c.terms, " and ") + ")"
		c.terms = nil
		c.add("(" + own + " or " + publishedTo(c, scope) + ")")
	}
	if q.Enabled {
		c.add("disabled_at = 0")
	}
	if q.Disabled {
		c.add("disabled_at <> 0")
	}
	if q.Filter != nil {
		c.add(clientCondition(c, q.Filter))
	}
	return c
}

// ClientPage returns a page of the clients in scope in the order of q, and
// whether more follow in the direction of reading.
func (tx *Tx) ClientPage(ctx context.Context, scope estate.Scope, q ClientQuery) (page []estate.Client, more bool, err error) {
	c := q.conditions(scope)
	var order []orderColumn
	for _, key := range effectiveSort(q.Sort) {
		order = append(order, orderColumn{clientColumn[key.Attribute], key.Descending != q.Backward})
	}
	order = append(order, orderColumn{"id", order[len(order)-1].descending})
	if q.From != nil {
		c.add(keysetCondition(c, order, append(slices.Clone(q.From.Values), string(q.From.ID))))
	}
	by := make([]string, len(order))
	for i, o := range order {
		by[i] = o.column
		if o.descending {
			by[i] += " desc"
		}
	}
	limit := max(0, min(q.Limit, MaxPage)) // a negative limit would mean none to SQLite
	rows, err := tx.rows(ctx, "select "+clientColumns+" from clients"+c.where()+" order by "+strings.Join(by, ", ")+" limit "+c.arg(limit+1), c.args...)
	page, err = collect(rows, err, scanClient)
	if err != nil {
		return nil, false, wrap("select clients", err)
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	if q.Backward {
		slices.Reverse(page)
	}
	for i := range page {
		if page[i].Scope.Tenant != scope.Tenant {
			continue // secrets are the owner's business
		}
		if err := tx.fillClient(ctx, &page[i]); err != nil {
			return nil, false, err
		}
	}
	return page, more, nil
}

// CountClients counts what ClientPage would return over all pages.
func (tx *Tx) CountClients(ctx context.Context, scope estate.Scope, q ClientQuery) (n int64, err error) {
	c := q.conditions(scope)
	err = tx.row(ctx, "select count(*) from clients"+c.where(), c.args...).Scan(&n)
	return n, wrap("count clients", err)
}

// PositionOfClient returns the position of v in the order of sort.
func PositionOfClient(v estate.Client, sort []filter.SortKey) ClientPosition {
	p := ClientPosition{ID: v.ID}
	for _, key := range effectiveSort(sort) {
		p.Values = append(p.Values, map[string]any{
			"clientId":   string(v.ID),
			"clientName": filter.Fold(v.Name),
			"appType":    v.AppType,
			"tenantId":   string(v.Scope.Tenant),
			"regionCode": string(v.Scope.Region),
			"createdAt":  micros(v.CreatedAt),
			"updatedAt":  micros(v.UpdatedAt),
		}[key.Attribute])
	}
	return p
}

// Fits tells whether p is a position in the order of sort.
func (p ClientPosition) Fits(sort []filter.SortKey) bool {
	keys := effectiveSort(sort)
	if len(p.Values) != len(keys) || !p.ID.Valid() {
		return false
	}
	for i, key := range keys {
		_, isTime := p.Values[i].(int64)
		if isTime != (key.Attribute == "createdAt" || key.Attribute == "updatedAt") {
			return false
		}
	}
	return true
}

// clientCondition turns a filter into SQL. Every value becomes an argument.
func clientCondition(c *conditions, expr filter.Expr) string {
	join := func(exprs []filter.Expr, with string) string {
		terms := make([]string, len(exprs))
		for i, e := range exprs {
			terms[i] = clientCondition(c, e)
		}
		return "(" + strings.Join(terms, with) + ")"
	}
	switch e := expr.(type) {
	case *filter.And:
		return join(e.Exprs, " and ")
	case *filter.Or:
		return join(e.Exprs, " or ")
	case *filter.Not:
		return "not " + clientCondition(c, e.Expr)
	case *filter.Compare:
		column, ok := clientColumn[e.Attribute]
		if !ok {
			panic("store: filter attribute without a column: " + e.Attribute) //nolint:forbidigo // ClientSchema admits no other
		}
		if e.Op == filter.CO {
			return "(" + column + " like " + c.arg("%"+escapeLike(e.Text)+"%") + " escape '\\')"
		}
		return "(" + column + sqlOperator[e.Op] + c.arg(e.Text) + ")"
	}
	panic(fmt.Sprintf("store: unknown filter expression %T", expr)) //nolint:forbidigo // the set is closed
}
