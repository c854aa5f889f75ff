package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

const (
	registerLabel = "register"
	registerHint  = "tenants are kept at the register host of their region"
)

// labelPath is the JSON Pointer of a label.
func labelPath(name string) string {
	return "/labels/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func tenantUpdateCommand(conn *connection, out *command.Output) *cobra.Command {
	var name, alias, protect string
	var settings, labels, removed []string
	cmd := &cobra.Command{
		Use:   "update ID|me",
		Short: "Change a tenant, at its own host or at the register host",
		Long: `Change a tenant: all that is asked for, or nothing. At the tenant's own host "me" is
its id. Labels and protection can be changed at the region's register host only.

Settings are autoAssignCreateSharedSpacesRoleToProfessionals,
autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals,
autoAssignDataServicesContributorRoleToProfessionals, enableAnalyticCreation and
enableAppOpeningFeedback, each true or false.`,
		Example: `  freehold tenant update me --context acme-us --name Acme --alias acme.us.example.com
  freehold tenant update me --context acme-us --alias "" --set enableAppOpeningFeedback=true
  freehold tenant update TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e --context register-us \
      --label plan=gold --remove-label trial --protect true`,
		Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var patch []api.TenantPatchOperation
			replace := func(path string, value any) {
				patch = append(patch, api.TenantPatchOperation{Op: "replace", Path: path, Value: value})
			}
			if cmd.Flags().Changed("name") {
				replace("/name", name)
			}
			if cmd.Flags().Changed("alias") {
				replace("/hostnames/1", alias)
			}
			if protect != "" {
				settings = append(settings, "deletionProtection="+protect)
			}
			pairsSet, err := pairs("set", settings)
			if err != nil {
				return err
			}
			for _, pair := range pairsSet {
				on, err := strconv.ParseBool(pair[1])
				if err != nil {
					return fmt.Errorf("%s is true or false, not %q", pair[0], pair[1])
				}
				replace("/"+pair[0], on)
			}
			pairsLabel, err := pairs("label", labels)
			if err != nil {
				return err
			}
			for _, pair := range pairsLabel {
				replace(labelPath(pair[0]), pair[1])
			}
			for _, name := range removed {
				replace(labelPath(name), nil)
			}
			if len(patch) == 0 {
				return errors.New("nothing to change: give --name, --alias, --set, --label, --remove-label or --protect")
			}
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			id := args[0]
			if id == "me" {
				own, err := c.GetMyTenant(cmd.Context())
				if err != nil {
					return err
				}
				id = own.ID
			}
			if err := c.UpdateTenant(cmd.Context(), id, patch); err != nil {
				return err
			}
			return showTenant(cmd, out, c, id)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&name, "name", "", "display name")
	flags.StringVar(&alias, "alias", "", `second host name, in full; "" removes it`)
	flags.StringArrayVar(&settings, "set", nil, "setting as name=true or name=false; may be repeated")
	flags.StringArrayVar(&labels, "label", nil, "label as name=value; may be repeated")
	flags.StringArrayVar(&removed, "remove-label", nil, "name of a label to remove; may be repeated")
	flags.StringVar(&protect, "protect", "", "true keeps the tenant from being deactivated and purged, false lets it be")
	return cmd
}

// showTenant writes a tenant as it is now.
func showTenant(cmd *cobra.Command, out *command.Output, c *client.Client, id string) error {
	asJSON, err := out.JSON(cmd)
	if err != nil {
		return err
	}
	tenant, err := c.GetTenant(cmd.Context(), id)
	if err != nil {
		return err
	}
	if asJSON {
		return command.WriteJSON(cmd.OutOrStdout(), tenant)
	}
	return out.Details(cmd, tenantDetails(tenant))
}

func tenantDeactivateCommand(conn *connection, out *command.Output) *cobra.Command {
	var confirm string
	var days int
	var dryRun, wait bool
	cmd := &cobra.Command{
		Use:   "deactivate ID",
		Short: "Deactivate a tenant, at a region's register host",
		Long: `Disable a tenant at once and everywhere, and have it purged after some days. Until
then it can be reactivated; afterwards nobody can restore it. Deactivating a disabled
tenant begins the countdown anew.

--confirm must be one of the tenant's host names. --dry-run shows what the
deactivation would take down, and changes nothing. --wait waits until the tenant is
purged.`,
		Example: `  freehold tenant deactivate TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e --context register-us --dry-run
  freehold tenant deactivate TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e --context register-us \
      --confirm acme.us.example.com --purge-after-days 10`,
		Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			if dryRun {
				return previewDeactivation(cmd, out, c, args[0])
			}
			if confirm == "" {
				return errors.New("give one of the tenant's host names with --confirm; --dry-run shows them, and what would be taken down")
			}
			opts := &client.DeactivateTenantOptions{}
			if cmd.Flags().Changed("purge-after-days") {
				opts.PurgeAfterDays = &days
			}
			done, err := c.DeactivateTenant(cmd.Context(), args[0], confirm, opts)
			if err != nil {
				return explain(err, c, registerLabel, registerHint)
			}
			if wait {
				note(cmd, "Waiting for the purge, which is due %s.", moment(&done.EstimatedPurgeDate))
				if _, err := c.WaitForTenant(cmd.Context(), args[0], "deleted"); err != nil {
					return err
				}
				done.Status = "deleted"
			}
			return out.One(cmd, done, []string{"ID", "Status", "Purge"}, []string{done.ID, done.Status, moment(&done.EstimatedPurgeDate)})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&confirm, "confirm", "", "one of the tenant's host names")
	flags.IntVar(&days, "purge-after-days", 30, "days until the purge, 10 to 90 unless the operator allows less")
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be taken down, and change nothing")
	flags.BoolVar(&wait, "wait", false, "wait until the tenant is purged")
	return cmd
}

func previewDeactivation(cmd *cobra.Command, out *command.Output, c *client.Client, id string) error {
	p, err := c.PreviewDeactivation(cmd.Context(), id)
	if err != nil {
		return explain(err, c, registerLabel, registerHint)
	}
	if asJSON, err := out.JSON(cmd); err != nil || asJSON {
		return errors.Join(err, command.WriteJSON(cmd.OutOrStdout(), p))
	}
	details := [][2]string{
		{"ID", p.ID},
		{"Name", p.Name},
		{"Status", p.Status},
		{"Host names", strings.Join(p.Hostnames, ", ")},
		{"Allowed", strconv.FormatBool(p.Allowed)},
		{"Purge", moment(p.EstimatedPurgeDate)},
		{"Last token", moment(p.LastTokenAt)},
	}
	if p.Refusal != nil {
		details = append(details, [2]string{"Refusal", p.Refusal.Detail})
	}
	for _, name := range sortedNames(p.Contents) {
		details = append(details, [2]string{"Holds " + name, strconv.FormatInt(p.Contents[name], 10)})
	}
	if p.TrustingTenants > 0 {
		details = append(details, [2]string{"Trusting tenants", strconv.FormatInt(p.TrustingTenants, 10)})
	}
	return out.Details(cmd, details)
}

func tenantReactivateCommand(conn *connection, out *command.Output) *cobra.Command {
	var confirm string
	cmd := &cobra.Command{
		Use:   "reactivate ID",
		Short: "Bring a disabled tenant back, at a region's register host",
		Long: `Bring a disabled tenant back as it was, at once and everywhere. That can be done until
it is purged. --confirm must be one of the tenant's host names.`,
		Example: `  freehold tenant reactivate TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3e --context register-us \
      --confirm acme.us.example.com`,
		Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if confirm == "" {
				return errors.New("give one of the tenant's host names with --confirm")
			}
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			done, err := c.ReactivateTenant(cmd.Context(), args[0], confirm)
			if err != nil {
				return explain(err, c, registerLabel, registerHint)
			}
			return out.One(cmd, done, []string{"ID", "Status"}, []string{done.ID, done.Status})
		},
	}
	cmd.Flags().StringVar(&confirm, "confirm", "", "one of the tenant's host names")
	return cmd
}

func tenantCheckCommand(conn *connection, out *command.Output) *cobra.Command {
	return &cobra.Command{
		Use:   "check-hostname NAME",
		Short: "Ask whether a host name is free, at a region's register host",
		Long: `Ask whether a host name, or its first label, can become the alias of a tenant of the
region. The exit status tells, too: it is not 0 unless the name is free.`,
		Example: `  freehold tenant check-hostname acme --context register-us`,
		Args:    args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := conn.client()
			if err != nil {
				return err
			}
			found, err := c.CheckHostname(cmd.Context(), args[0])
			if err != nil {
				return explain(err, c, registerLabel, registerHint)
			}
			err = out.One(cmd, found, []string{"Host name", "Available", "Reason"}, []string{found.Hostname, strconv.FormatBool(found.Available), found.Detail})
			if err == nil && !found.Available {
				err = fmt.Errorf("%s can't be had: %s", found.Hostname, found.Detail)
			}
			return err
		},
	}
}

// listAtRegister lists the tenants of the credential's subscription and region.
func (l *tenantList) listAtRegister(cmd *cobra.Command, c *client.Client) error {
	opts := client.TenantListOptions{Filter: l.filter, Sort: l.sort, Limit: pageSize, TotalResults: l.total}
	if l.limit > 0 {
		opts.Limit = min(l.limit, pageSize)
	}
	all, done := []api.Tenant{}, listing{}
	for page, err := range c.RegionTenantPages(cmd.Context(), opts) {
		if err != nil {
			return err
		}
		if done.total == nil {
			done.total = page.TotalResults
		}
		all = append(all, page.Data...)
		done.more = page.Links.Next != nil
		if l.limit > 0 && len(all) >= l.limit {
			done.more = done.more || len(all) > l.limit
			all = all[:l.limit]
			break
		}
	}
	done.shown = len(all)
	rows := make([][]string, len(all))
	for i, t := range all {
		rows[i] = []string{t.Name, t.Status, t.Hostnames[len(t.Hostnames)-1], t.ID, t.ExternalID, labelText(t.Labels), moment(t.EstimatedPurgeDate), moment(&t.Created)}
	}
	if asJSON, err := l.out.JSON(cmd); err != nil || asJSON || len(rows) > 0 {
		if err := l.out.List(cmd, all, []string{"NAME", "STATUS", "HOST NAME", "ID", "EXTERNAL ID", "LABELS", "PURGE", "CREATED"}, rows); err != nil {
			return err
		}
	}
	l.summarize(cmd, done)
	return nil
}

// labelText writes labels on one line.
func labelText(labels map[string]string) string {
	var list []string
	for _, name := range sortedNames(labels) {
		list = append(list, name+"="+labels[name])
	}
	return strings.Join(list, ", ")
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
