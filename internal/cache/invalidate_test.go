package cache_test

import (
	"context"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/cache"
)

func TestMap_InvalidateAll(t *testing.T) {
	loads := map[string]int{}
	m := cache.New(10, func(_ context.Context, k string) (int, error) {
		loads[k]++
		return loads[k], nil
	})
	get := func() (values []int) {
		for _, k := range []string{"a/1", "a/2", "b/1"} {
			v, err := m.Get(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		return values
	}
	get()
	m.InvalidateAll(func(k string) bool { return strings.HasPrefix(k, "a/") })
	if have := get(); have[0] != 2 || have[1] != 2 || have[2] != 1 {
		t.Errorf("after the change %v, want 2 2 1", have)
	}
}
