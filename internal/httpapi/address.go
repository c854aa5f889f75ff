package httpapi

import (
	"net/netip"
	"strings"
)

// address is from where the request comes: the zero Addr if that can't be told.
func (x *exchange) address() netip.Addr {
	return clientAddress(x.r.RemoteAddr, x.r.Header["X-Forwarded-For"], x.server.TrustedProxies)
}

// clientAddress is the peer, or if that is a trusted proxy the address it
// forwards for. Each proxy appends its own peer to X-Forwarded-For, so what is
// left of the first entry that no trusted proxy wrote is hearsay: the entries
// are read from the right, up to the first that is not a trusted proxy itself.
func clientAddress(peer string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	address, ok := parseAddress(peer)
	if !ok {
		return netip.Addr{}
	}
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest, more := forwarded[i], true
		for more {
			if !isTrusted(address, trusted) {
				return address
			}
			var entry string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			next, ok := parseAddress(strings.Trim(entry, " \t"))
			if !ok {
				return address // "unknown" or worse: the proxy is the last that is sure
			}
			address = next
		}
	}
	return address
}

// parseAddress reads an address with or without a port, an IPv6 one with or
// without brackets. Zones mean nothing here.
func parseAddress(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if len(text) > 2 && text[0] == '[' && text[len(text)-1] == ']' {
		text = text[1 : len(text)-1]
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return address.Unmap().WithZone(""), true
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
