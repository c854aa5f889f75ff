package interop_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPrivateKeyJWT runs private-key-jwt.mjs, which says what it covers.
func TestPrivateKeyJWT(t *testing.T) {
	requireNode(t)
	for _, name := range []string{"openid-client", "oauth4webapi"} {
		if _, err := os.Stat(filepath.Join("node_modules", name, "package.json")); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed: run `npm ci` in interop/ (%v)", name, err)
			}
			t.Skipf("%s is not installed: run `npm ci` in interop/ (%v)", name, err)
		}
	}
	env := testenv.New(t)
	config := filepath.Join(t.TempDir(), "quickstart.json")
	env.WriteQuickstart(config)
	// The server's clock stands still while the script's runs. It starts ahead, so
	// that no assertion is ever from the future.
	env.Clock.Advance(45 * time.Second)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", "private-key-jwt.mjs")
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+config, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("private-key-jwt.mjs:\n%s", output)
	if err != nil {
		t.Fatalf("private-key-jwt.mjs: %v", err)
	}
}
