package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const tenantColumns = "id, organization_id, subscription_id, region, datacenter, country_code, name, hostname, alias, status, status_updated_at, external_id, labels, created_by, created_at, updated_at, rev, purge_at, deletion_protection, settings"

// tenantsSelected is what scanTenant reads.
const tenantsSelected = tenantColumns + ", " + provisioningColumns

func scanTenant(row rowScanner) (estate.Tenant, error) {
	var t estate.Tenant
	var p provisioningStatus
	var labels, settings string
	var statusUpdated, created, updated, purge, protected int64
	err := row.Scan(&t.ID, &t.Organization, &t.Subscription, &t.Region, &t.Datacenter, &t.CountryCode, &t.Name, &t.Hostname, &t.Alias,
		&t.Status, &statusUpdated, &t.ExternalID, &labels, &t.CreatedBy, &created, &updated, &t.Rev, &purge, &protected, &settings, &p.State, &p.Message, &p.at)
	t.Provisioning = p.read()
	t.StatusUpdatedAt, t.CreatedAt, t.UpdatedAt, t.PurgeAt = fromMicros(statusUpdated), fromMicros(created), fromMicros(updated), fromMicros(purge)
	t.Protected = protected != 0
	if err == nil && labels != "{}" {
		err = json.Unmarshal([]byte(labels), &t.Labels)
	}
	t.Settings = estate.DefaultTenantSettings() // what the row does not say
	if err == nil && settings != "{}" {
		err = json.Unmarshal([]byte(settings), &t.Settings)
	}
	return t, err
}

// InsertTenant adds t and takes its host names. The caller has taken its place
// in the entitlement in the same transaction.
func (tx *Tx) InsertTenant(ctx context.Context, t estate.Tenant) error {
	err := tx.insert(ctx, "insert into tenants (name_key, "+tenantColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
		tenantRow(t)...)
	if err != nil {
		return wrap("insert tenant", err)
	}
	for _, name := range []estate.Hostname{t.Hostname, t.Alias} {
		if name == "" {
			continue
		}
		err := tx.insert(ctx, "insert into hostnames (hostname, organization_id, tenant_id) values ($1, $2, $3)", name, t.Organization, t.ID)
		if err != nil {
			return wrap("insert hostname", err)
		}
	}
	tx.tally.count(t, 1)
	tx.tally.created(t.Organization, t.CreatedAt, 1)
	if err := tx.tenantChanged(ctx, t.CreatedAt, t); err != nil {
		return err
	}
	return tx.insertTenantLabels(ctx, t)
}

// tenantChanged has everybody forget what they know of t.
func (tx *Tx) tenantChanged(ctx context.Context, at time.Time, t estate.Tenant) error {
	return tx.changed(ctx, at, ChangeTenant, string(t.Organization)+"/"+string(t.ID))
}

// Tenant returns a tenant.
func (tx *Tx) Tenant(ctx context.Context, scope estate.Scope, id estate.TenantID) (estate.Tenant, error) {
	c := within(scope, "subscription_id", "region", "id")
	c.add("id = " + c.arg(id))
	t, err := scanTenant(tx.row(ctx, "select "+tenantsSelected+" from tenants"+c.where(), c.args...))
	return t, wrap("select tenant", orNotFound(err, errTenantNotFound))
}

// TenantByExternalID returns the tenant that its maker gave the external id.
func (tx *Tx) TenantByExternalID(ctx context.Context, scope estate.Scope, externalID string) (estate.Tenant, error) {
	c := within(scope, "subscription_id", "region", "id")
	c.add("external_id <> ''") // names the partial index
	c.add("external_id = " + c.arg(externalID))
	t, err := scanTenant(tx.row(ctx, "select "+tenantsSelected+" from tenants"+c.where(), c.args...))
	return t, wrap("select tenant by external id", orNotFound(err, errTenantNotFound))
}

// HostnameFree tells whether no tenant has name.
func (tx *Tx) HostnameFree(ctx context.Context, name estate.Hostname) (bool, error) {
	var n int
	err := tx.row(ctx, "select count(*) from hostnames where hostname = $1", name).Scan(&n)
	return n == 0, wrap("select hostname", err)
}

// TenantByHostname returns the tenant that answers at name: a request names its
// tenant before anybody is authenticated.
func (tx *Tx) TenantByHostname(ctx context.Context, name estate.Hostname) (estate.Tenant, error) {
	t, err := scanTenant(tx.row(ctx, "select "+tenantsSelected+" from tenants where id = (select tenant_id from hostnames where hostname = $1)", name))
	return t, wrap("select tenant by hostname", orNotFound(err, errTenantNotFound))
}
