package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMigration_TenantLife: tenants from before are found by their labels, and have
// the settings that the contract says.
func TestMigration_TenantLife(t *testing.T) {
	const migration = "00020_tenant_life.sql"
	db := openSQL(t, filepath.Join(t.TempDir(), "test.db"))
	files, err := filepath.Glob(filepath.Join("migrations", "sqlite", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files { // sorted by number
		if filepath.Base(file) == migration {
			for _, before := range []string{
				"insert into organizations (id, name, created_at, updated_at) values ('org', 'Acme', 1, 1)",
				"insert into regions (code, name, datacenter, country_code, created_at) values ('eu', 'Ireland', 'eu-west-1', 'IE', 1)",
				"insert into subscriptions (id, organization_id, name, tenant_limit, starts_at, ends_at, created_at, updated_at) values ('1', 'org', 'x', 1, 1, 2, 1, 1)",
				`insert into tenants (id, organization_id, subscription_id, region, datacenter, country_code, name, name_key, hostname, alias, status, status_updated_at,
					external_id, labels, created_by, created_at, updated_at)
					values ('t', 'org', '1', 'eu', 'eu-west-1', 'IE', 'T', 't', 't.eu', '', 'active', 1, '', '{"plan":"gold","a/b":"x=\"y\""}', 'me', 1, 1)`,
			} {
				execSQL(t, db, before)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		execSQL(t, db, string(text))
		if filepath.Base(file) == migration {
			break
		}
	}
	have := map[string]string{}
	rows, err := db.QueryContext(t.Context(), `select name, value from tenant_labels where organization_id = 'org' and tenant_id = 't'
		union all select 'rev', rev from tenants union all select 'purge_at', purge_at from tenants
		union all select 'deletion_protection', deletion_protection from tenants union all select 'settings', settings from tenants`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		have[name] = value
	}
	want := map[string]string{"plan": "gold", "a/b": `x="y"`, "rev": "1", "purge_at": "0", "deletion_protection": "0", "settings": "{}"}
	if diff := cmp.Diff(want, have); diff != "" || rows.Err() != nil {
		t.Errorf("(-want +got)\n%s%v", diff, rows.Err())
	}
}
