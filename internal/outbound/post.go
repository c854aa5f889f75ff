package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Poster sends messages to addresses that users of Freehold name, under the same
// rules as Client fetches from them. It follows no redirects and keeps
// connections open for the next message. It is safe for concurrent use.
type Poster struct {
	client    *Client // for its rules
	http      *http.Client
	transport *http.Transport
}

// maxAnswer is how much of an answer is kept: it is shown to people.
const maxAnswer = 4 << 10

// NewPoster makes a Poster that may reach what client may.
func NewPoster(client *Client, timeout time.Duration) *Poster {
	dialer := &net.Dialer{Timeout: timeout, Control: client.control}
	transport := &http.Transport{
		DialContext:            dialer.DialContext, // and no proxy, as in New
		TLSHandshakeTimeout:    timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    32, // as many as may be busy: one that is closed after a message costs more than the message
		IdleConnTimeout:        time.Minute,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	return &Poster{client: client, transport: transport, http: &http.Client{
		Timeout: timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // no more than the beginning
}

// Post sends a body. Whatever status comes back is no error.
func (p *Poster) Post(ctx context.Context, url string, header http.Header, body []byte) (a Answer, err error) {
	if err := p.client.CheckURL(url); err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header = header
	response, err := p.http.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	a.Status, a.Header = response.StatusCode, response.Header
	a.Body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return a, err
	}
	return a, nil
}

// Close closes the connections that are kept open.
func (p *Poster) Close() { p.transport.CloseIdleConnections() }
