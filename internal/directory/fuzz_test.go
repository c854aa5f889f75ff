package directory

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// FuzzParsePatch reads whatever comes for a patch. What is refused is refused as the
// caller's mistake, and what is read can be done to nothing but what it names.
func FuzzParsePatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"replace","path":"/name","value":"x"}]`, `[{"op":"add","path":"assignedRoles","value":[{"id":"1"},{"name":"x"}]}]`, `[{"op":"unset","path":"/preferredLocale"}]`,
		`[{"op":"replace","path":"/assignedRoles","value":["a",null]}]`, `[{"op":"add","path":"/assignedScopes/-","value":null}]`, `[]`, `null`, `[null]`, `{}`, `[{"op":1}]`, `[{"op":"a","path":""}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		patch, err := ParsePatch([]byte(text))
		if err != nil {
			var refusal *estate.Error
			if !errors.As(err, &refusal) || refusal.Kind != estate.Invalid {
				t.Errorf("%s: %v", text, err)
			}
			return
		}
		for _, p := range patch {
			if p.Op == "" || !strings.HasPrefix(p.Path, "/") || p.Value != nil && !json.Valid(p.Value) {
				t.Errorf("%s is read as %+v", text, p)
			}
		}
		_ = patch.each(errRoleInvalid, func(c change) error {
			var name string
			var list []string
			_, _ = c.refs()
			_ = c.scopes(&list)
			if err := c.text(&name, 1, 10); err == nil && (name == "" || len([]rune(name)) > 10) {
				t.Errorf("%s gives the name %q", text, name)
			}
			return nil
		})
	})
}

// FuzzParseCursor reads whatever comes for a cursor. What fits is written as it was.
func FuzzParseCursor(f *testing.F) {
	sort := []filter.SortKey{{Attribute: "createdAt", Descending: true}, {Attribute: "name"}}
	f.Add(formatCursor("users", store.Position{Values: []any{int64(5), "x"}, ID: "y"}, sort))
	f.Add("")
	f.Add("bnVsbA")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseCursor("users", text, sort)
		if err != nil || !store.UserListing.Fits(*p, sort) {
			return
		}
		again, err := parseCursor("users", formatCursor("users", *p, sort), sort)
		if err != nil || again.ID != p.ID || len(again.Values) != len(p.Values) || again.Values[0] != p.Values[0] || again.Values[1] != p.Values[1] {
			t.Errorf("%s is read as %+v, and then as %+v (%v)", text, p, again, err)
		}
	})
}
