package app

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/peer"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// shared is what this server counts together with the others on the database.
func (a *App) shared() []peer.Topic {
	a.rates.Callers.Share()
	a.rates.Places.Share()
	return slices.Concat(a.Credential.Shared(), a.SignIn.Shared(), []peer.Topic{
		peer.On("callers", a.rates.Callers.Untold, a.now, a.rates.Callers.Learn),
		peer.On("places", a.rates.Places.Untold, a.now, a.rates.Places.Learn),
	})
}

// limits are the rate limits of the deployment; zero when they are off.
func (c Config) limits() throttle.Limits {
	if c.RateLimits != RateLimitsContract {
		return throttle.Limits{}
	}
	return throttle.Limits{Tier1: int64(c.RateTier1PerMinute), Tier2: int64(c.RateTier2PerMinute)}
}

func (c Config) trustedProxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil && address.Zone() == "" {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is not an address or a network", text)
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%q must be written as an IPv4 network", text) // as which its addresses are compared
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}
