package measure

import (
	"math"
	"slices"
)

// Figures are the results of one run. The limit programs print them as JSON.
type Figures struct {
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"` // processor time of the server for each operation, µs; 0: unknown
	P50       float64 `json:"p50_us"` // latency, µs
	P95       float64 `json:"p95_us"`
	P99       float64 `json:"p99_us"`
	LoadCPU   float64 `json:"load_cpu_us,omitempty"` // processor time of the load generator for each operation, µs
}

// Pair holds the runs of a program and of its limit program, taken in turn, so
// that Real[i] and Limit[i] saw the machine in about the same mood.
type Pair struct {
	Real, Limit []Figures
}

// Median is the median of each figure by itself.
func Median(runs []Figures) Figures {
	return Figures{
		PerSecond: medianOf(runs, func(f Figures) float64 { return f.PerSecond }),
		CPU:       medianOf(runs, func(f Figures) float64 { return f.CPU }),
		P50:       medianOf(runs, func(f Figures) float64 { return f.P50 }),
		P95:       medianOf(runs, func(f Figures) float64 { return f.P95 }),
		P99:       medianOf(runs, func(f Figures) float64 { return f.P99 }),
		LoadCPU:   medianOf(runs, func(f Figures) float64 { return f.LoadCPU }),
	}
}

// Ratio is the median over the rounds of real divided by limit for one figure.
// Dividing inside a round cancels drift of the machine between rounds. It is
// NaN when there is nothing to divide.
func (p Pair) Ratio(figure func(Figures) float64) float64 {
	ratios := make([]float64, 0, len(p.Real))
	for i := range min(len(p.Real), len(p.Limit)) {
		if limit := figure(p.Limit[i]); limit > 0 {
			ratios = append(ratios, figure(p.Real[i])/limit)
		}
	}
	return median(ratios)
}

func medianOf(runs []Figures, figure func(Figures) float64) float64 {
	values := make([]float64, len(runs))
	for i, run := range runs {
		values[i] = figure(run)
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
