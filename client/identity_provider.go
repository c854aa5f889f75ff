package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
)

const authSettings = "/api/core/auth-settings"

// IdentityProviders manages by which identity providers people sign in.
type IdentityProviders struct {
	c    *Client
	path string
}

// TenantIdentityProviders manages those of a tenant, on its host.
func (c *Client) TenantIdentityProviders() IdentityProviders {
	return IdentityProviders{c, "/api/v1/identity-providers"}
}

// OrganizationIdentityProviders manages the one by which the accounts of an
// organization sign in, on the console host.
func (c *Client) OrganizationIdentityProviders() IdentityProviders {
	return IdentityProviders{c, "/api/core/identity-providers"}
}

// All goes through the identity providers, fetching pages as they are needed. After
// an error it ends.
func (p IdentityProviders) All(ctx context.Context) iter.Seq2[api.IdentityProvider, error] {
	return func(yield func(api.IdentityProvider, error) bool) {
		req, err := p.c.prepare(Request{Method: http.MethodGet, Path: p.path, Query: url.Values{"limit": {"100"}}})
		for err == nil {
			var page api.IdentityProviderList
			var resp *Response
			if resp, err = p.c.send(ctx, req); err != nil {
				break
			}
			if err = resp.decode(&page); err != nil {
				err = fmt.Errorf("read page of identity providers: %w", err)
				break
			}
			for _, one := range page.Data {
				if !yield(one, nil) {
					return
				}
			}
			if page.Links.Next == nil || page.Links.Next.Href == "" {
				return
			}
			req, err = p.c.follow(req, page.Links.Next.Href)
		}
		yield(api.IdentityProvider{}, err)
	}
}

// Get returns an identity provider.
func (p IdentityProviders) Get(ctx context.Context, id string) (*api.IdentityProvider, error) {
	return getByID[api.IdentityProvider](ctx, p.c, p.path+"/", id)
}

// Create makes an identity provider. It is not repeated on failure.
func (p IdentityProviders) Create(ctx context.Context, req api.CreateIdentityProviderRequest) (*api.IdentityProvider, error) {
	created := new(api.IdentityProvider)
	if err := p.c.Do(ctx, http.MethodPost, p.path, nil, req, created); err != nil {
		return nil, err
	}
	return created, nil
}

// Update changes an identity provider by a patch, all of it or nothing.
func (p IdentityProviders) Update(ctx context.Context, id string, patch []api.PatchOperation) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return p.c.Do(ctx, http.MethodPatch, p.path+"/"+segment, nil, patch, nil)
}

// Promote puts the pending options of an identity provider in force, which have passed
// their test.
func (p IdentityProviders) Promote(ctx context.Context, id string) error {
	return p.Update(ctx, id, []api.PatchOperation{{Op: "promote-options"}})
}

// Delete removes an identity provider. Who came in by it is signed out.
func (p IdentityProviders) Delete(ctx context.Context, id string) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return p.c.Do(ctx, http.MethodDelete, p.path+"/"+segment, nil, nil, nil)
}

// IdentityProviders is All of TenantIdentityProviders.
func (c *Client) IdentityProviders(ctx context.Context) iter.Seq2[api.IdentityProvider, error] {
	return c.TenantIdentityProviders().All(ctx)
}

// GetIdentityProvider is Get of TenantIdentityProviders.
func (c *Client) GetIdentityProvider(ctx context.Context, id string) (*api.IdentityProvider, error) {
	return c.TenantIdentityProviders().Get(ctx, id)
}

// CreateIdentityProvider is Create of TenantIdentityProviders.
func (c *Client) CreateIdentityProvider(ctx context.Context, req api.CreateIdentityProviderRequest) (*api.IdentityProvider, error) {
	return c.TenantIdentityProviders().Create(ctx, req)
}

// UpdateIdentityProvider is Update of TenantIdentityProviders.
func (c *Client) UpdateIdentityProvider(ctx context.Context, id string, patch []api.PatchOperation) error {
	return c.TenantIdentityProviders().Update(ctx, id, patch)
}

// PromoteIdentityProvider is Promote of TenantIdentityProviders.
func (c *Client) PromoteIdentityProvider(ctx context.Context, id string) error {
	return c.TenantIdentityProviders().Promote(ctx, id)
}

// DeleteIdentityProvider is Delete of TenantIdentityProviders.
func (c *Client) DeleteIdentityProvider(ctx context.Context, id string) error {
	return c.TenantIdentityProviders().Delete(ctx, id)
}

// GetAuthSettings returns how long people stay signed in to the tenant at the host.
func (c *Client) GetAuthSettings(ctx context.Context) (*api.AuthSettings, error) {
	return get[api.AuthSettings](ctx, c, authSettings)
}

// UpdateAuthSettings changes them by a patch, all of it or nothing, and returns
// what they are then.
func (c *Client) UpdateAuthSettings(ctx context.Context, patch []api.PatchOperation) (*api.AuthSettings, error) {
	changed := new(api.AuthSettings)
	if err := c.Do(ctx, http.MethodPatch, authSettings, nil, patch, changed); err != nil {
		return nil, err
	}
	return changed, nil
}
