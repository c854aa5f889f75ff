package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// UpdateClient replaces what can change of a client: its description, lists,
// consent, and when it was disabled or published. Its secrets are left as they
// are.
func (tx *Tx) UpdateClient(ctx context.Context, scope estate.Scope, v estate.Client) error {
	settings := settingsOf(v)
	c := within(scope, "subscription_id", "region", "tenant_id")
	set := "update clients set name = " + c.arg(v.Name) + ", name_key = " + c.arg(filter.Fold(v.Name)) + ", description = " + c.arg(v.Description) +
		", permissions = " + c.arg(marshal(v.Permissions)) + ", grant_types = " + c.arg(marshal(v.GrantTypes)) + ", auth_methods = " + c.arg(marshal(v.AuthMethods)) +
		", consent = " + c.arg(string(v.Consent)) + ", settings = " + c.arg(marshal(settings)) + ", updated_at = " + c.arg(micros(v.UpdatedAt)) +
		", disabled_at = " + c.arg(micros(v.DisabledAt)) + ", published_at = " + c.arg(micros(v.PublishedAt))
	c.add("id = " + c.arg(v.ID))
	c.add("deleted_at = 0")
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errClientNotFound
	}
	if err != nil {
		return wrap("update client", err)
	}
	return tx.changed(ctx, v.UpdatedAt, ChangeClient, string(v.ID))
}

// DeleteClient takes a client out of use for good and erases its secrets and
// grants. The row stays, to tell whose the bots were that it leaves behind.
func (tx *Tx) DeleteClient(ctx context.Context, scope estate.Scope, id estate.ClientID, at time.Time) error {
	c := within(scope, "subscription_id", "region", "tenant_id")
	set := "update clients set deleted_at = " + c.arg(micros(at)) + ", updated_at = " + c.arg(micros(at))
	c.add("id = " + c.arg(id))
	c.add("deleted_at = 0")
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errClientNotFound
	}
	if err != nil {
		return wrap("delete client", err)
	}
	for _, table := range []string{"client_secrets", "oauth_grants", "oauth_codes", "oauth_families"} {
		if _, err := tx.exec(ctx, "delete from "+table+" where organization_id = $1 and client_id = $2", scope.Organization, id); err != nil {
			return wrap("delete from "+table, err)
		}
	}
	return tx.changed(ctx, at, ChangeClient, string(id))
}

// PublishedClient returns a client that was published to the tenant of scope by
// another tenant of its organization and region, without its secrets. It is
// returned even after its owner has deleted it, as long as this tenant has a
// connection to it.
func (tx *Tx) PublishedClient(ctx context.Context, scope estate.Scope, id estate.ClientID) (estate.Client, error) {
	c := &conditions{}
	c.add("id = " + c.arg(id))
	c.add(publishedTo(c, scope))
	client, err := scanClient(tx.row(ctx, "select "+clientColumns+" from clients"+c.where(), c.args...))
	return client, wrap("select published client", orNotFound(err, errClientNotFound))
}

// publishedTo holds for clients that other tenants have published to the tenant
// of scope, which must be one: in the scope's region, and in its subscription
// where that is set.
func publishedTo(c *conditions, scope estate.Scope) string {
	if scope.Organization == "" || scope.Region == "" || scope.Tenant == "" {
		return "1 = 0"
	}
	tenant := c.arg(string(scope.Tenant))
	return "(organization_id = " + c.arg(string(scope.Organization)) + " and region = " + c.arg(string(scope.Region)) +
		" and published_at <> 0 and tenant_id not in ('', " + tenant + ") and " + tenantExists(c, tenant, scope) +
		" and (deleted_at = 0 or exists (select 1 from client_connections n where n.client_id = clients.id and n.tenant_id = " + tenant + ")))"
}

// Connection is what a tenant has decided about a client that another tenant
// published. The zero Connection is no decision yet.
type Connection struct {
	Consent   estate.Consent
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ClientConnection returns the connection of the tenant of scope to a client.
func (tx *Tx) ClientConnection(ctx context.Context, scope estate.Scope, id estate.ClientID) (Connection, error) {
	all, err := tx.ClientConnections(ctx, scope, []estate.ClientID{id})
	return all[id], err
}

// ClientConnections returns the connections of the tenant of scope to those of
// the clients to which it has one.
func (tx *Tx) ClientConnections(ctx context.Context, scope estate.Scope, ids []estate.ClientID) (map[estate.ClientID]Connection, error) {
	found := map[estate.ClientID]Connection{}
	if len(ids) == 0 {
		return found, nil
	}
	c := inTenant(scope, "client_connections")
	in := ""
	for i, id := range ids {
		if i > 0 {
			in += ", "
		}
		in += c.arg(id)
	}
	c.add("client_id in (" + in + ")")
	rows, err := tx.rows(ctx, "select client_id, consent, created_at, updated_at from client_connections"+c.where(), c.args...)
	_, err = collect(rows, err, func(row rowScanner) (id estate.ClientID, err error) {
		var n Connection
		var created, updated int64
		err = row.Scan(&id, &n.Consent, &created, &updated)
		n.CreatedAt, n.UpdatedAt = fromMicros(created), fromMicros(updated)
		found[id] = n
		return id, err
	})
	return found, wrap("select client connections", err)
}

// SetClientConnection decides for the tenant of scope about a client that another
// tenant published, as it is now: see estate.Trust. One that was not published to it is
// not found.
func (tx *Tx) SetClientConnection(ctx context.Context, scope estate.Scope, id estate.ClientID, consent estate.Consent, at time.Time) error {
	client, err := tx.PublishedClient(ctx, scope, id)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `insert into client_connections (organization_id, client_id, tenant_id, consent, permissions, grant_types, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7)
		on conflict (client_id, tenant_id) do update set consent = excluded.consent, permissions = excluded.permissions, grant_types = excluded.grant_types,
			updated_at = excluded.updated_at`,
		scope.Organization, id, scope.Tenant, string(consent), marshal(client.Permissions), marshal(client.GrantTypes), micros(at))
	if err != nil {
		return wrap("set client connection", err)
	}
	return tx.changed(ctx, at, ChangeClient, string(id))
}

// DeleteClientConnection forgets what the tenant of scope has decided about a
// client. It returns false if there was nothing.
func (tx *Tx) DeleteClientConnection(ctx context.Context, scope estate.Scope, id estate.ClientID, at time.Time) (bool, error) {
	c := inTenant(scope, "client_connections")
	c.add("client_id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from client_connections"+c.where(), c.args...)
	if err != nil || n == 0 {
		return false, wrap("delete client connection", err)
	}
	return true, tx.changed(ctx, at, ChangeClient, string(id))
}

// fillTrust fills in the tenants that let a published client act, and what they have
// trusted. Nobody lets one act whose own tenant is stopped.
func (tx *Tx) fillTrust(ctx context.Context, v *estate.Client) error {
	rows, err := tx.rows(ctx, `select tenant_id, permissions, grant_types from client_connections where organization_id = $1 and client_id = $2 and consent = $3
			and exists (select 1 from tenants t where t.organization_id = $1 and t.id = $4 and t.status = $5)`,
		v.Scope.Organization, v.ID, string(estate.ConsentTrusted), v.Scope.Tenant, estate.TenantActive)
	v.TrustedBy = map[estate.TenantID]estate.Trust{}
	_, err = collect(rows, err, func(row rowScanner) (id estate.TenantID, err error) {
		var permissions, grants string
		var trust estate.Trust
		if err = row.Scan(&id, &permissions, &grants); err == nil {
			err = errors.Join(json.Unmarshal([]byte(permissions), &trust.Permissions), json.Unmarshal([]byte(grants), &trust.GrantTypes))
		}
		v.TrustedBy[id] = trust
		return id, err
	})
	return wrap("select client connections", err)
}
