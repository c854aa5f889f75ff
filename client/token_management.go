package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
)

// Revoke revokes an access token that c's credential got from c's host (RFC
// 7009). The host does not tell whether there was anything to revoke: tokens of
// other clients and hosts stay as they are. It is safe to repeat. A token of the
// client's own that is revoked is not used any more.
func (c *Client) Revoke(ctx context.Context, token string) error {
	_, err := c.aboutToken(ctx, "/oauth/revoke", token)
	if err == nil && c.tokens != nil {
		c.tokens.drop(token)
	}
	return err
}

// Introspect asks c's host what an access token is worth now (RFC 7662). Of a
// token that is not active, and of one that c's credential may not know about,
// only Active is told, as false.
func (c *Client) Introspect(ctx context.Context, token string) (*api.Introspection, error) {
	resp, err := c.aboutToken(ctx, "/oauth/introspect", token)
	if err != nil {
		return nil, err
	}
	answer := new(api.Introspection)
	if err := resp.decode(answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// aboutToken posts a token with the credential itself, so that nothing has to be
// issued first, or with the token of a person.
func (c *Client) aboutToken(ctx context.Context, path, token string) (*Response, error) {
	if c.tokens == nil {
		return nil, errors.New("the client has no credentials to ask about a token with")
	}
	credentials := c.shared.credentials
	if credentials == nil {
		return c.send(ctx, formCall(c.base, path, url.Values{"token": {token}}))
	}
	form := url.Values{"token": {token}, "client_id": {credentials.ClientID}}
	if credentials.Assertion == nil {
		form.Set("client_secret", credentials.ClientSecret)
	}
	return c.shared.send(ctx, call{
		method: http.MethodPost,
		url:    c.base.JoinPath(path),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		safe:   true,
		renew: func(ctx context.Context) ([]byte, error) {
			if err := addAssertion(ctx, form, credentials.Assertion, c.base); err != nil {
				return nil, err
			}
			return []byte(form.Encode()), nil
		},
	}, c.shared.attempts)
}
