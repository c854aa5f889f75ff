package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const apiKeyColumns = "organization_id, tenant_id, id, user_id, description, status, hash, hashed_by, created_at, created_by, updated_at, expires_at"

func scanAPIKey(row rowScanner) (k estate.APIKey, err error) {
	var created, updated, expires int64
	err = row.Scan(&k.Organization, &k.Tenant, &k.ID, &k.User, &k.Description, &k.Status, &k.Hash, &k.HashedBy, &created, &k.CreatedBy, &updated, &expires)
	k.CreatedAt, k.UpdatedAt, k.ExpiresAt = fromMicros(created), fromMicros(updated), fromMicros(expires)
	return k, err
}

// APIKeyListing is what API keys can be sorted by.
var APIKeyListing = &Listing[estate.APIKey]{
	table: "api_keys", columns: apiKeyColumns, id: "id", order: "created", scan: scanAPIKey,
	idOf: func(k estate.APIKey) string { return string(k.ID) },
	attributes: []listed[estate.APIKey]{
		{name: "created", typ: filter.Time, column: "created_at", value: instant(func(k estate.APIKey) time.Time { return k.CreatedAt })},
		{name: "createdByUser", column: "created_by", value: text(func(k estate.APIKey) string { return k.CreatedBy })},
		{name: "sub", column: "user_id", value: text(func(k estate.APIKey) estate.UserID { return k.User })},
		{name: "status", column: "status", value: text(func(k estate.APIKey) estate.APIKeyStatus { return k.Status })},
		{name: "description", column: "description", value: text(func(k estate.APIKey) string { return k.Description })},
	},
}

// APIKeyFilter picks API keys. Empty members restrict nothing.
type APIKeyFilter struct {
	User      estate.UserID
	CreatedBy string
	Status    estate.APIKeyStatus // at Now
	Now       time.Time
}

func (f APIKeyFilter) conditions(scope estate.Scope) *conditions {
	c := inTenant(scope, "api_keys")
	if f.User != "" {
		c.add("user_id = " + c.arg(string(f.User)))
	}
	if f.CreatedBy != "" {
		c.add("created_by = " + c.arg(f.CreatedBy))
	}
	switch f.Status {
	case "":
	case estate.APIKeyActive:
		c.add("status = 'active' and expires_at > " + c.arg(micros(f.Now)))
	case estate.APIKeyExpired:
		c.add("(status = 'expired' or status = 'active' and expires_at <= " + c.arg(micros(f.Now)) + ")")
	default:
		c.add("status = " + c.arg(string(f.Status)))
	}
	return c
}

// InsertAPIKey adds k.
func (tx *Tx) InsertAPIKey(ctx context.Context, k estate.APIKey) error {
	_, err := tx.exec(ctx, "insert into api_keys ("+apiKeyColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		k.Organization, k.Tenant, k.ID, k.User, k.Description, string(k.Status), k.Hash, k.HashedBy, micros(k.CreatedAt), k.CreatedBy, micros(k.UpdatedAt), micros(k.ExpiresAt))
	return wrap("insert api key", err)
}

// APIKey returns an API key of the tenant of scope.
func (tx *Tx) APIKey(ctx context.Context, scope estate.Scope, id estate.APIKeyID) (estate.APIKey, error) {
	c := inTenant(scope, "api_keys")
	c.add("id = " + c.arg(string(id)))
	k, err := scanAPIKey(tx.row(ctx, "select "+apiKeyColumns+" from api_keys"+c.where(), c.args...))
	return k, wrap("select api key", orNotFound(err, errAPIKeyNotFound))
}

// APIKeys returns a page of the API keys of the tenant of scope that f picks, in the
// order of q, and whether more follow in the direction of reading.
func (tx *Tx) APIKeys(ctx context.Context, scope estate.Scope, f APIKeyFilter, q Query) (page []estate.APIKey, more bool, err error) {
	return APIKeyListing.page(ctx, tx, f.conditions(scope), q)
}

// CountAPIKeys counts the API keys of the tenant of scope that f picks.
func (tx *Tx) CountAPIKeys(ctx context.Context, scope estate.Scope, f APIKeyFilter) (int64, error) {
	return APIKeyListing.count(ctx, tx, f.conditions(scope), nil)
}

// APIKeysDue returns active API keys that have expired at now, at most MaxPage.
func (tx *Tx) APIKeysDue(ctx context.Context, now time.Time) ([]estate.APIKey, error) {
	rows, err := tx.rows(ctx, "select "+apiKeyColumns+" from api_keys where status = 'active' and expires_at <= $1 order by expires_at limit $2", micros(now), MaxPage)
	all, err := collect(rows, err, scanAPIKey)
	return all, wrap("select expired api keys", err)
}

// UpdateAPIKey changes description and status of an API key of the tenant of scope.
func (tx *Tx) UpdateAPIKey(ctx context.Context, scope estate.Scope, k estate.APIKey) error {
	c := inTenant(scope, "api_keys")
	set := "update api_keys set description = " + c.arg(k.Description) + ", status = " + c.arg(string(k.Status)) + ", updated_at = " + c.arg(micros(k.UpdatedAt))
	return tx.changeAPIKey(ctx, scope, set, c, k.ID, k.UpdatedAt)
}

// DeleteAPIKey removes an API key of the tenant of scope.
func (tx *Tx) DeleteAPIKey(ctx context.Context, scope estate.Scope, id estate.APIKeyID, at time.Time) error {
	return tx.changeAPIKey(ctx, scope, "delete from api_keys", inTenant(scope, "api_keys"), id, at)
}

func (tx *Tx) changeAPIKey(ctx context.Context, scope estate.Scope, statement string, c *conditions, id estate.APIKeyID, at time.Time) error {
	c.add("id = " + c.arg(string(id)))
	n, err := tx.exec(ctx, statement+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errAPIKeyNotFound
	}
	if err != nil {
		return wrap("change api key", err)
	}
	return tx.changed(ctx, at, ChangeAPIKey, APIKeyKey(scope.Tenant, id))
}

// APIKeyKey is the key of a change of kind ChangeAPIKey.
func APIKeyKey(tenant estate.TenantID, id estate.APIKeyID) string {
	return string(tenant) + "/" + string(id)
}

// ParseAPIKeyKey reads what APIKeyKey made.
func ParseAPIKeyKey(key string) (tenant estate.TenantID, id estate.APIKeyID) {
	before, after, _ := strings.Cut(key, "/")
	return estate.TenantID(before), estate.APIKeyID(after)
}

// APIKeySettings returns the limits of API keys in the tenant of scope, the defaults
// if it has set none.
func (tx *Tx) APIKeySettings(ctx context.Context, scope estate.Scope) (s estate.APIKeySettings, err error) {
	c := inTenant(scope, "api_key_settings")
	err = tx.row(ctx, "select max_expiry, max_per_user, scim_expiry from api_key_settings"+c.where(), c.args...).Scan(&s.MaxExpiry, &s.MaxPerUser, &s.SCIMExpiry)
	if errors.Is(err, sql.ErrNoRows) {
		return estate.DefaultAPIKeySettings(), nil
	}
	return s, wrap("select api key settings", err)
}

// SetAPIKeySettings sets the limits of API keys in the tenant of scope.
func (tx *Tx) SetAPIKeySettings(ctx context.Context, scope estate.Scope, s estate.APIKeySettings) error {
	c := &conditions{}
	values := c.arg(string(s.MaxExpiry)) + ", cast(" + c.arg(s.MaxPerUser) + " as bigint), " + c.arg(string(s.SCIMExpiry))
	c.add("id = " + c.arg(scope.Tenant))
	c.add(tenantExists(c, "tenants.id", scope))
	n, err := tx.exec(ctx, "insert into api_key_settings (organization_id, tenant_id, max_expiry, max_per_user, scim_expiry) select organization_id, id, "+values+" from tenants"+c.where()+
		" on conflict (tenant_id) do update set max_expiry = excluded.max_expiry, max_per_user = excluded.max_per_user, scim_expiry = excluded.scim_expiry", c.args...)
	if err == nil && n == 0 {
		err = errTenantNotFound
	}
	return wrap("set api key settings", err)
}
