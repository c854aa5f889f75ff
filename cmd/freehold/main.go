// Command freehold is the server, its operator's tools and the client of
// Freehold in one binary.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/cli"
	"github.com/freehold-platform/freehold/internal/operator"
)

// version is set by the linker; see the Makefile.
var version = "dev"

func main() {
	if os.Getenv("GOGC") == "" { // which has the last word
		go paceCollector()
	}
	operator.Version = version
	root := &cobra.Command{
		Use:   "freehold",
		Short: "Operate the tenants of a platform, and the machine credentials that reach them",
	}
	root.AddGroup(
		&cobra.Group{ID: "server", Title: "Server"},
		&cobra.Group{ID: "client", Title: "Client"},
	)
	for id, commands := range map[string][]*cobra.Command{
		"server": operator.Commands(os.Getenv),
		"client": cli.Commands(cli.Env{Getenv: os.Getenv, Now: time.Now, Version: version}),
	} {
		for _, cmd := range commands {
			cmd.GroupID = id
			if cmd.Name() == "audit" { // a part of it works on a data folder
				cmd.AddCommand(operator.AuditCommands(os.Getenv)...)
			}
			root.AddCommand(cmd)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := fang.Execute(ctx, root, fang.WithVersion(version), fang.WithErrorHandler(printError))
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// printError writes errors as they are: the server's words are not to be
// restyled.
func printError(w io.Writer, _ fang.Styles, err error) {
	_, _ = fmt.Fprintln(w, "Error:", operator.Explain(err))
}
