package throttle

import "time"

// Count is what a process counted of a key in one step, for the others. N is
// negative where more was taken back than counted.
type Count[K comparable] struct {
	Key  K     `json:"k"`
	Step int64 `json:"s"`
	N    int64 `json:"n"`
}

// Share has w keep what it counts for Untold. It is called before w is used, and
// then Untold has to be asked now and then.
func (w *Window[K]) Share() { w.shared = true }

// tell notes n events of key, in its newest step, for Untold. The caller holds the
// shard.
func (w *Window[K]) tell(s *windowShard[K], key K, c *count, n int64) {
	if !w.shared {
		return
	}
	if c.untold == 0 {
		s.untold = append(s.untold, Count[K]{Key: key, Step: c.newest})
		c.untold = len(s.untold)
	}
	s.untold[c.untold-1].N += n
}

// Untold is what w has counted by itself since the last call.
func (w *Window[K]) Untold() []Count[K] {
	var all []Count[K]
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		for _, told := range s.untold {
			if c := s.counts[told.Key]; c != nil {
				c.untold = 0
			}
			if told.N != 0 {
				all = append(all, told)
			}
		}
		s.untold = nil
		s.mu.Unlock()
	}
	return all
}

// Learn adds what another process has counted. What is older than the window is
// left out; what comes from a clock that is ahead counts as of now.
func (w *Window[K]) Learn(counts []Count[K], now time.Time) {
	at := stepOf(now)
	for _, other := range counts {
		s := w.shard(other.Key)
		s.mu.Lock()
		c := s.counts[other.Key]
		if c == nil && other.N > 0 && other.Step > at-steps {
			c = s.insert(other.Key, at, w.perKey)
		}
		if c != nil {
			c.advance(at)
			c.learn(min(other.Step, c.newest), other.N)
		}
		s.mu.Unlock()
	}
}

func (c *count) learn(step, n int64) {
	if step <= c.newest-steps || step < 0 {
		return
	}
	slot := &c.ring[step%steps]
	n = min(max(n, -int64(*slot)), maxCounted-int64(*slot))
	*slot = uint32(int64(*slot) + n)
	c.sum += n
}

// maxCounted bounds a counter, whatever others say: far more than any limit allows.
const maxCounted = MaxPerMinute * int64(Span/time.Minute) * PlaceFactor * 4
