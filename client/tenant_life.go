package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/freehold-platform/freehold/api"
)

const tenants = "/api/v1/tenants"

// UpdateTenant changes a tenant by a patch, all of it or nothing: on the tenant's own
// host what the contract documents, on a register host also labels and protection.
func (c *Client) UpdateTenant(ctx context.Context, id string, patch []api.TenantPatchOperation) error {
	return c.aboutTenant(ctx, http.MethodPatch, id, "", nil, patch, nil)
}

// DeactivateTenantOptions are settings of DeactivateTenant.
type DeactivateTenantOptions struct {
	// PurgeAfterDays is the number of days until the tenant is purged, 10 to 90
	// unless the operator allows less. Nil is 30.
	PurgeAfterDays *int
}

// DeactivateTenant disables a tenant at once and everywhere, and has it purged later.
// It is called on a register host. hostname must be one of the tenant's, so that no
// other is hit by mistake. Of a disabled tenant the countdown begins anew.
func (c *Client) DeactivateTenant(ctx context.Context, id, hostname string, opts *DeactivateTenantOptions) (*api.DeactivatedTenant, error) {
	var body api.DeactivateTenantRequest
	if opts != nil {
		body.PurgeAfterDays = opts.PurgeAfterDays
	}
	out := new(api.DeactivatedTenant)
	return out, c.aboutTenant(ctx, http.MethodPost, id, "/actions/deactivate", confirmed(hostname), body, out)
}

// ReactivateTenant brings a disabled tenant back as it was. It is called on a register
// host, with one of the tenant's host names.
func (c *Client) ReactivateTenant(ctx context.Context, id, hostname string) (*api.ReactivatedTenant, error) {
	out := new(api.ReactivatedTenant)
	return out, c.aboutTenant(ctx, http.MethodPost, id, "/actions/reactivate", confirmed(hostname), nil, out)
}

func confirmed(hostname string) http.Header {
	return http.Header{http.CanonicalHeaderKey(api.HeaderConfirmHostname): {hostname}}
}

// PreviewDeactivation says what the deactivation of a tenant would take down. It is
// called on a register host and changes nothing.
func (c *Client) PreviewDeactivation(ctx context.Context, id string) (*api.DeactivationPreview, error) {
	out := new(api.DeactivationPreview)
	return out, c.aboutTenant(ctx, http.MethodGet, id, "/deactivation-preview", nil, nil, out)
}

// CheckHostname tells whether a host name, or its first label, can become the alias of
// a tenant in the region of the register host that c calls.
func (c *Client) CheckHostname(ctx context.Context, name string) (*api.HostnameAvailability, error) {
	out := new(api.HostnameAvailability)
	return out, c.Do(ctx, http.MethodGet, tenants+"/actions/check-hostname", url.Values{"hostname": {name}}, nil, out)
}

// BulkTenants does one thing to up to [api.MaxBulk] tenants, on a register host. What
// became of each is in the answer; an error means that nothing was done, or that it is
// not known. To create tenants is safe to repeat within the call.
func (c *Client) BulkTenants(ctx context.Context, req api.BulkTenantsRequest) (*api.BulkTenantsResponse, error) {
	r, err := newRequest(http.MethodPost, tenants+"/actions/bulk", nil, req)
	if err != nil {
		return nil, err
	}
	if req.Action == api.BulkCreate {
		r.Header = http.Header{headerIdempotencyKey: {rand.Text()}}
	}
	resp, err := c.Raw(ctx, r)
	if err != nil {
		return nil, err
	}
	out := new(api.BulkTenantsResponse)
	if err := resp.decode(out); err != nil {
		return nil, fmt.Errorf("read what became of the tenants: %w", err)
	}
	return out, nil
}

// RegionTenantPages goes through the pages of the tenants that opts pick, on a register
// host: those of the credential's subscription and region. After an error it ends.
func (c *Client) RegionTenantPages(ctx context.Context, opts TenantListOptions) iter.Seq2[*api.TenantList, error] {
	return func(yield func(*api.TenantList, error) bool) {
		query := opts.query()
		if opts.Filter != "" {
			query.Set("filter", opts.Filter)
		}
		req, err := c.prepare(Request{Method: http.MethodGet, Path: tenants, Query: query})
		for err == nil {
			var resp *Response
			if resp, err = c.send(ctx, req); err != nil {
				break
			}
			page := new(api.TenantList)
			if err = resp.decode(page); err != nil {
				err = fmt.Errorf("read page of tenants: %w", err)
				break
			}
			if !yield(page, nil) || page.Links.Next == nil || page.Links.Next.Href == "" {
				return
			}
			req, err = c.follow(req, page.Links.Next.Href)
		}
		yield(nil, err)
	}
}

// RegionTenants goes through all tenants that opts pick, fetching pages as they are
// needed. After an error it ends.
func (c *Client) RegionTenants(ctx context.Context, opts TenantListOptions) iter.Seq2[api.Tenant, error] {
	return func(yield func(api.Tenant, error) bool) {
		for page, err := range c.RegionTenantPages(ctx, opts) {
			if err != nil {
				yield(api.Tenant{}, err)
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

// waitInterval is how often WaitForTenant asks.
const waitInterval = 2 * time.Second

// WaitForTenant asks a register host for a tenant until it has the status, or ctx ends.
func (c *Client) WaitForTenant(ctx context.Context, id, status string) (*api.Tenant, error) {
	for {
		tenant, err := c.GetTenant(ctx, id)
		if err != nil || tenant.Status == status {
			return tenant, err
		}
		select {
		case <-ctx.Done():
			return tenant, fmt.Errorf("tenant %s is still %s: %w", id, tenant.Status, context.Cause(ctx))
		case <-time.After(waitInterval):
		}
	}
}

func (c *Client) aboutTenant(ctx context.Context, method, id, below string, header http.Header, body, out any) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	path := tenants + "/" + segment + below
	req, err := newRequest(method, path, nil, body)
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := c.Raw(ctx, req)
	if err != nil || out == nil {
		return err
	}
	if err := resp.decode(out); err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return nil
}
