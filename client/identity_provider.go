package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
)

const (
	identityProviders = "/api/v1/identity-providers"
	authSettings      = "/api/core/auth-settings"
)

// IdentityProviders goes through the identity providers of the tenant at the host,
// fetching pages as they are needed. After an error it ends.
func (c *Client) IdentityProviders(ctx context.Context) iter.Seq2[api.IdentityProvider, error] {
	return func(yield func(api.IdentityProvider, error) bool) {
		req, err := c.prepare(Request{Method: http.MethodGet, Path: identityProviders, Query: url.Values{"limit": {"100"}}})
		for err == nil {
			var page api.IdentityProviderList
			var resp *Response
			if resp, err = c.send(ctx, req); err != nil {
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
			req, err = c.follow(req, page.Links.Next.Href)
		}
		yield(api.IdentityProvider{}, err)
	}
}

// GetIdentityProvider returns an identity provider of the tenant at the host.
func (c *Client) GetIdentityProvider(ctx context.Context, id string) (*api.IdentityProvider, error) {
	return getByID[api.IdentityProvider](ctx, c, identityProviders+"/", id)
}

// CreateIdentityProvider makes an identity provider of the tenant at the host. It
// is not repeated on failure.
func (c *Client) CreateIdentityProvider(ctx context.Context, req api.CreateIdentityProviderRequest) (*api.IdentityProvider, error) {
	created := new(api.IdentityProvider)
	if err := c.Do(ctx, http.MethodPost, identityProviders, nil, req, created); err != nil {
		return nil, err
	}
	return created, nil
}

// UpdateIdentityProvider changes an identity provider by a patch, all of it or
// nothing.
func (c *Client) UpdateIdentityProvider(ctx context.Context, id string, patch []api.PatchOperation) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return c.Do(ctx, http.MethodPatch, identityProviders+"/"+segment, nil, patch, nil)
}

// PromoteIdentityProvider puts the pending options of an identity provider in
// force, which have passed their test.
func (c *Client) PromoteIdentityProvider(ctx context.Context, id string) error {
	return c.UpdateIdentityProvider(ctx, id, []api.PatchOperation{{Op: "promote-options"}})
}

// DeleteIdentityProvider removes an identity provider. Who came in by it is signed
// out.
func (c *Client) DeleteIdentityProvider(ctx context.Context, id string) error {
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	return c.Do(ctx, http.MethodDelete, identityProviders+"/"+segment, nil, nil, nil)
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
