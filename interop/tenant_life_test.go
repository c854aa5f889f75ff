package interop_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestQlikAPI_TenantLife runs tenant-life.mjs, which says what it covers.
func TestQlikAPI_TenantLife(t *testing.T) {
	requireNode(t)
	config, _ := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", "tenant-life.mjs")
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+config, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("tenant-life.mjs:\n%s", output)
	if err != nil {
		t.Fatalf("tenant-life.mjs: %v", err)
	}
}
