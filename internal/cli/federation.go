package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/command"
)

func federationCommand(env Env) *cobra.Command {
	c := &clients{conn: &connection{env: env}, out: env.output()}
	cmd := command.Group(
		&cobra.Command{
			Use:   "federation",
			Short: "Let workloads act as an OAuth client by tokens of their own, without a secret",
			Long: `Let workloads act as an OAuth client by tokens of their own, without a secret.

A client can trust outside OpenID Connect issuers, such as those of GitHub Actions,
GitLab or a Kubernetes cluster: whoever has a token of the issuer that is for the
right audience and has the right claims gets access tokens of the client. The
workload shows it as client assertion or by token exchange; with this command line,
with "freehold context create --assertion-file".
` + levelHelp + "\n" + connectionHelp,
		},
		c.federationListCommand(), c.federationAddCommand(), c.federationCheckCommand(), c.federationRemoveCommand(),
	)
	c.conn.flags(cmd)
	c.flags(cmd)
	c.out.Flag(cmd)
	return cmd
}

func (c *clients) federationListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list CLIENT_ID",
		Short:   "List the outside issuers that an OAuth client trusts",
		Example: `  freehold federation list 82e0c353eca9a5d849c74d7e98f13f7e`,
		Args:    args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, _, err := c.api()
			if err != nil {
				return err
			}
			found, err := from.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all := append([]api.FederatedCredential{}, found.FederatedCredentials...)
			rows := make([][]string, len(all))
			for i, f := range all {
				rows[i] = []string{f.Name, f.Issuer, f.Audience, f.Subject, f.Condition}
			}
			return c.out.List(cmd, all, []string{"NAME", "ISSUER", "AUDIENCE", "SUBJECT", "CONDITION"}, rows)
		},
	}
}

func (c *clients) federationAddCommand() *cobra.Command {
	var f api.FederatedCredential
	cmd := &cobra.Command{
		Use:   "add CLIENT_ID",
		Short: "Let an OAuth client trust an outside issuer",
		Long: `Let an OAuth client trust an outside issuer, whose tokens have to be for --audience
and, as --subject and --condition say, about the right workload; one of the two is
needed. A condition is an expression in CEL, of type bool, over the map "claims" of
the token's claims; a claim that is not there makes it false.`,
		Example: `  # A GitHub Actions job of one repository that deploys to production
  freehold federation add 82e0c353eca9a5d849c74d7e98f13f7e --name deploy \
      --issuer https://token.actions.githubusercontent.com \
      --audience https://register.us.example.com \
      --condition 'claims.repository == "acme/infra" && claims.environment == "production"'
  # A service account of a Kubernetes cluster
  freehold federation add 82e0c353eca9a5d849c74d7e98f13f7e --name operator \
      --issuer https://oidc.example.net/cluster-1 --audience freehold \
      --subject system:serviceaccount:platform:tenant-operator`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for flag, value := range map[string]string{"name": f.Name, "issuer": f.Issuer, "audience": f.Audience} {
				if value == "" {
					return fmt.Errorf("--%s is missing", flag)
				}
			}
			if f.Subject == "" && f.Condition == "" {
				return errors.New("--subject or --condition is needed: without one, everybody at the issuer would be trusted")
			}
			from, _, err := c.api()
			if err != nil {
				return err
			}
			return from.AddFederatedCredential(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Name, "name", "", "what to call it; audit records show it (required)")
	flags.StringVar(&f.Issuer, "issuer", "", "address (URL) of the issuer, exactly as its tokens have it in iss (required)")
	flags.StringVar(&f.Audience, "audience", "", "what the tokens must have in aud (required)")
	flags.StringVar(&f.Subject, "subject", "", "what the tokens must have in sub")
	flags.StringVar(&f.Condition, "condition", "", "expression in CEL over claims that must be true")
	return cmd
}

func (c *clients) federationCheckCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check CLIENT_ID",
		Short: "Tell whether an OAuth client would accept a token of an outside issuer, and why not",
		Long: `Tell whether an OAuth client would accept a token of an outside issuer, and why not.
The server fetches the issuer's keys as it would for an access token, but issues
none. The exit status is 0 only if the token is accepted.`,
		Example: `  freehold federation check 82e0c353eca9a5d849c74d7e98f13f7e --token-file token.jwt
  kubectl create token tenant-operator --audience freehold |
      freehold federation check 82e0c353eca9a5d849c74d7e98f13f7e --token-file -`,
		Args: args("CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			token, err := readToken(cmd, file)
			if err != nil {
				return err
			}
			from, _, err := c.api()
			if err != nil {
				return err
			}
			checked, err := from.CheckFederatedToken(cmd.Context(), args[0], token)
			if err != nil {
				return err
			}
			err = c.out.One(cmd, checked, []string{"ACCEPTED BY", "ISSUER", "SUBJECT", "REASON"}, []string{checked.FederatedCredential, checked.Issuer, checked.Subject, checked.Reason})
			if err == nil && !checked.Accepted {
				err = errors.New("the token is not accepted: " + checked.Reason)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "token-file", "", "file with the token; - is standard input (required)")
	return cmd
}

func (c *clients) federationRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove CLIENT_ID NAME",
		Short: "End the trust of an OAuth client in an outside issuer",
		Long: `End the trust of an OAuth client in an outside issuer, at once and everywhere. Access
tokens that were got by it stay until they expire.`,
		Example: `  freehold federation remove 82e0c353eca9a5d849c74d7e98f13f7e deploy`,
		Args:    args("CLIENT_ID", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, _, err := c.api()
			if err != nil {
				return err
			}
			return from.RemoveFederatedCredential(cmd.Context(), args[0], args[1])
		},
	}
}

// maxToken is more than any token has.
const maxToken = 64 << 10

// readToken reads a token from a file, or from standard input for "-".
func readToken(cmd *cobra.Command, path string) (string, error) {
	var text []byte
	var err error
	switch path {
	case "":
		return "", errors.New("--token-file is missing: name the file with the token, or - for standard input")
	case "-":
		text, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxToken))
	default:
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", errors.New("the token is empty")
	}
	return token, nil
}
