package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands_tenantLife(t *testing.T) {
	f := newFake(t, 3)
	file := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(file, []byte(`[{"name":"one","externalId":"1"},{"name":"bad"},{"name":"three","admin":{"email":"ada@example.com"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		host    string
		columns int
		args    []string
	}{
		{"tenant-update-table", "acme.us", 80, []string{"tenant", "update", "me", "--name", "Acme", "--alias", "", "--set", "enableAppOpeningFeedback=true"}},
		{"tenant-update-json", "register.us", 0, []string{"tenant", "update", tenantID, "--label", "a/b=c=d", "--remove-label", "old", "--protect", "true"}},
		{"tenant-deactivate-table", "register.us", 80, []string{"tenant", "deactivate", tenantID, "--confirm", "acme.us.freehold.localhost", "--purge-after-days", "30"}},
		{"tenant-deactivate-json", "register.us", 0, []string{"tenant", "deactivate", tenantID, "--confirm", "acme.us.freehold.localhost"}},
		{"tenant-deactivate-dry-table", "register.us", 80, []string{"tenant", "deactivate", tenantID, "--dry-run"}},
		{"tenant-deactivate-dry-json", "register.us", 0, []string{"tenant", "deactivate", tenantID, "--dry-run"}},
		{"tenant-deactivate-unconfirmed", "register.us", 80, []string{"tenant", "deactivate", tenantID, "--confirm", "other.us.freehold.localhost"}},
		{"tenant-deactivate-wrong-host", "acme.us", 80, []string{"tenant", "deactivate", tenantID, "--confirm", "acme.us.freehold.localhost"}},
		{"tenant-reactivate", "register.us", 80, []string{"tenant", "reactivate", tenantID, "--confirm", "acme.us.freehold.localhost"}},
		{"tenant-check-hostname", "register.us", 80, []string{"tenant", "check-hostname", "free"}},
		{"tenant-check-hostname-taken", "register.us", 0, []string{"tenant", "check-hostname", "acme"}},
		{"tenant-get-external", "register.us", 80, []string{"tenant", "get", "--external-id", `customer "42"`}},
		{"tenant-get-external-none", "register.us", 80, []string{"tenant", "get", "--external-id", "nobody"}},
		{"tenant-list-register-table", "register.us", 250, []string{"tenant", "list", "--total"}},
		{"tenant-list-register-json", "register.us", 0, []string{"tenant", "list", "--limit", "1"}},
		{"tenant-bulk-relabel", "register.us", 0, []string{"tenant", "bulk", "relabel", "--filter", "x", "--expect", "3", "--label", "stage=production", "--remove-label", "old", "--output", "table"}},
		{"tenant-bulk-deactivate", "register.us", 0, []string{"tenant", "bulk", "deactivate", "--filter", "x", "--expect", "3", "--batch", "2", "--output", "table"}},
		{"tenant-bulk-deactivate-dry", "register.us", 0, []string{"tenant", "bulk", "deactivate", "--filter", "x", "--dry-run"}},
		{"tenant-bulk-unexpected", "register.us", 0, []string{"tenant", "bulk", "reactivate", "--filter", "x", "--expect", "4"}},
		{"tenant-bulk-create", "register.us", 0, []string{"tenant", "bulk", "create", "--file", file, "--license-key", licenseKey, "--output", "table"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			s.use(f, "c", tt.host)
			s.columns = tt.columns
			golden(t, tt.name, strings.ReplaceAll(s.transcript(tt.args...), file, "FILE"))
		})
	}
	var sent []string
	for _, line := range f.requests {
		if !strings.HasPrefix(line, "GET ") {
			sent = append(sent, line)
		}
	}
	slices.Sort(sent)
	golden(t, "tenant-life-requests", strings.Join(slices.Compact(sent), "\n")+"\n")
}

// TestBulk_progress: people see how far it has come, and files do not.
func TestBulk_progress(t *testing.T) {
	f := newFake(t, 7)
	s := newSession(t)
	s.use(f, "c", "register.us")
	line := []string{"tenant", "bulk", "reactivate", "--filter", "x", "--expect", "7", "--batch", "3", "--output", "json"}
	if _, stderr := s.must(line...); stderr != "" {
		t.Errorf("stderr %q", stderr)
	}
	s.columns = 80
	if _, stderr := s.must(line...); !strings.Contains(stderr, "(3/7)") || !strings.Contains(stderr, "Tenants") {
		t.Errorf("stderr %q", stderr)
	}
	var batches []int
	for _, request := range f.requests {
		if strings.Contains(request, "actions/bulk") {
			batches = append(batches, strings.Count(request, "TZXk"))
		}
	}
	if diff := cmp.Diff([]int{3, 3, 1, 3, 3, 1}, batches); diff != "" {
		t.Errorf("batches (-want +got)\n%s", diff)
	}
}

func TestTenantLife_usageErrors(t *testing.T) {
	f := newFake(t, 3)
	s := newSession(t)
	s.use(f, "c", "register.us")
	file := filepath.Join(s.dir, "bad.json")
	if err := os.WriteFile(file, []byte(`[{"colour":"x"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, line := range []string{
		"tenant get",
		"tenant get x --external-id y",
		"tenant update",
		"tenant update x",
		"tenant update x --set enableAnalyticCreation",
		"tenant update x --set enableAnalyticCreation=maybe",
		"tenant update x --protect maybe",
		"tenant update x --label y",
		"tenant deactivate",
		"tenant deactivate x",
		"tenant reactivate x",
		"tenant check-hostname",
		"tenant bulk",
		"tenant bulk deactivate",
		"tenant bulk relabel --filter x",
		"tenant bulk relabel --filter x --label y",
		"tenant bulk reactivate --filter x --batch 101 --dry-run",
		"tenant bulk create",
		"tenant bulk create --file DIR/missing",
		"tenant bulk create --file DIR/bad.json",
	} {
		b.WriteString(s.transcript(strings.Fields(strings.ReplaceAll(line, "DIR", s.dir))...) + "\n")
	}
	golden(t, "tenant-life-usage-errors", b.String())
	for _, request := range f.requests {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("sent %s", request)
		}
	}
}
