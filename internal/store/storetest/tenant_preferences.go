package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func testTenantPreferences(t *testing.T, db Database) {
	ctx, s := t.Context(), newSample(t, db)
	home, elsewhere := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, elsewhere)
	get := func(of estate.Tenant) *estate.TenantPreferences {
		return read(t, db, func(tx *store.Tx) (*estate.TenantPreferences, error) { return tx.TenantPreferences(ctx, of.Scope()) })
	}
	equal(t, "before", get(home), nil)
	want := complete(t, estate.TenantPreferences{
		StartPage: "management-console", NoAccess: complete(t, estate.NoAccess{LinkEnabled: true, LinkLabel: "Ask", LinkURL: "https://example.com", Message: "No."}),
		ReleaseCadence: "monthly", NoSessionReplay: true, CrossRegionProcessing: true, CreatedAt: moment(1), CreatedBy: "ada", UpdatedAt: moment(2), UpdatedBy: "bob",
	})
	for _, settings := range []estate.TenantPreferences{want, estate.DefaultTenantPreferences()} {
		write(t, db, func(tx *store.Tx) error { return tx.SetTenantPreferences(ctx, home.Scope(), settings) })
		equal(t, "settings", get(home), &settings)
	}
	equal(t, "elsewhere", get(elsewhere), nil)
	nowhere := home.Scope()
	nowhere.Tenant = "none"
	err := refused(t, db, func(tx *store.Tx) error { return tx.SetTenantPreferences(ctx, nowhere, want) })
	wantError(t, err, estate.NotFound, api.CodeTenantNotFound)
	remove := func(tx *store.Tx) error { return tx.DeleteTenantPreferences(ctx, home.Scope()) }
	write(t, db, remove)
	equal(t, "after", get(home), nil)
	wantError(t, refused(t, db, remove), estate.NotFound, api.CodeTenantSettingsNotFound)
}

// insertTenantPreferences gives each tenant of w settings.
func insertTenantPreferences(ctx context.Context, tx *store.Tx, w world) error {
	for _, of := range w.tenants {
		if err := tx.SetTenantPreferences(ctx, of.Scope(), estate.TenantPreferences{StartPage: string(of.ID)}); err != nil {
			return err
		}
	}
	return nil
}

var tenantPreferencesReads = map[string]readCase{
	"TenantPreferences": {rows: settingsRows, covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		s, err := tx.TenantPreferences(ctx, scope)
		if s == nil {
			return nil, err
		}
		return []string{s.StartPage}, err
	}},
}

var tenantPreferencesWrites = map[string]writeCase{
	"SetTenantPreferences": {
		rows: settingsRows, covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.SetTenantPreferences(ctx, scope, estate.DefaultTenantPreferences())
		},
		again:   by("delete from tenant_preferences"),
		touches: tenantPreferencesLine,
	},
	"DeleteTenantPreferences": {
		rows: settingsRows, covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.DeleteTenantPreferences(ctx, scope)
		},
		again:   saved("tenant_preferences"),
		touches: tenantPreferencesLine,
	},
}

func tenantPreferencesLine(_ world, _ row, scope estate.Scope) []string {
	return []string{fmt.Sprintf("tenant_preferences: tenant_id=%q", scope.Tenant)}
}
