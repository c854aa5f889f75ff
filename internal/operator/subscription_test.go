package operator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/operator"
)

// run runs an operator command on a data folder and returns what it prints.
func runSubscription(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(operator.Commands(func(string) string { return "" })...)
	root.SetArgs(append([]string{"operator", "--data-dir", dir, "--output", "json"}, args...))
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	err := root.ExecuteContext(t.Context())
	return out.Bytes(), err
}

// TestSubscriptionUpdate_RateLimits: limits are set one by one, stay when they
// are not named, and go with 0.
func TestSubscriptionUpdate_RateLimits(t *testing.T) {
	dir := t.TempDir()
	const number = "1234567890123456"
	for _, args := range [][]string{
		{"organization", "create", "Acme"},
		{"region", "create", "eu"},
		{"subscription", "create", "--number", number, "--tenants", "5", "--region", "eu"},
	} {
		if out, err := runSubscription(t, dir, args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	for _, step := range []struct {
		args         []string
		tier1, tier2 int64
	}{
		{[]string{"--rate-tier1", "5000"}, 5000, 0},
		{[]string{"--rate-tier2", "300"}, 5000, 300},
		{[]string{"--name", "Main"}, 5000, 300},
		{[]string{"--rate-tier1", "0"}, 0, 300},
	} {
		out, err := runSubscription(t, dir, append([]string{"subscription", "update", number}, step.args...)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", step.args, err, out)
		}
		var view struct{ RateTier1, RateTier2 int64 }
		if err := json.Unmarshal(out, &view); err != nil || view.RateTier1 != step.tier1 || view.RateTier2 != step.tier2 {
			t.Errorf("after %v: %s (%v)", step.args, out, err)
		}
	}
	if out, err := runSubscription(t, dir, "subscription", "update", number, "--rate-tier2", "-5"); err == nil {
		t.Errorf("a negative limit is accepted: %s", out)
	}
	out, err := runSubscription(t, dir, "subscription", "get", number)
	if err != nil || !bytes.Contains(out, []byte(`"rateTier2": 300`)) {
		t.Errorf("get: %s (%v)", out, err)
	}
}

// TestSubscriptionUpdate_Empty: what a script's variable looks like that was never set
// changes nothing, and says so.
func TestSubscriptionUpdate_Empty(t *testing.T) {
	dir := t.TempDir()
	const number = "1234567890123456"
	for _, args := range [][]string{
		{"organization", "create", "Acme"},
		{"account", "create", "owner@example.com"},
		{"region", "create", "eu"},
		{"subscription", "create", "--number", number, "--tenants", "5", "--region", "eu", "--owner", "owner@example.com"},
	} {
		if out, err := runSubscription(t, dir, args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	for _, args := range [][]string{
		nil,
		{"--name", ""},
		{"--owner", ""},
		{"--region="},
		{"--start", ""},
		{"--end="},
		{"--tenants", "0"},
		{"--name", "New", "--owner", ""},
		{"--no-owners", "--owner", "owner@example.com"},
	} {
		if out, err := runSubscription(t, dir, append([]string{"subscription", "update", number}, args...)...); err == nil {
			t.Errorf("%q is accepted: %s", args, out)
		}
	}
	owners := func(args ...string) (n int, name string) {
		t.Helper()
		out, err := runSubscription(t, dir, append([]string{"subscription"}, args...)...)
		var view struct {
			Name   string
			Owners []string
		}
		if err := errors.Join(err, json.Unmarshal(out, &view)); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return len(view.Owners), view.Name
	}
	if n, name := owners("get", number); n != 1 || name != number {
		t.Errorf("after the refusals: %d owners, called %q", n, name)
	}
	if n, _ := owners("update", number, "--no-owners"); n != 0 {
		t.Errorf("%d owners are left", n)
	}
}
