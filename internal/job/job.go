// Package job runs durable work: what a transaction has put into the queue is
// done after it has committed, at least once, also when the server stops or is
// killed meanwhile.
//
// The queue is that of River; this package puts it into the transactions of the
// store and keeps its types out of the rest of the program.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Limits of the queue.
const (
	Timeout = time.Minute            // of one attempt, whose context then ends
	rescue  = 2 * Timeout            // after which an attempt whose process was killed is made again, if nobody calls Resume
	workers = 20                     // attempts at a time in this process
	outside = 100                    // the same, of jobs that wait for the servers of others
	poll    = 500 * time.Millisecond // for jobs, while there are none; each look costs the writer a moment
	busy    = 25 * time.Millisecond  // for more of them
	leave   = 5 * time.Second        // a job of an unknown kind, for a process that knows it
	abandon = 7 * 24 * time.Hour     // after which nobody is taken to know it
	grace   = 10 * time.Second       // for running attempts when the server stops
)

// queueOutside is River's queue for the jobs of Kind.Outside.
const queueOutside = "outside"

// Queue is the jobs of an estate. It is safe for concurrent use.
type Queue struct {
	// Metrics and Tracer are told of attempts. They are set before Run; nil: nobody is.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer

	log    *slog.Logger
	now    func() time.Time
	client client

	mu    sync.RWMutex
	kinds map[string]Kind
}

// Kind is a kind of jobs and how they are done.
type Kind struct {
	Name string // of the kind, such as "webhook.deliver"; it stays, because jobs outlive a version of the program

	// Do makes an attempt. It may be made again although it went well, so it has to
	// find out what is done already. An error has the job tried again after
	// Backoff, until there were Attempts; an error made by Later is no failed attempt.
	Do func(ctx context.Context, j Job) error

	// Outside says that attempts wait for servers of others. They have workers of
	// their own, so that nothing else has to wait for a server that is slow.
	Outside bool

	Attempts int                             // 0: 25
	Backoff  func(attempt int) time.Duration // after the failure of an attempt, counted from 1; nil: Backoff
}

// Job is an attempt at a job.
type Job struct {
	Payload json.RawMessage
	Attempt int  // counted from 1
	Last    bool // there will be no other
}

// New is a job to be enqueued.
type New struct {
	Kind    string
	Payload any       // written as JSON; small: ids, and never a secret
	At      time.Time // not before; zero: at once
	Key     string    // of several unfinished jobs with the same kind and key there is only the first; empty: no limit
}

// Backoff is how long to wait after a failed attempt: five seconds, and then
// three times as long each time, up to six hours.
func Backoff(attempt int) time.Duration {
	wait := 5 * time.Second
	for range min(attempt-1, 20) {
		wait = min(3*wait, 6*time.Hour)
	}
	return wait
}

// Later is what Do returns when the job is not due yet after all, or has to wait
// for something that is no failure.
func Later(at time.Time) error { return later{at} }

type later struct{ at time.Time }

// Error implements error.
func (l later) Error() string { return "later: " + l.at.Format(time.RFC3339) }

// args is how a job is stored.
type args struct {
	Name    string          `json:"name" river:"unique"`
	Key     string          `json:"key,omitempty" river:"unique"`
	Payload json.RawMessage `json:"payload"`
}

// Kind implements river.JobArgs. There is one kind for River, so that ours can be
// made without a type for each.
func (args) Kind() string { return "job" }

// Open opens the queue in db. It starts nothing.
func Open(db *store.Store, log *slog.Logger, now func() time.Time) (*Queue, error) {
	q := &Queue{log: log, now: now, kinds: make(map[string]Kind)}
	known := river.NewWorkers()
	if err := river.AddWorkerSafely(known, &worker{queue: q}); err != nil {
		return nil, err
	}
	var err error
	q.client, err = newClient(db, &river.Config{
		Logger:               slog.New(newQuiet(log.Handler())),
		Workers:              known,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}, queueOutside: {MaxWorkers: outside}},
		PollOnly:             true, // on SQLite listening is polling too, and through a pooler one can't listen
		FetchCooldown:        busy,
		FetchPollInterval:    poll,
		JobTimeout:           Timeout,
		RescueStuckJobsAfter: rescue,
		SoftStopTimeout:      grace,
		RetryPolicy:          q,
		ErrorHandler:         q,
		Test:                 river.TestConfig{Time: clock(now)},
	})
	if err != nil {
		return nil, err
	}
	return q, nil
}

// Handle says how jobs of a kind are done. All kinds are to be known before Run:
// others are left for a process of another version, which may be running beside
// this one during an upgrade. After a week attempts at them fail.
func (q *Queue) Handle(k Kind) {
	if k.Attempts == 0 {
		k.Attempts = river.MaxAttemptsDefault
	}
	if k.Backoff == nil {
		k.Backoff = Backoff
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kinds[k.Name] = k
}

func (q *Queue) kind(name string) (Kind, bool) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	k, ok := q.kinds[name]
	return k, ok
}

// Enqueue adds a job that exists if, and only if, the transaction commits.
func (q *Queue) Enqueue(ctx context.Context, tx *store.Tx, n New) error {
	kind, ok := q.kind(n.Kind)
	if !ok {
		return fmt.Errorf("jobs of kind %q have no handler", n.Kind)
	}
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return fmt.Errorf("payload of job %s: %w", n.Kind, err)
	}
	opts := &river.InsertOpts{MaxAttempts: kind.Attempts, ScheduledAt: n.At, Queue: river.QueueDefault, Metadata: traceOf(ctx)}
	if kind.Outside {
		opts.Queue = queueOutside
	}
	if n.Key != "" {
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}}
	}
	if err := q.client.enqueue(ctx, tx, args{Name: n.Kind, Key: n.Key, Payload: payload}, opts); err != nil {
		return fmt.Errorf("enqueue %s: %w", n.Kind, err)
	}
	return nil
}

// Run does jobs as they become due until ctx ends. It begins as soon as the database
// can be written. When ctx ends, it lets running attempts come to their end, for ten
// seconds, and ends their contexts after that.
func (q *Queue) Run(ctx context.Context) {
	q.mu.RLock()
	for name := range q.kinds {
		q.Metrics.JobKind(name)
	}
	q.mu.RUnlock()
	for told := false; ; {
		err := q.client.Start(ctx)
		if err == nil {
			break
		}
		if ctx.Err() == nil && !told {
			told = true
			q.log.ErrorContext(ctx, "jobs wait until the database takes them", "error", err)
		}
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
			return
		}
	}
	<-ctx.Done()
	<-q.client.Stopped()
}

// startPause is between attempts to begin with a database that can't be written.
const startPause = time.Second

// worker does all jobs.
type worker struct {
	river.WorkerDefaults[args]

	queue *Queue
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, j *river.Job[args]) error {
	ctx, seen := w.queue.see(ctx, j.JobRow, j.Args)
	defer seen.end() // also of an attempt that panics
	err := w.queue.do(ctx, j.JobRow, j.Args)
	var l later
	if errors.As(err, &l) {
		seen.outcome = telemetry.JobPostponed
		return river.JobSnooze(max(0, l.at.Sub(w.queue.now())))
	}
	if err == nil {
		seen.outcome = telemetry.JobDone
	}
	seen.span.Fail(err)
	return err
}

func (q *Queue) do(ctx context.Context, row *rivertype.JobRow, a args) error {
	kind, ok := q.kind(a.Name)
	if !ok && q.now().Sub(row.CreatedAt) < abandon {
		return Later(q.now().Add(leave))
	}
	if !ok {
		return fmt.Errorf("jobs of kind %q have no handler in this version of the program", a.Name)
	}
	return kind.Do(ctx, Job{Payload: a.Payload, Attempt: row.Attempt, Last: row.Attempt >= row.MaxAttempts})
}

// NextRetry implements river.ClientRetryPolicy.
func (q *Queue) NextRetry(row *rivertype.JobRow) time.Time {
	backoff := Backoff
	var a args
	if json.Unmarshal(row.EncodedArgs, &a) == nil {
		if kind, ok := q.kind(a.Name); ok {
			backoff = kind.Backoff
		}
	}
	return q.now().Add(backoff(row.Attempt))
}

// HandleError implements river.ErrorHandler: a job that is given up is told to
// the operator.
func (q *Queue) HandleError(ctx context.Context, row *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if row.Attempt >= row.MaxAttempts {
		q.log.ErrorContext(ctx, "job given up", "job", row.ID, "attempts", row.Attempt, "args", string(row.EncodedArgs), "error", err)
	}
	return nil
}

// HandlePanic implements river.ErrorHandler.
func (q *Queue) HandlePanic(ctx context.Context, row *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	q.log.ErrorContext(ctx, "panic in a job", "job", row.ID, "args", string(row.EncodedArgs), "panic", value, "trace", trace)
	return nil
}

// clock has River go by the time of the services.
type clock func() time.Time

// Now implements rivertype.TimeGenerator.
func (c clock) Now() time.Time { return c() }

// NowOrNil implements rivertype.TimeGenerator.
func (c clock) NowOrNil() *time.Time {
	now := c()
	return &now
}
