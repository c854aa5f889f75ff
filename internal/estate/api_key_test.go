package estate_test

import (
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

func TestPeriod(t *testing.T) {
	start := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[estate.Period]string{
		"P1D": "2027-02-01T12:00:00Z", "PT12H": "2027-02-01T00:00:00Z", "P1M": "2027-03-03T12:00:00Z", "P1Y": "2028-01-31T12:00:00Z", "P2W": "2027-02-14T12:00:00Z",
		"P1Y2M3DT4H5M6S": "2028-04-03T16:05:06Z", "PT90M": "2027-01-31T13:30:00Z", "PT1S": "2027-01-31T12:00:01Z",
		"": "", "P": "", "PT": "", "P0D": "", "PT0S": "", "1D": "", "P1": "", "P-1D": "", "p1d": "", "P1D ": "", "P1W1D": "", "P1H": "", "PT1D": "", "P1.5D": "", "P99999Y": "",
	} {
		end, ok := text.From(start)
		if got := end.Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s %v", text, got, ok)
		}
	}
}

// FuzzPeriod: no text is read as a period that ends before it begins.
func FuzzPeriod(f *testing.F) {
	for _, text := range []string{"P1D", "P1Y2M3DT4H5M6S", "P4W", "PT0S", "P9999Y"} {
		f.Add(text)
	}
	start := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if end, ok := estate.Period(text).From(start); ok && !end.After(start) {
			t.Errorf("%q ends at %v", text, end)
		}
	})
}
