package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

const pageSize = 100 // the most that the server gives at once

type tenantList struct {
	conn   *connection
	out    *command.Output
	filter string
	sort   string
	limit  int
	total  bool
}

func tenantListCommand(conn *connection, out *command.Output) *cobra.Command {
	l := &tenantList{conn: conn, out: out}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tenants, at the console or at a region's register host",
		Long: `List the tenants of the organization, with an organization-level context, whose
server is the console; or those of the subscription in one region, with a
region-level context, whose server is the region's register host.

A filter compares attributes with eq, ne, gt, ge, lt, le or co, and combines
comparisons with and, or, not and parentheses. Attributes: subscriptionId,
regionCode, countryCode, name, hostnames, createdAt, updatedAt, id, status,
provisioningState, externalId, and labels, which are compared as labels eq "plan=gold".`,
		Example: `  freehold tenant list --filter 'status eq "active"' --sort -createdAt
  freehold tenant list --limit 0 --output json | jq -r '.[].hostnames[0]'`,
		Args: args(),
		RunE: l.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&l.filter, "filter", "", "filter (SCIM) that picks tenants")
	flags.StringVar(&l.sort, "sort", "", "attributes to sort by, with commas between them, each with - before it for descending")
	flags.IntVar(&l.limit, "limit", 100, "most tenants to list; 0 lists all")
	flags.BoolVar(&l.total, "total", false, "also say how many tenants there are")
	return cmd
}

// tenantSink takes tenants as they come.
type tenantSink interface {
	add(tenant *api.OrganizationTenant) error
	end() error
}

func (l *tenantList) run(cmd *cobra.Command, _ []string) error {
	if l.limit < 0 {
		return fmt.Errorf("--limit %d is less than 0", l.limit)
	}
	asJSON, err := l.out.JSON(cmd)
	if err != nil {
		return err
	}
	c, _, err := l.conn.client()
	if err != nil {
		return err
	}
	if hostLabel(c.BaseURL()) == registerLabel {
		return l.listAtRegister(cmd, c)
	}
	var sink tenantSink = &tenantTable{out: l.out, cmd: cmd}
	if asJSON {
		sink = tenantArray{&command.JSONArray{W: cmd.OutOrStdout()}}
	}
	listed, err := l.fetch(cmd, c, sink)
	if err != nil {
		return explain(err, c, consoleLabel, "the tenants of an organization are listed at the console")
	}
	if err := sink.end(); err != nil {
		return err
	}
	l.summarize(cmd, listed)
	return nil
}

// listing says how much of the whole was listed.
type listing struct {
	shown int
	more  bool
	total *int64
}

func (l *tenantList) fetch(cmd *cobra.Command, c *client.Client, sink tenantSink) (listing, error) {
	opts := client.TenantListOptions{Filter: l.filter, Sort: l.sort, Limit: pageSize, TotalResults: l.total}
	if l.limit > 0 {
		opts.Limit = min(l.limit, pageSize)
	}
	var done listing
	for page, err := range c.TenantPages(cmd.Context(), opts) {
		if err != nil {
			return done, err
		}
		if done.total == nil {
			done.total = page.TotalResults
		}
		for i := range page.Data {
			if l.limit > 0 && done.shown == l.limit {
				done.more = true
				return done, nil
			}
			if err := sink.add(&page.Data[i]); err != nil {
				return done, err
			}
			done.shown++
		}
		if l.limit > 0 && done.shown == l.limit {
			done.more = page.Links.Next != nil && page.Links.Next.Href != ""
			return done, nil
		}
	}
	return done, nil
}

// summarize tells a person what the list leaves out.
func (l *tenantList) summarize(cmd *cobra.Command, done listing) {
	var text []string
	switch {
	case l.total && done.total != nil:
		text = append(text, fmt.Sprintf("%d of %d tenants.", done.shown, *done.total))
	case done.shown == 0:
		text = append(text, "No tenants.")
	}
	if done.more {
		text = append(text, moreThere)
	}
	if len(text) > 0 {
		note(cmd, "%s", strings.Join(text, " "))
	}
}

// tenantArray writes each tenant at once, so that a large estate needs no
// memory.
type tenantArray struct{ *command.JSONArray }

func (a tenantArray) add(tenant *api.OrganizationTenant) error { return a.Add(tenant) }
func (a tenantArray) end() error                               { return a.End() }

// tenantTable collects all tenants, to know how wide the columns are.
type tenantTable struct {
	out  *command.Output
	cmd  *cobra.Command
	rows [][]string
}

func (t *tenantTable) add(tenant *api.OrganizationTenant) error {
	hostname := ""
	if n := len(tenant.Hostnames); n > 0 {
		hostname = tenant.Hostnames[n-1] // the alias, if there is one
	}
	t.rows = append(t.rows, []string{
		tenant.Name, tenant.Status, tenant.RegionCode, hostname, tenant.ID, tenant.SubscriptionID, moment(&tenant.CreatedAt),
	})
	return nil
}

func (t *tenantTable) end() error {
	if len(t.rows) == 0 {
		return nil
	}
	return t.out.Table(t.cmd, []string{"NAME", "STATUS", "REGION", "HOST NAME", "ID", "SUBSCRIPTION", "CREATED"}, t.rows)
}
