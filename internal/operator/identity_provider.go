package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// providerView is an identity provider as the commands print it.
type providerView struct {
	ID           estate.IdentityProviderID `json:"id"`
	Organization estate.OrganizationID     `json:"organization"`
	Provider     string                    `json:"provider"`
	Description  string                    `json:"description"`
	Active       bool                      `json:"active"`
	PendingState estate.PendingState       `json:"pendingState,omitempty"`
	RedirectURL  string                    `json:"redirectUrl"`    // that the provider has to know
	Test         string                    `json:"test,omitempty"` // where a browser tests what waits for it
}

// identityProviderCommand is how an organization gets single sign-on before anybody
// could sign in to set it up.
func identityProviderCommand(with with) *cobra.Command {
	headers := []string{"ID", "PROVIDER", "DESCRIPTION", "ACTIVE", "PENDING", "REDIRECT URL"}
	row := func(v providerView) []string {
		return []string{string(v.ID), v.Provider, v.Description, strconv.FormatBool(v.Active), string(v.PendingState), v.RedirectURL}
	}
	var organization, file string
	// acts is the operator within the organization that is named.
	acts := func(s *session) (estate.Actor, error) {
		id, err := s.organization(organization)
		actor := s.actor
		actor.Scope = estate.Scope{Organization: id}
		return actor, err
	}
	create := &cobra.Command{
		Use: "create", Short: "Give an organization an identity provider for its accounts", Args: cobra.NoArgs,
		Long: "Give an organization an identity provider, by which its accounts sign in to the console.\n\n" +
			"The file is JSON, as POST /api/core/identity-providers takes it; - reads it from standard input, where others do not see\n" +
			"its secret. With pendingOptions an owner of every subscription is to test it in a browser; with options and skipVerify it\n" +
			"is in force at once.",
		RunE: with(func(s *session, _ []string) error {
			actor, err := acts(s)
			if err != nil {
				return err
			}
			var in api.CreateIdentityProviderRequest
			if err := readJSON(s.cmd, file, &in); err != nil {
				return err
			}
			p, err := s.SignIn.CreateIdentityProvider(s.cmd.Context(), actor, in)
			if err != nil {
				return err
			}
			v, err := viewProvider(s, p)
			if err != nil {
				return err
			}
			return s.out.One(s.cmd, v, headers, row(v))
		}),
	}
	create.Flags().StringVar(&file, "file", "", "file with the whole request as JSON; - is standard input")
	list := &cobra.Command{
		Use: "list", Short: "List the identity providers of an organization", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			actor, err := acts(s)
			if err != nil {
				return err
			}
			page, err := s.SignIn.IdentityProviders(s.cmd.Context(), actor, signin.ProviderQuery{Limit: estate.MaxIdentityProviders})
			if err != nil {
				return err
			}
			all, rows := make([]providerView, len(page.Providers)), make([][]string, len(page.Providers))
			for i, p := range page.Providers {
				if all[i], err = viewProvider(s, p); err != nil {
					return err
				}
				rows[i] = row(all[i])
			}
			return s.out.List(s.cmd, all, headers, rows)
		}),
	}
	yes := false
	remove := &cobra.Command{
		Use: "delete ID", Short: "Delete an identity provider, and sign out who came in by it", Args: cobra.ExactArgs(1),
		RunE: with(func(s *session, args []string) error {
			if !yes {
				return errors.New("this can't be undone; say --yes if you mean it")
			}
			actor, err := acts(s)
			if err != nil {
				return err
			}
			return s.SignIn.DeleteIdentityProvider(s.cmd.Context(), actor, estate.IdentityProviderID(args[0]))
		}),
	}
	remove.Flags().BoolVar(&yes, "yes", false, "really delete it")
	for _, cmd := range []*cobra.Command{create, list, remove} {
		cmd.Flags().StringVar(&organization, "organization", "", organizationUsage)
	}
	return group("identity-provider", "By which identity provider the accounts of an organization sign in", create, list, remove)
}

func viewProvider(s *session, p estate.IdentityProvider) (providerView, error) {
	v := providerView{ID: p.ID, Organization: p.Organization, Provider: p.Provider, Description: p.Description, Active: p.Active, PendingState: p.PendingState}
	origin, err := consoleOrigin(s)
	v.RedirectURL = signin.CallbackURL(estate.Surface{Kind: estate.SurfaceConsole, Origin: origin}, p.ID)
	if p.Pending != nil {
		v.Test = origin + signin.TestPath + "?idp=" + string(p.ID)
	}
	return v, err
}

// readJSON reads a file, or standard input for "-".
func readJSON(cmd *cobra.Command, file string, into any) error {
	var text []byte
	var err error
	switch file {
	case "":
		return errors.New("say --file")
	case "-":
		text, err = io.ReadAll(cmd.InOrStdin())
	default:
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
