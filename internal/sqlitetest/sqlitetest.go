// Package sqlitetest gives tests databases of SQLite without the time that it takes
// to make their tables.
package sqlitetest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var fresh struct {
	once    sync.Once
	content []byte
	err     error
}

// New puts a database with its tables at path, if nothing is there yet. For the
// first of a test binary they are made by prepare; to copy that one is faster than
// to make one for every test, the more so under the race detector.
func New(t testing.TB, path string, prepare func(path string) error) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	fresh.once.Do(func() { fresh.content, fresh.err = prepared(prepare) })
	if fresh.err != nil {
		t.Fatal(fresh.err)
	}
	if err := os.WriteFile(path, fresh.content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func prepared(prepare func(path string) error) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sqlite")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fresh.db")
	if err := prepare(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
