package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// testListing compares walks through random tenants, filters and orders with a
// plain model of them.
func testListing(t *testing.T, open func(t *testing.T) Database) {
	db := open(t)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertRegion(t.Context(), europe), tx.InsertRegion(t.Context(), america))
	})
	estates := &estates{db: db}
	t.Run("Walks", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkWalks(t, estates) })
	})
	t.Run("Disturbed", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkDisturbedWalk(t, estates) })
	})
}

// estates makes an organization for each check, in one database.
type estates struct {
	db      Database
	made    int
	tenants int
}

// draw inserts an organization with tenants.
func (e *estates) draw(t *rapid.T) (estate.Organization, []estate.Subscription, []estate.Tenant) {
	e.made++
	o := organization(e.made)
	subs := []estate.Subscription{subscription(o, 3*e.made), subscription(o, 3*e.made+1), subscription(o, 3*e.made+2)}
	tenants := make([]estate.Tenant, rapid.IntRange(0, 25).Draw(t, "tenants"))
	for i := range tenants {
		tenants[i] = e.drawTenant(t, subs)
	}
	e.write(t, func(tx *store.Tx) error {
		errs := []error{tx.InsertOrganization(context.Background(), o)}
		for _, sub := range subs {
			errs = append(errs, tx.InsertSubscription(context.Background(), sub))
		}
		for _, tenant := range tenants {
			errs = append(errs, tx.InsertTenant(context.Background(), tenant))
		}
		return first(errs...)
	})
	return o, subs, tenants
}

func (e *estates) write(t *rapid.T, fn func(tx *store.Tx) error) {
	if err := e.db.Store.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// Values with many duplicates, many that differ in case only, and orders that
// depend on how texts are compared.
var (
	drawnNames = []string{
		"", "a", "A", "b", "B", "ab", "AB", "a b", "Z", "z", "_", "[", "ä", "Ä", "ÄB", "ß", "SS", "ss", "İ", "i̇", "I", "ı", "ſ", "s", "Σ", "σ", "ς",
		"日本", "👩‍🚀", "\U0010ffff", "\ufffd", "\ue000", `"`, `\`, "%", "'", "a\tb",
	}
	drawnCountries   = []string{"IE", "US", "SE", "IS"}
	drawnDatacenters = []string{"eu-west-1", "eu-west-2", "us-east-1"}
	drawnStatuses    = []estate.TenantStatus{estate.TenantActive, estate.TenantDisabled, estate.TenantDeleted}
)

// drawTenant draws a tenant whose id begins anyhow, in either case, and is new.
func (e *estates) drawTenant(t *rapid.T, subs []estate.Subscription) estate.Tenant {
	e.tenants++
	tenant := tenant(rapid.SampledFrom(subs).Draw(t, "subscription"), rapid.SampledFrom([]estate.Region{europe, america}).Draw(t, "region"), e.tenants)
	tenant.ID = estate.TenantID(rapid.StringMatching(`[A-Za-z0-9_-]{2}`).Draw(t, "id") + string(tenantID(e.tenants)[2:]))
	tenant.Name = rapid.SampledFrom(drawnNames).Draw(t, "name")
	tenant.Datacenter = rapid.SampledFrom(drawnDatacenters).Draw(t, "datacenter")
	tenant.CountryCode = rapid.SampledFrom(drawnCountries).Draw(t, "country")
	tenant.Status = rapid.SampledFrom(drawnStatuses).Draw(t, "status")
	tenant.CreatedAt = moment(rapid.IntRange(0, 5).Draw(t, "created"))
	tenant.UpdatedAt = moment(rapid.IntRange(0, 5).Draw(t, "updated"))
	label := rapid.StringMatching(`[a-z0-9]`).Draw(t, "label")
	tenant.Hostname = estate.NewHostname(fmt.Sprintf("%s%d", label, e.tenants), tenant.Region)
	tenant.Alias = ""
	if rapid.Bool().Draw(t, "has alias") {
		tenant.Alias = estate.NewHostname(fmt.Sprintf("alias%d", e.tenants), tenant.Region)
	}
	return tenant
}

func checkWalks(t *rapid.T, estates *estates) {
	o, subs, tenants := estates.draw(t)
	list := list{db: estates.db, scope: all(o), limit: rapid.IntRange(1, 8).Draw(t, "limit"), sort: drawSort(t), bound: drawBound(t)}
	if rapid.Bool().Draw(t, "filtered") {
		list.filter = drawFilter(t, tenants, subs)
	}
	if rapid.IntRange(0, 3).Draw(t, "narrow") == 0 {
		list.scope.Subscription = rapid.SampledFrom(subs).Draw(t, "scope").ID
	}
	if rapid.IntRange(0, 3).Draw(t, "narrower") == 0 {
		list.scope.Region = europe.Code
	}
	want := oracle(tenants, list)

	same(t, "forward", list.walk(t, nil, false), want)
	same(t, "backward", list.walk(t, nil, true), want)
	if n := list.count(t); n != int64(len(want)) {
		t.Errorf("counted %d, want %d", n, len(want))
	}
	if len(tenants) == 0 {
		return
	}
	// From the position of any tenant, also of one that the filter leaves out.
	from := rapid.SampledFrom(tenants).Draw(t, "from")
	position := store.PositionOf(from, list.sort)
	if !position.Fits(list.sort) {
		t.Errorf("%v does not fit %v", position, list.sort)
	}
	var before, after []estate.Tenant
	for _, tenant := range want {
		switch c := compareTenants(tenant, from, list.sort); {
		case c < 0:
			before = append(before, tenant)
		case c > 0:
			after = append(after, tenant)
		}
	}
	same(t, "forward from a tenant", list.walk(t, &position, false), after)
	same(t, "backward from a tenant", list.walk(t, &position, true), before)
}

// checkDisturbedWalk inserts and removes tenants between the pages. Those that
// are left alone come once each and in order.
func checkDisturbedWalk(t *rapid.T, estates *estates) {
	o, subs, tenants := estates.draw(t)
	list := list{db: estates.db, scope: all(o), limit: rapid.IntRange(1, 5).Draw(t, "limit"), sort: drawSort(t), bound: drawBound(t)}
	if rapid.Bool().Draw(t, "filtered") {
		list.filter = drawFilter(t, tenants, subs)
	}
	backward := rapid.Bool().Draw(t, "backward")
	touched := map[estate.TenantID]bool{}
	list.between = func() {
		what := rapid.SampledFrom([]string{"nothing", "nothing", "insert", "remove", "both"}).Draw(t, "happens")
		if what == "insert" || what == "both" {
			added := estates.drawTenant(t, subs)
			touched[added.ID] = true
			estates.write(t, func(tx *store.Tx) error { return tx.InsertTenant(context.Background(), added) })
		}
		if what == "remove" || what == "both" {
			removed := rapid.SampledFrom(tenants).Draw(t, "removed")
			touched[removed.ID] = true
			estates.remove(t, removed.ID)
		}
	}
	walked := list.walk(t, nil, backward)

	seen := map[estate.TenantID]bool{}
	for _, tenant := range walked {
		if seen[tenant.ID] {
			t.Errorf("tenant %s came twice", tenant.ID)
		}
		seen[tenant.ID] = true
	}
	untouched := func(tenants []estate.Tenant) []estate.Tenant {
		return slices.DeleteFunc(slices.Clone(tenants), func(tenant estate.Tenant) bool { return touched[tenant.ID] })
	}
	same(t, "left alone", untouched(walked), untouched(oracle(tenants, list)))
}

// remove removes a tenant if it is still there.
func (e *estates) remove(t *rapid.T, id estate.TenantID) {
	tx, err := e.db.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, errHostnames := tx.Exec("delete from hostnames where tenant_id = $1", string(id))
	_, errLabels := tx.Exec("delete from tenant_labels where tenant_id = $1", string(id))
	_, errTenants := tx.Exec("delete from tenants where id = $1", string(id))
	if err := errors.Join(errHostnames, errLabels, errTenants, tx.Commit()); err != nil {
		t.Fatal(err)
	}
	e.write(t, func(tx *store.Tx) error { return tx.RecountTenants(context.Background(), moment(1)) }) // the store knows of no such removal
}

// list is a query to be read page by page.
type list struct {
	db      Database
	scope   estate.Scope
	filter  filter.Expr
	sort    []filter.SortKey
	limit   int
	bound   int    // see store.TenantQuery
	between func() // called between the pages
}

// walk returns what the pages hold from a position to the end or, backward, to
// the start; in the order of the list either way.
func (l list) walk(t *rapid.T, from *store.TenantPosition, backward bool) (walked []estate.Tenant) {
	for {
		var page []estate.Tenant
		var next *store.TenantPosition
		q := store.TenantQuery{Filter: l.filter, Sort: l.sort, From: from, Backward: backward, Limit: l.limit, Bound: l.bound}
		read := func(tx *store.Tx) (err error) {
			page, next, err = tx.Tenants(context.Background(), l.scope, q)
			return err
		}
		err := l.db.Store.Read(context.Background(), read)
		if estate.HasKind(err, estate.Invalid) && len(l.sort) > 1 { // more to sort than the bound allows
			q.Bound = 0
			err = l.db.Store.Read(context.Background(), read)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > l.limit || next != nil && len(page) < l.limit && q.Bound == 0 {
			t.Fatalf("a page of %d tenants, limit %d, next %v", len(page), l.limit, next)
		}
		if backward {
			walked = slices.Concat(page, walked)
		} else {
			walked = append(walked, page...)
		}
		if next == nil {
			return walked
		}
		from = next
		if l.between != nil {
			l.between()
		}
	}
}

func (l list) count(t *rapid.T) (n int64) {
	err := l.db.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		n, err = tx.CountTenants(context.Background(), l.scope, l.filter)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// same compares tenants, by their ids first: that reads better.
func same(t *rapid.T, what string, got, want []estate.Tenant) {
	idsOf := func(tenants []estate.Tenant) (all []estate.TenantID) {
		for _, tenant := range tenants {
			all = append(all, tenant.ID)
		}
		return all
	}
	if diff := cmp.Diff(idsOf(want), idsOf(got)); diff != "" {
		t.Fatalf("%s (-want +got)\n%s", what, diff)
	}
	for i := range want {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Fatalf("%s, tenant %d (-want +got)\n%s", what, i, diff)
		}
	}
}

// drawBound draws how much a page may look at: often far less than there is.
func drawBound(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 2, 3, 5, 10}).Draw(t, "bound")
}

func drawSort(t *rapid.T) (sort []filter.SortKey) {
	attributes := rapid.Permutation(store.TenantSortAttributes).Draw(t, "sort")
	for _, attribute := range attributes[:rapid.SampledFrom([]int{0, 1, 1, 1, 2, 2, 3, len(attributes)}).Draw(t, "sort keys")] {
		sort = append(sort, filter.SortKey{Attribute: attribute, Descending: rapid.Bool().Draw(t, "descending")})
	}
	return sort
}

// drawFilter draws a filter as filter.Parse makes it.
func drawFilter(t *rapid.T, tenants []estate.Tenant, subs []estate.Subscription) filter.Expr {
	drawn := drawExpr(t, 3, tenants, subs)
	expr, err := filter.Parse(drawn.String(), store.TenantSchema)
	if err != nil {
		t.Fatalf("%s: %v", drawn, err)
	}
	t.Logf("filter: %s", expr)
	return expr
}

func drawExpr(t *rapid.T, depth int, tenants []estate.Tenant, subs []estate.Subscription) filter.Expr {
	kind := "compare"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"compare", "compare", "not", "and", "or"}).Draw(t, "kind")
	}
	switch kind {
	case "compare":
		return drawCompare(t, tenants, subs)
	case "not":
		return &filter.Not{Expr: drawExpr(t, depth-1, tenants, subs)}
	}
	terms := make([]filter.Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
	for i := range terms {
		terms[i] = drawExpr(t, depth-1, tenants, subs)
	}
	if kind == "and" {
		return &filter.And{Exprs: terms}
	}
	return &filter.Or{Exprs: terms}
}
