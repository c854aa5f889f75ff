package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

func secretCommand(env Env) *cobra.Command {
	c := &clients{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(
		&cobra.Command{
			Use:   "secret",
			Short: "Manage the secrets of OAuth clients",
			Long:  "Manage the secrets of OAuth clients.\n" + levelHelp + "\n" + connectionHelp,
		},
		c.secretListCommand(), c.secretCreateCommand(env.Now), c.secretDeleteCommand(), c.secretRotateCommand(),
		c.rotationCommand("finish", "End a rotation now: only the new secret works", client.OAuthClients.FinishRotation),
		c.rotationCommand("cancel", "Undo a rotation: only the old secrets work", client.OAuthClients.CancelRotation),
	)
	c.conn.flags(cmd)
	c.flags(cmd)
	c.out.Flag(cmd)
	return cmd
}

func (c *clients) secretListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list CLIENT_ID",
		Short: "List the secrets of an OAuth client, by their last five characters",
		Args:  args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, _, err := c.api()
			if err != nil {
				return err
			}
			found, err := from.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all := append([]api.ClientSecret{}, found.ClientSecrets...)
			rows := make([][]string, len(all))
			for i, s := range all {
				rows[i] = []string{s.Hint, s.Rotation, moment(&s.CreatedAt), moment(s.FirstUsedAt), moment(s.LastUsedAt), moment(s.ExpiresAt)}
			}
			return c.out.List(cmd, all, []string{"HINT", "ROTATION", "CREATED", "FIRST USED", "LAST USED", "ENDS"}, rows)
		},
	}
}

// describeSecret says in a line what is known of a secret.
func describeSecret(s api.ClientSecret) string {
	parts := []string{"created " + moment(&s.CreatedAt)}
	if s.LastUsedAt != nil {
		parts = append(parts, "last used "+moment(s.LastUsedAt))
	}
	if s.ExpiresAt != nil {
		parts = append(parts, "ends "+moment(s.ExpiresAt))
	}
	if s.Rotation != "" {
		parts = append(parts, s.Rotation+" in a rotation")
	}
	return strings.Join(parts, ", ")
}

func (c *clients) secretCreateCommand(now func() time.Time) *cobra.Command {
	var expires time.Duration
	cmd := &cobra.Command{
		Use:     "create CLIENT_ID",
		Short:   "Make one more secret of an OAuth client and print it, once",
		Example: `  freehold secret create 82e0c353eca9a5d849c74d7e98f13f7e --expires 2160h`,
		Args:    args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var end time.Time
			switch {
			case expires < 0:
				return fmt.Errorf("--expires %s is in the past", expires)
			case expires > 0:
				end = now().Add(expires)
			}
			from, _, err := c.api()
			if err != nil {
				return err
			}
			made, err := from.CreateSecret(cmd.Context(), args[0], end)
			if err != nil {
				return err
			}
			return c.showSecret(cmd, made, secretDetails(made))
		},
	}
	cmd.Flags().DurationVar(&expires, "expires", 0, "how long it is to work, such as 2160h; 0 is for ever")
	return cmd
}

func secretDetails(s *api.CreatedClientSecret) [][2]string {
	return [][2]string{
		{"Client ID", s.ClientID},
		{"Client secret", s.ClientSecret},
		{"Hint", s.Hint},
		{"Ends", moment(s.ExpiresAt)},
		{"Old secrets end", moment(s.OverlapEnd)},
	}
}

func (c *clients) secretDeleteCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "delete CLIENT_ID HINT",
		Short: "Erase a secret of an OAuth client",
		Args:  args("CLIENT_ID", "HINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			from, _, err := c.api()
			if err != nil {
				return err
			}
			return from.DeleteSecret(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really erase it")
	return cmd
}

func (c *clients) secretRotateCommand() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use:   "rotate CLIENT_ID",
		Short: "Replace the secrets of an OAuth client by a new one and print it, once",
		Long: `Replace the secrets of an OAuth client by a new one, and print it, once.

With --overlap the old ones go on to work for so long, beside the new one. When the
new one is in place everywhere, "secret finish" ends the old ones early; if it can't
be, "secret cancel" takes it back. Without --overlap the old ones end at once.`,
		Example: `  freehold secret rotate 82e0c353eca9a5d849c74d7e98f13f7e --overlap 24h
  freehold secret finish 82e0c353eca9a5d849c74d7e98f13f7e`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if overlap < 0 {
				return fmt.Errorf("--overlap %s is less than 0", overlap)
			}
			from, _, err := c.api()
			if err != nil {
				return err
			}
			made, err := from.RotateSecret(cmd.Context(), args[0], overlap)
			if err != nil {
				return err
			}
			return c.showSecret(cmd, made, secretDetails(made))
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 0, "how long the old secrets go on to work, such as 24h")
	return cmd
}

func (c *clients) rotationCommand(use, short string, do func(client.OAuthClients, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " CLIENT_ID",
		Short: short,
		Args:  args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, _, err := c.api()
			if err != nil {
				return err
			}
			return do(from, cmd.Context(), args[0])
		},
	}
}
