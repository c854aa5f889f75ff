package operator_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/operator"
)

// run executes "freehold operator …" on a data folder.
func runKey(t *testing.T, dir string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(operator.Commands(func(string) string { return "" })...)
	var out, errOut bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errOut)
	root.SetArgs(append(append([]string{"operator"}, args...), "--data-dir", dir))
	err = root.ExecuteContext(t.Context())
	return out.String(), errOut.String(), err
}

func TestKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var keys []struct {
		ID        string `json:"kid"`
		Algorithm string `json:"alg"`
		SignsTo   string `json:"signsTo"`
	}
	list := func(args ...string) {
		t.Helper()
		stdout, _, err := runKey(t, dir, append([]string{"key", "list"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		keys = nil
		if err := json.Unmarshal([]byte(stdout), &keys); err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
	}
	if _, _, err := runKey(t, dir, "organization", "create", "Acme"); err != nil {
		t.Fatal(err)
	}
	list()
	if len(keys) != 1 || keys[0].Algorithm != "ES256" || keys[0].SignsTo != "" {
		t.Fatalf("a new data folder has %+v", keys)
	}
	if _, _, err := runKey(t, dir, "key", "rotate", "--algorithm", "EdDSA", "--at-once"); err != nil {
		t.Fatal(err)
	}
	list()
	if len(keys) != 2 || keys[1].Algorithm != "EdDSA" || keys[0].SignsTo == "" {
		t.Errorf("after a rotation: %+v", keys)
	}
	if _, _, err := runKey(t, dir, "key", "rotate", "--algorithm", "none"); err == nil {
		t.Error("an unknown algorithm was taken")
	}

	fresh := filepath.Join(t.TempDir(), "new.key")
	if _, stderr, err := runKey(t, dir, "key", "rewrap", "--new-key-file", fresh); err != nil || !strings.Contains(stderr, "4 keys") {
		t.Fatalf("%s%v", stderr, err)
	}
	if _, _, err := runKey(t, dir, "key", "list"); err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("the old master key still opens the keys: %v", err)
	}
	list("--key-file", fresh)
	list("--key-command", "cat "+fresh)
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the new key file: %v, %v", info, err)
	}
	if _, _, err := runKey(t, dir, "key", "rewrap", "--key-file", fresh); err == nil {
		t.Error("rewrap without a new master key was taken")
	}
}
