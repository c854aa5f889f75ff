package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxResponse   = 32 << 20 // bytes of an answer's body
	minWait       = 200 * time.Millisecond
	maxWait       = 10 * time.Second
	maxRetryAfter = time.Minute // a server that asks for more gets no further attempt

	headerIdempotencyKey = "Idempotency-Key"
)

// errTooLarge reports an answer over maxResponse.
var errTooLarge = fmt.Errorf("answer is longer than %d MiB", maxResponse>>20)

// Request is a call in its plainest form; see Client.Raw.
type Request struct {
	Method string
	Path   string      // "/api/v1/users/me", with or without a query; or an absolute URL of the client's origin
	Query  url.Values  // added to the query of Path
	Header http.Header // an Authorization header replaces the client's token
	Body   []byte      // sent as application/json unless Header says otherwise
}

// Response is the answer to a Request, read to its end.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

// call is a Request made ready to be sent, maybe several times.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	safe   bool // may be repeated when it is not known whether it arrived

	renew func(context.Context) ([]byte, error) // makes body anew for each attempt; nil: body stays
}

// Do calls method on path and decodes the JSON answer into out. A []byte or
// json.RawMessage body is sent as it is, any other but nil as JSON. With a nil
// out the answer is thrown away. Errors of the server are [*Error].
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body, out any) error {
	req, err := newRequest(method, path, query, body)
	if err != nil {
		return err
	}
	resp, err := c.Raw(ctx, req)
	if err != nil || out == nil {
		return err
	}
	if err := resp.decode(out); err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return nil
}

// Raw makes the call and returns whatever the server answers. For a status of
// 400 or more there are both a Response and an [*Error]. GET and HEAD, and POST
// with an Idempotency-Key header, are repeated when the server is too busy or
// cannot be reached; a token that the server refuses is replaced once.
func (c *Client) Raw(ctx context.Context, req Request) (*Response, error) {
	prepared, err := c.prepare(req)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, prepared)
}

func newRequest(method, path string, query url.Values, body any) (Request, error) {
	req := Request{Method: method, Path: path, Query: query}
	switch b := body.(type) {
	case nil:
	case []byte:
		req.Body = b
	case json.RawMessage:
		req.Body = b
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return Request{}, fmt.Errorf("encode body of %s %s: %w", method, path, err)
		}
		req.Body = encoded
	}
	return req, nil
}

func (c *Client) prepare(req Request) (call, error) {
	u, err := c.resolve(req.Path)
	if err != nil {
		return call{}, err
	}
	if len(req.Query) > 0 {
		query := u.Query()
		for name, values := range req.Query {
			query[name] = append(query[name], values...)
		}
		u.RawQuery = query.Encode()
	}
	header := req.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if len(req.Body) > 0 && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	safe := req.Method == http.MethodGet || req.Method == http.MethodHead ||
		req.Method == http.MethodPost && header.Get(headerIdempotencyKey) != ""
	return call{method: req.Method, url: u, header: header, body: req.Body, safe: safe}, nil
}

// resolve finds the URL that a path or a link of an answer means, and refuses
// those of other origins.
func (c *Client) resolve(ref string) (*url.URL, error) {
	u, err := url.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("%q is not a path: %w", ref, err)
	}
	if u.Scheme == "" && u.Host == "" && !strings.HasPrefix(u.Path, "/") {
		return nil, fmt.Errorf("path %q does not begin with a slash", ref)
	}
	u = c.base.ResolveReference(u)
	if !sameOrigin(c.base, u) {
		return nil, fmt.Errorf("%w: %s is not %s", ErrForeignOrigin, origin(u), c.base)
	}
	u.User, u.Fragment = nil, ""
	return u, nil
}

// send makes a call with a token, and once more with a new token if the first
// one was refused. It may be used for calls that are not safe, too: a refused
// token means that nothing was done.
func (c *Client) send(ctx context.Context, req call) (*Response, error) {
	if c.tokens == nil || req.header.Get("Authorization") != "" {
		return c.shared.send(ctx, req, c.shared.attempts)
	}
	bare := req.header
	for again := false; ; again = true {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		req.header = maps.Clone(bare)
		if req.header == nil {
			req.header = make(http.Header)
		}
		req.header.Set("Authorization", c.shared.scheme()+" "+token)
		resp, err := c.shared.send(ctx, req, c.shared.attempts)
		if resp == nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		c.tokens.drop(token)
		if again {
			return resp, err
		}
	}
}

// send makes up to so many attempts at a call that is safe, one at others. A
// Response with a status of 400 or more comes with an *Error.
func (s *shared) send(ctx context.Context, req call, attempts int) (*Response, error) {
	if !req.safe {
		attempts = 1
	}
	for n := 1; ; n++ {
		if req.renew != nil {
			body, err := req.renew(ctx)
			if err != nil {
				return nil, err
			}
			req.body = body
		}
		resp, err := s.attempt(ctx, req)
		if err == nil {
			err = s.failure(resp)
		}
		if err == nil || n >= attempts || ctx.Err() != nil {
			return resp, err
		}
		wait, again := backoff(n, resp, err)
		if !again {
			return resp, err
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Sub(s.now()) < wait {
			return resp, err // it would end in waiting
		}
		if cause := sleep(ctx, wait); cause != nil {
			return resp, fmt.Errorf("%w; gave up waiting to repeat the call: %w", err, cause)
		}
	}
}

// attempt sends the request once and reads the answer to its end.
func (s *shared) attempt(ctx context.Context, req call) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var body io.Reader
	if req.body != nil {
		body = bytes.NewReader(req.body)
	}
	r, err := http.NewRequestWithContext(ctx, req.method, req.url.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range req.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", s.userAgent)
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, err // a *url.Error names method and URL
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("read answer to %s %s: %w", req.method, req.url.Path, err)
	}
	if len(content) > maxResponse {
		return nil, fmt.Errorf("read answer to %s %s: %w", req.method, req.url.Path, errTooLarge)
	}
	return &Response{StatusCode: answer.StatusCode, Header: answer.Header, Body: content}, nil
}

// failure returns the *Error of an answer that is one, as an error.
func (s *shared) failure(resp *Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	e := newError(resp)
	e.RetryAfter = retryAfter(resp.Header, s.now())
	return e
}

// backoff tells whether to make another attempt after the nth, and how long to
// wait: as long as the server says, or half to all of an exponential time, so
// that clients that failed together do not come back together.
func backoff(n int, resp *Response, err error) (wait time.Duration, again bool) {
	wait = min(minWait<<min(n-1, 16), maxWait)
	wait = wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads load, guards nothing
	var answered *Error
	switch {
	case resp == nil:
		return wait, !permanent(err)
	case !errors.As(err, &answered):
		return 0, false
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(wait, answered.RetryAfter), answered.RetryAfter <= maxRetryAfter
	}
	return 0, false
}

// retryAfter reads the header of RFC 9110, section 10.2.3. A date is taken
// against the server's own clock if it tells the time.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(seconds, 1<<30))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if told, err := http.ParseTime(header.Get("Date")); err == nil {
		now = told
	}
	return max(0, date.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// decode reads the body as JSON. What is not JSON is quoted in the error.
func (r *Response) decode(out any) error {
	if r.StatusCode < 200 || r.StatusCode > 299 {
		return fmt.Errorf("unexpected status %d", r.StatusCode)
	}
	if err := json.Unmarshal(r.Body, out); err != nil {
		return fmt.Errorf("%w in %q", err, excerpt(r.Body))
	}
	return nil
}
