package cli

import (
	"context"
	"iter"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

var apiKeyView = view[api.APIKey]{
	names: []string{"DESCRIPTION", "ID", "USER", "STATUS", "CREATED", "EXPIRES"},
	cells: func(k api.APIKey) []string {
		return []string{k.Description, k.ID, k.Sub, k.Status, moment(&k.Created), moment(&k.Expiry)}
	},
}

func apiKeyCommand(env Env) *cobra.Command {
	return inTenant(env, "api-key", "Manage the keys by which programs act as people", func(d *tenantCommands) []*cobra.Command {
		var opts client.APIKeyOptions
		list := apiKeyView.list(d, &cobra.Command{Use: "list", Short: "List API keys, for administrators those of everybody"}, nil,
			func(ctx context.Context, c *client.Client, page client.ListOptions, _ []string) iter.Seq2[api.APIKey, error] {
				opts.Sort, opts.Limit = page.Sort, page.Limit
				return c.APIKeys(ctx, opts)
			})
		noFilter(list)
		list.Flags().StringVar(&opts.User, "user", "", "only those of the user with this id")
		list.Flags().StringVar(&opts.Status, "status", "", "only active, expired or revoked ones")
		var flags patchFlags
		update := d.update("Change an API key", flags.patch, func(c *client.Client, ctx context.Context, id string, patch []api.PatchOperation) error {
			return c.UpdateAPIKey(ctx, id, patch)
		})
		flags.text(update, "description", "/description", "what the key is for")
		return []*cobra.Command{
			list, apiKeyView.get(d, "Show an API key", (*client.Client).GetAPIKey), createAPIKeyCommand(d), update,
			d.remove("Delete an API key of one's own, or revoke another's", (*client.Client).DeleteAPIKey), apiKeySettingsCommand(d),
		}
	})
}

// noFilter takes the flag from a list whose server knows no filters.
func noFilter(list *cobra.Command) { _ = list.Flags().MarkHidden("filter") }

func createAPIKeyCommand(d *tenantCommands) *cobra.Command {
	var request api.CreateAPIKeyRequest
	cmd := d.run(&cobra.Command{
		Use: "create DESCRIPTION", Short: "Make an API key",
		Long: `Make an API key. It is shown this once. Programs send it as "Authorization: Bearer KEY",
and may do what its user may do. The user needs the role Developer or TenantAdmin.`,
		Example: `  freehold api-key create "nightly export" --user 64ad3f1b7c9e20d58b16fa73 --expiry P30D`,
	}, []string{"DESCRIPTION"}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		request.Description = args[0]
		made, err := c.CreateAPIKey(cmd.Context(), request)
		if err != nil {
			return err
		}
		return d.out.One(cmd, made, append([]string{"KEY"}, apiKeyView.names...), append([]string{made.Token}, apiKeyView.cells(made.APIKey)...))
	})
	cmd.Flags().StringVar(&request.Sub, "user", "", "id of the user as whom the key acts (default: who calls)")
	cmd.Flags().StringVar(&request.Expiry, "expiry", "", "how long it is good, such as P30D or PT12H (default: as long as the tenant allows)")
	return cmd
}

func apiKeySettingsCommand(d *tenantCommands) *cobra.Command {
	var expiry string
	var most int64
	cmd := d.run(&cobra.Command{
		Use: "settings", Short: "Show the limits of API keys, or change them",
		Example: `  freehold api-key settings --max-expiry P90D --max-per-user 3`,
	}, nil, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		me, err := c.GetMyTenant(cmd.Context())
		if err != nil {
			return err
		}
		var patch []api.PatchOperation
		if cmd.Flags().Changed("max-expiry") {
			patch = append(patch, api.PatchOperation{Op: "replace", Path: "/max_api_key_expiry", Value: expiry})
		}
		if cmd.Flags().Changed("max-per-user") {
			patch = append(patch, api.PatchOperation{Op: "replace", Path: "/max_keys_per_user", Value: most})
		}
		if len(patch) > 0 {
			if err := c.UpdateAPIKeySettings(cmd.Context(), me.ID, patch); err != nil {
				return err
			}
		}
		settings, err := c.GetAPIKeySettings(cmd.Context(), me.ID)
		if err != nil {
			return err
		}
		return d.out.One(cmd, settings, []string{"Longest time", "Active keys of a user"}, []string{settings.MaxAPIKeyExpiry, strconv.FormatInt(settings.MaxKeysPerUser, 10)})
	})
	cmd.Flags().StringVar(&expiry, "max-expiry", "", "how long a key can be good, such as P90D")
	cmd.Flags().Int64Var(&most, "max-per-user", 0, "how many active keys a user can have")
	return cmd
}
