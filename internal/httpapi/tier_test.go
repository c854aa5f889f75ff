package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// TestOperations_Tiers: every operation that needs a caller has a tier, and the
// document of its surface says which.
func TestOperations_Tiers(t *testing.T) {
	type described struct {
		Tier      *int                       `json:"x-rate-tier"`
		Responses map[string]json.RawMessage `json:"responses"`
	}
	for _, op := range operations {
		if !op.public && op.tier == throttle.NoTier {
			t.Errorf("%s has no tier", op.id)
		}
		for _, surface := range op.surfaces {
			var document struct {
				Paths map[string]map[string]json.RawMessage `json:"paths"`
			}
			if err := json.Unmarshal(api.OpenAPI(string(surface)), &document); err != nil {
				t.Fatal(err)
			}
			var d described
			if err := json.Unmarshal(document.Paths[op.path][strings.ToLower(op.method)], &d); err != nil {
				t.Errorf("%s at the %s surface: %v", op.id, surface, err)
				continue
			}
			switch {
			case op.tier == throttle.NoTier:
				if d.Tier != nil {
					t.Errorf("%s at the %s surface: the document has tier %d for what has none", op.id, surface, *d.Tier)
				}
			case d.Tier == nil || throttle.Tier(*d.Tier) != op.tier:
				t.Errorf("%s at the %s surface: x-rate-tier must be %d", op.id, surface, op.tier)
			case d.Responses["429"] == nil:
				t.Errorf("%s at the %s surface: says nothing about 429", op.id, surface)
			}
		}
	}
}
