package freehold_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// direction says which packages of the project each package may import, in the
// order from the ground up. Tests may look from wherever they need to.
var direction = map[string][]string{
	"api":                     {},
	"client":                  {"api"},
	"internal/estate":         {"api"},
	"internal/filter":         {},
	"internal/cache":          {},
	"internal/jsontext":       {},
	"internal/throttle":       {},
	"internal/outbound":       {},
	"internal/telemetry":      {},
	"internal/walvfs":         {},
	"internal/paging":         {"api", "internal/estate", "internal/filter"},
	"internal/assertion":      {},
	"internal/store":          {"api", "internal/estate", "internal/filter", "internal/telemetry", "internal/walvfs"},
	"internal/keyring":        {"internal/estate", "internal/store"},
	"internal/peer":           {"internal/store"},
	"internal/inventory":      {"internal/estate", "internal/filter", "internal/store"},
	"internal/event":          {"api", "internal/estate", "internal/filter", "internal/paging", "internal/store"},
	"internal/credential":     append([]string{"internal/assertion", "internal/jsontext"}, services...),
	"internal/tenancy":        append([]string{"internal/inventory"}, services...),
	"internal/directory":      services,
	"internal/signin":         append([]string{"internal/assertion"}, services...),
	"internal/job":            {"internal/store", "internal/telemetry"},
	"internal/savedview":      services,
	"internal/provision":      append([]string{"internal/job"}, services...),
	"internal/webhook":        append([]string{"internal/job"}, services...),
	"internal/httpapi":        {"api", "internal/estate", "internal/event", "internal/paging", "internal/credential", "internal/tenancy", "internal/directory", "internal/signin", "internal/provision", "internal/webhook", "internal/telemetry", "internal/throttle", "internal/jsontext", "internal/visit"},
	"internal/form":           {"internal/estate", "internal/store"},
	"internal/visit":          {"internal/estate", "internal/signin"},
	"internal/console/assets": {},
	"internal/console/ui":     {},
	"internal/console/frame":  {"api", "internal/estate", "internal/visit", "internal/console/assets", "internal/console/ui"},
	"internal/console/org":    append([]string{"internal/console/frame", "internal/console/ui", "internal/console/events"}, pages...),
	"internal/console":        append([]string{"internal/console/frame", "internal/console/admin", "internal/console/events", "internal/console/org", "internal/console/approve", "internal/console/people"}, pages...),
	"internal/app":            append([]string{"internal/console", "internal/inventory", "internal/console/frame", "internal/credential", "internal/tenancy", "internal/directory", "internal/signin", "internal/job", "internal/provision", "internal/savedview", "internal/webhook", "internal/httpapi", "internal/form"}, services...),
	"internal/doctor":         {"internal/app", "internal/estate", "internal/store"},
	"internal/command":        {},
	"internal/cli":            {"api", "client", "internal/command"},
	"internal/quickstart":     {"api", "client", "internal/app", "internal/estate", "internal/credential", "internal/tenancy", "internal/directory", "internal/signin"},
	"internal/operator":       {"api", "internal/app", "internal/estate", "internal/store", "internal/event", "internal/credential", "internal/tenancy", "internal/directory", "internal/signin", "internal/command", "internal/doctor", "internal/jsontext", "internal/quickstart"},
	"cmd/freehold":            {"internal/cli", "internal/operator"},
	"internal/bench":          {"api", "internal/bench/load", "internal/bench/measure"},
	"internal/bench/limit":    {"internal/estate", "internal/bench/load", "internal/bench/measure"},
}

// pages is what pages of the console build on: services, and never the store.
var pages = []string{"api", "internal/estate", "internal/event", "internal/credential", "internal/tenancy", "internal/directory", "internal/signin", "internal/provision", "internal/savedview", "internal/webhook", "internal/visit"}

// services is what a domain service builds on; services don't know each other.
var services = []string{"api", "internal/estate", "internal/filter", "internal/paging", "internal/cache", "internal/store", "internal/keyring", "internal/event", "internal/outbound", "internal/telemetry", "internal/throttle", "internal/peer"}

// standardOnly are the packages that use nobody else's code.
var standardOnly = []string{"api", "internal/estate", "internal/filter", "internal/cache", "internal/jsontext", "internal/throttle", "internal/outbound"}

// testSupport is imported by tests only, and free in its own imports.
var testSupport = []string{"internal/testenv", "internal/pgtest", "internal/sqlitetest", "internal/apitest", "internal/store/storetest", "internal/console/consoletest", "interop"}

// sqlPackages may be imported where the SQL lives, and by the measurements that
// hold the bare driver against it.
var (
	sqlPackages = []string{"database/sql", "modernc.org/sqlite", "github.com/pressly/goose", "github.com/jackc/pgx"}
	// jobs: transactions that the store lends to the library; walvfs: files, no SQL
	sqlLivesIn = []string{"internal/store", "internal/job", "internal/walvfs", "internal/bench/limit"}
)

const module = "github.com/freehold-platform/freehold/"

func TestImports_Direction(t *testing.T) {
	for dir, imports := range packageImports(t) {
		if strings.HasPrefix(dir, "internal/console/") && direction[dir] == nil {
			direction[dir] = append([]string{"internal/console/frame", "internal/console/ui"}, pages...) // a part of the pages
		}
		if slices.Contains(testSupport, dir) {
			continue
		}
		allowed, known := direction[dir]
		for _, path := range imports {
			own, isOwn := strings.CutPrefix(path, module)
			switch {
			case isOwn && slices.Contains(testSupport, own):
				t.Errorf("%s imports %s, which is for tests", dir, own)
			case isOwn && known && !slices.Contains(allowed, own):
				t.Errorf("%s must not import %s (docs/architecture.md)", dir, own)
			case isOwn && !known && !strings.HasPrefix(own, dir+"/") && !slices.Contains([]string{"api"}, own):
				t.Errorf("%s is not in the table of directions and imports %s", dir, own)
			case !isOwn && slices.Contains(standardOnly, dir) && strings.Contains(path, "."):
				t.Errorf("%s must keep to the standard library, and imports %s", dir, path)
			}
			for _, sql := range sqlPackages {
				if strings.HasPrefix(path, sql) && !slices.Contains(sqlLivesIn, dir) {
					t.Errorf("%s imports %s: all SQL lives in internal/store", dir, path)
				}
			}
		}
	}
}

// packageImports lists, by folder, what the packages of the module import
// outside their tests.
func packageImports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "tools" || len(path) > 1 && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		all[dir] = slices.Clip(all[dir])
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all[dir] = append(all[dir], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < len(direction) {
		t.Fatalf("found only %d packages", len(all))
	}
	return all
}
