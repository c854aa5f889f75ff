package job_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// diary is what the jobs of a test did.
type diary struct {
	mu    sync.Mutex
	lines []string
	fail  error
	wrote chan struct{}
}

func (d *diary) do(_ context.Context, j job.Job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var compact bytes.Buffer // engines may keep JSON with more spaces
	if err := json.Compact(&compact, j.Payload); err != nil {
		return err
	}
	line := compact.String()
	if j.Last {
		line += " last"
	}
	d.lines = append(d.lines, line)
	if d.wrote != nil {
		d.wrote <- struct{}{}
	}
	return d.fail
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.lines
	d.lines = nil
	return taken
}

// open makes an estate with a kind of jobs that write into the diary.
func open(t *testing.T) (*testenv.Env, *diary) {
	t.Helper()
	e := testenv.Open(t)
	var d diary
	e.App.Jobs.Handle(job.Kind{Name: "outside", Do: d.do, Outside: true})
	e.App.Jobs.Handle(job.Kind{Name: "test", Do: d.do, Attempts: 3, Backoff: func(attempt int) time.Duration { return time.Duration(attempt) * time.Hour }})
	return e, &d
}

var errChanged = errors.New("changed its mind")

func enqueue(t *testing.T, e *testenv.Env, after error, all ...job.New) {
	t.Helper()
	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		for _, n := range all {
			if n.Kind == "" {
				n.Kind = "test"
			}
			if err := e.App.Jobs.Enqueue(t.Context(), tx, n); err != nil {
				return err
			}
		}
		return after
	})
	if !errors.Is(err, after) {
		t.Fatal(err)
	}
}

func runDue(t *testing.T, e *testenv.Env, d *diary, want ...string) {
	t.Helper()
	n, err := e.App.Jobs.RunDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if have := d.take(); n != len(want) || len(have) != len(want) || len(want) > 0 && !reflect.DeepEqual(have, want) {
		t.Errorf("%d attempts: %q, want %q", n, have, want)
	}
}

// TestQueue_Enqueue puts jobs into the transaction: they are there with it, or
// not at all.
func TestQueue_Enqueue(t *testing.T) {
	e, d := open(t)
	enqueue(t, e, errChanged, job.New{Payload: "lost"})
	runDue(t, e, d)
	enqueue(t, e, nil, job.New{Payload: "three", Kind: "outside"}, job.New{Payload: "one"}, job.New{Payload: map[string]int{"n": 2}})
	runDue(t, e, d, `"one"`, `{"n":2}`, `"three"`)
	runDue(t, e, d)

	err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
		return e.App.Jobs.Enqueue(t.Context(), tx, job.New{Kind: "unknown"})
	})
	if err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("a job that nobody does: %v", err)
	}
	err = e.App.Store.Read(t.Context(), func(tx *store.Tx) error { return e.App.Jobs.Enqueue(t.Context(), tx, job.New{Kind: "test"}) })
	if err == nil {
		t.Error("a job from a transaction that only reads")
	}
}

// TestQueue_UnknownKind leaves jobs that only another version of the program knows
// to that, for a week.
func TestQueue_UnknownKind(t *testing.T) {
	e, d := open(t)
	enqueue(t, e, nil, job.New{Payload: "new"})
	older := e.Restart() // knows no kinds of this test
	if n, err := older.App.Jobs.RunDue(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d attempts (%v)", n, err)
	}
	if n, err := older.App.Jobs.RunDue(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d attempts at once again (%v)", n, err)
	}
	for range 30 { // more than there are attempts
		older.Clock.Advance(time.Minute)
		if n, err := older.App.Jobs.RunDue(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d attempts (%v)", n, err)
		}
	}
	newer := older.Restart()
	newer.App.Jobs.Handle(job.Kind{Name: "test", Do: d.do})
	newer.Clock.Advance(time.Minute)
	runDue(t, newer, d, `"new"`)
}

// TestQueue_Due runs jobs when their time has come by the clock of the services.
func TestQueue_Due(t *testing.T) {
	e, d := open(t)
	enqueue(t, e, nil, job.New{Payload: 1, At: e.Clock.Now().Add(time.Hour)})
	runDue(t, e, d)
	e.Clock.Advance(59 * time.Minute)
	runDue(t, e, d)
	e.Clock.Advance(time.Minute)
	runDue(t, e, d, "1")
}

// TestQueue_Failures tries a job again after its backoff, and gives it up after
// its last attempt.
func TestQueue_Failures(t *testing.T) {
	e, d := open(t)
	d.fail = errors.New("broken")
	enqueue(t, e, nil, job.New{Payload: 1})
	runDue(t, e, d, "1")
	runDue(t, e, d)
	e.Clock.Advance(time.Hour)
	runDue(t, e, d, "1")
	e.Clock.Advance(time.Hour)
	runDue(t, e, d)
	e.Clock.Advance(time.Hour)
	runDue(t, e, d, "1 last")
	e.Clock.Advance(100 * time.Hour)
	runDue(t, e, d)

	d.fail = job.Later(e.Clock.Now().Add(time.Hour))
	enqueue(t, e, nil, job.New{Payload: 2})
	for range 5 { // more than there are attempts
		runDue(t, e, d, "2")
		runDue(t, e, d)
		e.Clock.Advance(time.Hour)
		d.fail = job.Later(e.Clock.Now().Add(time.Hour))
	}
	d.fail = nil
	runDue(t, e, d, "2")
}

// TestQueue_Key has one unfinished job for a key.
func TestQueue_Key(t *testing.T) {
	e, d := open(t)
	enqueue(t, e, nil, job.New{Payload: 1, Key: "a"}, job.New{Payload: 2, Key: "a"}, job.New{Payload: 3, Key: "b"}, job.New{Payload: 4}, job.New{Payload: 4})
	runDue(t, e, d, "1", "3", "4", "4")
	enqueue(t, e, nil, job.New{Payload: 5, Key: "a"})
	runDue(t, e, d, "5")
}

// TestQueue_Run does jobs in a running server, and after a restart those that
// were left.
func TestQueue_Run(t *testing.T) {
	e := testenv.New(t)
	d := diary{wrote: make(chan struct{}, 1)}
	node := e.Node()
	for _, n := range []*testenv.Env{e, node} {
		n.App.Jobs.Handle(job.Kind{Name: "test", Do: d.do})
	}
	enqueue(t, e, nil, job.New{Payload: "now"})
	<-d.wrote
	if have := d.take(); !reflect.DeepEqual(have, []string{`"now"`}) {
		t.Errorf("done: %q", have)
	}
}

// TestQueue_RunReadOnly: a queue that began while the database could not be written
// does jobs as soon as it can.
func TestQueue_RunReadOnly(t *testing.T) {
	config := testenv.Config(t, t.TempDir())
	config.Database = pgtest.New(t, nil)
	open := func(log io.Writer) *app.App {
		a, err := app.Open(t.Context(), config, slog.New(slog.NewTextHandler(log, nil)), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if err := open(io.Discard).Close(); err != nil {
		t.Fatal(err)
	}
	back := pgtest.ReadOnly(t, config.Database)
	read, write := io.Pipe()
	a := open(write)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Jobs.Run(ctx) })
	for lines := bufio.NewScanner(read); lines.Scan() && !strings.Contains(lines.Text(), "jobs wait"); {
		continue
	}
	var told sync.WaitGroup
	told.Go(func() { _, _ = io.Copy(io.Discard, read) })
	back()
	d := diary{wrote: make(chan struct{}, 1)}
	a.Jobs.Handle(job.Kind{Name: "test", Do: d.do})
	err := a.Store.Write(t.Context(), func(tx *store.Tx) error { return a.Jobs.Enqueue(t.Context(), tx, job.New{Kind: "test"}) })
	if err != nil {
		t.Fatal(err)
	}
	<-d.wrote
	stop()
	running.Wait()
	if err := errors.Join(a.Close(), write.Close()); err != nil {
		t.Error(err)
	}
	told.Wait()
}

func TestBackoff(t *testing.T) {
	want := []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 135 * time.Second}
	for i, d := range want {
		if have := job.Backoff(i + 1); have != d {
			t.Errorf("after attempt %d: %s, want %s", i+1, have, d)
		}
	}
	if have := job.Backoff(1000); have != 6*time.Hour {
		t.Errorf("in the end: %s", have)
	}
}

// TestQueue_Resume makes attempts again that have begun and not ended, also the
// last, and leaves the others.
func TestQueue_Resume(t *testing.T) {
	e, d := open(t)
	enqueue(t, e, nil, job.New{Payload: "cut off"})
	for attempt := range 4 { // of three: the last was cut off
		e.App.Jobs.Handle(job.Kind{Name: "test", Attempts: 3, Do: func(ctx context.Context, j job.Job) error {
			if err := d.do(ctx, j); err != nil {
				return err
			}
			panic("killed") // so that nobody notes how the attempt ended
		}})
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the attempt ended")
				}
			}()
			_, _ = e.App.Jobs.RunDue(t.Context())
		}()
		want := `"cut off"`
		if attempt >= 2 {
			want += " last"
		}
		if have := d.take(); !reflect.DeepEqual(have, []string{want}) {
			t.Errorf("attempt %d: %q, want %q", attempt+1, have, want)
		}
		runDue(t, e, d) // it counts as running
		e = e.Restart()
		if n, err := e.App.Jobs.Resume(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d jobs resumed (%v)", n, err)
		}
	}
	e.App.Jobs.Handle(job.Kind{Name: "test", Do: d.do})
	enqueue(t, e, nil, job.New{Payload: "later", At: e.Clock.Now().Add(time.Hour)})
	runDue(t, e, d, `"cut off" last`)
	if n, err := e.App.Jobs.Resume(t.Context()); n != 0 || err != nil {
		t.Errorf("%d jobs resumed, and none was running (%v)", n, err)
	}
	runDue(t, e, d)
}
