package cache

import (
	"context"
	"testing"
	"unsafe"
)

type id string

// TestMap_KeepsNothingOfARequest: a key is often a part of a request that has a
// secret too.
func TestMap_KeepsNothingOfARequest(t *testing.T) {
	m := New(10, func(context.Context, id) (int, error) { return 1, nil })
	body := string([]byte("client_id=abc&client_secret=hidden"))
	key := id(body[10:13])
	if _, err := m.Get(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	for kept := range m.values {
		if kept != key || unsafe.StringData(string(kept)) == unsafe.StringData(string(key)) {
			t.Errorf("the key %q that is kept is the request's", kept)
		}
	}
	pairs := New(10, func(context.Context, [2]string) (int, error) { return 1, nil })
	if v, err := pairs.Get(t.Context(), [2]string{"a", "b"}); v != 1 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}
