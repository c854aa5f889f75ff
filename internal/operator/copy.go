package operator

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/app"
)

func (c *commands) copy() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy an estate into another database, of either engine",
		Long: "Copy an estate into another database, of either engine: all of it, or nothing.\n\n" +
			"A database is sqlite:PATH, of a file or of a data folder, or a URL like postgres://user:password@host:5432/name. The one\n" +
			"to copy to is made or must be new. Stop the servers first: what they write meanwhile is not copied. The key file is needed\n" +
			"as before: copy it along.",
		Example: "  freehold copy --from sqlite:freehold-data --to postgres://freehold@db.example.com/freehold\n" +
			"  FREEHOLD_DATABASE=postgres://freehold@db.example.com/freehold freehold serve",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("say where from and where to with --from and --to") // an argument may hold a password
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			counts, order := map[string]int64{}, []string{}
			err := app.CopyEstate(cmd.Context(), from, to, func(table string, rows int64) {
				if _, known := counts[table]; !known {
					order = append(order, table)
				}
				counts[table] = rows
			})
			if err != nil {
				return err
			}
			for _, table := range order {
				if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "%9d  %s\n", counts[table], table); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the database to copy")
	cmd.Flags().StringVar(&to, "to", "", "the new database")
	for _, name := range []string{"from", "to"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}
