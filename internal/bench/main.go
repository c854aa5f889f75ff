// Command bench measures the server beside limit programs that do only what
// physics requires of the same operation, in the same run, and prints the
// ratios. Run it from the repository:
//
//	go run ./internal/bench                              # print the tables
//	go run ./internal/bench -write docs/benchmarks.md    # and write the document
//	go run ./internal/bench -run tokens -duration 2s     # one scenario, quickly
//
// The server gets one processor and the load generator another, where the
// machine has two and taskset exists. Limit and server are measured in turn,
// round by round; the tables show medians. Everything is on 127.0.0.1, in a
// temporary folder that is removed at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// module is where the programs are built from.
const module = "github.com/freehold-platform/freehold"

// options are the flags.
type options struct {
	scenarios   []string
	rounds      int
	duration    time.Duration // of one window
	warmup      time.Duration
	connections int      // for tokens
	engines     []string // for tokens of many clients and creates
	numbers     []int    // of clients, for tokens of many clients
	tenants     []int    // sizes of the estates of the pages scenario
	clients     int      // of the largest of them
	estates     string

	auditRecords int
	auditDir     string // where the scenario audits keeps its installation; empty: nowhere
	fillOnly     bool
	verify       bool // the chain that was filled
	write        string
	dir          string
	serveArgs    []string
	binary       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	scenarioList := flags.String("run", "tokens,clients,credentials,pages,creates,lives,deliveries", "scenarios, of: "+strings.Join(scenarioNames(), ", "))
	engineList := flags.String("engines", engineSQLite+","+enginePostgres, "`engines` of the scenarios clients and creates")
	numberList := flags.String("client-numbers", "10,1000,100000", "`numbers` of clients of the scenario clients")
	tenantList := flags.String("tenants", "1000,100000", "`sizes` of the estates of the scenario pages")
	flags.IntVar(&o.clients, "clients", 0, "how many clients get a token at the largest estate of the scenario pages, before its memory is measured")
	flags.StringVar(&o.estates, "estates", "", "keep the estates of the scenario pages in this `folder`, and use those that are there: a million tenants take minutes to make")
	flags.IntVar(&o.rounds, "rounds", 5, "how often limit and server are measured in turn")
	flags.DurationVar(&o.duration, "duration", 3*time.Second, "length of one measurement")
	flags.DurationVar(&o.warmup, "warmup", time.Second, "length of the run before the measurements of a case")
	flags.IntVar(&o.connections, "connections", 32, "connections of the scenarios tokens and credentials")
	flags.IntVar(&o.auditRecords, "audit-records", 1_000_000, "how many records the scenario audits reads among")
	flags.StringVar(&o.auditDir, "audit-dir", "", "`folder` in which the scenario audits keeps its installation, to measure it again without filling it (default: none)")
	flags.BoolVar(&o.fillOnly, "fill-only", false, "fill -audit-dir and measure nothing")
	flags.BoolVar(&o.verify, "audit-verify", true, "go through the chain of the records that the scenario audits has made")
	flags.StringVar(&o.write, "write", "", "write the document to this `file` as well")
	flags.StringVar(&o.dir, "dir", "", "`folder` for databases; it should be on the disk whose speed matters (default: the temporary folder)")
	flags.StringVar(&o.binary, "binary", "", "measure this `program` instead of building the server")
	serveArgs := flags.String("serve-args", "", "more `arguments` for freehold serve, separated by spaces")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.serveArgs = strings.Fields(*serveArgs)
	o.scenarios = strings.Split(*scenarioList, ",")
	for _, name := range o.scenarios {
		if !slices.Contains(scenarioNames(), name) {
			return o, fmt.Errorf("-run: there is no scenario %q", name)
		}
	}
	for engine := range strings.SplitSeq(*engineList, ",") {
		if engine != engineSQLite && engine != enginePostgres {
			return o, fmt.Errorf("-engines: there is no engine %q", engine)
		}
		o.engines = append(o.engines, engine)
	}
	for number := range strings.SplitSeq(*numberList, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-client-numbers: %q is not a number of clients", number)
		}
		o.numbers = append(o.numbers, n)
	}
	slices.Sort(o.numbers)
	for size := range strings.SplitSeq(*tenantList, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 4*pageSize {
			return o, fmt.Errorf("-tenants: %q is not a number of at least %d", size, 4*pageSize)
		}
		o.tenants = append(o.tenants, n)
	}
	if least := 4 * pageSize * 1000; o.auditRecords < least {
		return o, fmt.Errorf("-audit-records must be at least %d: a thousandth of them has to fill pages", least)
	}
	if o.fillOnly && (o.auditDir == "" || !slices.Equal(o.scenarios, []string{"audits"})) {
		return o, errors.New("-fill-only needs -audit-dir and -run audits")
	}
	slices.Sort(o.tenants) // the smallest estate is what the others are compared with
	if o.rounds < 1 || o.duration <= 0 || o.warmup <= 0 || o.connections < 1 || flags.NArg() > 0 {
		return o, errors.New("counts and durations must be positive, and there are no arguments beside flags")
	}
	return o, nil
}

// bench is one run of the benchmark.
type bench struct {
	options
	progress io.Writer
	work     string            // folder that is removed at the end
	postgres *measure.Postgres // nil: not started
	freehold string            // binaries
	limit    string
	port     int      // of every server that this run starts from an installation
	core     int      // where servers and limit programs run; the load has another
	warnings []string // of the scenario that runs
}

// scenario measures one kind of operation.
type scenario struct {
	name string
	run  func(*bench, context.Context) (table, error)
}

func scenarios() []scenario {
	return []scenario{
		{"tokens", (*bench).tokens},
		{"clients", (*bench).manyClients},
		{"credentials", (*bench).credentials},
		{"pages", (*bench).pages},
		{"creates", (*bench).creates},
		{"lives", (*bench).lives},
		{"deliveries", (*bench).deliveries},
		{"audits", (*bench).audits},
		{"self", (*bench).self},
	}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	b := &bench{options: o, progress: progress}
	if b.work, err = os.MkdirTemp(o.dir, "freehold-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	defer func() {
		if b.postgres != nil {
			err = errors.Join(err, b.postgres.Stop())
		}
	}()
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.port, err = measure.FreePort(ctx); err != nil {
		return err
	}
	core, loadCore, ok := measure.TwoCores()
	b.core = core
	if !ok {
		b.warn("Processes were not pinned (that needs two processors and taskset): server and load disturbed each other.")
	} else if err := measure.PinSelf(ctx, loadCore); err != nil {
		return err
	}

	r := report{machine: describeMachine(ctx, b.work), options: o}
	for _, s := range scenarios() {
		if !slices.Contains(o.scenarios, s.name) {
			continue
		}
		t, err := s.run(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		t.warnings, b.warnings = b.warnings, nil
		r.tables = append(r.tables, t)
	}
	if err := r.print(out); err != nil || o.write == "" {
		return err
	}
	before, err := os.ReadFile(o.write)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(o.write, []byte(r.document(string(before))), 0o644) //nolint:gosec // a document for everybody
}

// build makes the two programs before anything is pinned, so that it may use
// all processors.
func (b *bench) build(ctx context.Context) error {
	b.limit = filepath.Join(b.work, "limit")
	b.freehold = filepath.Join(b.work, "freehold")
	programs := map[string]string{b.limit: "/internal/bench/limit", b.freehold: "/cmd/freehold"}
	if b.binary != "" || slices.Equal(b.scenarios, []string{"self"}) {
		delete(programs, b.freehold)
		b.freehold = b.binary
	}
	for output, pkg := range programs {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", output, module+pkg) //nolint:gosec // fixed packages
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
		}
	}
	return nil
}

func (b *bench) warn(format string, args ...any) {
	b.warnings = append(b.warnings, fmt.Sprintf(format, args...))
}
