package inventory

import (
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TestIndex_MakeRoom: who makes room for a table doesn't wait for another that is being
// renewed, because who renews it may wait for the index.
func TestIndex_MakeRoom(t *testing.T) {
	busy, wanted := newTable("busy"), newTable("wanted")
	busy.rows.Store(3)
	x := &Index{tables: map[estate.OrganizationID]*table{"busy": busy, "wanted": wanted}, max: 4}
	busy.mu.Lock()
	defer busy.mu.Unlock()
	if !x.makeRoom(wanted, 1) || busy.dropped.Load() {
		t.Error("no room for a fourth row")
	}
	if !x.makeRoom(wanted, 2) || !busy.dropped.Load() || x.tables["busy"] != nil {
		t.Error("the other table was not forgotten")
	}
	if x.makeRoom(wanted, 5) {
		t.Error("there is room for more than the most")
	}
}
