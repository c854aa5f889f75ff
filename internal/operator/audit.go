package operator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/jsontext"
	"github.com/freehold-platform/freehold/internal/store"
)

// AuditCommands returns the commands about the audit trail that work on a data
// folder. They belong into the group "audit" of the client's commands.
func AuditCommands(getenv func(string) string) []*cobra.Command {
	c := &commands{getenv: getenv}
	return []*cobra.Command{c.auditVerify(), c.auditExport()}
}

// onFolder registers the flags for a data folder on cmd and has run called with
// what is in it.
func (c *commands) onFolder(cmd *cobra.Command, run func(cmd *cobra.Command, a *app.App) error) {
	loader := c.loader(cmd, "data-dir", "database", "key-file", "key-command")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		config, err := loader.Load()
		if err != nil {
			return err
		}
		if err := installed(config); err != nil {
			return err
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
		return run(cmd, a)
	}
}

func (c *commands) auditVerify() *cobra.Command {
	var file string
	var noted []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that no audit record was changed or removed",
		Long: `Prove that no audit record was changed or removed, in a database, that of a data folder
if none is named, or in an exported file.

The records of each organization, and those of the server itself, form a chain: the
hash of each is over the record and the hash before it. A record that is in no chain
is reported, too. Whoever can write the database can also write a whole chain anew. Note the ends of the chains that this
command prints, elsewhere, and give them back with --noted: then that is found, too.`,
		Example: "  freehold audit verify --data-dir /var/lib/freehold\n" +
			"  freehold audit verify --file audit.jsonl --noted org_…:1812:5e88…",
		Args: cobra.NoArgs,
	}
	var verifier event.Verifier
	c.onFolder(cmd, func(cmd *cobra.Command, a *app.App) error { return verifyDatabase(cmd, a, &verifier) })
	onDatabase := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		verifier = event.Verifier{}
		for _, text := range noted {
			head, err := parseHead(text)
			if err != nil {
				return err
			}
			verifier.Know(head)
		}
		var err error
		if file != "" {
			err = verifyFile(cmd.InOrStdin(), file, &verifier)
		} else {
			err = onDatabase(cmd, args)
		}
		if err != nil {
			return fmt.Errorf("not verified: %w", err)
		}
		return printHeads(cmd.OutOrStdout(), cmd.ErrOrStderr(), &verifier)
	}
	cmd.Flags().StringVar(&file, "file", "", `verify an exported file instead ("-": standard input)`)
	cmd.Flags().StringArrayVar(&noted, "noted", nil, "organization:position:hash, as printed at an earlier time; may be repeated")
	return cmd
}

// parseHead reads what printHeads printed.
func parseHead(text string) (head store.ChainHead, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		head.Organization, head.Hash = estate.OrganizationID(strings.TrimPrefix(parts[0], "-")), parts[2]
		head.Position, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if len(parts) != 3 || err != nil {
		return head, fmt.Errorf("--noted %q is not of the form organization:position:hash", text)
	}
	return head, nil
}

// printHeads prints where the chains end, in the form that --noted takes, and tells
// people what that means.
func printHeads(w, people io.Writer, verifier *event.Verifier) error {
	heads, err := verifier.Done()
	if err != nil {
		return fmt.Errorf("not verified: %w", err)
	}
	var records int64
	lines := make([]string, 0, len(heads))
	for organization, head := range heads {
		if organization == "" {
			organization = "-" // the server's own
		}
		lines = append(lines, fmt.Sprintf("%s:%d:%s", organization, head.Position, head.Hash))
		records += head.Position
	}
	if err := printLines(w, lines); err != nil {
		return err
	}
	said := fmt.Sprintf("%d records are as they were written.", records)
	if records == 1 {
		said = "1 record is as it was written."
	}
	_, err = fmt.Fprintln(people, said)
	return err
}

func verifyDatabase(cmd *cobra.Command, a *app.App, verifier *event.Verifier) error {
	actor := estate.Operator("operator")
	heads, err := a.Trail.Heads(cmd.Context(), actor)
	if err != nil {
		return err
	}
	for _, head := range heads {
		err := a.Trail.Chain(cmd.Context(), actor, head.Organization, func(links []store.ChainLink) error {
			for _, l := range links {
				if l.Record.Position > head.Position {
					return nil // it was added meanwhile
				}
				if err := verifier.Link(l); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = verifier.Ends(head)
		}
		if err == nil {
			err = a.Trail.Outside(cmd.Context(), actor, head.Organization)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxLine bounds an exported record.
const maxLine = 1 << 20

func verifyFile(stdin io.Reader, path string, verifier *event.Verifier) error {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var e event.Exported
		line := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		line.DisallowUnknownFields() // somebody might believe what they say
		err := line.Decode(&e)
		if _, end := line.Token(); err == nil && !errors.Is(end, io.EOF) {
			err = errors.New("there is more on the line")
		}
		if err == nil && jsontext.RepeatsMember(lines.Bytes()) {
			err = errors.New("a member is there twice")
		}
		if err != nil {
			return fmt.Errorf("line %d is no exported record: %w", n, err)
		}
		if err := verifier.Exported(e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

func (c *commands) auditExport() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all audit records as JSON, one a line",
		Long: `Write all audit records as JSON, one a line: chain by chain, each in order. The file
has all that is needed to verify it (freehold audit verify --file). Records outside
the chains are left out: verifying the database reports them.`,
		Example: "  freehold audit export --data-dir /var/lib/freehold > audit.jsonl",
		Args:    cobra.NoArgs,
	}
	c.onFolder(cmd, func(cmd *cobra.Command, a *app.App) error {
		actor := estate.Operator("operator")
		heads, err := a.Trail.Heads(cmd.Context(), actor)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(cmd.OutOrStdout())
		encoder := json.NewEncoder(out) // which escapes as the store does, so that data stays as it was hashed
		for _, head := range heads {
			if organization != "" && string(head.Organization) != organization {
				continue
			}
			previous := ""
			err := a.Trail.Chain(cmd.Context(), actor, head.Organization, func(links []store.ChainLink) error {
				for _, l := range links {
					if err := encoder.Encode(event.Export(l, previous)); err != nil {
						return err
					}
					previous = l.Record.Hash
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return out.Flush()
	})
	cmd.Flags().StringVar(&organization, "organization", "", "only the records of this organization")
	return cmd
}

func printLines(w io.Writer, lines []string) error {
	slices.Sort(lines)
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
