package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEscapesNUL: JSON has a NUL character if, and only if, what it says has one.
func TestEscapesNUL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{`\u0000`, `\\`, `u0000`, `\u00001`, `0`, `a`, `\"`, `\u0001`})
		body := `"` + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "") + `"`
		var text string
		if err := json.Unmarshal([]byte(body), &text); err != nil {
			t.Fatal(err)
		}
		if want := strings.ContainsRune(text, 0); escapesNUL([]byte(body)) != want {
			t.Errorf("%s has a NUL: %t", body, !want)
		}
	})
}
