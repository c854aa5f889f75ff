package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

const (
	cspOrigins      = "/api/v1/csp-origins"
	webIntegrations = "/api/v1/web-integrations"
)

// CSPOrigins goes through the origins in the content security policy of the tenant.
// After an error it ends. The filter of opts has no meaning here.
func (c *Client) CSPOrigins(ctx context.Context, opts ListOptions) iter.Seq2[api.CSPOrigin, error] {
	return each(ctx, c, cspOrigins, "", opts.query(), "", func(l *api.CSPOriginList) ([]api.CSPOrigin, api.PageLinks) { return l.Data, l.Links })
}

// GetCSPOrigin returns an origin by its id.
func (c *Client) GetCSPOrigin(ctx context.Context, id string) (*api.CSPOrigin, error) {
	return getByID[api.CSPOrigin](ctx, c, cspOrigins+"/", id)
}

// CreateCSPOrigin adds an origin to the content security policy.
func (c *Client) CreateCSPOrigin(ctx context.Context, req api.CSPOriginRequest) (*api.CSPOrigin, error) {
	return makeOne[api.CSPOrigin](ctx, c, cspOrigins, req)
}

// ReplaceCSPOrigin makes all of an origin what req says.
func (c *Client) ReplaceCSPOrigin(ctx context.Context, id string, req api.CSPOriginRequest) (*api.CSPOrigin, error) {
	changed := new(api.CSPOrigin)
	return changed, c.about(ctx, http.MethodPut, cspOrigins, id, req, changed)
}

// DeleteCSPOrigin takes an origin from the content security policy.
func (c *Client) DeleteCSPOrigin(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, cspOrigins, id, nil, nil)
}

// GetCSPHeader returns the content security policy of the tenant.
func (c *Client) GetCSPHeader(ctx context.Context) (*api.CSPHeader, error) {
	return get[api.CSPHeader](ctx, c, cspOrigins+"/actions/generate-header")
}

// WebIntegrations goes through the web integrations of the tenant. After an error it
// ends. The filter of opts has no meaning here.
func (c *Client) WebIntegrations(ctx context.Context, opts ListOptions) iter.Seq2[api.WebIntegration, error] {
	return each(ctx, c, webIntegrations, "", opts.query(), "", func(l *api.WebIntegrationList) ([]api.WebIntegration, api.PageLinks) { return l.Data, l.Links })
}

// GetWebIntegration returns a web integration by its id.
func (c *Client) GetWebIntegration(ctx context.Context, id string) (*api.WebIntegration, error) {
	return getByID[api.WebIntegration](ctx, c, webIntegrations+"/", id)
}

// CreateWebIntegration makes a web integration.
func (c *Client) CreateWebIntegration(ctx context.Context, req api.CreateWebIntegrationRequest) (*api.WebIntegration, error) {
	return makeOne[api.WebIntegration](ctx, c, webIntegrations, req)
}

// UpdateWebIntegration changes a web integration by a patch, all of it or nothing.
func (c *Client) UpdateWebIntegration(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.about(ctx, http.MethodPatch, webIntegrations, id, patch, nil)
}

// DeleteWebIntegration deletes a web integration.
func (c *Client) DeleteWebIntegration(ctx context.Context, id string) error {
	return c.about(ctx, http.MethodDelete, webIntegrations, id, nil, nil)
}
