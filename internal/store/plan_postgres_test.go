package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/pgtest"
)

// planned is how PostgreSQL executes the queries of fn, with its arguments.
func planned(t *testing.T, s *Store, fn func(tx *Tx) error) string {
	t.Helper()
	var plan strings.Builder
	err := s.Read(t.Context(), func(tx *Tx) error {
		var read []statement
		tx.conn.watch = func(query string, args []any) { read = append(read, statement{query: query, args: slices.Clone(args)}) }
		err := fn(tx)
		tx.conn.watch = nil
		if err != nil {
			return err
		}
		for _, of := range read {
			rows, err := tx.conn.QueryContext(t.Context(), "explain "+of.query, of.args...)
			lines, err := collect(rows, err, func(row rowScanner) (line string, err error) { return line, row.Scan(&line) })
			if err != nil {
				return err
			}
			plan.WriteString(strings.Join(append(lines, ""), "\n"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestTenants_PlanOnPostgres: in an estate with tenants of many kinds, a page is a
// range of an index there too, however it is sorted and wherever it begins: nothing
// is scanned, and no more is sorted than tenants of the same time.
func TestTenants_PlanOnPostgres(t *testing.T) {
	const tenants, subscriptions = 12_000, 20
	s, err := Open(t.Context(), Options{URL: estate.Secret(pgtest.New(t, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	statuses := []estate.TenantStatus{estate.TenantActive, estate.TenantActive, estate.TenantDisabled}
	regions := []estate.RegionCode{"eu", "us", "ap"}
	err = s.Write(t.Context(), func(tx *Tx) error {
		if _, err := tx.exec(t.Context(), "insert into organizations (id, name, created_at, updated_at) values ('acme', 'Acme', 1, 1)"); err != nil {
			return err
		}
		for _, region := range regions {
			if _, err := tx.exec(t.Context(), "insert into regions (code, name, datacenter, country_code, created_at) values ($1, 'x', $2, 'IE', 1)", region, "dc-"+region); err != nil {
				return err
			}
		}
		for i := range subscriptions {
			if _, err := tx.exec(t.Context(), `insert into subscriptions (id, organization_id, name, tenant_limit, starts_at, ends_at, created_at, updated_at)
				values ($1, 'acme', 'x', 100000, 1, 2, 1, 1)`, fmt.Sprintf("s%02d", i)); err != nil {
				return err
			}
		}
		var all []estate.Tenant
		for i := range tenants {
			region, at := regions[i%3], time.UnixMicro(int64(i*7919%tenants)*1e6)
			all = append(all, estate.Tenant{
				ID: estate.TenantID(fmt.Sprintf("t%05d", i)), Organization: "acme", Subscription: estate.SubscriptionID(fmt.Sprintf("s%02d", i*i%subscriptions)),
				Region: region, Datacenter: "dc-" + string(region), CountryCode: []string{"IE", "US", "AU", "SE"}[i%4], Name: fmt.Sprintf("Tenant %d", i*104729%tenants),
				Hostname: estate.NewHostname(fmt.Sprintf("h%05d", i*15485863%tenants), region), Status: statuses[i/3%3], CreatedAt: at, UpdatedAt: at.Add(time.Duration(i%100) * time.Hour), Rev: 1,
			})
		}
		return tx.InsertTenants(t.Context(), all)
	})
	if err == nil {
		err = s.Read(t.Context(), func(tx *Tx) error { return nil }) // the estate is there
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.conn.exec(t.Context(), "analyze") }); err != nil {
		t.Fatal(err)
	}
	organization := estate.Scope{Organization: "acme"}
	check := func(t *testing.T, scope estate.Scope, q TenantQuery, indexes ...string) {
		t.Helper()
		var from *TenantPosition
		for _, backward := range []bool{false, true} {
			for page := range 3 { // the first, the next, and one far from it
				q.From, q.Backward, q.Limit = from, backward, MaxPage
				if page == 2 {
					middle := PositionOf(middleTenant(t, s, scope, q), q.Sort)
					q.From = &middle
				}
				got := planned(t, s, func(tx *Tx) error {
					_, next, err := tx.Tenants(t.Context(), scope, q)
					from = next
					return err
				})
				used := slices.ContainsFunc(indexes, func(index string) bool { return strings.Contains(got, index+" on tenants") })
				// A node "Sort" sorts all; an incremental one only what is equal so far.
				if !used || strings.Contains(got, "Seq Scan on tenants") || strings.Contains(strings.ReplaceAll(got, "Incremental Sort", ""), "Sort  (") {
					t.Errorf("backward %v, page %d:\n%s", backward, page, got)
				}
			}
			from = nil
		}
	}
	for attribute, index := range sorts {
		for _, descending := range []bool{false, true} {
			t.Run(fmt.Sprintf("sort %s %v", attribute, descending), func(t *testing.T) {
				var sort []filter.SortKey
				if attribute != "" {
					sort = []filter.SortKey{{Attribute: attribute, Descending: descending}}
				}
				check(t, organization, TenantQuery{Sort: sort}, index)
			})
		}
	}
	for text, indexes := range map[string][]string{
		`subscriptionId eq "s04"`: {"tenants_by_subscription", "tenants_by_region"},
		`regionCode eq "dc-eu"`:   {"tenants_by_datacenter"},
		`countryCode eq "SE"`:     {"tenants_by_country"},
		`status eq "disabled"`:    {"tenants_by_status"},
	} {
		t.Run(text, func(t *testing.T) {
			expr, err := filter.Parse(text, TenantSchema)
			if err != nil {
				t.Fatal(err)
			}
			check(t, organization, TenantQuery{Filter: expr, Sort: []filter.SortKey{{Attribute: "createdAt"}}}, indexes...)
			got := planned(t, s, func(tx *Tx) error { _, err := tx.CountTenants(t.Context(), organization, expr); return err })
			if strings.Contains(got, "on tenants ") {
				t.Errorf("it is counted by reading tenants:\n%s", got)
			}
		})
	}
	check(t, estate.Scope{Organization: "acme", Subscription: "s04", Region: "eu"}, TenantQuery{}, "tenants_by_region")
}

// middleTenant is one of those that q asks for.
func middleTenant(t *testing.T, s *Store, scope estate.Scope, q TenantQuery) (middle estate.Tenant) {
	t.Helper()
	q.From, q.Limit = nil, MaxPage
	err := s.Read(t.Context(), func(tx *Tx) error {
		for range 3 {
			page, next, err := tx.Tenants(t.Context(), scope, q)
			if err != nil || len(page) == 0 {
				return err
			}
			middle, q.From = page[len(page)/2], next
			if next == nil {
				return nil
			}
		}
		return nil
	})
	if err != nil || middle.ID == "" {
		t.Fatalf("no tenant in the middle (%v)", err)
	}
	return middle
}
