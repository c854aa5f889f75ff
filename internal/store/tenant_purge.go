package store

import (
	"cmp"
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// A TenantTable is a table with rows that belong to tenants.
type TenantTable struct {
	Name  string
	Count string // what its rows are called where they are counted; empty: they aren't
	key   string // columns of its primary key
	by    string // condition on its rows; empty: by tenant_id
}

// Conditions on the rows of tenant $2 in organization $1, and of its clients. That
// there is a tenant names the partial indexes.
const (
	byTenant = "organization_id = $1 and tenant_id = $2 and tenant_id <> ''"
	byClient = "organization_id = $1 and client_id in (select id from clients where " + byTenant + ")"
)

// tenantTables are the tables that PurgeTenant empties of a tenant, in an order
// that the foreign keys allow: what points to others before them. A table that is
// added to the schema belongs here; a test of the suite finds those that are not.
var tenantTables = []TenantTable{
	{Name: "oauth_grants", key: "id"},
	{Name: "oauth_grants", key: "id", by: byClient},
	{Name: "oauth_codes", key: "hash"},
	{Name: "oauth_codes", key: "hash", by: byClient},
	{Name: "oauth_families", key: "id"},
	{Name: "oauth_families", key: "id", by: byClient},
	{Name: "oauth_devices", key: "hash", by: "$1 <> '' and tenant_id = $2"}, // nobody's organization until somebody decides
	{Name: "client_connections", key: "client_id, tenant_id"},
	{Name: "client_usage", key: "client_id, tenant_id"},
	{Name: "client_usage", key: "client_id, tenant_id", by: byClient},
	{Name: "assertion_ids", key: "client_id, id", by: byClient},
	{Name: "client_secrets", key: "client_id, hint", by: byClient},
	{Name: "clients", key: "id", Count: "oauthClients", by: byTenant + " and deleted_at = 0"},
	{Name: "clients", key: "id", by: byTenant + " and deleted_at <> 0 and published_at = 0"},
	{Name: "webhook_deliveries", key: "id"},
	{Name: "webhooks", key: "id", Count: "webhooks"},
	{Name: "space_assignments", key: "tenant_id, space_id, id"},
	{Name: "spaces", key: "tenant_id, id", Count: "spaces"},
	{Name: "license_assignments", key: "tenant_id, subject", Count: "seats"},
	{Name: "role_holders", key: "tenant_id, role, holder_id"},
	{Name: "group_members", key: "tenant_id, user_id, group_id"},
	{Name: "groups", key: "tenant_id, id", Count: "groups"},
	{Name: "roles", key: "tenant_id, id"},
	{Name: "directories", key: "tenant_id"},
	{Name: "api_keys", key: "tenant_id, id", Count: "apiKeys"},
	{Name: "api_key_settings", key: "tenant_id"},
	{Name: "csp_origins", key: "tenant_id, id"},
	{Name: "web_integrations", key: "tenant_id, id"},
	{Name: "sessions", key: "tenant_id, id"},
	{Name: "credentials", key: "id"},
	{Name: "sign_in_links", key: "id"},
	{Name: "identity_providers", key: "tenant_id, id", Count: "identityProviders"},
	{Name: "auth_settings", key: "tenant_id"},
	{Name: "tenant_preferences", key: "tenant_id"},
	{Name: "users", key: "tenant_id, id", Count: "users", by: byTenant + " and client_id = ''"},
	{Name: "users", key: "tenant_id, id", Count: "bots", by: byTenant + " and client_id <> ''"},
	{Name: "idempotency_keys", key: "organization_id, subscription_id, region, tenant_id, client_id, key"},
	{Name: "tenant_labels", key: "tenant_id, name"},
	{Name: "hostnames", key: "hostname"},
}

// keptTables are the tables in which rows about a tenant outlive it, and why.
var keptTables = map[string]string{
	"provisionings":   "provisioners hear of the purge last",
	"tenant_erasures": "says that rows of the tenant are left, and goes with the last of them",
	"tenants":         "the tombstone, which says that the id was used and by whom",
	"audit_records":   "what happened stays on record",
	"revoked_tokens":  "must outlive the tokens; Trim deletes them then",
	"revoked_grants":  "must outlive the tokens; Trim deletes them then",
}

// TenantTables returns the tables that a purge empties of the tenant, and those
// that it leaves alone with the reasons.
func TenantTables() (purged []string, kept map[string]string) {
	for _, table := range tenantTables {
		purged = append(purged, table.Name)
	}
	return purged, keptTables
}

func (t TenantTable) condition() string {
	return cmp.Or(t.by, byTenant)
}

// TenantContents is what a tenant holds.
type TenantContents struct {
	Counts      map[string]int64 // rows, by what they are called
	Trusting    int64            // other tenants that let clients of the tenant act
	LastTokenAt time.Time        // when anybody last got a token there; zero: never
}

// TenantContents says what there is in the tenant of scope.
func (tx *Tx) TenantContents(ctx context.Context, scope estate.Scope) (TenantContents, error) {
	contents := TenantContents{Counts: map[string]int64{}}
	t, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return contents, err
	}
	for _, table := range tenantTables {
		if table.Count == "" {
			continue
		}
		var n int64
		if err := tx.row(ctx, "select count(*) from "+table.Name+" where "+table.condition(), t.Organization, t.ID).Scan(&n); err != nil {
			return contents, wrap("count "+table.Name, err)
		}
		contents.Counts[table.Count] += n
	}
	err = tx.row(ctx, "select count(distinct tenant_id) from client_connections where consent = 'trusted' and "+byClient, t.Organization, t.ID).Scan(&contents.Trusting)
	if err != nil {
		return contents, wrap("count trusting tenants", err)
	}
	var last int64
	err = tx.row(ctx, "select coalesce(max(last_used_at), 0) from client_usage where "+byTenant, t.Organization, t.ID).Scan(&last)
	contents.LastTokenAt = fromMicros(last)
	return contents, wrap("select last use", err)
}

// PurgeTenant purges the tenant of scope if it is disabled, not protected, and was to be
// purged at now or before: its host names and its place in the entitlement are free,
// nobody reaches anything in it any more, and a tombstone with its id, name and
// generated host name stays. It returns false, and changes nothing, when there was
// nothing to purge: another process may have been faster.
//
// Of what belongs to the tenant it erases at most step rows, so that a large tenant
// holds nobody up. If more are left, TenantsToErase has the tenant until EraseTenant
// has erased them.
//
// Its published clients can have left bots in other tenants. These stop, and as
// when such a client is deleted, its row stays to tell whose they were.
func (tx *Tx) PurgeTenant(ctx context.Context, scope estate.Scope, now time.Time, step int) (bool, error) {
	if scope.Tenant == "" {
		return false, errTenantNotFound
	}
	t, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return false, err
	}
	at := micros(now)
	n, err := tx.exec(ctx, `update tenants set rev = rev + 1, status = 'deleted', alias = '', external_id = '', labels = '{}', settings = '{}',
			status_updated_at = $3, updated_at = $3
		where organization_id = $1 and id = $2 and status = 'disabled' and deletion_protection = 0 and purge_at <= $3`, t.Organization, t.ID, at)
	if err != nil || n == 0 {
		return false, wrap("bury tenant", err)
	}
	t.Status = estate.TenantDisabled // as the statement has found it
	tx.tally.count(t, -1)
	t.Status = estate.TenantDeleted
	tx.tally.count(t, 1)
	if err := tx.tenantChanged(ctx, now, t); err != nil {
		return false, err
	}
	// The names are read now that nobody else can change the tenant any more.
	rows, err := tx.rows(ctx, "select hostname from hostnames where "+byTenant, t.Organization, t.ID)
	names, err := collect(rows, err, func(row rowScanner) (name estate.Hostname, err error) { return name, row.Scan(&name) })
	if err != nil {
		return false, wrap("select hostnames to purge", err)
	}
	for _, statement := range []string{
		"delete from hostnames where " + byTenant,
		"delete from tenant_labels where " + byTenant,       // by which tenants are found
		"update webhooks set enabled = 0 where " + byTenant, // events of the organization are for them no more
	} {
		if _, err := tx.exec(ctx, statement, t.Organization, t.ID); err != nil {
			return false, wrap("purge tenant", err)
		}
	}
	if err := tx.purgeClients(ctx, t, now); err != nil {
		return false, err
	}
	erased, err := tx.erase(ctx, t, step)
	if err == nil && !erased {
		_, err = tx.exec(ctx, "insert into tenant_erasures (organization_id, tenant_id, since) values ($1, $2, $3)", t.Organization, t.ID, at)
	}
	if err != nil {
		return false, wrap("erase tenant", err)
	}
	n, err = tx.exec(ctx, "update subscriptions set tenant_count = tenant_count - 1 where organization_id = $1 and id = $2", t.Organization, t.Subscription)
	if err == nil && n != 1 {
		err = errSubscriptionNotFound
	}
	if err != nil {
		return false, wrap("free tenant place", err)
	}
	return true, tx.hostnamesChanged(ctx, now, names...)
}

// erase deletes at most step rows of a tenant. It tells whether that were the last.
func (tx *Tx) erase(ctx context.Context, t estate.Tenant, step int) (last bool, err error) {
	left := int64(step)
	for _, table := range tenantTables {
		if left <= 0 {
			return false, nil
		}
		n, err := tx.exec(ctx, "delete from "+table.Name+" where ("+table.key+") in (select "+table.key+" from "+table.Name+" where "+table.condition()+" limit $3)",
			t.Organization, t.ID, left)
		if err != nil {
			return false, wrap("erase "+table.Name, err)
		}
		left -= n
	}
	return left > 0, nil
}

// TenantsToErase returns purged tenants of which rows are left, those that have waited
// longest first. They are at most MaxPage.
func (tx *Tx) TenantsToErase(ctx context.Context) ([]estate.Tenant, error) {
	rows, err := tx.rows(ctx, "select "+tenantsSelected+" from tenants where id in (select tenant_id from tenant_erasures) order by status_updated_at, id limit $1", MaxPage)
	all, err := collect(rows, err, scanTenant)
	return all, wrap("select tenants to erase", err)
}

// EraseTenant erases at most step rows of the tenant of scope, if it has been purged.
// It tells whether nothing is left.
func (tx *Tx) EraseTenant(ctx context.Context, scope estate.Scope, step int) (done bool, err error) {
	if scope.Tenant == "" {
		return false, errTenantNotFound
	}
	t, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return false, err
	}
	if t.Status != estate.TenantDeleted {
		return true, nil
	}
	if done, err = tx.erase(ctx, t, step); err != nil || !done {
		return done, err
	}
	_, err = tx.exec(ctx, "delete from tenant_erasures where organization_id = $1 and tenant_id = $2", t.Organization, t.ID)
	return done, wrap("end erasure", err)
}

// purgeClients takes the clients of a tenant out of use everywhere. Of those that
// other tenants know, the rows are kept as deleted.
func (tx *Tx) purgeClients(ctx context.Context, t estate.Tenant, now time.Time) error {
	rows, err := tx.rows(ctx, "select "+clientColumns+" from clients where "+byTenant+" and deleted_at = 0 order by id", t.Organization, t.ID)
	clients, err := collect(rows, err, scanClient)
	if err != nil {
		return wrap("select clients to purge", err)
	}
	for _, client := range clients {
		if client.PublishedAt.IsZero() {
			if err := tx.changed(ctx, now, ChangeClient, string(client.ID)); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.StopBots(ctx, estate.Scope{Organization: t.Organization}, client.ID, now); err != nil {
			return err
		}
		if err := tx.DeleteClient(ctx, t.Scope(), client.ID, now); err != nil {
			return err
		}
	}
	return nil
}
