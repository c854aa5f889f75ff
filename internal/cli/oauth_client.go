package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/command"
)

func oauthClientCommand(env Env) *cobra.Command {
	conn, out := &connection{env: env}, env.output()
	c := &clients{conn: conn, out: out}
	cmd := command.Group(&cobra.Command{
		Use:   "oauth-client",
		Short: "Create and manage OAuth clients",
		Long:  "Create and manage OAuth clients.\n" + levelHelp + "\n" + connectionHelp,
	}, oauthClientCreateCommand(c), c.listCommand(), c.getCommand(), c.updateCommand(), c.deleteCommand(), c.publishCommand())
	conn.flags(cmd)
	c.flags(cmd)
	out.Flag(cmd)
	return cmd
}

type oauthClientCreate struct {
	clients *clients
	conn    *connection
	out     *command.Output
	request api.CreateOAuthClientRequest
	scopes  []string
	region  string
	trusted bool
	trust   trust
}

func oauthClientCreateCommand(of *clients) *cobra.Command {
	c := &oauthClientCreate{clients: of, conn: of.conn, out: of.out}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an OAuth client and print its secret, once",
		Long: `Create an OAuth client: of the organization, if the server is the console, or else
of the tenant whose host it is. With --subscription and --region it is a
region-level client. The secret is printed now and never again. There is none if the
client is made with a key or an outside issuer to authenticate by.`,
		Example: `  freehold oauth-client create --context console --name inventory \
      --scope cloud-console.tenants:read --output json > inventory.json
  freehold oauth-client create --server acme.us.example.com --name ci \
      --scope admin_classic --grant-type client_credentials --trusted
  freehold oauth-client create --context console --subscription 1048362759104836 \
      --region us --name ci --scope tenants:create --federation-file github.json`,
		Args: args(),
		RunE: c.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.request.ClientName, "name", "", "name of the client (required)")
	flags.StringVar(&c.request.AppType, "app-type", api.AppTypeWeb, "type of the application: web, native, spa or anonymous-embed")
	flags.StringArrayVar(&c.scopes, "scope", nil, "scope that the client may ask for; may be repeated")
	flags.StringArrayVar(&c.request.AllowedGrantTypes, "grant-type", nil, "grant type that the client may use; may be repeated")
	flags.StringVar(&c.request.Description, "description", "", "what the client is for, in your words")
	flags.StringVar(&c.request.TokenBinding, "token-binding", "", "what its tokens must be bound to: dpop or mtls")
	c.trust.flags(flags)
	flags.StringVar(&c.region, "region", "", "region code, with --subscription")
	flags.BoolVar(&c.trusted, "trusted", false, "do not ask users for consent; machine-to-machine clients need it")
	return cmd
}

func (o *oauthClientCreate) run(cmd *cobra.Command, _ []string) error {
	if strings.TrimSpace(o.request.ClientName) == "" {
		return errors.New("--name is missing: say what the client is called")
	}
	if (o.region == "") != (o.clients.subscription == "") {
		return errors.New("--subscription and --region go together: they make a region-level client")
	}
	asJSON, err := o.out.JSON(cmd)
	if err != nil {
		return err
	}
	request := o.request
	request.AllowedScopes = fields(o.scopes)
	if err := o.trust.read(&request); err != nil {
		return err
	}
	if o.trusted {
		request.ConnectionConfig = &api.ConnectionConfig{ConsentMethod: "trusted"}
	}
	c, _, err := o.conn.client()
	if err != nil {
		return err
	}
	if _, _, err := o.clients.api(); err != nil { // a subscription at another host
		return err
	}
	noteScopes(cmd, c, request.AllowedScopes)
	create := c.CreateOAuthClient
	switch {
	case o.clients.subscription != "":
		create = func(ctx context.Context, r api.CreateOAuthClientRequest) (*api.OAuthClient, error) {
			return c.CreateRegionOAuthClient(ctx, o.clients.subscription, api.CreateRegionOAuthClientRequest{
				RegionCode: o.region, ClientName: r.ClientName, Description: r.Description, AllowedScopes: r.AllowedScopes,
				TokenBinding: r.TokenBinding, PublicKeys: r.PublicKeys, JWKSURI: r.JWKSURI, FederatedCredentials: r.FederatedCredentials,
			})
		}
	case hostLabel(c.BaseURL()) == consoleLabel:
		create = c.CreateOrganizationOAuthClient
	}
	created, err := create(cmd.Context(), request)
	if err != nil {
		return err
	}
	if asJSON {
		err = command.WriteJSON(cmd.OutOrStdout(), created)
	} else {
		err = o.out.Details(cmd, oauthClientDetails(created))
	}
	if err == nil && created.ClientSecret != "" {
		note(cmd, "Store the secret now: it is not shown again.")
	}
	return err
}

func oauthClientDetails(c *api.OAuthClient) [][2]string {
	consent := ""
	if c.ConnectionConfig != nil {
		consent = c.ConnectionConfig.ConsentMethod
	}
	return [][2]string{
		{"Client ID", c.ClientID},
		{"Client secret", c.ClientSecret},
		{"Name", c.ClientName},
		{"Description", c.Description},
		{"Type", c.AppType},
		{"Scopes", strings.Join(c.AllowedScopes, " ")},
		{"Grant types", strings.Join(c.AllowedGrantTypes, " ")},
		{"Consent", consent},
		{"Created", moment(&c.CreatedAt)},
	}
}
