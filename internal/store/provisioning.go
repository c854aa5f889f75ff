package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// provisioningColumns of tenants are the sum of the tenant's provisionings.
const provisioningColumns = "provisioning_state, provisioning_message, provisioning_at"

type provisioningStatus struct {
	estate.ProvisioningStatus
	at int64
}

// read is the status that was scanned. Of a tenant that no provisioner was told
// of, the row has the defaults.
func (p provisioningStatus) read() estate.ProvisioningStatus {
	if p.at == 0 {
		return estate.ProvisioningStatus{}
	}
	p.UpdatedAt = fromMicros(p.at)
	return p.ProvisioningStatus
}

const provisionings = `select provisioner_id, (select name from provisioners where id = provisioner_id), tenant_id, call_id, change, state, message, accepted_until, updated_at
	from provisionings`

func scanProvisioning(row rowScanner) (p estate.Provisioning, err error) {
	var until, updated int64
	err = row.Scan(&p.Provisioner, &p.Name, &p.Tenant, &p.Call, &p.Change, &p.State, &p.Message, &until, &updated)
	p.AcceptedUntil, p.UpdatedAt = fromMicros(until), fromMicros(updated)
	return p, err
}

// Provisionings returns how far the provisioners of a tenant are.
func (tx *Tx) Provisionings(ctx context.Context, scope estate.Scope, tenant estate.TenantID) ([]estate.Provisioning, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("tenant_id = " + c.arg(tenant))
	rows, err := tx.rows(ctx, provisionings+c.where()+" order by provisioner_id", c.args...)
	all, err := collect(rows, err, scanProvisioning)
	return all, wrap("select provisionings", err)
}

// Provisioning returns how far a provisioner is with a tenant.
func (tx *Tx) Provisioning(ctx context.Context, scope estate.Scope, tenant estate.TenantID, id estate.ProvisionerID) (estate.Provisioning, error) {
	c := within(scope, "subscription_id", "region", "tenant_id")
	c.add("tenant_id = " + c.arg(tenant))
	c.add("provisioner_id = " + c.arg(id))
	p, err := scanProvisioning(tx.row(ctx, provisionings+c.where(), c.args...))
	return p, wrap("select provisioning", orNotFound(err, errProvisioningNotFound))
}

// ProvisioningStart is a call to the provisioners of a tenant.
type ProvisioningStart struct {
	Call   estate.CallID
	Change estate.TenantChange
	At     time.Time

	// Again has provisioners called once more about the change that they were told
	// of last. Those that never were are told of Change.
	Again       bool
	Provisioner estate.ProvisionerID // the only one; empty: all those that have not done their part
}

// StartProvisioning has the provisioners of the subscription called about a tenant.
// It returns which, and how far the tenant is now. An update does not take the place
// of a change that a provisioner is not through with: it is told of that one, again.
func (tx *Tx) StartProvisioning(ctx context.Context, scope estate.Scope, tenant estate.TenantID, s ProvisioningStart) (called []estate.ProvisionerID, status estate.ProvisioningStatus, err error) {
	if !tx.write {
		return nil, status, errReadTransaction
	}
	c := within(scope, "subscription_id", "region", "id")
	c.add("id = " + c.arg(tenant))
	from := "(select organization_id, subscription_id, region, id from tenants" + c.where() + ") t"
	values := c.arg(s.Call) + ", " + c.arg(s.Change) + ", " + c.arg(estate.ProvisioningPending) + ", '', 0, cast(" + c.arg(micros(s.At)) + " as bigint)"
	which := "p.organization_id = t.organization_id"
	change := "case when excluded.change = '" + string(estate.TenantWasUpdated) + "' and provisionings.state in ('pending', 'failed') then provisionings.change else excluded.change end"
	if s.Again {
		change = "provisionings.change"
		if s.Provisioner != "" {
			which += " and p.id = " + c.arg(s.Provisioner)
		} else {
			which += " and not exists (select 1 from provisionings x where x.tenant_id = t.id and x.provisioner_id = p.id and x.state in ('ready', 'skipped'))"
		}
	}
	rows, err := tx.rows(ctx, `insert into provisionings (organization_id, subscription_id, region, tenant_id, provisioner_id, call_id, change, state, message, accepted_until, updated_at)
		select t.organization_id, t.subscription_id, t.region, t.id, p.id, `+values+`
		from `+from+` join provisioners p on p.organization_id = t.organization_id and p.subscription_id = t.subscription_id where `+which+`
		on conflict (tenant_id, provisioner_id) do update set call_id = excluded.call_id, change = `+change+`,
			state = excluded.state, message = excluded.message, accepted_until = excluded.accepted_until, updated_at = excluded.updated_at
		returning provisioner_id`, c.args...)
	called, err = collect(rows, err, func(row rowScanner) (id estate.ProvisionerID, err error) {
		err = row.Scan(&id)
		return id, err
	})
	if err != nil || len(called) == 0 {
		return nil, status, wrap("start provisioning", err)
	}
	status, err = tx.sumUpProvisioning(ctx, scope, tenant, s.At)
	return called, status, err
}

// SetProvisioning replaces state, message, AcceptedUntil and time of a provisioning
// whose call has not come to its end. It returns false, and changes nothing, if it
// has, or if another call took its place; otherwise also how far the tenant is now.
func (tx *Tx) SetProvisioning(ctx context.Context, scope estate.Scope, p estate.Provisioning) (set bool, status estate.ProvisioningStatus, err error) {
	if err := tx.holdProvisioning(ctx, scope, p.Tenant); err != nil {
		return false, status, err
	}
	c := within(scope, "subscription_id", "region", "tenant_id")
	update := "update provisionings set state = " + c.arg(p.State) + ", message = " + c.arg(p.Message) +
		", accepted_until = " + c.arg(micros(p.AcceptedUntil)) + ", updated_at = " + c.arg(micros(p.UpdatedAt))
	c.add("tenant_id = " + c.arg(p.Tenant))
	c.add("provisioner_id = " + c.arg(p.Provisioner))
	c.add("call_id = " + c.arg(p.Call))
	c.add("state in ('pending', 'failed')")
	n, err := tx.exec(ctx, update+c.where(), c.args...)
	if err != nil || n == 0 {
		return false, status, wrap("update provisioning", err)
	}
	status, err = tx.sumUpProvisioning(ctx, scope, p.Tenant, p.UpdatedAt)
	return true, status, err
}

// holdProvisioning has others wait that would sum up the provisionings of a tenant,
// until this transaction is over: the sum would lack what the other one changes.
func (tx *Tx) holdProvisioning(ctx context.Context, scope estate.Scope, tenant estate.TenantID) error {
	c := within(scope, "subscription_id", "region", "id")
	c.add("id = " + c.arg(tenant))
	_, err := tx.exec(ctx, "update tenants set provisioning_at = provisioning_at"+c.where(), c.args...)
	return wrap("hold provisioning", err)
}

// sumUpProvisioning writes how far the provisioners of a tenant are into its row.
func (tx *Tx) sumUpProvisioning(ctx context.Context, scope estate.Scope, tenant estate.TenantID, at time.Time) (estate.ProvisioningStatus, error) {
	if err := tx.holdProvisioning(ctx, scope, tenant); err != nil {
		return estate.ProvisioningStatus{}, err
	}
	t, err := tx.Tenant(ctx, scope, tenant)
	if err != nil {
		return t.Provisioning, err
	}
	all, err := tx.Provisionings(ctx, scope, tenant)
	if err != nil {
		return t.Provisioning, err
	}
	sum := estate.SumUp(all)
	if sum.State == t.Provisioning.State && sum.Message == t.Provisioning.Message {
		return t.Provisioning, nil
	}
	sum.UpdatedAt = fromMicros(micros(at))
	_, err = tx.exec(ctx, "update tenants set provisioning_state = $1, provisioning_message = $2, provisioning_at = $3 where organization_id = $4 and id = $5",
		sum.State, sum.Message, micros(at), t.Organization, t.ID)
	if err != nil {
		return t.Provisioning, wrap("sum up provisioning", err)
	}
	tx.tally.count(t, -1)
	now := t
	now.Provisioning = sum
	tx.tally.count(now, 1)
	if err := tx.tenantChanged(ctx, at, t); err != nil {
		return t.Provisioning, err
	}
	for _, name := range []estate.Hostname{t.Hostname, t.Alias} {
		if name == "" {
			continue
		}
		if err := tx.changed(ctx, at, ChangeHostname, string(name)); err != nil {
			return t.Provisioning, err
		}
	}
	return sum, nil
}
