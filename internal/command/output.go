// Package command is what the commands of client and operator share: groups, and
// output as tables for people at a terminal or JSON for programs.
package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
)

// Output is the choice between a table for people and JSON for programs.
// Getenv must be set.
type Output struct {
	Getenv func(name string) string

	// Terminal tells how wide the terminal is that w writes to, and whether it
	// is one. If nil, the operating system is asked.
	Terminal func(w io.Writer) (columns int, ok bool)

	format string
}

// Flag registers --output on cmd and what is below it.
func (o *Output) Flag(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&o.format, "output", "",
		"format of the output, table or json (default table on a terminal, json otherwise)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// JSON tells whether cmd is to write JSON.
func (o *Output) JSON(cmd *cobra.Command) (bool, error) {
	switch o.format {
	case "json":
		return true, nil
	case "table":
		return false, nil
	case "":
		_, ok := o.terminal(cmd.OutOrStdout())
		return !ok, nil
	}
	return false, fmt.Errorf("--output %q is neither table nor json", o.format)
}

// List writes v, a slice, as JSON or as rows below headers.
func (o *Output) List(cmd *cobra.Command, v any, headers []string, rows [][]string) error {
	if asJSON, err := o.JSON(cmd); err != nil {
		return err
	} else if asJSON {
		return WriteJSON(cmd.OutOrStdout(), v)
	}
	return o.Table(cmd, headers, rows)
}

// One writes v as JSON or as lines of a name and a value; empty values are left
// out.
func (o *Output) One(cmd *cobra.Command, v any, names, values []string) error {
	if asJSON, err := o.JSON(cmd); err != nil {
		return err
	} else if asJSON {
		return WriteJSON(cmd.OutOrStdout(), v)
	}
	pairs := make([][2]string, len(names))
	for i, name := range names {
		pairs[i] = [2]string{name, values[i]}
	}
	return o.Details(cmd, pairs)
}

// Interactive tells whether a person looks at w.
func (o *Output) Interactive(w io.Writer) bool {
	_, ok := o.terminal(w)
	return ok
}

func (o *Output) terminal(w io.Writer) (columns int, ok bool) {
	if o.Terminal != nil {
		return o.Terminal(w)
	}
	return system(w)
}

// system asks the operating system whether w is a terminal.
func system(w io.Writer) (columns int, ok bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(file.Fd()) {
		return 0, false
	}
	columns, _, err := term.GetSize(file.Fd())
	return columns, err == nil
}

// WriteJSON writes v on several lines.
func WriteJSON(w io.Writer, v any) error {
	text, err := encodeJSON(v, "")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

func encodeJSON(v any, prefix string) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	err := encoder.Encode(v)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// JSONArray writes an array element by element. An array that is never ended
// is no JSON, which is meant: a reader must not take a part for the whole.
type JSONArray struct {
	W io.Writer
	n int
}

// Add writes one more element.
func (a *JSONArray) Add(v any) error {
	text, err := encodeJSON(v, "  ")
	if err != nil {
		return err
	}
	before := ",\n  "
	if a.n == 0 {
		before = "[\n  "
	}
	a.n++
	_, err = a.W.Write(append([]byte(before), text...))
	return err
}

// End closes the array.
func (a *JSONArray) End() error {
	text := "\n]\n"
	if a.n == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(a.W, text)
	return err
}

// Table writes rows below headers. On a terminal that is too narrow the
// last columns are left out rather than wrapped; a note names them.
func (o *Output) Table(cmd *cobra.Command, headers []string, rows [][]string) error {
	columns, ok := o.terminal(cmd.OutOrStdout())
	if ok && columns > 0 {
		if n := fitting(columns, headers, rows); n < len(headers) {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "The terminal is too narrow for: %s. Use --output json to see everything.\n", strings.ToLower(strings.Join(headers[n:], ", ")))
			headers = headers[:n]
		}
	}
	t := newTable(rows, len(headers)).Headers(headers...)
	return o.render(cmd, t, func(row, _ int) bool { return row == table.HeaderRow })
}

// Details writes one thing as pairs of a name and a value. Empty values
// are left out.
func (o *Output) Details(cmd *cobra.Command, details [][2]string) error {
	var rows [][]string
	for _, pair := range details {
		if pair[1] != "" {
			rows = append(rows, pair[:])
		}
	}
	return o.render(cmd, newTable(rows, 2), func(_, column int) bool { return column == 0 })
}

// newTable makes a table of the first n cells of each row.
func newTable(rows [][]string, n int) *table.Table {
	t := table.New().Border(lipgloss.Border{}).Wrap(false).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).BorderRow(false)
	for _, row := range rows {
		cells := make([]string, 0, n)
		for _, cell := range row[:n] {
			cells = append(cells, printable(cell))
		}
		t.Row(cells...)
	}
	return t
}

// render writes t with the cells that strong picks in bold, where the writer
// shows such things, and without blanks at the ends of lines.
func (o *Output) render(cmd *cobra.Command, t *table.Table, strong func(row, column int) bool) error {
	styled := o.styled(cmd.OutOrStdout())
	t.StyleFunc(func(row, column int) lipgloss.Style {
		return lipgloss.NewStyle().PaddingRight(2).Bold(styled && strong(row, column))
	})
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

func (o *Output) styled(w io.Writer) bool {
	_, ok := o.terminal(w)
	return ok && o.Getenv("NO_COLOR") == "" && o.Getenv("TERM") != "dumb"
}

// fitting returns how many columns fit side by side, at least one.
func fitting(width int, headers []string, rows [][]string) int {
	used := 0
	for column := range headers {
		widest := lipgloss.Width(headers[column])
		for _, row := range rows {
			widest = max(widest, lipgloss.Width(printable(row[column])))
		}
		if used += widest; used > width {
			return max(column, 1)
		}
		used += 2
	}
	return len(headers)
}

// printable keeps text of others from steering the terminal.
func printable(s string) string {
	if !slices.ContainsFunc([]rune(s), unicode.IsControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
