package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
)

func openTest(t *testing.T) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	sqlitetest.New(t, path, prepare)
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// occupy has the writer busy until release is called, so that writes queue up.
func occupy(t *testing.T, s *Store) (release func()) {
	t.Helper()
	begun, proceed, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		done <- s.Write(context.WithoutCancel(t.Context()), func(*Tx) error {
			begun <- true
			<-proceed
			return nil
		})
	}()
	<-begun
	return sync.OnceFunc(func() {
		close(proceed)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// queued waits until n writes wait for their turn.
func queued(s *Store, n int) {
	for {
		s.mu.Lock()
		waiting := len(s.pending)
		s.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

// countCommits returns how often the writer has committed since.
func countCommits(t *testing.T, s *Store) (commits func() int) {
	t.Helper()
	n := 0
	err := s.engine.writer.Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { n++; return 0 })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() int { return n } // the writer is idle by then
}

func insertOrganization(ctx context.Context, n int) func(tx *Tx) error {
	return func(tx *Tx) error {
		return tx.InsertOrganization(ctx, estate.Organization{ID: estate.OrganizationID(fmt.Sprint("org-", n))})
	}
}

func organizations(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.Read(t.Context(), func(tx *Tx) error {
		all, err := tx.Organizations(t.Context())
		n = len(all)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestWrite_CommitsWaitingWritesTogether(t *testing.T) {
	s := openTest(t)
	commits := countCommits(t, s)
	release := occupy(t, s)
	const n = 2*maxBatch + 1
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() {
			if err := s.Write(t.Context(), insertOrganization(t.Context(), i)); err != nil {
				t.Error(err)
			}
		})
	}
	queued(s, n)
	release()
	writers.Wait()
	if got := organizations(t, s); got != n {
		t.Errorf("%d organizations, want %d", got, n)
	}
	if got := commits(); got != 1+3 {
		t.Errorf("%d commits, want 1 and then 3 for %d writes", got, n)
	}
}

// TestWrite_FailuresInAGroup puts every way to fail into one group.
func TestWrite_FailuresInAGroup(t *testing.T) {
	s := openTest(t)
	if err := s.Write(t.Context(), insertOrganization(t.Context(), 1000)); err != nil {
		t.Fatal(err)
	}
	commits := countCommits(t, s)
	release := occupy(t, s)
	cancelled, cancel := context.WithCancel(t.Context())
	failure := errors.New("failure")

	const n = maxBatch
	errs, panics := make([]error, n), make([]any, n)
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() {
			defer func() { panics[i] = recover() }()
			errs[i] = s.Write(t.Context(), func(tx *Tx) error {
				if err := insertOrganization(t.Context(), i)(tx); err != nil {
					return err
				}
				switch i % 5 {
				case 1:
					return insertOrganization(t.Context(), 1000)(tx) // there is one
				case 2:
					return failure
				case 3:
					panic(i)
				case 4:
					_, _ = tx.exec(t.Context(), "not SQL") // and nobody minds
				}
				return nil
			})
		})
	}
	queued(s, n)
	// One more is withdrawn while it waits: it returns before its turn.
	withdrawn := make(chan error)
	go func() {
		withdrawn <- s.Write(cancelled, func(*Tx) error {
			t.Error("a withdrawn write ran")
			return nil
		})
	}()
	queued(s, n+1)
	cancel()
	var unavailable *estate.Error
	if err := <-withdrawn; !errors.As(err, &unavailable) || unavailable.Code != api.CodeUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("withdrawn: %v", err)
	}
	queued(s, n)
	release()
	writers.Wait()

	want := 1
	for i := range n {
		var wantPanic any
		ok := false
		switch i % 5 {
		case 1:
			ok = sqliteViolated(errs[i]) == "organizations.id"
		case 2:
			ok = errors.Is(errs[i], failure)
		case 3:
			ok, wantPanic = errs[i] == nil, i
		default:
			ok = errs[i] == nil
			want++
		}
		if !ok || panics[i] != wantPanic {
			t.Errorf("write %d: error %v, panic %v", i, errs[i], panics[i])
		}
	}
	if got := organizations(t, s); got != want {
		t.Errorf("%d organizations, want %d", got, want)
	}
	if got := commits(); got != 2 {
		t.Errorf("%d commits, want 2: the writes were not in one group", got)
	}
}

// TestWrite_LostTransaction: when SQLite gives up a transaction, as it may when
// the disk is full, the whole group fails and the next one does not.
func TestWrite_LostTransaction(t *testing.T) {
	s := openTest(t)
	release := occupy(t, s)
	const n = 5
	errs := make([]error, n)
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() {
			errs[i] = s.Write(t.Context(), func(tx *Tx) error {
				err := insertOrganization(t.Context(), i)(tx)
				if i == 2 {
					err = errors.Join(err, tx.conn.exec(t.Context(), "rollback"))
					_, _ = tx.exec(t.Context(), "insert into nowhere values (1)") // and nobody minds
				}
				return err
			})
		})
	}
	queued(s, n)
	release()
	writers.Wait()
	for i, err := range errs {
		var unavailable *estate.Error
		if !errors.As(err, &unavailable) || unavailable.Kind != estate.Unavailable {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if err := s.Write(t.Context(), insertOrganization(t.Context(), 9)); err != nil {
		t.Error(err)
	}
	if got := organizations(t, s); got != 1 {
		t.Errorf("%d organizations, want 1", got)
	}
}

func TestWrite_FullDisk(t *testing.T) {
	s := openTest(t)
	limit := func(pages int) {
		row := s.engine.writer.QueryRowContext(t.Context(), fmt.Sprintf("pragma max_page_count = %d", pages))
		if err := row.Scan(&pages); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // no fewer than there are
	const n = 20
	errs := make([]error, n)
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() {
			errs[i] = s.Write(t.Context(), func(tx *Tx) error {
				o := estate.Organization{ID: estate.OrganizationID(fmt.Sprint(i)), Name: strings.Repeat("x", 10_000)}
				return tx.InsertOrganization(t.Context(), o)
			})
		})
	}
	writers.Wait()
	written := 0
	for _, err := range errs {
		if err == nil {
			written++
		} else if !estate.HasKind(err, estate.Unavailable) {
			t.Errorf("error %v", err)
		}
	}
	if written == n {
		t.Error("no write failed")
	}
	if got := organizations(t, s); got != written {
		t.Errorf("%d organizations, want %d", got, written)
	}
	limit(1 << 30)
	if err := s.Write(t.Context(), insertOrganization(t.Context(), n)); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// TestWritable: whether the file can be written is asked as long as the last write
// has failed, and not by anything that stays.
func TestWritable(t *testing.T) {
	s := openTest(t)
	readOnly := func(on bool) {
		if err := s.engine.writer.exec(t.Context(), fmt.Sprintf("pragma query_only = %t", on)); err != nil {
			t.Fatal(err)
		}
	}
	var heard []Change
	s.Subscribe(func(changes []Change) { heard = append(heard, changes...) })
	readOnly(true)
	if err := s.Writable(t.Context(), time.Now()); err != nil {
		t.Errorf("before anybody wrote: %v", err)
	}
	for range 2 {
		if err := s.Write(t.Context(), insertOrganization(t.Context(), 1)); !estate.HasKind(err, estate.Unavailable) {
			t.Errorf("a write: %v", err)
		}
		if err := s.Writable(t.Context(), time.Now()); !estate.HasKind(err, estate.Unavailable) {
			t.Errorf("writable: %v", err)
		}
	}
	readOnly(false)
	before := s.Statements()
	for range 2 {
		if err := s.Writable(t.Context(), time.Now()); err != nil {
			t.Errorf("writable again: %v", err)
		}
	}
	if want := []Change{{Kind: ChangeNothing}}; !slices.Equal(heard, want) || s.Statements() == before {
		t.Errorf("%d statements, heard %v, want %v", s.Statements()-before, heard, want)
	}
}

// TestClose_FailsWaitingWrites: Close waits for the write that runs, and those
// that never get their turn fail.
func TestClose_FailsWaitingWrites(t *testing.T) {
	s := openTest(t)
	release := occupy(t, s)
	const n = 20
	errs := make([]error, n)
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() { errs[i] = s.Write(t.Context(), insertOrganization(t.Context(), i)) })
	}
	queued(s, n)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for { // until Close has begun
		s.mu.Lock()
		begun := s.closed
		s.mu.Unlock()
		if begun {
			break
		}
		runtime.Gosched()
	}
	for range 10_000 { // Close could go on, if it did not wait
		runtime.Gosched()
	}
	select {
	case <-s.engine.closed:
		t.Error("Close did not wait")
	default:
	}
	release()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	writers.Wait()
	// Either the next group or Close is first; a group is not torn apart.
	for i, err := range errs {
		if errors.Is(err, errClosed) != errors.Is(errs[0], errClosed) || err != nil && !errors.Is(err, errClosed) {
			t.Errorf("write %d: %v", i, err)
		}
	}
}

// TestRead_ConnectionLeftInTransaction: the driver can answer a begin whose
// context ends with an error although it was executed. Such a connection must
// not fail reads for ever.
func TestRead_ConnectionLeftInTransaction(t *testing.T) {
	s := openTest(t)
	for range cap(s.engine.readers) {
		c, err := s.engine.reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.exec(t.Context(), "begin"); err != nil {
			t.Fatal(err)
		}
		s.engine.release(c)
	}
	for range cap(s.engine.readers) {
		_ = s.Ping(t.Context()) // each connection is found out once
	}
	for range 2 * cap(s.engine.readers) {
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRead_ConnectionOutsideTransaction: a connection that fails to end a read
// is not used again.
func TestRead_ConnectionOutsideTransaction(t *testing.T) {
	s := openTest(t)
	err := s.Read(t.Context(), func(tx *Tx) error { return tx.conn.exec(t.Context(), "commit") })
	if err != nil {
		t.Fatal(err)
	}
	for range cap(s.engine.readers) {
		c := <-s.engine.readers
		if c != nil {
			t.Error("the connection is back")
		}
		s.engine.readers <- c
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestRead_WaitsForAConnection: with all connections in use, a read waits, but
// no longer than its context.
func TestRead_WaitsForAConnection(t *testing.T) {
	s := openTest(t)
	var readers sync.WaitGroup
	reading, proceed := make(chan bool), make(chan bool)
	for range cap(s.engine.readers) {
		readers.Go(func() {
			err := s.Read(t.Context(), func(*Tx) error {
				reading <- true
				<-proceed
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-reading
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	var unavailable *estate.Error
	if err := s.Ping(ctx); !errors.As(err, &unavailable) || unavailable.Kind != estate.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
	close(proceed)
	readers.Wait()
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestConn_KeepsFewStatements: the statements of a connection are bounded.
func TestConn_KeepsFewStatements(t *testing.T) {
	s := openTest(t)
	err := s.Read(t.Context(), func(tx *Tx) error {
		for i := range 3 * maxStatements {
			var n int
			if err := tx.row(t.Context(), fmt.Sprint("select ", i)).Scan(&n); err != nil || n != i {
				return fmt.Errorf("%d, %w", n, err)
			}
		}
		if n := len(tx.conn.statements); n != maxStatements {
			t.Errorf("%d statements are kept, want %d", n, maxStatements)
		}
		for i := range maxStatements {
			var n int
			if err := tx.row(t.Context(), fmt.Sprintf("select %d + length('%s')", i, strings.Repeat("x", maxStatementsLength/50))).Scan(&n); err != nil {
				return err
			}
		}
		length := 0
		for query := range tx.conn.statements {
			length += len(query)
		}
		if length != tx.conn.length || length > maxStatementsLength || length < maxStatementsLength/2 {
			t.Errorf("statements of %d bytes are kept, %d are counted", length, tx.conn.length)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBusy: a lock is told from other errors, in all its forms.
func TestBusy(t *testing.T) {
	s := openTest(t)
	a := s.engine.writer
	b, err := s.engine.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	run := func(c *conn, statement string) error {
		_, err := c.ExecContext(t.Context(), statement)
		return err
	}
	for _, step := range []struct {
		c         *conn
		statement string
		busy      bool
	}{
		{b, "pragma busy_timeout = 0", false},
		{a, "begin immediate", false},
		{b, "begin immediate", true}, // locked by another
		{a, "commit", false},
		{b, "begin", false},
		{b, "select * from regions", false},
		{a, "insert into regions values ('eu', '', '', '', 0)", false},
		{b, "insert into regions values ('us', '', '', '', 0)", true}, // has read what is no longer so
		{b, "rollback", false},
	} {
		if err := run(step.c, step.statement); busy(err) != step.busy || err != nil && !step.busy {
			t.Errorf("%s: %v", step.statement, err)
		}
	}
	if err := run(a, "insert into regions values ('eu', '', '', '', 0)"); err == nil || busy(err) {
		t.Errorf("a violated constraint: %v", err)
	}
}

// TestWrite_PlacesInAGroup: writes of a group share what they know of an entitlement,
// but never beyond it, and not across what changes it.
func TestWrite_PlacesInAGroup(t *testing.T) {
	s := openTest(t)
	ctx := t.Context()
	at := time.UnixMicro(5)
	scope := estate.Scope{Organization: "org-1", Subscription: "s", Region: "eu"}
	err := s.Write(ctx, func(tx *Tx) error {
		return errors.Join(insertOrganization(ctx, 1)(tx),
			tx.InsertRegion(ctx, estate.Region{Code: "eu", Datacenter: "dc-eu", CountryCode: "IE"}),
			tx.InsertRegion(ctx, estate.Region{Code: "us", Datacenter: "dc-us", CountryCode: "US"}),
			tx.InsertSubscription(ctx, estate.Subscription{
				ID: "s", Organization: "org-1", TenantLimit: 7, StartsAt: time.UnixMicro(1), EndsAt: time.UnixMicro(9), Regions: []estate.RegionCode{"eu", "us"},
			}))
	})
	if err != nil {
		t.Fatal(err)
	}
	commits := countCommits(t, s)
	release := occupy(t, s)
	var writers sync.WaitGroup
	waiting := 0
	var got []string
	enqueue := func(fn func(tx *Tx) error) {
		writers.Go(func() {
			if err := s.Write(ctx, fn); err != nil {
				t.Error(err)
			}
		})
		waiting++
		queued(s, waiting) // so that they come in this order
	}
	take := func(scope estate.Scope, at time.Time) {
		enqueue(func(tx *Tx) error {
			place, taken, err := tx.TakeTenantPlace(ctx, scope, at)
			got = append(got, fmt.Sprintf("%s %v", place.Datacenter, taken))
			return err
		})
	}
	limit := func(n string) {
		enqueue(func(tx *Tx) error {
			_, err := tx.exec(ctx, "update subscriptions set tenant_limit = "+n+" where id = 's'")
			return err
		})
	}
	elsewhere := scope
	elsewhere.Region = "us"
	nowhere := scope
	nowhere.Region = "xx"
	foreign := scope
	foreign.Organization = "org-2"
	everywhere := scope
	everywhere.Organization = ""
	take(scope, at)                // 1
	take(scope, at)                // 2
	take(elsewhere, at)            // 3
	take(scope, at)                // 4
	take(scope, time.UnixMicro(9)) // is over by then
	take(nowhere, at)              // is not of the subscription
	take(foreign, at)              // is another organization's
	take(scope, at)                // 5
	take(foreign, at)              // though there is a place that the group knows of
	take(everywhere, at)
	limit("5")                         //
	take(scope, at)                    // used up
	limit("tenant_count + 2")          //
	take(scope, at)                    // 6
	take(scope, at)                    // 7
	take(scope, at)                    // used up
	take(elsewhere, time.UnixMicro(5)) // used up
	release()
	writers.Wait()

	eu, us, no := "dc-eu true", "dc-us true", " false"
	want := []string{eu, eu, us, eu, no, no, no, eu, no, no, no, eu, eu, no, no}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	var count int
	err = s.Read(ctx, func(tx *Tx) error { return tx.row(ctx, "select tenant_count from subscriptions").Scan(&count) })
	if err != nil || count != 7 {
		t.Errorf("%d tenants counted (%v), want 7", count, err)
	}
	if got := commits(); got != 2 {
		t.Errorf("%d commits, want 1 and then 1 for the group", got)
	}
}

// TestWrite_OneProcessor: callers whose requests have arrived share a commit, also
// where nothing else runs while SQLite writes.
func TestWrite_OneProcessor(t *testing.T) {
	s := openTest(t)
	commits := countCommits(t, s)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const n = 16
	var callers sync.WaitGroup
	var requests [n]*os.File
	for i := range n {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		requests[i] = in
		callers.Go(func() {
			defer func() { _ = out.Close() }()
			if _, err := out.Read(make([]byte, 1)); err != nil { // as a connection waits for a request
				t.Error(err)
			}
			if err := s.Write(t.Context(), insertOrganization(t.Context(), i)); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 * n {
		runtime.Gosched() // all of them read
	}
	for _, in := range requests {
		if err := errors.Join(func() error { _, err := in.Write([]byte{0}); return err }(), in.Close()); err != nil {
			t.Error(err)
		}
	}
	callers.Wait()
	if got := commits(); got > n/4 {
		t.Errorf("%d commits for %d writes that came at once", got, n)
	}
}

// TestWrite_NoTimeLeft: whoever has no time left does not begin.
func TestWrite_NoTimeLeft(t *testing.T) {
	s := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	run := func(*Tx) error { ran = true; return nil }
	for name, do := range map[string]func(context.Context, func(*Tx) error) error{"read": s.Read, "write": s.Write} {
		var unavailable *estate.Error
		if err := do(ctx, run); ran || !errors.As(err, &unavailable) || unavailable.Code != api.CodeUnavailable {
			t.Errorf("%s: %v, ran: %t", name, err, ran)
		}
	}
}
