package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

var closing = []namedTest{
	{"Closed", testClosed},
	{"WaitsForTransactions", testCloseWaits},
	{"UnderLoad", testCloseUnderLoad},
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// testClosed: whatever comes after Close fails, and at once.
func testClosed(t *testing.T, db Database) {
	if err := db.Store.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	closeStore(t, db.Store)
	for what, call := range map[string]func() error{
		"read":  func() error { return db.Store.Read(t.Context(), func(*store.Tx) error { return nil }) },
		"write": func() error { return db.Store.Write(t.Context(), func(*store.Tx) error { return nil }) },
		"ping":  func() error { return db.Store.Ping(t.Context()) },
	} {
		t.Run(what, func(t *testing.T) { wantError(t, call(), estate.Unavailable, api.CodeUnavailable) })
	}
	closeStore(t, db.Store)
}

func testCloseWaits(t *testing.T, db Database) {
	s := newSample(t, db)
	var done atomic.Int32
	var transactions sync.WaitGroup
	begun, proceed := make(chan bool, 2), make(chan bool)
	work := func() {
		begun <- true
		<-proceed
		done.Add(1)
	}
	transactions.Go(func() {
		err := db.Store.Write(t.Context(), func(tx *store.Tx) error {
			work()
			return tx.InsertTenant(t.Context(), tenant(s.sub, europe, 1))
		})
		if err != nil {
			t.Error(err)
		}
	})
	transactions.Go(func() {
		err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
			work()
			_, err := tx.Region(t.Context(), "eu")
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	<-begun
	var closers sync.WaitGroup
	for range 2 {
		closers.Go(func() {
			closeStore(t, db.Store)
			equal(t, "transactions that are done", done.Load(), 2)
		})
	}
	close(proceed)
	closers.Wait()
	transactions.Wait()
	db.Store = db.Again(t)
	equal(t, "tenants", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) }), 1)
}

// testCloseUnderLoad: each write until Close is either refused or there.
func testCloseUnderLoad(t *testing.T, db Database) {
	s := newSample(t, db)
	var written atomic.Int64
	var callers sync.WaitGroup
	enough := make(chan bool, 1)
	for caller := range 16 {
		callers.Go(func() {
			for i := 0; ; i++ {
				err := db.Store.Write(t.Context(), func(tx *store.Tx) error {
					return tx.InsertTenant(t.Context(), tenant(s.sub, europe, 1_000_000*caller+i))
				})
				var known *estate.Error
				if errors.As(err, &known) && known.Kind == estate.Unavailable {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if written.Add(1) == 100 {
					enough <- true
				}
			}
		})
		callers.Go(func() {
			for db.Store.Ping(t.Context()) == nil {
			}
		})
	}
	<-enough
	closeStore(t, db.Store)
	callers.Wait()
	db.Store = db.Again(t)
	equal(t, "tenants", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), nil) }), written.Load())
}
