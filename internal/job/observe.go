package job

import (
	"context"
	"encoding/json"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/freehold-platform/freehold/internal/telemetry"
)

// metadata is what the queue notes of a job beside its arguments, by which jobs are
// told apart.
type metadata struct {
	Traceparent string `json:"traceparent,omitempty"`
}

// traceOf is the metadata of a job that is enqueued in the trace of ctx, so that
// what it does belongs to the request that asked for it; nil: there is none.
func traceOf(ctx context.Context) []byte {
	parent := telemetry.Traceparent(ctx)
	if parent == "" {
		return nil
	}
	text, err := json.Marshal(metadata{Traceparent: parent})
	if err != nil {
		return nil
	}
	return text
}

// sight is an attempt as metrics and trace see it.
type sight struct {
	metrics *telemetry.Metrics
	span    telemetry.Span
	watch   telemetry.Stopwatch
	delay   time.Duration
	kind    string
	outcome telemetry.JobOutcome
}

// see begins to watch an attempt, which has failed until the contrary is known.
func (q *Queue) see(ctx context.Context, row *rivertype.JobRow, a args) (context.Context, *sight) {
	s := &sight{metrics: q.Metrics, watch: telemetry.StartWatch(), delay: q.now().Sub(row.ScheduledAt), kind: a.Name, outcome: telemetry.JobFailed}
	if _, known := q.kind(a.Name); !known {
		s.kind = "unknown"
	}
	if row.Attempt >= row.MaxAttempts {
		s.outcome = telemetry.JobGivenUp
	}
	var m metadata
	if json.Unmarshal(row.Metadata, &m) == nil {
		if of := telemetry.ParseTrace(m.Traceparent); of.ID != "" {
			ctx, s.span = q.Tracer.Begin(ctx, of, "job "+s.kind, telemetry.Consumer)
			s.span.Number("freehold.job.attempt", row.Attempt)
		}
	}
	return ctx, s
}

func (s *sight) end() {
	s.metrics.Job(s.kind, s.outcome, s.delay, s.watch.Took())
	s.span.Text("freehold.job.outcome", string(s.outcome))
	s.span.End()
}
