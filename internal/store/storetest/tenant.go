package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

func testTenant(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two, second := tenant(s.sub, europe, 1), tenant(s.sub, america, 2), tenant(s.second, europe, 3)
	second.ExternalID = one.ExternalID // of another subscription
	plain := tenant(s.sub, europe, 4)
	plain.Alias, plain.ExternalID, plain.Labels = "", "", nil
	insertTenants(t, db, complete(t, one, "Provisioning"), two, second, plain)

	get := func(scope estate.Scope, id estate.TenantID) func(tx *store.Tx) (estate.Tenant, error) {
		return func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), scope, id) }
	}
	for _, want := range []estate.Tenant{one, two, second, plain} {
		equal(t, "tenant", read(t, db, get(all(s.acme), want.ID)), want)
		equal(t, "tenant in its own scope", read(t, db, get(want.Scope(), want.ID)), want)
	}
	for _, id := range []estate.TenantID{"", tenantID(5), "TENANT-0000000000000000000000001"} {
		wantError(t, readError(t, db, get(all(s.acme), id)), estate.NotFound, api.CodeTenantNotFound)
	}

	external := func(scope estate.Scope, id string) func(tx *store.Tx) (estate.Tenant, error) {
		return func(tx *store.Tx) (estate.Tenant, error) { return tx.TenantByExternalID(t.Context(), scope, id) }
	}
	equal(t, "tenant by external id", read(t, db, external(of(s.sub), one.ExternalID)), one)
	equal(t, "the same external id elsewhere", read(t, db, external(of(s.second), one.ExternalID)), second)
	for _, id := range []string{"", "external 3", "EXTERNAL 1"} {
		wantError(t, readError(t, db, external(of(s.sub), id)), estate.NotFound, api.CodeTenantNotFound)
	}
}

func testHostname(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	two.Alias = ""
	insertTenants(t, db, one, two)

	at := func(name estate.Hostname) func(tx *store.Tx) (estate.Tenant, error) {
		return func(tx *store.Tx) (estate.Tenant, error) { return tx.TenantByHostname(t.Context(), name) }
	}
	free := func(name estate.Hostname) bool {
		return read(t, db, func(tx *store.Tx) (bool, error) { return tx.HostnameFree(t.Context(), name) })
	}
	for name, want := range map[estate.Hostname]estate.Tenant{one.Hostname: one, one.Alias: one, two.Hostname: two} {
		equal(t, string(name), read(t, db, at(name)), want)
		if free(name) {
			t.Errorf("%s is free", name)
		}
	}
	for _, name := range []estate.Hostname{"", "t3.eu", "T1.eu", "t1.us"} {
		wantError(t, readError(t, db, at(name)), estate.NotFound, api.CodeTenantNotFound)
		if !free(name) {
			t.Errorf("%q is not free", name)
		}
	}

	for what, change := range map[string]func(*estate.Tenant){
		"generated name": func(t *estate.Tenant) { t.Hostname = one.Hostname },
		"alias":          func(t *estate.Tenant) { t.Alias = one.Alias },
		"name is alias":  func(t *estate.Tenant) { t.Hostname = one.Alias },
		"alias is name":  func(t *estate.Tenant) { t.Alias = two.Hostname },
		"twice the same": func(t *estate.Tenant) { t.Alias = t.Hostname },
		"external id":    func(t *estate.Tenant) { t.ExternalID = one.ExternalID },
	} {
		t.Run(what, func(t *testing.T) {
			third := tenant(s.sub, america, 3)
			change(&third)
			err := refused(t, db, func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), third) })
			code, pointer := api.CodeTenantHostnameTaken, "/hostnames/0"
			if what == "external id" {
				code, pointer = api.CodeTenantExternalID, "/externalId"
			}
			wantError(t, err, estate.Conflict, code, pointer)
		})
	}
	for what, change := range map[string]func(*estate.Tenant){
		"id":                                   func(t *estate.Tenant) { t.ID = one.ID },
		"subscription of another organization": func(t *estate.Tenant) { t.Subscription = s.others.ID },
		"organization":                         func(t *estate.Tenant) { t.Organization = s.other.ID },
		"region":                               func(t *estate.Tenant) { t.Region = "xx" },
	} {
		t.Run(what, func(t *testing.T) {
			third := tenant(s.sub, america, 3)
			change(&third)
			wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertTenant(t.Context(), third) }))
		})
	}
}

func testTenantPages(t *testing.T, db Database) {
	s := newSample(t, db)
	page := func(q store.TenantQuery) ([]estate.Tenant, bool) {
		t.Helper()
		var next *store.TenantPosition
		tenants := read(t, db, func(tx *store.Tx) (tenants []estate.Tenant, err error) {
			tenants, next, err = tx.Tenants(t.Context(), all(s.acme), q)
			return tenants, err
		})
		return tenants, next != nil
	}
	count := func(expr filter.Expr) int64 {
		return read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), expr) })
	}
	for _, limit := range []int{-1, 0, 1, store.MaxPage} {
		if tenants, more := page(store.TenantQuery{Limit: limit}); len(tenants) != 0 || more {
			t.Errorf("an empty list: %d tenants, more %v", len(tenants), more)
		}
	}
	const n = store.MaxPage + 2
	want := make([]estate.Tenant, n)
	for i := range want {
		want[i] = tenant(s.sub, europe, i)
	}
	insertTenants(t, db, want...)

	for limit, size := range map[int]int{-1000: 0, -1: 0, 0: 0, 1: 1, 3: 3, store.MaxPage: store.MaxPage, store.MaxPage + 1: store.MaxPage, 1 << 40: store.MaxPage} {
		tenants, more := page(store.TenantQuery{Limit: limit})
		if len(tenants) != size || !more {
			t.Errorf("limit %d: %d tenants, more %v", limit, len(tenants), more)
		}
		if size > 0 {
			equal(t, "first page", tenants, want[:size])
		}
	}
	last := func(tenants []estate.Tenant) *store.TenantPosition {
		p := store.PositionOf(tenants[len(tenants)-1], nil)
		return &p
	}
	tenants, more := page(store.TenantQuery{Limit: store.MaxPage, From: last(want[:2])})
	equal(t, "last page", tenants, want[2:])
	equal(t, "more", more, false)
	tenants, more = page(store.TenantQuery{Limit: 1, From: last(want)})
	if len(tenants) != 0 || more {
		t.Errorf("after the end: %v, more %v", tenants, more)
	}
	tenants, more = page(store.TenantQuery{Limit: 2, Backward: true})
	equal(t, "from the end", tenants, want[n-2:])
	equal(t, "more", more, true)
	equal(t, "count", count(nil), n)

	// Filters are more precise than stored times.
	attributes := map[string]func(int) time.Time{"createdAt": moment, "updatedAt": func(i int) time.Time { return moment(i + 1) }}
	for attribute, at := range attributes {
		for _, op := range []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE} {
			for _, off := range []time.Duration{-1000, -999, -1, 0, 1, 500, 999, 1000} {
				expr := &filter.Compare{Attribute: attribute, Op: op, Time: at(50).Add(off)}
				equal(t, fmt.Sprint("count where ", attribute, op, off), count(expr), int64(len(oracle(want, list{scope: all(s.acme), filter: expr}))))
			}
		}
	}

	// What is looked for is a text, not a pattern.
	for _, text := range []string{"", "i", "ie", "e", "x", "%", "_", "__", "i%", `\`, `\%`, "'"} {
		expr := &filter.Compare{Attribute: "countryCode", Op: filter.CO, Text: text}
		equal(t, "count where countryCode co "+text, count(expr), int64(len(oracle(want, list{scope: all(s.acme), filter: expr}))))
	}

	// The largest filter that can be, of the attribute that costs most, is one
	// that the engine takes.
	for _, operator := range []string{" and ", " or "} {
		text := ""
		for i := range filter.MaxComparisons - 1 {
			text += `not not hostnames eq "t` + string(rune('a'+i%26)) + `"` + operator
		}
		expr, err := filter.Parse(text+`hostnames eq "t1.eu"`, store.TenantSchema)
		if err != nil {
			t.Fatal(err)
		}
		wantCount := int64(0)
		if operator == " or " {
			wantCount = 1
		}
		equal(t, "count with a large filter", count(expr), wantCount)
	}
	long := &filter.Compare{Attribute: "countryCode", Op: filter.CO, Text: string(make([]byte, filter.MaxLength-20))}
	equal(t, "count with a long text", count(long), 0)
	equal(t, "count without a long text", count(&filter.Not{Expr: long}), n)
}
