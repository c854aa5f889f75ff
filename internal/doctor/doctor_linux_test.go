package doctor_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/freehold-platform/freehold/internal/doctor"
)

func TestRun_UnreadableKey(t *testing.T) {
	config := installation(t)
	config.KeyFile = filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(config.KeyFile, []byte(strings.Repeat("ab", 32)), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // who may read everything; the user for files is a thread's own
		const nobody = 65534
		for path := range map[string]bool{config.DataDir: true, filepath.Dir(config.DataDir): true, filepath.Dir(config.KeyFile): true, filepath.Dir(filepath.Dir(config.KeyFile)): true} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err != nil {
				t.Error(err)
			}
		}()
	}
	findings := examine(t, config, nil)
	expect(t, findings, "keys", doctor.Fail, "permission denied")
	advise(t, findings, "keys", "chown")
}
