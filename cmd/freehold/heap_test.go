package main

import "testing"

func TestGrowth(t *testing.T) {
	for live, want := range map[uint64]int{
		0: mostGrowth, 4 << 20: mostGrowth, 64 << 20: mostGrowth, 128 << 20: 200, 192 << 20: 100, 256 << 20: 50, 384 << 20: leastGrowth, 4 << 30: leastGrowth,
	} {
		if got := growth(live); got != want {
			t.Errorf("%d MiB: %d%%, want %d%%", live>>20, got, want)
		}
	}
}
