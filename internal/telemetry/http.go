package telemetry

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func (m *Metrics) makeHTTP() {
	m.requests = m.counter("http_requests_total", "Requests that were answered.", "surface", "operation", "status")
	m.durations = m.histogram("http_request_duration_seconds", "Time from the first look at a request to the end of its answer.", seconds, "surface", "operation")
	m.inFlight = m.gauge("http_requests_in_flight", "Requests that are being answered.").WithLabelValues()
	m.rateLimited = m.counter("http_rate_limited_total", "Requests that were refused because their caller made too many.", "surface", "tier")
	m.tokens = m.counter("tokens_total", "Requests for access tokens, by grant, and what came of them: issued, or the error of RFC 6749.", "grant", "outcome")
}

// Operation counts the requests for one operation at one kind of host.
type Operation struct {
	metrics     *Metrics
	surface, id string
	duration    prometheus.Observer

	mu       sync.Mutex                      // held to add to statuses
	statuses atomic.Pointer[[]statusCounter] // replaced as a whole: few, and read by every request
}

type statusCounter struct {
	status int
	prometheus.Counter
}

type operationKey struct{ surface, id string }

// none is the label of what is not known: the surface of a host that is nobody's,
// or the operation of a path that leads nowhere.
const none = "none"

// Operation returns the counter of an operation at a surface. It is to be kept: the
// series exist from its first request on, and finding them again costs more than
// counting.
func (m *Metrics) Operation(surface, id string) *Operation {
	if m == nil {
		return nil
	}
	key := operationKey{surface, id}
	if known, ok := m.operations.Load(key); ok {
		o, _ := known.(*Operation)
		return o
	}
	o := &Operation{metrics: m, surface: orNone(surface), id: orNone(id)}
	o.statuses.Store(&[]statusCounter{})
	known, _ := m.operations.LoadOrStore(key, o)
	o, _ = known.(*Operation)
	return o
}

func orNone(label string) string {
	if label == "" {
		return none
	}
	return label
}

// Begin counts a request that is being answered.
func (m *Metrics) Begin() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// End counts an answered request, of which Begin was told. A trace that is kept is
// the exemplar of its duration; otherwise trace is empty.
func (o *Operation) End(status int, took time.Duration, trace string) {
	if o == nil {
		return
	}
	o.metrics.inFlight.Dec()
	o.status(status).Inc()
	observe(o.duration, took, trace)
}

// observe counts a duration, with the trace as its exemplar if it is kept.
func observe(histogram prometheus.Observer, took time.Duration, trace string) {
	if trace != "" {
		if h, ok := histogram.(prometheus.ExemplarObserver); ok {
			h.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": trace})
			return
		}
	}
	histogram.Observe(took.Seconds())
}

// status is the counter of an operation's answers with a status. With the first of
// them all series of the operation appear.
func (o *Operation) status(status int) prometheus.Counter {
	for _, c := range *o.statuses.Load() {
		if c.status == status {
			return c
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	known := *o.statuses.Load()
	for _, c := range known {
		if c.status == status {
			return c
		}
	}
	if o.duration == nil {
		o.duration = o.metrics.durations.WithLabelValues(o.surface, o.id)
	}
	added := append(slices.Clip(known), statusCounter{status, o.metrics.requests.WithLabelValues(o.surface, o.id, strconv.Itoa(status))})
	o.statuses.Store(&added)
	return added[len(added)-1]
}

// Tier makes the series of requests at a surface that are over the limit of a tier,
// so that the first of them is seen as an increase.
func (m *Metrics) Tier(surface string, tier int) {
	if m != nil {
		m.rateLimited.WithLabelValues(surface, strconv.Itoa(tier))
	}
}

// RateLimited counts a request that was refused for its caller's rate.
func (m *Metrics) RateLimited(surface string, tier int) {
	if m != nil {
		m.rateLimited.WithLabelValues(orNone(surface), strconv.Itoa(tier)).Inc()
	}
}

// Grants names the grants by which tokens are counted. Whatever else is asked for
// counts as "other": what callers invent must not make series.
func (m *Metrics) Grants(names ...string) {
	if m == nil {
		return
	}
	m.issued = make(map[string]prometheus.Counter, len(names))
	for _, name := range names {
		m.issued[name] = m.tokens.WithLabelValues(name, outcomeIssued)
	}
}

const (
	outcomeIssued = "issued"
	other         = "other"
)

// Token counts a request for a token: failure is the error of RFC 6749 that it was
// answered with, empty if there is a token.
func (m *Metrics) Token(grant, failure string) {
	if m == nil {
		return
	}
	issued, known := m.issued[grant]
	switch {
	case known && failure == "":
		issued.Inc()
	case known:
		m.tokens.WithLabelValues(grant, failure).Inc()
	default:
		m.tokens.WithLabelValues(other, failure).Inc()
	}
}
