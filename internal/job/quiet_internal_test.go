package job

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"
)

// TestQuiet: an error is told once a minute, with how often it came meanwhile, also by
// loggers that were made of the first.
func TestQuiet(t *testing.T) {
	var text bytes.Buffer
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	h := newQuiet(slog.NewTextHandler(&text, options))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	say := func(h slog.Handler, after time.Duration, level slog.Level, message string) {
		t.Helper()
		if !h.Enabled(context.Background(), level) {
			return
		}
		if err := h.Handle(context.Background(), slog.NewRecord(start.Add(after), level, message, 0)); err != nil {
			t.Fatal(err)
		}
	}
	say(h, 0, slog.LevelError, "fetch")
	say(h, time.Second, slog.LevelWarn, "slow")
	say(h, 2*time.Second, slog.LevelError, "fetch")
	say(h, 3*time.Second, slog.LevelError, "elect")
	say(h.WithAttrs([]slog.Attr{slog.Int("n", 1)}), 59*time.Second, slog.LevelError, "fetch")
	say(h.WithGroup("g"), time.Minute, slog.LevelError, "fetch")
	say(h, 3*time.Minute, slog.LevelError, "fetch")
	want := "level=ERROR msg=fetch\nlevel=ERROR msg=elect\nlevel=ERROR msg=fetch g.not_logged=2\nlevel=ERROR msg=fetch\n"
	if text.String() != want {
		t.Errorf("logged\n%swant\n%s", text.String(), want)
	}
}
