package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

const eventsHelp = `
What is meant is the organization with all its tenants, if the server is the
console, or else the tenant whose host it is.`

// events returns what happens at the server that is connected to.
func (c *connection) events() (client.Events, error) {
	conn, _, err := c.client()
	if err != nil {
		return client.Events{}, err
	}
	if hostLabel(conn.BaseURL()) == consoleLabel {
		return conn.OrganizationEvents(), nil
	}
	return conn.TenantEvents(), nil
}

func auditCommand(env Env) *cobra.Command {
	cmd := command.Group(&cobra.Command{
		Use:   "audit",
		Short: "Read the audit trail",
		Long:  "Read the audit trail.\n" + eventsHelp + "\n" + connectionHelp,
	})
	for _, child := range []func(*connection, *command.Output) *cobra.Command{auditListCommand, auditGetCommand} {
		// Not on the group: the operator's commands in it work on a data folder.
		conn, out := &connection{env: env}, env.output()
		made := child(conn, out)
		conn.flags(made)
		out.Flag(made)
		cmd.AddCommand(made)
	}
	return cmd
}

func auditListCommand(conn *connection, out *command.Output) *cobra.Command {
	var opts client.AuditOptions
	var since time.Duration
	limit := 100
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List audit events, the newest first",
		Example: `  freehold audit list --context console --type com.qlik.tenant.created
  freehold audit list --since 24h --limit 0 --output json`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return fmt.Errorf("--limit %d is less than 0", limit)
			}
			if opts.Limit = pageSize; limit > 0 {
				opts.Limit = min(limit, pageSize)
			}
			if since > 0 {
				opts.From = conn.env.Now().Add(-since)
			}
			events, err := conn.events()
			if err != nil {
				return err
			}
			all := []api.AuditEvent{}
			for event, err := range events.Audits(cmd.Context(), opts) {
				if err != nil {
					return err
				}
				if limit > 0 && len(all) == limit {
					note(cmd, moreThere)
					break
				}
				all = append(all, event)
			}
			rows := make([][]string, len(all))
			for i, e := range all {
				rows[i] = []string{moment(&e.EventTime), e.EventType, e.Extensions.Outcome, e.Extensions.Actor.Sub, e.Extensions.TopLevelResourceID, e.TenantID, e.ID}
			}
			return out.List(cmd, all, []string{"TIME", "TYPE", "OUTCOME", "BY", "ABOUT", "TENANT", "ID"}, rows)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.EventType, "type", "", "only events of this type")
	flags.StringVar(&opts.Source, "source", "", "only events from this source")
	flags.StringVar(&opts.UserID, "user", "", "only what this user did")
	flags.StringVar(&opts.Sort, "sort", "", "attribute to sort by: eventTime, eventType or source, with - before it for descending (default -eventTime)")
	flags.DurationVar(&since, "since", 0, "only what happened in the time until now, such as 24h")
	flags.IntVar(&limit, "limit", limit, "most events to list; 0 lists all")
	return cmd
}

func auditGetCommand(conn *connection, _ *command.Output) *cobra.Command {
	return &cobra.Command{
		Use:   "get EVENT",
		Short: "Print an audit event as JSON",
		Args:  args("EVENT"),
		RunE: func(cmd *cobra.Command, given []string) error {
			events, err := conn.events()
			if err != nil {
				return err
			}
			event, err := events.GetAudit(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			return command.WriteJSON(cmd.OutOrStdout(), event)
		},
	}
}
