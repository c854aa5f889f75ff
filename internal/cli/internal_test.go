package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

func FuzzDecodeToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.e30.c2ln")
	f.Add("..")
	f.Add("a.b")
	f.Add("bnVsbA.bnVsbA.")
	f.Fuzz(func(t *testing.T, token string) {
		decoded, err := decodeToken(token)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := command.WriteJSON(&out, decoded); err != nil || !json.Valid(out.Bytes()) {
			t.Errorf("%q became %q, %v", token, out.String(), err)
		}
	})
}

func FuzzHostBeside(f *testing.F) {
	for _, given := range []string{"acme.us.example.com", "acme:8080", "https://x", "[::1]", "a b", "x/../y", "user@x", ":", "?"} {
		f.Add("http://console.localhost:8080", given)
		f.Add("https://console.example.com", given)
	}
	f.Fuzz(func(t *testing.T, sibling, given string) {
		server, err := hostBeside(sibling, given)
		if err != nil {
			return
		}
		c, err := client.New(server)
		if err != nil {
			return
		}
		// What has become of a host name must lead to that host.
		name, _, _ := strings.Cut(given, ":")
		if !strings.Contains(given, "://") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == "" && name != "" &&
			!strings.HasPrefix(c.BaseURL(), "http://"+name) && !strings.HasPrefix(c.BaseURL(), "https://"+name) {
			t.Errorf("%q beside %q is %q", given, sibling, c.BaseURL())
		}
	})
}

func TestSecret_isNotShown(t *testing.T) {
	s := storedContext{ClientSecret: "hunter2", LicenseKey: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, s) + fmt.Sprintf(verb, s.ClientSecret) + fmt.Sprintf(verb, &s); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
			t.Errorf("%s writes %s", verb, text)
		}
	}
	if got := s.ClientSecret.LogValue().String(); got != redacted {
		t.Errorf("LogValue is %s", got)
	}
}

func TestInsecure(t *testing.T) {
	for server, want := range map[string]bool{
		"https://console.example.com":          false,
		"http://console.example.com":           true,
		"http://console.freehold.localhost:80": false,
		"http://localhost":                     false,
		"http://127.0.0.1:8080":                false,
		"http://[::1]:8080":                    false,
		"http://192.0.2.1":                     true,
		"http://localhost.example.com":         true,
	} {
		if got := insecure(server); got != want {
			t.Errorf("insecure(%q) = %v", server, got)
		}
	}
}
