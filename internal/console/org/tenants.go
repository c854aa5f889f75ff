package org

import (
	"context"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

var tenantColumns = []ui.Column{
	{Key: "name", Label: "Name", Sort: "name"},
	{Key: "status", Label: "Status", Sort: "status"},
	{Key: "region", Label: "Region", Sort: "regionCode"},
	{Key: "country", Label: "Country", Sort: "countryCode"},
	{Key: "hostname", Label: "Host name", Sort: "hostnames"},
	{Key: "alias", Label: "Alias"},
	{Key: "subscription", Label: "Subscription", Sort: "subscriptionId"},
	{Key: "created", Label: "Created", Sort: "createdAt"},
	{Key: "updated", Label: "Updated", Sort: "updatedAt"},
	{Key: "provisioning", Label: "Provisioning"},
	{Key: "externalid", Label: "External id"},
	{Key: "labels", Label: "Labels"},
	{Key: "id", Label: "Tenant id"},
}

var tenantColumnsShown = []string{"name", "status", "region", "hostname", "subscription", "created"}

// tenantList is the list of tenants.
type tenantList struct {
	*listing
	Tenants       []estate.Tenant
	Regions       []estate.Region
	Subscriptions []estate.Subscription
	Domain        string
	Problem       string // with the filter
}

func (c *Console) tenants(q *frame.Request) error {
	l := tenantList{listing: newListing(q, tenantColumns, tenantColumnsShown, "name"), Domain: c.Tenancy.Domain()}
	var err error
	if l.Subscriptions, err = c.Tenancy.OwnSubscriptions(q.Context(), q.Actor); err != nil {
		return err
	}
	if l.Regions, err = c.regionsOf(q.Context(), l.Subscriptions...); err != nil {
		return err
	}
	if l.Views, err = c.views(q, "tenants"); err != nil {
		return err
	}
	var page tenancy.InventoryPage
	for _, query := range tenantQueries(q, c.Tenancy.Domain()) {
		query.Sort, query.Next, query.Limit, query.Total = l.Sort, q.Value("next"), pageSize, true
		page, err = c.Tenancy.Inventory(q.Context(), q.Actor, query)
		if err != nil || page.Total > 0 {
			break
		}
	}
	if err != nil {
		problems, other := frame.Fields(err, map[string]string{"filter": "filter"})
		if other != nil || problems["filter"] == "" {
			return err
		}
		l.Problem = problems["filter"]
		return q.Again("Tenants", tenantsPage(l))
	}
	l.Tenants, l.Next, l.Total = page.Tenants, page.Next, page.Total
	return q.Render("Tenants", tenantsPage(l))
}

// tenantQueries are what is asked for, of which the first that finds something
// counts: what is searched for may be one of several things, and only one by one are
// they found by an index.
func tenantQueries(q *frame.Request, domain string) []tenancy.InventoryQuery {
	var terms []string
	for _, one := range [][2]string{{"region", "regionCode"}, {"status", "status"}, {"subscription", "subscriptionId"}} {
		if v := q.Value(one[0]); v != "" {
			terms = append(terms, one[1]+" eq "+quote(v))
		}
	}
	if text := q.Value("filter"); text != "" {
		terms = append(terms, "("+text+")")
	}
	text := q.Value("q")
	if text == "" {
		return []tenancy.InventoryQuery{{Filter: strings.Join(terms, " and ")}}
	}
	host := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(text), "https://"), "http://")
	host, _, _ = strings.Cut(strings.TrimSuffix(host, "/"), ":")
	if !strings.HasSuffix(host, "."+domain) {
		host += "." + domain
	}
	var queries []tenancy.InventoryQuery
	add := func(search string) {
		queries = append(queries, tenancy.InventoryQuery{Filter: strings.Join(append([]string{search}, terms...), " and ")})
	}
	if estate.TenantID(text).Valid() {
		add("id eq " + quote(text))
	}
	if strings.Contains(strings.TrimSuffix(host, "."+domain), ".") {
		add("hostnames eq " + quote(host))
	}
	if strings.Contains(text, "=") {
		add("labels eq " + quote(text))
	}
	return append(queries, tenancy.InventoryQuery{Begins: text, Filter: strings.Join(terms, " and ")})
}

// regionsOf are the regions of the subscriptions.
func (c *Console) regionsOf(ctx context.Context, subs ...estate.Subscription) (all []estate.Region, err error) {
	seen := map[estate.RegionCode]bool{}
	for _, sub := range subs {
		for _, code := range sub.Regions {
			if seen[code] {
				continue
			}
			seen[code] = true
			r, err := c.Tenancy.Region(ctx, code)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b estate.Region) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return all, nil
}

func regionOptions(all []estate.Region, first string, value func(estate.Region) string) []ui.Option {
	var options []ui.Option
	if first != "" {
		options = append(options, ui.Option{Label: first})
	}
	for _, r := range all {
		label := string(r.Code)
		if r.Name != "" {
			label += " – " + r.Name
		}
		options = append(options, ui.Option{Value: value(r), Label: label})
	}
	return options
}

func subscriptionOptions(all []estate.Subscription, first string) []ui.Option {
	options := []ui.Option{{Label: first}}
	for _, sub := range all {
		options = append(options, ui.Option{Value: string(sub.ID), Label: nameOf(sub)})
	}
	return options
}

// nameOf is what people call a subscription.
func nameOf(sub estate.Subscription) string {
	if sub.Name != "" {
		return sub.Name
	}
	return string(sub.ID)
}
