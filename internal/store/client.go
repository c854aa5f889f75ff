package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const clientColumns = "id, level, organization_id, subscription_id, region, tenant_id, name, description, app_type, permissions, grant_types, auth_methods, consent, settings, created_by, created_by_type, created_at, updated_at, disabled_at, published_at, deleted_at"

// clientSettings are the parts of a client that are never searched by.
type clientSettings struct {
	URI            string   `json:"uri,omitempty"`
	LogoURI        string   `json:"logoUri,omitempty"`
	RedirectURIs   []string `json:"redirectUris,omitempty"`
	AllowedOrigins []string `json:"allowedOrigins,omitempty"`

	TokenBinding estate.TokenBinding          `json:"tokenBinding,omitempty"`
	PublicKeys   []estate.PublicKey           `json:"publicKeys,omitempty"`
	JWKSURI      string                       `json:"jwksUri,omitempty"`
	Federated    []estate.FederatedCredential `json:"federated,omitempty"`
}

func scanClient(row rowScanner) (estate.Client, error) {
	var c estate.Client
	var permissions, grants, methods, settings string
	var created, updated, disabled, published, deleted int64
	err := row.Scan(&c.ID, &c.Level, &c.Scope.Organization, &c.Scope.Subscription, &c.Scope.Region, &c.Scope.Tenant, &c.Name, &c.Description,
		&c.AppType, &permissions, &grants, &methods, &c.Consent, &settings, &c.CreatedBy, &c.CreatedByType, &created, &updated, &disabled, &published, &deleted)
	if err != nil {
		return c, err
	}
	var s clientSettings
	for _, column := range []struct {
		text string // not the key of a map: two columns may hold the same text
		into any
	}{{permissions, &c.Permissions}, {grants, &c.GrantTypes}, {methods, &c.AuthMethods}, {settings, &s}} {
		if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
			return c, err
		}
	}
	c.URI, c.LogoURI, c.RedirectURIs, c.AllowedOrigins = s.URI, s.LogoURI, s.RedirectURIs, s.AllowedOrigins
	c.TokenBinding = s.TokenBinding
	c.PublicKeys, c.JWKSURI, c.Federated = s.PublicKeys, s.JWKSURI, s.Federated
	c.CreatedAt, c.UpdatedAt, c.DisabledAt = fromMicros(created), fromMicros(updated), fromMicros(disabled)
	c.PublishedAt, c.DeletedAt = fromMicros(published), fromMicros(deleted)
	return c, nil
}

func settingsOf(c estate.Client) clientSettings {
	return clientSettings{
		URI: c.URI, LogoURI: c.LogoURI, RedirectURIs: c.RedirectURIs, AllowedOrigins: c.AllowedOrigins,
		PublicKeys: c.PublicKeys, JWKSURI: c.JWKSURI, Federated: c.Federated, TokenBinding: c.TokenBinding,
	}
}

// InsertClient adds c with its secrets.
func (tx *Tx) InsertClient(ctx context.Context, c estate.Client) error {
	settings := settingsOf(c)
	_, err := tx.exec(ctx, "insert into clients ("+clientColumns+", name_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
		c.ID, c.Level, c.Scope.Organization, c.Scope.Subscription, c.Scope.Region, c.Scope.Tenant, c.Name, c.Description, c.AppType,
		marshal(c.Permissions), marshal(c.GrantTypes), marshal(c.AuthMethods), c.Consent, marshal(settings),
		c.CreatedBy, c.CreatedByType, micros(c.CreatedAt), micros(c.UpdatedAt), micros(c.DisabledAt), micros(c.PublishedAt), micros(c.DeletedAt), filter.Fold(c.Name))
	if err != nil {
		return wrap("insert client", err)
	}
	for _, s := range c.Secrets {
		if err := tx.insertClientSecret(ctx, c.Scope, c.ID, s); err != nil {
			return err
		}
	}
	return tx.changed(ctx, c.UpdatedAt, ChangeClient, string(c.ID))
}

// Client returns a client with its secrets, unless it is deleted.
func (tx *Tx) Client(ctx context.Context, scope estate.Scope, id estate.ClientID) (estate.Client, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("id = " + c.arg(id))
	c.add("deleted_at = 0")
	return tx.client(ctx, c)
}

// ClientToAuthenticate returns a client by its id alone, unless it is deleted: at
// the token endpoint the owner is what is to be found out. It is filled with the
// tenants that trust it.
func (tx *Tx) ClientToAuthenticate(ctx context.Context, id estate.ClientID) (estate.Client, error) {
	c := &conditions{}
	c.add("id = " + c.arg(id))
	c.add("deleted_at = 0")
	client, err := tx.client(ctx, c)
	if err != nil || client.PublishedAt.IsZero() {
		return client, err
	}
	return client, tx.fillTrust(ctx, &client)
}

func (tx *Tx) client(ctx context.Context, c *conditions) (estate.Client, error) {
	client, err := scanClient(tx.row(ctx, "select "+clientColumns+" from clients"+c.where(), c.args...))
	if err != nil {
		return client, wrap("select client", orNotFound(err, errClientNotFound))
	}
	return client, tx.fillClient(ctx, &client)
}

// Clients returns the clients in scope that are not deleted, oldest first: those of one level where
// level is set.
func (tx *Tx) Clients(ctx context.Context, scope estate.Scope, level estate.Level) ([]estate.Client, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("deleted_at = 0")
	if level != "" {
		c.add("level = " + c.arg(level))
	}
	rows, err := tx.rows(ctx, "select "+clientColumns+" from clients"+c.where()+" order by created_at, id", c.args...)
	all, err := collect(rows, err, scanClient)
	if err != nil {
		return nil, wrap("select clients", err)
	}
	for i := range all {
		if err := tx.fillClient(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (tx *Tx) fillClient(ctx context.Context, c *estate.Client) error {
	rows, err := tx.rows(ctx, "select "+secretColumns+" from client_secrets where organization_id = $1 and client_id = $2 order by created_at, hint", c.Scope.Organization, c.ID)
	c.Secrets, err = collect(rows, err, scanSecret)
	return wrap("select client secrets", err)
}

// ClientUsage is how often a client got tokens at a tenant, or above tenants
// where Tenant is empty.
type ClientUsage struct {
	Client      estate.ClientID
	Tenant      estate.TenantID
	FirstUsedAt time.Time
	LastUsedAt  time.Time
	Tokens      int64
}

// AddClientUsage adds u to what is known of the client's use. scope is where the
// client was used: at u.Tenant or, without a tenant, at its own level. If it can't
// act there, or if there is no such client, nothing happens. Several processes
// write behind, so uses come in any order.
func (tx *Tx) AddClientUsage(ctx context.Context, scope estate.Scope, u ClientUsage) error {
	if u.Tenant != scope.Tenant {
		return nil
	}
	c := &conditions{}
	values := strings.Join([]string{
		"organization_id", "id", c.arg(u.Tenant), c.arg(micros(u.FirstUsedAt)), c.arg(micros(u.LastUsedAt)), c.arg(u.Tokens),
	}, ", ")
	c.add("id = " + c.arg(u.Client))
	c.add(actsIn(c, scope))
	err := tx.insert(ctx, "insert into client_usage (organization_id, client_id, tenant_id, first_used_at, last_used_at, tokens) select "+values+
		" from clients"+c.where()+` on conflict (client_id, tenant_id) do update set
			first_used_at = case when excluded.first_used_at < client_usage.first_used_at then excluded.first_used_at else client_usage.first_used_at end,
			last_used_at = case when excluded.last_used_at > client_usage.last_used_at then excluded.last_used_at else client_usage.last_used_at end,
			tokens = client_usage.tokens + excluded.tokens`, c.args...)
	return wrap("add client usage", err)
}

// actsIn holds for clients that act in scope: above tenants, those that are exactly
// there; in a tenant, those whose reach covers it or that were published to it.
func actsIn(c *conditions, scope estate.Scope) string {
	organization := "clients.organization_id = " + c.arg(scope.Organization)
	if scope.Tenant == "" {
		return organization + " and clients.subscription_id = " + c.arg(scope.Subscription) + " and clients.region = " + c.arg(scope.Region) + " and clients.tenant_id = ''"
	}
	const covered = "clients.subscription_id in ('', t.subscription_id) and clients.region in ('', t.region) and clients.tenant_id in ('', t.id)"
	const published = "clients.published_at <> 0 and clients.tenant_id <> '' and clients.region = t.region"
	return organization + " and " + tenantExists(c, c.arg(scope.Tenant), scope, "t.status <> 'deleted'", "("+covered+" or "+published+")")
}

// ClientUsages returns the use of a client within scope, tenant by tenant. Use
// above tenants happened where the client is.
func (tx *Tx) ClientUsages(ctx context.Context, scope estate.Scope, id estate.ClientID) ([]ClientUsage, error) {
	place := func(column string) string {
		return "coalesce((select t." + column + " from tenants t where t.id = client_usage.tenant_id), (select c." + column + " from clients c where c.id = client_usage.client_id))"
	}
	c := within(scope, place("subscription_id"), place("region"), "tenant_id")
	c.add("client_id = " + c.arg(id))
	rows, err := tx.rows(ctx, "select client_id, tenant_id, first_used_at, last_used_at, tokens from client_usage"+c.where()+" order by tenant_id", c.args...)
	all, err := collect(rows, err, func(row rowScanner) (u ClientUsage, err error) {
		var first, last int64
		err = row.Scan(&u.Client, &u.Tenant, &first, &last, &u.Tokens)
		u.FirstUsedAt, u.LastUsedAt = fromMicros(first), fromMicros(last)
		return u, err
	})
	return all, wrap("select client usage", err)
}
