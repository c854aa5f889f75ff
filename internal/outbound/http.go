package outbound

import (
	"io"
	"net/http"
)

// HTTPClient is for libraries that talk to servers by themselves: it reaches what
// Client does, as fast, and reads no longer answers. It follows no redirects.
func (c *Client) HTTPClient() *http.Client {
	return &http.Client{
		Timeout:       Timeout,
		Transport:     guarded{c},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guarded is the transport of a Client, with its limits.
type guarded struct{ c *Client }

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.c.CheckURL(r.URL.String()); err != nil {
		return nil, err
	}
	response, err := g.c.http.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = limitedBody{io.LimitReader(response.Body, MaxDocument), response.Body}
	return response, nil
}

// limitedBody is a body of which only the beginning can be read.
type limitedBody struct {
	io.Reader
	io.Closer
}
