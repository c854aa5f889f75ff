package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
)

// TestFollow_Statistics: a table that has grown is known to the planner at once, so
// that a tenant is found by its id and not among all of its organization.
func TestFollow_Statistics(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: estate.Secret(pgtest.New(t, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { s.Follow(ctx, slog.New(slog.DiscardHandler), time.Now, time.Second) })
	defer following.Wait()
	defer stop()

	err = s.Write(ctx, func(tx *Tx) error {
		for _, statement := range []string{
			"insert into organizations (id, name, created_at, updated_at) values ('acme', 'Acme', 1, 1)",
			"insert into regions (code, name, datacenter, country_code, created_at) values ('eu', 'x', 'dc', 'IE', 1)",
			`insert into subscriptions (id, organization_id, name, tenant_limit, starts_at, ends_at, created_at, updated_at)
				values ('s', 'acme', 'x', 100000, 1, 2, 1, 1)`,
		} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		for i := range 300 {
			err := tx.InsertTenant(ctx, estate.Tenant{
				ID: estate.NewTenantID(time.Now()), Organization: "acme", Subscription: "s", Region: "eu", Name: "x", Hostname: estate.NewHostname(fmt.Sprintf("h%d", i), "eu"), Status: estate.TenantActive,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for analyzed := false; !analyzed; {
		err := s.Read(within, func(tx *Tx) error {
			return tx.row(within, "select last_analyze is not null from pg_stat_user_tables where relname = 'tenants'").Scan(&analyzed)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// As the database's own checks of foreign keys ask.
	plan := planned(t, s, func(tx *Tx) error {
		rows, err := tx.rows(ctx, "select id from only tenants x where organization_id = $1 and id = $2", "acme", "t")
		_, err = collectTexts(rows, err)
		return err
	})
	if !strings.Contains(plan, "tenants_organization_id_id_key") && !strings.Contains(plan, "tenants_pkey") {
		t.Errorf("a tenant is found by:\n%s", plan)
	}
}
