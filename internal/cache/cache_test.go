package cache_test

import (
	"context"
	"errors"
	"testing"

	"github.com/freehold-platform/freehold/internal/cache"
)

func TestMap_Get(t *testing.T) {
	loads := 0
	m := cache.New(10, func(_ context.Context, k string) (int, error) {
		loads++
		if k == "bad" {
			return 0, errors.New("no")
		}
		return loads, nil
	})
	get := func(key string, want int) {
		t.Helper()
		got, err := m.Get(t.Context(), key)
		if err != nil || got != want {
			t.Fatalf("Get(%q) = %d, %v; want %d", key, got, err, want)
		}
	}
	get("a", 1)
	get("a", 1)
	m.Invalidate("a")
	get("a", 2)
	m.Clear()
	get("a", 3)
	for range 2 {
		if _, err := m.Get(t.Context(), "bad"); err == nil {
			t.Fatal("error was swallowed")
		}
	}
	if loads != 5 {
		t.Fatalf("%d loads, want 5: errors must not be cached", loads)
	}
}

func TestMap_KeepsNothingLoadedAcrossAnInvalidation(t *testing.T) {
	var m *cache.Map[string, int]
	value := 1
	m = cache.New(10, func(_ context.Context, k string) (int, error) {
		read := value
		if read == 1 { // the change commits after our read and before we are back
			value = 2
			m.Invalidate(k)
		}
		return read, nil
	})
	if v, _ := m.Get(t.Context(), "a"); v != 1 {
		t.Fatalf("first Get = %d, want 1", v)
	}
	if v, _ := m.Get(t.Context(), "a"); v != 2 {
		t.Fatalf("Get after the change = %d, want 2: a stale value was kept", v)
	}
}

func TestMap_IsBounded(t *testing.T) {
	loads := 0
	m := cache.New(3, func(_ context.Context, k int) (int, error) { loads++; return k, nil })
	for i := range 10 {
		if v, err := m.Get(t.Context(), i); err != nil || v != i {
			t.Fatalf("Get(%d) = %d, %v", i, v, err)
		}
	}
	if loads != 10 {
		t.Fatalf("%d loads, want 10", loads)
	}
	loads = 0
	for i := range 10 {
		_, _ = m.Get(t.Context(), i)
	}
	if loads < 7 {
		t.Fatalf("%d of 10 keys had to be loaded again, want at least 7 of a cache of 3", loads)
	}
}
