package operator_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/operator"
)

// TestExplain: of what the estate refuses the database's words are left out, and of
// what went wrong nothing.
func TestExplain(t *testing.T) {
	cause := errors.New("UNIQUE constraint failed: regions.code")
	refused := fmt.Errorf("insert region: %w", estate.E(estate.Conflict, "ESTATE-3", "Already exists", "A region has this code.").Because(cause))
	away := fmt.Errorf("insert region: %w", estate.E(estate.Unavailable, "HTTP-503", "Service unavailable", "The database did not answer in time.").Because(cause))
	for err, want := range map[error]string{
		refused: "Already exists: A region has this code.",
		away:    away.Error(),
		cause:   cause.Error(),
	} {
		if have := operator.Explain(err); have != want {
			t.Errorf("%q, want %q", have, want)
		}
	}
}
