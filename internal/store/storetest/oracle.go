package storetest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// oracle is what a list holds: the plain way.
func oracle(tenants []estate.Tenant, l list) []estate.Tenant {
	matching := slices.DeleteFunc(slices.Clone(tenants), func(t estate.Tenant) bool {
		return !covers(l.scope, row{owner: t.Scope()}) || l.filter != nil && !matches(t, l.filter)
	})
	slices.SortFunc(matching, func(a, b estate.Tenant) int { return compareTenants(a, b, l.sort) })
	return matching
}

// compareTenants compares by the keys and then by id, which goes in the
// direction of the last key.
func compareTenants(a, b estate.Tenant, sort []filter.SortKey) int {
	if len(sort) == 0 {
		sort = []filter.SortKey{{Attribute: "createdAt"}}
	}
	last := sort[len(sort)-1]
	switch sort[0].Attribute {
	case "name", "regionCode", "countryCode", "status", "subscriptionId": // alone, the oldest of a group come first
		if len(sort) == 1 {
			sort = []filter.SortKey{last, {Attribute: "createdAt", Descending: last.Descending}}
		}
	}
	direct := func(c int, descending bool) int {
		if descending {
			return -c
		}
		return c
	}
	for _, key := range sort {
		if c := direct(compareBy(a, b, key.Attribute), key.Descending); c != 0 {
			return c
		}
	}
	return direct(cmp.Compare(a.ID, b.ID), last.Descending)
}

func compareBy(a, b estate.Tenant, attribute string) int {
	switch attribute {
	case "createdAt", "updatedAt":
		return timeOf(a, attribute).Compare(timeOf(b, attribute))
	}
	return cmp.Compare(textsOf(a, attribute)[0], textsOf(b, attribute)[0])
}

func timeOf(t estate.Tenant, attribute string) time.Time {
	if attribute == "createdAt" {
		return t.CreatedAt
	}
	return t.UpdatedAt
}

// textsOf are the values of an attribute, as they are compared.
func textsOf(t estate.Tenant, attribute string) []string {
	switch attribute {
	case "subscriptionId":
		return []string{string(t.Subscription)}
	case "id", "originalId":
		return []string{string(t.ID)}
	case "regionCode":
		return []string{filter.Fold(t.Datacenter)}
	case "countryCode":
		return []string{filter.Fold(t.CountryCode)}
	case "name":
		return []string{filter.Fold(t.Name)}
	case "status":
		return []string{filter.Fold(string(t.Status))}
	case "hostnames":
		if t.Alias != "" {
			return []string{string(t.Hostname), string(t.Alias)}
		}
		return []string{string(t.Hostname)}
	case "externalId":
		return slices.DeleteFunc([]string{t.ExternalID}, func(id string) bool { return id == "" })
	case "labels":
		return labelTexts(t)
	case "provisioningState":
		return []string{string(cmp.Or(t.Provisioning.State, estate.ProvisioningReady))}
	}
	return nil
}

func matches(t estate.Tenant, expr filter.Expr) bool {
	switch e := expr.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Exprs, func(term filter.Expr) bool { return !matches(t, term) })
	case *filter.Or:
		return slices.ContainsFunc(e.Exprs, func(term filter.Expr) bool { return matches(t, term) })
	case *filter.Not:
		return !matches(t, e.Expr)
	case *filter.Compare:
		if e.Attribute == "createdAt" || e.Attribute == "updatedAt" {
			return holds(timeOf(t, e.Attribute).Compare(e.Time), e.Op)
		}
		return slices.ContainsFunc(textsOf(t, e.Attribute), func(text string) bool {
			if e.Op == filter.CO {
				return strings.Contains(text, e.Text)
			}
			return holds(cmp.Compare(text, e.Text), e.Op)
		})
	}
	return false
}

// holds tells whether a comparison that came out as c satisfies op.
func holds(c int, op filter.Op) bool {
	switch op {
	case filter.EQ:
		return c == 0
	case filter.NE:
		return c != 0
	case filter.GT:
		return c > 0
	case filter.GE:
		return c >= 0
	case filter.LT:
		return c < 0
	case filter.LE:
		return c <= 0
	}
	return false
}

// drawCompare draws a comparison that has a chance of holding for some tenants.
func drawCompare(t *rapid.T, tenants []estate.Tenant, subs []estate.Subscription) *filter.Compare {
	attribute := rapid.SampledFrom(store.TenantSchema).Draw(t, "attribute")
	c := &filter.Compare{Attribute: attribute.Name, Op: rapid.SampledFrom(attribute.Ops).Draw(t, "op")}
	if attribute.Type == filter.Time {
		c.Text = drawTimeText(t)
		return c
	}
	texts := []string{"", "x", "ſe", "ıe", "%", "_", `\`, "e", "E", "s"}
	for _, sub := range subs {
		texts = append(texts, string(sub.ID))
	}
	if len(tenants) > 0 && rapid.IntRange(0, 3).Draw(t, "of a tenant") > 0 {
		of := rapid.SampledFrom(tenants).Draw(t, "like")
		if own := textsOf(of, attribute.Name); len(own) > 0 {
			texts = own
		}
		if attribute.Name == "name" {
			texts = []string{of.Name}
		}
	}
	c.Text = rapid.SampledFrom(texts).Draw(t, "text")
	if attribute.Type == filter.String && rapid.Bool().Draw(t, "upper case") {
		c.Text = strings.ToUpper(c.Text)
	}
	return c
}

// drawTimeText draws a time that is a tenant's, or close to it, or far off, in
// any time zone.
func drawTimeText(t *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(t, "far off") == 0 {
		return rapid.SampledFrom([]string{"0000-01-01", "0001-01-01", "1970-01-01", "2026-01-02", "9999-12-31T23:59:59.999999999Z"}).Draw(t, "time")
	}
	at := moment(rapid.IntRange(-1, 6).Draw(t, "time")).Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 500, 999}).Draw(t, "nanoseconds")))
	return at.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "hours")*3600)).Format(time.RFC3339Nano)
}
