package operator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/operator"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// run runs an operator's command on a data folder and returns its output.
func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(operator.Commands(func(string) string { return "" })...)
	var out, notes bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&notes)
	root.SetArgs(append([]string{"operator", "--data-dir", dir, "--output", "json"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String() + notes.String(), err
}

// A client is disabled, enabled and deleted, and what it leaves behind in its
// tenants given to another client or deleted, all by command.
func TestOperator_bots(t *testing.T) {
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir = dir
	a, err := app.Open(t.Context(), config, slog.New(slog.DiscardHandler), app.Clock)
	if err != nil {
		t.Fatal(err)
	}
	ctx, me := t.Context(), estate.Operator("test")
	var failure error
	must := func(err error) { failure = errors.Join(failure, err) }
	_, err = a.Tenancy.CreateRegion(ctx, me, estate.Region{Code: "us"})
	must(err)
	organization, err := a.Tenancy.CreateOrganization(ctx, me, "Acme")
	must(err)
	sub, err := a.Tenancy.CreateSubscription(ctx, me, estate.Subscription{Organization: organization.ID, TenantLimit: 3, Regions: []estate.RegionCode{"us"}}, nil)
	must(err)
	var clients [2]estate.Client
	var secret estate.Secret
	for i := range clients {
		var s estate.Secret
		clients[i], s, err = a.Credential.CreateClient(ctx, me, credential.NewClient{Level: estate.LevelRegion, Scope: estate.Scope{Organization: organization.ID, Subscription: sub.ID, Region: "us"}})
		must(err)
		if i == 0 {
			secret = s
		}
	}
	var surfaces []estate.Surface
	token := func(surface estate.Surface) error {
		_, err := a.Credential.IssueToken(ctx, surface, credential.TokenRequest{
			GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{ClientID: string(clients[0].ID), Secret: secret},
		})
		return err
	}
	for _, name := range []string{"one", "two"} {
		tenant, err := a.Tenancy.CreateTenantFor(ctx, me, sub.ID, "us", tenancy.NewTenant{Name: name})
		must(err)
		surfaces = append(surfaces, estate.Surface{Kind: estate.SurfaceTenant, Origin: "http://" + name, Tenant: tenant})
		must(token(surfaces[len(surfaces)-1]))
	}
	must(a.Close())
	if failure != nil {
		t.Fatal(failure)
	}

	id, heir := string(clients[0].ID), string(clients[1].ID)
	do := func(args ...string) string {
		t.Helper()
		out, err := run(t, dir, args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	type bot struct{ ID, TenantName, ClientID, Reason string }
	orphans := func(reason string) (found []bot) {
		t.Helper()
		if err := json.Unmarshal([]byte(do("bots", "list")), &found); err != nil {
			t.Fatal(err)
		}
		for _, b := range found {
			if b.ClientID != id || b.Reason != reason {
				t.Errorf("%+v, want reason %s", b, reason)
			}
		}
		return found
	}
	if got := do("client", "disable", id); !strings.Contains(got, "is disabled") {
		t.Error(got)
	}
	if got := orphans("disabled"); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if got := do("client", "enable", id); !strings.Contains(got, "is enabled") {
		t.Error(got)
	}
	if got := orphans(""); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := run(t, dir, "client", "delete", id); err == nil {
		t.Error("deleted without being sure")
	}
	do("client", "delete", id, "--yes")
	left := orphans("deleted")
	if len(left) != 2 {
		t.Fatalf("%+v", left)
	}
	if got := do("bots", "adopt", left[0].ID, "--client", heir); !strings.Contains(got, heir) {
		t.Error(got)
	}
	if _, err := run(t, dir, "bots", "remove", left[1].ID); err == nil {
		t.Error("removed without being sure")
	}
	do("bots", "remove", left[1].ID, "--yes")
	if got := orphans("deleted"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	for _, args := range [][]string{{"client", "disable", id}, {"client", "delete", id, "--yes"}, {"bots", "remove", left[0].ID, "--yes"}, {"bots", "adopt", left[1].ID, "--client", heir}} {
		if out, err := run(t, dir, args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}
