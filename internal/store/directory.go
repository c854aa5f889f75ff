package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// everyoneHolder holds the roles that every user has.
const everyoneHolder = "everyone"

// DirectorySettings returns the settings of the tenant of scope, defaults if it has
// none of its own.
func (tx *Tx) DirectorySettings(ctx context.Context, scope estate.Scope) (estate.DirectorySettings, error) {
	settings := estate.DefaultDirectorySettings()
	c := inTenant(scope, "directories")
	var text string
	err := tx.row(ctx, "select settings from directories"+c.where(), c.args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return settings, nil
	case err == nil:
		err = json.Unmarshal([]byte(text), &settings)
	}
	return settings, wrap("select directory settings", err)
}

// SetDirectorySettings replaces the settings of the tenant of scope.
func (tx *Tx) SetDirectorySettings(ctx context.Context, scope estate.Scope, settings estate.DirectorySettings, at time.Time) error {
	if err := tx.upsertDirectory(ctx, scope, settings, "settings = excluded.settings, "); err != nil {
		return err
	}
	if err := tx.holdRoles(ctx, scope.Organization, scope.Tenant, everyoneHolder, settings.EveryoneRoles); err != nil {
		return err
	}
	return tx.accessChanged(ctx, at, scope)
}

// LockDirectory makes others who lock the directory of the tenant of scope wait
// until the transaction ends, so that what is counted in it stays true.
func (tx *Tx) LockDirectory(ctx context.Context, scope estate.Scope) error {
	return tx.upsertDirectory(ctx, scope, estate.DefaultDirectorySettings(), "")
}

func (tx *Tx) upsertDirectory(ctx context.Context, scope estate.Scope, settings estate.DirectorySettings, set string) error {
	if scope.Tenant == "" {
		return errTenantNotFound
	}
	if _, err := tx.Tenant(ctx, scope, scope.Tenant); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "insert into directories (organization_id, tenant_id, settings, changes) values ($1, $2, $3, 1)"+
		" on conflict (tenant_id) do update set "+set+"changes = directories.changes + 1", scope.Organization, scope.Tenant, marshal(settings))
	return wrap("upsert directory", err)
}
