// Package outbound fetches small public documents, such as key sets, from
// servers that users of Freehold name. It doesn't trust those users with
// Freehold's place in the network: addresses that are not public are refused
// where the connection is made, whatever name led to them.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Limits of a fetch.
const (
	Timeout     = 5 * time.Second // for everything: names, connection, redirects, body
	MaxDocument = 1 << 20         // bytes
	maxURL      = 2048
	maxHeader   = 64 << 10
	maxHops     = 3
)

// Client fetches documents. It is safe for concurrent use.
type Client struct {
	http         *http.Client
	allowPrivate bool
	now          func() time.Time
}

// New makes a Client. With allowPrivate it also reaches addresses that are not
// public, and speaks http; that is for development and for closed networks.
func New(allowPrivate bool, now func() time.Time) *Client {
	c := &Client{allowPrivate: allowPrivate, now: now}
	dialer := &net.Dialer{Timeout: Timeout, Control: c.control}
	c.http = &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would be dialled instead, and the address would go unchecked
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    Timeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true, // fetches are minutes apart
			DisableCompression:     true, // so that the size limit is that of what was sent
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxHops:
				return errors.New("too many redirects")
			case r.URL.Scheme != via[0].URL.Scheme || !strings.EqualFold(r.URL.Host, via[0].URL.Host):
				return errors.New("redirect to another host")
			}
			return nil
		},
	}
	return c
}

// CheckURL tells why a document can't be fetched from rawURL, if it can't be.
// The address is checked later, when it is known.
func (c *Client) CheckURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("not an absolute URL")
	case len(rawURL) > maxURL:
		return fmt.Errorf("longer than %d characters", maxURL)
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case strings.Contains(rawURL, "#"):
		return errors.New("must not have a fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.allowPrivate):
		return errors.New("must be an https URL")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !c.allowPrivate && !public(ip) {
		return errors.New("must not be at a private address, unless the setting outbound_allow_private allows it")
	}
	return nil
}

// document is a fetched document.
type document struct {
	body   []byte
	maxAge time.Duration // negative: the server doesn't say
}

// get fetches a document.
func (c *Client) get(ctx context.Context, rawURL string) (document, error) {
	if err := c.CheckURL(rawURL); err != nil {
		return document{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return document{}, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "freehold")
	response, err := c.http.Do(request)
	if err != nil {
		return document{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return document{}, fmt.Errorf("%s answered %d", rawURL, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxDocument+1))
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", rawURL, err)
	}
	if len(body) > MaxDocument {
		return document{}, fmt.Errorf("%s is larger than %d bytes", rawURL, MaxDocument)
	}
	return document{body, maxAge(response.Header)}, nil
}

// maxAge reads Cache-Control; negative when it doesn't say.
func maxAge(h http.Header) time.Duration {
	age := time.Duration(-1)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return age
}

// control refuses a connection by the address that is about to be dialled: a
// name that resolves to one thing when it is checked and to another when it is
// dialled gets nowhere.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	if c.allowPrivate {
		return nil
	}
	where, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !public(where.Addr()) {
		return fmt.Errorf("%s is not a public address (outbound_allow_private)", address)
	}
	return nil
}

// notPublic are the special-purpose networks that netip doesn't know (IANA
// registries), and addresses where clouds keep the metadata of their machines.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// public tells whether ip is an address of the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
