package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapGoal is how large the heap may grow before it is collected, in bytes, as long
	// as what lives in it leaves room. Some 190 MiB live in the heap of a server with a
	// million tenants in memory; docs/benchmarks.md has what the process takes.
	heapGoal = 384 << 20
	// The heap of a small server is a few megabytes, so the runtime's default of 100
	// would collect it hundreds of times a second under load. That of a large one is
	// collected more often than by default rather than let it double.
	mostGrowth, leastGrowth = 400, 15 // percent
	paceInterval            = 250 * time.Millisecond
)

// paceCollector keeps the heap about heapGoal, until the process ends.
func paceCollector() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := mostGrowth
	debug.SetGCPercent(percent)
	for range time.Tick(paceInterval) {
		metrics.Read(live)
		if now := growth(live[0].Value.Uint64()); now != percent {
			percent = now
			debug.SetGCPercent(percent) // which stops everything for a moment
		}
	}
}

// growth is by how much of live bytes the heap may grow, in percent, in steps.
func growth(live uint64) int {
	const step = 25
	if live >= heapGoal {
		return leastGrowth
	}
	return int(max(leastGrowth, min(mostGrowth, (heapGoal-live)*100/max(1, live)/step*step)))
}
