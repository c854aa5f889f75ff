package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// RunDue makes attempts at all jobs that are due now, one after another, until
// none is due, and returns how many it made. It is for tests, which have a clock
// of their own and no time to wait: the result is that of a server that has run
// for long enough, apart from the order.
func (q *Queue) RunDue(ctx context.Context) (attempts int, err error) {
	db := q.client.executor()
	for {
		now := q.now()
		if _, err := db.JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: 1000, Now: &now}); err != nil {
			return attempts, fmt.Errorf("schedule: %w", err)
		}
		var due []*rivertype.JobRow
		for _, queue := range []string{river.QueueDefault, queueOutside} {
			found, err := db.JobGetAvailable(ctx, &riverdriver.JobGetAvailableParams{
				ClientID: q.client.ID(), MaxAttemptedBy: 10, MaxToLock: workers, Now: &now, Queue: queue,
			})
			if err != nil {
				return attempts, fmt.Errorf("get due jobs: %w", err)
			}
			due = append(due, found.Jobs...)
		}
		if len(due) == 0 {
			return attempts, nil
		}
		for _, row := range due {
			attempts++
			if err := q.attempt(ctx, db, row); err != nil {
				return attempts, err
			}
		}
	}
}

func (q *Queue) attempt(ctx context.Context, db riverdriver.Executor, row *rivertype.JobRow) error {
	var a args
	if err := json.Unmarshal(row.EncodedArgs, &a); err != nil {
		return fmt.Errorf("arguments of job %d: %w", row.ID, err)
	}
	failure := q.do(ctx, row, a)
	now := q.now()
	var state *riverdriver.JobSetStateIfRunningParams
	var l later
	switch {
	case failure == nil:
		state = riverdriver.JobSetStateCompleted(row.ID, now, nil)
	case errors.As(failure, &l):
		state = riverdriver.JobSetStateSnoozed(row.ID, l.at, row.Attempt-1, nil)
	default:
		told, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: row.Attempt, Error: failure.Error()})
		if err != nil {
			return err
		}
		if row.Attempt >= row.MaxAttempts {
			q.HandleError(ctx, row, failure)
			state = riverdriver.JobSetStateDiscarded(row.ID, now, told, nil)
		} else {
			state = riverdriver.JobSetStateErrorRetryable(row.ID, q.NextRetry(row), told, nil)
		}
	}
	_, err := db.JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{row.ID}, Attempt: []*int{state.Attempt}, ErrData: [][]byte{state.ErrData}, FinalizedAt: []*time.Time{state.FinalizedAt},
		MetadataDoMerge: []bool{false}, MetadataUpdates: [][]byte{nil}, Now: &now, ScheduledAt: []*time.Time{state.ScheduledAt},
		State: []rivertype.JobState{state.State},
	})
	if err != nil {
		return fmt.Errorf("finish job %d: %w", row.ID, err)
	}
	return nil
}
