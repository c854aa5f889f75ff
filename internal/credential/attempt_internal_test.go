package credential

import (
	"net/netip"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TestThrottled_Bounded: a flood of waits is not a flood of records, and its
// size is told.
func TestThrottled_Bounded(t *testing.T) {
	var q throttled
	start := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	one := throttledAttempt{at: start, client: estate.NewClientID(), address: netip.MustParseAddr("192.0.2.1")}
	written := 0
	for range 50 {
		for range 10 {
			q.add(one)
		}
		begun, more := q.take(start.Add(30 * time.Second))
		written += len(begun)
		if more != 0 {
			t.Fatalf("%d more are told before the minute is over", more)
		}
	}
	if written != maxThrottled {
		t.Errorf("%d are written, want %d", written, maxThrottled)
	}
	if begun, more := q.take(start.Add(time.Minute)); len(begun) != 0 || more != 500-maxThrottled {
		t.Errorf("after the minute %d are written and %d more told", len(begun), more)
	}
	one.at = start.Add(time.Minute)
	q.add(one)
	if begun, more := q.take(one.at); len(begun) != 1 || more != 0 {
		t.Errorf("in the next minute %d are written and %d more told", len(begun), more)
	}
}
