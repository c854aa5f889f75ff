package throttle_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/throttle"
)

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
}

// over has b learn what a has counted, as it travels.
func over[T any](t tester, untold []T, learn func([]T, time.Time), now time.Time) {
	t.Helper()
	body, err := json.Marshal(untold)
	if err != nil {
		t.Fatal(err)
	}
	var arrived []T
	if err := json.Unmarshal(body, &arrived); err != nil {
		t.Fatal(err)
	}
	learn(arrived, now)
}

func exchange[T any](t tester, now time.Time, learn []func([]T, time.Time), untold ...[]T) {
	t.Helper()
	for from, news := range untold {
		for to := range learn {
			if to != from {
				over(t, news, learn[to], now)
			}
		}
	}
}

// TestWindow_Shared: processes that exchange what they counted hold one limit
// between them, exceeded by no more than what came since the last exchange; nobody
// within it is refused; and what is told once is not told again.
func TestWindow_Shared(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const limit = 20
		nodes := make([]*throttle.Window[string], rapid.IntRange(2, 3).Draw(r, "nodes"))
		learn := make([]func([]throttle.Count[string], time.Time), len(nodes))
		for i := range nodes {
			nodes[i] = throttle.NewWindow[string](1000)
			nodes[i].Share()
			learn[i] = nodes[i].Learn
		}
		now := start
		var taken []time.Time // of all, in any Span
		within := func(d time.Duration) (n int) {
			for _, at := range taken {
				if now.Sub(at) < d {
					n++
				}
			}
			return n
		}
		unknown := 0 // since the last exchange
		for range rapid.IntRange(1, 200).Draw(r, "requests") {
			now = now.Add(time.Duration(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 40_000)).Draw(r, "pause")) * time.Millisecond)
			at := nodes[rapid.IntRange(0, len(nodes)-1).Draw(r, "node")]
			before := within(throttle.Span)
			wait := at.Take("key", limit, now)
			switch {
			case wait > 0 && before < limit:
				r.Fatalf("refused with %d of %d in the window", before, limit)
			case wait == 0 && within(throttle.Span-5*time.Second) >= limit+unknown:
				r.Fatalf("let through with %d of %d, and %d that are not told yet", within(throttle.Span-5*time.Second), limit, unknown)
			case wait == 0:
				taken = append(taken, now)
				unknown++
			}
			if rapid.Bool().Draw(r, "exchange") {
				untold := make([][]throttle.Count[string], len(nodes))
				for i, n := range nodes {
					untold[i] = n.Untold()
				}
				exchange(r, now, learn, untold...)
				unknown = 0
			}
		}
		for _, n := range nodes {
			n.Untold()
			if again := n.Untold(); len(again) != 0 {
				r.Fatalf("told again: %v", again)
			}
		}
	})
}

// TestWindow_SharedUntake: what is taken back is taken back everywhere, also after
// it was told.
func TestWindow_SharedUntake(t *testing.T) {
	a, b := throttle.NewWindow[string](10), throttle.NewWindow[string](10)
	a.Share()
	a.Take("key", 2, start)
	a.Take("key", 2, start)
	over(t, a.Untold(), b.Learn, start)
	if b.Wait("key", 2, start) == 0 {
		t.Error("the other process does not know")
	}
	a.Untake("key")
	over(t, a.Untold(), b.Learn, start)
	if wait := b.Wait("key", 2, start); wait != 0 {
		t.Errorf("taken back, and the other still waits %v", wait)
	}
}

// TestWindow_LearnsWithinBounds: what comes late, from a wrong clock, or is nonsense
// does no harm.
func TestWindow_LearnsWithinBounds(t *testing.T) {
	now := start.Unix() / 5
	for name, tt := range map[string]struct {
		told  throttle.Count[string]
		waits bool
	}{
		"now":              {throttle.Count[string]{Key: "key", Step: now, N: 5}, true},
		"the oldest":       {throttle.Count[string]{Key: "key", Step: now - 59, N: 5}, true},
		"too old":          {throttle.Count[string]{Key: "key", Step: now - 60, N: 5}, false},
		"a clock ahead":    {throttle.Count[string]{Key: "key", Step: now + 1000, N: 5}, true},
		"less than none":   {throttle.Count[string]{Key: "key", Step: now, N: -5}, false},
		"before all times": {throttle.Count[string]{Key: "key", Step: -1 << 60, N: 5}, false},
		"very many":        {throttle.Count[string]{Key: "key", Step: now, N: 1 << 62}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := throttle.NewWindow[string](10)
			w.Learn([]throttle.Count[string]{tt.told, tt.told}, start)
			wait := w.Wait("key", 5, start)
			if (wait > 0) != tt.waits || wait > throttle.Span {
				t.Errorf("waits %v", wait)
			}
			if again := w.Wait("key", 5, start.Add(throttle.Span)); again != 0 {
				t.Errorf("and for ever: %v", again)
			}
		})
	}
}

// TestAttempts_Shared: who fails at one process after the other waits at all of
// them, and a success at any of them clears it.
func TestAttempts_Shared(t *testing.T) {
	nodes := []*throttle.Attempts{throttle.NewAttempts(), throttle.NewAttempts(), throttle.NewAttempts()}
	learn := make([]func([]throttle.Attempt, time.Time), len(nodes))
	addresses := make([]func([]throttle.Count[throttle.Source], time.Time), len(nodes))
	for i, n := range nodes {
		n.Share()
		learn[i], addresses[i] = n.Learn, n.Addresses.Learn
	}
	meet := func(now time.Time) {
		t.Helper()
		exchange(t, now, learn, nodes[0].Untold(), nodes[1].Untold(), nodes[2].Untold())
		exchange(t, now, addresses, nodes[0].Addresses.Untold(), nodes[1].Addresses.Untold(), nodes[2].Addresses.Untold())
	}
	now := start
	for i := range 8 {
		now = now.Add(nodes[i%3].Wait(client, here, now))
		nodes[i%3].Failed(client, here, now)
		meet(now)
	}
	for i, n := range nodes {
		if wait := n.Wait(client, here, now); wait != 8*time.Second {
			t.Errorf("after eight failures process %d has it wait %v", i, wait)
		}
		if wait := n.Wait(other, here, now); wait != 0 {
			t.Errorf("process %d has another client wait %v", i, wait)
		}
	}
	now = now.Add(8 * time.Second)
	nodes[1].Succeeded(client, here, now)
	meet(now)
	for i, n := range nodes {
		if n.Failed(client, here, now); n.Wait(client, here, now) != 0 {
			t.Errorf("process %d does not know that it was right", i)
		}
		if !n.Known(client, here, now) {
			t.Errorf("process %d does not know the client", i)
		}
	}
	// An address that fails a little everywhere has failed often.
	id := func(i int) string { return fmt.Sprintf("%032x", i) }
	for i := range 99 {
		nodes[i%3].Failed(id(i), elsewhere, now)
	}
	meet(now)
	if _, begins := nodes[0].Failed(id(99), elsewhere, now); !begins || nodes[0].Wait(other, elsewhere, now) == 0 {
		t.Error("the address does not wait")
	}
	nodes[0].Untold()
	if again := nodes[0].Untold(); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}
}

// TestAttempts_SharesFewSuccesses: a client that is always right is talked about
// twice an hour, however many tokens it gets.
func TestAttempts_SharesFewSuccesses(t *testing.T) {
	a := throttle.NewAttempts()
	a.Share()
	told := 0
	for i := range 2 * 3600 {
		a.Succeeded(client, here, start.Add(time.Duration(i)*time.Second))
		told += len(a.Untold())
	}
	if told != 4 {
		t.Errorf("told %d times in two hours, want 4", told)
	}
}

// FuzzSource: what one process writes of an address another reads, and what is
// read is written the same way.
func FuzzSource(f *testing.F) {
	f.Add([]byte("::ffff:192.0.2.1"))
	f.Add([]byte("2001:db8::"))
	f.Add([]byte("fe80::1%eth0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s, again throttle.Source
		if s.UnmarshalText(text) != nil {
			return
		}
		written, err := s.MarshalText()
		if err != nil || again.UnmarshalText(written) != nil || again != s {
			t.Errorf("%q is read as %x, written as %q and read as %x", text, s, written, again)
		}
	})
}
