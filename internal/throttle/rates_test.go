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
		if wait := r.Take(throttle.Tier2, alice, limits, 0, start); wait != 0 {
			t.Fatalf("request %d of 10 waits %v", i, wait)
		}
	}
	if wait := r.Take(throttle.Tier2, alice, limits, 0, start); wait != 297*time.Second {
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
		"another user":   {throttle.Tier2, throttle.Caller{Place: "t1", Client: "alice", User: "carol"}},
	} {
		if wait := r.Take(free.tier, free.caller, limits, 0, start); wait != 0 {
			t.Errorf("%s waits %v", name, wait)
		}
	}
	if wait := r.Take(throttle.Tier2, alice, throttle.Limits{}, 0, start); wait != 0 {
		t.Errorf("without limits it waits %v", wait)
	}
}

// TestRates_Place: a place as a whole has half its users' limits, and at least
// those of ten callers.
func TestRates_Place(t *testing.T) {
	for _, tt := range []struct{ users, callers int64 }{{0, 10}, {7, 10}, {20, 10}, {30, 15}} {
		r := throttle.NewRates()
		limits := throttle.Limits{Tier2: 1} // five requests
		served := int64(0)
		for n := range 4 * tt.callers {
			caller := throttle.Caller{Place: "t1", Client: strconv.FormatInt(n, 10)}
			for range 5 {
				if r.Take(throttle.Tier2, caller, limits, tt.users, start) == 0 {
					served++
				}
			}
		}
		if served != 5*tt.callers {
			t.Errorf("with %d users %d requests are served, want %d", tt.users, served, 5*tt.callers)
		}
	}
}

// TestRates_RefusedIsFree: a request that the place refuses is not counted for
// its caller.
func TestRates_RefusedIsFree(t *testing.T) {
	r := throttle.NewRates()
	limits := throttle.Limits{Tier2: 1}
	for n := range 10 {
		for range 5 {
			r.Take(throttle.Tier2, throttle.Caller{Place: "t1", Client: strconv.Itoa(n)}, limits, 0, start)
		}
	}
	late := throttle.Caller{Place: "t1", Client: "late"}
	for range 50 {
		if r.Take(throttle.Tier2, late, limits, 0, start) == 0 {
			t.Fatal("served beyond the limit of the place")
		}
	}
	now := start.Add(throttle.Span)
	for i := range 5 {
		if wait := r.Take(throttle.Tier2, late, limits, 0, now); wait != 0 {
			t.Errorf("request %d waits %v", i, wait)
		}
	}
	r.Trim(now.Add(throttle.Span))
	if wait := r.Take(throttle.Tier2, late, limits, 0, now.Add(throttle.Span)); wait != 0 {
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
		r.Take(throttle.Tier1, callers[i], limits, 0, start)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Take(throttle.Tier1, callers[i%len(callers)], limits, 0, start.Add(time.Duration(i)*time.Millisecond))
		i++
	}
}
