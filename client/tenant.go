package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// CreateTenantOptions are settings of CreateTenant.
type CreateTenantOptions struct {
	// IdempotencyKey names the attempt to create one tenant: a repeated call
	// with the same key and request returns the tenant that the first one made.
	// If it is empty, CreateTenant makes one up for its own repetitions; give
	// one that outlives the process to be safe against its end, too.
	IdempotencyKey string

	// Wait is how long to wait for the provisioners of the subscription, to the
	// second: 0 is as long as the server does by default, 20 seconds; less than 0
	// is not at all.
	Wait time.Duration
}

// CreateTenant creates a tenant. It is called on a register host with a
// region-level credential. The tenant is ready for use when it returns, but for
// what its Provisioning says.
func (c *Client) CreateTenant(ctx context.Context, req api.CreateTenantRequest, opts *CreateTenantOptions) (*api.Tenant, error) {
	key, wait := "", time.Duration(0)
	if opts != nil {
		key, wait = opts.IdempotencyKey, opts.Wait
	}
	if key == "" {
		key = rand.Text()
	}
	r, err := newRequest(http.MethodPost, "/api/v1/tenants", nil, req)
	if err != nil {
		return nil, err
	}
	for {
		r.Header = http.Header{headerIdempotencyKey: {key}}
		now := preferWait(r.Header, wait)
		resp, err := c.Raw(ctx, r)
		if err != nil {
			return nil, err
		}
		tenant := new(api.Tenant)
		if err := resp.decode(tenant); err != nil {
			return nil, fmt.Errorf("read created tenant: %w", err)
		}
		wait -= now
		if p := tenant.Provisioning; p == nil || p.State != api.ProvisioningPending || wait < time.Second {
			return tenant, nil
		}
	}
}

// GetTenant returns a tenant by its id, from the tenant's own host.
func (c *Client) GetTenant(ctx context.Context, id string) (*api.Tenant, error) {
	return getByID[api.Tenant](ctx, c, "/api/v1/tenants/", id)
}

// GetMyTenant returns the tenant that c's host belongs to.
func (c *Client) GetMyTenant(ctx context.Context) (*api.Tenant, error) {
	return get[api.Tenant](ctx, c, "/api/v1/tenants/me")
}

// GetUser returns a user of the tenant at c's host by its id.
func (c *Client) GetUser(ctx context.Context, id string) (*api.User, error) {
	return getByID[api.User](ctx, c, "/api/v1/users/", id)
}

// GetMyUser returns the user that c acts as, which is the bot user of its
// credential. The first token of a credential at a tenant creates it.
func (c *Client) GetMyUser(ctx context.Context) (*api.User, error) {
	return get[api.User](ctx, c, "/api/v1/users/me")
}

// GetLicenseOverview returns the entitlement of the tenant at c's host. Its
// LicenseKey is what CreateTenant needs.
func (c *Client) GetLicenseOverview(ctx context.Context) (*api.LicenseOverview, error) {
	return get[api.LicenseOverview](ctx, c, "/api/v1/licenses/overview")
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	out := new(T)
	if err := c.Do(ctx, http.MethodGet, path, nil, nil, out); err != nil {
		return nil, err
	}
	return out, nil
}

func getByID[T any](ctx context.Context, c *Client, path, id string) (*T, error) {
	segment, err := pathSegment(id)
	if err != nil {
		return nil, err
	}
	return get[T](ctx, c, path+segment)
}

// pathSegment keeps an id from becoming another path.
func pathSegment(id string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", fmt.Errorf("%q is not an id", id)
	}
	return url.PathEscape(id), nil
}
