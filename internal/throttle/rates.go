package throttle

import "time"

// Tier says how often an operation may be called.
type Tier uint8

// The tiers of the contract. What has none is not counted.
const (
	NoTier Tier = iota
	Tier1       // reads: by default 1,000 a minute
	Tier2       // writes, and what costs as much: by default 100 a minute
)

// Limits are requests per minute for each tier, averaged over Span. Zero is no
// limit.
type Limits struct {
	Tier1, Tier2 int64
}

// Contract is what the contract documents.
var Contract = Limits{Tier1: 1000, Tier2: 100}

// MaxPerMinute bounds what Limits may say, so that nothing overflows.
const MaxPerMinute = 1_000_000

// Or fills in what l does not say.
func (l Limits) Or(other Limits) Limits {
	if l.Tier1 == 0 {
		l.Tier1 = other.Tier1
	}
	if l.Tier2 == 0 {
		l.Tier2 = other.Tier2
	}
	return l
}

func (l Limits) of(tier Tier) int64 {
	switch tier {
	case Tier1:
		return l.Tier1
	case Tier2:
		return l.Tier2
	default:
		return 0
	}
}

// Caller is who calls, and where. At different places, such as two tenants, the
// same caller is counted separately.
type Caller struct {
	Place  string `json:"p"` // tenant, or what its owner has in a region, or in the console
	Client string `json:"c"`
}

// Rates counts requests by tier, caller and place. It is safe for concurrent
// use.
type Rates struct {
	Callers *Window[TierCaller]
	Places  *Window[TierPlace]
}

// TierCaller is what a Rates counts for each caller.
type TierCaller struct {
	Tier Tier `json:"t"`
	Caller
}

// TierPlace is what a Rates counts for each place.
type TierPlace struct {
	Tier  Tier   `json:"t"`
	Place string `json:"p"`
}

const (
	maxCallers = 65_536
	maxPlaces  = 16_384
)

// NewRates makes a Rates that remembers the callers of the last Span, in at
// most about 40 MiB.
func NewRates() *Rates {
	return &Rates{Callers: NewWindow[TierCaller](maxCallers), Places: NewWindow[TierPlace](maxPlaces)}
}

// PlaceFactor is how many callers can use their limit in full at one place. The
// contract's rule is half the number of the tenant's users, which is made for
// tenants full of people: one that two machines operate would get no more than a
// single caller. So every place is taken to have twenty users.
const PlaceFactor = 10

// Take counts a request, or returns how long the caller has to wait: whole
// seconds. A request that has to wait is not counted.
func (r *Rates) Take(tier Tier, caller Caller, limits Limits, now time.Time) time.Duration {
	perMinute := limits.of(tier)
	if perMinute <= 0 {
		return 0
	}
	limit := perMinute * int64(Span/time.Minute)
	key := TierCaller{tier, caller}
	if wait := r.Callers.Take(key, limit, now); wait > 0 {
		return wait
	}
	wait := r.Places.Take(TierPlace{tier, caller.Place}, limit*PlaceFactor, now)
	if wait > 0 {
		r.Callers.Untake(key)
	}
	return wait
}

// Trim forgets who has been quiet for a Span.
func (r *Rates) Trim(now time.Time) {
	r.Callers.Trim(now)
	r.Places.Trim(now)
}
