package store

import (
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// TestPlan_TenantLife: what is due, what a tenant holds, and tenants by label or
// external id are found by index.
func TestPlan_TenantLife(t *testing.T) {
	s := largeEstate(t)
	region := estate.Scope{Organization: "acme", Subscription: "1", Region: "eu"}
	due := plan(t, s, func(tx *Tx) error {
		_, err := tx.TenantsDue(t.Context(), time.Unix(1, 0), time.Unix(1, 0))
		return err
	})
	if !strings.Contains(due, "tenants_by_purge (purge_at<?)") || strings.Contains(due, "TEMP B-TREE") {
		t.Errorf("due: %s", due)
	}
	for text, want := range map[string]string{
		`labels eq "plan=gold"`:      "tenant_labels_by_value (name=? AND value=?)",
		`labels eq "plan"`:           "tenant_labels_by_value (name=?",
		`externalId eq "customer-1"`: "tenants_external_id (subscription_id=? AND external_id=?)",
	} {
		expr, err := filter.Parse(text, TenantSchema)
		if err != nil {
			t.Fatal(err)
		}
		if got := planOfTenants(t, s, region, TenantQuery{Filter: expr, Limit: MaxPage}); !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
	for _, table := range tenantTables {
		got := plan(t, s, func(tx *Tx) error {
			var n int64
			return tx.row(t.Context(), "select count(*) from "+table.Name+" where "+table.condition(), "acme", "t").Scan(&n)
		})
		if strings.Contains(got, "SCAN") {
			t.Errorf("%s: %s", table.Name, got)
		}
	}
}
