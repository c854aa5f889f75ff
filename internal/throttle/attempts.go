package throttle

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The rules for failed attempts to authenticate.
const (
	freeFailures = 5                // of a client at an address, before it has to wait
	firstDelay   = time.Second      // after them; doubled by each further failure
	maxDelay     = 15 * time.Minute // of a client at an address
	forgetAfter  = time.Hour        // without failure

	addressFailures = 100         // in a Span at an address, over all client ids
	successKept     = time.Minute // how exactly the last success is remembered

	maxPairs     = 65_536
	maxAddresses = 16_384
)

// Attempts slows down whoever authenticates with wrong secrets. What it counts
// is tied to the address from which the attempts come, so nobody can make a
// client wait elsewhere. It is safe for concurrent use.
//
// A client at an address has five failures free. From then on each doubles the
// time during which the client is refused there unheard, from one second up to
// a quarter of an hour. A success, or an hour without failure, clears it.
//
// An address has a hundred failures in five minutes. Beyond that it is refused
// as a whole, except clients that authenticated there within the last hour: they
// may share it, behind a gateway, with whoever fails. Failures that the client
// makes good within seconds are taken back: some libraries find out how to
// authenticate by trying.
//
// Existing and invented client ids are counted alike, so the answers don't tell
// which is which. Memory is bounded: at its limit the longest quiet are
// forgotten.
//
// Several processes can count together: each has what it saw from Untold, and the
// others take it in by Learn; Addresses is to be shared with it.
type Attempts struct {
	Addresses *Window[Source] // failures by address

	seed   maphash.Seed
	shared bool // Untold is asked
	shards [shardCount]attemptShard
}

type attemptShard struct {
	mu     sync.Mutex
	pairs  map[pairKey]pair // without pointers, so the collector passes them over
	untold []Attempt
}

// Source is an IPv4 address or the network part of an IPv6 one: who has one
// address of a /64 has all of them.
type Source [16]byte

type pairKey struct {
	client [16]byte
	source Source
}

// pair is what is known of a client at an address. Times are Unix milliseconds;
// zero is never.
type pair struct {
	failures  int64
	failed    int64 // when last
	until     int64 // refused unheard
	succeeded int64 // when last, to successKept
	told      int64 // when the others were last told of a success
}

// NewAttempts makes an Attempts.
func NewAttempts() *Attempts {
	a := &Attempts{seed: maphash.MakeSeed(), Addresses: NewWindow[Source](maxAddresses)}
	for i := range a.shards {
		a.shards[i].pairs = make(map[pairKey]pair)
	}
	return a
}

// Wait says how long client has to wait before it is heard at address: zero, or
// whole seconds. An unknown address, the zero Addr, never waits.
func (a *Attempts) Wait(client string, address netip.Addr, now time.Time) time.Duration {
	if !address.IsValid() {
		return 0
	}
	from := sourceOf(address)
	if key, ok := pairOf(client, from); ok {
		at := now.UnixMilli()
		s := a.shard(key)
		s.mu.Lock()
		p := s.pairs[key]
		s.mu.Unlock()
		wait, known := p.wait(at), p.known(at)
		if wait > 0 || known {
			return wait
		}
	}
	return a.Addresses.Wait(from, addressFailures, now)
}

// Known tells whether client authenticated at address within the last hour. Such
// a client may be heard even while it has to wait, so that who shares its
// address can't lock it out; its failures are then not to be counted.
func (a *Attempts) Known(client string, address netip.Addr, now time.Time) bool {
	key, ok := pairOf(client, sourceOf(address))
	if !ok {
		return false
	}
	s := a.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pairs[key]
	return p.known(now.UnixMilli())
}

// Failed counts a failed attempt. It tells whether the client, or the whole
// address, has to wait from now on and did not before.
func (a *Attempts) Failed(client string, address netip.Addr, now time.Time) (clientWaits, addressWaits bool) {
	if !address.IsValid() {
		return false, false
	}
	from := sourceOf(address)
	addressWaits = a.Addresses.Add(from, now) == addressFailures
	key, ok := pairOf(client, from)
	if !ok {
		return false, addressWaits // no client has such an id
	}
	s := a.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.get(key)
	counted, clientWaits := p.fail(now.UnixMilli())
	s.pairs[key] = p
	if counted && a.shared {
		s.untold = append(s.untold, key.attempt(now, true))
	}
	return clientWaits, addressWaits
}

// Succeeded clears what is held against client at address.
func (a *Attempts) Succeeded(client string, address netip.Addr, now time.Time) {
	if !address.IsValid() {
		return
	}
	from := sourceOf(address)
	key, ok := pairOf(client, from)
	if !ok {
		return
	}
	at := now.UnixMilli()
	s := a.shard(key)
	s.mu.Lock()
	p := s.get(key)
	madeGood := p.failures
	p.succeed(at)
	if a.shared && (madeGood > 0 || !within(p.told, at, forgetAfter/2)) {
		p.told = at
		s.untold = append(s.untold, key.attempt(now, false))
	}
	s.pairs[key] = p
	s.mu.Unlock()
	for range min(madeGood, freeFailures) {
		a.Addresses.Untake(from)
	}
}

// Trim forgets what has been quiet for an hour.
func (a *Attempts) Trim(now time.Time) {
	a.Addresses.Trim(now)
	at := now.UnixMilli()
	for i := range a.shards {
		s := &a.shards[i]
		s.mu.Lock()
		for key, p := range s.pairs {
			if !within(p.last(), at, forgetAfter) {
				delete(s.pairs, key)
			}
		}
		s.mu.Unlock()
	}
}

// Len is how many pairs of client and address are remembered.
func (a *Attempts) Len() int {
	n := 0
	for i := range a.shards {
		s := &a.shards[i]
		s.mu.Lock()
		n += len(s.pairs)
		s.mu.Unlock()
	}
	return n
}

func (a *Attempts) shard(key pairKey) *attemptShard {
	return &a.shards[maphash.Comparable(a.seed, key)%shardCount]
}

// get returns the pair of key, or a new one for which there is room. In a full
// shard the pair goes that has been quiet for longest among a few.
func (s *attemptShard) get(key pairKey) pair {
	if p, ok := s.pairs[key]; ok {
		return p
	}
	if len(s.pairs) >= maxPairs/shardCount {
		var quietest pairKey
		var since int64
		seen := 0
		for k, p := range s.pairs { // begins anywhere
			if last := p.last(); seen == 0 || last < since {
				quietest, since = k, last
			}
			if seen++; seen == sampled {
				break
			}
		}
		delete(s.pairs, quietest)
	}
	return pair{}
}

func (p *pair) last() int64 { return max(p.failed, p.succeeded) }

func (p *pair) known(at int64) bool {
	return p.succeeded != 0 && within(p.succeeded, at, forgetAfter)
}

// wait is how long the pair is refused unheard.
func (p *pair) wait(at int64) time.Duration {
	d := time.Duration(p.until-at) * time.Millisecond
	if d <= 0 || d > maxDelay { // over, or the clock was put back
		return 0
	}
	return wholeSeconds(d)
}

func (p *pair) succeed(at int64) {
	p.failures, p.until = 0, 0
	if !within(p.succeeded, at, successKept) {
		p.succeeded = at
	}
}

// fail counts a failure and tells whether the waiting begins with it. What fails
// while the pair is refused was on its way when that began: it counts no
// further, so that a burst in parallel is not punished for being one.
func (p *pair) fail(at int64) (counted, begins bool) {
	if p.wait(at) > 0 {
		return false, false
	}
	if p.failures > 0 && !within(p.failed, at, forgetAfter) {
		p.failures = 0
	}
	p.failures++
	p.failed = at
	doublings := p.failures - freeFailures
	if doublings < 0 {
		return true, false
	}
	delay := maxDelay
	if doublings < 10 {
		delay = min(firstDelay<<doublings, maxDelay)
	}
	p.until = at + delay.Milliseconds()
	return true, doublings == 0
}

// within tells whether the time since is no longer ago than d. A time in the
// future is long ago: the clock was put back.
func within(since, at int64, d time.Duration) bool {
	return since <= at && at-since < d.Milliseconds()
}

func sourceOf(address netip.Addr) Source {
	network := Network(address)
	if !network.IsValid() {
		return Source{}
	}
	return Source(network.Addr().As16()) // IPv4 as ::ffff:a.b.c.d
}

// Network is an IPv4 address, or the /64 of an IPv6 one: who has one address of it
// has all of them. That of an unknown address is not valid.
func Network(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// pairOf makes the key of a client id, which is 32 hexadecimal digits.
func pairOf(client string, from Source) (key pairKey, ok bool) {
	if len(client) != 2*len(key.client) {
		return key, false
	}
	for i := range key.client {
		high, low := digit(client[2*i]), digit(client[2*i+1])
		if high > 15 || low > 15 {
			return key, false
		}
		key.client[i] = high<<4 | low
	}
	key.source = from
	return key, true
}

// digit is the value of a lower-case hexadecimal digit, and more than 15 for
// anything else.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	default:
		return 255
	}
}
