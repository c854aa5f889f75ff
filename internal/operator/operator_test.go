package operator_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/operator"
)

// TestServe_TakenPort says what to do, and leaves the data folder alone.
func TestServe_TakenPort(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "data")
	for _, cmd := range operator.Commands(func(string) string { return "" }) {
		if cmd.Name() != "serve" {
			continue
		}
		cmd.SetArgs([]string{"--data-dir", dir, "--listen", taken.Addr().String()})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("there is a data folder")
		}
		return
	}
	t.Fatal("there is no serve")
}
