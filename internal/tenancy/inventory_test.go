package tenancy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/inventory"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// lister is who lists the tenants of an organization.
func lister(e *testenv.Env) estate.Actor {
	return estate.Actor{
		Kind: estate.ActorClient, ID: "c", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgTenantsRead},
	}
}

// walk follows the cursors of pages to an end, forward or backward, and returns the
// last page and the names of all tenants on the way.
func walk(t *testing.T, e *testenv.Env, q tenancy.InventoryQuery, page tenancy.InventoryPage, backward bool) (last tenancy.InventoryPage, names []string) {
	t.Helper()
	for range 20 {
		for _, tenant := range page.Tenants {
			names = append(names, tenant.Name)
		}
		on := page.Next
		if backward {
			on = page.Prev
		}
		if on == "" {
			return page, names
		}
		q.Next, q.Prev = on, ""
		if backward {
			q.Next, q.Prev = "", on
		}
		page = pageOf(t, e, q)
	}
	t.Fatal("the pages don't end")
	return page, nil
}

func pageOf(t *testing.T, e *testenv.Env, q tenancy.InventoryQuery) tenancy.InventoryPage {
	t.Helper()
	page, err := e.App.Tenancy.Inventory(t.Context(), lister(e), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestInventory_EmptyPageAtTheEnd walks there and back through pages most of which are
// empty, the first or the last too.
func TestInventory_EmptyPageAtTheEnd(t *testing.T) {
	e := testenv.Open(t)
	sub := e.Subscription(3 * store.TenantBound)
	if _, err := e.App.Tenancy.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: store.TenantBound + 100}); err != nil {
		t.Fatal(err)
	}
	wanted := tenancy.NewTenant{Name: "wanted", ExternalID: "x"}
	if _, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", wanted); err != nil {
		t.Fatal(err)
	}
	for _, sort := range []string{"createdAt", "-createdAt", "name", "-name", "subscriptionId", "-subscriptionId"} {
		q := tenancy.InventoryQuery{Filter: `externalId eq "x" or labels eq "no=such"`, Sort: sort, Limit: 10}
		last, there := walk(t, e, q, pageOf(t, e, q), false)
		first, back := walk(t, e, q, last, true)
		_, again := walk(t, e, q, first, false)
		if last.Prev == "" || first.Next == "" {
			t.Errorf("sort=%s: there is no way back from the last page %+v or the first %+v", sort, last, first)
		}
		want := []string{"wanted"}
		if !slices.Equal(there, want) || !slices.Equal(back, want) || !slices.Equal(again, want) {
			t.Errorf("sort=%s: %q there, %q back, %q there again", sort, there, back, again)
		}
	}
}

// TestInventory_NothingAfterTheCursor reads on where nothing is left, from memory and
// from the database.
func TestInventory_NothingAfterTheCursor(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	for n := range 3 {
		if _, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{Name: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
		e.Clock.Advance(time.Second)
	}
	memory := e.App.Tenancy.Memory
	late := time.After(20 * time.Second)
	for inMemory := false; !inMemory; {
		_, _, inMemory = memory.Tenants(t.Context(), lister(e).Scope, store.TenantQuery{Limit: 1})
		select {
		case <-late:
			t.Fatal("the tenants are not read into memory")
		case <-time.After(time.Millisecond):
		}
	}
	for _, e.App.Tenancy.Memory = range []*inventory.Index{memory, nil} {
		after := pageOf(t, e, tenancy.InventoryQuery{Limit: 2}).Next
		q := tenancy.InventoryQuery{Filter: `name eq "1"`, Limit: 2, Next: after}
		if _, names := walk(t, e, q, pageOf(t, e, q), true); !slices.Equal(names, []string{"1"}) {
			t.Errorf("back to %q", names)
		}
	}
}

// TestInventory_SortBySeveral: what is refused depends on how many tenants a single
// comparison leaves, not on how many match.
func TestInventory_SortBySeveral(t *testing.T) {
	e := testenv.Open(t)
	e.Subscription(2 * store.TenantBound)
	small := e.Subscription(10)
	if _, err := e.App.Tenancy.Seed(t.Context(), testenv.Operator, e.Organization.ID, tenancy.SeedPlan{Tenants: store.TenantBound + 100}); err != nil {
		t.Fatal(err)
	}
	rare := fmt.Sprintf(`subscriptionId eq %q`, small.ID)
	for _, c := range []struct {
		filter, sort string
		sorted       bool
	}{
		{"", "-createdAt,name", false},
		{"", "-status,-createdAt", true},
		{`externalId eq "x" or externalId eq "y"`, "-createdAt,name", false},
		{`not (not (externalId eq "x"))`, "-createdAt,name", false},
		{`externalId eq "x"`, "-createdAt,name", true},
		{rare, "-createdAt,name", true},
		{rare + ` and (externalId eq "x" or externalId eq "y")`, "-createdAt,name", true},
		{rare + " or " + rare, "-createdAt,name", false},
	} {
		_, err := e.App.Tenancy.Inventory(t.Context(), lister(e), tenancy.InventoryQuery{Filter: c.filter, Sort: c.sort, Limit: 10})
		var refused *estate.Error
		switch {
		case c.sorted && err != nil:
			t.Errorf("%s sorted by %s: %v", c.filter, c.sort, err)
		case !c.sorted && (!errors.As(err, &refused) || !strings.Contains(refused.Detail, "More than 4000 tenants would have to be looked at")):
			t.Errorf("%s sorted by %s: %v", c.filter, c.sort, err)
		}
	}
}
