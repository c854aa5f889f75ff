package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TenantPreferences returns those of the tenant of scope; nil: it has none of its own.
func (tx *Tx) TenantPreferences(ctx context.Context, scope estate.Scope) (*estate.TenantPreferences, error) {
	c := inTenant(scope, "tenant_preferences")
	var text string
	err := tx.row(ctx, "select settings from tenant_preferences"+c.where(), c.args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	settings := new(estate.TenantPreferences)
	if err == nil {
		err = json.Unmarshal([]byte(text), settings)
	}
	return settings, wrap("select tenant settings", err)
}

// SetTenantPreferences gives the tenant of scope settings of its own.
func (tx *Tx) SetTenantPreferences(ctx context.Context, scope estate.Scope, settings estate.TenantPreferences) error {
	c := &conditions{}
	value := c.arg(marshal(settings))
	c.add("id = " + c.arg(scope.Tenant))
	c.add(tenantExists(c, "tenants.id", scope))
	n, err := tx.exec(ctx, "insert into tenant_preferences (tenant_id, organization_id, settings) select id, organization_id, "+value+" from tenants"+c.where()+
		" on conflict (tenant_id) do update set settings = excluded.settings", c.args...)
	if err == nil && n == 0 {
		err = errTenantNotFound
	}
	return wrap("set tenant settings", err)
}

// DeleteTenantPreferences takes its own settings from the tenant of scope.
func (tx *Tx) DeleteTenantPreferences(ctx context.Context, scope estate.Scope) error {
	c := inTenant(scope, "tenant_preferences")
	n, err := tx.exec(ctx, "delete from tenant_preferences"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errTenantPreferencesNotFound
	}
	return wrap("delete tenant settings", err)
}
