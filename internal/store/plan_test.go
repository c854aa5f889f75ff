package store

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// plan is how SQLite would execute the queries that fn makes the transaction
// prepare.
func plan(t *testing.T, s *Store, fn func(tx *Tx) error) string {
	t.Helper()
	var details []string
	err := s.Read(t.Context(), func(tx *Tx) error {
		for query, stmt := range tx.conn.statements {
			if strings.HasPrefix(query, "select") {
				_ = stmt.Close()
				delete(tx.conn.statements, query)
				tx.conn.length -= len(query)
			}
		}
		if err := fn(tx); err != nil {
			return err
		}
		for query := range tx.conn.statements {
			if !strings.HasPrefix(query, "select") {
				continue
			}
			of, err := explain(t, tx, query)
			if err != nil {
				return err
			}
			details = append(details, of...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(details) == 0 {
		t.Fatal("nothing is queried")
	}
	return strings.Join(details, "; ")
}

func explain(t *testing.T, tx *Tx, query string) (details []string, err error) {
	t.Helper()
	// The plan does not depend on the arguments, which are null here.
	rows, err := tx.conn.QueryContext(t.Context(), "explain query plan "+query, make([]any, placeholders(query))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		details = append(details, detail)
	}
	return details, rows.Err()
}

func placeholders(query string) (n int) {
	for _, match := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(query, -1) {
		var i int
		_, _ = fmt.Sscan(match[1], &i)
		n = max(n, i)
	}
	return n
}

// sorts are what a page can be sorted by, with the index that serves it.
var sorts = map[string]string{
	"":               "tenants_by_created_at",
	"createdAt":      "tenants_by_created_at",
	"updatedAt":      "tenants_by_updated_at",
	"name":           "tenants_by_name",
	"hostnames":      "tenants_by_hostname",
	"subscriptionId": "tenants_by_subscription",
	"regionCode":     "tenants_by_datacenter",
	"countryCode":    "tenants_by_country",
	"status":         "tenants_by_status",
}

// sortsInMemory are the sorts, by a single attribute and without a filter, that
// are known to read and sort more than the page. It should stay empty.
var sortsInMemory = map[string]bool{}

func TestTenants_PlanOfSorts(t *testing.T) {
	s := openTest(t)
	for _, attribute := range append([]string{""}, TenantSortAttributes...) {
		index, ok := sorts[attribute]
		if !ok {
			t.Errorf("no index is named for sorting by %q", attribute)
		}
		for _, descending := range []bool{false, true} {
			if attribute == "" && descending {
				continue
			}
			var sort []filter.SortKey
			if attribute != "" {
				sort = []filter.SortKey{{Attribute: attribute, Descending: descending}}
			}
			position := PositionOf(estate.Tenant{}, sort)
			for what, q := range map[string]TenantQuery{
				"first page": {Sort: sort, Limit: MaxPage},
				"next page":  {Sort: sort, Limit: MaxPage, From: &position},
				"last page":  {Sort: sort, Limit: MaxPage, Backward: true},
				"page before": {
					Sort: sort, Limit: MaxPage, From: &position, Backward: true,
				},
			} {
				t.Run(fmt.Sprintf("%s descending %v %s", attribute, descending, what), func(t *testing.T) {
					got := planOfTenants(t, s, estate.Scope{Organization: "acme"}, q)
					if !strings.Contains(got, "USING INDEX "+index+" (organization_id=?") {
						t.Errorf("plan does not use %s: %s", index, got)
					}
					if inMemory := strings.Contains(got, "TEMP B-TREE"); inMemory != sortsInMemory[attribute] {
						t.Errorf("sorts in memory: %v; plan: %s", inMemory, got)
					}
					// Reading on costs the same anywhere: the position bounds the range.
					if bounded := regexp.MustCompile(`\([^)]*\)[<>]\(|[a-z_]+[<>]\?`).MatchString(got); bounded != (q.From != nil) {
						t.Errorf("range bounded: %v; plan: %s", bounded, got)
					}
				})
			}
		}
	}
}

// TestTenants_PlanOfFilters: where an index begins with what is filtered by, a
// page needs no more than itself.
func TestTenants_PlanOfFilters(t *testing.T) {
	s := largeEstate(t)
	organization := estate.Scope{Organization: "acme"}
	region := estate.Scope{Organization: "acme", Subscription: "1", Region: "eu"}
	for name, c := range map[string]struct {
		scope  estate.Scope
		filter string
		index  string
	}{
		"subscription":           {organization, `subscriptionId eq "1"`, "tenants_by_subscription (organization_id=? AND subscription_id=?"},
		"region":                 {organization, `regionCode eq "x"`, "tenants_by_datacenter (organization_id=? AND datacenter=?"},
		"country":                {organization, `countryCode eq "x"`, "tenants_by_country (organization_id=? AND country_code=?"},
		"name":                   {organization, `name eq "x"`, "tenants_by_name (organization_id=? AND name_key=?"},
		"status":                 {organization, `status eq "x"`, "tenants_by_status (organization_id=? AND status=?"},
		"scope of a region":      {region, "", "tenants_by_region (organization_id=? AND subscription_id=? AND region=?"},
		"status, region's scope": {region, `status eq "x"`, "tenants_by_region (organization_id=? AND subscription_id=? AND region=?"},
	} {
		var expr filter.Expr
		if c.filter != "" {
			var err error
			if expr, err = filter.Parse(c.filter, TenantSchema); err != nil {
				t.Fatal(err)
			}
		}
		for _, descending := range []bool{false, true} {
			sort := []filter.SortKey{{Attribute: "createdAt", Descending: descending}}
			position := PositionOf(estate.Tenant{}, sort)
			for _, from := range []*TenantPosition{nil, &position} {
				t.Run(fmt.Sprintf("%s descending %v from %v", name, descending, from != nil), func(t *testing.T) {
					got := planOfTenants(t, s, c.scope, TenantQuery{Filter: expr, Sort: sort, From: from, Limit: MaxPage})
					if !strings.Contains(got, c.index) || strings.Contains(got, "TEMP B-TREE") {
						t.Errorf("plan: %s", got)
					}
				})
			}
		}
		t.Run(name+" counted", func(t *testing.T) {
			got := plan(t, s, func(tx *Tx) error {
				_, err := tx.CountTenants(t.Context(), c.scope, expr)
				return err
			})
			if counted := "SEARCH tenant_counts USING PRIMARY KEY (organization_id=?"; !strings.Contains(got, c.index) && !strings.HasPrefix(got, counted) {
				t.Errorf("plan: %s", got)
			}
		})
	}
	// One row is looked up, whatever else is asked for.
	for _, text := range []string{`id eq "1"`, `originalId eq "1"`, `id eq "1" and status ne "x"`, `hostnames eq "a.eu"`, `hostnames eq "a.eu" and status eq "x"`} {
		expr, err := filter.Parse(text, TenantSchema)
		if err != nil {
			t.Fatal(err)
		}
		for attribute := range sorts {
			var sort []filter.SortKey
			if attribute != "" {
				sort = []filter.SortKey{{Attribute: attribute}}
			}
			got := planOfTenants(t, s, organization, TenantQuery{Filter: expr, Sort: sort, Limit: MaxPage})
			if !strings.HasPrefix(got, "SEARCH tenants USING INDEX sqlite_autoindex_tenants_2 (organization_id=? AND id=?)") {
				t.Errorf("%s sorted by %s: plan: %s", text, attribute, got)
			}
		}
	}
}

// largeEstate is a database whose counts say that there are many tenants of all kinds,
// more than may be sorted for a page.
func largeEstate(t *testing.T) *Store {
	t.Helper()
	s := openTest(t)
	err := s.Write(t.Context(), func(tx *Tx) error {
		for _, statement := range []string{
			"insert into organizations (id, name, created_at, updated_at) values ('acme', 'Acme', 1, 1)",
			"insert into subscriptions (id, organization_id, name, tenant_limit, starts_at, ends_at, created_at, updated_at) values ('1', 'acme', 'x', 1, 1, 2, 1, 1)",
			"insert into tenant_counts (" + countColumns + ", tenants) values ('acme', '1', 'eu', 'x', 'X', 'x', 'ready', 1000000)",
		} {
			if _, err := tx.exec(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTenants_PlanOfSearches: where no index serves a filter in the order asked for,
// a page walks along the index of the order, as far as the bound, and sorts nothing.
func TestTenants_PlanOfSearches(t *testing.T) {
	s := largeEstate(t)
	organization := estate.Scope{Organization: "acme"}
	region := estate.Scope{Organization: "acme", Subscription: "1", Region: "eu"}
	for _, c := range []struct {
		scope  estate.Scope
		filter string
	}{
		{organization, `status ne "y"`},
		{organization, `countryCode co "x"`},
		{organization, `not (name eq "a")`},
		{organization, `status eq "x" and regionCode eq "x"`},
		{organization, `provisioningState eq "ready"`},
		{organization, `createdAt gt "2026-01-01T00:00:00Z" or status eq "x"`},
		{region, `status eq "x"`},
		{region, ""},
	} {
		var expr filter.Expr
		if c.filter != "" {
			var err error
			if expr, err = filter.Parse(c.filter, TenantSchema); err != nil {
				t.Fatal(err)
			}
		}
		for attribute, index := range sorts {
			var sort []filter.SortKey
			if attribute != "" {
				sort = []filter.SortKey{{Attribute: attribute}}
			}
			got := planOfTenants(t, s, c.scope, TenantQuery{Filter: expr, Sort: sort, Limit: MaxPage})
			for _, one := range strings.Split(got, "; ") {
				if strings.Contains(one, "TEMP B-TREE") || strings.HasPrefix(one, "SCAN") || !strings.Contains(one, "organization_id=?") {
					t.Errorf("%s sorted by %s: plan: %s", c.filter, attribute, got)
				}
			}
			if by := "USING INDEX " + index; c.scope == organization && !strings.Contains(got, by) && !strings.Contains(got, "INDEX tenants_by_status") && !strings.Contains(got, "INDEX tenants_by_datacenter") {
				t.Errorf("%s sorted by %s: plan: %s", c.filter, attribute, got)
			}
		}
	}
}

func planOfTenants(t *testing.T, s *Store, scope estate.Scope, q TenantQuery) string {
	t.Helper()
	return plan(t, s, func(tx *Tx) error {
		_, _, err := tx.Tenants(t.Context(), scope, q)
		return err
	})
}

// TestPlanOfLookups: what requests wait for reads by index alone.
func TestPlanOfLookups(t *testing.T) {
	s := openTest(t)
	scope := estate.Scope{Organization: "acme", Subscription: "1", Region: "eu", Tenant: "t"}
	for name, fn := range map[string]func(tx *Tx) error{
		"Account": func(tx *Tx) error {
			_, err := tx.Account(t.Context(), estate.Scope{Organization: "acme"}, "a")
			return err
		},
		"AuditRecords":         func(tx *Tx) error { _, err := tx.AuditRecords(t.Context(), scope, 10); return err },
		"BotUser":              func(tx *Tx) error { _, err := tx.BotUser(t.Context(), scope, "c"); return err },
		"Client":               func(tx *Tx) error { _, err := tx.Client(t.Context(), scope, "c"); return err },
		"ClientToAuthenticate": func(tx *Tx) error { _, err := tx.ClientToAuthenticate(t.Context(), "c"); return err },
		"ClientUsages":         func(tx *Tx) error { _, err := tx.ClientUsages(t.Context(), scope, "c"); return err },
		"Clients":              func(tx *Tx) error { _, err := tx.Clients(t.Context(), scope, estate.LevelTenant); return err },
		"HostnameFree":         func(tx *Tx) error { _, err := tx.HostnameFree(t.Context(), "a.eu"); return err },
		"IdempotentAnswer":     func(tx *Tx) error { _, err := tx.IdempotentAnswer(t.Context(), scope, "c", "k"); return err },
		"Subscription":         func(tx *Tx) error { _, err := tx.Subscription(t.Context(), scope, "1"); return err },
		"Tenant":               func(tx *Tx) error { _, err := tx.Tenant(t.Context(), scope, "t"); return err },
		"TenantByExternalID":   func(tx *Tx) error { _, err := tx.TenantByExternalID(t.Context(), scope, "x"); return err },
		"TenantByHostname":     func(tx *Tx) error { _, err := tx.TenantByHostname(t.Context(), "a.eu"); return err },
		"User":                 func(tx *Tx) error { _, err := tx.User(t.Context(), scope, "u"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			got := plan(t, s, func(tx *Tx) error { _ = fn(tx); return nil })
			if strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("plan: %s", got)
			}
		})
	}
}
