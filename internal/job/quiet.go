package job

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quiet lets through only what an operator has to know: errors, and each of them once
// in repeatAfter. While the database is away, the job library has some to tell every second.
type quiet struct {
	slog.Handler

	said *said // shared with the handlers made of this one
}

const repeatAfter = time.Minute

// said is when each message was let through last, and how often it was not since.
type said struct {
	mu       sync.Mutex
	messages map[string]*saying
}

type saying struct {
	at    time.Time
	again int
}

func newQuiet(h slog.Handler) quiet {
	return quiet{h, &said{messages: make(map[string]*saying)}}
}

// Enabled implements slog.Handler.
func (h quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	again, ok := h.said.say(r.Message, r.Time)
	if !ok {
		return nil
	}
	if again > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("not_logged", again))
	}
	return h.Handler.Handle(ctx, r)
}

// say tells whether a message is to be let through, and how often it was not since it
// was the last time.
func (s *said) say(message string, at time.Time) (again int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.messages[message]
	if last != nil && at.Sub(last.at) < repeatAfter {
		last.again++
		return 0, false
	}
	if last != nil {
		again = last.again
	}
	s.messages[message] = &saying{at: at} // the library's texts, of which there are few
	return again, true
}

// WithAttrs implements slog.Handler.
func (h quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{h.Handler.WithAttrs(attrs), h.said}
}

// WithGroup implements slog.Handler.
func (h quiet) WithGroup(name string) slog.Handler { return quiet{h.Handler.WithGroup(name), h.said} }
