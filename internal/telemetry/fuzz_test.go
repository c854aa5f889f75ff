package telemetry_test

import (
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/freehold-platform/freehold/internal/telemetry"
)

// FuzzTraceOf takes whatever callers send for a trace id, and answers with one
// that is safe to write into a log.
func FuzzTraceOf(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736")
	f.Add("00-", "\n")
	f.Fuzz(func(t *testing.T, parent, b3 string) {
		header := http.Header{"Traceparent": {parent}, "X-B3-Traceid": {b3}}
		id := telemetry.TraceOf(header).ID
		if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 || hex.EncodeToString(raw) != id {
			t.Errorf("%q", id)
		}
	})
}
