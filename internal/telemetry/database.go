package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// database are the instruments of the store.
type database struct {
	reads, writes, commits, feedDelay prometheus.Observer
	batch                             prometheus.Observer
	outcomes                          map[WriteOutcome]prometheus.Counter
	looked                            prometheus.Gauge
}

// WriteOutcome is what became of a write.
type WriteOutcome string

// The outcomes of writes.
const (
	WriteCommitted   WriteOutcome = "committed"
	WriteRolledBack  WriteOutcome = "rolled_back" // its own doing: a conflict, a limit, a refusal
	WriteUnavailable WriteOutcome = "unavailable" // the database did not take it
)

func (m *Metrics) makeDatabase() {
	d := &m.database
	d.reads = m.histogram("database_read_duration_seconds", "Time of read transactions, with the wait for a connection.", seconds).WithLabelValues()
	d.writes = m.histogram("database_write_duration_seconds", "Time of writes, from the call until they are durable or have failed.", seconds).WithLabelValues()
	d.commits = m.histogram("database_commit_duration_seconds", "Time of batches of writes, from begin to the end of the commit.", seconds).WithLabelValues()
	d.batch = m.histogram("database_write_batch_size", "Writes that shared one commit.", []float64{1, 2, 4, 8, 16, 32, 64}).WithLabelValues()
	outcomes := m.counter("database_writes_total", "Writes, by what became of them.", "outcome")
	d.outcomes = map[WriteOutcome]prometheus.Counter{}
	for _, outcome := range []WriteOutcome{WriteCommitted, WriteRolledBack, WriteUnavailable} {
		d.outcomes[outcome] = outcomes.WithLabelValues(string(outcome))
	}
	d.feedDelay = m.histogram("change_feed_delay_seconds", "Time until a change by another process was heard of here.", seconds).WithLabelValues()
	d.looked = m.gauge("change_feed_looked_timestamp_seconds", "When the changes of other processes were last looked for with success (Unix time).").WithLabelValues()
}

// Read counts a read transaction.
func (m *Metrics) Read(took time.Duration) {
	if m != nil {
		m.database.reads.Observe(took.Seconds())
	}
}

// Wrote counts a write.
func (m *Metrics) Wrote(outcome WriteOutcome, took time.Duration) {
	if m != nil {
		m.database.outcomes[outcome].Inc()
		m.database.writes.Observe(took.Seconds())
	}
}

// Committed counts a batch of writes.
func (m *Metrics) Committed(writes int, took time.Duration) {
	if m != nil {
		m.database.commits.Observe(took.Seconds())
		m.database.batch.Observe(float64(writes))
	}
}

// Looked notes that the feed of changes was read just now.
func (m *Metrics) Looked() {
	if m != nil {
		m.database.looked.SetToCurrentTime()
	}
}

// Heard counts a change that another process made at a time.
func (m *Metrics) Heard(at time.Time) {
	if m != nil {
		m.database.feedDelay.Observe(max(0, time.Since(at).Seconds()))
	}
}

// Stopwatch measures how long something takes, on the clock that nobody sets.
type Stopwatch struct{ began time.Time }

// StartWatch starts a Stopwatch.
func StartWatch() Stopwatch { return Stopwatch{time.Now()} }

// SinceWall is how far a time that some clock tells is behind this machine's.
func SinceWall(t time.Time) time.Duration { return time.Since(t) }

// Took is the time since the start.
func (s Stopwatch) Took() time.Duration { return time.Since(s.began) }
