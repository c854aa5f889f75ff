package throttle_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/throttle"
)

const (
	client = "82e0c353eca9a5d849c74d7e98f13f7e"
	other  = "019f04b29f39e79c87e828eca7084462"
)

var (
	here      = netip.MustParseAddr("192.0.2.1")
	elsewhere = netip.MustParseAddr("192.0.2.2")
)

// fail makes client fail n times, waiting as told before each.
func fail(a *throttle.Attempts, client string, address netip.Addr, now time.Time, n int) time.Time {
	for range n {
		now = now.Add(a.Wait(client, address, now))
		a.Failed(client, address, now)
	}
	return now
}

func TestAttempts_Delays(t *testing.T) {
	a := throttle.NewAttempts()
	now := start
	want := []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900}
	for i, seconds := range want {
		begins, _ := a.Failed(client, here, now)
		if begins != (i == 4) {
			t.Errorf("failure %d: begins to wait is %v", i+1, begins)
		}
		wait := a.Wait(client, here, now)
		if wait != seconds*time.Second {
			t.Errorf("after failure %d it waits %v, want %v", i+1, wait, seconds*time.Second)
		}
		if wait > 0 && a.Wait(client, here, now.Add(wait-time.Millisecond)) == 0 {
			t.Errorf("after failure %d less than %v does", i+1, wait)
		}
		now = now.Add(wait)
		if again := a.Wait(client, here, now); again != 0 {
			t.Errorf("after failure %d it waited %v as told, and is to wait %v more", i+1, wait, again)
		}
	}
}

func TestAttempts_Isolation(t *testing.T) {
	a := throttle.NewAttempts()
	now := fail(a, client, here, start, 10)
	if a.Wait(client, here, now) == 0 {
		t.Fatal("ten failures have no consequence")
	}
	if wait := a.Wait(client, elsewhere, now); wait != 0 {
		t.Errorf("at another address the client waits %v", wait)
	}
	if wait := a.Wait(other, here, now); wait != 0 {
		t.Errorf("another client at the address waits %v", wait)
	}
	a.Succeeded(client, elsewhere, now)
	if a.Wait(client, here, now) == 0 {
		t.Error("a success at another address cleared the failures here")
	}
}

func TestAttempts_Cleared(t *testing.T) {
	t.Run("by a success", func(t *testing.T) {
		a := throttle.NewAttempts()
		now := fail(a, client, here, start, 8)
		now = now.Add(a.Wait(client, here, now))
		a.Succeeded(client, here, now)
		if begins, _ := a.Failed(client, here, now); begins || a.Wait(client, here, now) != 0 {
			t.Error("the next failure counts as if nothing had been right")
		}
	})
	t.Run("by a quiet hour", func(t *testing.T) {
		a := throttle.NewAttempts()
		now := fail(a, client, here, start, 8).Add(time.Hour)
		if begins, _ := a.Failed(client, here, now); begins || a.Wait(client, here, now) != 0 {
			t.Error("the next failure counts as if there had been no pause")
		}
	})
	t.Run("by nothing less", func(t *testing.T) {
		a := throttle.NewAttempts()
		now := fail(a, client, here, start, 8).Add(59 * time.Minute)
		a.Trim(now)
		a.Failed(client, here, now)
		if wait := a.Wait(client, here, now); wait != 16*time.Second {
			t.Errorf("the ninth failure costs %v", wait)
		}
	})
}

func TestAttempts_Known(t *testing.T) {
	a := throttle.NewAttempts()
	if a.Known(client, here, start) || a.Known(client, netip.Addr{}, start) || a.Known("x", here, start) {
		t.Error("known before it was ever right")
	}
	a.Succeeded(client, here, start)
	now := fail(a, client, here, start, 8)
	if !a.Known(client, here, now) {
		t.Error("not known for its failures")
	}
	if a.Known(client, elsewhere, now) || a.Known(other, here, now) {
		t.Error("known elsewhere, or another is")
	}
	if a.Known(client, here, start.Add(time.Hour)) {
		t.Error("known after an hour")
	}
}

// TestAttempts_Parallel: a burst that is on its way together counts as five.
func TestAttempts_Parallel(t *testing.T) {
	a := throttle.NewAttempts()
	for range 50 {
		a.Failed(client, here, start)
	}
	if wait := a.Wait(client, here, start); wait != time.Second {
		t.Errorf("the burst costs %v", wait)
	}
}

func TestAttempts_ClockPutBack(t *testing.T) {
	a := throttle.NewAttempts()
	now := fail(a, client, here, start, 6)
	if wait := a.Wait(client, here, now.Add(-time.Hour)); wait != 0 {
		t.Errorf("an hour earlier it waits %v", wait)
	}
}

// TestAttempts_Address: one address can't try one id after the other, and who
// is known there is not held responsible.
func TestAttempts_Address(t *testing.T) {
	for name, id := range map[string]func(int) string{
		"well-formed ids": func(i int) string { return fmt.Sprintf("%032x", i) },
		"malformed ids":   func(i int) string { return fmt.Sprintf("guess-%d", i) },
	} {
		t.Run(name, func(t *testing.T) {
			a := throttle.NewAttempts()
			a.Succeeded(client, here, start)
			for i := range 100 {
				if wait := a.Wait(id(i), here, start); wait != 0 {
					t.Fatalf("attempt %d waits %v", i, wait)
				}
				if _, begins := a.Failed(id(i), here, start); begins != (i == 99) {
					t.Errorf("failure %d: begins to wait is %v", i+1, begins)
				}
			}
			wait := a.Wait(id(100), here, start)
			if wait != 297*time.Second {
				t.Errorf("the next id waits %v", wait)
			}
			if wait := a.Wait(other, here, start); wait == 0 {
				t.Error("a client that was never right here does not wait")
			}
			if wait := a.Wait(client, here, start); wait != 0 {
				t.Errorf("the client that is known here waits %v", wait)
			}
			if wait := a.Wait(other, elsewhere, start); wait != 0 {
				t.Errorf("another address waits %v", wait)
			}
			if wait := a.Wait(id(100), here, start.Add(wait)); wait != 0 {
				t.Errorf("after the time it waits %v", wait)
			}
		})
	}
}

// TestAttempts_TryingOut: libraries that find out by a failure how to
// authenticate are not held for attackers, however many start at one address.
func TestAttempts_TryingOut(t *testing.T) {
	a := throttle.NewAttempts()
	for i := range 1000 {
		id := fmt.Sprintf("%032x", i)
		for attempt := range 2 {
			if wait := a.Wait(id, here, start); wait != 0 {
				t.Fatalf("attempt %d of client %d waits %v", attempt+1, i, wait)
			}
			if attempt == 0 {
				a.Failed(id, here, start)
			} else {
				a.Succeeded(id, here, start)
			}
		}
	}
}

func TestAttempts_Sources(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		a := throttle.NewAttempts()
		now := fail(a, client, netip.MustParseAddr(tt.a), start, 6)
		if same := a.Wait(client, netip.MustParseAddr(tt.b), now) > 0; same != tt.same {
			t.Errorf("%s and %s count as one: %v, want %v", tt.a, tt.b, same, tt.same)
		}
	}
	a := throttle.NewAttempts()
	fail(a, client, netip.Addr{}, start, 200)
	a.Succeeded(client, netip.Addr{}, start)
	if wait := a.Wait(client, netip.Addr{}, start); wait != 0 || a.Len() != 0 {
		t.Errorf("an unknown address waits %v", wait)
	}
}

// TestAttempts_Property: however attempts are spread in time, few are heard, and
// waiting as long as told is enough.
func TestAttempts_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := throttle.NewAttempts()
		now := start
		addresses := []netip.Addr{here, elsewhere}
		heard := map[netip.Addr][]time.Time{} // when attempts on client failed
		for range rapid.IntRange(1, 120).Draw(t, "attempts") {
			now = now.Add(time.Duration(rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, 2_000_000)).Draw(t, "pause")) * time.Millisecond)
			from := rapid.SampledFrom(addresses).Draw(t, "from")
			wait := a.Wait(client, from, now)
			if wait%time.Second != 0 || wait < 0 || wait > 15*time.Minute {
				t.Fatalf("wait is %v", wait)
			}
			if wait > 0 {
				if again := a.Wait(client, from, now.Add(wait)); again != 0 {
					t.Fatalf("waited %v as told, and is to wait %v more", wait, again)
				}
				continue
			}
			if from == elsewhere && rapid.Bool().Draw(t, "right") {
				a.Succeeded(client, from, now)
				heard[from] = nil
				continue
			}
			a.Failed(client, from, now)
			heard[from] = append(heard[from], now)
			n := 0
			for _, at := range heard[from] {
				if now.Sub(at) < time.Minute {
					n++
				}
			}
			if n > 10 { // five free, and then after 1, 3, 7, 15 and 31 seconds
				t.Fatalf("%d attempts were heard within a minute", n)
			}
		}
	})
}

func TestAttempts_Bounded(t *testing.T) {
	a := throttle.NewAttempts()
	var b [4]byte
	for i := range 200_000 {
		b[0], b[1], b[2], b[3] = 10, byte(i>>16), byte(i>>8), byte(i)
		a.Failed(client, netip.AddrFrom4(b), start)
	}
	if n := a.Len(); n > 65_536 {
		t.Errorf("%d pairs are remembered", n)
	}
	a.Trim(start.Add(time.Hour))
	if n := a.Len(); n != 0 {
		t.Errorf("%d pairs are remembered after an hour", n)
	}
}

func TestAttempts_Concurrent(t *testing.T) {
	a := throttle.NewAttempts()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 2000 {
				id := fmt.Sprintf("%032x", i%50)
				if a.Wait(id, here, start) == 0 && worker%2 == 0 {
					a.Succeeded(id, here, start)
				} else {
					a.Failed(id, elsewhere, start)
				}
				if i%100 == 0 {
					a.Trim(start)
				}
			}
		})
	}
	group.Wait()
	for i := range 50 {
		id := fmt.Sprintf("%032x", i)
		if wait := a.Wait(id, here, start); wait != 0 {
			t.Errorf("%s waits %v where it was always right", id, wait)
		}
	}
}

// BenchmarkAttempts is what a client that is right pays at each token.
func BenchmarkAttempts(b *testing.B) {
	a := throttle.NewAttempts()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		now := start.Add(time.Duration(i) * 75 * time.Microsecond)
		if a.Wait(client, here, now) != 0 {
			b.Fatal("waits")
		}
		a.Succeeded(client, here, now)
		i++
	}
}
