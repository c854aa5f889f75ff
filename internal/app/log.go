package app

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// NewLogger makes the program's logger. It writes behind: lines reach w within
// logDelay, and all of them by the time the returned function has been called.
// One write for many lines is what keeps a log line for every token cheap; a
// process that is killed loses the last moment of its log, and nothing else.
func NewLogger(c Config, w io.Writer) (log *slog.Logger, flush func(), err error) {
	level, err := logLevel(c.LogLevel)
	if err != nil {
		return nil, nil, err
	}
	buffer := &logBuffer{w: w}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(buffer, options)), buffer.Flush, nil
	}
	return slog.New(slog.NewTextHandler(buffer, options)), buffer.Flush, nil
}

func logLevel(name string) (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(strings.ToUpper(name)))
	return level, err
}

const (
	logDelay = 50 * time.Millisecond
	logSize  = 64 << 10 // bytes that are written at once, whatever the delay
)

// logBuffer collects lines and writes them together.
type logBuffer struct {
	mu      sync.Mutex
	w       io.Writer
	lines   []byte
	waiting bool // a flush is due
}

// Write implements io.Writer. It never fails: there is nobody to tell that the
// log can't be written.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line...)
	switch {
	case len(b.lines) >= logSize:
		b.flush()
	case !b.waiting:
		b.waiting = true
		time.AfterFunc(logDelay, b.Flush)
	}
	return len(line), nil
}

// Flush writes what has been collected.
func (b *logBuffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = false
	b.flush()
}

func (b *logBuffer) flush() {
	if len(b.lines) > 0 {
		_, _ = b.w.Write(b.lines)
		b.lines = b.lines[:0]
	}
}
