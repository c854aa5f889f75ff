package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// bulkRows bounds how many rows one statement inserts. There is a statement for each
// power of two up to it.
const bulkRows = 32

// insertRows inserts rows, which have a value for each of the columns.
func (tx *Tx) insertRows(ctx context.Context, table, columns string, rows [][]any) error {
	expressions := make([]string, strings.Count(columns, ",")+1)
	for i := range expressions {
		expressions[i] = "%s"
	}
	var args []any
	for n := bulkRows; len(rows) > 0; rows = rows[n:] {
		for n > len(rows) {
			n /= 2
		}
		args = args[:0]
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := tx.exec(ctx, "insert into "+table+" ("+columns+") values "+valueLists(n, expressions), args...); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	return nil
}

// InsertTenants adds many tenants of one organization at once. Deleted ones are
// tombstones, without host names and labels. It does what InsertTenant does for each,
// but that others are told once to forget what they know of the organization's.
func (tx *Tx) InsertTenants(ctx context.Context, tenants []estate.Tenant) error {
	if !tx.write {
		return errReadTransaction
	}
	if len(tenants) == 0 {
		return nil
	}
	if tx.conn.bulk != "" {
		if err := tx.conn.exec(ctx, tx.conn.bulk); err != nil {
			return wrap("prepare for many rows", err)
		}
	}
	var rows, names, labels [][]any
	for _, t := range tenants {
		rows = append(rows, tenantRow(t))
		tx.tally.count(t, 1)
		tx.tally.created(t.Organization, t.CreatedAt, 1)
		if t.Status == estate.TenantDeleted {
			continue
		}
		for _, name := range []estate.Hostname{t.Hostname, t.Alias} {
			if name != "" {
				names = append(names, []any{name, t.Organization, t.ID})
			}
		}
		for name, value := range t.Labels {
			labels = append(labels, []any{t.Organization, t.ID, name, value})
		}
	}
	for _, of := range []struct {
		table, columns string
		rows           [][]any
	}{
		{"tenants", "name_key, " + tenantColumns, rows},
		{"hostnames", "hostname, organization_id, tenant_id", names},
		{"tenant_labels", "organization_id, tenant_id, name, value", labels},
	} {
		if err := tx.insertRows(ctx, of.table, of.columns, of.rows); err != nil {
			return wrap("insert tenants", err)
		}
	}
	return tx.changed(ctx, tenants[0].UpdatedAt, ChangeTenant, string(tenants[0].Organization)+"/")
}

// tenantRow are the values of name_key and tenantColumns.
func tenantRow(t estate.Tenant) []any {
	return []any{
		filter.Fold(t.Name), t.ID, t.Organization, t.Subscription, t.Region, t.Datacenter, t.CountryCode, t.Name, t.Hostname, t.Alias,
		t.Status, micros(t.StatusUpdatedAt), t.ExternalID, marshalLabels(t.Labels), t.CreatedBy, micros(t.CreatedAt), micros(t.UpdatedAt),
		max(t.Rev, 1), micros(t.PurgeAt), flag(t.Protected), marshal(t.Settings),
	}
}

// TakeTenantPlaces counts n more tenants in the subscription of scope. It returns
// false, and changes nothing, when the entitlement has not as many places left.
func (tx *Tx) TakeTenantPlaces(ctx context.Context, scope estate.Scope, n int64) (bool, error) {
	c := within(estate.Scope{Organization: scope.Organization, Subscription: scope.Subscription}, "id", "", "")
	if scope.Subscription == "" || scope.Region != "" || scope.Tenant != "" {
		c.add("1 = 0")
	}
	set := "update subscriptions set tenant_count = tenant_count + " + c.arg(n)
	c.add("tenant_count + " + c.arg(n) + " <= tenant_limit")
	changed, err := tx.exec(ctx, set+c.where(), c.args...)
	return changed == 1, wrap("take tenant places", err)
}
