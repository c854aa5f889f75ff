package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

func tenantBulkCommand(conn *connection, out *command.Output) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "bulk",
		Short: "Do one thing to many tenants, at a region's register host",
		Long: `Do one thing to many tenants. Each is changed by itself: what can't be done to one
keeps none of the others, and the answer says for each what became of it. The exit
status is not 0 unless all went well.`,
	},
		bulkPickCommand(conn, out, api.BulkDeactivate, "Deactivate the tenants that a filter picks"),
		bulkPickCommand(conn, out, api.BulkReactivate, "Reactivate the tenants that a filter picks"),
		bulkPickCommand(conn, out, api.BulkRelabel, "Change labels of the tenants that a filter picks"),
		bulkCreateCommand(conn, out),
	)
}

// bulk is one bulk command: it splits what there is to do into requests.
type bulk struct {
	conn   *connection
	out    *command.Output
	dryRun bool
	size   int // tenants a request
}

func (b *bulk) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&b.dryRun, "dry-run", false, "check everything, and change nothing")
	cmd.Flags().IntVar(&b.size, "batch", api.MaxBulk, "tenants a request, at most 100")
}

func (b *bulk) check() error {
	if b.size < 1 || b.size > api.MaxBulk {
		return fmt.Errorf("--batch %d is not 1 to %d", b.size, api.MaxBulk)
	}
	return nil
}

func bulkPickCommand(conn *connection, out *command.Output, action, short string) *cobra.Command {
	b := &bulk{conn: conn, out: out}
	var filter string
	var expect, days int
	var labels, removed []string
	cmd := &cobra.Command{
		Use:   action,
		Short: short,
		Long: short + `. A filter compares attributes as for
"freehold tenant list"; a label is compared as labels eq "plan=gold". Purged tenants
are never picked.

Unless it is a dry run, --expect must say how many tenants the filter picks, so that
a filter that picks others than you think changes nothing.`,
		Example: map[string]string{
			api.BulkDeactivate: `  freehold tenant bulk deactivate --context register-us --filter 'labels eq "stage=trial"' --dry-run
  freehold tenant bulk deactivate --context register-us --filter 'labels eq "stage=trial"' --expect 12`,
			api.BulkReactivate: `  freehold tenant bulk reactivate --context register-us --filter 'status eq "disabled"' --expect 12`,
			api.BulkRelabel: `  freehold tenant bulk relabel --context register-us --filter 'labels eq "stage=trial"' \
      --expect 12 --label stage=production --remove-label trial-ends`,
		}[action],
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := api.BulkTenantsRequest{Action: action, DryRun: b.dryRun}
			changes, err := pairs("label", labels)
			if err != nil {
				return err
			}
			for _, name := range removed {
				request.Labels = with(request.Labels, name, nil)
			}
			for _, change := range changes {
				request.Labels = with(request.Labels, change[0], &change[1])
			}
			if cmd.Flags().Changed("purge-after-days") {
				request.PurgeAfterDays = &days
			}
			switch {
			case filter == "":
				return errors.New("--filter is missing")
			case action == api.BulkRelabel && len(request.Labels) == 0:
				return errors.New("nothing to change: give --label or --remove-label")
			}
			if err := b.check(); err != nil {
				return err
			}
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			ids, err := pick(cmd.Context(), c, filter)
			if err != nil {
				return explain(err, c, registerLabel, registerHint)
			}
			if !b.dryRun && !cmd.Flags().Changed("expect") {
				return fmt.Errorf("the filter picks %d tenants: say so with --expect; nothing was done", len(ids))
			}
			if !b.dryRun && len(ids) != expect {
				return fmt.Errorf("the filter picks %d tenants, and --expect says %d; nothing was done", len(ids), expect)
			}
			var requests []api.BulkTenantsRequest
			for chunk := range slices.Chunk(ids, b.size) {
				request.IDs = chunk
				requests = append(requests, request)
			}
			return b.run(cmd, c, requests, len(ids))
		},
	}
	cmd.Flags().StringVar(&filter, "filter", "", "filter (SCIM) that picks tenants")
	cmd.Flags().IntVar(&expect, "expect", 0, "how many tenants the filter picks")
	b.flags(cmd)
	switch action {
	case api.BulkDeactivate:
		cmd.Flags().IntVar(&days, "purge-after-days", 30, "days until the purge, 10 to 90 unless the operator allows less")
	case api.BulkRelabel:
		cmd.Flags().StringArrayVar(&labels, "label", nil, "label as name=value; may be repeated")
		cmd.Flags().StringArrayVar(&removed, "remove-label", nil, "name of a label to remove; may be repeated")
	}
	return cmd
}

func with(labels map[string]*string, name string, value *string) map[string]*string {
	if labels == nil {
		labels = map[string]*string{}
	}
	labels[name] = value
	return labels
}

// pick returns the ids of the tenants that a filter picks, but for purged ones.
func pick(ctx context.Context, c *client.Client, filter string) (ids []string, err error) {
	for tenant, err := range c.RegionTenants(ctx, client.TenantListOptions{Filter: filter, Limit: pageSize}) {
		if err != nil {
			return nil, err
		}
		if tenant.Status != "deleted" {
			ids = append(ids, tenant.ID)
		}
	}
	return ids, nil
}

func bulkCreateCommand(conn *connection, out *command.Output) *cobra.Command {
	b := &bulk{conn: conn, out: out}
	key := &tenantCreate{conn: conn, out: out}
	var file string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create tenants from a file",
		Long: `Create the tenants that a file describes: a JSON array of objects with any of the
members name, hostnames, externalId, labels, datacenter, admin and licenseKey, as for
the API. Those without a licence key get that of --license-key, --license-key-file,
--from or the context. Give each an externalId: then the command can be repeated
without a second tenant for anybody.`,
		Example: `  freehold tenant bulk create --context register-us --file customers.json --dry-run`,
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			wanted, err := readTenants(file)
			if err == nil {
				err = b.check()
			}
			if err != nil {
				return err
			}
			c, settings, err := conn.client()
			if err != nil {
				return err
			}
			if slices.ContainsFunc(wanted, func(t api.CreateTenantRequest) bool { return t.LicenseKey == "" }) {
				license, err := key.key(cmd.Context(), c, settings)
				if err != nil {
					return err
				}
				for i := range wanted {
					if wanted[i].LicenseKey == "" {
						wanted[i].LicenseKey = license
					}
				}
			}
			var requests []api.BulkTenantsRequest
			for chunk := range slices.Chunk(wanted, b.size) {
				requests = append(requests, api.BulkTenantsRequest{Action: api.BulkCreate, DryRun: b.dryRun, Tenants: chunk})
			}
			return b.run(cmd, c, requests, len(wanted))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "file", "", "file with the tenants, in JSON")
	flags.StringVar(&key.licenseKey, "license-key", "", "licence key of the subscription")
	flags.StringVar(&key.licenseKeyFile, "license-key-file", "", "file with the licence key")
	flags.StringVar(&key.from, "from", "", "tenant to read the licence key from, as a URL or a host name")
	b.flags(cmd)
	return cmd
}

func readTenants(file string) (wanted []api.CreateTenantRequest, err error) {
	if file == "" {
		return nil, errors.New("--file is missing")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields() // a misspelt member would be left out
	if err := decoder.Decode(&wanted); err != nil {
		return nil, fmt.Errorf("%s is not a JSON array of tenants: %w", file, err)
	}
	return wanted, nil
}

// run sends the requests one after another, shows how far it has come at a terminal,
// and writes what became of each tenant. When a request fails, what is known of those
// before is written all the same.
func (b *bulk) run(cmd *cobra.Command, c *client.Client, requests []api.BulkTenantsRequest, total int) error {
	progress := b.progress(cmd, total)
	results := []api.BulkTenantResult{}
	var failure error
	for _, request := range requests {
		done, err := c.BulkTenants(cmd.Context(), request)
		if err != nil {
			failure = explain(err, c, registerLabel, registerHint)
			break
		}
		results = append(results, done.Data...)
		progress(len(done.Data))
	}
	failed := 0
	rows := make([][]string, len(results))
	for i, r := range results {
		rows[i] = []string{fmt.Sprint(i + 1), fmt.Sprint(r.Status), r.ID, "", ""}
		if r.Tenant != nil {
			rows[i][3] = r.Tenant.Name
		}
		if len(r.Errors) > 0 {
			failed++
			rows[i][4] = r.Errors[0].Code + " " + r.Errors[0].Title
		}
	}
	if err := b.out.List(cmd, results, []string{"NO", "STATUS", "ID", "NAME", "ERROR"}, rows); err != nil {
		return err
	}
	switch {
	case failure != nil:
		return fmt.Errorf("after %d of %d tenants: %w", len(results), total, failure)
	case failed > 0:
		return fmt.Errorf("%d of %d tenants failed", failed, total)
	case b.dryRun:
		note(cmd, "%d tenants; this was a dry run, and nothing was changed.", total)
	}
	return nil
}

// progress returns what to call with each number of tenants that are done.
func (b *bulk) progress(cmd *cobra.Command, total int) func(int) {
	if !b.out.Interactive(cmd.ErrOrStderr()) || total == 0 {
		return func(int) {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription("Tenants"),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	return func(n int) { _ = bar.Add(n) }
}
