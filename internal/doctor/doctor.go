// Package doctor examines an installation: what a server needs, whether it is
// there, and what to do where it is not.
package doctor

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/store"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, and may not for long, or not for everybody
	Fail Level = "fail" // it does not work
)

// Finding is what one check has found.
type Finding struct {
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"` // what to do; empty: nothing
}

// Examination says what to examine, and is the world in which that is done.
type Examination struct {
	Config  app.Config
	Problem error // of the configuration; nil: none

	// Server says that a server is expected to run, so that none is a failure.
	Server bool

	Now    func() time.Time
	Lookup func(ctx context.Context, host string) ([]string, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Free   func(path string) (free, size uint64, err error) // bytes, where path is

	findings []Finding
	full     bool // there is no room on the disk of the data folder
	database store.Inspection
	unread   bool // what is in the database is not known
}

// New makes an Examination of this machine's world.
func New(config app.Config, problem error) *Examination {
	dialer := &net.Dialer{Timeout: patience}
	return &Examination{
		Config: config, Problem: problem, Now: app.Clock, Free: freeSpace,
		Lookup: net.DefaultResolver.LookupHost, Dial: dialer.DialContext,
	}
}

// patience is how long each answer from outside is waited for.
const patience = 5 * time.Second

// Run makes all checks, in an order in which the first failure is likely to be the
// cause of the others.
func (e *Examination) Run(ctx context.Context) []Finding {
	e.findings = nil
	e.checkConfig()
	if e.Problem != nil {
		return e.findings // of what is configured wrongly nothing else can be said
	}
	e.checkDisk()
	e.checkDatabase(ctx)
	e.checkKeys(ctx)
	e.checkNames(ctx)
	e.checkCertificate()
	e.checkServer(ctx)
	e.checkCollector(ctx)
	return e.findings
}

// Worst is the worst level of findings.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		if f.Level == Fail || f.Level == Warn && worst == OK {
			worst = f.Level
		}
	}
	return worst
}

func (e *Examination) add(check string, level Level, advice, format string, args ...any) {
	if level == OK {
		advice = ""
	}
	e.findings = append(e.findings, Finding{Check: check, Level: level, Found: fmt.Sprintf(format, args...), Advice: advice})
}

// bytes writes a size for people.
func bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, "KMGTPE"
	for value >= unit && len(units) > 1 {
		value, units = value/unit, units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, units[0])
}
