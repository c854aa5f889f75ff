package store

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOpen_ReadOnly: a file that may only be read is refused, instead of each
// write to it.
func TestOpen_ReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "freehold.db")
	e, err := openSQLite(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, e.close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode(), "nobody else may read it")

	require.NoError(t, os.Chmod(path, 0o444))
	if os.Geteuid() == 0 { // who may write everything; the user for files is a thread's own
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for _, folder := range []string{filepath.Dir(dir), dir} {
			require.NoError(t, os.Chown(folder, nobody, nobody))
		}
		require.NoError(t, syscall.Setfsuid(nobody))
		defer func() { assert.NoError(t, syscall.Setfsuid(0)) }()
	}
	_, err = openSQLite(t.Context(), path)
	require.ErrorContains(t, err, "can't be written")
}
