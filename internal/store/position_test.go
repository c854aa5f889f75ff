package store_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// TestTenantPosition_Fits: a position that came from outside is looked at
// before it is used. (That those of PositionOf fit is tested by storetest.)
func TestTenantPosition_Fits(t *testing.T) {
	id := estate.TenantID(strings.Repeat("a", 32))
	name := []filter.SortKey{{Attribute: "name"}}
	both := []filter.SortKey{{Attribute: "updatedAt"}, {Attribute: "hostnames", Descending: true}}
	for what, c := range map[string]struct {
		position store.TenantPosition
		sort     []filter.SortKey
		want     bool
	}{
		"default":        {store.TenantPosition{Values: []any{int64(1)}, ID: id}, nil, true},
		"name":           {store.TenantPosition{Values: []any{"x", int64(1)}, ID: id}, name, true},
		"both":           {store.TenantPosition{Values: []any{int64(1), "x"}, ID: id}, both, true},
		"no value":       {store.TenantPosition{ID: id}, nil, false},
		"too few values": {store.TenantPosition{Values: []any{"x"}, ID: id}, name, false},
		"too many":       {store.TenantPosition{Values: []any{int64(1), int64(1)}, ID: id}, nil, false},
		"text for time":  {store.TenantPosition{Values: []any{"1"}, ID: id}, nil, false},
		"time for text":  {store.TenantPosition{Values: []any{int64(1), int64(1)}, ID: id}, both, false},
		"no id":          {store.TenantPosition{Values: []any{int64(1)}}, nil, false},
		"not an id":      {store.TenantPosition{Values: []any{int64(1)}, ID: "x"}, nil, false},
	} {
		if got := c.position.Fits(c.sort); got != c.want {
			t.Errorf("%s: fits: %v", what, got)
		}
	}
}
