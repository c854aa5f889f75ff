package throttle_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/throttle"
)

var start = time.Date(2026, time.March, 1, 12, 0, 3, 0, time.UTC)

// step is by how much the window moves.
const step = 5 * time.Second

func TestWindow_Take(t *testing.T) {
	w := throttle.NewWindow[string](6400)
	for i := range 3 {
		if wait := w.Take("a", 3, start); wait != 0 {
			t.Fatalf("request %d waits %v", i, wait)
		}
	}
	if wait := w.Take("a", 3, start); wait != 297*time.Second {
		t.Errorf("the fourth waits %v, want until its step leaves the window", wait)
	}
	if wait := w.Take("b", 3, start); wait != 0 {
		t.Errorf("another key waits %v", wait)
	}
	if wait := w.Take("a", 4, start); wait != 0 {
		t.Errorf("with a higher limit it waits %v", wait)
	}
	if wait := w.Take("a", 3, start.Add(296*time.Second)); wait != time.Second {
		t.Errorf("a second before the end it waits %v", wait)
	}
	if wait := w.Take("a", 3, start.Add(297*time.Second)); wait != 0 {
		t.Errorf("after the window it waits %v", wait)
	}
}

func TestWindow_Untake(t *testing.T) {
	w := throttle.NewWindow[string](6400)
	w.Take("a", 1, start)
	w.Untake("a")
	w.Untake("a") // there is nothing left to take back
	w.Untake("b")
	if wait := w.Take("a", 1, start); wait != 0 {
		t.Errorf("waits %v for what was taken back", wait)
	}
	if wait := w.Take("a", 1, start); wait == 0 {
		t.Error("one was taken back, two were given")
	}
}

func TestWindow_AddWait(t *testing.T) {
	w := throttle.NewWindow[string](6400)
	if wait := w.Wait("a", 1, start); wait != 0 {
		t.Errorf("an unknown key waits %v", wait)
	}
	for want := int64(1); want <= 3; want++ {
		if n := w.Add("a", start); n != want {
			t.Errorf("Add returns %d, want %d", n, want)
		}
	}
	if wait := w.Wait("a", 4, start); wait != 0 {
		t.Errorf("below the limit it waits %v", wait)
	}
	if wait := w.Wait("a", 2, start); wait != 297*time.Second {
		t.Errorf("over the limit it waits %v", wait)
	}
}

// TestWindow_ClockPutBack: nobody waits for a time that is long in coming.
func TestWindow_ClockPutBack(t *testing.T) {
	w := throttle.NewWindow[string](6400)
	for range 3 {
		w.Take("a", 3, start)
	}
	if wait := w.Take("a", 3, start.Add(-20*time.Second)); wait != 317*time.Second {
		t.Errorf("a little earlier it waits %v", wait)
	}
	if wait := w.Take("a", 3, start.Add(-time.Hour)); wait != 0 {
		t.Errorf("an hour earlier it waits %v", wait)
	}
}

// TestWindow_Property: nobody gets more than the limit in the window, who stays
// within it is never refused, and waiting as long as told is enough and not
// more than needed.
func TestWindow_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := throttle.NewWindow[int](6400)
		limit := rapid.Int64Range(1, 40).Draw(t, "limit")
		now := start
		var given []time.Time
		in := func(span time.Duration) (n int64) { // given in the span that ends now
			for _, at := range given {
				if now.Sub(at) < span {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 300).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.OneOf(rapid.Int64Range(0, 1500), rapid.Int64Range(0, 400_000)).Draw(t, "pause")) * time.Millisecond)
			wait := w.Take(0, limit, now)
			if wait == 0 {
				given = append(given, now)
				if n := in(throttle.Span - step); n > limit {
					t.Fatalf("%d requests of %d were let through in the window", n, limit)
				}
				continue
			}
			if n := in(throttle.Span); n < limit {
				t.Fatalf("refused with %d requests of %d in the window", n, limit)
			}
			if wait%time.Second != 0 || wait < time.Second || wait > throttle.Span {
				t.Fatalf("wait is %v", wait)
			}
			if rapid.Bool().Draw(t, "wait") {
				if wait > time.Second {
					if early := w.Wait(0, limit, now.Add(wait-time.Second)); early == 0 {
						t.Fatalf("told to wait %v, but a second less does", wait)
					}
				}
				now = now.Add(wait)
				if again := w.Take(0, limit, now); again != 0 {
					t.Fatalf("waited %v as told, and is to wait %v more", wait, again)
				}
				given = append(given, now)
			}
		}
	})
}

// TestWindow_Concurrent: the limit is exact however many ask at once.
func TestWindow_Concurrent(t *testing.T) {
	w := throttle.NewWindow[int](6400)
	var given [4]atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 4000 {
				key := i % len(given)
				if w.Take(key, 500, start) == 0 {
					given[key].Add(1)
				}
				w.Trim(start)
			}
		})
	}
	group.Wait()
	for key := range given {
		if n := given[key].Load(); n != 500 {
			t.Errorf("key %d got %d of 500", key, n)
		}
	}
}

func TestWindow_Bounded(t *testing.T) {
	const size = 640
	w := throttle.NewWindow[int](size)
	for key := range 50_000 {
		w.Take(key, 10, start.Add(time.Duration(key)*time.Millisecond))
	}
	if n := w.Len(); n > size {
		t.Errorf("%d keys are remembered, want at most %d", n, size)
	}
	w.Trim(start.Add(time.Minute))
	if w.Len() == 0 {
		t.Error("keys with events in the window were forgotten")
	}
	w.Trim(start.Add(time.Minute + throttle.Span))
	if n := w.Len(); n != 0 {
		t.Errorf("%d idle keys are remembered", n)
	}
}

// TestWindow_KeepsBusy: a flood of new keys pushes out other new ones rather
// than who is busy.
func TestWindow_KeepsBusy(t *testing.T) {
	w := throttle.NewWindow[int](640)
	now := start
	forgotten := 0
	for key := 1; key < 20_000; key++ {
		if key%20 == 0 { // each step the busy one comes back, after about 20 strangers
			now = now.Add(step)
			before := w.Add(0, now)
			if key > 20 && before == 1 {
				forgotten++
			}
		}
		w.Add(key, now)
	}
	if forgotten != 0 {
		t.Errorf("the busy key was forgotten %d times", forgotten)
	}
}
