package operator

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// clientStateCommands stop clients and start them again.
func clientStateCommands(with with) []*cobra.Command {
	set := func(use, short, done string, enabled bool) *cobra.Command {
		var organization string
		cmd := &cobra.Command{
			Use: use + " CLIENT_ID", Short: short, Args: cobra.ExactArgs(1),
			RunE: with(func(s *session, args []string) error {
				id, err := s.organization(organization)
				if err != nil {
					return err
				}
				c, err := s.Credential.SetClientEnabled(s.cmd.Context(), s.actor, id, estate.ClientID(args[0]), enabled)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(s.cmd.ErrOrStderr(), "%s (%s) is %s.\n", c.Name, c.ID, done)
				return err
			}),
		}
		cmd.Flags().StringVar(&organization, "organization", "", organizationUsage)
		return cmd
	}
	var organization string
	yes := false
	remove := &cobra.Command{
		Use: "delete CLIENT_ID", Short: "Delete a client for good; its bots stay behind, disabled", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			id, err := s.organization(organization)
			if err != nil {
				return err
			}
			realm := credential.Realm{Scope: estate.Scope{Organization: id}}
			return s.Credential.DeleteClient(s.cmd.Context(), s.actor, realm, estate.ClientID(args[0]), args[0])
		}),
	}
	remove.Flags().StringVar(&organization, "organization", "", organizationUsage)
	remove.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return []*cobra.Command{
		set("disable", "Stop a client and its bots, at once and everywhere", "disabled", false),
		set("enable", "Let a disabled client and its bots act again", "enabled", true),
		remove,
	}
}

// botView is a bot that has lost its client.
type botView struct {
	ID         estate.UserID   `json:"id"`
	Name       string          `json:"name"`
	Tenant     estate.TenantID `json:"tenantId"`
	TenantName string          `json:"tenantName"`
	Client     estate.ClientID `json:"clientId"`
	ClientName string          `json:"clientName"`
	Level      estate.Level    `json:"clientLevel"`
	Reason     string          `json:"reason"` // "deleted" or "disabled": what happened to the client
	Since      time.Time       `json:"since"`
	Spaces     []string        `json:"spaces"` // names of those that it owns
}

func viewOrphan(o credential.Orphan) botView {
	v := botView{
		ID: o.Bot.ID, Name: o.Bot.Name, Tenant: o.Tenant.ID, TenantName: o.Tenant.Name,
		Client: o.Client.ID, ClientName: o.Client.Name, Level: o.Client.Level, Reason: "deleted", Since: o.Client.DeletedAt,
	}
	if o.Client.DeletedAt.IsZero() {
		v.Reason, v.Since = "disabled", o.Client.DisabledAt
	}
	for _, space := range o.Spaces {
		v.Spaces = append(v.Spaces, space.Name)
	}
	return v
}

// botsCommand deals with what clients leave behind in tenants.
func botsCommand(with with) *cobra.Command {
	var listOf string
	listAll := &cobra.Command{
		Use: "list", Short: "List the bots whose client is deleted or disabled", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(listOf)
			if err != nil {
				return err
			}
			all, err := s.Credential.Orphans(s.cmd.Context(), s.actor, estate.Scope{Organization: id}, 0)
			return list(s, err, all, viewOrphan, []string{"ID", "NAME", "TENANT", "TENANT ID", "CLIENT ID", "REASON", "SINCE", "SPACES"}, func(v botView) []string {
				return []string{string(v.ID), v.Name, v.TenantName, string(v.Tenant), string(v.Client), v.Reason, v.Since.Format(time.RFC3339), strings.Join(v.Spaces, ", ")}
			})
		}),
	}
	listAll.Flags().StringVar(&listOf, "organization", "", organizationUsage)

	var adoptOf, client string
	adopt := &cobra.Command{
		Use: "adopt BOT_ID", Short: "Give a bot, and what it owns, to another client of the same level and place", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			id, err := s.organization(adoptOf)
			if err != nil {
				return err
			}
			bot, err := s.Credential.AdoptBot(s.cmd.Context(), s.actor, estate.Scope{Organization: id}, estate.UserID(args[0]), estate.ClientID(client))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.cmd.ErrOrStderr(), "%s is active, as the bot of client %s.\n", bot.ID, bot.ClientID)
			return err
		}),
	}
	adopt.Flags().StringVar(&adoptOf, "organization", "", organizationUsage)
	adopt.Flags().StringVar(&client, "client", "", "id of the client that the bot is for from now on")
	_ = adopt.MarkFlagRequired("client")

	var removeOf string
	yes := false
	remove := &cobra.Command{
		Use: "remove BOT_ID", Short: "Delete a bot that has lost its client from its tenant", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			id, err := s.organization(removeOf)
			if err != nil {
				return err
			}
			return s.Credential.RemoveBot(s.cmd.Context(), s.actor, estate.Scope{Organization: id}, estate.UserID(args[0]))
		}),
	}
	remove.Flags().StringVar(&removeOf, "organization", "", organizationUsage)
	remove.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return group("bots", "Bots that have lost their client", listAll, adopt, remove)
}
