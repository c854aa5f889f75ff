package load

import (
	"math"
	"math/bits"
	"time"
)

const (
	subBits    = 6 // 64 buckets for each power of two: a quantile is at most 1.6% too high
	subBuckets = 1 << subBits
	buckets    = (64 - subBits + 1) * subBuckets
)

// Histogram counts durations in buckets whose width grows with the duration,
// so that recording one costs a few nanoseconds and no allocation. The zero
// value is ready for use. It is not safe for concurrent use: each connection
// fills its own, and they are merged at the end.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	max    uint64
}

// Record counts d. Negative durations count as zero.
func (h *Histogram) Record(d time.Duration) {
	v := uint64(max(d, 0))
	h.counts[bucketOf(v)]++
	h.total++
	h.max = max(h.max, v)
}

// Merge adds the counts of other to h.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// Count is the number of recorded durations.
func (h *Histogram) Count() int64 { return int64(h.total) }

// Max is the longest recorded duration.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Quantile is the duration that a share q of all recorded ones did not exceed:
// Quantile(0.99) is p99. It is zero for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(h.total)))
	rank = min(max(rank, 1), h.total)
	var seen uint64
	for i, n := range h.counts {
		seen += n
		if seen >= rank {
			return time.Duration(min(bucketEnd(i), h.max))
		}
	}
	return h.Max()
}

// bucketOf keeps the highest subBits+1 bits of v. Values below 2*subBuckets
// have a bucket each.
func bucketOf(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift*subBuckets + int(v>>shift)
}

// bucketEnd is the highest value in bucket i.
func bucketEnd(i int) uint64 {
	shift := max(i/subBuckets-1, 0)
	return (uint64(i-shift*subBuckets)+1)<<shift - 1
}
