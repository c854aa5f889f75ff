package operator

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// errMiscounted ends the command with a failure, for whoever runs it regularly.
var errMiscounted = errors.New("the counts of tenants are wrong; --repair makes them anew")

// countsCommand proves that the counts of tenants, which are kept as tenants change,
// are what the tenants say.
func countsCommand(with with) *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use: "counts", Short: "Compare the counts of tenants with the tenants themselves", Args: cobra.NoArgs,
		Long: "Compare the counts of tenants, which are kept as tenants change, with the tenants themselves. It reads every tenant, and fails if a\n" +
			"count is wrong. With --repair nobody can write while the counts are made anew.",
		RunE: with(func(s *session, _ []string) error {
			wrong, err := s.Tenancy.VerifyCounts(s.cmd.Context(), s.actor, repair)
			if err != nil {
				return err
			}
			out := s.cmd.ErrOrStderr()
			for _, w := range wrong {
				if _, err := fmt.Fprintf(out, "%s: %d counted, %d there\n", w.Of, w.Counted, w.There); err != nil {
					return err
				}
			}
			switch {
			case len(wrong) == 0:
				_, err = fmt.Fprintln(out, "All counts are right.")
				return err
			case repair:
				_, err = fmt.Fprintln(out, "The counts were made anew.")
				return err
			}
			return errMiscounted
		}),
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "make the counts anew if they are wrong")
	return cmd
}
