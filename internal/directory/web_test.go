package directory

import (
	"strings"
	"testing"
)

// FuzzOrigin: no origin that is accepted can end a directive of the policy, or the
// header.
func FuzzOrigin(f *testing.F) {
	for _, text := range []string{"https://*.example.com", "example.com:8443", "http://localhost:*", "https://a;b", "'self'", "https://[::1]", "a\nb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := origin(text, cspOriginPattern); ok && (strings.ContainsAny(got, " ;,'\"\r\n\t\\") || got != strings.ToLower(got)) {
			t.Errorf("%q is accepted as %q", text, got)
		}
		if got, ok := origin(text, webOriginPattern); ok && !coversOrigin(got, got) && !strings.Contains(got, "*") {
			t.Errorf("%q does not cover itself", got)
		}
	})
}

func TestResembles(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "x", true},
		{"port", "My Portal", true},
		{"port*", "My Portal", false},
		{"*portal", "My Portal", true},
		{"https://*", "https://a/b", true},
		{"a[b*", "a[bc", true},
		{"a?c*", "abc", false},
	} {
		if got := resembles(c.pattern, c.text); got != c.want {
			t.Errorf("%q resembles %q: %v", c.text, c.pattern, got)
		}
	}
}
