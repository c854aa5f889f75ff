package inventory_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/inventory"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
)

// node is a process on a database, with its index.
type node struct {
	*store.Store
	index *inventory.Index
	heard chan struct{} // sent to after changes were handed out, if anybody waits
}

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// newNode opens the database and follows its feed until the test ends.
func newNode(t *testing.T, path string) *node {
	t.Helper()
	sqlitetest.New(t, path, prepare)
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	n := &node{Store: db, index: inventory.New(db, log, time.Now), heard: make(chan struct{}, 1)}
	db.Subscribe(func([]store.Change) {
		select {
		case n.heard <- struct{}{}:
		default:
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { db.Follow(ctx, log, time.Now, time.Millisecond) })
	running.Go(func() { n.index.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	<-n.heard // that everything is to be forgotten, which is the first
	return n
}

func (n *node) write(t *testing.T, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := n.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// page asks until the index answers.
func (n *node) page(t *testing.T, scope estate.Scope, q store.TenantQuery) ([]estate.Tenant, *store.TenantPosition) {
	t.Helper()
	late := time.After(patience)
	for {
		page, next, ok := n.index.Tenants(t.Context(), scope, q)
		if ok {
			return page, next
		}
		select {
		case <-late:
			t.Fatal("the index does not answer")
		case <-time.After(time.Millisecond):
		}
	}
}

// stored is what the database answers.
func (n *node) stored(t *testing.T, scope estate.Scope, q store.TenantQuery) (page []estate.Tenant, next *store.TenantPosition) {
	t.Helper()
	err := n.Read(t.Context(), func(tx *store.Tx) (err error) {
		page, next, err = tx.Tenants(t.Context(), scope, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return page, next
}

// estates are two organizations with subscriptions, of which tenants can be drawn.
type estates struct {
	random *rand.Rand
	subs   []estate.Subscription
	made   int
}

var (
	start   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	regions = []estate.Region{
		{Code: "eu", Name: "Ireland", Datacenter: "eu-west-1", CountryCode: "IE", CreatedAt: start},
		{Code: "us", Name: "N. Virginia", Datacenter: "us-east-1", CountryCode: "US", CreatedAt: start},
	}
)

func newEstates(t *testing.T, n *node) *estates {
	t.Helper()
	e := &estates{random: rand.New(rand.NewPCG(3, 4))}
	n.write(t, func(tx *store.Tx) error {
		for _, r := range regions {
			if err := tx.InsertRegion(t.Context(), r); err != nil {
				return err
			}
		}
		for o := range 2 {
			id := estate.OrganizationID(fmt.Sprintf("org-%d", o))
			if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: id, Name: string(id), CreatedAt: start, UpdatedAt: start}); err != nil {
				return err
			}
			for s := range 3 {
				sub := estate.Subscription{
					ID: estate.SubscriptionID(fmt.Sprintf("%016d", 10*o+s)), Organization: id, Name: "x", TenantLimit: 1_000_000,
					Regions: []estate.RegionCode{"eu", "us"}, StartsAt: start, EndsAt: start.AddDate(1, 0, 0), CreatedAt: start, UpdatedAt: start,
				}
				if err := tx.InsertSubscription(t.Context(), sub); err != nil {
					return err
				}
				e.subs = append(e.subs, sub)
			}
		}
		return nil
	})
	return e
}

func (e *estates) tenant() estate.Tenant {
	e.made++
	sub, region := e.subs[e.random.IntN(len(e.subs))], regions[e.random.IntN(2)]
	id := estate.NewTenantID(time.Now())
	t := estate.Tenant{
		ID: id, Organization: sub.Organization, Subscription: sub.ID, Region: region.Code, Datacenter: region.Datacenter, CountryCode: region.CountryCode,
		Name: []string{"", "a", "A", "ä", "Ä", "ß", "İ", "Beta", "beta \"quoted\""}[e.random.IntN(9)], Hostname: estate.NewHostname(estate.NewHostLabel(), region.Code),
		Status: []estate.TenantStatus{estate.TenantActive, estate.TenantDisabled}[e.random.IntN(2)], StatusUpdatedAt: e.moment(), ExternalID: string(id),
		CreatedBy: "somebody", CreatedAt: e.moment(), UpdatedAt: e.moment(), Protected: e.random.IntN(2) == 0, Rev: 1,
		Settings: estate.TenantSettings{EnableAppOpeningFeedback: e.random.IntN(2) == 0, AutoAssignCreateSharedSpacesRoleToProfessionals: e.random.IntN(2) == 0},
	}
	if e.random.IntN(2) == 0 {
		t.Alias, t.PurgeAt = estate.NewHostname(estate.NewHostLabel(), region.Code), e.moment()
		t.Labels = map[string]string{"tier": "gold", "owner": "ünï"}
	}
	return t
}

func (e *estates) moment() time.Time {
	return start.Add(time.Duration(e.random.IntN(7)) * time.Microsecond)
}

// query draws what a page is asked for with.
func (e *estates) query(t *testing.T) (estate.Scope, store.TenantQuery) {
	t.Helper()
	sub := e.subs[e.random.IntN(len(e.subs))]
	scope := estate.Scope{Organization: sub.Organization}
	if e.random.IntN(3) == 0 {
		scope.Subscription, scope.Region = sub.ID, regions[e.random.IntN(2)].Code
	}
	q := store.TenantQuery{Limit: 1 + e.random.IntN(7), Backward: e.random.IntN(2) == 0}
	if by := []string{"", "createdAt", "updatedAt", "name", "hostnames"}[e.random.IntN(5)]; by != "" {
		q.Sort = []filter.SortKey{{Attribute: by, Descending: e.random.IntN(2) == 0}}
	}
	texts := []string{
		"", "", `status eq "active"`, `status ne "active"`, `regionCode eq "us-east-1"`, `countryCode eq "ie"`, `name eq "Ä"`, `not (name eq "a")`, `subscriptionId eq "` + string(sub.ID) + `"`,
		`createdAt gt "2026-01-01T00:00:00.000003Z"`, `updatedAt le "2026-01-01T00:00:00.0000035Z"`, `createdAt eq "2026-01-01T00:00:00.000002Z" or status eq "nothing"`,
		`status eq "active" and (regionCode eq "eu-west-1" or createdAt ge "2026-01-01T00:00:00.0000041Z")`,
	}
	if text := texts[e.random.IntN(len(texts))]; text != "" {
		expr, err := filter.Parse(text, store.TenantSchema)
		if err != nil {
			t.Fatal(err)
		}
		q.Filter = expr
	}
	return scope, q
}

// same compares a walk through pages of the index with one through the database.
func (n *node) same(t *testing.T, scope estate.Scope, q store.TenantQuery) {
	t.Helper()
	for {
		got, gotNext := n.page(t, scope, q)
		want, wantNext := n.stored(t, scope, q)
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Fatalf("%+v of %+v (-database +index)\n%s", q, scope, diff)
		}
		for _, v := range got {
			if v.Organization != scope.Organization {
				t.Fatalf("%+v shows a tenant of %s", scope, v.Organization)
			}
		}
		if diff := cmp.Diff(wantNext, gotNext); diff != "" {
			t.Fatalf("%+v: next (-database +index)\n%s", q, diff)
		}
		if wantNext == nil {
			return
		}
		q.From = wantNext
	}
}

// TestIndex_AsTheDatabase: after each of many writes, the next page from memory is
// what the database says, whoever asks for what.
func TestIndex_AsTheDatabase(t *testing.T) {
	n := newNode(t, filepath.Join(t.TempDir(), "test.db"))
	e := newEstates(t, n)
	var all []estate.Tenant
	for range 60 {
		all = append(all, e.tenant())
	}
	n.write(t, func(tx *store.Tx) error {
		for _, v := range all {
			if err := tx.InsertTenant(t.Context(), v); err != nil {
				return err
			}
		}
		return nil
	})
	for range 300 {
		switch e.random.IntN(3) {
		case 0:
			v := e.tenant()
			all = append(all, v)
			n.write(t, func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), v) })
		case 1:
			i := e.random.IntN(len(all))
			changed := e.tenant()
			n.write(t, func(tx *store.Tx) error {
				v, err := tx.Tenant(t.Context(), all[i].Scope(), all[i].ID)
				if err != nil {
					return err
				}
				v.Name, v.Status, v.UpdatedAt, v.Labels, v.Alias = changed.Name, changed.Status, changed.UpdatedAt, changed.Labels, changed.Alias
				return tx.UpdateTenant(t.Context(), v.Scope(), v)
			})
		}
		scope, q := e.query(t)
		n.same(t, scope, q)
	}
	// Many at once have everything read anew.
	var many []estate.Tenant
	for len(many) < 20 {
		if v := e.tenant(); v.Organization == e.subs[0].Organization {
			many = append(many, v)
		}
	}
	n.write(t, func(tx *store.Tx) error { return tx.InsertTenants(t.Context(), many) })
	n.same(t, estate.Scope{Organization: e.subs[0].Organization}, store.TenantQuery{Limit: 10})
	for _, scope := range []estate.Scope{{}, {Organization: "nobody"}, {Subscription: e.subs[0].ID}} {
		if page, _, ok := n.index.Tenants(t.Context(), scope, store.TenantQuery{Limit: 10}); ok && len(page) > 0 {
			t.Errorf("%+v shows %d tenants", scope, len(page))
		}
	}
}

// TestIndex_OtherProcesses: what another process has written is seen when the feed
// has been heard.
func TestIndex_OtherProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	here, there := newNode(t, path), newNode(t, path)
	e := newEstates(t, there)
	scope := estate.Scope{Organization: e.subs[0].Organization}
	everything := store.TenantQuery{Limit: 100}
	for range 20 {
		v := e.tenant()
		v.Organization, v.Subscription = scope.Organization, e.subs[0].ID
		there.write(t, func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), v) })
		late := time.After(patience)
		for {
			want, _ := there.stored(t, scope, everything)
			got, _ := here.page(t, scope, everything)
			if cmp.Equal(want, got) {
				break
			}
			select {
			case <-here.heard:
			case <-late:
				t.Fatalf("%d tenants, want %d", len(got), len(want))
			}
		}
	}
}

// TestIndex_Concurrent: each writer finds in memory what it has just written, while
// others write and read.
func TestIndex_Concurrent(t *testing.T) {
	n := newNode(t, filepath.Join(t.TempDir(), "test.db"))
	e := newEstates(t, n)
	scope := estate.Scope{Organization: e.subs[0].Organization}
	var writers sync.WaitGroup
	for w := range 6 {
		mine := make([]estate.Tenant, 15)
		for i := range mine {
			mine[i] = e.tenant()
			mine[i].Organization, mine[i].Subscription = scope.Organization, e.subs[0].ID
			mine[i].Name = fmt.Sprintf("writer %d, %d", w, i)
		}
		writers.Go(func() {
			for _, v := range mine {
				if err := n.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), v) }); err != nil {
					t.Error(err)
					return
				}
				expr, err := filter.Parse(fmt.Sprintf("name eq %q", v.Name), store.TenantSchema)
				if err != nil {
					t.Error(err)
					return
				}
				page, _, ok := n.index.Tenants(t.Context(), scope, store.TenantQuery{Filter: expr, Limit: 10})
				if ok && (len(page) != 1 || page[0].ID != v.ID) {
					t.Errorf("%s is not there after it was written: %v", v.Name, page)
				}
			}
		})
	}
	writers.Wait()
	n.same(t, scope, store.TenantQuery{Limit: 9})
}

// TestIndex_Interrupted: without the feed the index does not answer.
func TestIndex_Interrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	sqlitetest.New(t, path, prepare)
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	index := inventory.New(db, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { index.Run(ctx) })
	defer running.Wait()
	defer stop()
	for range 100 {
		if _, _, ok := index.Tenants(t.Context(), estate.Scope{Organization: "org"}, store.TenantQuery{Limit: 1}); ok {
			t.Fatal("answered, though nobody follows the feed")
		}
	}
}
