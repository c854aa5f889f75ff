package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// tenantGroup is what the tenants of one row of tenant_counts have in common.
type tenantGroup struct {
	organization                         estate.OrganizationID
	subscription                         estate.SubscriptionID
	region                               estate.RegionCode
	datacenter, country, status, provide string
}

const (
	countColumns = "organization_id, subscription_id, region, datacenter, country_code, status, provisioning_state"
	dayColumns   = "organization_id, day"

	// What tenant_counts and tenant_days hold, out of the tenants themselves.
	groupsOfTenants = "select " + countColumns + ", count(*) from tenants group by " + countColumns
	daysOfTenants   = "select " + dayColumns + ", count(*) from (select organization_id, created_at / 86400000000 as day from tenants) as days group by " + dayColumns
)

func groupOf(t estate.Tenant) tenantGroup {
	return tenantGroup{
		t.Organization, t.Subscription, t.Region, t.Datacenter, t.CountryCode, string(t.Status),
		string(cmp.Or(t.Provisioning.State, estate.ProvisioningReady)), // the column's default
	}
}

func (g tenantGroup) compare(o tenantGroup) int {
	return cmp.Or(cmp.Compare(g.organization, o.organization), cmp.Compare(g.subscription, o.subscription), cmp.Compare(g.region, o.region),
		cmp.Compare(g.datacenter, o.datacenter), cmp.Compare(g.country, o.country), cmp.Compare(g.status, o.status), cmp.Compare(g.provide, o.provide))
}

// tenantDay is a day (UTC, since 1970) of an organization.
type tenantDay struct {
	organization estate.OrganizationID
	day          int64
}

func (d tenantDay) compare(o tenantDay) int {
	return cmp.Or(cmp.Compare(d.organization, o.organization), cmp.Compare(d.day, o.day))
}

// tally is by how much the counts of tenants are to be changed.
type tally struct {
	groups map[tenantGroup]int64
	days   map[tenantDay]int64
}

// count adds n to the tenants that are like t.
func (y *tally) count(t estate.Tenant, n int64) { y.countGroup(groupOf(t), n) }

func (y *tally) countGroup(g tenantGroup, n int64) {
	if y.groups == nil {
		y.groups = map[tenantGroup]int64{}
	}
	y.groups[g] += n
}

// created adds n to the tenants of the organization that were created on the day of at.
func (y *tally) created(organization estate.OrganizationID, at time.Time, n int64) {
	y.countDay(tenantDay{organization, micros(at) / microsOfDay}, n)
}

func (y *tally) countDay(d tenantDay, n int64) {
	if y.days == nil {
		y.days = map[tenantDay]int64{}
	}
	y.days[d] += n
}

func (y *tally) add(o tally) {
	for g, n := range o.groups {
		y.countGroup(g, n)
	}
	for d, n := range o.days {
		y.countDay(d, n)
	}
}

// writeTally changes the counts of tenants by what the transaction has tallied. A
// batch does it once for all its writes; those that count themselves, before.
func (tx *Tx) writeTally(ctx context.Context) error {
	for _, g := range slices.SortedFunc(maps.Keys(tx.tally.groups), tenantGroup.compare) {
		n := tx.tally.groups[g]
		if n == 0 {
			continue
		}
		err := tx.insert(ctx, "insert into tenant_counts ("+countColumns+", tenants) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict ("+countColumns+
			") do update set tenants = tenant_counts.tenants + excluded.tenants", g.organization, g.subscription, g.region, g.datacenter, g.country, g.status, g.provide, n)
		if err != nil {
			return fmt.Errorf("count tenants: %w", err)
		}
	}
	for _, d := range slices.SortedFunc(maps.Keys(tx.tally.days), tenantDay.compare) {
		n := tx.tally.days[d]
		if n == 0 {
			continue
		}
		err := tx.insert(ctx, "insert into tenant_days ("+dayColumns+", tenants) values ($1, $2, $3) on conflict ("+dayColumns+
			") do update set tenants = tenant_days.tenants + excluded.tenants", d.organization, d.day, n)
		if err != nil {
			return fmt.Errorf("count tenants of a day: %w", err)
		}
	}
	tx.tally = tally{}
	return nil
}

// countAttributes are what tenants are counted by: a filter by nothing else needs
// no tenant to be read.
var countAttributes = []string{"subscriptionId", "regionCode", "countryCode", "status", "provisioningState"}

func onlyCounted(expr filter.Expr) bool {
	switch e := expr.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Exprs, func(e filter.Expr) bool { return !onlyCounted(e) })
	case *filter.Or:
		return !slices.ContainsFunc(e.Exprs, func(e filter.Expr) bool { return !onlyCounted(e) })
	case *filter.Not:
		return onlyCounted(e.Expr)
	case *filter.Compare:
		return slices.Contains(countAttributes, e.Attribute)
	}
	return expr == nil
}

// CountTenants counts what Tenants would return over all pages. Where the filter is
// about nothing but what tenants are counted by, that is a sum of the counts;
// otherwise as many rows are read as there are in the range of an index.
func (tx *Tx) CountTenants(ctx context.Context, scope estate.Scope, expr filter.Expr) (n int64, err error) {
	c := within(scope, "subscription_id", "region", "id")
	counts := scope.Tenant == "" && onlyCounted(expr)
	for _, e := range conjunction(expr, nil) {
		if label, ok := e.(*filter.Compare); ok && label.Attribute == "labels" {
			c.add(labelled(c, label.Text))
		} else {
			c.add(tenantCondition(c, e))
		}
	}
	if !counts {
		err = tx.row(ctx, "select count(*) from tenants"+c.where(), c.args...).Scan(&n)
		return n, wrap("count tenants", err)
	}
	if err := tx.writeTally(ctx); err != nil {
		return 0, err
	}
	err = tx.row(ctx, "select cast(coalesce(sum(tenants), 0) as bigint) from tenant_counts"+c.where(), c.args...).Scan(&n)
	return n, wrap("count tenants", err)
}

// TenantGroup is how many tenants there are that have these in common.
type TenantGroup struct {
	Subscription estate.SubscriptionID
	Region       estate.RegionCode
	Status       estate.TenantStatus
	Provisioning estate.ProvisioningState
	Count        int64
}

// TenantGroups counts the tenants in scope by what they have in common.
func (tx *Tx) TenantGroups(ctx context.Context, scope estate.Scope) ([]TenantGroup, error) {
	if err := tx.writeTally(ctx); err != nil {
		return nil, err
	}
	c := within(scope, "subscription_id", "region", "id")
	from, n := "tenant_counts", "cast(sum(tenants) as bigint)"
	if scope.Tenant != "" {
		from, n = "tenants", "count(*)"
	}
	const by = "subscription_id, region, status, provisioning_state"
	rows, err := tx.rows(ctx, "select "+by+", "+n+" from "+from+c.where()+" group by "+by+" order by "+by, c.args...)
	all, err := collect(rows, err, func(row rowScanner) (g TenantGroup, err error) {
		return g, row.Scan(&g.Subscription, &g.Region, &g.Status, &g.Provisioning, &g.Count)
	})
	all = slices.DeleteFunc(all, func(g TenantGroup) bool { return g.Count == 0 }) // there were some
	return all, wrap("count tenants by group", err)
}

// TenantDay is how many tenants were created on a day (UTC).
type TenantDay struct {
	Day   time.Time
	Count int64
}

const microsOfDay = int64(24 * time.Hour / time.Microsecond)

// TenantsPerDay counts the tenants in scope that were created since the day of a
// time, by day. Days without any are left out. Of a whole organization they are
// counted already.
func (tx *Tx) TenantsPerDay(ctx context.Context, scope estate.Scope, since time.Time) ([]TenantDay, error) {
	if err := tx.writeTally(ctx); err != nil {
		return nil, err
	}
	c := within(scope, "subscription_id", "region", "id")
	first, query := micros(since)/microsOfDay, ""
	if scope == (estate.Scope{Organization: scope.Organization}) {
		c.add("day >= " + c.arg(first))
		c.add("tenants <> 0")
		query = "select day, tenants from tenant_days" + c.where() + " order by day"
	} else {
		c.add("created_at >= " + c.arg(first*microsOfDay))
		query = "select day, count(*) from (select created_at / 86400000000 as day from tenants" + c.where() + ") as days group by day order by day"
	}
	rows, err := tx.rows(ctx, query, c.args...)
	all, err := collect(rows, err, func(row rowScanner) (d TenantDay, err error) {
		var n int64
		err = row.Scan(&n, &d.Count)
		d.Day = fromMicros(n * microsOfDay)
		return d, err
	})
	return all, wrap("count tenants by day", err)
}

// Miscounted is a count that is not what the tenants themselves say.
type Miscounted struct {
	Of             string // what is counted
	Counted, There int64
}

// MiscountedTenants compares the counts with the tenants themselves, of all
// organizations, and returns those that differ. It reads every tenant.
func (tx *Tx) MiscountedTenants(ctx context.Context) (wrong []Miscounted, err error) {
	if err := tx.writeTally(ctx); err != nil {
		return nil, err
	}
	for _, of := range []struct{ counted, there string }{
		{"select " + countColumns + ", tenants from tenant_counts", groupsOfTenants},
		{"select " + dayColumns + ", tenants from tenant_days", daysOfTenants},
	} {
		counted, err := tx.countsBy(ctx, of.counted)
		if err != nil {
			return nil, err
		}
		there, err := tx.countsBy(ctx, of.there)
		if err != nil {
			return nil, err
		}
		for key := range there {
			counted[key] += 0 // so that it is among the keys
		}
		for _, key := range slices.Sorted(maps.Keys(counted)) {
			if counted[key] != there[key] {
				wrong = append(wrong, Miscounted{key, counted[key], there[key]})
			}
		}
	}
	return wrong, nil
}

// countsBy reads rows of which the last column is a count, by the others.
func (tx *Tx) countsBy(ctx context.Context, query string) (map[string]int64, error) {
	rows, err := tx.rows(ctx, query)
	if err != nil {
		return nil, wrap("select counts", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, wrap("select counts", err)
	}
	texts, into := make([]string, len(columns)-1), make([]any, len(columns))
	var n int64
	for i := range texts {
		into[i] = &texts[i]
	}
	into[len(texts)] = &n
	counts := map[string]int64{}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, wrap("select counts", err)
		}
		counts[strings.Join(texts, "/")] = n
	}
	return counts, wrap("select counts", rows.Err())
}

// RecountTenants makes the counts anew, of the tenants themselves. It reads every
// tenant, and nobody can write meanwhile. All servers forget what they keep of tenants:
// who has miscounted may have told nobody of changes either.
func (tx *Tx) RecountTenants(ctx context.Context, now time.Time) error {
	tx.tally = tally{} // of tenants that are counted now
	for _, statement := range []string{
		"delete from tenant_counts", "insert into tenant_counts (" + countColumns + ", tenants) " + groupsOfTenants,
		"delete from tenant_days", "insert into tenant_days (" + dayColumns + ", tenants) " + daysOfTenants,
	} {
		if _, err := tx.exec(ctx, statement); err != nil {
			return wrap("recount tenants", err)
		}
	}
	rows, err := tx.rows(ctx, "select id from organizations")
	all, err := collect(rows, err, func(row rowScanner) (id string, err error) { return id, row.Scan(&id) })
	if err != nil {
		return wrap("select organizations", err)
	}
	for _, id := range all {
		if err := tx.changed(ctx, now, ChangeTenant, id+"/"); err != nil {
			return err
		}
	}
	return nil
}
