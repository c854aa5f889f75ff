// Package cli is the client side of the freehold command: it turns command
// lines into calls of package client and answers into text.
//
// Commands write data to the command's output and everything meant for a
// person only to its error output, so that output can always be piped. Errors
// are returned, not printed; whoever executes the commands prints them and
// chooses the exit status.
package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/output"
)

// Env is what the commands take from the process that they run in. Getenv and
// Now must be set.
type Env struct {
	Getenv  func(name string) string
	Now     func() time.Time
	Version string // goes into the User-Agent header

	// Terminal tells how wide the terminal is that w writes to, and whether it
	// is one. If nil, the operating system is asked.
	Terminal func(w io.Writer) (columns int, ok bool)
}

// output is how a group of commands writes what it returns.
func (env Env) output() *output.Output {
	return &output.Output{Getenv: env.Getenv, Terminal: env.Terminal}
}

// Commands returns the client-side commands, ready to be added to a root.
func Commands(env Env) []*cobra.Command {
	return []*cobra.Command{
		contextCommand(env),
		tokenCommand(env),
		tenantCommand(env),
		oauthClientCommand(env),
		rawCommand(env),
	}
}

// group makes a command that only holds others. Unlike a plain cobra command
// it fails when it is given a name that none of them has.
func group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
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

// args checks that there is an argument for each name; those in brackets may
// be left out.
func args(wanted ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		if len(got) > len(wanted) {
			return fmt.Errorf("unexpected argument %q; usage: %s", got[len(wanted)], cmd.UseLine())
		}
		for _, name := range wanted[len(got):] {
			if !strings.HasPrefix(name, "[") {
				return fmt.Errorf("argument %s is missing; usage: %s", name, cmd.UseLine())
			}
		}
		return nil
	}
}

// note writes a line for the person at the terminal.
func note(cmd *cobra.Command, format string, values ...any) {
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", values...)
}

// pairs reads "name=value" flags.
func pairs(flag string, list []string) ([][2]string, error) {
	out := make([][2]string, 0, len(list))
	for _, item := range list {
		name, value, ok := strings.Cut(item, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--%s %q is not of the form name=value", flag, item)
		}
		out = append(out, [2]string{name, value})
	}
	return out, nil
}

// fields splits what was given to a flag that may be repeated, take several
// words, or both.
func fields(list []string) []string {
	var out []string
	for _, item := range list {
		out = append(out, strings.Fields(item)...)
	}
	return out
}
