//go:build race

package testenv

// RaceDetector tells whether the race detector is on. Tests of thousands of calls
// that come one after the other leave themselves out then: it would find nothing in
// them, and make them ten times as long.
const RaceDetector = true
