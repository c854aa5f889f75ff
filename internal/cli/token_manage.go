package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/command"
)

func tokenInspectCommand(env Env, conn *connection) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect TOKEN|-",
		Short: "Ask the issuer of an access token what it is worth now",
		Long: `Ask the host that issued an access token what the token is worth now, with the
credential in use. Give "-" to read the token from standard input, where others
do not see it. The answer {"active":false} is also that for a token which the
credential may not know about. If the issuer refuses the credential or can't
introspect, header and claims of the token are printed, without checking
anything.
`,
		Example: `  freehold token | freehold token inspect -`,
		Args:    args("TOKEN"),
		RunE: func(cmd *cobra.Command, given []string) error {
			token, c, err := conn.aboutToken(cmd, given[0])
			if err != nil {
				return err
			}
			answer, err := c.Introspect(cmd.Context(), token)
			if err == nil {
				return command.WriteJSON(cmd.OutOrStdout(), answer)
			}
			var refused *client.Error
			if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized && refused.StatusCode != http.StatusNotFound && refused.StatusCode != http.StatusMethodNotAllowed {
				return err
			}
			note(cmd, "%s does not tell: %v", c.BaseURL(), err)
			return printDecoded(cmd, token, env.Now())
		},
	}
}

func tokenRevokeCommand(conn *connection) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke TOKEN|-",
		Short: "Revoke an access token of the credential in use",
		Long: `Revoke an access token at the host that issued it. Give "-" to read the token
from standard input, where others do not see it. The credential in use must be
the one that got the token: tokens of others stay as they are, and the host does
not tell whether there was anything to revoke.
`,
		Example: `  freehold token revoke - < leaked-token.txt`,
		Args:    args("TOKEN"),
		RunE: func(cmd *cobra.Command, given []string) error {
			token, c, err := conn.aboutToken(cmd, given[0])
			if err != nil {
				return err
			}
			if err := c.Revoke(cmd.Context(), token); err != nil {
				return err
			}
			note(cmd, "If it was a token of this credential, it is revoked at %s.", c.BaseURL())
			return nil
		},
	}
}

// aboutToken returns a token, which is given or read from standard input, and a
// client for its issuer. An issuer that is not of the same domain as the context
// is not called: it would be shown the credential.
func (c *connection) aboutToken(cmd *cobra.Command, given string) (string, *client.Client, error) {
	if given == "-" {
		var err error
		if given, err = readToken(cmd, given); err != nil {
			return "", nil, err
		}
	}
	token := strings.TrimSpace(given)
	if token == "" {
		return "", nil, errors.New("the token is empty")
	}
	if c.exchange {
		return "", nil, errors.New("--exchange gets tokens, and this asks about one with the credential itself")
	}
	settings, err := c.settings()
	if err != nil {
		return "", nil, err
	}
	if issuer := issuerOf(token); issuer != "" && c.server == "" {
		if !relatedHosts(settings.Server, issuer) {
			return "", nil, fmt.Errorf("the token was issued by %s, and the credential in use is for %s; name a context of that installation with --context", issuer, settings.Server)
		}
		settings.Server = issuer
	}
	made, err := dial(c.env, settings)
	return token, made, err
}

// issuerOf reads who issued a token, without verifying it; "" if it does not say.
func issuerOf(token string) string {
	decoded, err := decodeToken(token)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(decoded.Claims, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// relatedHosts tells whether two base URLs are hosts of one installation, as far
// as names show: of the same scheme and port, and below one domain, which is what
// is left of the first without its "console", "register.<region>" or
// "<tenant>.<region>".
func relatedHosts(server, other string) bool {
	a, err := url.Parse(server)
	b, err2 := url.Parse(other)
	if err != nil || err2 != nil || a.Scheme != b.Scheme || a.Port() != b.Port() {
		return false
	}
	return domainOf(a.Hostname()) != "" && domainOf(a.Hostname()) == domainOf(b.Hostname())
}

func domainOf(host string) string {
	label, rest, _ := strings.Cut(strings.ToLower(host), ".")
	if label == "console" {
		return rest
	}
	_, rest, _ = strings.Cut(rest, ".")
	return rest
}
