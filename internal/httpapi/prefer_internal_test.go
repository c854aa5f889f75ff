package httpapi

import (
	"testing"
	"time"
)

func TestPreferredWait(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"wait=5": 5, "WAIT=5": 5, `wait="7"`: 7, "respond-async, wait = 3 ; x=y": 3, "wait=0": 0, "wait=1,wait=2": 1, "wait=99999": 99999,
		"": -1, "wait": -1, "wait=": -1, "wait=-1": -1, "wait=1.5": -1, "wait=x": -1, "await=1": -1, "wait=99999999999": -1,
	} {
		have, ok := preferredWait([]string{"handling=lenient", text})
		if want *= time.Second; ok != (want >= 0) || ok && have != want {
			t.Errorf("%q: %v %v", text, have, ok)
		}
	}
}
