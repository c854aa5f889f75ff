package tenancy_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// FuzzParsePatch reads whatever comes for a patch: it is one of replacements, or
// refused as a patch.
func FuzzParsePatch(f *testing.F) {
	for _, seed := range []string{
		`[]`, `null`, `[{"op":"replace","path":"/name","value":"x"}]`, `[{"op":"remove","path":"/name"}]`, `[null]`, `[{"path":5}]`, `{}`, `[{"op":"replace","path":"/","value":null},1]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		patch, err := tenancy.ParsePatch([]byte(text))
		if err != nil {
			if kindOf(err) != api.CodeTenantPatch {
				t.Errorf("%v", err)
			}
			return
		}
		for _, p := range patch {
			if p.Op != "replace" || !strings.HasPrefix(p.Path, "/") {
				t.Errorf("%+v", p)
			}
		}
	})
}
