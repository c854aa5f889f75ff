package store

import (
	"context"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// marshalLabels writes labels as the tenant's own column has them.
func marshalLabels(labels map[string]string) string {
	if len(labels) == 0 {
		return "{}"
	}
	return marshal(labels)
}

// flag is how truth values are stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (tx *Tx) insertTenantLabels(ctx context.Context, t estate.Tenant) error {
	for name, value := range t.Labels {
		_, err := tx.exec(ctx, "insert into tenant_labels (organization_id, tenant_id, name, value) values ($1, $2, $3, $4)", t.Organization, t.ID, name, value)
		if err != nil {
			return wrap("insert tenant label", err)
		}
	}
	return nil
}

// UpdateTenant replaces what can change of a tenant: name, alias, status, when it
// is purged, protection, settings and labels. t is the tenant as it was read,
// changed: if somebody else has changed it since, the answer is a conflict. An
// alias that goes is free at once.
func (tx *Tx) UpdateTenant(ctx context.Context, scope estate.Scope, t estate.Tenant) error {
	was, err := tx.Tenant(ctx, scope, t.ID)
	if err != nil {
		return err
	}
	c := within(scope, "subscription_id", "region", "id")
	set := "update tenants set rev = rev + 1, name = " + c.arg(t.Name) + ", name_key = " + c.arg(filter.Fold(t.Name)) + ", alias = " + c.arg(t.Alias) +
		", status = " + c.arg(t.Status) + ", status_updated_at = " + c.arg(micros(t.StatusUpdatedAt)) + ", purge_at = " + c.arg(micros(t.PurgeAt)) +
		", deletion_protection = " + c.arg(flag(t.Protected)) + ", settings = " + c.arg(marshal(t.Settings)) + ", labels = " + c.arg(marshalLabels(t.Labels)) +
		", updated_at = " + c.arg(micros(t.UpdatedAt))
	c.add("id = " + c.arg(t.ID))
	c.add("rev = " + c.arg(t.Rev))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	switch {
	case err != nil:
		return wrap("update tenant", err)
	case n == 0:
		return wrap("update tenant", errTenantChanged)
	}
	if t.Alias != was.Alias {
		if err := tx.moveAlias(ctx, was, t.Alias); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, "delete from tenant_labels where organization_id = $1 and tenant_id = $2", was.Organization, was.ID); err != nil {
		return wrap("delete tenant labels", err)
	}
	now := was
	now.Labels, now.Status = t.Labels, t.Status
	if err := tx.insertTenantLabels(ctx, now); err != nil {
		return err
	}
	tx.tally.count(was, -1)
	tx.tally.count(now, 1)
	if err := tx.tenantChanged(ctx, t.UpdatedAt, was); err != nil {
		return err
	}
	if t.Status != was.Status {
		if err := tx.publishedChanged(ctx, t.UpdatedAt, was); err != nil {
			return err
		}
	}
	return tx.hostnamesChanged(ctx, t.UpdatedAt, was.Hostname, was.Alias, t.Alias)
}

// publishedChanged has everybody forget which tenants trust the clients that t has
// published: none, while it is stopped.
func (tx *Tx) publishedChanged(ctx context.Context, at time.Time, t estate.Tenant) error {
	rows, err := tx.rows(ctx, "select id from clients where organization_id = $1 and tenant_id = $2 and tenant_id <> '' and published_at <> 0 order by id", t.Organization, t.ID)
	ids, err := collect(rows, err, func(row rowScanner) (id string, err error) { return id, row.Scan(&id) })
	if err != nil {
		return wrap("select published clients", err)
	}
	for _, id := range ids {
		if err := tx.changed(ctx, at, ChangeClient, id); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) moveAlias(ctx context.Context, t estate.Tenant, to estate.Hostname) error {
	if t.Alias != "" {
		_, err := tx.exec(ctx, "delete from hostnames where organization_id = $1 and tenant_id = $2 and hostname = $3", t.Organization, t.ID, t.Alias)
		if err != nil {
			return wrap("delete alias", err)
		}
	}
	if to == "" {
		return nil
	}
	_, err := tx.exec(ctx, "insert into hostnames (hostname, organization_id, tenant_id) values ($1, $2, $3)", to, t.Organization, t.ID)
	return wrap("insert alias", err)
}

// hostnamesChanged has everybody forget who answers at the names.
func (tx *Tx) hostnamesChanged(ctx context.Context, at time.Time, names ...estate.Hostname) error {
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		if err := tx.changed(ctx, at, ChangeHostname, string(name)); err != nil {
			return err
		}
	}
	return nil
}

// TenantsDue returns disabled tenants that may be purged at now, that were disabled
// at quiet or before, and that are not protected; those that have waited longest
// come first. They are at most MaxPage.
func (tx *Tx) TenantsDue(ctx context.Context, now, quiet time.Time) ([]estate.Tenant, error) {
	rows, err := tx.rows(ctx, "select "+tenantsSelected+" from tenants where status = 'disabled' and deletion_protection = 0 and purge_at <= $1 and status_updated_at <= $2 order by purge_at, id limit $3",
		micros(now), micros(quiet), MaxPage)
	all, err := collect(rows, err, scanTenant)
	return all, wrap("select tenants that are due", err)
}
