package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// maxMargin is how long before its expiry a token is replaced at the latest. A
// token that lives less than ten minutes is replaced when a tenth is left.
const maxMargin = time.Minute

// tokenSource holds the token of one credential at one host. However many
// callers want a token, at most one request for it is under way.
type tokenSource struct {
	base   *url.URL
	shared *shared
	above  *tokenSource // whose tokens are exchanged; nil: the secret is shown

	mu      sync.Mutex
	token   token
	flight  *flight // the request under way, if any
	refused string  // the token that the host refused last
}

type token struct {
	value   string
	renew   time.Time // replace from here on; zero: lifetime unknown
	expires time.Time
}

func (t token) fresh(now time.Time) bool {
	return t.value != "" && (t.renew.IsZero() || now.Before(t.renew))
}

func (t token) usable(now time.Time) bool {
	return t.value != "" && (t.expires.IsZero() || now.Before(t.expires))
}

// flight is one token request and those waiting for it. token and err are set
// before done is closed.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int // guarded by tokenSource.mu
	token   token
	err     error
}

// Token returns an access token for c's host. The token stays valid for at
// least a moment; callers that keep it must expect the host to refuse it with
// 401 one day.
func (c *Client) Token(ctx context.Context) (string, error) {
	if c.tokens == nil {
		return "", errors.New("the client has no credentials to get a token with")
	}
	return c.tokens.get(ctx)
}

// get returns the token at hand, or waits for a new one. While the old token
// is still good, failing to replace it is not an error.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	now, old := s.shared.now(), s.token
	if old.fresh(now) {
		s.mu.Unlock()
		return old.value, nil
	}
	if s.flight == nil {
		attempts := s.shared.attempts
		if old.usable(now) {
			attempts = 1
		}
		s.flight = s.start(ctx, attempts)
	}
	f := s.flight
	f.waiters++
	s.mu.Unlock()

	select {
	case <-f.done:
	case <-ctx.Done():
		s.leave(f)
		return "", fmt.Errorf("get token from %s: %w", s.base.Host, context.Cause(ctx))
	}
	switch {
	case f.err == nil:
		return f.token.value, nil
	case old.usable(now):
		return old.value, nil
	default:
		return "", f.err
	}
}

// drop forgets the token if it is still the one that the host refused.
func (s *tokenSource) drop(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.value == value {
		s.token = token{}
	}
	s.refused = value
}

// start requests a token for everyone who comes to wait, so it does not end
// with the context of the first of them. The caller holds mu.
func (s *tokenSource) start(ctx context.Context, attempts int) *flight {
	refused := s.refused
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer cancel()
		f.token, f.err = s.fetch(ctx, refused, attempts)
		s.mu.Lock()
		if s.flight == f {
			s.flight = nil
			if f.err == nil {
				s.token = f.token
			}
		}
		s.mu.Unlock()
		close(f.done)
	}()
	return f
}

// leave gives up waiting; the last one to leave cancels the request.
func (s *tokenSource) leave(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters == 0 && s.flight == f {
		s.flight = nil
		f.cancel()
	}
}

// fetch buys a token with the client-credentials grant. Nothing is stored by
// the server for the caller to lose, so it is safe to repeat. Those of a person
// are kept, and the one that the host refused is none of them any more.
func (s *tokenSource) fetch(ctx context.Context, refused string, attempts int) (token, error) {
	if s.shared.person != nil {
		return s.shared.person.fetch(ctx, s, refused, attempts)
	}
	if s.above != nil {
		return s.swap(ctx, attempts)
	}
	credentials := s.shared.credentials
	form := url.Values{
		"grant_type": {api.GrantClientCredentials},
		"client_id":  {credentials.ClientID},
	}
	if credentials.Assertion == nil {
		form.Set("client_secret", credentials.ClientSecret)
	}
	if len(credentials.Scopes) > 0 {
		form.Set("scope", strings.Join(credentials.Scopes, " "))
	}
	return s.request(ctx, form, credentials.Assertion, attempts)
}

// request asks the token endpoint, with an assertion of source unless it is nil.
func (s *tokenSource) request(ctx context.Context, form url.Values, source AssertionSource, attempts int) (token, error) {
	asked := s.shared.now()
	// An assertion is good for one attempt, whether that arrives or not.
	request := call{
		method: http.MethodPost,
		url:    s.base.JoinPath("/oauth/token"),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		safe:   true,
	}
	request.renew = func(ctx context.Context) ([]byte, error) {
		if err := addAssertion(ctx, form, source, s.base); err != nil {
			return nil, err
		}
		return []byte(form.Encode()), nil
	}
	resp, err := s.shared.send(ctx, request, attempts)
	if err != nil {
		return token{}, fmt.Errorf("get token from %s: %w", s.base.Host, err)
	}
	return readToken(resp, asked, s.shared.scheme())
}

func readToken(resp *Response, asked time.Time, scheme string) (token, error) {
	// expires_at is read apart: a strange one must not cost a good token.
	var answer struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresAt   json.RawMessage `json:"expires_at"`
		ExpiresIn   float64         `json:"expires_in"`
	}
	if err := resp.decode(&answer); err != nil {
		return token{}, fmt.Errorf("read token answer: %w", err)
	}
	if answer.AccessToken == "" {
		return token{}, errors.New("read token answer: it holds no access_token")
	}
	if !strings.EqualFold(answer.TokenType, scheme) {
		return token{}, errTokenType(answer.TokenType, strings.ToLower(scheme))
	}
	t := token{value: answer.AccessToken}
	var at api.Time
	switch {
	case answer.ExpiresIn > 0:
		// Relative to when we asked, and so independent of the server's clock.
		t.expires = asked.Add(time.Duration(answer.ExpiresIn * float64(time.Second)))
	case json.Unmarshal(answer.ExpiresAt, &at) == nil && !at.IsZero():
		t.expires = at.Time
	default:
		return t, nil
	}
	t.renew = t.expires.Add(-min(t.expires.Sub(asked)/10, maxMargin))
	return t, nil
}
