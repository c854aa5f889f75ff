package httpapi

import (
	"net/url"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// Page sizes of lists, as the contract has them.
const (
	defaultLimit = 20
	maxLimit     = 100
)

func listTenants(x *exchange) (tenantPage, error) {
	query := x.r.URL.Query()
	return x.inventory(query, query.Get("filter"))
}

func filterTenants(x *exchange, in api.TenantFilterRequest) (tenantPage, error) {
	query := x.r.URL.Query()
	return x.inventory(query, in.Filter)
}

func (x *exchange) inventory(query url.Values, filter string) (list tenantPage, err error) {
	q, err := inventoryQuery(query, filter)
	if err != nil {
		return list, err
	}
	page, err := x.server.Tenancy.Inventory(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	if list, err = x.newTenantPage(page.Tenants); err != nil {
		return list, err
	}
	list.links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	if q.Total {
		list.total = &page.Total
	}
	return list, nil
}

// inventoryQuery reads the parameters of lists of tenants.
func inventoryQuery(query url.Values, filter string) (q tenancy.InventoryQuery, err error) {
	q = tenancy.InventoryQuery{Filter: filter, Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev")}
	if q.Limit, err = limitFrom(query, 0); err != nil {
		return q, err
	}
	q.Total, _, err = flagIn(query, "totalResults")
	return q, err
}

// repeated are the parameters of lists that may be given more than once.
var repeated = []string{"type", "eventTypes", "origins"}

// cursorLink is the request's own URL with another cursor; nil without one.
func (x *exchange) cursorLink(query url.Values, name, cursor string) *api.Link {
	if cursor == "" {
		return nil
	}
	moved := url.Values{}
	for key, values := range query {
		if key != "next" && key != "prev" {
			if moved[key] = values; !slices.Contains(repeated, key) {
				moved[key] = values[:1] // which is what counts; some clients add theirs to every link
			}
		}
	}
	moved.Set(name, cursor)
	link := x.pageLink(moved.Encode())
	return &link
}

func (x *exchange) pageLink(query string) api.Link {
	href := x.surface.Origin + x.r.URL.EscapedPath()
	if query != "" {
		href += "?" + query
	}
	return api.Link{Href: href}
}

// getOrganizationTenant answers a list of one, which is how the contract
// documents it.
func getOrganizationTenant(x *exchange) (list api.OrganizationTenantList, err error) {
	t, err := x.server.Tenancy.InventoryTenant(x.r.Context(), x.actor, estate.TenantID(x.r.PathValue("tenantId")))
	if err != nil {
		return list, err
	}
	tenant, err := x.organizationTenant(t)
	if err != nil {
		return list, err
	}
	one := int64(1)
	return api.OrganizationTenantList{Data: []api.OrganizationTenant{tenant}, Links: api.PageLinks{Self: tenant.Links.Self}, TotalResults: &one}, nil
}

func countTenants(x *exchange) (api.Count, error) {
	query := x.r.URL.Query()
	n, err := x.server.Tenancy.CountInventory(x.r.Context(), x.actor, query.Get("filter"))
	return api.Count{Total: n}, err
}

// organizationTenant writes t as the organization API shows it.
func (x *exchange) organizationTenant(t estate.Tenant) (api.OrganizationTenant, error) {
	starts, ends, err := x.server.Tenancy.Terms(x.r.Context(), t.Organization, t.Subscription)
	if err != nil {
		return api.OrganizationTenant{}, err
	}
	return x.wireOrganizationTenant(t, starts, ends), nil
}

// wireOrganizationTenant is t with when its subscription is valid. A page of tenants
// is written without it, by appendTenant.
func (x *exchange) wireOrganizationTenant(t estate.Tenant, starts, ends time.Time) api.OrganizationTenant {
	return api.OrganizationTenant{
		ID:              string(t.ID),
		Name:            t.Name,
		Status:          string(t.Status),
		Hostnames:       x.server.hostnames(t),
		RegionCode:      t.Datacenter,
		CountryCode:     t.CountryCode,
		CreatedAt:       api.Time{Time: t.CreatedAt},
		UpdatedAt:       api.Time{Time: t.UpdatedAt},
		CreatedBy:       t.CreatedBy,
		LicenseNumber:   string(t.Subscription),
		SubscriptionID:  string(t.Subscription),
		LicenseStartsAt: api.Timestamp(starts),
		LicenseEndsAt:   api.Timestamp(ends),

		DeletionStartsAt: api.Timestamp(purgeDate(t)),
		Provisioning:     wireProvisioning(t),
		Links:            x.self("/api/core/tenants/" + string(t.ID)),
	}
}
