package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
)

// countingPipeline counts the ways to the database and back.
type countingPipeline struct {
	pipeline

	trips *int
}

func (p countingPipeline) send(ctx context.Context, c *conn, statements []statement) error {
	*p.trips++
	return p.pipeline.send(ctx, c, statements)
}

func (p countingPipeline) script(ctx context.Context, c *conn, text string) (int64, error) {
	*p.trips++
	return p.pipeline.script(ctx, c, text)
}

// TestPostgres_RoundTrips: a tenant with its record takes three: one to begin, one for
// the place and where the chain ends, and one for all that is written. The chain and the
// feed go on where they ended, whether a write before had something to tell or not.
func TestPostgres_RoundTrips(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: estate.Secret(pgtest.New(t, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	var trips int
	s.engine.pipeline = countingPipeline{s.engine.pipeline, &trips}
	scope := estate.Scope{Organization: "org-1", Subscription: "s", Region: "eu"}
	record := func(tx *Tx, id string) error {
		return tx.AppendAudit(ctx, estate.AuditRecord{ID: estate.AuditID(id), Scope: scope, Time: time.UnixMicro(5), Action: "a", Outcome: estate.OutcomeDone})
	}
	create := func(id string) func(tx *Tx) error {
		return func(tx *Tx) error {
			_, taken, err := tx.TakeTenantPlace(ctx, scope, time.UnixMicro(5))
			if err != nil || !taken {
				return errors.Join(err, errNoPlace)
			}
			tenant := estate.Tenant{ID: estate.TenantID(id), Organization: "org-1", Subscription: "s", Region: "eu", Name: id, Hostname: estate.Hostname(id), Status: estate.TenantActive}
			return errors.Join(tx.InsertTenant(ctx, tenant), record(tx, id))
		}
	}
	for _, step := range []struct {
		what  string
		fn    func(tx *Tx) error
		trips int
		fails bool
	}{
		{"estate", func(tx *Tx) error {
			return errors.Join(insertOrganization(ctx, 1)(tx), tx.InsertRegion(ctx, estate.Region{Code: "eu"}), tx.InsertSubscription(ctx, estate.Subscription{
				ID: "s", Organization: "org-1", TenantLimit: 2, StartsAt: time.UnixMicro(1), EndsAt: time.UnixMicro(9), Regions: []estate.RegionCode{"eu"},
			}))
		}, 0, false}, // however many
		{"first tenant, which begins the chain", create("t1"), 3, false},
		{"record", func(tx *Tx) error { return record(tx, "r") }, 0, false},
		{"second tenant", create("t2"), 3, false},
		{"no place is left", create("t3"), 0, true},
		{"record again", func(tx *Tx) error { return record(tx, "r2") }, 0, false},
	} {
		trips = 0
		if err := s.Write(ctx, step.fn); (err != nil) != step.fails {
			t.Fatalf("%s: %v", step.what, err)
		}
		if step.trips != 0 && trips != step.trips {
			t.Errorf("%s: %d round trips, want %d", step.what, trips, step.trips)
		}
	}
	err = s.Read(ctx, func(tx *Tx) error {
		chain, err := tx.AuditChain(ctx, estate.Scope{Organization: "org-1"}, 0, 10)
		for i, r := range chain {
			if want := []string{"t1", "r", "t2", "r2"}[i]; string(r.Record.ID) != want || r.Record.Position != int64(i+1) {
				t.Errorf("record %d is %s at position %d, want %s", i, r.Record.ID, r.Record.Position, want)
			}
		}
		var changes, last int64
		return errors.Join(err, tx.row(ctx, "select count(*), max(seq) from changes").Scan(&changes, &last), func() error {
			if len(chain) != 4 || changes != last || last < 3 {
				t.Errorf("%d records; %d changes, the last has the number %d", len(chain), changes, last)
			}
			return nil
		}())
	})
	if err != nil {
		t.Error(err)
	}
}

var errNoPlace = estate.E(estate.Forbidden, "x", "no place", "")
