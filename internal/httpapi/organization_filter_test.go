package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// filterAttribute is what the document says of an attribute: the operators it
// supports, and how a tenant compares to a value.
type filterAttribute struct {
	name    string
	ops     []string
	values  func(api.OrganizationTenant) []string // what is compared
	isTime  bool
	isExact bool
}

func filterAttributes() []filterAttribute {
	one := func(get func(api.OrganizationTenant) string) func(api.OrganizationTenant) []string {
		return func(t api.OrganizationTenant) []string { return []string{get(t)} }
	}
	eq, ne, times := []string{"eq"}, []string{"eq", "ne"}, []string{"eq", "ne", "gt", "ge", "lt", "le"}
	return []filterAttribute{
		{name: "id", ops: eq, isExact: true, values: one(func(t api.OrganizationTenant) string { return t.ID })},
		{name: "originalId", ops: eq, isExact: true, values: one(func(t api.OrganizationTenant) string { return t.ID })},
		{name: "subscriptionId", ops: eq, isExact: true, values: one(func(t api.OrganizationTenant) string { return t.SubscriptionID })},
		{name: "name", ops: eq, values: one(func(t api.OrganizationTenant) string { return t.Name })},
		{name: "hostnames", ops: eq, values: func(t api.OrganizationTenant) []string { return t.Hostnames }},
		{name: "regionCode", ops: ne, values: one(func(t api.OrganizationTenant) string { return t.RegionCode })},
		{name: "status", ops: ne, values: one(func(t api.OrganizationTenant) string { return t.Status })},
		{name: "countryCode", ops: []string{"eq", "ne", "co"}, values: one(func(t api.OrganizationTenant) string { return t.CountryCode })},
		{name: "createdAt", ops: times, isTime: true, values: one(func(t api.OrganizationTenant) string { return t.CreatedAt.Format(api.TimeLayout) })},
		{name: "updatedAt", ops: times, isTime: true, values: one(func(t api.OrganizationTenant) string { return t.UpdatedAt.Format(api.TimeLayout) })},
	}
}

// holds is what a comparison means, told without any of the server's code.
func (a filterAttribute) holds(tenant api.OrganizationTenant, op, value string) bool {
	return slices.ContainsFunc(a.values(tenant), func(have string) bool {
		if !a.isExact && !a.isTime {
			have, value = strings.ToLower(have), strings.ToLower(value)
		}
		order := strings.Compare(have, value)
		if a.isTime {
			h, _ := time.Parse(time.RFC3339, have)
			v, err := time.Parse(time.RFC3339, value)
			if err != nil {
				v, _ = time.Parse(time.DateOnly, value)
			}
			order = h.Compare(v)
		}
		switch op {
		case "eq":
			return order == 0
		case "ne":
			return order != 0
		case "gt":
			return order > 0
		case "ge":
			return order >= 0
		case "lt":
			return order < 0
		case "le":
			return order <= 0
		default: // co
			return strings.Contains(have, value)
		}
	})
}

// oddValues are values worth a try with an attribute, besides those that
// tenants have.
func (a filterAttribute) oddValues(i *inventory) []string {
	switch {
	case a.isTime:
		first, last := i.all[0].CreatedAt, i.all[len(i.all)-1].CreatedAt
		return []string{
			"1970-01-01", "2999-12-31T23:59:59Z", first.Format(time.DateOnly), first.Add(time.Millisecond).Format(time.RFC3339Nano), last.Format(time.RFC3339),
			last.In(time.FixedZone("", 5*3600+1800)).Format(time.RFC3339Nano),
		}
	case a.name == "subscriptionId":
		return nil // others are refused
	case a.name == "countryCode":
		return []string{"", "u", "S", "us", "%", "_", "USA"}
	default:
		return []string{"", "no such", "%", "_", "ALPHA", "Ärger", strings.ToUpper(i.all[0].Hostnames[0]), "acme.example.com", `\`, `"`, "disabled", "EU-WEST-1"}
	}
}

func (i *inventory) matching(t *testing.T, filter string) []string {
	t.Helper()
	return ids(i.list(t, "limit=100&filter="+url.QueryEscape(filter)).Data)
}

// TestListTenants_FilterOperators tries every attribute with every operator:
// those it supports against the oracle, the others for the right complaint.
func TestListTenants_FilterOperators(t *testing.T) {
	i := newInventory(t)
	for _, attribute := range filterAttributes() {
		for _, op := range []string{"eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew", "pr", "is"} {
			if !slices.Contains(attribute.ops, op) {
				filter := fmt.Sprintf(`  %s %s "x"`, attribute.name, op)
				answer := i.get("filter=" + url.QueryEscape(filter))
				expectParameter(t, filter, answer, "filter")
				meta, _ := answer.Error().Meta.(map[string]any)
				if meta["position"] != float64(len("  "+attribute.name+" ")) || !strings.Contains(answer.Error().Detail, attribute.name) {
					t.Errorf("%s: %s", filter, answer.Body)
				}
				continue
			}
			values := attribute.oddValues(i)
			for _, tenant := range i.all {
				values = append(values, attribute.values(tenant)...)
			}
			slices.Sort(values)
			for _, value := range slices.Compact(values) {
				var want []string
				for _, tenant := range i.all {
					if attribute.holds(tenant, op, value) {
						want = append(want, tenant.ID)
					}
				}
				filter := fmt.Sprintf(`%s %s %q`, attribute.name, op, value)
				if have := i.matching(t, filter); !slices.Equal(have, want) {
					t.Errorf("%s: %d tenants, want %d", filter, len(have), len(want))
				}
			}
		}
	}
}

// TestListTenants_FilterExpressions compares random expressions with the oracle.
func TestListTenants_FilterExpressions(t *testing.T) {
	i := newInventory(t)
	random := rand.New(rand.NewPCG(1, 2))
	attributes := filterAttributes()
	pick := func(s []string) string { return s[random.IntN(len(s))] }
	type predicate func(api.OrganizationTenant) bool
	var expression func(depth int) (string, predicate)
	expression = func(depth int) (string, predicate) {
		switch n := random.IntN(6); {
		case depth == 0 || n < 2:
			a := attributes[random.IntN(len(attributes))]
			value := pick(a.values(i.all[random.IntN(len(i.all))]))
			op := pick(a.ops)
			return fmt.Sprintf("%s %s %q", pick([]string{a.name, strings.ToUpper(a.name)}), pick([]string{op, strings.ToUpper(op)}), value),
				func(t api.OrganizationTenant) bool { return a.holds(t, op, value) }
		case n == 2:
			text, p := expression(depth - 1)
			return pick([]string{"not (", "NOT(", "not  ( "}) + text + ")", func(t api.OrganizationTenant) bool { return !p(t) }
		case n == 3:
			left, l := expression(depth - 1)
			right, r := expression(depth - 1)
			return "(" + left + ") or (" + right + ")", func(t api.OrganizationTenant) bool { return l(t) || r(t) }
		case n == 4: // "and" binds more tightly
			first, f := expression(0)
			second, s := expression(0)
			third, th := expression(0)
			return first + " or " + second + " and " + third, func(t api.OrganizationTenant) bool { return f(t) || s(t) && th(t) }
		default:
			left, l := expression(depth - 1)
			right, r := expression(depth - 1)
			return "(" + left + ") AND (" + right + ")", func(t api.OrganizationTenant) bool { return l(t) && r(t) }
		}
	}
	for range 200 {
		text, p := expression(4)
		var want []string
		for _, tenant := range i.all {
			if p(tenant) {
				want = append(want, tenant.ID)
			}
		}
		if have := i.matching(t, text); !slices.Equal(have, want) {
			t.Errorf("%s: %d tenants, want %d", text, len(have), len(want))
		}
	}
}

// TestListTenants_BadFilters checks that the complaint says where.
func TestListTenants_BadFilters(t *testing.T) {
	i := newInventory(t)
	for filter, position := range map[string]int{
		` `:                              0,
		`status`:                         6,
		`status eq`:                      9,
		`status eq active`:               10,
		`status eq "active`:              10,
		`status eq "active" and`:         22,
		`status eq "active" status`:      19,
		`(status eq "active"`:            19,
		`status eq "active")`:            18,
		`not`:                            3,
		`color eq "red"`:                 0,
		`name eq "x" and color eq "red"`: 16,
		`createdAt gt "yesterday"`:       13,
		`createdAt gt "2026-13-01"`:      13,
		`name eq "` + "\x00" + `"`:       9,
		`name eq "\u0000"`:               9,
		`name eq "\ud800"`:               9,
		`name; drop table tenants`:       4,
		`emails[type eq "work"]`:         0,
		strings.Repeat("(", 40):          32,
		strings.Repeat(`name eq "x" or `, 501) + `name eq "x"`: 15 * 500,
	} {
		answer := i.get("filter=" + url.QueryEscape(filter))
		expectParameter(t, filter, answer, "filter")
		meta, _ := answer.Error().Meta.(map[string]any)
		if have, ok := meta["position"].(float64); !ok || int(have) != position {
			t.Errorf("%.60s: position %v, want %d\n%s", filter, meta["position"], position, answer.Body)
		}
	}
	invalid := i.get("filter=name%20eq%20%22%ff%22")
	expectParameter(t, "invalid UTF-8", invalid, "filter")
	if invalid.Status != http.StatusBadRequest {
		t.Errorf("%d", invalid.Status)
	}
}

// TestListTenants_MalformedQuery sends query strings that net/url reads only in
// part. A filter must not disappear: without it everything would be listed.
func TestListTenants_MalformedQuery(t *testing.T) {
	i := newInventory(t)
	for _, query := range []string{`filter=name%20eq%20%22100%%22`, `filter=%zz`, `limit=1&filter=status%20eq%20"active"%`, `limit=%`, `%=x`} {
		for _, path := range []string{"/api/core/tenants", "/api/core/tenants/actions/count"} {
			expect(t, path+"?"+query, i.Do(testenv.Request{URL: i.Console() + path + "?" + query, Token: i.token}), http.StatusBadRequest, api.CodeInvalidRequest)
		}
	}
	if list := i.list(t, `filter=name%20eq%20%22a;b%22`); len(list.Data) != 0 {
		t.Errorf("a filter with a semicolon matches %d tenants", len(list.Data))
	}
	expectParameter(t, "a semicolon for a separator", i.get(`filter=name%20eq%20%22alpha%22;limit=1`), "filter")
}
