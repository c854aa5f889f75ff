package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/command"
)

func tokenCommand(env Env) *cobra.Command {
	conn := &connection{env: env}
	var decode bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print an access token",
		Long: `Print an access token and nothing else. The token is accepted only by the host
that issued it; use --server to get one of another host.
` + connectionHelp,
		Example: `  curl -H "Authorization: Bearer $(freehold token)" \
      https://console.example.com/api/core/tenants
  freehold token --context register-us --server acme.us.example.com
  freehold token --context register-us --server acme.us.example.com --exchange
  freehold token --decode`,
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, settings, err := conn.client()
			if err != nil {
				return err
			}
			if settings.DPoP && !decode {
				return errors.New(`the context binds tokens to a key that ends with the command: nobody could use this one; make calls with "freehold raw", or look at a token with --decode`)
			}
			token, err := c.Token(cmd.Context())
			if err != nil {
				return err
			}
			if decode {
				return printDecoded(cmd, token, env.Now())
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	cmd.Flags().BoolVar(&decode, "decode", false, "print header and claims of the token instead, without checking its signature")
	conn.flags(cmd)
	cmd.AddCommand(tokenInspectCommand(env, conn), tokenRevokeCommand(conn))
	return cmd
}

// decodedToken is what is readable in a JWT.
type decodedToken struct {
	Header json.RawMessage `json:"header"`
	Claims json.RawMessage `json:"claims"`
}

func printDecoded(cmd *cobra.Command, token string, now time.Time) error {
	decoded, err := decodeToken(token)
	if err != nil {
		return err
	}
	if err := command.WriteJSON(cmd.OutOrStdout(), decoded); err != nil {
		return err
	}
	note(cmd, "The signature was not checked.")
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(decoded.Claims, &claims) == nil && claims.Expires > 0 {
		expires := time.Unix(int64(claims.Expires), 0)
		note(cmd, "The token expires at %s, in %s.", expires.UTC().Format(time.RFC3339), expires.Sub(now).Round(time.Second))
	}
	return nil
}

// decodeToken takes a JWT apart without verifying it.
func decodeToken(token string) (decodedToken, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return decodedToken{}, errors.New("the token is not a JWT, so there is nothing to decode")
	}
	var decoded decodedToken
	for i, into := range []*json.RawMessage{&decoded.Header, &decoded.Claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return decodedToken{}, fmt.Errorf("decode token: %w", err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			return decodedToken{}, fmt.Errorf("decode token: %w", err)
		}
	}
	return decoded, nil
}
