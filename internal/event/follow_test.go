package event_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	events "github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// happen records n events in an organization, and a refused attempt after each.
func happen(t *testing.T, e *testenv.Env, organization estate.OrganizationID, n int) {
	t.Helper()
	a := events.Auditor{Store: e.App.Store, Log: slog.New(slog.DiscardHandler), Now: e.Clock.Now}
	scope := estate.Scope{Organization: organization}
	for range n {
		err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error {
			if err := a.Done(t.Context(), tx, testenv.Operator, scope, "test.happen", "", nil); err != nil {
				return err
			}
			return a.Append(t.Context(), tx, estate.AuditRecord{Time: e.Clock.Now(), Scope: scope, Action: "test.refuse", Outcome: estate.OutcomeRefused})
		})
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// taken collects the positions of the events of a test, by organization.
type taken struct {
	mu   sync.Mutex
	all  map[estate.OrganizationID][]int64
	fail error
}

func (k *taken) take(_ context.Context, _ *store.Tx, organization estate.OrganizationID, found []estate.AuditRecord) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	for _, r := range found {
		if r.Action == "test.happen" {
			k.all[organization] = append(k.all[organization], r.Position)
		}
	}
	return nil
}

func (k *taken) count() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, positions := range k.all {
		n += len(positions)
	}
	return n
}

// TestConsumer_CatchUp gives each event once and in order, to each consumer for
// itself; what a failed transaction took comes again.
func TestConsumer_CatchUp(t *testing.T) {
	e := testenv.Open(t)
	other := e.NewOrganization("Other")
	k := taken{all: map[estate.OrganizationID][]int64{}}
	c := events.Consumer{Name: "test", Take: k.take}
	catchUp := func(c events.Consumer, fails error) {
		t.Helper()
		if _, err := c.CatchUp(t.Context(), e.App.Store); !errors.Is(err, fails) {
			t.Errorf("error %v, want %v", err, fails)
		}
	}
	happen(t, e, e.Organization.ID, 60)
	happen(t, e, other.ID, 2)
	k.fail = errors.New("not now")
	catchUp(c, k.fail)
	k.fail = nil
	catchUp(c, nil)
	catchUp(c, nil)
	happen(t, e, other.ID, 1)
	catchUp(c, nil)
	for organization, want := range map[estate.OrganizationID]int{e.Organization.ID: 60, other.ID: 3} {
		if have := k.all[organization]; len(have) != want || !slices.IsSorted(have) || len(slices.Compact(slices.Clone(have))) != want {
			t.Errorf("%s: %v, want %d in order", organization, have, want)
		}
	}

	picky := taken{all: map[estate.OrganizationID][]int64{}}
	p := events.Consumer{Name: "picky", Take: picky.take, Wants: func(_ context.Context, _ *store.Tx, organization estate.OrganizationID) (bool, error) {
		return organization == other.ID, nil
	}}
	catchUp(p, nil)
	if len(picky.all[other.ID]) != 3 || len(picky.all) != 1 {
		t.Errorf("%v", picky.all)
	}
}

// TestConsumer_CatchUpEnds: an organization in which something always happens does
// not keep the consumer at work.
func TestConsumer_CatchUpEnds(t *testing.T) {
	e := testenv.Open(t)
	happen(t, e, e.Organization.ID, 1)
	a := events.Auditor{Store: e.App.Store, Log: slog.New(slog.DiscardHandler), Now: e.Clock.Now}
	k := taken{all: map[estate.OrganizationID][]int64{}}
	c := events.Consumer{Name: "test", Take: func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, found []estate.AuditRecord) error {
		if k.count() > 10 {
			return errors.New("it does not end")
		}
		return errors.Join(k.take(ctx, tx, organization, found),
			a.Done(ctx, tx, testenv.Operator, estate.Scope{Organization: organization}, "test.happen", "", nil))
	}}
	for range 3 {
		before := k.count()
		if _, err := c.CatchUp(t.Context(), e.App.Store); err != nil {
			t.Fatal(err)
		}
		if n := k.count() - before; n != 1 {
			t.Errorf("took %d events, want what was there", n)
		}
	}
}

// TestConsumer_CatchUpWithAll: organizations in which something always happens keep
// no other waiting, be there ever so many of them.
func TestConsumer_CatchUpWithAll(t *testing.T) {
	e := testenv.Open(t)
	a := events.Auditor{Store: e.App.Store, Log: slog.New(slog.DiscardHandler), Now: e.Clock.Now}
	const many = 201 // more than are looked after at a time
	for range many {
		happen(t, e, e.NewOrganization("Busy").ID, 1)
	}
	k := taken{all: map[estate.OrganizationID][]int64{}}
	c := events.Consumer{Name: "test", Take: func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, found []estate.AuditRecord) error {
		return errors.Join(k.take(ctx, tx, organization, found),
			a.Done(ctx, tx, testenv.Operator, estate.Scope{Organization: organization}, "test.happen", "", nil))
	}}
	if _, err := c.CatchUp(t.Context(), e.App.Store); err != nil {
		t.Fatal(err)
	}
	for organization, positions := range k.all {
		if len(positions) != 1 {
			t.Errorf("%s: took the events %v, want what was there", organization, positions)
		}
	}
	if len(k.all) < many {
		t.Errorf("took events of %d organizations, want %d", len(k.all), many)
	}
}

// TestConsumer_Follow follows on two nodes at once, while events go on happening:
// each is taken once.
func TestConsumer_Follow(t *testing.T) {
	e := testenv.Open(t)
	const n = 150
	k := taken{all: map[estate.OrganizationID][]int64{}}
	done := make(chan struct{})
	c := events.Consumer{Name: "test", Take: func(ctx context.Context, tx *store.Tx, organization estate.OrganizationID, found []estate.AuditRecord) error {
		err := k.take(ctx, tx, organization, found)
		if k.count() == n {
			close(done)
		}
		return err
	}}
	ctx, stop := context.WithCancel(t.Context())
	var nodes sync.WaitGroup
	for range 2 {
		nodes.Go(func() { c.Follow(ctx, e.App.Store, slog.New(slog.DiscardHandler)) })
	}
	happen(t, e, e.Organization.ID, n)
	<-done
	stop()
	nodes.Wait()
	have := k.all[e.Organization.ID]
	if len(have) != n || !slices.IsSorted(have) || len(slices.Compact(slices.Clone(have))) != n {
		t.Errorf("%v", have)
	}
}
