package keyring_test

import (
	"bytes"
	"testing"

	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/testenv"
)

func TestKeyring_Seal(t *testing.T) {
	e := testenv.Open(t)
	keys := func() *keyring.Keyring {
		k, err := keyring.Open(t.Context(), e.App.Store, keyring.Options{
			Master: keyring.MasterSource{File: e.App.Config.DataDir + "/master.key"}, Algorithm: "ES256", Now: e.Clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k := keys()
	sealed, err := k.Seal([]byte("secret"), "webhook 1")
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("%q (%v)", sealed, err)
	}
	again, err := k.Seal([]byte("secret"), "webhook 1")
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("the same text is sealed alike (%v)", err)
	}
	plain, err := keys().Unseal(sealed, "webhook 1") // another process
	if err != nil || string(plain) != "secret" {
		t.Errorf("%q (%v)", plain, err)
	}
	for name, try := range map[string]struct {
		sealed  []byte
		context string
	}{
		"other context": {sealed, "webhook 2"},
		"changed":       {append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1), "webhook 1"},
		"other key":     {append([]byte("00000000000000000000000000000000"), sealed[32:]...), "webhook 1"},
		"cut":           {sealed[:40], "webhook 1"},
		"empty":         {nil, "webhook 1"},
	} {
		if plain, err := k.Unseal(try.sealed, try.context); err == nil {
			t.Errorf("%s: %q", name, plain)
		}
	}
}
