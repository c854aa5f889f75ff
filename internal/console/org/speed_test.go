package org_test

import (
	"os"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPages_Speed opens the pages of an estate of 100,000 tenants. Set
// CONSOLE_SPEED to run it.
func TestPages_Speed(t *testing.T) {
	if os.Getenv("CONSOLE_SPEED") == "" {
		t.Skip("CONSOLE_SPEED is not set")
	}
	h := newHouse(t)
	const n = 100_000
	limit := int64(2 * n)
	if _, err := h.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, h.sub.ID, tenancy.SubscriptionUpdate{TenantLimit: limit}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.App.Tenancy.Seed(t.Context(), testenv.Operator, h.Organization.ID, tenancy.SeedPlan{Tenants: n}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/tenants", "/tenants?sort=-updatedAt", "/tenants?status=disabled", "/tenants?q=nothing", "/tenants/" + string(h.tenant.ID), "/subscriptions", "/subscriptions/" + string(h.sub.ID), "/admin/oauth", "/audit", "/webhooks", "/people"} {
		best := time.Hour
		for range 5 {
			start := time.Now()
			h.says(h.Get(path), 200)
			best = min(best, time.Since(start))
		}
		t.Logf("%-60s %s", path, best.Round(time.Millisecond/10))
	}
}
