package estate_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const (
	digits     = "0123456789"
	lowerHex   = digits + "abcdef"
	lower      = "abcdefghijklmnopqrstuvwxyz"
	base64URL  = digits + lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
	idAttempts = 300
)

// made tells what an id of a kind looks like, told without a pattern.
func made(id, prefix string, length int, alphabet string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && len(rest) == length && strings.Trim(rest, alphabet) == ""
}

func TestNewIDs(t *testing.T) {
	for name, kind := range map[string]struct {
		create func() string
		valid  func(string) bool
	}{
		"organization": {func() string { return string(estate.NewOrganizationID()) }, func(s string) bool { return made(s, "org_", 26, lower+"234567") }},
		"account":      {func() string { return string(estate.NewAccountID()) }, func(s string) bool { return made(s, "acc_", 26, lower+"234567") }},
		"subscription": {func() string { return string(estate.NewSubscriptionID()) }, func(s string) bool {
			return made(s, "", 16, digits) && s[0] != '0' && estate.SubscriptionID(s).Valid()
		}},
		"tenant": {func() string { return string(estate.NewTenantID(time.Now())) }, func(s string) bool { return made(s, "", 32, digits+lower[:22]) && estate.TenantID(s).Valid() }},
		"user":   {func() string { return string(estate.NewUserID()) }, func(s string) bool { return made(s, "", 24, lowerHex) && estate.UserID(s).Valid() }},
		"client": {func() string { return string(estate.NewClientID()) }, func(s string) bool { return made(s, "", 32, lowerHex) && estate.ClientID(s).Valid() }},
		"key":    {func() string { return string(estate.NewKeyID()) }, func(s string) bool { return made(s, "", 32, lowerHex) }},
		"host label": {estate.NewHostLabel, func(s string) bool {
			return made(s, "", 15, digits+lower) && strings.Contains(lower, s[:1]) && estate.CheckAliasLabel(s) == ""
		}},
	} {
		seen := map[string]bool{}
		for range idAttempts {
			id := kind.create()
			if !kind.valid(id) || seen[id] {
				t.Errorf("%s: %q (seen before: %v)", name, id, seen[id])
			}
			seen[id] = true
			if url.PathEscape(id) != id || url.QueryEscape(id) != id {
				t.Errorf("%s: %q does not stand in a URL as it is", name, id)
			}
		}
	}
}

// TestNewIDs_InOrder: ids of a later millisecond are greater, also where letters are
// compared without regard to their case.
func TestNewIDs_InOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, create := range map[string]func() string{
			"tenant": func() string { return string(estate.NewTenantID(time.Now())) },
			"audit":  func() string { return string(estate.NewAuditID(time.Now())) },
		} {
			last := ""
			for range idAttempts {
				id := create()
				if id <= last || strings.ToUpper(id) <= strings.ToUpper(last) {
					t.Errorf("%s: %q after %q", name, id, last)
				}
				last = id
				time.Sleep(time.Millisecond) // of the test's own clock
			}
		}
	})
}

// TestNewHostLabel_UsesAllLetters looks for a letter that is never drawn, at the
// first place and at the others.
func TestNewHostLabel_UsesAllLetters(t *testing.T) {
	first, rest := map[byte]bool{}, map[byte]bool{}
	for range 2000 {
		label := estate.NewHostLabel()
		first[label[0]] = true
		for _, c := range []byte(label[1:]) {
			rest[c] = true
		}
	}
	if len(first) != 26 || len(rest) != 36 {
		t.Errorf("%d letters come first, %d follow", len(first), len(rest))
	}
}

// FuzzIDs takes texts for ids of each kind: what is valid is exactly the format,
// and survives JSON and a URL.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{
		"", string(estate.NewTenantID(time.Now())), string(estate.NewUserID()), string(estate.NewClientID()), "1048362759104836", "eu", "register", "us-east-1", "a-", "1a",
		strings.Repeat("x", 32) + "\n", strings.Repeat("0", 24) + "\x00", "１０４８３６２７５９１０４８３６", strings.Repeat("F", 32),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		region := len(text) >= 2 && len(text) <= 20 && strings.Trim(text, digits+lower+"-") == "" && strings.Trim(text[:1], lower) == "" && text[len(text)-1] != '-' &&
			!strings.Contains(" register console www api admin login oauth account localhost ", " "+text+" ")
		for kind, have := range map[string][2]bool{
			"subscription": {estate.SubscriptionID(text).Valid(), made(text, "", 16, digits)},
			"tenant":       {estate.TenantID(text).Valid(), made(text, "", 32, base64URL)},
			"user":         {estate.UserID(text).Valid(), made(text, "", 24, lowerHex)},
			"client":       {estate.ClientID(text).Valid(), made(text, "", 32, lowerHex)},
			"region":       {estate.RegionCode(text).Valid(), region},
		} {
			if have[0] != have[1] {
				t.Errorf("%s %q: valid %v, want %v", kind, text, have[0], have[1])
			}
			if !have[0] {
				continue
			}
			encoded, err := json.Marshal(estate.TenantID(text))
			var decoded estate.TenantID
			if err != nil || json.Unmarshal(encoded, &decoded) != nil || string(decoded) != text || string(encoded) != `"`+text+`"` {
				t.Errorf("%s %q: as JSON %s", kind, text, encoded)
			}
			if u, err := url.Parse("http://h/" + text + "?q=" + text); err != nil || u.Path != "/"+text || u.Query().Get("q") != text {
				t.Errorf("%s %q: does not survive a URL", kind, text)
			}
		}
	})
}

// FuzzCheckAliasLabel takes texts for the label of a host name.
func FuzzCheckAliasLabel(f *testing.F) {
	for _, seed := range []string{"", "ab", "abc", "a-b", "-ab", "ab-", "a--b", "register", "Abc", "a.b", "müller", strings.Repeat("a", 63), strings.Repeat("a", 64), "abc\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, label string) {
		problem := estate.CheckAliasLabel(label)
		want := len(label) >= 3 && len(label) <= 63 && strings.Trim(label, digits+lower+"-") == "" && label[0] != '-' && label[len(label)-1] != '-' &&
			!strings.Contains(" register console www api admin login oauth account localhost ", " "+label+" ")
		if (problem == "") != want {
			t.Errorf("%q: %q", label, problem)
		}
		if problem != "" {
			return
		}
		host := estate.NewHostname(label, "eu")
		if string(host) != label+".eu" || host.Label() != label {
			t.Errorf("%q: host name %q, label %q", label, host, host.Label())
		}
		if u, err := url.Parse("http://" + string(host) + ".example.com:80/"); err != nil || u.Hostname() != string(host)+".example.com" {
			t.Errorf("%q is no host name (%v)", host, err)
		}
	})
}
