package store

import (
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// TestDirectory_Plans: lists of a tenant are walks over an index, and what every
// request or change asks for reads no more than it needs.
func TestDirectory_Plans(t *testing.T) {
	s := openTest(t)
	ctx := t.Context()
	scope := estate.Scope{Organization: "o", Subscription: "s", Region: "us", Tenant: "t"}
	by := func(attribute string) Query {
		return Query{Sort: []filter.SortKey{{Attribute: attribute}}, Limit: 20, From: &Position{Values: []any{"x"}, ID: "y"}}
	}
	for name, test := range map[string]struct {
		index string
		fn    func(tx *Tx) error
	}{
		"users by name":           {"users_by_name", func(tx *Tx) error { _, _, err := tx.Users(ctx, scope, by("name")); return err }},
		"users by e-mail":         {"users_by_email", func(tx *Tx) error { _, _, err := tx.Users(ctx, scope, by("email")); return err }},
		"users by subject":        {"users_by_subject_key", func(tx *Tx) error { _, _, err := tx.Users(ctx, scope, by("subject")); return err }},
		"users by creation":       {"users_by_created_at", func(tx *Tx) error { _, _, err := tx.Users(ctx, scope, by("createdAt")); return err }},
		"groups by name":          {"groups_by_name", func(tx *Tx) error { _, _, err := tx.Groups(ctx, scope, by("name")); return err }},
		"spaces by name":          {"spaces_by_name", func(tx *Tx) error { _, _, err := tx.Spaces(ctx, scope, "", by("name")); return err }},
		"seats by subject":        {"license_assignments_by_subject", func(tx *Tx) error { _, _, err := tx.LicenseAssignments(ctx, scope, false, by("subject")); return err }},
		"seats that are taken":    {"license_assignments_by_type", func(tx *Tx) error { _, err := tx.Seats(ctx, scope); return err }},
		"holders of a role":       {"PRIMARY KEY", func(tx *Tx) error { _, err := tx.RoleHolders(ctx, scope, "x"); return err }},
		"groups of some users":    {"PRIMARY KEY", func(tx *Tx) error { _, err := tx.UserGroups(ctx, scope, []estate.UserID{"x", "y"}); return err }},
		"how many administrate":   {"PRIMARY KEY", func(tx *Tx) error { _, err := tx.CountAdmins(ctx, scope); return err }},
		"settings":                {"directories", func(tx *Tx) error { _, err := tx.DirectorySettings(ctx, scope); return err }},
		"roles of a space's user": {"space_assignments", func(tx *Tx) error { _, err := tx.SpaceRoles(ctx, scope, "x", "y"); return err }},
	} {
		have := plan(t, s, test.fn)
		if !strings.Contains(have, test.index) || strings.Contains(have, "TEMP B-TREE") && strings.Contains(name, " by ") || strings.Contains(have, "SCAN") {
			t.Errorf("%s: %s, want a search with %s", name, have, test.index)
		}
	}
}
