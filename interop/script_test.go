package interop_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestOAuthClients runs oauth-clients.mjs, which says what it covers.
func TestOAuthClients(t *testing.T) {
	requireNode(t)
	e := testenv.New(t)
	sub := e.Subscription(3)
	home, neighbour := e.Tenant(sub, "us"), e.Tenant(sub, "us")
	shown := func(c testenv.Credentials) credential {
		return credential{ClientID: string(c.ID), ClientSecret: c.Secret}
	}
	config, err := json.Marshal(map[string]any{
		"home": e.TenantURL(home), "neighbour": e.TenantURL(neighbour),
		"clients": map[string]credential{"home": shown(e.TenantClient(home)), "neighbour": shown(e.TenantClient(neighbour))},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	runScript(t, "oauth-clients.mjs", path)
}

// TestTokenManagement runs token-management.mjs, which says what it covers.
func TestTokenManagement(t *testing.T) {
	requireNode(t)
	e := testenv.New(t)
	path := filepath.Join(t.TempDir(), "quickstart.json")
	e.WriteQuickstart(path)
	e.Clock.Advance(time.Since(e.Clock.Now())) // oauth4webapi compares the times of signed answers with its own
	runScript(t, "token-management.mjs", path)
}

// runScript runs a script of this folder with its configuration.
func runScript(t *testing.T, name, config string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", name)
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+config, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("%s:\n%s", name, output)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
