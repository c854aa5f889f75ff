package tenancy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// process is a program on the estate's data folder that can be started again.
type process struct {
	mu  sync.RWMutex // held for writing while it is down
	e   *testenv.Env
	app *app.App
}

func newProcess(t *testing.T, e *testenv.Env) *process {
	t.Helper()
	p := &process{e: e}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.app.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func (p *process) start() (err error) {
	p.app, err = app.Open(context.Background(), p.e.App.Config, slog.New(slog.DiscardHandler), p.e.Clock.Now)
	return err
}

func (p *process) restart() error {
	old := p.service() // whoever has it meanwhile finds it closed
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(old.Close(), p.start())
}

func (p *process) service() *app.App {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.app
}

// manager is the actor that keeps the tenants of a subscription in a region.
func manager(sub estate.Subscription) estate.Actor {
	return estate.Actor{
		Kind: estate.ActorClient, ID: "manager", Level: estate.LevelRegion, Permissions: api.RegionScopes(),
		Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: "us"},
	}
}

// life is what the model knows of a tenant.
type life struct {
	status     estate.TenantStatus
	disabledAt time.Time
	purgeAt    time.Time
	protected  bool
	alias      string
}

// kindOf is how an error is called in the model: "" is none.
func kindOf(err error) string {
	var known *estate.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Code
	}
	return err.Error()
}

// TestLife_Model walks at random through the lives of the tenants of a subscription,
// by two processes of which each is started anew at times, and compares with a model.
func TestLife_Model(t *testing.T) {
	e := testenv.Open(t)
	processes := []*process{newProcess(t, e), newProcess(t, e)}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 4).Draw(t, "entitlement")
		now := e.Clock.Now()
		sub, err := e.App.Tenancy.CreateSubscription(ctx, testenv.Operator, estate.Subscription{
			Organization: e.Organization.ID, TenantLimit: limit, Regions: []estate.RegionCode{"us"}, EndsAt: now.AddDate(100, 0, 0),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		license, err := e.App.Tenancy.SubscriptionLicense(ctx, testenv.Operator, sub.ID)
		if err != nil {
			t.Fatal(err)
		}
		actor := manager(sub)
		var order []estate.TenantID
		tenants := map[estate.TenantID]*life{}
		names := map[string]bool{} // aliases that somebody has
		prefix := fmt.Sprintf("n%s", sub.ID)
		places := func() (n int64) {
			for _, l := range tenants {
				if l.status != estate.TenantDeleted {
					n++
				}
			}
			return n
		}
		service := func() *tenancy.Service {
			return rapid.SampledFrom(processes).Draw(t, "process").service().Tenancy
		}
		some := func() (estate.TenantID, *life) {
			if len(order) == 0 {
				t.Skip("no tenant yet")
			}
			id := rapid.SampledFrom(order).Draw(t, "tenant")
			return id, tenants[id]
		}
		alias := func() string {
			return rapid.SampledFrom([]string{"", prefix + "a", prefix + "b", prefix + "c"}).Draw(t, "alias")
		}
		sure := func(id estate.TenantID) string {
			tenant, err := e.App.Tenancy.TenantFor(ctx, testenv.Operator, e.Organization.ID, id)
			if err != nil {
				t.Fatal(err)
			}
			return string(tenant.Hostname) + "." + testenv.Domain
		}
		want := func(what string, err error, code string) bool {
			if have := kindOf(err); have != code {
				t.Fatalf("%s: %q (%v), the model says %q", what, have, err, code)
			}
			return code == ""
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				name := alias()
				n := tenancy.NewTenant{LicenseKey: license.Key}
				if name != "" {
					n.Hostnames = []string{name}
				}
				code := ""
				switch {
				case places() == limit:
					code = api.CodeTenantQuota
				case names[name]:
					code = api.CodeTenantHostnameTaken
				}
				made, err := service().CreateTenant(ctx, actor, n)
				if want("create", err, code) {
					order = append(order, made.ID)
					tenants[made.ID] = &life{status: estate.TenantActive, alias: name}
					names[name] = name != ""
				}
			},
			"deactivate": func(t *rapid.T) {
				id, l := some()
				days := rapid.IntRange(9, 91).Draw(t, "days")
				code := ""
				switch {
				case l.status == estate.TenantDeleted:
					code = api.CodeTenantNotFound
				case days < 10 || days > 90:
					code = api.CodeTenantInvalid
				case l.protected:
					code = api.CodeTenantProtected
				}
				_, err := service().DeactivateTenant(ctx, actor, id, tenancy.Deactivation{Confirm: sure(id), PurgeAfterDays: &days})
				if want("deactivate", err, code) {
					if l.status == estate.TenantActive {
						l.disabledAt = e.Clock.Now()
					}
					l.status, l.purgeAt = estate.TenantDisabled, e.Clock.Now().AddDate(0, 0, days)
				}
			},
			"reactivate": func(t *rapid.T) {
				id, l := some()
				code := ""
				if l.status == estate.TenantDeleted {
					code = api.CodeTenantNotFound
				}
				_, err := service().ReactivateTenant(ctx, actor, id, sure(id))
				if want("reactivate", err, code) {
					l.status = estate.TenantActive
				}
			},
			"patch": func(t *rapid.T) {
				id, l := some()
				protect, name := rapid.Bool().Draw(t, "protect"), alias()
				full := name
				if name != "" {
					full += ".us." + testenv.Domain
				}
				code := ""
				switch {
				case l.status == estate.TenantDeleted:
					code = api.CodeTenantNotFound
				case names[name] && name != l.alias:
					code = api.CodeTenantPatch
				}
				value, _ := json.Marshal(full)
				err := service().UpdateTenant(ctx, actor, id, []tenancy.PatchOperation{
					{Op: "replace", Path: "/deletionProtection", Value: fmt.Append(nil, protect)}, {Op: "replace", Path: "/hostnames/1", Value: value},
				})
				if want("patch", err, code) {
					names[l.alias], names[name] = false, name != ""
					l.protected, l.alias = protect, name
				}
			},
			"time": func(t *rapid.T) {
				e.Clock.Advance(time.Duration(rapid.IntRange(1, 40*24*60).Draw(t, "minutes")) * time.Minute)
			},
			"purge": func(t *rapid.T) {
				if _, err := service().PurgeDue(ctx); err != nil {
					t.Fatal(err)
				}
				now := e.Clock.Now()
				for _, l := range tenants {
					if l.status == estate.TenantDisabled && !l.protected && !l.purgeAt.After(now) && !l.disabledAt.After(now.Add(-time.Minute)) {
						l.status = estate.TenantDeleted
						names[l.alias], l.alias = false, ""
					}
				}
			},
			"restart": func(t *rapid.T) {
				if err := rapid.SampledFrom(processes).Draw(t, "process").restart(); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				page, err := service().ListTenants(ctx, actor, tenancy.InventoryQuery{Limit: 100})
				if err != nil {
					t.Fatal(err)
				}
				have, model := map[estate.TenantID]life{}, map[estate.TenantID]life{}
				for _, tenant := range page.Tenants {
					have[tenant.ID] = life{status: tenant.Status, protected: tenant.Protected, alias: tenant.Alias.Label()}
				}
				for id, l := range tenants {
					model[id] = life{status: l.status, protected: l.protected, alias: l.alias}
				}
				if diff := cmp.Diff(model, have, cmp.AllowUnexported(life{})); diff != "" {
					t.Fatalf("tenants (-model +have)\n%s", diff)
				}
				now, err := e.App.Tenancy.Subscription(ctx, testenv.Operator, sub.ID)
				if err != nil || now.TenantCount != places() || now.TenantCount > limit {
					t.Fatalf("%d places are taken, the model says %d of %d (%v)", now.TenantCount, places(), limit, err)
				}
				for name, taken := range names {
					found, err := e.App.Tenancy.CheckHostname(ctx, actor, name)
					if name != "" && (err != nil || found.Taken != taken) {
						t.Fatalf("%s is taken: %v, the model says %v (%v)", name, found.Taken, taken, err)
					}
				}
			},
		})
	})
}

// TestLife_Concurrent has many callers at two processes, which are started anew while
// they are at work, do everything to the tenants of one subscription. Afterwards the
// audit trail of each tenant must be a life that the model allows, each was purged
// once, and the entitlement was never exceeded.
func TestLife_Concurrent(t *testing.T) {
	const limit, callers, steps = 3, 8, 60
	e := testenv.Open(t)
	processes := []*process{newProcess(t, e), newProcess(t, e)}
	sub, err := e.App.Tenancy.CreateSubscription(t.Context(), testenv.Operator, estate.Subscription{
		Organization: e.Organization.ID, TenantLimit: limit, Regions: []estate.RegionCode{"us"}, EndsAt: e.Clock.Now().AddDate(100, 0, 0),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	license := e.LicenseKey(sub)
	actor := manager(sub)
	var mu sync.Mutex
	var order []estate.Tenant
	answers := map[string]int{} // how often, by code
	fine := []string{"", api.CodeTenantQuota, api.CodeTenantNotFound, api.CodeTenantProtected, api.CodeUnavailable}
	work := func(random *rand.Rand) error {
		s := processes[random.IntN(len(processes))].service().Tenancy
		mu.Lock()
		var one estate.Tenant
		if len(order) > 0 {
			one = order[max(0, len(order)-1-random.IntN(limit+2))]
		}
		mu.Unlock()
		confirm, days := string(one.Hostname)+"."+testenv.Domain, 10
		what := random.IntN(6)
		if one.ID == "" {
			what = 0
		}
		var err error
		switch what {
		case 0:
			var made tenancy.Created
			if made, err = s.CreateTenant(t.Context(), actor, tenancy.NewTenant{LicenseKey: license}); err == nil {
				mu.Lock()
				order = append(order, made.Tenant)
				mu.Unlock()
			}
		case 1:
			_, err = s.DeactivateTenant(t.Context(), actor, one.ID, tenancy.Deactivation{Confirm: confirm, PurgeAfterDays: &days})
		case 2:
			_, err = s.ReactivateTenant(t.Context(), actor, one.ID, confirm)
		case 3:
			err = s.UpdateTenant(t.Context(), actor, one.ID, []tenancy.PatchOperation{{Op: "replace", Path: "/deletionProtection", Value: fmt.Append(nil, random.IntN(4) == 0)}})
		case 4:
			e.Clock.Advance(time.Duration(random.IntN(8*24)) * time.Hour)
		case 5:
			_, err = s.PurgeDue(t.Context())
		}
		if !slices.Contains(fine, kindOf(err)) {
			return fmt.Errorf("action %d: %w", what, err)
		}
		mu.Lock()
		defer mu.Unlock()
		answers[kindOf(err)]++
		return nil
	}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			for range steps {
				if err := work(random); err != nil {
					t.Error(err)
				}
				if now, err := e.App.Tenancy.Subscription(t.Context(), testenv.Operator, sub.ID); err != nil || now.TenantCount > limit {
					t.Errorf("%d places are taken of %d (%v)", now.TenantCount, limit, err)
				}
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

	if answers[""] < callers || answers[api.CodeTenantQuota] == 0 {
		t.Errorf("places were not fought for: %v", answers)
	}

	// Whatever chance has left out, one tenant is purged for certain.
	s := processes[0].service().Tenancy
	all, err := s.ListTenants(t.Context(), actor, tenancy.InventoryQuery{Filter: `status ne "deleted"`, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Tenants) == 0 {
		made, err := s.CreateTenant(t.Context(), actor, tenancy.NewTenant{LicenseKey: license})
		if err != nil {
			t.Fatal(err)
		}
		all.Tenants = append(all.Tenants, made.Tenant)
	}
	last, days := all.Tenants[0], 10
	if err := s.UpdateTenant(t.Context(), actor, last.ID, []tenancy.PatchOperation{{Op: "replace", Path: "/deletionProtection", Value: []byte("false")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeactivateTenant(t.Context(), actor, last.ID, tenancy.Deactivation{Confirm: string(last.Hostname) + "." + testenv.Domain, PurgeAfterDays: &days}); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(11 * 24 * time.Hour)
	if _, err := s.PurgeDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := replay(t, e, find(t, e, last.ID)); have != "purged" && have != "too long to follow" {
		t.Errorf("the tenant that was purged last is %s", have)
	}

	// What a process that was started anew did not answer may have happened.
	page, err := e.App.Tenancy.ListTenants(t.Context(), actor, tenancy.InventoryQuery{Limit: 100, Total: true})
	if err != nil || page.Total > 100 {
		t.Fatalf("%d tenants (%v)", page.Total, err)
	}
	var held int64
	counts := map[string]int{}
	for _, tenant := range page.Tenants {
		if tenant.Status != estate.TenantDeleted {
			held++
		}
		counts[replay(t, e, tenant)]++
	}
	now, err := e.App.Tenancy.Subscription(t.Context(), testenv.Operator, sub.ID)
	if err != nil || now.TenantCount != held {
		t.Errorf("%d places are taken, and %d tenants hold one (%v)", now.TenantCount, held, err)
	}
	t.Logf("how the lives ended: %v", counts)
}

func find(t *testing.T, e *testenv.Env, id estate.TenantID) estate.Tenant {
	t.Helper()
	tenant, err := e.App.Tenancy.TenantFor(t.Context(), testenv.Operator, e.Organization.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// replay follows the audit trail of a tenant and compares where it leads. It returns
// how the life has ended.
func replay(t *testing.T, e *testenv.Env, tenant estate.Tenant) (end string) {
	t.Helper()
	var records []estate.AuditRecord
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		records, err = tx.AuditRecords(t.Context(), tenant.Scope(), store.MaxPage)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(records) // oldest first: the writers take turns, so times and order agree
	if len(records) == store.MaxPage {
		return "too long to follow"
	}
	purges := 0
	status := estate.TenantStatus("")
	var path []string
	for _, r := range records {
		if r.Outcome != estate.OutcomeDone {
			continue
		}
		path = append(path, r.Action)
		switch was := status; r.Action {
		case "tenant.create":
			status = estate.TenantActive
		case "tenant.deactivate":
			status = estate.TenantDisabled
		case "tenant.reactivate":
			status = estate.TenantActive
			if was != estate.TenantDisabled {
				t.Errorf("tenant %s was reactivated when it was %s: %v", tenant.ID, was, path)
			}
		case "tenant.purge":
			status = estate.TenantDeleted
			purges++
			if was != estate.TenantDisabled {
				t.Errorf("tenant %s was purged when it was %s: %v", tenant.ID, was, path)
			}
		}
	}
	if status != tenant.Status {
		t.Errorf("tenant %s is %s, and by its records %s: %v", tenant.ID, tenant.Status, status, path)
	}
	switch gone := tenant.Status == estate.TenantDeleted; {
	case gone && purges != 1, !gone && purges != 0:
		t.Errorf("tenant %s is %s and was purged %d times: %v", tenant.ID, tenant.Status, purges, path)
	case gone && path[len(path)-1] != "tenant.purge":
		t.Errorf("tenant %s did something after its purge: %v", tenant.ID, path)
	case gone:
		return "purged"
	}
	return string(tenant.Status)
}
