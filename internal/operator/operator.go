// Package operator holds the commands of whoever runs the server: serving, and
// building the estate on the data folder itself, without going over HTTP.
package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/command"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/quickstart"
)

// Commands returns the commands that work on a data folder.
func Commands(getenv func(string) string) []*cobra.Command {
	c := &commands{getenv: getenv}
	return []*cobra.Command{c.quickstart(), c.serve(), c.config(), c.copy(), c.doctor(), c.operator()}
}

type commands struct {
	getenv func(string) string
}

// Version is that of the program. Main sets it.
var Version = "dev"

// loader registers the configuration's flags on cmd, those named or all.
func (c *commands) loader(cmd *cobra.Command, only ...string) *app.Loader {
	l := &app.Loader{Getenv: c.getenv}
	l.Bind(cmd.PersistentFlags(), only...)
	return l
}

func (c *commands) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the estate of a data folder",
		Long: "Serve the estate of a data folder at console.<domain>, register.<region>.<domain> and <tenant>.<region>.<domain>.\n\n" +
			"SIGTERM and SIGINT end it: requests that are running are finished first.",
		Args: cobra.NoArgs,
	}
	loader := c.loader(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, err := loader.Load()
		if err != nil {
			return err
		}
		return withServer(cmd.Context(), config, cmd.ErrOrStderr(), nil)
	}
	return cmd
}

// withServer serves until ctx ends. Once it serves, it runs job, if there is
// one; job's error, or its done being true, ends the serving.
func withServer(ctx context.Context, config app.Config, logTo io.Writer, job func(ctx context.Context, a *app.App, port int) (done bool, err error)) (err error) {
	log, flush, err := app.NewLogger(config, logTo)
	if err != nil {
		return err
	}
	defer flush()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen) // first: a taken port must not touch the data
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has this port; choose one with --listen", err)
	}
	if err != nil {
		return err
	}
	release, err := app.Claim(config)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, release()) }()
	a, err := app.Open(ctx, config, log, app.Clock)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	a.Version = Version
	if err := a.Resume(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	if job == nil {
		return a.Serve(ctx, listener)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- a.Serve(ctx, listener)
		stop() // a server that fails must end the job too
	}()
	port := 0
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		port = tcp.Port
	}
	done, jobErr := job(ctx, a, port)
	if done || jobErr != nil {
		stop()
	}
	return errors.Join(jobErr, <-served)
}

func (c *commands) quickstart() *cobra.Command {
	exit := false
	cmd := &cobra.Command{
		Use:   "quickstart",
		Short: "Make a demonstration estate, walk through the main job, and serve",
		Long: "Make a demonstration estate, walk through the main job over HTTP, and go on serving.\n\n" +
			"Every credential is written to quickstart.json in the data folder. Running it again on the same folder works.",
		Args: cobra.NoArgs,
	}
	loader := c.loader(cmd)
	cmd.Flags().BoolVar(&exit, "exit", false, "stop after the walk; the exit status is 0 only if every step did what it should")
	if flag := cmd.PersistentFlags().Lookup("log-level"); flag != nil {
		flag.DefValue = "warn" // the story is what should be read
		_ = flag.Value.Set("warn")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, err := loader.Load()
		if err != nil {
			return err
		}
		path := filepath.Join(config.DataDir, "quickstart.json")
		return withServer(cmd.Context(), config, cmd.ErrOrStderr(), func(ctx context.Context, a *app.App, port int) (bool, error) {
			err := quickstart.Run(ctx, quickstart.Options{App: a, Port: port, Path: path, Out: cmd.OutOrStdout()})
			if err != nil {
				return true, fmt.Errorf("quickstart: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nAll credentials are in %s.\n", path)
			if !exit && err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Serving at %s. Stop with Ctrl-C.\n", config.Origin("console."+config.Domain, port))
			}
			return exit, err
		})
	}
	return cmd
}

func (c *commands) config() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check or print the server's configuration"}
	loader := c.loader(cmd)
	command.Group(
		cmd,
		&cobra.Command{
			Use: "check", Short: "Say what is wrong with the configuration", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { _, err := loader.Load(); return err },
		},
		&cobra.Command{
			Use: "print", Short: "Print the configuration that is in force, as YAML", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				config, err := loader.Load()
				if err != nil {
					return err
				}
				return config.Print(cmd.OutOrStdout())
			},
		},
	)
	return cmd
}

// session is an operator's command at work.
type session struct {
	*app.App
	actor estate.Actor
	cmd   *cobra.Command
	out   *command.Output
}

// operator is the group of the commands that build the estate.
func (c *commands) operator() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "operator",
		Short: "Build and inspect the estate, directly on the data folder",
		Long: "Build and inspect the estate, directly on the data folder. The commands need no running server;\n" +
			"a server that runs on the same folder sees their changes at once.",
	}
	loader := c.loader(cmd, "data-dir", "database", "key-file", "key-command", "domain", "listen", "public-scheme", "public-port")
	out := &command.Output{Getenv: c.getenv}
	out.Flag(cmd)
	// with opens the estate for one command.
	with := func(run func(s *session, args []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) (err error) {
			config, err := loader.Load()
			if err != nil {
				return err
			}
			begins := cmd.Name() == "create" && slices.Contains([]string{"organization", "region"}, cmd.Parent().Name())
			if !begins { // all others need what these make
				if err := installed(config); err != nil {
					return err
				}
			}
			log, flush, err := app.NewLogger(config, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer flush()
			a, err := app.Open(cmd.Context(), config, log, app.Clock)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			return run(&session{App: a, actor: estate.Operator("operator"), cmd: cmd, out: out}, args)
		}
	}
	command.Group(cmd, organizationCommand(with), accountCommand(with), identityProviderCommand(with), regionCommand(with), subscriptionCommand(with), clientCommand(with), botsCommand(with), tenantCommand(with), keyCommand(with), seedCommand(with), countsCommand(with))
	return cmd
}

// installed fails if there is no estate in the data folder: what a mistyped name would
// make of it is an empty one.
func installed(config app.Config) error {
	if config.Database != "" {
		return nil
	}
	if _, err := os.Stat(config.StoreOptions().Path); err != nil {
		return fmt.Errorf("there is no estate in the data folder: %w", err)
	}
	return nil
}

// with is how a command gets its session.
type with func(run func(s *session, args []string) error) func(*cobra.Command, []string) error

func group(use, short string, children ...*cobra.Command) *cobra.Command {
	return command.Group(&cobra.Command{Use: use, Short: short}, children...)
}

// Explain is what a person is told of err at a terminal. Of what the estate refuses,
// what the database said is left out.
func Explain(err error) string {
	var refused *estate.Error
	if errors.As(err, &refused) && refused.Kind != estate.Internal && refused.Kind != estate.Unavailable {
		return refused.Plain()
	}
	return err.Error()
}
