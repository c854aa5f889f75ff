package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
)

// follow sends the changes that s hears of from others, and of its own.
func follow(t *testing.T, s *store.Store, interval time.Duration) <-chan store.Change {
	t.Helper()
	heard := make(chan store.Change, 100)
	s.Subscribe(func(changes []store.Change) {
		for _, c := range changes {
			heard <- c
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { s.Follow(ctx, slog.New(slog.DiscardHandler), time.Now, interval) })
	t.Cleanup(func() {
		stop()
		following.Wait()
	})
	wantChange(t, heard, store.Change{Kind: store.ChangeAll})
	return heard
}

func wantChange(t *testing.T, heard <-chan store.Change, want store.Change) {
	t.Helper()
	select {
	case have := <-heard:
		if have != want {
			t.Fatalf("heard %v, want %v", have, want)
		}
	case <-time.After(30 * time.Second): // what should come in milliseconds
		t.Fatalf("heard nothing, want %v", want)
	}
}

// addKey makes a change.
func addKey(t *testing.T, s *store.Store, n int) store.Change {
	t.Helper()
	id := estate.KeyID(fmt.Sprint("key-", n))
	err := s.Write(t.Context(), func(tx *store.Tx) error {
		return tx.InsertKey(t.Context(), estate.Key{ID: id, Purpose: "test", Sealed: []byte("sealed"), Generation: int64(n)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return store.Change{Kind: store.ChangeKey, Key: string(id)}
}

// TestPostgres_Notifications: a process hears at once of what others change, also
// after its connection was lost.
func TestPostgres_Notifications(t *testing.T) {
	url := pgtest.New(t, nil)
	here, there := openURL(t, url), openURL(t, url)
	heard := follow(t, here, time.Hour)
	for n := range 3 {
		wantChange(t, heard, addKey(t, there, n))
		pgtest.Disconnect(t, url)
	}
}

// TestPostgres_OwnChanges: what a process has changed itself it does not hear of
// again, because that would cost it what it has in memory.
func TestPostgres_OwnChanges(t *testing.T) {
	url := pgtest.New(t, nil)
	here, there := openURL(t, url), openURL(t, url)
	heard := follow(t, here, time.Hour)
	for n := range 20 {
		wantChange(t, heard, addKey(t, here, n))
	}
	wantChange(t, heard, addKey(t, there, 20))
	wantChange(t, heard, addKey(t, there, 21))
}
