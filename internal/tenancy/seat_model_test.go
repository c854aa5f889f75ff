package tenancy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestSeats_Concurrent has callers at two processes, which are started anew while
// they are at work, give seats of one subscription to people of its tenants, take
// them back, and purge tenants. There are never more seats taken than there are. Each
// caller has people of its own and knows of each what seat it may have; what was not
// answered may have happened or not. In the end the pool agrees with what all
// tenants show.
func TestSeats_Concurrent(t *testing.T) {
	const units, tenants, callers, people, steps = 4, 3, 6, 3, 50
	e := testenv.Open(t)
	processes := []*process{newProcess(t, e), newProcess(t, e)}
	sub, err := e.App.Tenancy.CreateSubscription(t.Context(), testenv.Operator, estate.Subscription{
		Organization: e.Organization.ID, TenantLimit: tenants, Regions: []estate.RegionCode{"us"}, EndsAt: e.Clock.Now().AddDate(100, 0, 0),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range estate.SeatTypes() {
		if err := e.App.Directory.SetSeats(t.Context(), testenv.Operator, sub.ID, kind, units); err != nil {
			t.Fatal(err)
		}
	}
	var made []estate.Tenant
	for range tenants {
		tenant, err := e.App.Tenancy.CreateTenant(t.Context(), manager(sub), tenancy.NewTenant{LicenseKey: e.LicenseKey(sub)})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, tenant.Tenant)
		for caller := range callers {
			for n := range people {
				subject := fmt.Sprintf("person-%d-%d", caller, n)
				if _, err := e.App.Directory.CreateUser(t.Context(), administrator(tenant.Tenant), directory.NewUser{Subject: subject}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	check := func() {
		pool, err := e.App.Directory.Seats(t.Context(), administrator(made[1]))
		if err != nil {
			t.Error(err)
		}
		for _, s := range pool {
			if s.Used > s.Units || s.Used < 0 {
				t.Errorf("%d of %d %s seats are taken", s.Used, s.Units, s.Type)
			}
		}
	}
	type holding struct {
		tenant  int
		subject string
	}
	var mu sync.Mutex
	known := map[holding][]estate.SeatType{} // what a person may have; "" is none
	answers := map[string]int{}              // how often, by code
	work := func(random *rand.Rand, caller int) {
		h := holding{random.IntN(tenants), fmt.Sprintf("person-%d-%d", caller, random.IntN(people))}
		kind := estate.SeatTypes()[random.IntN(2)]
		action := []directory.SeatAction{directory.SeatAdd, directory.SeatAdd, directory.SeatUpdate, directory.SeatDelete}[random.IntN(4)]
		mu.Lock()
		before, seen := known[h]
		mu.Unlock()
		if !seen {
			before = []estate.SeatType{""}
		}
		after := kind
		if action == directory.SeatDelete {
			after = ""
		}
		d := processes[random.IntN(len(processes))].service().Directory
		results, err := d.ChangeSeats(t.Context(), administrator(made[h.tenant]), action, []directory.SeatChange{{Subject: h.subject, Type: kind}})
		now := before
		switch {
		case kindOf(err) == api.CodeUnavailable:
			now = append(slices.Clone(before), after)
		case err != nil:
			t.Errorf("%s: %v", action, err)
		case results[0].Err == nil:
			now = []estate.SeatType{after}
		}
		mu.Lock()
		defer mu.Unlock()
		known[h] = now
		switch {
		case err != nil:
		case results[0].Err != nil:
			answers[results[0].Err.Code]++
		default:
			answers[""]++
		}
	}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(caller)))
			for range steps {
				work(random, caller)
				check()
			}
		})
	}
	stop := make(chan bool)
	var restarting sync.WaitGroup
	restarting.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := processes[i%2].restart(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	group.Wait()
	close(stop)
	restarting.Wait()

	if answers[""] < units || answers[api.CodeLicenseNone] == 0 {
		t.Errorf("seats were not fought for: %v", answers)
	}
	used := map[estate.SeatType]int64{}
	have := func(i int) map[string]estate.SeatType {
		t.Helper()
		page, err := e.App.Directory.LicenseAssignments(t.Context(), administrator(made[i]), false, directory.PageQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		seats := map[string]estate.SeatType{}
		for _, a := range page.Items {
			seats[a.Subject] = a.Type
			used[a.Type]++
		}
		return seats
	}
	for i := range made {
		seats := have(i)
		for h, may := range known {
			if h.tenant == i && !slices.Contains(may, seats[h.subject]) {
				t.Errorf("%s of tenant %d has %q, and by the answers one of %q", h.subject, i, seats[h.subject], may)
			}
		}
	}
	taken := func() map[estate.SeatType]int64 {
		t.Helper()
		pool, err := e.App.Directory.Seats(t.Context(), administrator(made[1]))
		if err != nil {
			t.Fatal(err)
		}
		n := map[estate.SeatType]int64{}
		for _, s := range pool {
			n[s.Type] = s.Used
		}
		return n
	}
	for kind, n := range taken() {
		if n != used[kind] {
			t.Errorf("%d %s seats are taken, and the tenants have %d", n, kind, used[kind])
		}
	}

	// A tenant that is purged gives its seats back, in whichever process that happens.
	clear(used)
	gone := have(0)
	for subject := range gone {
		t.Logf("%s had a seat of the tenant that is purged", subject)
	}
	days := 10
	if _, err := e.App.Tenancy.DeactivateTenant(t.Context(), manager(sub), made[0].ID, tenancy.Deactivation{Confirm: string(made[0].Hostname) + "." + testenv.Domain, PurgeAfterDays: &days}); err != nil {
		t.Fatal(err)
	}
	before := taken()
	e.Clock.Advance(11 * 24 * 3600e9)
	if n, err := processes[1].service().Tenancy.PurgeDue(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d tenants were purged (%v)", n, err)
	}
	for kind, n := range taken() {
		if n != before[kind]-used[kind] {
			t.Errorf("after the purge %d %s seats are taken; before it %d, of which the tenant had %d", n, kind, before[kind], used[kind])
		}
	}
}

// administrator is the actor that manages a tenant from within.
func administrator(t estate.Tenant) estate.Actor {
	return estate.Actor{Kind: estate.ActorClient, ID: "administrator", Level: estate.LevelTenant, Permissions: []string{api.ScopeAdminClassic}, Scope: t.Scope()}
}
