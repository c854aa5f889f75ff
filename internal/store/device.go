package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const deviceColumns = "hash, tenant_id, user_code, client_id, permissions, status, organization_id, granted_to, person, authenticated_at, interval_micros, polled_at, created_at, expires_at"

// InsertDevice adds a device that waits.
func (tx *Tx) InsertDevice(ctx context.Context, d estate.Device) error {
	_, err := tx.exec(ctx, "insert into oauth_devices ("+deviceColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		d.Hash, d.Tenant, d.UserCode, d.Client, d.Permissions.String(), d.Status, d.Organization, d.GrantedTo, d.Person,
		micros(d.AuthenticatedAt), d.Interval.Microseconds(), micros(d.PolledAt), micros(d.CreatedAt), micros(d.ExpiresAt))
	return wrap("insert device", err)
}

// Device returns the device of a tenant, or of the console if tenant is empty, that
// has the device code.
func (tx *Tx) Device(ctx context.Context, tenant estate.TenantID, hash estate.CredentialHash) (estate.Device, error) {
	return tx.device(ctx, "hash = $2", tenant, hash)
}

// DeviceByUserCode is Device by what the person types.
func (tx *Tx) DeviceByUserCode(ctx context.Context, tenant estate.TenantID, code string) (estate.Device, error) {
	return tx.device(ctx, "user_code = $2", tenant, code)
}

func (tx *Tx) device(ctx context.Context, condition string, args ...any) (d estate.Device, err error) {
	var permissions string
	var authenticated, interval, polled, created, expires int64
	err = tx.row(ctx, "select "+deviceColumns+" from oauth_devices where tenant_id = $1 and "+condition, args...).Scan(&d.Hash, &d.Tenant, &d.UserCode, &d.Client, &permissions,
		&d.Status, &d.Organization, &d.GrantedTo, &d.Person, &authenticated, &interval, &polled, &created, &expires)
	d.Permissions, d.Interval = estate.ParsePermissions(permissions), time.Duration(interval)*time.Microsecond
	d.AuthenticatedAt, d.PolledAt, d.CreatedAt, d.ExpiresAt = fromMicros(authenticated), fromMicros(polled), fromMicros(created), fromMicros(expires)
	return d, wrap("select device", orNotFound(err, errCodeNotFound))
}

// UpdateDevice replaces what can change of a device: what was decided, and when it
// asked.
func (tx *Tx) UpdateDevice(ctx context.Context, d estate.Device) error {
	n, err := tx.exec(ctx, `update oauth_devices set permissions = $3, status = $4, organization_id = $5, granted_to = $6, person = $7, authenticated_at = $8,
			interval_micros = $9, polled_at = $10
		where tenant_id = $1 and hash = $2`, d.Tenant, d.Hash, d.Permissions.String(), d.Status, d.Organization, d.GrantedTo, d.Person,
		micros(d.AuthenticatedAt), d.Interval.Microseconds(), micros(d.PolledAt))
	if err == nil && n == 0 {
		err = errCodeNotFound
	}
	return wrap("update device", err)
}

// DeleteDevice deletes a device of a tenant, or of the console, if it is there.
func (tx *Tx) DeleteDevice(ctx context.Context, tenant estate.TenantID, hash estate.CredentialHash) error {
	_, err := tx.exec(ctx, "delete from oauth_devices where tenant_id = $1 and hash = $2", tenant, hash)
	return wrap("delete device", err)
}

// CountDevices tells how many devices wait at a tenant, or at the console, at now.
func (tx *Tx) CountDevices(ctx context.Context, tenant estate.TenantID, now time.Time) (n int64, err error) {
	err = tx.row(ctx, "select count(*) from oauth_devices where tenant_id = $1 and expires_at > $2", tenant, micros(now)).Scan(&n)
	return n, wrap("count devices", err)
}

// CountPendingClients tells how many clients have registered themselves in the tenant
// of scope and wait for somebody's approval.
func (tx *Tx) CountPendingClients(ctx context.Context, scope estate.Scope) (n int64, err error) {
	c := inTenant(scope, "clients")
	c.add("consent = 'pending'")
	c.add("deleted_at = 0")
	err = tx.row(ctx, "select count(*) from clients"+c.where(), c.args...).Scan(&n)
	return n, wrap("count pending clients", err)
}

// PendingClients returns the clients that registered themselves before a time and
// that nobody has approved.
func (tx *Tx) PendingClients(ctx context.Context, before time.Time) ([]estate.Client, error) {
	rows, err := tx.rows(ctx, "select "+clientColumns+" from clients where consent = 'pending' and created_at < $1 and deleted_at = 0 order by created_at limit $2", micros(before), MaxPage)
	all, err := collect(rows, err, scanClient)
	return all, wrap("select pending clients", err)
}
