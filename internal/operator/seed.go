package operator

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// seedCommand fills an organization with synthetic tenants and clients, to see and
// measure how a large estate behaves.
func seedCommand(with with) *cobra.Command {
	var organization, credentials string
	var plan tenancy.SeedPlan
	var clients int
	cmd := &cobra.Command{
		Use: "seed", Short: "Fill an organization with synthetic tenants, for measuring", Args: cobra.NoArgs,
		Long: "Fill an organization with synthetic tenants, for measuring: as in an estate that grew over three years, in subscriptions of\n" +
			"unequal sizes, several regions and states. Without --subscriptions they go into those that there are.",
		Example: "  freehold operator seed --tenants 1000000 --subscriptions 1000 --clients 100000 --credentials clients.tsv",
		RunE: with(func(s *session, _ []string) (err error) {
			if plan.Tenants < 0 || plan.Subscriptions < 0 || clients < 0 {
				return errors.New("--tenants, --subscriptions and --clients can't be less than 0")
			}
			id, err := s.organization(organization)
			if err != nil {
				return err
			}
			to := io.Discard
			if credentials != "" && clients > 0 { // made first: the tenants may take hours
				file, errOpen := os.OpenFile(credentials, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
				if errOpen != nil {
					return errOpen
				}
				defer func() {
					err = errors.Join(err, file.Close())
					if info, statErr := os.Stat(credentials); err != nil && statErr == nil && info.Size() == 0 {
						err = errors.Join(err, os.Remove(credentials)) // so that another attempt can make it
					}
				}()
				to = file
			}
			out := s.cmd.ErrOrStderr()
			if plan.Tenants > 0 {
				bar := s.seedBar(plan.Tenants, "Tenants")
				plan.Progress = func(made int) { _ = bar.Set(made) } // what a bar can't show is no failure
				made, err := s.Tenancy.Seed(s.cmd.Context(), s.actor, id, plan)
				if err != nil {
					return err
				}
				if _, err = fmt.Fprintln(out, counted(made, "tenant"), "made"); err != nil {
					return err
				}
			}
			if clients == 0 {
				return nil
			}
			return s.seedClients(id, clients, to)
		}),
	}
	cmd.Flags().StringVar(&organization, "organization", "", organizationUsage)
	cmd.Flags().IntVar(&plan.Tenants, "tenants", 1000, "how many tenants to make")
	cmd.Flags().IntVar(&plan.Subscriptions, "subscriptions", 0, "how many subscriptions to make for them first")
	cmd.Flags().IntVar(&clients, "clients", 0, "how many region-level clients to make as well")
	cmd.Flags().StringVar(&credentials, "credentials", "", "write ids, secrets and regions of the clients to this new `file`, a line each, with tabs between them")
	return cmd
}

func (s *session) seedBar(n int, of string) *progressbar.ProgressBar {
	out := s.cmd.ErrOrStderr()
	if !s.out.Interactive(out) {
		out = io.Discard
	}
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(of),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
}

// seedClients makes clients and writes their secrets.
func (s *session) seedClients(id estate.OrganizationID, n int, secrets io.Writer) error {
	subscriptions, err := s.Tenancy.Subscriptions(s.cmd.Context(), s.actor, id)
	if err != nil {
		return err
	}
	to := bufio.NewWriter(secrets)
	bar := s.seedBar(n, "Clients")
	err = s.Credential.Seed(s.cmd.Context(), s.actor, subscriptions, n, func(c estate.Client, secret estate.Secret) error {
		_ = bar.Add(1) // what a bar can't show is no failure
		_, err := fmt.Fprintf(to, "%s\t%s\t%s\n", c.ID, secret.Reveal(), c.Scope.Region)
		return err
	})
	if err != nil {
		return err
	}
	if err := to.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.cmd.ErrOrStderr(), counted(n, "client"), "made")
	return err
}

// counted is n of what one is called.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
