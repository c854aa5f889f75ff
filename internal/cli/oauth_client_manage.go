package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

const levelHelp = `
The clients are those of the organization, if the server is the console, or else
of the tenant whose host it is; with --subscription, at the console, those of a
subscription's regions.`

// clients is which OAuth clients a group of commands is about.
type clients struct {
	conn         *connection
	out          *command.Output
	subscription string
}

func (c *clients) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.subscription, "subscription", "", "licence number: the region-level clients of this subscription")
}

// api returns the API of the clients at the server that is connected to.
func (c *clients) api() (client.OAuthClients, *client.Client, error) {
	conn, _, err := c.conn.client()
	if err != nil {
		return client.OAuthClients{}, nil, err
	}
	atConsole := hostLabel(conn.BaseURL()) == consoleLabel
	switch {
	case c.subscription != "" && !atConsole:
		return client.OAuthClients{}, nil, fmt.Errorf("--subscription is for the console, and this is %s", conn.BaseURL())
	case c.subscription != "":
		return conn.SubscriptionOAuthClients(c.subscription), conn, nil
	case atConsole:
		return conn.OrganizationOAuthClients(), conn, nil
	}
	return conn.TenantOAuthClients(), conn, nil
}

func (c *clients) listCommand() *cobra.Command {
	var opts client.OAuthClientListOptions
	limit := 100
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List OAuth clients",
		Long: `List OAuth clients, without their secrets.

A filter compares clientId, clientName, appType, createdByType and, depending on
the level, tenantId or regionCode, with eq and ne, and clientName also with co.`,
		Example: `  freehold oauth-client list --filter 'clientName co "ci"' --sort -updatedAt
  freehold oauth-client list --subscription 1048362759104836 --output json`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return fmt.Errorf("--limit %d is less than 0", limit)
			}
			opts.Limit = pageSize
			if limit > 0 {
				opts.Limit = min(limit, pageSize)
			}
			api, _, err := c.api()
			if err != nil {
				return err
			}
			return c.list(cmd, api, opts, limit)
		},
	}
	cmd.Flags().StringVar(&opts.Filter, "filter", "", "filter (SCIM) that picks clients")
	cmd.Flags().StringVar(&opts.Sort, "sort", "", "attributes to sort by, with commas between them, each with - before it for descending")
	cmd.Flags().IntVar(&limit, "limit", limit, "most clients to list; 0 lists all")
	return cmd
}

func (c *clients) list(cmd *cobra.Command, from client.OAuthClients, opts client.OAuthClientListOptions, limit int) error {
	all := []api.OAuthClient{}
	more := false
	for one, err := range from.All(cmd.Context(), opts) {
		if err != nil {
			return err
		}
		if more = limit > 0 && len(all) == limit; more {
			break
		}
		all = append(all, one)
	}
	if more {
		note(cmd, moreThere)
	}
	rows := make([][]string, len(all))
	for i, one := range all {
		rows[i] = []string{one.ClientName, one.ClientID, one.AppType, state(&one), one.RegionCode, strings.Join(one.AllowedScopes, " "), moment(&one.CreatedAt)}
	}
	return c.out.List(cmd, all, []string{"NAME", "CLIENT ID", "TYPE", "STATUS", "REGION", "SCOPES", "CREATED"}, rows)
}

// noteScopes says which scopes of a tenant's client mean something only to services
// of its owner: often they are misspelt.
func noteScopes(cmd *cobra.Command, conn *client.Client, scopes []string) {
	if hostLabel(conn.BaseURL()) == consoleLabel {
		return
	}
	for _, name := range scopes {
		parent, _, _ := strings.Cut(name, ":")
		_, known := api.ClassOfScope(name)
		if _, child := api.ClassOfScope(parent); !known && !child {
			note(cmd, "The scope %s is not in the catalogue; tokens carry it for services of yours.", name)
		}
	}
}

// state is what stands out about a client.
func state(c *api.OAuthClient) string {
	switch {
	case c.DeletedAt != nil:
		return "deleted"
	case c.DisableTag != "":
		return c.DisableTag
	case c.PublishedAt != nil:
		return "published"
	}
	return "active"
}

func (c *clients) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get CLIENT_ID",
		Short: "Show an OAuth client",
		Args:  args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, _, err := c.api()
			if err != nil {
				return err
			}
			found, err := api.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON, err := c.out.JSON(cmd); err != nil || asJSON {
				return errors.Join(err, command.WriteJSON(cmd.OutOrStdout(), found))
			}
			details := append(oauthClientDetails(found), [][2]string{
				{"Region", found.RegionCode},
				{"Redirect URIs", strings.Join(found.RedirectURIs, " ")},
				{"Origins", strings.Join(found.AllowedOrigins, " ")},
				{"Published", moment(found.PublishedAt)},
				{"Status", state(found)},
				{"Tokens bound to", found.TokenBinding},
				{"Keys at", found.JWKSURI},
			}...)
			for _, f := range found.FederatedCredentials {
				details = append(details, [2]string{"Trusts " + f.Name, f.Issuer})
			}
			for _, s := range found.ClientSecrets {
				details = append(details, [2]string{"Secret …" + s.Hint, describeSecret(s)})
			}
			return c.out.Details(cmd, details)
		},
	}
}

// edit is a member of a client that a flag of "update" sets.
type edit struct {
	flag, path string
	text       *string
	list       *[]string
}

func (c *clients) updateCommand() *cobra.Command {
	var remove []string
	edits := []edit{
		{flag: "name", path: "/clientName", text: new(string)},
		{flag: "description", path: "/description", text: new(string)},
		{flag: "scope", path: "/allowedScopes", list: new([]string)},
		{flag: "client-uri", path: "/clientUri", text: new(string)},
		{flag: "logo-uri", path: "/logoUri", text: new(string)},
		{flag: "redirect-uri", path: "/redirectUris", list: new([]string)},
		{flag: "origin", path: "/allowedOrigins", list: new([]string)},
		{flag: "grant-type", path: "/allowedGrantTypes", list: new([]string)},
		{flag: "auth-method", path: "/allowedAuthMethods", list: new([]string)},
	}
	var consent string
	cmd := &cobra.Command{
		Use:   "update CLIENT_ID",
		Short: "Change an OAuth client",
		Long: `Change an OAuth client. What is not named stays as it is; a list is replaced as a
whole. At the console only name, description and scopes can be changed.`,
		Example: `  freehold oauth-client update 82e0c353eca9a5d849c74d7e98f13f7e --name ci --scope tenants:create
  freehold oauth-client update 82e0c353eca9a5d849c74d7e98f13f7e --consent trusted`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			patch, err := patchOf(cmd, edits, remove)
			if err != nil {
				return err
			}
			if len(patch) == 0 && consent == "" {
				return errors.New("nothing to change; see --help for what can be")
			}
			from, conn, err := c.api()
			if err != nil {
				return err
			}
			noteScopes(cmd, conn, fields(*edits[2].list))
			if consent != "" {
				if err := from.SetConsent(cmd.Context(), args[0], consent); err != nil {
					return err
				}
			}
			if len(patch) == 0 {
				return nil
			}
			secret, err := from.Update(cmd.Context(), args[0], patch)
			if err != nil || secret == "" {
				return err
			}
			return c.showSecret(cmd, api.PatchedOAuthClient{ClientSecret: secret}, [][2]string{{"Client secret", secret}})
		},
	}
	for _, e := range edits {
		if e.text != nil {
			cmd.Flags().StringVar(e.text, e.flag, "", "replaces "+e.path[1:])
		} else {
			cmd.Flags().StringArrayVar(e.list, e.flag, nil, "replaces "+e.path[1:]+"; may be repeated")
		}
	}
	cmd.Flags().StringArrayVar(&remove, "remove", nil, "member to leave empty, named as the flag that sets it; may be repeated")
	cmd.Flags().StringVar(&consent, "consent", "", "how this tenant agrees to the client: trusted or required")
	return cmd
}

// patchOf makes a patch of the flags that were given.
func patchOf(cmd *cobra.Command, edits []edit, remove []string) (patch []api.PatchOperation, err error) {
	paths := map[string]string{}
	for _, e := range edits {
		paths[e.flag] = e.path
		switch {
		case !cmd.Flags().Changed(e.flag):
		case e.text != nil:
			patch = append(patch, api.PatchOperation{Op: "replace", Path: e.path, Value: *e.text})
		default:
			patch = append(patch, api.PatchOperation{Op: "replace", Path: e.path, Value: fields(*e.list)})
		}
	}
	for _, flag := range remove {
		if paths[flag] == "" {
			return nil, fmt.Errorf("--remove %q: there is no such member", flag)
		}
		patch = append(patch, api.PatchOperation{Op: "remove", Path: paths[flag]})
	}
	return patch, nil
}

func (c *clients) deleteCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "delete CLIENT_ID",
		Short: "Delete an OAuth client, at once and for good",
		Long: `Delete an OAuth client. It no longer authenticates, tokens that it has got are no
longer accepted, and its bot users are disabled, in all tenants.`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			api, _, err := c.api()
			if err != nil {
				return err
			}
			return api.Delete(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return cmd
}

func (c *clients) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "publish CLIENT_ID",
		Short: "Make a tenant's OAuth client known to the tenants of its region",
		Long: `Make a tenant's OAuth client known, with the same id, to the other tenants of its
region and organization. It can act in another tenant once an administrator there
trusts it: freehold oauth-client update CLIENT_ID --consent trusted.

It can't be undone.`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, _, err := c.api()
			if err != nil {
				return err
			}
			at, err := from.Publish(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			stamp := api.Time{Time: at}
			return c.out.One(cmd, api.PublishedOAuthClient{PublishedAt: stamp}, []string{"Published"}, []string{moment(&stamp)})
		},
	}
}

// showSecret writes a secret that is told this once.
func (c *clients) showSecret(cmd *cobra.Command, v any, details [][2]string) error {
	asJSON, err := c.out.JSON(cmd)
	switch {
	case err != nil:
		return err
	case asJSON:
		err = command.WriteJSON(cmd.OutOrStdout(), v)
	default:
		err = c.out.Details(cmd, details)
	}
	if err == nil {
		note(cmd, "Store the secret now: it is not shown again.")
	}
	return err
}
