package jsontext_test

import (
	"encoding/json"
	"testing"

	"github.com/freehold-platform/freehold/internal/jsontext"
)

// FuzzAppendString compares with encoding/json.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "https://a.us.example.com:8443", `a"b`, `a\b`, "<&>", "\x00\x1f\x7f", "ü\u2028", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsontext.AppendString([]byte("x"), text); string(got) != "x"+string(want) {
			t.Errorf("%q: %s, want %s", text, got[1:], want)
		}
	})
}
