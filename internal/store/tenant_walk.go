package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// TenantBound is how many tenants a page looks at, or sorts, at most, if a query
// says nothing else.
const TenantBound = 4_000

// errSortTooWide is what a query gets that could be answered only by looking at
// more tenants than a page may cost: no index finds fewer, however few match.
var errSortTooWide = estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid sort", fmt.Sprintf(
	"More than %d tenants would have to be looked at to sort them by several attributes, however few match. Sort by one, or add to the filter, with and, a comparison that by itself leaves no more.", TenantBound)).
	InParameter("sort", "has more than one attribute, for too many tenants")

// Tenants returns a page of tenants in the order of q, and where the one after it
// begins, in the direction of reading; nil: nothing follows.
//
// What a page costs does not depend on how many tenants there are. It is a range of
// an index where one begins with what is filtered by and goes on in the order asked
// for. Otherwise the tenants are taken in that order and looked at one by one, but
// no more than q.Bound of them: then the page may have fewer tenants than q.Limit,
// or none, and reading goes on from where it stopped. Where no more than q.Bound
// tenants come into question, they are found by another index and sorted.
func (tx *Tx) Tenants(ctx context.Context, scope estate.Scope, q TenantQuery) (page []estate.Tenant, next *TenantPosition, err error) {
	if q.Bound <= 0 {
		q.Bound = TenantBound
	}
	limit := max(0, min(q.Limit, MaxPage)) // a negative limit would mean none to SQLite
	page, next, err = tx.pageOfTenants(ctx, scope, q, limit)
	if err != nil {
		return nil, nil, wrap("select tenants", err)
	}
	if len(page) > limit {
		page = page[:limit]
		if limit > 0 {
			position := PositionOf(page[limit-1], q.Sort)
			next = &position
		} else {
			next = q.From // a page of nothing gets nowhere
			if next == nil {
				next = &TenantPosition{}
			}
		}
	}
	if q.Backward {
		slices.Reverse(page)
	}
	return page, next, nil
}

// pageOfTenants reads one row more than limit, if there are as many, or returns
// where it stopped looking.
func (tx *Tx) pageOfTenants(ctx context.Context, scope estate.Scope, q TenantQuery, limit int) ([]estate.Tenant, *TenantPosition, error) {
	if scope.Organization == "" {
		return nil, nil, nil
	}
	terms := conjunction(q.Filter, nil)
	order := tenantOrder(q.Sort, q.Backward)
	if scope.Tenant != "" || slices.ContainsFunc(terms, findsOne) {
		c := within(scope, "subscription_id", "region", "id")
		for _, e := range terms {
			c.add(tenantCondition(c, e))
		}
		from(c, order, q.From)
		page, err := tx.selectTenants(ctx, c, order, limit)
		return page, nil, err
	}
	w := tenantWalk{scope: scope, order: order, equal: equalities(scope, terms), terms: terms}
	best, fits := w.index()
	if fits && w.serves(best) {
		c := w.conditions(best)
		from(c, order, q.From)
		page, err := tx.selectTenants(ctx, c, order, limit)
		return page, nil, err
	}
	return tx.searchTenants(ctx, w, best, fits, q, limit)
}

// searchTenants finds tenants by a filter that no index serves in the order asked
// for.
func (tx *Tx) searchTenants(ctx context.Context, w tenantWalk, best []string, fits bool, q TenantQuery, limit int) ([]estate.Tenant, *TenantPosition, error) {
	few, none, err := tx.fewTenants(ctx, w, q.Bound)
	if err != nil || none {
		return nil, nil, err
	}
	if few != nil {
		few.opaque(tenantsHold(few, w.scope, w.terms))
		from(few, w.order, q.From)
		page, err := tx.selectTenants(ctx, few, w.order, limit)
		return page, nil, err
	}
	if !fits {
		return nil, nil, errSortTooWide
	}
	c := w.conditions(best)
	from(c, w.order, q.From)
	stop, err := tx.tenantAfter(ctx, c, w.order, q.Bound)
	if err != nil {
		return nil, nil, err
	}
	if stop != nil {
		c.add(boundCondition(c, w.order, append(slices.Clone(stop.Values), string(stop.ID))))
	}
	c.opaque(tenantsHold(c, w.scope, w.terms))
	page, err := tx.selectTenants(ctx, c, w.order, limit)
	if len(page) > limit {
		stop = nil
	}
	return page, stop, err
}

// tenantWalk is how a page is read.
type tenantWalk struct {
	scope estate.Scope
	order []orderColumn
	equal map[string]string // columns that have one value in all tenants asked for
	terms []filter.Expr     // of the filter
}

// tenantIndexes are the indexes of tenants that begin with the organization, without
// it; those that find fewer tenants come first.
var tenantIndexes = [][]string{
	{"name_key", "created_at", "id"},
	{"subscription_id", "region", "created_at", "id"},
	{"subscription_id", "created_at", "id"},
	{"status", "created_at", "id"},
	{"datacenter", "created_at", "id"},
	{"country_code", "created_at", "id"},
	{"created_at", "id"},
	{"updated_at", "id"},
	{"hostname", "id"},
}

// index returns the index that has the tenants in the order of the walk, and begins
// with as much as possible of what they have in common.
func (w tenantWalk) index() (best []string, fits bool) {
	for i := range w.order {
		if w.order[i].descending != w.order[0].descending {
			return nil, false
		}
	}
	most := -1
	for _, index := range tenantIndexes {
		n := w.common(index)
		var rest []string
		for _, o := range w.order {
			if !slices.Contains(index[:n], o.column) {
				rest = append(rest, o.column)
			}
		}
		if slices.Equal(rest, index[n:]) && n > most {
			best, most = index, n
		}
	}
	return best, best != nil
}

// common is with how many columns an index begins that all tenants have in common.
func (w tenantWalk) common(index []string) (n int) {
	for n < len(index) && w.equal[index[n]] != "" {
		n++
	}
	return n
}

// serves tells whether a range of the index is exactly what is asked for.
func (w tenantWalk) serves(index []string) bool {
	n := w.common(index)
	has := func(column string, value string) bool {
		return slices.Contains(index[:n], column) && w.equal[column] == value
	}
	if w.scope.Subscription != "" && !has("subscription_id", string(w.scope.Subscription)) || w.scope.Region != "" && !has("region", string(w.scope.Region)) {
		return false
	}
	for _, e := range w.terms {
		compare, ok := e.(*filter.Compare)
		if !ok || !w.bounds(index, compare) && (compare.Op != filter.EQ || !has(tenantColumn[compare.Attribute], equalText(compare))) {
			return false
		}
	}
	return true
}

// bounds tells whether a comparison bounds the range of the index: it is of the
// column that comes after those that all tenants have in common, which is a time.
func (w tenantWalk) bounds(index []string, e *filter.Compare) bool {
	n := w.common(index)
	return e.Op != filter.NE && (e.Attribute == "createdAt" || e.Attribute == "updatedAt") && n < len(index) && index[n] == tenantColumn[e.Attribute]
}

// conditions are those that make a range of the index.
func (w tenantWalk) conditions(index []string) *conditions {
	c := within(estate.Scope{Organization: w.scope.Organization}, "", "", "")
	for _, column := range index[:w.common(index)] {
		c.add(column + " = " + c.arg(w.equal[column]))
	}
	for _, e := range w.terms {
		if compare, ok := e.(*filter.Compare); ok && w.bounds(index, compare) {
			c.add(tenantComparison(c, compare))
		}
	}
	return c
}

// equalities are the columns that have one value in all tenants that a scope and the
// terms of a filter leave. Where they contradict each other, one is as good as the
// other: both are looked at.
func equalities(scope estate.Scope, terms []filter.Expr) map[string]string {
	equal := map[string]string{}
	for _, e := range terms {
		compare, ok := e.(*filter.Compare)
		if !ok || compare.Op != filter.EQ || !slices.Contains([]string{"subscriptionId", "regionCode", "countryCode", "status", "name"}, compare.Attribute) {
			continue
		}
		if text := equalText(compare); text != "" {
			equal[tenantColumn[compare.Attribute]] = text
		}
	}
	if scope.Subscription != "" {
		equal["subscription_id"] = string(scope.Subscription)
	}
	if scope.Region != "" {
		equal["region"] = string(scope.Region)
	}
	return equal
}

// equalText is what a comparison has the column be equal to.
func equalText(e *filter.Compare) string {
	if e.Attribute == "countryCode" {
		if upper := strings.ToUpper(e.Text); filter.Fold(upper) == e.Text {
			return upper
		}
	}
	return e.Text
}

// conjunction takes an expression apart into terms that all have to hold.
func conjunction(expr filter.Expr, terms []filter.Expr) []filter.Expr {
	switch e := expr.(type) {
	case nil:
		return terms
	case *filter.And:
		for _, part := range e.Exprs {
			terms = conjunction(part, terms)
		}
		return terms
	}
	return append(terms, expr)
}

// findsOne tells whether a term leaves next to no tenants, by an index of its own.
func findsOne(expr filter.Expr) bool {
	e, ok := expr.(*filter.Compare)
	return ok && e.Op == filter.EQ && slices.Contains([]string{"id", "originalId", "hostnames", "externalId"}, e.Attribute)
}

// from has reading begin at a position.
func from(c *conditions, order []orderColumn, position *TenantPosition) {
	if position != nil {
		c.add(keysetCondition(c, order, append(slices.Clone(position.Values), string(position.ID))))
	}
}

// boundCondition holds for rows up to values in an order of one direction.
func boundCondition(c *conditions, order []orderColumn, values []any) string {
	columns, args := make([]string, len(order)), make([]string, len(order))
	for i, o := range order {
		columns[i], args[i] = o.column, c.arg(values[i])
	}
	comparison := " <= "
	if order[0].descending {
		comparison = " >= "
	}
	return "(" + strings.Join(columns, ", ") + ")" + comparison + "(" + strings.Join(args, ", ") + ")"
}

// opaque adds conditions that the database can only check, row by row: it does not
// choose an index by them.
func (c *conditions) opaque(terms []string) {
	if len(terms) > 0 {
		c.add("case when " + strings.Join(terms, " and ") + " then 1 else 0 end = 1")
	}
}

// tenantsHold are the conditions that a scope and the terms of a filter make.
func tenantsHold(c *conditions, scope estate.Scope, exprs []filter.Expr) (terms []string) {
	if scope.Subscription != "" {
		terms = append(terms, "subscription_id = "+c.arg(string(scope.Subscription)))
	}
	if scope.Region != "" {
		terms = append(terms, "region = "+c.arg(string(scope.Region)))
	}
	for _, e := range exprs {
		terms = append(terms, tenantCondition(c, e))
	}
	return terms
}

func orderBy(order []orderColumn) string {
	by := make([]string, len(order))
	for i, o := range order {
		by[i] = o.column
		if o.descending {
			by[i] += " desc"
		}
	}
	return " order by " + strings.Join(by, ", ")
}

// selectTenants reads one tenant more than limit. The limit is part of the
// statement: a planner that does not know it takes it for a tenth of the table.
func (tx *Tx) selectTenants(ctx context.Context, c *conditions, order []orderColumn, limit int) ([]estate.Tenant, error) {
	rows, err := tx.rows(ctx, "select "+tenantsSelected+" from tenants"+c.where()+orderBy(order)+" limit "+strconv.Itoa(limit+1), c.args...)
	return collect(rows, err, scanTenant)
}

// tenantAfter returns the position of the tenant that comes after n others in the
// order; nil: there are not as many. It reads the index alone.
func (tx *Tx) tenantAfter(ctx context.Context, c *conditions, order []orderColumn, n int) (*TenantPosition, error) {
	columns := make([]string, len(order))
	for i, o := range order {
		columns[i] = o.column
	}
	rows, err := tx.rows(ctx, "select "+strings.Join(columns, ", ")+" from tenants"+c.where()+orderBy(order)+" limit 1 offset "+strconv.Itoa(n-1), c.args...)
	found, err := collect(rows, err, func(row rowScanner) (p TenantPosition, err error) {
		p.Values = make([]any, len(order)-1)
		into := []any{}
		for i := range p.Values {
			into = append(into, &p.Values[i])
		}
		return p, row.Scan(append(into, &p.ID)...)
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// fewTenants returns conditions that no more than bound tenants of the organization
// satisfy, found by an index, of those that a scope and a filter name; nil if they
// name none. It also tells whether it is plain from the counts that there is nothing.
func (tx *Tx) fewTenants(ctx context.Context, w tenantWalk, bound int) (few *conditions, none bool, err error) {
	all := within(estate.Scope{Organization: w.scope.Organization}, "", "", "")
	sums := []string{"cast(coalesce(sum(tenants), 0) as bigint)"} // of the organization; then of what each index finds; then of all counted terms
	sum := func(condition string) {
		sums = append(sums, "cast(coalesce(sum(case when "+condition+" then tenants else 0 end), 0) as bigint)")
	}
	var indexes [][]string
	for _, index := range tenantIndexes[1:6] {
		if n := w.common(index); n > 0 {
			var equal []string
			for _, column := range index[:n] {
				equal = append(equal, column+" = "+all.arg(w.equal[column]))
			}
			sum(strings.Join(equal, " and "))
			indexes = append(indexes, index)
		}
	}
	counted := tenantsHold(all, w.scope, slices.DeleteFunc(slices.Clone(w.terms), func(e filter.Expr) bool { return !onlyCounted(e) }))
	if len(counted) > 0 {
		sum(strings.Join(counted, " and "))
	}
	if err := tx.writeTally(ctx); err != nil {
		return nil, false, err
	}
	counts := make([]int64, len(sums))
	into := make([]any, len(sums))
	for i := range counts {
		into[i] = &counts[i]
	}
	if err := tx.row(ctx, "select "+strings.Join(sums, ", ")+" from tenant_counts"+all.where(), all.args...).Scan(into...); err != nil {
		return nil, false, err
	}
	if len(counted) > 0 && counts[len(counts)-1] == 0 {
		return nil, true, nil
	}
	if counts[0] <= int64(bound) {
		return within(estate.Scope{Organization: w.scope.Organization}, "", "", ""), false, nil
	}
	for i, index := range indexes {
		if counts[1+i] <= int64(bound) {
			return w.conditions(index), false, nil
		}
	}
	for _, e := range w.terms {
		if few, err := tx.fewByTerm(ctx, w.scope.Organization, e, bound); few != nil || err != nil {
			return few, false, err
		}
	}
	return nil, false, nil
}

// fewByTerm returns conditions that no more than bound tenants satisfy, if a term
// about a name, label or time says so.
func (tx *Tx) fewByTerm(ctx context.Context, organization estate.OrganizationID, expr filter.Expr, bound int) (*conditions, error) {
	e, ok := expr.(*filter.Compare)
	if !ok {
		return nil, nil //nolint:nilnil // it says nothing
	}
	c := within(estate.Scope{Organization: organization}, "", "", "")
	from := "tenants"
	switch {
	case e.Attribute == "name" && e.Op == filter.EQ, (e.Attribute == "createdAt" || e.Attribute == "updatedAt") && e.Op != filter.NE:
		c.add(tenantComparison(c, e))
	case e.Attribute == "labels" && e.Op == filter.EQ:
		from = "tenant_labels"
		name, value, valued := strings.Cut(e.Text, "=")
		c.add("name = " + c.arg(name))
		if valued {
			c.add("value = " + c.arg(value))
		}
	default:
		return nil, nil //nolint:nilnil // nor does this
	}
	var n int
	if err := tx.row(ctx, "select count(*) from (select 1 from "+from+c.where()+" limit "+strconv.Itoa(bound+1)+") as found", c.args...).Scan(&n); err != nil || n > bound {
		return nil, err
	}
	if from == "tenants" {
		return c, nil
	}
	by := within(estate.Scope{Organization: organization}, "", "", "")
	by.add(labelled(by, e.Text))
	return by, nil
}

// labelled holds for tenants that have a label, "name=value" or the name alone. It
// finds them by the label.
func labelled(c *conditions, text string) string {
	name, value, valued := strings.Cut(text, "=")
	query := "id in (select tenant_id from tenant_labels where name = " + c.arg(name)
	if valued {
		query += " and value = " + c.arg(value)
	}
	return query + ")"
}

// Order returns the first column of the order of a query, and whether it goes down, in
// the direction of reading. simple tells whether the rest of the order follows from it:
// after a name the creation time, and always the id, all in the same direction.
func (q TenantQuery) Order() (column string, descending, simple bool) {
	order := tenantOrder(q.Sort, q.Backward)
	rest := order[1 : len(order)-1]
	simple = len(rest) == 0 || order[0].column == "name_key" && len(rest) == 1 && rest[0].column == "created_at"
	for _, o := range order {
		simple = simple && o.descending == order[0].descending
	}
	return order[0].column, order[0].descending, simple
}

// TenantsByID returns up to n tenants in scope whose ids come after one, in the order of
// their ids: for whoever needs all of them.
func (tx *Tx) TenantsByID(ctx context.Context, scope estate.Scope, after estate.TenantID, n int) ([]estate.Tenant, error) {
	c := within(scope, "subscription_id", "region", "id")
	c.add("id > " + c.arg(after))
	rows, err := tx.rows(ctx, "select "+tenantsSelected+" from tenants"+c.where()+" order by id limit "+strconv.Itoa(max(0, n)), c.args...)
	all, err := collect(rows, err, scanTenant)
	return all, wrap("select tenants by id", err)
}
