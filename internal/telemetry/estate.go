package telemetry

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Snapshot is what is looked up only when metrics are read.
type Snapshot struct {
	Caches   map[string]CacheUse
	Database *DatabaseState // nil: it does not answer
	Estate   *EstateCounts  // nil: not known
}

// CacheUse says how much use a cache is.
type CacheUse struct {
	Hits, Misses uint64
	Entries      int
}

// DatabaseState is how the database does.
type DatabaseState struct {
	Engine        string
	SchemaVersion int64
	Writable      bool  // what is written becomes durable
	Size, WAL     int64 // bytes; WAL -1: not known
	Waiting       int   // writes
	Readers, Busy int
}

// EstateCounts are what is counted of the estate as a whole.
type EstateCounts struct {
	Subscriptions, Tenants, TenantLimit int64
	Fullest                             map[string]float64 // by subscription, 0 to 1
	Jobs                                map[string]int64   // by state
	OldestDue                           map[string]float64 // by queue, seconds
	Behind                              map[string]int64   // by consumer of events
}

// lookEvery is how old a Snapshot may be: however many programs read the metrics,
// the database is asked once.
const lookEvery = 5 * time.Second

// gauges gathers a Snapshot.
type gauges struct {
	look func(context.Context) Snapshot

	mu    sync.Mutex
	last  Snapshot
	until time.Time
}

// Look has look called when metrics are read. It is to return soon: its context
// ends before the reader's patience does.
func (m *Metrics) Look(look func(context.Context) Snapshot) error {
	return m.registry.Register(&gauges{look: look})
}

const lookTimeout = 3 * time.Second

func (g *gauges) snapshot() Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.After(g.until) {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		g.last = g.look(ctx)
		g.until = now.Add(lookEvery)
	}
	return g.last
}

// lookedUp describes the metrics of a Snapshot.
var lookedUp []Description

func desc(name, help string, labels ...string) *prometheus.Desc {
	kind := "gauge"
	if strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	lookedUp = append(lookedUp, Description{namespace + "_" + name, kind, help, labels})
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	cacheHits    = desc("cache_hits_total", "Lookups that a cache answered.", "cache")
	cacheMisses  = desc("cache_misses_total", "Lookups that went to the database.", "cache")
	cacheEntries = desc("cache_entries", "Entries of a cache.", "cache")

	databaseUp       = desc("database_up", "1 if the database answers, else 0.")
	databaseWritable = desc("database_writable", "1 if what is written to the database becomes durable, else 0.")
	databaseInfo     = desc("database_info", "Always 1; the labels say which database this is.", "engine", "schema_version")
	databaseSize     = desc("database_size_bytes", "Size of the database.")
	databaseWAL      = desc("database_wal_bytes", "Size of the write-ahead log, where it can be known.")
	databaseWaiting  = desc("database_writes_waiting", "Writes that wait for their batch.")
	databaseReaders  = desc("database_readers", "Connections for reading that there may be.")
	databaseBusy     = desc("database_readers_busy", "Connections for reading that are in use.")

	subscriptions   = desc("subscriptions", "Subscriptions in force.")
	entitlementUsed = desc("entitlement_used_tenants", "Tenants in the subscriptions in force.")
	entitlementAll  = desc("entitlement_limit_tenants", "Tenants that the subscriptions in force entitle to, together.")
	entitlementFull = desc("entitlement_fullest_ratio", "Used share of the entitlement, of the ten subscriptions where it is largest.", "subscription")

	jobs           = desc("jobs", "Durable jobs that are not done, by state.", "state")
	jobsOldest     = desc("jobs_oldest_due_seconds", "For how long the job that has waited longest has been due; 0: none waits.", "queue")
	consumerBehind = desc("event_consumer_behind_records", "Records of the audit trail that a consumer of events has not read yet.", "consumer")
)

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		cacheHits, cacheMisses, cacheEntries,
		databaseUp, databaseWritable, databaseInfo, databaseSize, databaseWAL, databaseWaiting, databaseReaders, databaseBusy,
		subscriptions, entitlementUsed, entitlementAll, entitlementFull,
		jobs, jobsOldest, consumerBehind,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s := g.snapshot()
	for name, c := range s.Caches {
		ch <- prometheus.MustNewConstMetric(cacheHits, prometheus.CounterValue, float64(c.Hits), name)
		ch <- prometheus.MustNewConstMetric(cacheMisses, prometheus.CounterValue, float64(c.Misses), name)
		gauge(cacheEntries, float64(c.Entries), name)
	}
	if d := s.Database; d != nil {
		gauge(databaseUp, 1)
		writable := 0.
		if d.Writable {
			writable = 1
		}
		gauge(databaseWritable, writable)
		gauge(databaseInfo, 1, d.Engine, strconv.FormatInt(d.SchemaVersion, 10))
		gauge(databaseSize, float64(d.Size))
		if d.WAL >= 0 {
			gauge(databaseWAL, float64(d.WAL))
		}
		gauge(databaseWaiting, float64(d.Waiting))
		gauge(databaseReaders, float64(d.Readers))
		gauge(databaseBusy, float64(d.Busy))
	} else {
		gauge(databaseUp, 0)
	}
	if e := s.Estate; e != nil {
		gauge(subscriptions, float64(e.Subscriptions))
		gauge(entitlementUsed, float64(e.Tenants))
		gauge(entitlementAll, float64(e.TenantLimit))
		for id, used := range e.Fullest {
			gauge(entitlementFull, used, id)
		}
		for state, n := range e.Jobs {
			gauge(jobs, float64(n), state)
		}
		for queue, age := range e.OldestDue {
			gauge(jobsOldest, age, queue)
		}
		for consumer, n := range e.Behind {
			gauge(consumerBehind, float64(n), consumer)
		}
	}
}
