package quickstart_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/quickstart"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestRun_OtherEstate: where the demonstration's owner is somebody else's account,
// nothing is made.
func TestRun_OtherEstate(t *testing.T) {
	e := testenv.New(t)
	e.Account(e.Organization.ID, "owner@example.com")
	path := filepath.Join(t.TempDir(), "quickstart.json")
	err := quickstart.Run(t.Context(), quickstart.Options{App: e.App, Port: e.Port, Path: path, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "another estate") {
		t.Errorf("it went on: %v", err)
	}
	all, err := e.App.Tenancy.Organizations(t.Context(), testenv.Operator)
	if err != nil || len(all) != 1 {
		t.Errorf("there are %d organizations (%v)", len(all), err)
	}
}
