// Package telemetry is how Freehold tells what it is doing: metrics that
// Prometheus reads and traces that go to an OpenTelemetry collector.
//
// No label of a metric names a tenant, a host, a client or a person: their number
// has no bound. The nil *Metrics and the nil *Tracer do nothing, so whoever has
// none needs no second way.
package telemetry

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the instruments of a server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	list     []Description
	build    *prometheus.GaugeVec

	requests    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	inFlight    prometheus.Gauge
	rateLimited *prometheus.CounterVec
	operations  sync.Map // operationKey → *Operation

	tokens *prometheus.CounterVec
	issued map[string]prometheus.Counter // of tokens, by grant

	database database
	work     work
}

// seconds are the upper bounds of duration histograms: from what a token from memory
// takes up to what nobody waits for.
var seconds = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewMetrics makes the instruments, at zero.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.build = m.gauge("build_info", "Always 1; the labels say which program this is.", "version", "revision", "go")
	m.makeHTTP()
	m.makeDatabase()
	m.makeWork()
	return m
}

// Built says which program this is.
func (m *Metrics) Built(version string) {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	m.build.Reset()
	m.build.WithLabelValues(orNone(version), orNone(revision), runtime.Version()).Set(1)
}

// Handler serves the metrics in the formats of Prometheus and OpenMetrics, of which
// only the latter has exemplars.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry: m.registry, EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError,
		Timeout: scrapeTimeout, MaxRequestsInFlight: maxScrapes,
	})
}

const (
	scrapeTimeout = 10 * time.Second // Prometheus' own default
	maxScrapes    = 4                // at a time: each asks the database
)

// Gatherer gives all metrics, for tests of what there is.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Description says what a metric is.
type Description struct {
	Name, Type, Help string
	Labels           []string
}

// List describes all metrics of Freehold's own, in the order of their names.
// Those of the Go runtime and of the process come on top.
func (m *Metrics) List() []Description {
	all := append(slices.Clone(m.list), lookedUp...)
	slices.SortFunc(all, func(a, b Description) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (m *Metrics) describe(kind, name, help string, labels []string) {
	m.list = append(m.list, Description{namespace + "_" + name, kind, help, labels})
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	m.describe("counter", name, help, labels)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	m.describe("gauge", name, help, labels)
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	m.describe("histogram", name, help, labels)
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: bounds}, labels)
	m.registry.MustRegister(v)
	return v
}

const namespace = "freehold"
