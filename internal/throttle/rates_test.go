package throttle_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/throttle"
)

func TestRates_Take(t *testing.T) {
	r := throttle.NewRates()
	limits := throttle.Limits{Tier1: 4, Tier2: 2}
	alice := throttle.Caller{Place: "t1", Client: "alice"}
	for i := range 10 {
		if wait := r.Take(throttle.Tier2, alice, limits, start); wait != 0 {
			t.Fatalf("request %d of 10 waits %v", i, wait)
		}
	}
	if wait := r.Take(throttle.Tier2, alice, limits, start); wait != 297*time.Second {
		t.Errorf("beyond the limit it waits %v", wait)
	}
	for name, free := range map[string]struct {
		tier   throttle.Tier
		caller throttle.Caller
	}{
		"another tier":   {throttle.Tier1, alice},
		"no tier":        {throttle.NoTier, alice},
		"another client": {throttle.Tier2, throttle.Caller{Place: "t1", Client: "bob"}},
		"another place":  {throttle.Tier2, throttle.Caller{Place: "t2", Client: "alice"}},
	} {
		if wait := r.Take(free.tier, free.caller, limits, start); wait != 0 {
			t.Errorf("%s waits %v", name, wait)
		}
	}
	if wait := r.Take(throttle.Tier2, alice, throttle.Limits{}, start); wait != 0 {
		t.Errorf("without limits it waits %v", wait)
	}
}

// TestRates_Place: however many callers there are, a place serves as much as ten
// of them may have.
func TestRates_Place(t *testing.T) {
	r := throttle.NewRates()
	limits := throttle.Limits{Tier2: 1} // five requests
	served := 0
	for n := range 40 {
		caller := throttle.Caller{Place: "t1", Client: strconv.Itoa(n)}
		for range 5 {
			if r.Take(throttle.Tier2, caller, limits, start) == 0 {
				served++
			}
		}
	}
	if want := 5 * throttle.PlaceFactor; served != want {
		t.Errorf("%d requests are served, want %d", served, want)
	}
	if wait := r.Take(throttle.Tier2, throttle.Caller{Place: "t2", Client: "0"}, limits, start); wait != 0 {
		t.Errorf("at another place it waits %v", wait)
	}
}

// TestRates_RefusedIsFree: a request that the place refuses is not counted for
// its caller.
func TestRates_RefusedIsFree(t *testing.T) {
	r := throttle.NewRates()
	limits := throttle.Limits{Tier2: 1}
	for n := range 10 {
		for range 5 {
			r.Take(throttle.Tier2, throttle.Caller{Place: "t1", Client: strconv.Itoa(n)}, limits, start)
		}
	}
	late := throttle.Caller{Place: "t1", Client: "late"}
	for range 50 { // while the place is full, and not long before it is free again
		if r.Take(throttle.Tier2, late, limits, start.Add(throttle.Span/2)) == 0 {
			t.Fatal("served beyond the limit of the place")
		}
	}
	now := start.Add(throttle.Span)
	for i := range 5 {
		if wait := r.Take(throttle.Tier2, late, limits, now); wait != 0 {
			t.Errorf("request %d waits %v", i, wait)
		}
	}
	r.Trim(now.Add(throttle.Span))
	if wait := r.Take(throttle.Tier2, late, limits, now.Add(throttle.Span)); wait != 0 {
		t.Errorf("after the trim it waits %v", wait)
	}
}

func TestLimits_Or(t *testing.T) {
	if got, want := (throttle.Limits{Tier2: 7}).Or(throttle.Contract), (throttle.Limits{Tier1: 1000, Tier2: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func BenchmarkRates_Take(b *testing.B) {
	r := throttle.NewRates()
	limits := throttle.Limits{Tier1: throttle.MaxPerMinute}
	callers := make([]throttle.Caller, 1024)
	for i := range callers {
		callers[i] = throttle.Caller{Place: "Hq3vTz8KfWm2_xR7cJbN5yPa-9LdGs4E", Client: "82e0c353eca9a5d849c74d7e98f1" + strconv.Itoa(1000+i)}
		r.Take(throttle.Tier1, callers[i], limits, start)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Take(throttle.Tier1, callers[i%len(callers)], limits, start.Add(time.Duration(i)*time.Millisecond))
		i++
	}
}
