package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

// bots is which bots a group of commands is about.
type bots struct {
	conn *connection
	out  *command.Output
}

func botsCommand(env Env) *cobra.Command {
	b := &bots{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(
		&cobra.Command{
			Use:   "bots",
			Short: "Deal with the bots that have lost their OAuth client",
			Long: `Deal with the bots that have lost their OAuth client.

In a tenant a client acts as a bot, which is a user of the tenant. When the client
is deleted or disabled, its bots are disabled, and what they own is left behind.

At the console these are the bots, in all tenants, of organization-level and
region-level clients that the credential may manage; at a tenant's host all those of
the tenant.
` + connectionHelp,
		},
		b.listCommand(), b.adoptCommand(), b.removeCommand(),
	)
	b.conn.flags(cmd)
	b.out.Flag(cmd)
	return cmd
}

func (b *bots) api() (client.Bots, error) {
	conn, _, err := b.conn.client()
	switch {
	case err != nil:
		return client.Bots{}, err
	case hostLabel(conn.BaseURL()) == consoleLabel:
		return conn.OrganizationBots(), nil
	}
	return conn.TenantBots(), nil
}

func (b *bots) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the bots whose OAuth client is deleted or disabled",
		Example: `  freehold bots list --context console`,
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := b.api()
			if err != nil {
				return err
			}
			all, err := from.List(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([][]string, len(all))
			for i, bot := range all {
				rows[i] = []string{bot.ID, bot.Name, bot.TenantName, bot.TenantID, bot.ClientID, bot.Reason, moment(&bot.Since), owned(bot.Owns)}
			}
			return b.out.List(cmd, all, []string{"ID", "NAME", "TENANT", "TENANT ID", "CLIENT ID", "REASON", "SINCE", "OWNS"}, rows)
		},
	}
}

func (b *bots) adoptCommand() *cobra.Command {
	var heir string
	cmd := &cobra.Command{
		Use:   "adopt BOT_ID",
		Short: "Give a bot, and what it owns, to another OAuth client of the same level and place",
		Example: `  freehold bots adopt 6571c0a94be2d83f1097ac5e --context console \
      --client 82e0c353eca9a5d849c74d7e98f13f7e`,
		Args: args("BOT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if heir == "" {
				return errors.New("--client is missing: give the id of the client that is to have the bot")
			}
			from, err := b.api()
			if err != nil {
				return err
			}
			return from.Adopt(cmd.Context(), args[0], heir)
		},
	}
	cmd.Flags().StringVar(&heir, "client", "", "id of the client that the bot is for from now on (required)")
	return cmd
}

func (b *bots) removeCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:     "remove BOT_ID",
		Short:   "Delete a bot that has lost its OAuth client from its tenant, for good",
		Example: `  freehold bots remove 6571c0a94be2d83f1097ac5e --context console --yes`,
		Args:    args("BOT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			from, err := b.api()
			if err != nil {
				return err
			}
			return from.Remove(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return cmd
}

// owned names what somebody owns.
func owned(all []api.Owned) string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.Type + " " + o.Name
	}
	return strings.Join(names, ", ")
}
