package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/freehold-platform/freehold/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"freehold": func() {
		if err := newRoot(cli.Env{Getenv: os.Getenv, Now: time.Now, Version: "1.2.3"}).Execute(); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
	}})
}

// TestScripts runs the command as people and pipelines do: as a process, with
// its environment, files, pipes and exit status.
func TestScripts(t *testing.T) {
	f := newFake(t, 3)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s := &session{t: t, dir: env.WorkDir}
			s.quickstart(f)
			env.Setenv("FREEHOLD_CONFIG_DIR", filepath.Join(env.WorkDir, "config"))
			env.Setenv("CONSOLE", f.url("console"))
			env.Setenv("REGISTER", f.url("register.us"))
			env.Setenv("ID", clientID)
			env.Setenv("SECRET", clientSecret)
			return nil
		},
	})
}
