package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Group makes a command that only holds others. Unlike a plain cobra command
// it fails when it is given a name that none of them has.
func Group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		message := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		if cmd.SuggestionsMinimumDistance <= 0 {
			cmd.SuggestionsMinimumDistance = 2
		}
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return fmt.Errorf("%s (did you mean %s?)", message, strings.Join(similar, " or "))
		}
		return fmt.Errorf("%s (it has %s)", message, strings.Join(names(cmd.Commands()), ", "))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(children...)
	return cmd
}

func names(commands []*cobra.Command) []string {
	var list []string
	for _, cmd := range commands {
		if cmd.IsAvailableCommand() {
			list = append(list, cmd.Name())
		}
	}
	return list
}
