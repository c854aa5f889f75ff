package operator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/doctor"
	"github.com/freehold-platform/freehold/internal/operator"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestDoctor ends with an error if, and only if, something failed, and says the same
// to people and programs.
func TestDoctor(t *testing.T) {
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite")
	e := testenv.Open(t)
	run := func(args ...string) (string, error) {
		root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(operator.Commands(func(string) string { return "" })...)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{"doctor", "--data-dir", e.App.Config.DataDir, "--listen", "127.0.0.1:1"}, args...))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	out, err := run()
	if err != nil || !strings.Contains(out, "ok    keys") || !strings.Contains(out, "ok    server") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = run("--running")
	if err == nil || !strings.Contains(out, "fail  server") || !strings.Contains(out, "→ Start it") {
		t.Errorf("%v\n%s", err, out)
	}
	var report struct {
		Status   doctor.Level
		Findings []doctor.Finding
	}
	out, err = run("--running", "--json")
	if jsonErr := json.Unmarshal([]byte(out), &report); err == nil || jsonErr != nil || report.Status != doctor.Fail || len(report.Findings) < 6 {
		t.Errorf("%v %v\n%s", err, jsonErr, out)
	}
	out, err = run("--tls", "on")
	if err == nil || !strings.Contains(out, "fail  configuration  tls: ") {
		t.Errorf("%v\n%s", err, out)
	}
}
