package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// nonceLifetime is how long a nonce may be used. A sender gets the next one
// with every answer, so only who pauses for longer pays a round trip more.
const nonceLifetime = time.Minute

const nonceTagSize = 16

// nonces hands out the nonces of DPoP proofs and knows them again without
// keeping them: a nonce is the time it was made at, and a MAC over that and the
// origin it was made for. All processes on one database accept one another's.
type nonces struct {
	key     []byte
	started time.Time // of the process
}

// make returns a nonce for proofs to origin.
func (n *nonces) make(origin string, now time.Time) string {
	var b [8 + nonceTagSize]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli()))
	copy(b[8:], n.tag(b[:8], origin))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// accepts tells whether nonce was made for origin within its lifetime, and
// since this process runs: of what was used before, it remembers nothing.
func (n *nonces) accepts(nonce, origin string, now time.Time) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != 8+nonceTagSize || !hmac.Equal(b[8:], n.tag(b[:8], origin)) {
		return false
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8])))
	// Another process's clock may be a little ahead.
	return !made.Before(n.started) && now.Sub(made) < nonceLifetime && made.Sub(now) < time.Second
}

func (n *nonces) tag(made []byte, origin string) []byte {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(made)
	mac.Write([]byte(origin))
	return mac.Sum(nil)[:nonceTagSize]
}

// spent remembers the proofs that were used, for as long as their nonces could
// be used again. It holds two generations, each as old as a nonce gets, and
// forgets the older one whole.
type spent struct {
	mu        sync.Mutex
	since     time.Time // beginning of the current generation
	now, then map[proofID]struct{}

	shared bool // the other servers are told
	untold []proofID
}

// proofID is the identity of a proof: its key, nonce and jti, hashed.
type proofID [16]byte

// MarshalText implements encoding.TextMarshaler.
func (id proofID) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, id[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *proofID) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err == nil && len(b) != len(id) {
		err = errMalformedProof
	}
	copy(id[:], b)
	return err
}

func idOf(p proof) proofID {
	sum := sha256.Sum256([]byte(p.thumbprint + " " + p.Nonce + " " + p.ID))
	return proofID(sum[:16])
}

// add remembers id, and reports false if it was known. The other servers are told.
func (s *spent) add(id proofID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.remember(id, now) {
		return false
	}
	if s.shared {
		s.untold = append(s.untold, id)
	}
	return true
}

// take returns what was added since the last call.
func (s *spent) take() []proofID {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.untold
	s.untold = nil
	return taken
}

// learn remembers what another server has seen.
func (s *spent) learn(ids []proofID, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.remember(id, now)
	}
}

func (s *spent) remember(id proofID, now time.Time) bool {
	// A nonce of the future by another process's clock lives a second longer.
	if now.Sub(s.since) > nonceLifetime+time.Second || s.now == nil {
		if now.Sub(s.since) > 2*(nonceLifetime+time.Second) {
			s.now = nil
		}
		s.then, s.now, s.since = s.now, make(map[proofID]struct{}), now
	}
	if _, known := s.now[id]; known {
		return false
	}
	if _, known := s.then[id]; known {
		return false
	}
	s.now[id] = struct{}{}
	return true
}
