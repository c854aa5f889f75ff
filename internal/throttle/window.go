// Package throttle says when somebody has asked too often: for too much of an
// API, or with the wrong secret. It counts in memory, in bounded space, and
// takes the time from its callers.
package throttle

import (
	"hash/maphash"
	"sync"
	"time"
)

// Span is the window over which a Window counts. It moves in steps of step:
// who does no more than the limit within any Span is never refused, and nobody
// gets more than the limit within Span less one step.
const (
	Span = steps * step

	step  = 5 * time.Second
	steps = 60
)

// Window counts events by key over the last Span. It is safe for concurrent
// use. Beyond its size it forgets keys, idle ones first.
//
// Several processes can count together: each has what it counted from Untold, and
// the others take it in by Learn.
type Window[K comparable] struct {
	seed   maphash.Seed
	perKey int  // keys per shard
	shared bool // Untold is asked
	shards [shardCount]windowShard[K]
}

const (
	shardCount = 64
	sampled    = 8 // keys that are looked at for one that can go
)

type windowShard[K comparable] struct {
	mu     sync.Mutex
	counts map[K]*count
	untold []Count[K]
}

// count is a ring of counters, one a step. Those before newest-steps+1 are gone.
type count struct {
	newest int64 // step that was counted last
	sum    int64 // of the ring
	ring   [steps]uint32
	untold int // where in the shard's untold the newest step is, counted from 1; 0: nowhere
}

// NewWindow makes a Window of at most size keys, give or take their uneven
// spread. A key takes about 350 bytes.
func NewWindow[K comparable](size int) *Window[K] {
	w := &Window[K]{seed: maphash.MakeSeed(), perKey: max(size/shardCount, 1)}
	for i := range w.shards {
		w.shards[i].counts = make(map[K]*count)
	}
	return w
}

// Take counts one event of key if there are fewer than limit in the window.
// Otherwise it counts nothing, and returns how long to wait until there are:
// whole seconds, at least one.
func (w *Window[K]) Take(key K, limit int64, now time.Time) time.Duration {
	s, at := w.shard(key), stepOf(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[key]
	if c == nil {
		if limit < 1 {
			return Span
		}
		c = s.insert(key, at, w.perKey)
	}
	c.advance(at)
	if c.sum >= limit {
		return c.wait(limit, now)
	}
	c.add(1)
	w.tell(s, key, c, 1)
	return 0
}

// Untake takes back an event that Take counted just now.
func (w *Window[K]) Untake(key K) {
	s := w.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.counts[key]; c != nil && c.ring[c.newest%steps] > 0 {
		c.ring[c.newest%steps]--
		c.sum--
		w.tell(s, key, c, -1)
	}
}

// Wait is how long to wait until there are fewer than limit events of key in
// the window: zero, or whole seconds. It counts nothing.
func (w *Window[K]) Wait(key K, limit int64, now time.Time) time.Duration {
	s := w.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[key]
	if c == nil {
		return 0
	}
	c.advance(stepOf(now))
	if c.sum < limit {
		return 0
	}
	return c.wait(limit, now)
}

// Add counts one event of key, whatever the limit, and returns how many there
// are in the window.
func (w *Window[K]) Add(key K, now time.Time) int64 {
	s, at := w.shard(key), stepOf(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[key]
	if c == nil {
		c = s.insert(key, at, w.perKey)
	}
	c.advance(at)
	c.add(1)
	w.tell(s, key, c, 1)
	return c.sum
}

// Trim forgets the keys that have no event in the window.
func (w *Window[K]) Trim(now time.Time) {
	at := stepOf(now)
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		for key, c := range s.counts {
			if c.idle(at) {
				delete(s.counts, key)
			}
		}
		s.mu.Unlock()
	}
}

// Len is how many keys are remembered.
func (w *Window[K]) Len() int {
	n := 0
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		n += len(s.counts)
		s.mu.Unlock()
	}
	return n
}

func (w *Window[K]) shard(key K) *windowShard[K] {
	return &w.shards[maphash.Comparable(w.seed, key)%shardCount]
}

// insert adds key, and when the shard is full lets the key go that has been
// quiet for longest among a few.
func (s *windowShard[K]) insert(key K, at int64, limit int) *count {
	if len(s.counts) >= limit {
		var quietest K
		var since int64
		seen := 0
		for k, c := range s.counts { // begins anywhere
			if seen == 0 || c.newest < since {
				quietest, since = k, c.newest
			}
			if seen++; seen == sampled {
				break
			}
		}
		delete(s.counts, quietest)
	}
	c := &count{newest: at}
	s.counts[key] = c
	return c
}

func stepOf(now time.Time) int64 { return max(now.UnixMilli(), 0) / step.Milliseconds() }

func (c *count) idle(at int64) bool {
	return at >= c.newest+steps || at <= c.newest-steps
}

// advance moves the ring on to a step. A clock that was put back a little
// counts in the newest step; one that was put back by more starts anew, so that
// nobody waits for a time that is long in coming.
func (c *count) advance(at int64) {
	switch {
	case at == c.newest:
	case c.idle(at):
		*c = count{newest: at}
	case at > c.newest:
		c.untold = 0
		for c.newest < at {
			c.newest++
			slot := &c.ring[c.newest%steps]
			c.sum -= int64(*slot)
			*slot = 0
		}
	}
}

func (c *count) add(n uint32) {
	c.ring[c.newest%steps] += n
	c.sum += int64(n)
}

// wait is how long until enough of the oldest steps have left the window.
func (c *count) wait(limit int64, now time.Time) time.Duration {
	left := c.sum
	for age := int64(steps - 1); age >= 0; age-- {
		at := c.newest - age
		if at < 0 {
			continue
		}
		left -= int64(c.ring[at%steps])
		if left < limit {
			leaves := time.UnixMilli((at + steps) * step.Milliseconds())
			return wholeSeconds(leaves.Sub(now))
		}
	}
	return Span // with a limit below one, forever
}

// wholeSeconds rounds up, to at least one.
func wholeSeconds(d time.Duration) time.Duration {
	return max((d + time.Second - 1).Truncate(time.Second), time.Second)
}
