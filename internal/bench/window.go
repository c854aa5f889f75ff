package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// busy is the share of its processor above which the load generator may have
// been what limited a measurement.
const busy = 0.9

// quiet is how far apart the limit program's own rounds may be, as highest
// over lowest, on a machine that does nothing else.
const quiet = 1.25

// target is a server and what to ask of it.
type target struct {
	server      *measure.Server
	request     []byte
	next        func() []byte // instead of request
	status      int           // of good answers; 0: any 2xx
	count       int64         // of requests at most; 0: no bound
	connections int
	check       func(body []byte) error
}

// maxWindow is for windows that end with a number of requests.
const maxWindow = 5 * time.Minute

// measurement is one way to obtain figures: a window of load on a server, or a
// run of a limit program.
type measurement func(ctx context.Context) (measure.Figures, error)

// window measures t under load for d.
func (b *bench) window(t target, d time.Duration) measurement {
	return func(ctx context.Context) (measure.Figures, error) {
		cpuBefore, cpuErr := measure.CPUTime(t.server.PID())
		loadBefore, loadErr := measure.CPUTime(os.Getpid())
		result, err := load.Run(ctx, load.Config{
			Addr: t.server.Addr, Request: t.request, Next: t.next, Status: t.status, Connections: t.connections, Duration: d, Count: t.count, Check: t.check,
		})
		if err != nil {
			return measure.Figures{}, err
		}
		n := float64(result.Requests)
		f := measure.Figures{
			PerSecond: result.PerSecond(),
			P50:       micros(result.Latency.Quantile(0.50)),
			P95:       micros(result.Latency.Quantile(0.95)),
			P99:       micros(result.Latency.Quantile(0.99)),
		}
		if after, err := measure.CPUTime(t.server.PID()); err == nil && cpuErr == nil {
			f.CPU = micros(after-cpuBefore) / n
		}
		if after, err := measure.CPUTime(os.Getpid()); err == nil && loadErr == nil {
			f.LoadCPU = micros(after-loadBefore) / n
		}
		return f, nil
	}
}

// program runs a limit program that prints its figures.
func (b *bench) program(args ...string) measurement {
	return func(ctx context.Context) (f measure.Figures, err error) {
		cmd := measure.Command(ctx, b.core, b.limit, args...)
		out, err := cmd.Output()
		if err != nil {
			return f, fmt.Errorf("limit %s: %w%s", args[0], err, stderrOf(err))
		}
		if err := json.Unmarshal(out, &f); err != nil {
			return f, fmt.Errorf("limit %s: %w", args[0], err)
		}
		return f, nil
	}
}

// alternate measures limit and server in turn.
func (b *bench) alternate(ctx context.Context, name string, limit, server measurement) (pair measure.Pair, err error) {
	for round := range b.rounds {
		l, err := limit(ctx)
		if err != nil {
			return pair, fmt.Errorf("%s, limit: %w", name, err)
		}
		r, err := server(ctx)
		if err != nil {
			return pair, fmt.Errorf("%s: %w", name, err)
		}
		pair.Limit, pair.Real = append(pair.Limit, l), append(pair.Real, r)
		fmt.Fprintf(b.progress, "%s, round %d of %d: limit %s, freehold %s\n", name, round+1, b.rounds, brief(l), brief(r))
	}
	b.warnIfLoadBound(name+", limit", pair.Limit)
	b.warnIfLoadBound(name, pair.Real)
	b.warnIfNoisy(name, pair.Limit)
	return pair, nil
}

// warnIfNoisy looks at the limit program only, because nothing in it changes
// from round to round.
func (b *bench) warnIfNoisy(name string, limit []measure.Figures) {
	least, most := limit[0].PerSecond, limit[0].PerSecond
	for _, f := range limit {
		least, most = min(least, f.PerSecond), max(most, f.PerSecond)
	}
	if most > quiet*least {
		b.warn("%s: the machine was not quiet: the limit program's rounds were between %s and %s a second.", name, count(least), count(most))
	}
}

func (b *bench) warnIfLoadBound(name string, runs []measure.Figures) {
	m := measure.Median(runs)
	if used := m.LoadCPU * m.PerSecond / 1e6; b.core != measure.Unpinned && used > busy {
		b.warn("%s: the load generator used %.0f%% of its processor; the server might have done more.", name, 100*used)
	}
}

func brief(f measure.Figures) string {
	return fmt.Sprintf("%s/s at %s µs", count(f.PerSecond), decimal(f.CPU))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func perSecond(f measure.Figures) float64 { return f.PerSecond }

func cpu(f measure.Figures) float64 { return f.CPU }

// checkToken accepts an answer that holds an access token.
func checkToken(body []byte) error {
	if !bytes.Contains(body, []byte(`"access_token":"ey`)) {
		return errors.New("the answer holds no token")
	}
	return nil
}

// stderrOf is what a failed command printed.
func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return ": " + string(exit.Stderr)
	}
	return ""
}
