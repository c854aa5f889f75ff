package httpapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"
	"testing/quick"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// TestTokenResponse compares with encoding/json, for whatever answer.
func TestTokenResponse(t *testing.T) {
	same := func(token, kind, scope, issued, refresh string, expires uint32, in, at int64) bool {
		r := api.TokenResponse{
			AccessToken: token, TokenType: kind, ExpiresAt: api.Time{Time: time.Unix(int64(expires), 0)}, ExpiresIn: in, Scope: scope,
			IssuedTokenType: issued, RefreshToken: refresh, AuthTime: at,
		}
		var want bytes.Buffer
		if err := json.NewEncoder(&want).Encode(r); err != nil {
			t.Fatal(err)
		}
		have := (*tokenResponse)(&r).appendJSON(nil)
		if !bytes.Equal(have, want.Bytes()) {
			t.Errorf("have %s\nwant %s", have, want.Bytes())
		}
		return bytes.Equal(have, want.Bytes())
	}
	same("eyJ.e30.x", "bearer", "", "", "", 0, 21600, 0)
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

// FuzzParseForm compares with url.ParseQuery: what the one takes the other takes,
// and finds the same in it.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a=1&a=2", "a", "=1", "&&a=%41+b&", "a=%zz", "a=1;b=2", "%61=1&a=2", "b=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var a, b string
		err := parseForm(body, []formField{{"a", &a}, {"b", &b}})
		want, wrong := url.ParseQuery(body)
		twice := len(want["a"]) > 1 || len(want["b"]) > 1
		if (err != nil) != (wrong != nil || twice) {
			t.Fatalf("%q: %v; url.ParseQuery: %v %v", body, err, want, wrong)
		}
		if err == nil && (a != want.Get("a") || b != want.Get("b")) {
			t.Errorf("%q: a is %q and b %q, want %v", body, a, b, want)
		}
	})
}
