package api

import (
	"fmt"
	"time"
)

// TimeLayout is the one format in which times go over the wire: RFC 3339 in
// UTC with milliseconds.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Time is a time.Time that is written in TimeLayout and read as any RFC 3339
// time.
type Time struct{ time.Time }

// MarshalJSON writes t in TimeLayout.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(TimeLayout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, TimeLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads an RFC 3339 time. A JSON null leaves t unchanged.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	parsed, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(data))
	if err != nil {
		return fmt.Errorf("%s is not an RFC 3339 time", data)
	}
	t.Time = parsed.UTC()
	return nil
}

// Timestamp wraps v for the wire; a zero v becomes nil, so that the field of
// an optional time is left out.
func Timestamp(v time.Time) *Time {
	if v.IsZero() {
		return nil
	}
	return &Time{v}
}
