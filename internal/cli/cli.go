// Package cli is the client side of the freehold command: it turns command
// lines into calls of package client and answers into text.
//
// Commands write data to the command's output and everything meant for a
// person only to its error output, so that output can always be piped. Errors
// are returned, not printed; whoever executes the commands prints them and
// chooses the exit status.
package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/command"
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

	// Wait waits. If nil, time passes.
	Wait func(context.Context, time.Duration) error
}

// output is how a group of commands writes what it returns.
func (env Env) output() *command.Output {
	return &command.Output{Getenv: env.Getenv, Terminal: env.Terminal}
}

// Commands returns the client-side commands, ready to be added to a root.
func Commands(env Env) []*cobra.Command {
	return []*cobra.Command{
		contextCommand(env),
		loginCommand(env),
		logoutCommand(env),
		tokenCommand(env),
		tenantCommand(env),
		oauthClientCommand(env),
		secretCommand(env),
		federationCommand(env),
		botsCommand(env),
		identityProviderCommand(env),
		userCommand(env),
		roleCommand(env),
		groupCommand(env),
		licenseCommand(env),
		tenantSettingsCommand(env),
		apiKeyCommand(env),
		cspOriginCommand(env),
		webIntegrationCommand(env),
		quotaCommand(env),
		spaceCommand(env),
		auditCommand(env),
		webhookCommand(env),
		provisionerCommand(env),
		rawCommand(env),
	}
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

// moreThere is what a list says that ends before all is listed.
const moreThere = "There are more. Use --limit 0 to list all."

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
