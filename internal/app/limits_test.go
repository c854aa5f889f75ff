package app_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/app"
)

func TestConfig_Limits(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string // key of the problem; empty: none
	}{
		"the contract's":           {[]string{"--rate-limits", "contract"}, ""},
		"own":                      {[]string{"--rate-limits", "contract", "--rate-tier1-per-minute", "50", "--rate-tier2-per-minute", "5"}, ""},
		"unknown word":             {[]string{"--rate-limits", "on"}, "rate_limits"},
		"nothing at all":           {[]string{"--rate-tier1-per-minute", "0"}, "rate_tier1_per_minute"},
		"less than nothing":        {[]string{"--rate-tier2-per-minute", "-1"}, "rate_tier2_per_minute"},
		"more than can be counted": {[]string{"--rate-tier2-per-minute", "1000001"}, "rate_tier2_per_minute"},
		"networks and addresses":   {[]string{"--trusted-proxies", "10.0.0.0/8, 192.0.2.1,fd00::/8,::1,"}, ""},
		"a host name":              {[]string{"--trusted-proxies", "10.0.0.0/8,proxy.example.com"}, "trusted_proxies"},
		"an address with a zone":   {[]string{"--trusted-proxies", "fe80::1%eth0"}, "trusted_proxies"},
		"a mapped network":         {[]string{"--trusted-proxies", "::ffff:10.0.0.0/104"}, "trusted_proxies"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, "", nil, tt.args...)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+": ")):
				t.Errorf("got %v, want a problem of %s", err, tt.want)
			}
		})
	}
	if c := app.Defaults(); c.RateLimits != app.RateLimitsOff || c.TrustedProxies != "" {
		t.Errorf("without configuration there are limits %q and trusted proxies %q", c.RateLimits, c.TrustedProxies)
	}
}
