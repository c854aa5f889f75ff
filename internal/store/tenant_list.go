package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// TenantSchema is what tenants can be filtered by, as the contract documents
// it for the organization API. The last three are additions: a label is compared as
// "name=value", or by its name alone.
var TenantSchema = filter.Schema{
	{Name: "subscriptionId", Type: filter.Exact, Ops: []filter.Op{filter.EQ}},
	{Name: "regionCode", Type: filter.String, Ops: []filter.Op{filter.EQ, filter.NE}},
	{Name: "countryCode", Type: filter.String, Ops: []filter.Op{filter.EQ, filter.NE, filter.CO}},
	{Name: "name", Type: filter.String, Ops: []filter.Op{filter.EQ}},
	{Name: "hostnames", Type: filter.String, Ops: []filter.Op{filter.EQ}},
	{Name: "createdAt", Type: filter.Time, Ops: []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE}},
	{Name: "updatedAt", Type: filter.Time, Ops: []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE}},
	{Name: "id", Type: filter.Exact, Ops: []filter.Op{filter.EQ}},
	{Name: "status", Type: filter.String, Ops: []filter.Op{filter.EQ, filter.NE}},
	{Name: "originalId", Type: filter.Exact, Ops: []filter.Op{filter.EQ}},
	{Name: "externalId", Type: filter.Exact, Ops: []filter.Op{filter.EQ}},
	{Name: "labels", Type: filter.Exact, Ops: []filter.Op{filter.EQ}},
	{Name: "provisioningState", Type: filter.Exact, Ops: []filter.Op{filter.EQ, filter.NE}},
}

// tenantColumn maps attributes to the columns that are compared and sorted by.
var tenantColumn = map[string]string{
	"subscriptionId": "subscription_id",
	"regionCode":     "datacenter",
	"countryCode":    "country_code",
	"name":           "name_key",
	"hostnames":      "hostname",
	"createdAt":      "created_at",
	"updatedAt":      "updated_at",
	"id":             "id",
	"status":         "status",
	"originalId":     "id",
	"externalId":     "external_id",
	"labels":         "labels",

	"provisioningState": "provisioning_state",
}

// TenantSortAttributes are what tenants can be sorted by.
var TenantSortAttributes = []string{"name", "regionCode", "countryCode", "hostnames", "createdAt", "updatedAt", "status", "subscriptionId"}

// MaxPage is the most rows that a list method returns.
const MaxPage = 100

// TenantQuery asks for a page of tenants. Without Sort, the oldest come first.
// In the filter, host names stand without the base domain.
type TenantQuery struct {
	Filter   filter.Expr // nil: all
	Sort     []filter.SortKey
	From     *TenantPosition // nil: from the start, or from the end if Backward
	Backward bool            // the rows before From instead of those after
	Limit    int             // at most MaxPage; 0 or less: only whether there are any
	Bound    int             // how many tenants may be looked at, or sorted, for the page; 0: TenantBound
}

// TenantPosition is a place between tenants in the order of a query: just past
// the tenant that has these values. It stays right while tenants come and go.
type TenantPosition struct {
	Values []any // of the sort keys, as PositionOf has them: string, or int64 microseconds
	ID     estate.TenantID
}

// PositionOf returns the position of t in the order of sort.
func PositionOf(t estate.Tenant, sort []filter.SortKey) TenantPosition {
	p := TenantPosition{ID: t.ID}
	for _, key := range effectiveSort(sort) {
		var v any
		switch key.Attribute {
		case "name":
			v = filter.Fold(t.Name)
		case "regionCode":
			v = t.Datacenter
		case "countryCode":
			v = t.CountryCode
		case "hostnames":
			v = string(t.Hostname)
		case "createdAt":
			v = micros(t.CreatedAt)
		case "updatedAt":
			v = micros(t.UpdatedAt)
		case "status":
			v = string(t.Status)
		case "subscriptionId":
			v = string(t.Subscription)
		}
		p.Values = append(p.Values, v)
	}
	return p
}

// Fits tells whether p is a position in the order of sort.
func (p TenantPosition) Fits(sort []filter.SortKey) bool {
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

// effectiveSort is sort without what it leaves open, but for the id: without
// keys the oldest come first, and among those of one name, region, country,
// status or subscription too. The indexes of these go on by creation time, for
// the sake of filters. By the id alone, a whole group, which may be most of the
// tenants, would have to be read and sorted for each page of it.
func effectiveSort(sort []filter.SortKey) []filter.SortKey {
	switch {
	case len(sort) == 0:
		return []filter.SortKey{{Attribute: "createdAt"}}
	case len(sort) == 1 && slices.Contains([]string{"name", "regionCode", "countryCode", "status", "subscriptionId"}, sort[0].Attribute):
		return []filter.SortKey{sort[0], {Attribute: "createdAt", Descending: sort[0].Descending}}
	}
	return sort
}

type orderColumn struct {
	column     string
	descending bool
}

// tenantOrder is the full order of a query: its keys, then the id in the
// direction of the last key, so that one index can serve both.
func tenantOrder(sort []filter.SortKey, backward bool) []orderColumn {
	var order []orderColumn
	for _, key := range effectiveSort(sort) {
		order = append(order, orderColumn{tenantColumn[key.Attribute], key.Descending != backward})
	}
	return append(order, orderColumn{"id", order[len(order)-1].descending})
}

// keysetCondition holds for rows after values in order. With one direction
// throughout, a row value comparison does, which an index serves as one range;
// with mixed ones the first column still bounds the range.
func keysetCondition(c *conditions, order []orderColumn, values []any) string {
	comparison := func(o orderColumn) string {
		if o.descending {
			return " < "
		}
		return " > "
	}
	columns := make([]string, len(order))
	args := make([]string, len(order))
	mixed := false
	for i, o := range order {
		columns[i] = o.column
		args[i] = c.arg(values[i])
		mixed = mixed || o.descending != order[0].descending
	}
	if !mixed {
		return "(" + strings.Join(columns, ", ") + ")" + comparison(order[0]) + "(" + strings.Join(args, ", ") + ")"
	}
	var terms []string
	for i, o := range order {
		var term strings.Builder
		for j := range i {
			term.WriteString(columns[j] + " = " + args[j] + " and ")
		}
		terms = append(terms, term.String()+columns[i]+comparison(o)+args[i])
	}
	bound := columns[0] + strings.TrimSuffix(comparison(order[0]), " ") + "= " + args[0]
	return bound + " and (" + strings.Join(terms, " or ") + ")"
}

// tenantCondition turns a filter into SQL. Every value becomes an argument.
func tenantCondition(c *conditions, expr filter.Expr) string {
	switch e := expr.(type) {
	case *filter.And:
		return joinConditions(c, e.Exprs, " and ")
	case *filter.Or:
		return joinConditions(c, e.Exprs, " or ")
	case *filter.Not:
		return "not " + tenantCondition(c, e.Expr)
	case *filter.Compare:
		return "(" + tenantComparison(c, e) + ")"
	}
	panic(fmt.Sprintf("store: unknown filter expression %T", expr)) //nolint:forbidigo // the set is closed
}

func joinConditions(c *conditions, exprs []filter.Expr, with string) string {
	terms := make([]string, len(exprs))
	for i, e := range exprs {
		terms[i] = tenantCondition(c, e)
	}
	return "(" + strings.Join(terms, with) + ")"
}

var sqlOperator = map[filter.Op]string{
	filter.EQ: " = ", filter.NE: " <> ", filter.GT: " > ", filter.GE: " >= ", filter.LT: " < ", filter.LE: " <= ",
}

func tenantComparison(c *conditions, e *filter.Compare) string {
	column, ok := tenantColumn[e.Attribute]
	if !ok {
		panic("store: filter attribute without a column: " + e.Attribute) //nolint:forbidigo // TenantSchema admits no other
	}
	text := e.Text
	switch e.Attribute {
	case "createdAt", "updatedAt":
		return timeComparison(c, column, e)
	case "countryCode":
		// Stored in upper case, while the filter folds to lower. What does not
		// survive the way there and back, such as "ſ", is in no country code.
		if upper := strings.ToUpper(text); filter.Fold(upper) == text {
			text = upper
		}
	case "hostnames":
		// A generated name or an alias: one tenant at most has it, so this is one
		// look-up by id however the rest is indexed. A purged tenant only shows the
		// name that was generated for it. An id is never empty, and null would make
		// the negation unknown.
		return "id = coalesce((select tenant_id from hostnames where hostnames.hostname = " + c.arg(text) + "), " +
			"(select min(gone.id) from tenants gone where gone.organization_id = " + c.arg(string(c.organization)) + " and gone.hostname = " + c.arg(text) + "), '')"
	}
	if e.Attribute == "externalId" {
		return "external_id <> '' and external_id = " + c.arg(text) // names the partial index
	}
	if e.Attribute == "labels" {
		name, value, valued := strings.Cut(text, "=")
		query := "exists (select 1 from tenant_labels l where l.tenant_id = tenants.id and l.name = " + c.arg(name)
		if valued {
			query += " and l.value = " + c.arg(value)
		}
		return query + ")"
	}
	if e.Op == filter.CO {
		if len(text) > maxContained {
			return "1 = 0"
		}
		return column + " like " + c.arg("%"+escapeLike(text)+"%") + " escape '\\'"
	}
	return column + sqlOperator[e.Op] + c.arg(text)
}

// maxContained is longer than any value of an attribute that knows "contains".
// SQLite refuses to match patterns of more than 50,000 bytes.
const maxContained = 1000

// timeComparison minds that times are stored in microseconds: a time between
// two of them equals no stored one, and is later than the one it is cut to.
func timeComparison(c *conditions, column string, e *filter.Compare) string {
	op := e.Op
	if e.Time.Nanosecond()%1000 != 0 {
		switch op {
		case filter.EQ:
			return "1 = 0"
		case filter.NE:
			return "1 = 1"
		case filter.GE:
			op = filter.GT
		case filter.LT:
			op = filter.LE
		}
	}
	return column + sqlOperator[op] + c.arg(micros(e.Time))
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
