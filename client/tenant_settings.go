package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
)

const (
	tenantSettings = "/api/v1/tenant-settings"
	quotas         = "/api/v1/quotas"
)

// GetTenantSettings returns what the administrators of the tenant at the host
// prefer, defaults if nobody has set any.
func (c *Client) GetTenantSettings(ctx context.Context) (*api.TenantSettings, error) {
	return get[api.TenantSettings](ctx, c, tenantSettings)
}

// CreateTenantSettings gives the tenant settings of its own, once.
func (c *Client) CreateTenantSettings(ctx context.Context, req api.CreateTenantSettingsRequest) (*api.TenantSettings, error) {
	made := new(api.TenantSettings)
	return made, c.Do(ctx, http.MethodPost, tenantSettings, nil, req, made)
}

// UpdateTenantSettings changes the settings by a JSON Patch (RFC 6902), all of it or
// nothing, and returns them as they are then.
func (c *Client) UpdateTenantSettings(ctx context.Context, patch []api.JSONPatchOperation) (*api.TenantSettings, error) {
	changed := new(api.TenantSettings)
	return changed, c.Do(ctx, http.MethodPatch, tenantSettings, nil, patch, changed)
}

// DeleteTenantSettings makes the settings those by default again.
func (c *Client) DeleteTenantSettings(ctx context.Context) error {
	return c.Do(ctx, http.MethodDelete, tenantSettings, nil, nil, nil)
}

// ListStartPages returns what PreferredStartPage can be.
func (c *Client) ListStartPages(ctx context.Context) (*api.StartPageList, error) {
	return get[api.StartPageList](ctx, c, tenantSettings+"/start-pages")
}

// ListQuotas returns how many things of some kinds the tenant can have, and has.
func (c *Client) ListQuotas(ctx context.Context) ([]api.Quota, error) {
	var list api.QuotaList
	err := c.Do(ctx, http.MethodGet, quotas, url.Values{"reportUsage": {"true"}}, nil, &list)
	return list.Data, err
}

// GetQuota returns one of them.
func (c *Client) GetQuota(ctx context.Context, id string) (*api.Quota, error) {
	var list api.QuotaList
	if err := c.Do(ctx, http.MethodGet, quotas+"/"+url.PathEscape(id), url.Values{"reportUsage": {"true"}}, nil, &list); err != nil {
		return nil, err
	}
	if len(list.Data) != 1 {
		return nil, fmt.Errorf("the server answered with %d quotas", len(list.Data))
	}
	return &list.Data[0], nil
}
