package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

// providers is what the commands about identity providers share.
type providers struct {
	conn *connection
	out  *command.Output
}

func identityProviderCommand(env Env) *cobra.Command {
	p := &providers{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(&cobra.Command{
		Use:   "identity-provider",
		Short: "Manage how people sign in to a tenant, or accounts to the console",
		Long: `Manage the identity providers of the tenant whose host the server is: issuers of
JWTs, by which a portal signs people in, and the OpenID provider that browsers
are sent to. At the console host it is the OpenID provider by which the accounts
of the organization sign in.

` + connectionHelp,
	}, p.listCommand(), p.getCommand(), p.createCommand(), p.updateCommand(), p.promoteCommand(), p.deleteCommand())
	p.conn.flags(cmd)
	p.out.Flag(cmd)
	return cmd
}

// client manages the identity providers of the host that the server is.
func (p *providers) client() (client.IdentityProviders, *client.Client, error) {
	c, _, err := p.conn.client()
	if err != nil {
		return client.IdentityProviders{}, nil, err
	}
	if hostLabel(c.BaseURL()) == consoleLabel {
		return c.OrganizationIdentityProviders(), c, nil
	}
	return c.TenantIdentityProviders(), c, nil
}

func (p *providers) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List identity providers",
		Args:  args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := p.client()
			if err != nil {
				return err
			}
			all := []api.IdentityProvider{}
			var rows [][]string
			for one, err := range c.All(cmd.Context()) {
				if err != nil {
					return err
				}
				all = append(all, one)
				rows = append(rows, []string{one.ID, one.Protocol, one.Provider, providerState(&one), providerIssuer(&one), one.Description, moment(&one.Created)})
			}
			return p.out.List(cmd, all, []string{"ID", "PROTOCOL", "PROVIDER", "STATE", "ISSUER", "DESCRIPTION", "CREATED"}, rows)
		},
	}
}

// providerState is what stands out about an identity provider.
func providerState(p *api.IdentityProvider) string {
	switch {
	case p.Active && p.PendingState != "":
		return "active, change " + p.PendingState
	case p.Active:
		return "active"
	case p.PendingState != "":
		return p.PendingState
	}
	return "inactive"
}

// providerIssuer is what an identity provider is known by.
func providerIssuer(p *api.IdentityProvider) string {
	for _, o := range []*api.IdentityProviderOptions{p.Options, p.PendingOptions} {
		switch {
		case o == nil:
		case o.Issuer != "":
			return o.Issuer
		case o.DiscoveryURL != "":
			return o.DiscoveryURL
		case o.OpenIDConfiguration != nil:
			return o.OpenIDConfiguration.Issuer
		}
	}
	return ""
}

func (p *providers) show(cmd *cobra.Command, found *api.IdentityProvider) error {
	asJSON, err := p.out.JSON(cmd)
	switch {
	case err != nil:
		return err
	case asJSON:
		return command.WriteJSON(cmd.OutOrStdout(), found)
	}
	test := ""
	if found.PendingResult != nil {
		test = found.PendingResult.Status
		if found.PendingResult.Error != "" {
			test += ": " + found.PendingResult.Error
		}
	}
	return p.out.Details(cmd, [][2]string{
		{"ID", found.ID},
		{"Protocol", found.Protocol},
		{"Provider", found.Provider},
		{"State", providerState(found)},
		{"Issuer", providerIssuer(found)},
		{"Description", found.Description},
		{"Last test", test},
		{"Created", moment(&found.Created)},
		{"Updated", moment(&found.LastUpdated)},
	})
}

func (p *providers) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get ID",
		Short: "Show an identity provider",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := p.client()
			if err != nil {
				return err
			}
			found, err := c.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.show(cmd, found)
		},
	}
}

func (p *providers) createCommand() *cobra.Command {
	var issuer, keyID, keyFile, description, file string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an identity provider",
		Long: `Create an identity provider.

With --issuer, --key-id and --key-file it is an issuer of JWTs: a program that has
the private key signs people in by POST /login/jwt-session. The file has the public
key, or a certificate of it, in PEM.

Any other is made of a JSON file, as POST /api/v1/identity-providers takes it; "-"
reads it from standard input, where others do not see its secret. An OpenID provider
with pendingOptions is to be tested then in a browser: /login/test?idp=ID.`,
		Example: `  freehold identity-provider create --server acme.us.example.com \
      --issuer https://portal.example.com --key-id 2026-11 --key-file portal.pem
  freehold identity-provider create --file - < keycloak.json`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var request api.CreateIdentityProviderRequest
			switch byKey := issuer != "" || keyID != "" || keyFile != ""; {
			case byKey == (file != ""):
				return errors.New("say either --issuer, --key-id and --key-file, or --file")
			case byKey && (issuer == "" || keyID == "" || keyFile == ""):
				return errors.New("--issuer, --key-id and --key-file go together")
			case byKey:
				pem, err := os.ReadFile(keyFile)
				if err != nil {
					return err
				}
				request = api.CreateIdentityProviderRequest{
					Protocol: api.ProtocolJWT, Provider: "external",
					Options: &api.IdentityProviderOptions{Issuer: issuer, StaticKeys: []api.StaticKey{{KeyID: keyID, PEM: string(pem)}}},
				}
			default:
				if err := readJSONFile(cmd.InOrStdin(), file, &request); err != nil {
					return err
				}
			}
			if description != "" {
				request.Description = description
			}
			c, conn, err := p.client()
			if err != nil {
				return err
			}
			created, err := c.Create(cmd.Context(), request)
			if err != nil {
				return err
			}
			if created.PendingOptions != nil {
				note(cmd, "Test it in a browser, as an administrator: %s", conn.BaseURL()+"/login/test?idp="+created.ID)
			}
			return p.show(cmd, created)
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", "", "issuer of the JWTs, their iss")
	cmd.Flags().StringVar(&keyID, "key-id", "", "key id of the JWTs, their kid")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with the public key, in PEM")
	cmd.Flags().StringVar(&description, "description", "", "what it is for, in your words")
	cmd.Flags().StringVar(&file, "file", "", `JSON file with the whole request; "-" is standard input`)
	return cmd
}

// readJSONFile reads a file, or standard input for "-".
func readJSONFile(stdin io.Reader, file string, into any) error {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s is not the JSON that is wanted: %w", file, err)
	}
	return nil
}

func (p *providers) updateCommand() *cobra.Command {
	var description, file string
	var active bool
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Change an identity provider",
		Long: `Change an identity provider. Of an issuer of JWTs only the description can be
changed. New options of an OpenID provider come from a JSON file; "-" reads them
from standard input. They are tested and promoted before they count.`,
		Example: `  freehold identity-provider update 6571c0a94be2d83f1097ac5e --active=false
  freehold identity-provider update 6571c0a94be2d83f1097ac5e --pending-options - < new.json`,
		Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var patch []api.PatchOperation
			if cmd.Flags().Changed("description") {
				patch = append(patch, api.PatchOperation{Op: "replace", Path: "/description", Value: description})
			}
			if cmd.Flags().Changed("active") {
				patch = append(patch, api.PatchOperation{Op: "replace", Path: "/active", Value: active})
			}
			if file != "" {
				var options json.RawMessage
				if err := readJSONFile(cmd.InOrStdin(), file, &options); err != nil {
					return err
				}
				patch = append(patch, api.PatchOperation{Op: "replace", Path: "/pendingOptions", Value: options})
			}
			if len(patch) == 0 {
				return errors.New("nothing to change: say --description, --active or --pending-options")
			}
			c, _, err := p.client()
			if err != nil {
				return err
			}
			return c.Update(cmd.Context(), args[0], patch)
		},
	}
	cmd.Flags().StringVar(&description, "description", "", "what it is for, in your words")
	cmd.Flags().BoolVar(&active, "active", false, "whether people can sign in by it")
	cmd.Flags().StringVar(&file, "pending-options", "", `JSON file with new options; "-" is standard input`)
	return cmd
}

func (p *providers) promoteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "promote ID",
		Short: "Put options in force that have passed their test",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := p.client()
			if err != nil {
				return err
			}
			return c.Promote(cmd.Context(), args[0])
		},
	}
}

func (p *providers) deleteCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete an identity provider, and sign out who came in by it",
		Args:  args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			c, _, err := p.client()
			if err != nil {
				return err
			}
			return c.Delete(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return cmd
}
