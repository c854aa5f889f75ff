package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

var tenantSettingsView = view[api.TenantSettings]{
	[]string{"Start page", "Release cadence", "No session replay", "Cross-region processing", "No-access message", "No-access link"},
	func(s api.TenantSettings) []string {
		link := ""
		if s.CustomizeNoAccess.LinkEnabled {
			link = strings.TrimSpace(s.CustomizeNoAccess.LinkLabel + " " + s.CustomizeNoAccess.LinkURL)
		}
		return []string{
			s.PreferredStartPage.Value, s.ReleaseCadence, fmt.Sprint(s.SessionReplayOptOut), fmt.Sprint(s.CrossRegionDataProcessing), s.CustomizeNoAccess.Message, link,
		}
	},
}

func tenantSettingsCommand(env Env) *cobra.Command {
	return inTenant(env, "tenant-settings", "Manage what the administrators of a tenant prefer", func(d *tenantCommands) []*cobra.Command {
		get := d.run(&cobra.Command{Use: "get", Short: "Show the settings"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
			settings, err := c.GetTenantSettings(cmd.Context())
			if err != nil {
				return err
			}
			return tenantSettingsView.one(d, cmd, settings)
		})
		reset := d.confirmed(&cobra.Command{Use: "reset", Short: "Make the settings those by default again"}, nil, func(ctx context.Context, c *client.Client, _ []string) error {
			return c.DeleteTenantSettings(ctx)
		})
		return []*cobra.Command{get, updateTenantSettings(d), reset}
	})
}

func updateTenantSettings(d *tenantCommands) *cobra.Command {
	var set []string
	cmd := d.run(&cobra.Command{
		Use: "update", Short: "Change settings",
		Example: `  freehold tenant-settings update --context acme --set preferredStartPage=management-console
  freehold tenant-settings update --context acme --set customizeNoAccess/message="Ask the help desk"`,
	}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		if len(set) == 0 {
			return errors.New("nothing to change: give --set")
		}
		patch := make([]api.JSONPatchOperation, len(set))
		for i, text := range set {
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" {
				return fmt.Errorf("--set %s is not of the form NAME=VALUE", text)
			}
			patch[i] = api.JSONPatchOperation{Op: "replace", Path: "/" + strings.TrimPrefix(name, "/"), Value: value}
			if value == "true" || value == "false" {
				patch[i].Value = json.RawMessage(value)
			}
		}
		settings, err := c.UpdateTenantSettings(cmd.Context(), patch)
		if err != nil {
			return err
		}
		return tenantSettingsView.one(d, cmd, settings)
	})
	cmd.Flags().StringArrayVar(&set, "set", nil, "setting, as NAME=VALUE, by the name that the API has for it; can be repeated")
	return cmd
}

func quotaCommand(env Env) *cobra.Command {
	return inTenant(env, "quota", "Show how many things of a kind a tenant can have", func(d *tenantCommands) []*cobra.Command {
		names := []string{"ID", "USED", "MOST"}
		cells := func(q api.Quota) []string {
			used := ""
			if q.Attributes.Usage != nil {
				used = fmt.Sprint(*q.Attributes.Usage)
			}
			return []string{q.ID, used, fmt.Sprint(q.Attributes.Quota)}
		}
		list := d.run(&cobra.Command{Use: "list", Short: "List quotas"}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
			all, err := c.ListQuotas(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([][]string, len(all))
			for i, q := range all {
				rows[i] = cells(q)
			}
			return d.out.List(cmd, all, names, rows)
		})
		return []*cobra.Command{list, view[api.Quota]{names, cells}.get(d, "Show a quota", (*client.Client).GetQuota)}
	})
}
