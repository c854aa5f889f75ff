package throttle

import (
	"encoding/hex"
	"net/netip"
	"time"
)

// Attempt is one that a process saw, for the others.
type Attempt struct {
	Client string `json:"c"`
	Source Source `json:"a"`
	At     int64  `json:"t"` // Unix milliseconds
	Failed bool   `json:"f,omitempty"`
}

// MarshalText implements encoding.TextMarshaler.
func (s Source) MarshalText() ([]byte, error) {
	return netip.AddrFrom16(s).MarshalText()
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Source) UnmarshalText(text []byte) error {
	address, err := netip.ParseAddr(string(text))
	if err == nil {
		*s = address.As16()
	}
	return err
}

func (k pairKey) attempt(now time.Time, failed bool) Attempt {
	return Attempt{Client: hex.EncodeToString(k.client[:]), Source: k.source, At: now.UnixMilli(), Failed: failed}
}

// Share has a keep what others have to know for Untold: failures that count, and
// successes that clear some, or make a client known. It is called before a is used,
// and then Untold has to be asked now and then.
func (a *Attempts) Share() {
	a.shared = true
	a.Addresses.Share()
}

// Untold is what a has seen by itself since the last call.
func (a *Attempts) Untold() []Attempt {
	var all []Attempt
	for i := range a.shards {
		s := &a.shards[i]
		s.mu.Lock()
		all = append(all, s.untold...)
		s.untold = nil
		s.mu.Unlock()
	}
	return all
}

// Learn takes in what another process saw. What comes from a clock that is ahead
// counts as of now.
func (a *Attempts) Learn(attempts []Attempt, now time.Time) {
	for _, other := range attempts {
		key, ok := pairOf(other.Client, other.Source)
		at := min(other.At, now.UnixMilli())
		if !ok || !within(at, now.UnixMilli(), forgetAfter) {
			continue
		}
		s := a.shard(key)
		s.mu.Lock()
		p := s.get(key)
		if other.Failed {
			p.fail(at)
		} else {
			p.succeed(at)
		}
		s.pairs[key] = p
		s.mu.Unlock()
	}
}
