package testenv_test

import (
	"path/filepath"
	"testing"

	"github.com/freehold-platform/freehold/internal/testenv"
)

func TestEnv_WriteQuickstart(t *testing.T) {
	e := testenv.New(t)
	path := filepath.Join(t.TempDir(), "quickstart.json")
	e.WriteQuickstart(path)
	e.WriteQuickstart(path) // again, on the same data
}
