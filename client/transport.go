package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrForeignOrigin reports that an answer pointed to another scheme, host or
// port than the Client's. It was not followed.
var ErrForeignOrigin = errors.New("refused to leave the origin of the client")

const maxRedirects = 5

// errRedirect reports a redirect within the origin that was not followed.
var errRedirect = errors.New("refused redirect")

// checkRedirect lets only reads within one origin be redirected: anything else
// would carry the token, or the secret of a token request, to where it was not
// meant to go.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case !sameOrigin(first.URL, req.URL):
		return fmt.Errorf("%w: redirected to %s", ErrForeignOrigin, origin(req.URL))
	case first.Method != http.MethodGet && first.Method != http.MethodHead:
		return fmt.Errorf("%w of %s to %s", errRedirect, first.Method, req.URL.Path)
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d in a row", errRedirect, maxRedirects)
	}
	return nil
}

func newTransport(roots *x509.CertPool, certificates []tls.Certificate) *http.Transport {
	dialer := localDialer{net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}}
	return &http.Transport{
		Proxy:                 proxyUnlessLocal,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// localDialer takes names below ".localhost" to the loopback addresses, which
// is what RFC 6761 asks for and the resolvers of many systems do not do.
type localDialer struct{ net.Dialer }

func (d *localDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !isLocal(host) {
		return d.Dialer.DialContext(ctx, network, address)
	}
	conn, err := d.Dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		return conn, nil
	}
	if conn, err6 := d.Dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); err6 == nil {
		return conn, nil
	}
	return nil, err
}

func isLocal(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// proxyUnlessLocal keeps names below ".localhost" away from a proxy, for which
// they would mean another machine.
func proxyUnlessLocal(req *http.Request) (*url.URL, error) {
	if isLocal(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// permanent tells whether a failed attempt would fail again in the same way.
func permanent(err error) bool {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	return errors.Is(err, ErrForeignOrigin) ||
		errors.Is(err, errRedirect) ||
		errors.Is(err, errTooLarge) ||
		errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &certificate) ||
		errors.As(err, &record) ||
		errors.As(err, &dns) && dns.IsNotFound
}
