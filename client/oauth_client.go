package client

import (
	"context"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

// CreateOAuthClient creates a tenant-level client, on a tenant host. The answer
// is the only one that ever tells the secret. It is not repeated on failure,
// because each arrival makes another client.
func (c *Client) CreateOAuthClient(ctx context.Context, req api.CreateOAuthClientRequest) (*api.OAuthClient, error) {
	return c.createOAuthClient(ctx, "/api/v1/oauth-clients", req)
}

// CreateOrganizationOAuthClient creates an organization-level client, on the
// console host. The same rules as for CreateOAuthClient hold.
func (c *Client) CreateOrganizationOAuthClient(ctx context.Context, req api.CreateOAuthClientRequest) (*api.OAuthClient, error) {
	return c.createOAuthClient(ctx, "/api/core/oauth-clients", req)
}

func (c *Client) createOAuthClient(ctx context.Context, path string, req api.CreateOAuthClientRequest) (*api.OAuthClient, error) {
	created := new(api.OAuthClient)
	if err := c.Do(ctx, http.MethodPost, path, nil, req, created); err != nil {
		return nil, err
	}
	return created, nil
}
