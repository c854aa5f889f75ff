package operator

import (
	"fmt"

	"github.com/spf13/cobra"
)

// seedCommand fills an organization with synthetic tenants, to see and measure
// how a large estate behaves.
func seedCommand(with with) *cobra.Command {
	var organization string
	var tenants int
	cmd := &cobra.Command{
		Use: "seed", Short: "Fill an organization with synthetic tenants, for measuring", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			id, err := s.organization(organization)
			if err != nil {
				return err
			}
			made, err := s.Tenancy.Seed(s.cmd.Context(), s.actor, id, tenants)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.cmd.ErrOrStderr(), "%d tenants made\n", made)
			return err
		}),
	}
	cmd.Flags().StringVar(&organization, "organization", "", organizationUsage)
	cmd.Flags().IntVar(&tenants, "tenants", 1000, "how many tenants to make")
	return cmd
}
