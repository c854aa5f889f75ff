// Package load sends one HTTP request over and over on several connections
// and counts what comes back. It exists because a general client costs about
// as much per request as the servers it would measure; this one speaks just
// enough HTTP/1.1 to stay far cheaper than they are. Nearly all that it still
// costs is the kernel's: one write and two reads for each exchange.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// checkEvery is how often a connection hands a body to Config.Check.
	checkEvery = 1000
	// grace is how long answers may be late after Config.Duration.
	grace = 15 * time.Second
)

// Config says what is sent, where, and for how long.
type Config struct {
	Addr        string        // "127.0.0.1:8480"; loopback addresses only
	Request     []byte        // as made by NewRequest
	Next        func() []byte // makes each request anew, instead of Request; called concurrently
	Status      int           // of good answers; 0: any 2xx
	Connections int           // at least 1
	Duration    time.Duration // no request is sent later than this after the start
	Count       int64         // no more requests than this are sent; 0: no bound

	// Check looks at the body of the first answer of each connection and of
	// every thousandth after it, so that an error page with status 200 does
	// not count as success. It is called concurrently. Nil checks nothing.
	Check func(body []byte) error
}

// Result is what a run counted. Every request in it got a good answer; any
// other ends the run with an error.
type Result struct {
	Requests int64
	Elapsed  time.Duration // first request sent to last answer read
	Latency  *Histogram    // of whole exchanges: request written to body read
}

// PerSecond is the number of answers a second.
func (r Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// NewRequest makes the bytes of a request. The host goes into the Host header
// and need not resolve. Header lines are given as "Name: value".
func NewRequest(method, host, target, body string, header ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	if body != "" || method != "GET" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return []byte(b.String() + "\r\n" + body)
}

// Run connects, sends requests until a bound of c is reached, and waits for
// the outstanding answers. The connections are made before the clock starts.
func Run(ctx context.Context, c Config) (Result, error) {
	if host, _, err := net.SplitHostPort(c.Addr); err != nil || !net.ParseIP(host).IsLoopback() {
		return Result{}, fmt.Errorf("%q is not a loopback address and port", c.Addr)
	}
	if c.Connections < 1 || c.Duration <= 0 {
		return Result{}, errors.New("connections and duration must be positive")
	}
	workers, err := connect(ctx, c)
	defer func() {
		for _, w := range workers {
			_ = w.conn.Close()
		}
	}()
	if err != nil {
		return Result{}, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var running sync.WaitGroup
	start := time.Now()
	for _, w := range workers {
		// One deadline for the whole run: setting it per request would cost
		// more than the parsing.
		if err := w.conn.SetDeadline(start.Add(c.Duration + grace)); err != nil {
			return Result{}, fmt.Errorf("set deadline: %w", err)
		}
		stop := context.AfterFunc(ctx, func() { _ = w.conn.SetDeadline(time.Unix(1, 0)) })
		running.Go(func() {
			defer stop()
			if err := w.run(ctx, c, start, &sent); err != nil {
				cancel(err) // only the first cause is kept
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}

	result := Result{Elapsed: time.Since(start), Latency: new(Histogram)}
	for _, w := range workers {
		result.Latency.Merge(&w.latency)
	}
	result.Requests = result.Latency.Count()
	return result, nil
}

// worker is one connection.
type worker struct {
	conn      net.Conn
	responses *responseReader
	latency   Histogram
}

func connect(ctx context.Context, c Config) ([]*worker, error) {
	var dialer net.Dialer
	workers := make([]*worker, 0, c.Connections)
	for range c.Connections {
		conn, err := dialer.DialContext(ctx, "tcp", c.Addr)
		if err != nil {
			return workers, fmt.Errorf("connect: %w", err)
		}
		workers = append(workers, &worker{conn: conn, responses: newResponseReader(conn)})
	}
	return workers, nil
}

// run exchanges requests one at a time until a bound is reached.
func (w *worker) run(ctx context.Context, c Config, start time.Time, sent *atomic.Int64) error {
	before := start
	for n := 0; before.Sub(start) < c.Duration && ctx.Err() == nil; n++ {
		if order := sent.Add(1); c.Count > 0 && order > c.Count {
			return nil
		}
		request := c.Request
		if c.Next != nil {
			request = c.Next()
			before = time.Now() // making it is not the server's work
		}
		if _, err := w.conn.Write(request); err != nil {
			return fmt.Errorf("send request: %w", err)
		}
		status, body, err := w.responses.next()
		if err != nil {
			return fmt.Errorf("answer %d of a connection: %w", n+1, err)
		}
		if status != c.Status && (c.Status != 0 || status < 200 || status > 299) {
			return fmt.Errorf("answer %d of a connection: status %d: %.300s", n+1, status, body)
		}
		if c.Check != nil && n%checkEvery == 0 {
			if err := c.Check(body); err != nil {
				return fmt.Errorf("answer %d of a connection: %w: %.300s", n+1, err, body)
			}
		}
		after := time.Now()
		w.latency.Record(after.Sub(before))
		before = after // one clock reading per request: the gap between two is nanoseconds
	}
	return nil
}
