package ui

import "strconv"

func most(rows []Point) (n int64) {
	for _, p := range rows {
		n = max(n, p.Value)
	}
	return n
}

func sum(rows []Point) (n int64) {
	for _, p := range rows {
		n += p.Value
	}
	return n
}

// share is how long the bar of p is beside the longest one. What is not nothing
// can be seen.
func share(p Point, rows []Point) string {
	if p.Value <= 0 {
		return "0"
	}
	return strconv.FormatFloat(max(1, 100*float64(p.Value)/float64(most(rows))), 'f', 1, 64) + "%"
}

// height is how high the column of p is, of 100.
func height(p Point, rows []Point) int {
	if p.Value <= 0 {
		return 1 // a line to stand on
	}
	return max(4, int(100*p.Value/most(rows)))
}

// ticks are the places of a row of n that are written below it.
func ticks(n int) []int {
	if n < 3 {
		return nil
	}
	return []int{0, n / 2, n - 1}
}
