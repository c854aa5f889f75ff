package operator

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/doctor"
)

// errUnwell ends the doctor's command: its exit status says that something failed.
var errUnwell = errors.New("something does not work: see the lines with fail")

func (c *commands) doctor() *cobra.Command {
	var asJSON, server bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the installation: DNS, TLS, clock, database, keys, disk, configuration",
		Long: "Examine the installation with the configuration of the server, and say what to do about what is not well.\n\n" +
			"It changes nothing, and runs beside a server or without one. Each line says ok, warn or fail. The exit status is 1 if\n" +
			"anything failed.",
		Args: cobra.NoArgs,
	}
	loader := c.loader(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the findings as JSON")
	cmd.Flags().BoolVar(&server, "running", false, "take it as a failure if no server runs here")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		config, problem := loader.Load()
		e := doctor.New(config, problem)
		e.Server = server
		findings := e.Run(cmd.Context())
		if err := report(cmd, findings, asJSON); err != nil {
			return err
		}
		if doctor.Worst(findings) == doctor.Fail {
			return errUnwell
		}
		return nil
	}
	return cmd
}

// report writes findings for people, or for programs.
func report(cmd *cobra.Command, findings []doctor.Finding, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Status   doctor.Level     `json:"status"`
			Findings []doctor.Finding `json:"findings"`
		}{doctor.Worst(findings), findings})
	}
	for _, f := range findings {
		if _, err := fmt.Fprintf(out, "%-4s  %-13s  %s\n", f.Level, f.Check, f.Found); err != nil {
			return err
		}
		if f.Advice != "" {
			if _, err := fmt.Fprintf(out, "                     → %s\n", f.Advice); err != nil {
				return err
			}
		}
	}
	return nil
}
