package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table is what a scenario found out.
type table struct {
	title   string
	text    string
	targets string // what design asks for; empty: nothing
	head    []string
	rows    [][]string // as long as head
	notes   []string

	warnings []string
}

// report is everything that is printed and written.
type report struct {
	machine machine
	options options
	tables  []table
}

// print writes the tables for a terminal.
func (r report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n", r.machine)
	for _, t := range r.tables {
		fmt.Fprintf(w, "\n%s\n", t.title)
		for _, row := range append([][]string{t.head}, t.rows...) {
			fmt.Fprintln(w, strings.Join(row, "\t"))
		}
		if t.targets != "" {
			fmt.Fprintf(w, "Target: %s.\n", t.targets)
		}
		for _, note := range t.notes {
			fmt.Fprintln(w, note)
		}
		for _, warning := range t.warnings {
			fmt.Fprintf(w, "Note: %s\n", warning)
		}
	}
	return w.Flush()
}

const preface = `# Benchmarks

Written by the benchmark, a section for each scenario, which says when and by
which command; to write one anew leaves the others. Each operation of the server
is measured beside a limit program that does only what physics requires of it,
in the same run. The ratios are what counts: absolute figures say more about
the machine, and a shared machine changes its speed from hour to hour.

## How to repeat

`

const method = `
Where the machine has two processors and ` + "`taskset`" + `, the server has one of them
(` + "`GOMAXPROCS=1`" + `) and the load generator the other. It sends a prepared request
over kept-open connections, one at a time on each, and requires status 2xx and,
of every thousandth answer, the right body. Limit and server are measured in
turn, round by round. Figures are medians of the rounds, a ratio is the median
of the rounds' ratios. CPU is the processor time of the server process in user
and kernel mode, from ` + "`/proc`" + `, divided by the operations. A connection waits
for its answer before it sends again, so latencies are those of a server that
is busy all the time.
`

// document is the document, with the sections of before that are not of this run.
func (r report) document(before string) string {
	sections := sectionsOf(before)
	for _, t := range r.tables {
		text := t.markdown(r)
		i := slices.IndexFunc(sections, func(s string) bool { return headingOf(s) == headingOf(text) })
		if i < 0 {
			sections = append(sections, text)
		} else {
			sections[i] = text
		}
	}
	return preface + "```\nmake bench\n```\n" + method + "\n" + strings.Join(sections, "\n")
}

// sectionsOf are the sections of a document that hold tables.
func sectionsOf(document string) (sections []string) {
	for part := range strings.SplitSeq("\n"+document, "\n## ") {
		if strings.Contains(part, "| --- ") {
			sections = append(sections, "## "+strings.TrimSpace(part)+"\n")
		}
	}
	return sections
}

// headingOf is the first line of a section.
func headingOf(section string) string {
	heading, _, _ := strings.Cut(section, "\n")
	return heading
}

// markdown is the section of a table.
func (t table) markdown(r report) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s\n\n%s\n\n", t.title, t.text)
	writeRow(&b, t.head)
	b.WriteString(strings.Repeat("| --- ", len(t.head)) + "|\n")
	for _, row := range t.rows {
		writeRow(&b, row)
	}
	if t.targets != "" {
		fmt.Fprintf(&b, "\nTarget: %s.\n", t.targets)
	}
	for _, note := range t.notes {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	if len(t.warnings) > 0 {
		b.WriteString("\n")
	}
	for _, warning := range t.warnings {
		fmt.Fprintf(&b, "- %s\n", warning)
	}
	fmt.Fprintf(&b, "\nMeasured on %s.\n\n```\n%s\n```\n", r.machine, r.options.command())
	return b.String()
}

func writeRow(b *bytes.Buffer, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// command is how to do this run again. Paths of this machine are left out.
func (o options) command() string {
	sizes := make([]string, len(o.tenants))
	for i, n := range o.tenants {
		sizes[i] = strconv.Itoa(n)
	}
	command := fmt.Sprintf("go run ./internal/bench -run %s -rounds %d -duration %s -warmup %s -connections %d -tenants %s",
		strings.Join(o.scenarios, ","), o.rounds, o.duration, o.warmup, o.connections, strings.Join(sizes, ","))
	if o.clients > 0 {
		command += " -clients " + strconv.Itoa(o.clients)
	}
	if slices.Contains(o.scenarios, "clients") || slices.Contains(o.scenarios, "creates") {
		command += " -engines " + strings.Join(o.engines, ",")
	}
	if slices.Contains(o.scenarios, "clients") {
		numbers := make([]string, len(o.numbers))
		for i, n := range o.numbers {
			numbers[i] = strconv.Itoa(n)
		}
		command += " -client-numbers " + strings.Join(numbers, ",")
	}
	if slices.Contains(o.scenarios, "audits") {
		command += " -audit-records " + strconv.Itoa(o.auditRecords)
	}
	if len(o.serveArgs) > 0 {
		command += fmt.Sprintf(" -serve-args '%s'", strings.Join(o.serveArgs, " "))
	}
	if filepath.IsLocal(o.write) {
		command += " -write " + filepath.ToSlash(o.write)
	}
	return command
}

// count writes a whole number with its thousands apart.
func count(f float64) string {
	if !known(f) {
		return "-"
	}
	digits := strconv.FormatInt(int64(math.Round(f)), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// decimal writes about three digits.
func decimal(f float64) string {
	switch {
	case !known(f):
		return "-"
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

func ratio(f float64) string {
	if !known(f) {
		return "-"
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

// known tells whether a figure was measured at all.
func known(f float64) bool { return f > 0 && !math.IsInf(f, 0) && !math.IsNaN(f) }
