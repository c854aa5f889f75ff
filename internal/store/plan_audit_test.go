package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TestPlan_Audit: whatever the audit trail is asked for, records come from an index in
// the order of the page, so that it takes no longer among many.
func TestPlan_Audit(t *testing.T) {
	s := openTest(t)
	organization, tenant := estate.Scope{Organization: "acme"}, estate.Scope{Organization: "acme", Subscription: "1", Region: "eu", Tenant: "t"}
	for _, action := range []string{"one", "two"} { // types and sources to look for
		err := s.Write(t.Context(), func(tx *Tx) error {
			return tx.AppendAudit(t.Context(), estate.AuditRecord{ID: estate.AuditID(action), Scope: tenant, Action: action, Type: "type " + action, Source: "source " + action})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	position := &AuditPosition{Text: "type one", Time: 1, Seq: 1}
	for name, q := range map[string]AuditQuery{
		"all":                  {},
		"by time":              {Sort: SortByTime},
		"of a type":            {Types: []string{"type one"}},
		"of two types":         {Types: []string{"type one", "type two"}},
		"of a source":          {Sources: []string{"source one"}},
		"of sources and types": {Sources: []string{"source one", "source two"}, Types: []string{"type two"}},
		"by type":              {Sort: SortByType},
		"of types, by type":    {Sort: SortByType, Types: []string{"type one", "type two"}},
		"by source":            {Sort: SortBySource},
		"of a user":            {Users: []estate.UserID{"ada"}},
		"of a user and type":   {Users: []estate.UserID{"ada"}, Types: []string{"type one"}},
		"of an id":             {IDs: []estate.AuditID{"one"}},
	} {
		for level, scope := range map[string]estate.Scope{"organization": organization, "tenant": tenant} {
			for _, after := range []*AuditPosition{nil, position} {
				for _, descending := range []bool{false, true} {
					q := q
					q.Limit, q.After, q.Descending = MaxPage, after, descending
					t.Run(fmt.Sprint(name, " ", level, " ", after != nil, descending), func(t *testing.T) {
						got := plan(t, s, func(tx *Tx) error {
							_, _, err := tx.AuditPage(t.Context(), scope, q)
							return err
						})
						if strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") && len(q.IDs) == 0 {
							t.Error(got)
						}
						if len(q.Users) > 0 && !strings.Contains(got, "audit_records_by_user (organization_id=? AND user_id=?") {
							t.Error(got)
						}
					})
				}
			}
		}
	}
	// Before or after a time the next page is found by where the last one ended, in the
	// index of what is asked for: of two bounds SQLite would search by the wrong one.
	for index, q := range map[string]AuditQuery{
		"audit_records_by_time (organization_id=?":                  {},
		"audit_records_by_type (organization_id=? AND event_type=?": {Types: []string{"type one"}},
		"audit_records_by_user (organization_id=? AND user_id=?":    {Users: []estate.UserID{"ada"}},
	} {
		q.Limit, q.After = MaxPage, position
		for _, ascending := range []bool{false, true} {
			q, want := q, index+" AND time<?)"
			if q.Until = time.UnixMicro(9); ascending {
				q.Sort, q.Until, q.From, want = SortByTime, time.Time{}, time.UnixMicro(0), index+" AND time>?)"
			}
			var read string
			got := plan(t, s, func(tx *Tx) error {
				tx.conn.watch = func(query string, _ []any) { read = query }
				_, _, err := tx.AuditPage(t.Context(), organization, q)
				tx.conn.watch = nil
				return err
			})
			if !strings.Contains(got, want) || strings.Contains(read, "time < ") || strings.Contains(read, "time >= ") {
				t.Errorf("want %s and no other bound, have %s by %s", want, got, read)
			}
		}
	}
	got := plan(t, s, func(tx *Tx) error { _, _, err := tx.AuditNames(t.Context(), organization); return err })
	if strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
		t.Error(got)
	}
}
