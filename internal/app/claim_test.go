package app_test

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/app"
)

// TestClaim lets one process serve a data folder, and the next one when that has
// ended. Several serve a database of PostgreSQL.
func TestClaim(t *testing.T) {
	c := app.Defaults()
	c.DataDir = t.TempDir() + "/new"
	release, err := app.Claim(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Claim(c); err == nil || !strings.Contains(err.Error(), "another server runs on this data folder") || !strings.Contains(err.Error(), c.DataDir) {
		t.Errorf("a second server: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	again, err := app.Claim(c)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}

	c.Database = "postgres://127.0.0.1/freehold"
	for range 2 {
		release, err := app.Claim(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = release() })
	}
}
