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

func TestIdentityProvider(t *testing.T) {
	dir := t.TempDir()
	run := func(stdin string, args ...string) (string, error) {
		root := &cobra.Command{Use: "freehold", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(operator.Commands(func(string) string { return "" })...)
		var out bytes.Buffer
		root.SetIn(strings.NewReader(stdin))
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append([]string{"operator", "--data-dir", filepath.Join(dir, "data")}, args...))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	// A mistyped folder is not made: its estate would be empty, and all well in it.
	for _, args := range [][]string{{"counts"}, {"organization", "list"}, {"account", "link", "owner@example.com"}, {"seed", "--tenants", "1"}, {"account", "create", "owner@example.com"}} {
		if out, err := run("", args...); err == nil || !strings.Contains(err.Error(), "there is no estate") {
			t.Errorf("%v on no estate: %s, %v", args, out, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Fatal("the folder was made")
	}
	for _, name := range []string{"Acme", "Rival"} {
		if out, err := run("", "organization", "create", name); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// A file that is there is found before the tenants are made.
	taken := filepath.Join(dir, "taken.tsv")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run("", "seed", "--organization", "Acme", "--tenants", "1", "--clients", "1", "--credentials", taken); err == nil || strings.Contains(out, "made") {
		t.Errorf("credentials over a file that is there: %s, %v", out, err)
	}
	const request = `{"protocol":"OIDC","provider":"keycloak","interactive":true,"description":"Acme ID","pendingOptions":{
		"discoveryUrl":"https://id.example.com/.well-known/openid-configuration","clientId":"freehold","clientSecret":"s","claimsMapping":{"sub":["/sub"]}}}`
	provider := func(args ...string) []string { return append([]string{"identity-provider"}, args...) }
	out, err := run(request, provider("create", "--organization", "Acme", "--file", "-", "--output", "json")...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var made struct{ ID, Description, PendingState, Test string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Description != "Acme ID" || made.PendingState != "pending" || !strings.HasSuffix(made.Test, "/login/test?idp="+made.ID) {
		t.Errorf("made %+v, %v", made, err)
	}
	if out, err := run("", provider("list", "--organization", "Acme")...); err != nil || !strings.Contains(out, made.ID) || !strings.Contains(out, "Acme ID") {
		t.Errorf("listed %s, %v", out, err)
	}
	if out, err := run("", provider("list", "--organization", "Rival")...); err != nil || strings.Contains(out, made.ID) {
		t.Errorf("listed for another organization: %s, %v", out, err)
	}
	for what, try := range map[string][]string{
		"another one":              provider("create", "--organization", "Acme", "--file", "-"),
		"of no organization":       provider("create", "--file", "-"),
		"without a file":           provider("create", "--organization", "Rival"),
		"a file that is not there": provider("create", "--organization", "Rival", "--file", filepath.Join(dir, "missing")),
		"delete, not sure":         provider("delete", made.ID, "--organization", "Acme"),
		"delete of another's":      provider("delete", made.ID, "--organization", "Rival", "--yes"),
	} {
		if out, err := run(request, try...); err == nil {
			t.Errorf("%s: %s", what, out)
		}
	}
	if out, err := run("", provider("delete", made.ID, "--organization", "Acme", "--yes")...); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
