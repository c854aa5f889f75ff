package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// TenantGroup is how many tenants there are that have these in common.
type TenantGroup struct {
	Subscription estate.SubscriptionID
	Region       estate.RegionCode
	Status       estate.TenantStatus
	Provisioning estate.ProvisioningState
	Count        int64
}

// TenantGroups counts the tenants in scope by what they have in common.
func (tx *Tx) TenantGroups(ctx context.Context, scope estate.Scope) ([]TenantGroup, error) {
	c := within(scope, "subscription_id", "region", "id")
	const by = "subscription_id, region, status, provisioning_state"
	rows, err := tx.rows(ctx, "select "+by+", count(*) from tenants"+c.where()+" group by "+by+" order by "+by, c.args...)
	all, err := collect(rows, err, func(row rowScanner) (g TenantGroup, err error) {
		return g, row.Scan(&g.Subscription, &g.Region, &g.Status, &g.Provisioning, &g.Count)
	})
	return all, wrap("count tenants by group", err)
}

// TenantDay is how many tenants were created on a day (UTC).
type TenantDay struct {
	Day   time.Time
	Count int64
}

const microsOfDay = int64(24 * time.Hour / time.Microsecond)

// TenantsPerDay counts the tenants in scope that were created since a time, by
// day. Days without any are left out.
func (tx *Tx) TenantsPerDay(ctx context.Context, scope estate.Scope, since time.Time) ([]TenantDay, error) {
	c := within(scope, "subscription_id", "region", "id")
	c.add("created_at >= " + c.arg(micros(since)))
	day := "created_at / " + c.arg(microsOfDay)
	rows, err := tx.rows(ctx, "select day, count(*) from (select "+day+" as day from tenants"+c.where()+") as days group by day order by day", c.args...)
	all, err := collect(rows, err, func(row rowScanner) (d TenantDay, err error) {
		var n int64
		err = row.Scan(&n, &d.Count)
		d.Day = fromMicros(n * microsOfDay)
		return d, err
	})
	return all, wrap("count tenants by day", err)
}
