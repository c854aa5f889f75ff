package credential

import (
	"errors"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

// FuzzNarrow narrows what a client holds to what it asks for: the result is
// always within what it holds, and within what it asks for if any of that is
// held.
func FuzzNarrow(f *testing.F) {
	f.Add("apps tenants:create", "user_default")
	f.Add("apps", "apps:read spaces")
	f.Add("apps", "spaces")
	f.Add("", "")
	f.Add("user_default", "offline_access user_default")
	f.Fuzz(func(t *testing.T, held, scope string) {
		has, asks := estate.ParsePermissions(held), estate.ParsePermissions(scope)
		granted, err := narrow(has, scope)
		var meets, defaults bool
		for _, name := range asks {
			meets = meets || has.Holds(name)
		}
		defaults = !slices.ContainsFunc(asks, func(name string) bool { return !slices.Contains(defaultScopes, name) })
		switch {
		case err != nil:
			if !errors.Is(err, errInvalidScope) || meets || defaults || granted != nil {
				t.Errorf("%q of %q: %v, %v", scope, held, granted, err)
			}
		case meets:
			if !granted.Within(has) || !granted.Within(asks) || len(granted) == 0 {
				t.Errorf("%q of %q: %v", scope, held, granted)
			}
		case !defaults || !slices.Equal(granted, has):
			t.Errorf("%q of %q: %v", scope, held, granted)
		}
	})
}

func TestHintOf(t *testing.T) {
	secret := newSecretText()
	if text := secret.Reveal(); len(text) != 64 || hintOf(secret) != text[59:] || secret == newSecretText() {
		t.Errorf("%q with the hint %q", text, hintOf(secret))
	}
}
