package operator_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/operator"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// runAudit executes "freehold audit …".
func runAudit(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	stdout, _, err = runAuditFor(t, stdin, args...)
	return stdout, err
}

// runAuditFor is runAudit, with what people are told beside the output.
func runAuditFor(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
	audit := &cobra.Command{Use: "audit"}
	audit.AddCommand(operator.AuditCommands(func(string) string { return "" })...)
	root.AddCommand(audit)
	var out, told bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&told)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(append([]string{"audit"}, args...))
	err = root.ExecuteContext(t.Context())
	return out.String(), told.String(), err
}

// TestAuditVerify proves an untouched trail, and finds every way to touch one: in
// the database, and in the exported file.
func TestAuditVerify(t *testing.T) {
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite") // whose file is touched here
	e := testenv.Open(t)
	sub := e.Subscription(5)
	e.RegionClient(sub, "us")
	e.Tenant(sub, "us", "acme")
	e.NewOrganization("Another <&> one")
	if _, err := e.App.Credential.RotateSigningKey(t.Context(), testenv.Operator, "EdDSA", true); err != nil { // nobody's record
		t.Fatal(err)
	}
	dir := e.App.Config.DataDir
	verify := func(args ...string) (string, error) {
		t.Helper()
		return runAudit(t, "", append([]string{"verify", "--data-dir", dir}, args...)...)
	}
	heads, err := verify()
	if err != nil || len(strings.Fields(heads)) != 3 || !strings.Contains(heads, string(e.Organization.ID)+":") || !strings.HasPrefix(heads, "-:") {
		t.Fatalf("%s%v", heads, err)
	}
	exported, err := runAudit(t, "", "export", "--data-dir", dir)
	if err != nil || strings.Count(exported, "\n") < 6 || !strings.Contains(exported, `"com.qlik.tenant.created"`) {
		t.Fatalf("%s%v", exported, err)
	}
	one, err := runAudit(t, "", "export", "--data-dir", dir, "--organization", string(e.Organization.ID))
	if err != nil || one == "" || strings.Count(one, "\n") != strings.Count(one, string(e.Organization.ID)+`","position"`) {
		t.Errorf("%s%v", one, err)
	}
	again, told, err := runAuditFor(t, exported, "verify", "--file", "-")
	if err != nil || again != heads {
		t.Errorf("the file: %s%v\nthe database: %s", again, err, heads)
	}
	if want := fmt.Sprintf("%d records are as they were written.\n", strings.Count(exported, "\n")); told != want {
		t.Errorf("people are told %q, want %q", told, want)
	}

	lines := strings.SplitAfter(strings.TrimSuffix(one, "\n"), "\n")
	for name, c := range map[string]struct {
		text, want string
	}{
		"changed data":    {strings.Replace(one, `"outcome":"done"`, `"outcome":"refused"`, 1), "was changed"},
		"removed record":  {lines[0] + strings.Join(lines[2:], ""), "does not follow"},
		"removed first":   {strings.Join(lines[1:], ""), "does not follow"},
		"swapped records": {lines[1] + lines[0] + strings.Join(lines[2:], ""), "does not follow"},
		"nothing":         {"", "nothing to verify"},
		"no record":       {one + "\nnonsense\n", "is no exported record"},
		"changed at":      {strings.Replace(one, `"at":"2`, `"at":"1`, 1), "its at is not its time"},
		"added member":    {strings.Replace(one, `{"format"`, `{"note":"","format"`, 1), "is no exported record"},
		"member twice":    {strings.Replace(one, `"outcome":"done"`, `"outcome":"refused","outcome":"done"`, 1), "is no exported record"},
		"two on a line":   {strings.Replace(one, "}\n{", "}{", 1), "is no exported record"},
		"more on a line":  {strings.Replace(one, "}\n", "}}\n", 1), "is no exported record"},
		"another format":  {strings.Replace(one, "freehold audit 1", "freehold audit 2", 1), "the format is"},
	} {
		if _, err := runAudit(t, c.text, "verify", "--file", "-"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A file that ends early is a good chain; only who noted the end can tell.
	var noted string
	for head := range strings.FieldsSeq(heads) {
		if strings.HasPrefix(head, string(e.Organization.ID)) {
			noted = head
		}
	}
	cut := strings.Join(lines[:len(lines)-1], "")
	if _, err := runAudit(t, cut, "verify", "--file", "-"); err != nil {
		t.Error(err)
	}
	if _, err := runAudit(t, cut, "verify", "--file", "-", "--noted", noted); err == nil || !strings.Contains(err.Error(), "noted") {
		t.Errorf("a cut file: %v", err)
	}
	if _, err := verify("--noted", noted); err != nil {
		t.Error(err)
	}
	if _, err := verify("--noted", "x"); err == nil {
		t.Error("nonsense was taken for the end of a chain")
	}

	const forge = `insert into audit_records (organization_id, subscription_id, region, tenant_id, time, actor_kind, actor_id, action, target, outcome, data, trace_id, id, position)
		select organization_id, '', '', '', time, actor_kind, actor_id, action, 'forged', outcome, data, '', 'forged-' || seq, `
	for _, c := range []struct{ statement, want string }{
		{"update audit_records set actor_id = 'somebody else' where action = 'tenant.create'", "was changed"},
		{"update audit_records set data = replace(data, 'acme', 'acne') where action = 'tenant.create'", "was changed"},
		{"delete from audit_records where action = 'oauth-client.create'", "removed"},
		{"delete from audit_records where action = 'tenant.create'", "removed"}, // the last one
		{forge + "0 from audit_records where action = 'tenant.create'", "1 record is outside the chain"},
		{forge + "999 from audit_records where action = 'tenant.create'", "1 record is outside the chain"},
		{forge + "-seq from audit_records where action like '%.create' and organization_id <> '' limit 2", "2 records are outside the chain"},
		{strings.Replace(forge, "select organization_id", "select 'unheard'", 1) + "0 from audit_records where action = 'tenant.create'", "organization unheard: the chain is gone"},
		{"delete from audit_chains; update audit_records set position = 0, hash = ''", "the chain is gone"},
		{"delete from audit_chains where organization_id <> ''", "the chain is gone"},
		{"delete from audit_records; update audit_chains set position = 0, hash = ''", "the chain is gone"},
		{"delete from audit_records; delete from audit_chains", "the chain is gone"},
		{"delete from audit_chains; delete from audit_records; delete from subscription_owners; delete from organizations", "nothing to verify"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			e := testenv.Open(t)
			sub := e.Subscription(5)
			e.RegionClient(sub, "us")
			e.Tenant(sub, "us", "acme")
			sqlExec(t, filepath.Join(e.App.Config.DataDir, "freehold.db"), c.statement)
			if out, err := runAudit(t, "", "verify", "--data-dir", e.App.Config.DataDir); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
				t.Errorf("%s%v, want %q", out, err, c.want)
			}
		})
	}
	if _, err := runAudit(t, "", "verify", "--data-dir", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there was verified")
	}
}

// TestAudit_Database verifies and exports what is in the database that is named, and
// not what is in the folder.
func TestAudit_Database(t *testing.T) {
	e := testenv.Open(t)
	if e.App.Config.Database != "" {
		t.Skip("needs an estate on SQLite to start from")
	}
	dir := e.App.Config.DataDir
	url := pgtest.New(t, nil)
	if err := app.CopyEstate(t.Context(), "sqlite:"+dir, url, nil); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, filepath.Join(dir, "freehold.db"), "delete from audit_records")
	at := []string{"--data-dir", dir, "--database", url}
	heads, err := runAudit(t, "", append([]string{"verify"}, at...)...)
	if err != nil || !strings.Contains(heads, string(e.Organization.ID)+":") {
		t.Errorf("%s%v", heads, err)
	}
	exported, err := runAudit(t, "", append([]string{"export"}, at...)...)
	if err != nil || !strings.Contains(exported, string(e.Organization.ID)) {
		t.Errorf("%s%v", exported, err)
	}
	if out, err := runAudit(t, "", "verify", "--data-dir", dir); err == nil {
		t.Errorf("the folder was verified: %s", out)
	}
}

// sqlExec changes a database behind the program's back.
func sqlExec(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%d rows (%v)", n, err)
	}
}
