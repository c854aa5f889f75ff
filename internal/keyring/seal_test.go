package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/freehold-platform/freehold/internal/keyring"
)

func TestSeal_OpensForTheSameThingOnly(t *testing.T) {
	f := newFiles(t)
	k := f.open(t)
	plain := []byte("the client secret of an identity provider")
	sealed, err := k.Seal("purpose", "one", plain)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain[:8]) {
		t.Error("the sealed text shows the plain one")
	}
	again, err := k.Seal("purpose", "one", plain)
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("sealed twice, it is the same (%v)", err)
	}
	for name, opener := range map[string]*keyring.Keyring{"itself": k, "another process": f.open(t)} {
		if opened, err := opener.Open("purpose", "one", sealed); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("%s opens %q (%v)", name, opened, err)
		}
	}
	refused := func(what, purpose, id string, sealed []byte) {
		t.Helper()
		if opened, err := k.Open(purpose, id, sealed); !errors.Is(err, keyring.ErrNotSealed) {
			t.Errorf("%s: opens %q (%v)", what, opened, err)
		}
	}
	refused("another purpose", "other", "one", sealed)
	refused("another thing", "purpose", "two", sealed)
	refused("another keyring's", "purpose", "one", func() []byte {
		foreign, err := newFiles(t).open(t).Seal("purpose", "one", plain)
		if err != nil {
			t.Fatal(err)
		}
		return foreign
	}())
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		refused("a changed byte", "purpose", "one", changed)
		refused("a part", "purpose", "one", sealed[:i])
	}
}
