package operator

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// linkView is what `account link` prints as JSON.
type linkView struct {
	Link      string    `json:"link"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func accountLinkCommand(with with) *cobra.Command {
	recovery := false
	cmd := &cobra.Command{
		Use: "link EMAIL", Short: "Make a link that signs an account in to the console once", Args: cobra.ExactArgs(1),
		Long: "Make a link that signs an account in to the console once, to set up a passkey or a password.\n\n" +
			"It works for a day, or with --recovery for an hour. A link that was made before for the same account stops working.",
		RunE: with(func(s *session, args []string) error {
			origin, err := consoleOrigin(s)
			if err != nil {
				return err
			}
			secret, l, err := s.SignIn.CreateAccountLink(s.cmd.Context(), s.actor, args[0], recovery)
			if err != nil {
				return err
			}
			v := linkView{Link: origin + signin.LinkPath + secret.Reveal(), ExpiresAt: l.ExpiresAt}
			return s.out.One(s.cmd, v, []string{"LINK", "EXPIRES"}, []string{v.Link, v.ExpiresAt.Format(time.RFC3339)})
		}),
	}
	cmd.Flags().BoolVar(&recovery, "recovery", false, "for somebody who has lost what to sign in with")
	return cmd
}

// consoleOrigin is the URL of the console of a server with this configuration.
func consoleOrigin(s *session) (string, error) {
	_, text, err := net.SplitHostPort(s.Config.Listen)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	return s.Config.Origin(estate.ConsoleLabel+"."+s.Config.Domain, port), nil
}
