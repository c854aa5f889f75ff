package interop_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestSeries_Curl runs series.sh, which says what it covers, under the contract's
// own domain and with TLS.
func TestSeries_Curl(t *testing.T) {
	for _, program := range []string{"bash", "curl", "node", "openssl"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "" {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir = filepath.Join(dir, "data")
	config.Domain = "qlikcloud.com"
	config.TLS = app.TLSInternal
	e := testenv.Start(t, config, dir)
	path := filepath.Join(dir, "quickstart.json")
	e.WriteQuickstart(path)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	script := exec.CommandContext(ctx, "bash", "series.sh")
	script.Env = append(os.Environ(), "INTEROP_CONFIG="+path, "INTEROP_CA="+config.CAFile())
	output, err := script.CombinedOutput()
	t.Logf("series.sh:\n%s", output)
	if err != nil {
		t.Fatalf("series.sh: %v", err)
	}
}
