package httpapi

import (
	"net/netip"
	"strings"
	"testing"
)

func prefixes(text ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(text))
	for i, p := range text {
		all[i] = netip.MustParsePrefix(p)
	}
	return all
}

func TestClientAddress(t *testing.T) {
	inside := prefixes("10.0.0.0/8", "fd00::/8")
	for name, tt := range map[string]struct {
		peer      string
		forwarded []string
		trusted   []netip.Prefix
		want      string
	}{
		"no proxy":                        {"192.0.2.1:4711", nil, nil, "192.0.2.1"},
		"no proxy, IPv6":                  {"[2001:db8::1]:4711", nil, nil, "2001:db8::1"},
		"no proxy, IPv4 in IPv6":          {"[::ffff:192.0.2.1]:4711", nil, inside, "192.0.2.1"},
		"no proxy, with a zone":           {"[fe80::1%eth0]:4711", nil, nil, "fe80::1"},
		"nobody is trusted":               {"10.0.0.1:4711", []string{"192.0.2.9"}, nil, "10.0.0.1"},
		"the peer is not trusted":         {"192.0.2.1:4711", []string{"192.0.2.9"}, inside, "192.0.2.1"},
		"a proxy":                         {"10.0.0.1:4711", []string{"192.0.2.9"}, inside, "192.0.2.9"},
		"a proxy as IPv4 in IPv6":         {"[::ffff:10.0.0.1]:4711", []string{"192.0.2.9"}, inside, "192.0.2.9"},
		"a proxy over IPv6":               {"[fd00::1]:4711", []string{"2001:db8::9"}, inside, "2001:db8::9"},
		"a proxy that says nothing":       {"10.0.0.1:4711", nil, inside, "10.0.0.1"},
		"a lie in front of the truth":     {"10.0.0.1:4711", []string{"203.0.113.7, 192.0.2.9"}, inside, "192.0.2.9"},
		"a lie in a header of its own":    {"10.0.0.1:4711", []string{"203.0.113.7", "192.0.2.9"}, inside, "192.0.2.9"},
		"a lie that names a proxy":        {"10.0.0.1:4711", []string{"10.0.0.7, 192.0.2.9"}, inside, "192.0.2.9"},
		"two proxies":                     {"10.0.0.1:4711", []string{"192.0.2.9, 10.0.0.2"}, inside, "192.0.2.9"},
		"two proxies, two headers":        {"10.0.0.1:4711", []string{"192.0.2.9", "10.0.0.2"}, inside, "192.0.2.9"},
		"only proxies":                    {"10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, inside, "10.0.0.3"},
		"with ports":                      {"10.0.0.1:4711", []string{"192.0.2.9:99,[fd00::2]:99"}, inside, "192.0.2.9"},
		"brackets without a port":         {"10.0.0.1:4711", []string{"[2001:db8::9]"}, inside, "2001:db8::9"},
		"spaces and tabs":                 {"10.0.0.1:4711", []string{" 192.0.2.9\t,\t 10.0.0.2 "}, inside, "192.0.2.9"},
		"an entry that is no address":     {"10.0.0.1:4711", []string{"192.0.2.9, unknown, 10.0.0.2"}, inside, "10.0.0.2"},
		"an empty entry":                  {"10.0.0.1:4711", []string{"192.0.2.9,"}, inside, "10.0.0.1"},
		"an empty header":                 {"10.0.0.1:4711", []string{""}, inside, "10.0.0.1"},
		"an address of no network at all": {"@", []string{"192.0.2.9"}, inside, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := clientAddress(tt.peer, tt.forwarded, tt.trusted); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// FuzzClientAddress: whatever a sender writes into the header, the entry that
// the proxy appends decides.
func FuzzClientAddress(f *testing.F) {
	f.Add("203.0.113.7", ", ")
	f.Add("10.0.0.7,,[::1", ",")
	f.Add("unknown, [2001:db8::1]:99", "")
	f.Add("fe80::1%eth0", " ,\t")
	trusted := prefixes("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, sent, separator string) {
		forwarded := []string{sent, "192.0.2.9"} // a header of its own
		if got := clientAddress("10.0.0.1:4711", forwarded, trusted); got.String() != "192.0.2.9" {
			t.Errorf("%q: got %v", forwarded, got)
		}
		if strings.Trim(separator, " \t") == "," && strings.Count(separator, ",") == 1 {
			forwarded = []string{sent + separator + "192.0.2.9"}
			if got := clientAddress("10.0.0.1:4711", forwarded, trusted); got.String() != "192.0.2.9" {
				t.Errorf("%q: got %v", forwarded, got)
			}
		}
		if got := clientAddress("192.0.2.1:4711", []string{sent}, trusted); got.String() != "192.0.2.1" {
			t.Errorf("%q from one who is not trusted: got %v", sent, got)
		}
		if got := clientAddress("10.0.0.1:4711", []string{sent}, trusted); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q: got %v", sent, got)
		}
		clientAddress(sent, []string{separator}, trusted)
	})
}
