package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const provisionerColumns = "id, organization_id, subscription_id, name, url, sealed_secret, created_by, created_at, updated_at"

func scanProvisioner(row rowScanner) (p estate.Provisioner, err error) {
	var created, updated int64
	err = row.Scan(&p.ID, &p.Organization, &p.Subscription, &p.Name, &p.URL, &p.SealedSecret, &p.CreatedBy, &created, &updated)
	p.CreatedAt, p.UpdatedAt = fromMicros(created), fromMicros(updated)
	return p, err
}

// InsertProvisioner adds p.
func (tx *Tx) InsertProvisioner(ctx context.Context, p estate.Provisioner) error {
	_, err := tx.exec(ctx, "insert into provisioners ("+provisionerColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		p.ID, p.Organization, p.Subscription, p.Name, p.URL, p.SealedSecret, p.CreatedBy, micros(p.CreatedAt), micros(p.UpdatedAt))
	return wrap("insert provisioner", err)
}

// Provisioner returns a provisioner.
func (tx *Tx) Provisioner(ctx context.Context, scope estate.Scope, id estate.ProvisionerID) (estate.Provisioner, error) {
	c := within(scope, "subscription_id", "", "")
	c.add("id = " + c.arg(id))
	p, err := scanProvisioner(tx.row(ctx, "select "+provisionerColumns+" from provisioners"+c.where(), c.args...))
	return p, wrap("select provisioner", orNotFound(err, errProvisionerNotFound))
}

// Provisioners returns the provisioners in scope, oldest first.
func (tx *Tx) Provisioners(ctx context.Context, scope estate.Scope) ([]estate.Provisioner, error) {
	c := within(scope, "subscription_id", "", "")
	rows, err := tx.rows(ctx, "select "+provisionerColumns+" from provisioners"+c.where()+" order by created_at, id", c.args...)
	all, err := collect(rows, err, scanProvisioner)
	return all, wrap("select provisioners", err)
}

// UpdateProvisioner replaces name, URL and secret of p.
func (tx *Tx) UpdateProvisioner(ctx context.Context, scope estate.Scope, p estate.Provisioner) error {
	c := within(scope, "subscription_id", "", "")
	set := "update provisioners set name = " + c.arg(p.Name) + ", url = " + c.arg(p.URL) + ", sealed_secret = " + c.arg(p.SealedSecret) +
		", updated_at = " + c.arg(micros(p.UpdatedAt))
	c.add("id = " + c.arg(p.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errProvisionerNotFound
	}
	return wrap("update provisioner", err)
}

// DeleteProvisioner erases a provisioner. Tenants wait for it no more.
func (tx *Tx) DeleteProvisioner(ctx context.Context, scope estate.Scope, id estate.ProvisionerID, at time.Time) error {
	p, err := tx.Provisioner(ctx, scope, id)
	if err != nil {
		return err
	}
	rows, err := tx.rows(ctx, "select tenant_id from provisionings where organization_id = $1 and provisioner_id = $2 and state <> $3 order by tenant_id",
		p.Organization, p.ID, estate.ProvisioningReady)
	waiting, err := collect(rows, err, func(row rowScanner) (id estate.TenantID, err error) {
		err = row.Scan(&id)
		return id, err
	})
	if err != nil {
		return wrap("select waiting tenants", err)
	}
	if _, err := tx.exec(ctx, "delete from provisionings where organization_id = $1 and provisioner_id = $2", p.Organization, p.ID); err != nil {
		return wrap("delete provisionings", err)
	}
	for _, tenant := range waiting {
		if _, err := tx.sumUpProvisioning(ctx, p.Scope(), tenant, at); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, "delete from provisioners where organization_id = $1 and id = $2", p.Organization, p.ID)
	return wrap("delete provisioner", err)
}
