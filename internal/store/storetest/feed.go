package storetest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

var feed = []namedTest{
	{"Published", testPublished},
	{"Followed", testFollowed},
	{"Trimmed", testTrimmedFeed},
	{"TrimmedInTheMiddle", testFeedTrimmedInTheMiddle},
	{"Interrupted", testInterruptedFeed},
}

// change is the insertion of a client, which is in the feed.
func change(t *testing.T, o estate.Organization, n int, at time.Time) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		c := client(estate.LevelOrganization, all(o), n)
		c.UpdatedAt = at
		return tx.InsertClient(t.Context(), c)
	}
}

func changeOf(n int) store.Change {
	return store.Change{Kind: store.ChangeClient, Key: string(clientID(n))}
}

var forgetAll = store.Change{Kind: store.ChangeAll}

func testPublished(t *testing.T, db Database) {
	s := newSample(t, db)
	var mu sync.Mutex
	var seen [2][]store.Change
	for i := range seen {
		db.Store.Subscribe(func(changes []store.Change) {
			for _, c := range changes { // what a subscriber hears of, it can read
				if c.Kind == store.ChangeClient {
					read(t, db, func(tx *store.Tx) (estate.Client, error) {
						return tx.ClientToAuthenticate(t.Context(), estate.ClientID(c.Key))
					})
				}
			}
			mu.Lock()
			defer mu.Unlock()
			seen[i] = append(seen[i], changes...)
		})
	}
	want := func(changes ...store.Change) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		for i := range seen {
			equal(t, "changes", seen[i], changes)
			seen[i] = nil
		}
	}
	write(t, db, change(t, s.acme, 1, moment(1)))
	want(changeOf(1))
	var none []store.Change
	write(t, db, func(tx *store.Tx) error {
		return first(change(t, s.acme, 2, moment(1))(tx), change(t, s.acme, 3, moment(1))(tx), tx.UpdateSubscription(t.Context(), all(s.acme), s.sub))
	})
	want(changeOf(2), changeOf(3), store.Change{Kind: store.ChangeAccounts, Key: string(s.acme.ID)}, store.Change{Kind: store.ChangeSubscription, Key: string(s.sub.ID)})

	// What does not happen is not heard of.
	changeMind(t, db, change(t, s.acme, 4, moment(1)))
	func() {
		defer func() { _ = recover() }()
		_ = db.Store.Write(t.Context(), func(tx *store.Tx) error {
			if err := change(t, s.acme, 4, moment(1))(tx); err != nil {
				t.Error(err)
			}
			panic("at work")
		})
	}()
	want(none...)

	// Of concurrent writes each finds its own change published.
	var writers sync.WaitGroup
	for n := 10; n < 40; n++ {
		writers.Go(func() {
			if err := db.Store.Write(t.Context(), change(t, s.acme, n, moment(1))); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Contains(seen[0], changeOf(n)) || !slices.Contains(seen[1], changeOf(n)) {
				t.Errorf("change %d was not published before its Write returned", n)
			}
		})
	}
	writers.Wait()
}

// follower is another process that follows the feed. Between the calls of want
// it is held where it hands out changes.
type follower struct {
	t       *testing.T
	changes chan []store.Change
	proceed chan bool
	held    bool
	log     chan string
	got     []store.Change // received, and not yet wanted
}

// newFollower starts a follower and waits until it listens.
func newFollower(t *testing.T, db Database) *follower {
	t.Helper()
	f := &follower{t: t, changes: make(chan []store.Change), proceed: make(chan bool), log: make(chan string, 100)}
	other := db.Again(t)
	ctx, stop := context.WithCancel(t.Context())
	other.Subscribe(func(changes []store.Change) {
		select {
		case f.changes <- slices.Clone(changes):
		case <-ctx.Done():
		}
		select {
		case <-f.proceed:
		case <-ctx.Done():
		}
	})
	var following sync.WaitGroup
	following.Go(func() {
		other.Follow(ctx, slog.New(slog.NewTextHandler(logLines(f.log), nil)), time.Now, time.Millisecond)
	})
	t.Cleanup(func() {
		stop()
		following.Wait()
	})
	f.want(forgetAll)
	return f
}

// logLines sends each line of a log.
type logLines chan string

func (lines logLines) Write(line []byte) (int, error) {
	lines <- string(line)
	return len(line), nil
}

// patience is how long a test waits for what should come in milliseconds.
const patience = 30 * time.Second

// want lets the follower go on and checks that the next changes are these.
func (f *follower) want(changes ...store.Change) {
	f.t.Helper()
	tooLate := time.After(patience)
	for len(f.got) < len(changes) {
		f.release()
		select {
		case more := <-f.changes:
			f.held = true
			f.got = append(f.got, more...)
		case <-tooLate:
			f.t.Fatalf("changes %v, want %v", f.got, changes)
		}
	}
	equal(f.t, "changes", f.got, changes)
	f.got = nil
}

func (f *follower) release() {
	if f.held {
		f.proceed <- true
		f.held = false
	}
}

// wantLog checks that the follower logs a line that contains text next.
func (f *follower) wantLog(text string) {
	f.t.Helper()
	select {
	case line := <-f.log:
		if !strings.Contains(line, text) {
			f.t.Errorf("logged %q, want %q", line, text)
		}
	case <-time.After(patience):
		f.t.Fatalf("nothing logged, want %q", text)
	}
}

func testFollowed(t *testing.T, db Database) {
	s := newSample(t, db)
	write(t, db, change(t, s.acme, 1, moment(1))) // before anybody follows
	f := newFollower(t, db)
	for n := 2; n < 6; n++ {
		write(t, db, change(t, s.acme, n, moment(1)))
		f.want(changeOf(n))
	}
	// What was rolled back leaves no gap, and nothing comes twice.
	changeMind(t, db, change(t, s.acme, 6, moment(1)))
	write(t, db, change(t, s.acme, 7, moment(1)))
	write(t, db, func(tx *store.Tx) error {
		return first(change(t, s.acme, 8, moment(1))(tx), tx.UpdateSubscription(t.Context(), all(s.acme), s.sub))
	})
	f.want(changeOf(7), changeOf(8), store.Change{Kind: store.ChangeAccounts, Key: string(s.acme.ID)}, store.Change{Kind: store.ChangeSubscription, Key: string(s.sub.ID)})
	// Trimming what was seen is no gap either.
	trim(t, db, moment(1).Add(24*time.Hour))
	write(t, db, change(t, s.acme, 9, moment(1)))
	f.want(changeOf(9))
}

func trim(t *testing.T, db Database, now time.Time) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), now) })
}

// testTrimmedFeed: who was away for so long that changes were trimmed that it
// has not seen must forget everything.
func testTrimmedFeed(t *testing.T, db Database) {
	s := newSample(t, db)
	f := newFollower(t, db)
	for n := 1; n < 5; n++ {
		write(t, db, change(t, s.acme, n, moment(1)))
	}
	trim(t, db, moment(1).Add(24*time.Hour)) // all but the newest
	f.want(forgetAll, changeOf(4))
	write(t, db, change(t, s.acme, 5, moment(1)))
	f.want(changeOf(5))
}

// testFeedTrimmedInTheMiddle: changes are as old as their writers say, so those
// that are trimmed need not be the first.
func testFeedTrimmedInTheMiddle(t *testing.T, db Database) {
	s := newSample(t, db)
	f := newFollower(t, db)
	now := moment(0).Add(24 * time.Hour)
	for n, at := range []time.Time{now, now, moment(0), now, moment(0), now} {
		write(t, db, change(t, s.acme, n, at))
	}
	trim(t, db, now)
	f.want(changeOf(0), changeOf(1), forgetAll, changeOf(3), forgetAll, changeOf(5))
}

// testInterruptedFeed: what happens while the database does not answer is heard
// of afterwards.
func testInterruptedFeed(t *testing.T, db Database) {
	s := newSample(t, db)
	f := newFollower(t, db)
	execute(t, db, "alter table changes rename to hidden")
	f.release()
	f.wantLog("change feed interrupted")
	execute(t, db, "alter table hidden rename to changes")
	f.wantLog("change feed resumed")
	write(t, db, change(t, s.acme, 1, moment(1)))
	f.want(changeOf(1))

	write(t, db, change(t, s.acme, 2, moment(1)))
	execute(t, db, "alter table changes rename to hidden")
	f.release()
	f.wantLog("change feed interrupted")
	execute(t, db, "alter table hidden rename to changes")
	f.wantLog("change feed resumed")
	f.want(changeOf(2))
}
