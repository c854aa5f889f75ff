package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/freehold-platform/freehold/api"
)

const (
	organizationTenants = "/api/core/tenants"
	filterTenants       = organizationTenants + "/actions/filter"
	countTenants        = organizationTenants + "/actions/count"

	// maxFilterInURL is the length, encoded, from which on a filter goes into
	// the body of a POST: proxies begin to refuse URLs at 4 KiB.
	maxFilterInURL = 2000
)

// TenantListOptions pick and order the tenants of an organization.
type TenantListOptions struct {
	Filter       string // SCIM filter, e.g. `status eq "active"`; empty: all tenants
	Sort         string // comma-separated attributes, "-" before one for descending
	Limit        int    // tenants a page, 1 to 100; 0: the server's default of 20
	TotalResults bool   // have every page tell how many tenants the filter matches
}

func (o TenantListOptions) query() url.Values {
	query := make(url.Values)
	if o.Sort != "" {
		query.Set("sort", o.Sort)
	}
	if o.Limit > 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.TotalResults {
		query.Set("totalResults", "true")
	}
	return query
}

// ListTenants returns the first page of the organization's tenants, on the
// console host. Tenants and TenantPages go on to the others.
func (c *Client) ListTenants(ctx context.Context, opts TenantListOptions) (*api.OrganizationTenantList, error) {
	for page, err := range c.TenantPages(ctx, opts) {
		return page, err
	}
	return nil, nil // not reached: TenantPages yields at least once
}

// FilterTenants is ListTenants with the filter in the body of the request. The
// list methods do this by themselves when a filter is too long for a URL.
func (c *Client) FilterTenants(ctx context.Context, opts TenantListOptions) (*api.OrganizationTenantList, error) {
	req, err := c.filterCall(opts)
	if err != nil {
		return nil, err
	}
	return c.tenantPage(ctx, req)
}

// Tenants goes through all tenants that opts pick, fetching pages as they are
// needed. After an error it ends.
func (c *Client) Tenants(ctx context.Context, opts TenantListOptions) iter.Seq2[api.OrganizationTenant, error] {
	return func(yield func(api.OrganizationTenant, error) bool) {
		for page, err := range c.TenantPages(ctx, opts) {
			if err != nil {
				yield(api.OrganizationTenant{}, err)
				return
			}
			for _, tenant := range page.Data {
				if !yield(tenant, nil) {
					return
				}
			}
		}
	}
}

// TenantPages goes through the pages of the tenants that opts pick. After an
// error it ends.
func (c *Client) TenantPages(ctx context.Context, opts TenantListOptions) iter.Seq2[*api.OrganizationTenantList, error] {
	return func(yield func(*api.OrganizationTenantList, error) bool) {
		req, err := c.listCall(opts)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			page, err := c.tenantPage(ctx, req)
			if !yield(page, err) || err != nil {
				return
			}
			if page.Links.Next == nil || page.Links.Next.Href == "" {
				return
			}
			if req, err = c.follow(req, page.Links.Next.Href); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// CountTenants returns how many tenants a filter matches. The contract wants
// the filter to name a subscriptionId.
func (c *Client) CountTenants(ctx context.Context, filter string) (int64, error) {
	if tooLongForURL(filter) {
		page, err := c.FilterTenants(ctx, TenantListOptions{Filter: filter, Limit: 1, TotalResults: true})
		switch {
		case err != nil:
			return 0, err
		case page.TotalResults == nil:
			return 0, errors.New("the server's answer does not tell the total")
		}
		return *page.TotalResults, nil
	}
	var count api.Count
	err := c.Do(ctx, http.MethodGet, countTenants, url.Values{"filter": {filter}}, nil, &count)
	return count.Total, err
}

// GetOrganizationTenant returns a tenant of the organization by its id, on the
// console host.
func (c *Client) GetOrganizationTenant(ctx context.Context, id string) (*api.OrganizationTenant, error) {
	segment, err := pathSegment(id)
	if err != nil {
		return nil, err
	}
	// The contract answers with a list of one; a bare tenant is taken, too.
	var answer struct {
		Data *[]api.OrganizationTenant `json:"data"`
	}
	var body json.RawMessage
	if err := c.Do(ctx, http.MethodGet, organizationTenants+"/"+segment, nil, nil, &body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	if answer.Data != nil {
		if len(*answer.Data) != 1 {
			return nil, fmt.Errorf("the server's answer holds %d tenants, not one", len(*answer.Data))
		}
		return &(*answer.Data)[0], nil
	}
	tenant := new(api.OrganizationTenant)
	if err := json.Unmarshal(body, tenant); err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	return tenant, nil
}

func (c *Client) listCall(opts TenantListOptions) (call, error) {
	if tooLongForURL(opts.Filter) {
		return c.filterCall(opts)
	}
	query := opts.query()
	if opts.Filter != "" {
		query.Set("filter", opts.Filter)
	}
	return c.prepare(Request{Method: http.MethodGet, Path: organizationTenants, Query: query})
}

func (c *Client) filterCall(opts TenantListOptions) (call, error) {
	r, err := newRequest(http.MethodPost, filterTenants, opts.query(), api.TenantFilterRequest{Filter: opts.Filter})
	if err != nil {
		return call{}, err
	}
	req, err := c.prepare(r)
	req.safe = true // a read, whatever its method
	return req, err
}

// follow makes the call for the next page. The link is taken as it is; only
// where it stays with the filter action does the filter have to go along.
func (c *Client) follow(req call, href string) (call, error) {
	u, err := c.resolve(href)
	if err != nil {
		return call{}, fmt.Errorf("next page: %w", err)
	}
	if *u == *req.url {
		return call{}, errors.New("next page: the server links the page to itself")
	}
	if req.method == http.MethodPost && u.Path == req.url.Path {
		req.url = u
		return req, nil
	}
	return call{method: http.MethodGet, url: u, safe: true}, nil
}

func (c *Client) tenantPage(ctx context.Context, req call) (*api.OrganizationTenantList, error) {
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	page := new(api.OrganizationTenantList)
	if err := resp.decode(page); err != nil {
		return nil, fmt.Errorf("read page of tenants: %w", err)
	}
	return page, nil
}

func tooLongForURL(filter string) bool {
	return len(filter) > maxFilterInURL || len(url.QueryEscape(filter)) > maxFilterInURL
}
