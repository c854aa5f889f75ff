package load

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogram_Empty(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Errorf("count %d, max %s, p50 %s", h.Count(), h.Max(), h.Quantile(0.5))
	}
}

func TestHistogram_Quantile(t *testing.T) {
	var h Histogram
	for i := range 100 {
		h.Record(time.Duration(i + 1)) // below 128 ns a bucket holds one value
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := h.Quantile(q); got != want {
			t.Errorf("Quantile(%v) = %d, want %d", q, got, want)
		}
	}
	h.Record(-time.Second)
	if got := h.Quantile(0); got != 0 {
		t.Errorf("a negative duration counted as %s", got)
	}
}

func TestHistogram_Extremes(t *testing.T) {
	var h Histogram
	h.Record(math.MaxInt64)
	if got := h.Quantile(1); got != math.MaxInt64 {
		t.Errorf("Quantile(1) = %d", got)
	}
}

func TestHistogram_Buckets(t *testing.T) {
	for i := range buckets - 1 {
		if got := bucketOf(bucketEnd(i)); got != i {
			t.Fatalf("end of bucket %d is in bucket %d", i, got)
		}
		if got := bucketOf(bucketEnd(i) + 1); got != i+1 {
			t.Fatalf("value after bucket %d is in bucket %d", i, got)
		}
	}
	if got := bucketOf(math.MaxUint64); got != buckets-1 {
		t.Errorf("greatest value is in bucket %d of %d", got, buckets)
	}
}

// TestHistogram_Precision compares with the exact quantile of a sorted slice.
func TestHistogram_Precision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 300).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var a, b Histogram
		for i, v := range values {
			if i%2 == 0 {
				a.Record(time.Duration(v))
			} else {
				b.Record(time.Duration(v))
			}
		}
		a.Merge(&b)
		slices.Sort(values)
		exact := values[max(int(math.Ceil(q*float64(len(values))))-1, 0)]
		got := int64(a.Quantile(q))
		if got < exact || float64(got) > float64(exact)*(1+1.0/subBuckets) {
			t.Fatalf("Quantile(%v) = %d, exactly %d", q, got, exact)
		}
		if a.Count() != int64(len(values)) || a.Max() != time.Duration(values[len(values)-1]) {
			t.Fatalf("count %d, max %d", a.Count(), a.Max())
		}
	})
}
