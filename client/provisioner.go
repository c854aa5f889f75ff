package client

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// Provisioners manages the provisioners of a subscription, on the console host.
type Provisioners struct {
	c    *Client
	path string
	err  error // what was wrong when it was made
}

// SubscriptionProvisioners manages the provisioners of a subscription.
func (c *Client) SubscriptionProvisioners(subscription string) Provisioners {
	segment, err := pathSegment(subscription)
	return Provisioners{c: c, path: subscriptions + "/" + segment + "/provisioners", err: err}
}

// List returns all provisioners, oldest first.
func (p Provisioners) List(ctx context.Context) ([]api.Provisioner, error) {
	var list api.ProvisionerList
	if p.err != nil {
		return nil, p.err
	}
	err := p.c.Do(ctx, http.MethodGet, p.path, nil, nil, &list)
	return list.Data, err
}

// Create makes a provisioner. Its secret is told here and nowhere else.
func (p Provisioners) Create(ctx context.Context, req api.CreateProvisionerRequest) (*api.Provisioner, error) {
	if p.err != nil {
		return nil, p.err
	}
	made := new(api.Provisioner)
	return made, p.c.Do(ctx, http.MethodPost, p.path, nil, req, made)
}

// Get returns a provisioner by its id.
func (p Provisioners) Get(ctx context.Context, id string) (*api.Provisioner, error) {
	found := new(api.Provisioner)
	return found, p.do(ctx, http.MethodGet, id, "", nil, found)
}

// Update changes a provisioner by a patch, all of it or nothing.
func (p Provisioners) Update(ctx context.Context, id string, patch []api.PatchOperation) error {
	return p.do(ctx, http.MethodPatch, id, "", patch, nil)
}

// RotateSecret gives a provisioner another secret, which is told here and nowhere
// else.
func (p Provisioners) RotateSecret(ctx context.Context, id string) (*api.Provisioner, error) {
	made := new(api.Provisioner)
	return made, p.do(ctx, http.MethodPost, id, "/actions/rotate-secret", nil, made)
}

// Delete erases a provisioner. Tenants wait for it no more.
func (p Provisioners) Delete(ctx context.Context, id string) error {
	return p.do(ctx, http.MethodDelete, id, "", nil, nil)
}

func (p Provisioners) do(ctx context.Context, method, id, below string, body, out any) error {
	if p.err != nil {
		return p.err
	}
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return p.c.Do(ctx, method, p.path+"/"+segment+below, nil, body, out)
}

// GetTenantProvisioning returns how far each provisioner of a tenant is, on the
// console host.
func (c *Client) GetTenantProvisioning(ctx context.Context, tenant string) (*api.TenantProvisioning, error) {
	return c.provisioning(ctx, http.MethodGet, tenant, "", nil)
}

// RetryTenantProvisioning calls a provisioner about a tenant once more, on the
// console host. Without a provisioner, it calls all that have not done their part.
func (c *Client) RetryTenantProvisioning(ctx context.Context, tenant, provisioner string) (*api.TenantProvisioning, error) {
	return c.provisioning(ctx, http.MethodPost, tenant, "/actions/retry", api.ProvisionerChoice{ProvisionerID: provisioner})
}

// SkipTenantProvisioning has a tenant wait no more for a provisioner, on the console
// host; without one, for none.
func (c *Client) SkipTenantProvisioning(ctx context.Context, tenant, provisioner string) (*api.TenantProvisioning, error) {
	return c.provisioning(ctx, http.MethodPost, tenant, "/actions/skip", api.ProvisionerChoice{ProvisionerID: provisioner})
}

func (c *Client) provisioning(ctx context.Context, method, tenant, below string, body any) (*api.TenantProvisioning, error) {
	segment, err := pathSegment(tenant)
	if err != nil {
		return nil, err
	}
	found := new(api.TenantProvisioning)
	return found, c.Do(ctx, method, organizationTenants+"/"+segment+"/provisioning"+below, nil, body, found)
}

// longestWait is how long one call waits for provisioners: less than an attempt may
// take.
const longestWait = 20 * time.Second

// preferWait is the header that has the server wait for provisioners (RFC 7240), and
// how long; none: as long as it likes.
func preferWait(header http.Header, wait time.Duration) time.Duration {
	if wait == 0 {
		return 0
	}
	now := max(0, min(wait, longestWait)).Round(time.Second)
	header.Set("Prefer", "wait="+strconv.Itoa(int(now/time.Second)))
	return now
}
