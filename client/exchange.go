package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
)

// Exchange returns a Client for a tenant's host that gets its tokens there by
// exchanging those of c (RFC 8693), which talks to a register host or, with a
// client that holds admin_classic, to the console. The secret is shown to c's
// host only. The new tokens never hold more scopes or live longer than those
// of c.
func (c *Client) Exchange(baseURL string) (*Client, error) {
	if c.tokens == nil || c.shared.credentials == nil {
		return nil, errors.New("the client has no credentials whose tokens it could exchange")
	}
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	below := &Client{base: base, shared: c.shared}
	key := c.base.String() + " " + base.String()
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	below.tokens = c.shared.sources[key]
	if below.tokens == nil {
		below.tokens = &tokenSource{base: base, shared: c.shared, above: c.tokens}
		c.shared.sources[key] = below.tokens
	}
	return below, nil
}

// swap gets a token for one of the source above. One that the host does not
// take, because it was revoked, is replaced once.
func (s *tokenSource) swap(ctx context.Context, attempts int) (token, error) {
	for again := false; ; again = true {
		subject, err := s.above.get(ctx)
		if err != nil {
			return token{}, err
		}
		t, err := s.request(ctx, url.Values{
			"grant_type":         {api.GrantTokenExchange},
			"client_id":          {s.shared.credentials.ClientID},
			"subject_token":      {subject},
			"subject_token_type": {api.TokenTypeAccessToken},
		}, nil, attempts)
		var refused *Error
		if err == nil || again || !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
			return t, err
		}
		s.above.drop(subject)
	}
}

const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// scheme is the name by which tokens are shown.
func (s *shared) scheme() string {
	if s.prover != nil {
		return schemeDPoP
	}
	return schemeBearer
}

func errTokenType(got, want string) error {
	return fmt.Errorf("read token answer: token_type %q is not %s", got, want)
}
