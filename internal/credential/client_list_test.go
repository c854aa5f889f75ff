package credential

import (
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// A cursor is read back as the position that it was made of, and nothing else is
// taken for one of the order.
func FuzzParseCursor(f *testing.F) {
	orders := [][]filter.SortKey{nil, {{Attribute: "clientName", Descending: true}}, {{Attribute: "appType"}, {Attribute: "updatedAt"}}}
	c := estate.Client{ID: estate.NewClientID(), Name: "Näme", AppType: "web", CreatedAt: time.UnixMicro(1), UpdatedAt: time.UnixMicro(1 << 60)}
	for _, order := range orders {
		f.Add(formatCursor(store.PositionOfClient(c, order), order))
	}
	f.Add("e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		for _, order := range orders {
			p, err := parseCursor(text, order)
			if err != nil {
				continue
			}
			if again, err := parseCursor(formatCursor(*p, order), order); err != nil || !p.Fits(order) || again.ID != p.ID || len(again.Values) != len(p.Values) {
				t.Fatalf("%q was read as %+v, and that as %+v, %v", text, p, again, err)
			}
		}
	})
}
