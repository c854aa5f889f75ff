package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

const apiKeys = "/api/v1/api-keys"

// APIKeyOptions pick and order API keys. Empty members restrict nothing.
type APIKeyOptions struct {
	User      string // id: only that one's keys
	CreatedBy string // id of a user
	Status    string // active, expired or revoked
	Sort      string // created, createdByUser, sub, status or description; "-" before it for descending
	Limit     int    // rows a page, 1 to 100; 0: the server's default of 20
}

// APIKeys goes through the API keys of the tenant at c's host: for administrators
// all, for others their own. After an error it ends.
func (c *Client) APIKeys(ctx context.Context, opts APIKeyOptions) iter.Seq2[api.APIKey, error] {
	query := ListOptions{Sort: opts.Sort, Limit: opts.Limit}.query()
	for name, value := range map[string]string{"sub": opts.User, "createdByUser": opts.CreatedBy, "status": opts.Status} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return each(ctx, c, apiKeys, "", query, "", func(l *api.APIKeyList) ([]api.APIKey, api.PageLinks) { return l.Data, l.Links })
}

// GetAPIKey returns an API key by its id.
func (c *Client) GetAPIKey(ctx context.Context, id string) (*api.APIKey, error) {
	return getByID[api.APIKey](ctx, c, apiKeys+"/", id)
}

// CreateAPIKey makes an API key. Its text is in the answer, and told this once.
func (c *Client) CreateAPIKey(ctx context.Context, req api.CreateAPIKeyRequest) (*api.CreatedAPIKey, error) {
	return makeOne[api.CreatedAPIKey](ctx, c, apiKeys, req)
}

// UpdateAPIKey changes an API key by a patch: its description.
func (c *Client) UpdateAPIKey(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, apiKeys, id, patch, nil)
}

// DeleteAPIKey deletes one's own API key, or revokes another's.
func (c *Client) DeleteAPIKey(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, apiKeys, id, nil, nil)
}

// GetAPIKeySettings returns the limits of API keys in a tenant, which is the one at
// c's host.
func (c *Client) GetAPIKeySettings(ctx context.Context, tenant string) (*api.APIKeySettings, error) {
	return getByID[api.APIKeySettings](ctx, c, apiKeys+"/configs/", tenant)
}

// UpdateAPIKeySettings changes the limits of API keys by a patch, all of it or nothing.
func (c *Client) UpdateAPIKeySettings(ctx context.Context, tenant string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, apiKeys+"/configs", tenant, patch, nil)
}
