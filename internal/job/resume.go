package job

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// resumed is how many jobs Resume takes at a time.
const resumed = 1000

// Resume makes all jobs available whose attempt has begun and not ended, and
// returns how many. It may be called only while nobody does jobs, which is before
// Run and if no other process does any: otherwise attempts would be made twice at
// the same time. Where others do, the library makes such attempts again by itself,
// when they have been running for longer than any may.
//
// A job whose last attempt was cut off gets another one, because nobody has been
// told yet that it failed.
func (q *Queue) Resume(ctx context.Context) (jobs int, err error) {
	db := q.client.executor()
	now := q.now()
	horizon := now.AddDate(100, 0, 0) // all of them, also if the machine's clock was wrong
	for after := int64(0); ; {
		cut, err := db.JobGetStuck(ctx, &riverdriver.JobGetStuckParams{AfterID: after, Max: resumed, StuckHorizon: horizon})
		if err != nil {
			return jobs, fmt.Errorf("get jobs that were cut off: %w", err)
		}
		if len(cut) == 0 {
			return jobs, nil
		}
		p := riverdriver.JobRescueManyParams{StuckHorizon: horizon, FinalizedAt: make([]*time.Time, len(cut))}
		for _, row := range cut {
			told, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: row.Attempt, Error: "the server was killed"})
			if err != nil {
				return jobs, err
			}
			p.ID = append(p.ID, row.ID)
			p.Error = append(p.Error, told)
			p.ScheduledAt = append(p.ScheduledAt, now)
			p.State = append(p.State, string(rivertype.JobStateAvailable))
		}
		if _, err := db.JobRescueMany(ctx, &p); err != nil {
			return jobs, fmt.Errorf("resume jobs: %w", err)
		}
		jobs += len(cut)
		after = cut[len(cut)-1].ID
	}
}
