package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

var transactions = []namedTest{
	{"LastPlacesAreSoldOnce", testLastPlaces},
	{"FailedWriteLeavesOthersAlone", testFailedWrite},
	{"PanicReachesItsCaller", testPanic},
	{"ReadSeesOneState", testReadSeesOneState},
	{"ReadIsNotBlocked", testReadIsNotBlocked},
	{"ReadFailsAsItsClosure", testReadError},
	{"ReadSurvivesPanic", testReadPanic},
	{"CancelledReads", testCancelledReads},
	{"CancelledBefore", testCancelledBefore},
	{"CancelledWithin", testCancelledWithin},
	{"Statements", testStatements},
}

// testLastPlaces has more tenants ask for places than there are, from two
// processes.
func testLastPlaces(t *testing.T, db Database) {
	s := newSample(t, db)
	sub := subscription(s.acme, 9)
	sub.TenantCount = 0
	write(t, db, func(tx *store.Tx) error { return tx.InsertSubscription(t.Context(), sub) })
	handles := []*store.Store{db.Store, db.Again(t)}
	errs := make([]error, 32)
	var writers sync.WaitGroup
	for i := range errs {
		writers.Go(func() {
			errs[i] = handles[i%2].Write(t.Context(), func(tx *store.Tx) error {
				_, taken, err := tx.TakeTenantPlace(t.Context(), of(sub), time.Time{})
				if err != nil {
					return err
				}
				if !taken {
					return errChanged
				}
				return tx.InsertTenant(t.Context(), tenant(sub, europe, i))
			})
		})
	}
	writers.Wait()
	sold := 0
	for _, err := range errs {
		switch {
		case err == nil:
			sold++
		case !errors.Is(err, errChanged):
			t.Error(err)
		}
	}
	n := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), of(sub), nil) })
	sub = read(t, db, func(tx *store.Tx) (estate.Subscription, error) { return tx.Subscription(t.Context(), of(sub), sub.ID) })
	if sold != 10 || n != 10 || sub.TenantCount != 10 {
		t.Errorf("%d sold, %d tenants, %d counted; want 10", sold, n, sub.TenantCount)
	}
}

// testFailedWrite has every fourth of many concurrent writes violate a
// constraint after it has written something else.
func testFailedWrite(t *testing.T, db Database) {
	s := newSample(t, db)
	taken := tenant(s.others, europe, 1000)
	insertTenants(t, db, taken)
	errs := make([]error, 64)
	var writers sync.WaitGroup
	for i := range errs {
		writers.Go(func() {
			errs[i] = db.Store.Write(t.Context(), func(tx *store.Tx) error {
				a, tenant := account(s.acme, i+10), tenant(s.sub, europe, i)
				if i%4 == 0 {
					tenant.Alias = taken.Alias
				}
				return first(tx.InsertAccount(t.Context(), a), tx.InsertTenant(t.Context(), tenant))
			})
		})
	}
	writers.Wait()
	for i, err := range errs {
		switch {
		case i%4 == 0:
			wantError(t, err, estate.Conflict, api.CodeTenantHostnameTaken, "/hostnames/0")
		case err != nil:
			t.Errorf("write %d: %v", i, err)
		}
	}
	accounts := read(t, db, func(tx *store.Tx) ([]estate.Account, error) { return tx.Accounts(t.Context(), all(s.acme)) })
	n := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) })
	if len(accounts) != 1+48 || n != 48 {
		t.Errorf("%d accounts and %d tenants, want 49 and 48", len(accounts), n)
	}
}

func testPanic(t *testing.T, db Database) {
	s := newSample(t, db)
	recovered := make([]any, 32)
	var writers sync.WaitGroup
	for i := range recovered {
		writers.Go(func() {
			defer func() { recovered[i] = recover() }()
			err := db.Store.Write(t.Context(), func(tx *store.Tx) error {
				if err := tx.InsertAccount(t.Context(), account(s.acme, i+10)); err != nil {
					return err
				}
				if i%4 == 0 {
					panic(fmt.Sprintf("panic %d", i))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	for i, got := range recovered {
		var want any
		if i%4 == 0 {
			want = fmt.Sprintf("panic %d", i)
		}
		if got != want {
			t.Errorf("writer %d: recovered %v, want %v", i, got, want)
		}
	}
	accounts := read(t, db, func(tx *store.Tx) ([]estate.Account, error) { return tx.Accounts(t.Context(), all(s.acme)) })
	equal(t, "accounts", len(accounts), 1+24)
}

func testReadSeesOneState(t *testing.T, db Database) {
	s := newSample(t, db)
	err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
		for range 3 {
			n, err := tx.CountTenants(t.Context(), all(s.acme), nil)
			if err != nil || n != 0 {
				return fmt.Errorf("%d tenants, %w", n, err)
			}
			tenant := tenant(s.sub, europe, len(dump(t, db)))
			write(t, db, func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), tenant) })
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	equal(t, "tenants", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) }), 3)
}

func testReadIsNotBlocked(t *testing.T, db Database) {
	s := newSample(t, db)
	count := func() int64 {
		return read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) })
	}
	write(t, db, func(tx *store.Tx) error {
		if err := tx.InsertTenant(t.Context(), tenant(s.sub, europe, 1)); err != nil {
			return err
		}
		equal(t, "tenants seen by others", count(), 0)
		n, err := tx.CountTenants(t.Context(), all(s.acme), nil)
		equal(t, "tenants seen by the writer", n, 1)
		return err
	})
	equal(t, "tenants", count(), 1)
}

func testReadError(t *testing.T, db Database) {
	if err := db.Store.Read(t.Context(), func(*store.Tx) error { return errChanged }); !errors.Is(err, errChanged) {
		t.Errorf("error %v, want the closure's", err)
	}
	if err := db.Store.Write(t.Context(), func(*store.Tx) error { return errChanged }); !errors.Is(err, errChanged) {
		t.Errorf("error %v, want the closure's", err)
	}
}

// manyReads is more than any engine has connections for.
const manyReads = 100

func testReadPanic(t *testing.T, db Database) {
	newSample(t, db)
	for range manyReads {
		func() {
			defer func() { equal(t, "recovered", recover(), any("at work")) }()
			_ = db.Store.Read(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Region(t.Context(), "eu"); err != nil {
					t.Error(err)
				}
				panic("at work")
			})
		}()
	}
	readConcurrently(t, db)
}

// testCancelledReads ends contexts before, in the middle of and after reads.
func testCancelledReads(t *testing.T, db Database) {
	s := newSample(t, db)
	insertTenants(t, db, tenant(s.sub, europe, 1), tenant(s.sub, europe, 2))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Store.Read(cancelled, func(tx *store.Tx) error {
		_, _, err := tx.Tenants(cancelled, all(s.acme), store.TenantQuery{Limit: 1})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range manyReads {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				err := db.Store.Read(ctx, func(tx *store.Tx) error {
					_, _, err := tx.Tenants(ctx, all(s.acme), store.TenantQuery{Limit: 1})
					return err
				})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	readers.Wait()
	readConcurrently(t, db)
}

// readConcurrently checks that all connections of the store can read.
func readConcurrently(t *testing.T, db Database) {
	t.Helper()
	var readers sync.WaitGroup
	for range manyReads {
		readers.Go(func() {
			err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Region(t.Context(), "eu")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
}

func testCancelledBefore(t *testing.T, db Database) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errChanged)
	for range 20 {
		err := db.Store.Write(ctx, func(*store.Tx) error {
			t.Error("the closure ran")
			return nil
		})
		wantError(t, err, estate.Unavailable, api.CodeUnavailable)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, errChanged) {
			t.Errorf("error %v, want %v because of %v", err, context.Canceled, errChanged)
		}
	}
}

// testCancelledWithin: a write that has begun is carried through, and the
// caller gets to know its result.
func testCancelledWithin(t *testing.T, db Database) {
	s := newSample(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Store.Write(ctx, func(tx *store.Tx) error {
		cancel()
		return tx.InsertTenant(ctx, tenant(s.sub, europe, 1))
	})
	if err != nil {
		t.Error(err)
	}
	equal(t, "tenants", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) }), 1)
}

// testStatements counts those of a transaction, with its begin and its end.
func testStatements(t *testing.T, db Database) {
	before := db.Store.Statements()
	read(t, db, func(tx *store.Tx) ([]estate.Region, error) { return tx.Regions(t.Context()) })
	equal(t, "statements of a read", db.Store.Statements()-before, 3)
	before = db.Store.Statements()
	write(t, db, func(tx *store.Tx) error { return tx.InsertRegion(t.Context(), europe) })
	if n := db.Store.Statements() - before; n < 3 {
		t.Errorf("%d statements of a write", n)
	}
}
