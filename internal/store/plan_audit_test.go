package store

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TestPlan_AuditByUser: what a user did in an organization is found by its index, in
// order.
func TestPlan_AuditByUser(t *testing.T) {
	s := openTest(t)
	got := plan(t, s, func(tx *Tx) error {
		_, _, err := tx.AuditPage(t.Context(), estate.Scope{Organization: "acme"}, AuditQuery{Users: []estate.UserID{"ada"}, Limit: MaxPage})
		return err
	})
	if !strings.Contains(got, "audit_records_by_user (organization_id=? AND user_id=?") || strings.Contains(got, "TEMP B-TREE") {
		t.Error(got)
	}
}
