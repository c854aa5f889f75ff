package store

import (
	"cmp"
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
	return tx.hostnamesChanged(ctx, t.UpdatedAt, was.Hostname, was.Alias, t.Alias)
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

// A TenantTable is a table with rows that belong to tenants.
type TenantTable struct {
	Name  string
	Count string // what its rows are called where they are counted; empty: they aren't
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
	{Name: "oauth_grants"},
	{Name: "oauth_grants", by: byClient},
	{Name: "oauth_codes"},
	{Name: "oauth_codes", by: byClient},
	{Name: "oauth_families"},
	{Name: "oauth_families", by: byClient},
	{Name: "oauth_devices", by: "$1 <> '' and tenant_id = $2"}, // nobody's organization until somebody decides
	{Name: "client_connections"},
	{Name: "client_usage"},
	{Name: "client_usage", by: byClient},
	{Name: "assertion_ids", by: byClient},
	{Name: "client_secrets", by: byClient},
	{Name: "clients", Count: "oauthClients", by: byTenant + " and deleted_at = 0"},
	{Name: "clients", by: byTenant + " and deleted_at <> 0 and published_at = 0"},
	{Name: "webhook_deliveries"},
	{Name: "webhooks", Count: "webhooks"},
	{Name: "space_assignments"},
	{Name: "spaces", Count: "spaces"},
	{Name: "license_assignments", Count: "seats"},
	{Name: "role_holders"},
	{Name: "group_members"},
	{Name: "groups", Count: "groups"},
	{Name: "roles"},
	{Name: "directories"},
	{Name: "sessions"},
	{Name: "credentials"},
	{Name: "sign_in_links"},
	{Name: "identity_providers", Count: "identityProviders"},
	{Name: "auth_settings"},
	{Name: "tenant_preferences"},
	{Name: "users", Count: "users", by: byTenant + " and client_id = ''"},
	{Name: "users", Count: "bots", by: byTenant + " and client_id <> ''"},
	{Name: "idempotency_keys"},
	{Name: "tenant_labels"},
	{Name: "hostnames"},
}

// keptTables are the tables in which rows about a tenant outlive it, and why.
var keptTables = map[string]string{
	"provisionings":  "provisioners hear of the purge last",
	"tenants":        "the tombstone, which says that the id was used and by whom",
	"audit_records":  "what happened stays on record",
	"revoked_tokens": "must outlive the tokens; Trim deletes them then",
	"revoked_grants": "must outlive the tokens; Trim deletes them then",
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

// PurgeTenant erases the tenant of scope if it is disabled, not protected, and was
// to be purged at now or before: everything that belongs to it goes, its host names and its place
// in the entitlement are free. A tombstone with its id, name and generated host
// name stays. It returns false, and changes nothing, when there was nothing to
// purge: another process may have been faster.
//
// Its published clients can have left bots in other tenants. These stop, and as
// when such a client is deleted, its row stays to tell whose they were.
func (tx *Tx) PurgeTenant(ctx context.Context, scope estate.Scope, now time.Time) (bool, error) {
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
	if err := tx.purgeClients(ctx, t, now); err != nil {
		return false, err
	}
	for _, table := range tenantTables {
		if _, err := tx.exec(ctx, "delete from "+table.Name+" where "+table.condition(), t.Organization, t.ID); err != nil {
			return false, wrap("purge "+table.Name, err)
		}
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
