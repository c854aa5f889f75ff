package operator_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSeed_Counted: one is told of as one, more as several.
func TestSeed_Counted(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"organization", "create", "Acme"},
		{"region", "create", "eu"},
		{"subscription", "create", "--tenants", "9", "--region", "eu"},
	} {
		if _, told, err := runKey(t, dir, args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, told)
		}
	}
	file := filepath.Join(dir, "clients.tsv")
	if _, told, err := runKey(t, dir, "seed", "--tenants", "10", "--clients", "1", "--credentials", file); err == nil {
		t.Errorf("more tenants than there are places: %q", told)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file without credentials was left")
	}
	for _, c := range []struct{ n, told string }{{"1", "1 tenant made\n1 client made\n"}, {"2", "2 tenants made\n2 clients made\n"}} {
		if _, told, err := runKey(t, dir, "seed", "--tenants", c.n, "--clients", c.n); err != nil || told != c.told {
			t.Errorf("%q (%v), want %q", told, err, c.told)
		}
	}
}
