package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// How long a change stays in the feed: far longer than any follower pauses
// without being restarted.
const changeRetention = time.Hour

// Follow hands changes made by other processes to the subscribers until ctx ends.
// It looks every interval, and at once where the database tells of them. While
// the database does not answer it reports so to log once, and once more when it
// answers again. By now, which should be monotonic, it notes when it was last
// told: see Heard.
func (s *Store) Follow(ctx context.Context, log *slog.Logger, now func() time.Time, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	s.mu.Lock()
	s.following, s.own = true, map[int64]bool{}
	s.mu.Unlock()
	told := make(chan struct{}, 1)
	var aside sync.WaitGroup
	defer aside.Wait()
	if s.engine.listen != nil {
		aside.Go(func() { s.engine.listen(ctx, told) })
	}
	if s.engine.pool != nil {
		aside.Go(func() { s.engine.gatherStatistics(ctx) })
	}
	first, down := true, false
	for {
		asked := now()
		changes, err := s.changesSince(ctx, first)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !down:
			down = true
			log.Error("change feed interrupted", "error", err)
		case err == nil:
			if down {
				down = false
				log.Info("change feed resumed")
			}
			first = false
			s.metrics.Looked()
			if len(changes) > 0 {
				s.publish(changes)
			}
			s.heard.Store(&asked) // after the subscribers know
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-told:
		}
	}
}

// Heard is the time up to which this process knows of the changes of others, by
// the clock of Follow; zero before Follow has asked for the first time.
func (s *Store) Heard() time.Time {
	if at := s.heard.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// fed is a change on its way into the feed.
type fed struct {
	Change
	at time.Time
}

// feedRows bounds how many changes one statement puts into the feed. There is a
// statement for each power of two up to it.
const feedRows = 64

const lastChange = "select coalesce(max(seq), 0) from changes"

// writeFeed puts the changes of a batch into the feed and returns their numbers.
// Batches come one after the other, so nobody else takes the same.
func (tx *Tx) writeFeed(ctx context.Context) (numbers []int64, err error) {
	if len(tx.feed) == 0 {
		return nil, nil
	}
	last := tx.conn.lastChange
	if last == unknownChange {
		if err := tx.row(ctx, lastChange).Scan(&last); err != nil {
			return nil, fmt.Errorf("select last change: %w", err)
		}
	}
	for rest := tx.feed; len(rest) > 0; {
		n := feedRows
		for n > len(rest) {
			n /= 2
		}
		args := make([]any, 0, 4*n)
		for _, c := range rest[:n] {
			last++
			numbers = append(numbers, last)
			args = append(args, last, string(c.Kind), c.Key, micros(c.at))
		}
		rest = rest[n:]
		if err := tx.insert(ctx, "insert into changes (seq, kind, key, created_at) values "+valueLists(n, []string{"%s", "%s", "%s", "%s"}), args...); err != nil {
			return nil, fmt.Errorf("insert changes: %w", err)
		}
	}
	return numbers, nil
}

// published notes changes of this process, so that Follow does not hand them out
// a second time: what is in memory by then is newer than they are. Where Follow is
// faster it does so, to no harm.
func (s *Store) published(numbers []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.following {
		return
	}
	for _, n := range numbers {
		s.own[n] = true
	}
}

// takeOwn tells which changes after seen, up to last, were published already, and
// forgets them.
func (s *Store) takeOwn(last int64) map[int64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := map[int64]bool{}
	for n := range s.own {
		if n <= last {
			taken[n] = true
			delete(s.own, n)
		}
	}
	return taken
}

// changesSince returns what was committed after the last call. The first call
// sets the starting point and has everything forgotten that was cached before.
func (s *Store) changesSince(ctx context.Context, first bool) ([]Change, error) {
	var changes []Change
	var numbers []int64 // of changes; 0: not in the feed
	var times []int64   // of changes, in microseconds
	seen := s.seen
	err := s.Read(ctx, func(tx *Tx) error {
		if first {
			changes, numbers, times = []Change{{Kind: ChangeAll}}, []int64{0}, []int64{0}
			return tx.row(ctx, "select coalesce(max(seq), 0) from changes").Scan(&seen)
		}
		rows, err := tx.rows(ctx, "select seq, kind, key, created_at from changes where seq > $1 order by seq", seen)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Change
			var seq, at int64
			if err := rows.Scan(&seq, &c.Kind, &c.Key, &at); err != nil {
				return err
			}
			// Some were trimmed before we saw them. That can be in the middle: they
			// are trimmed by the time that their writers gave them.
			if seq != seen+1 {
				changes, numbers, times = append(changes, Change{Kind: ChangeAll}), append(numbers, 0), append(times, 0)
			}
			seen = seq
			changes, numbers, times = append(changes, c), append(numbers, seq), append(times, at)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err // and s.seen stays: what was read so far must be read again
	}
	s.seen = seen
	own := s.takeOwn(seen)
	var others []Change
	for i, c := range changes {
		if !own[numbers[i]] {
			others = append(others, c)
			if times[i] != 0 {
				s.metrics.Heard(fromMicros(times[i]))
			}
		}
	}
	return others, nil
}
