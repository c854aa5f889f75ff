package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

const (
	defaultTimeout  = 30 * time.Second
	defaultAttempts = 4
)

// Credentials are what a client-credentials token is bought with. They print
// and marshal without the secret.
type Credentials struct {
	ClientID     string
	ClientSecret string
	Scopes       []string // empty: all scopes of the client

	// Assertion takes the place of ClientSecret where there is to be no secret.
	Assertion AssertionSource
}

// Format writes c without its secret, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String returns c without its secret.
func (c Credentials) String() string {
	if c.Assertion != nil {
		return "client " + c.ClientID + ", by assertion"
	}
	return "client " + c.ClientID + ", secret [redacted]"
}

// LogValue returns c without its secret.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns c without its secret.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Client calls one host of a Freehold server. Make one with New and those for
// further hosts with Host.
type Client struct {
	base   *url.URL // scheme and host only
	shared *shared
	tokens *tokenSource // nil without credentials
}

// shared is what the Clients of several hosts have in common.
type shared struct {
	http        *http.Client
	credentials *Credentials
	person      *personSource // nil without the tokens of a person
	userAgent   string
	timeout     time.Duration // of one attempt
	attempts    int
	now         func() time.Time
	prover      *prover // nil without DPoP

	mu      sync.Mutex
	sources map[string]*tokenSource // by origin
}

// Option changes how New sets up a Client.
type Option func(*options) error

type options struct {
	shared *shared
	roots  *x509.CertPool
	http   *http.Client

	certificates []tls.Certificate
}

// WithCredentials makes the Client fetch and send access tokens. Without it
// calls go out without authentication.
func WithCredentials(credentials Credentials) Option {
	return func(o *options) error {
		switch {
		case credentials.ClientID == "" || credentials.ClientSecret == "" && credentials.Assertion == nil:
			return errors.New("credentials need a client id and a client secret")
		case credentials.ClientSecret != "" && credentials.Assertion != nil:
			return errors.New("credentials need either a client secret or an assertion, not both")
		}
		credentials.Scopes = append([]string(nil), credentials.Scopes...)
		o.shared.credentials = &credentials
		return nil
	}
}

// WithRootCAs replaces the certificate authorities that servers are checked
// against.
func WithRootCAs(pool *x509.CertPool) Option {
	return func(o *options) error {
		o.roots = pool
		return nil
	}
}

// WithCAFile adds the certificate authorities of a PEM file to those of the
// system.
func WithCAFile(path string) Option {
	return func(o *options) error {
		pem, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read certificate authorities: %w", err)
		}
		if o.roots == nil {
			if o.roots, err = x509.SystemCertPool(); err != nil {
				o.roots = x509.NewCertPool()
			}
		}
		if !o.roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no PEM certificate", path)
		}
		return nil
	}
}

// WithHTTPClient makes calls go through a copy of h. If h has a Transport of
// its own, certificate authorities and the resolution of ".localhost" names are
// that Transport's business. The redirect policy is always the Client's.
func WithHTTPClient(h *http.Client) Option {
	return func(o *options) error {
		o.http = h
		return nil
	}
}

// WithTimeout limits each attempt of a call, including the reading of its
// answer. The default is 30 seconds. The context limits the call as a whole.
func WithTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("timeout %v is not positive", d)
		}
		o.shared.timeout = d
		return nil
	}
}

// WithMaxAttempts sets how often a call that is safe to repeat is tried. The
// default is 4; 1 turns repetition off.
func WithMaxAttempts(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("%d attempts are not enough to make a call", n)
		}
		o.shared.attempts = n
		return nil
	}
}

// WithUserAgent replaces the User-Agent header, which is "freehold/" and the
// version of this module otherwise.
func WithUserAgent(userAgent string) Option {
	return func(o *options) error {
		o.shared.userAgent = userAgent
		return nil
	}
}

// New makes a Client for the host at baseURL, such as
// "https://console.example.com". A missing scheme means https. New does not
// connect.
func New(baseURL string, opts ...Option) (*Client, error) {
	o := options{shared: &shared{
		userAgent: "freehold/" + moduleVersion(),
		timeout:   defaultTimeout,
		attempts:  defaultAttempts,
		now:       time.Now,
		sources:   make(map[string]*tokenSource),
	}}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	h := &http.Client{}
	if o.http != nil {
		*h = *o.http
	}
	if h.Transport == nil {
		h.Transport = newTransport(o.roots, o.certificates)
	} else if o.roots != nil || len(o.certificates) > 0 {
		return nil, errors.New("certificates and certificate authorities cannot be added to an HTTP client that has a Transport of its own")
	}
	if p := o.shared.prover; p != nil {
		p.next, h.Transport = h.Transport, p
	}
	h.CheckRedirect = checkRedirect
	o.shared.http = h
	if o.shared.person != nil {
		if o.shared.credentials != nil {
			return nil, errors.New("a client acts with credentials of its own or with the tokens of a person, not both")
		}
		home, err := parseBase(baseURL)
		if err != nil {
			return nil, err
		}
		o.shared.person.home = home
	}
	return o.shared.client(baseURL)
}

// Host returns a Client for another host that shares c's credential and
// connections. Tokens are kept for each host by itself.
func (c *Client) Host(baseURL string) (*Client, error) { return c.shared.client(baseURL) }

// BaseURL returns the origin that c calls, without a trailing slash.
func (c *Client) BaseURL() string { return c.base.String() }

// String names c by its origin.
func (c *Client) String() string { return "client of " + c.base.String() }

// CloseIdleConnections closes connections, of all hosts that share c's pool,
// that are not in use.
func (c *Client) CloseIdleConnections() { c.shared.http.CloseIdleConnections() }

func (s *shared) client(baseURL string) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, shared: s}
	if s.credentials == nil && s.person == nil {
		return c, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.tokens = s.sources[base.String()]
	if c.tokens == nil {
		c.tokens = &tokenSource{base: base, shared: s}
		s.sources[base.String()] = c.tokens
	}
	return c, nil
}

// parseBase reads a base URL and brings it into the one form that origins are
// compared in: lower case, no default port, no path.
func parseBase(raw string) (*url.URL, error) {
	text := raw
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a base URL: %w", raw, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("base URL %q is neither http nor https", raw)
	case u.Hostname() == "":
		return nil, fmt.Errorf("base URL %q has no host", raw)
	case u.User != nil:
		return nil, errors.New("a base URL must not carry a user name or password")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("base URL %q has more than a scheme, a host and a port", raw)
	}
	return origin(u), nil
}

// origin returns the normal form of u's scheme, host and port.
func origin(u *url.URL) *url.URL {
	scheme := strings.ToLower(u.Scheme)
	name := strings.ToLower(u.Hostname())
	host := name
	if strings.Contains(name, ":") {
		host = "[" + name + "]"
	}
	port := u.Port()
	if port != "" && (scheme != "http" || port != "80") && (scheme != "https" || port != "443") {
		host = net.JoinHostPort(name, port)
	}
	return &url.URL{Scheme: scheme, Host: host}
}

func sameOrigin(a, b *url.URL) bool { return *origin(a) == *origin(b) }

// moduleVersion returns the version of this module in the running program.
func moduleVersion() string {
	const path = "github.com/freehold-platform/freehold"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == path && module.Version != "" && module.Version != "(devel)" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "devel"
}
