package webhook_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestDelivery_Batch has many events that fail be told of until they are given up:
// each is tried twelve times in all, however many share the first job.
func TestDelivery_Batch(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	r := newReceiver(t)
	create(t, e, home.Scope(), input(r, clientCreated))
	const clients = 30 // more than there are in a batch
	for range clients {
		e.TenantClient(home)
	}
	r.answer(http.StatusServiceUnavailable)
	ids := func() (all []string) {
		tell(t, e)
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, header := range r.header {
			all = append(all, header.Get("Webhook-Id"))
		}
		r.events, r.header = nil, nil
		slices.Sort(all)
		return all
	}
	first := ids()
	if len(slices.Compact(slices.Clone(first))) != clients || len(first) != clients {
		t.Fatalf("%d messages came of %d events", len(first), clients)
	}
	for attempt := 2; attempt <= 12; attempt++ {
		e.Clock.Advance(6 * time.Hour)
		if again := ids(); !slices.Equal(again, first) {
			t.Fatalf("attempt %d: %d messages, of %d at first", attempt, len(again), len(first))
		}
	}
	e.Clock.Advance(6 * time.Hour)
	if more := ids(); len(more) > 0 {
		t.Errorf("%d messages came after the last attempt", len(more))
	}
}
