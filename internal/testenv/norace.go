//go:build !race

package testenv

// RaceDetector tells whether the race detector is on.
const RaceDetector = false
