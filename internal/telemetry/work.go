package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// work are the instruments of what happens beside requests.
type work struct {
	attempts           *prometheus.CounterVec
	attemptTime, delay *prometheus.HistogramVec
	deliveries         map[Receiver]delivery
	signIns            *prometheus.CounterVec
	refusedClients     prometheus.Counter
}

type delivery struct {
	total *prometheus.CounterVec
	time  prometheus.Observer
}

// Receiver is who is told of something over HTTP.
type Receiver string

// The receivers.
const (
	Webhook     Receiver = "webhook"
	Provisioner Receiver = "provisioner"
)

// JobOutcome is what came of an attempt at a job.
type JobOutcome string

// The outcomes of attempts at jobs.
const (
	JobDone      JobOutcome = "done"
	JobFailed    JobOutcome = "failed"    // there will be another attempt
	JobGivenUp   JobOutcome = "given_up"  // there will not
	JobPostponed JobOutcome = "postponed" // it was not due after all
)

// jobSeconds are the upper bounds of the time that jobs take and wait.
var jobSeconds = []float64{.001, .005, .01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60, 300}

func (m *Metrics) makeWork() {
	w := &m.work
	w.attempts = m.counter("job_attempts_total", "Attempts at durable jobs, by what came of them.", "kind", "outcome")
	w.attemptTime = m.histogram("job_duration_seconds", "Time of attempts at durable jobs.", jobSeconds, "kind")
	w.delay = m.histogram("job_delay_seconds", "Time from when an attempt at a job was due until it began.", jobSeconds, "kind")
	w.deliveries = map[Receiver]delivery{
		Webhook: {
			m.counter("webhook_deliveries_total", "Attempts to deliver an event to a webhook, by class of the answer.", "outcome"),
			m.histogram("webhook_delivery_duration_seconds", "Time until a webhook's address answered or was given up.", seconds).WithLabelValues(),
		},
		Provisioner: {
			m.counter("provisioner_calls_total", "Attempts to call a provisioner, by class of the answer.", "outcome"),
			m.histogram("provisioner_call_duration_seconds", "Time until a provisioner answered or was given up.", seconds).WithLabelValues(),
		},
	}
	w.signIns = m.counter("sign_ins_total", "Attempts of people to sign in, by what with and what came of them.", "method", "outcome")
	w.refusedClients = m.counter("client_attempts_throttled_total", "Requests of clients that were refused unheard after too many wrong secrets.").WithLabelValues()
}

// JobKind has attempts at jobs of a kind counted from zero, so that the first one of
// each outcome is an increase.
func (m *Metrics) JobKind(kind string) {
	if m == nil {
		return
	}
	for _, outcome := range []JobOutcome{JobDone, JobFailed, JobGivenUp, JobPostponed} {
		m.work.attempts.WithLabelValues(kind, string(outcome))
	}
}

// Job counts an attempt at a job that was due delay before it began.
func (m *Metrics) Job(kind string, outcome JobOutcome, delay, took time.Duration) {
	if m == nil {
		return
	}
	m.work.attempts.WithLabelValues(kind, string(outcome)).Inc()
	m.work.attemptTime.WithLabelValues(kind).Observe(took.Seconds())
	m.work.delay.WithLabelValues(kind).Observe(max(0, delay.Seconds()))
}

// Call is a message to another server on its way.
type Call struct {
	metrics *Metrics
	to      Receiver
	span    Span
	watch   Stopwatch
}

// Call begins to watch a message to a receiver, and puts the trace of ctx, of which
// span may be a part, into the message's header. The Call is to be ended.
func (m *Metrics) Call(ctx context.Context, span Span, to Receiver, header http.Header) *Call {
	if parent := Traceparent(ctx); parent != "" {
		header.Set(headerTraceparent, parent)
	}
	return &Call{m, to, span, StartWatch()}
}

// End counts the message and ends the span: with the status that the receiver
// answered, or 0 and why there is none. No URL is told: it may hold a secret.
func (c *Call) End(status int, err error) {
	c.metrics.delivered(c.to, status, c.watch.Took())
	c.span.Text("http.request.method", http.MethodPost)
	c.span.Text("freehold.receiver", string(c.to))
	switch {
	case err != nil:
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		c.span.Fail(err)
	case status >= http.StatusBadRequest:
		c.span.Number("http.response.status_code", status)
		c.span.Fail(errors.New(http.StatusText(status)))
	default:
		c.span.Number("http.response.status_code", status)
	}
	c.span.End()
}

// delivered counts an attempt to tell a receiver something: the status that it
// answered, or 0 if it did not.
func (m *Metrics) delivered(to Receiver, status int, took time.Duration) {
	if m == nil {
		return
	}
	outcome := "unreachable"
	if status >= 100 {
		outcome = strconv.Itoa(status/100) + "xx"
	}
	d := m.work.deliveries[to]
	d.total.WithLabelValues(outcome).Inc()
	d.time.Observe(took.Seconds())
}

// SignInOutcome is what came of an attempt to sign in.
type SignInOutcome string

// The outcomes of signing in.
const (
	SignedIn        SignInOutcome = "success"
	SignInRefused   SignInOutcome = "refused"
	SignInThrottled SignInOutcome = "throttled"
)

// SignIn counts an attempt to sign in.
func (m *Metrics) SignIn(method string, outcome SignInOutcome) {
	if m != nil {
		m.work.signIns.WithLabelValues(method, string(outcome)).Inc()
	}
}

// ClientThrottled counts a client that was refused unheard.
func (m *Metrics) ClientThrottled() {
	if m != nil {
		m.work.refusedClients.Inc()
	}
}
