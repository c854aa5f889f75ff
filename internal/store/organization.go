package store

import (
	"context"
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const organizationColumns = "id, name, created_at, updated_at"

func scanOrganization(row rowScanner) (estate.Organization, error) {
	var o estate.Organization
	var created, updated int64
	err := row.Scan(&o.ID, &o.Name, &created, &updated)
	o.CreatedAt, o.UpdatedAt = fromMicros(created), fromMicros(updated)
	return o, err
}

// InsertOrganization adds o.
func (tx *Tx) InsertOrganization(ctx context.Context, o estate.Organization) error {
	_, err := tx.exec(ctx, "insert into organizations ("+organizationColumns+") values ($1, $2, $3, $4)",
		o.ID, o.Name, micros(o.CreatedAt), micros(o.UpdatedAt))
	return wrap("insert organization", err)
}

// Organization returns the organization of scope, which must be all of it.
func (tx *Tx) Organization(ctx context.Context, scope estate.Scope) (estate.Organization, error) {
	if scope != (estate.Scope{Organization: scope.Organization}) || scope.Organization == "" {
		return estate.Organization{}, wrap("select organization", errOrganizationNotFound)
	}
	o, err := scanOrganization(tx.row(ctx, "select "+organizationColumns+" from organizations where id = $1", scope.Organization))
	return o, wrap("select organization", orNotFound(err, errOrganizationNotFound))
}

// Organizations returns all organizations, oldest first. For the operator.
func (tx *Tx) Organizations(ctx context.Context) ([]estate.Organization, error) {
	rows, err := tx.rows(ctx, "select "+organizationColumns+" from organizations order by created_at, id")
	all, err := collect(rows, err, scanOrganization)
	return all, wrap("select organizations", err)
}

const accountColumns = "id, organization_id, email, name, password_hash, created_at, updated_at"

func scanAccount(row rowScanner) (estate.Account, error) {
	var a estate.Account
	var created, updated int64
	err := row.Scan(&a.ID, &a.Organization, &a.Email, &a.Name, &a.PasswordHash, &created, &updated)
	a.CreatedAt, a.UpdatedAt = fromMicros(created), fromMicros(updated)
	return a, err
}

// InsertAccount adds a. E-mail addresses are unique without regard to case.
func (tx *Tx) InsertAccount(ctx context.Context, a estate.Account) error {
	_, err := tx.exec(ctx, "insert into accounts (email_key, "+accountColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8)",
		filter.Fold(a.Email), a.ID, a.Organization, a.Email, a.Name, a.PasswordHash, micros(a.CreatedAt), micros(a.UpdatedAt))
	if err != nil {
		return wrap("insert account", err)
	}
	return tx.changed(ctx, a.CreatedAt, ChangeAccounts, string(a.Organization))
}

// Account returns an account by its id or its e-mail address.
func (tx *Tx) Account(ctx context.Context, scope estate.Scope, idOrEmail string) (estate.Account, error) {
	c := within(scope, "", "", "")
	c.add("(id = " + c.arg(idOrEmail) + " or email_key = " + c.arg(filter.Fold(idOrEmail)) + ")")
	a, err := scanAccount(tx.row(ctx, "select "+accountColumns+" from accounts"+c.where(), c.args...))
	return a, wrap("select account", orNotFound(err, errAccountNotFound))
}

// Accounts returns the accounts of an organization, oldest first.
func (tx *Tx) Accounts(ctx context.Context, scope estate.Scope) ([]estate.Account, error) {
	c := within(scope, "", "", "")
	rows, err := tx.rows(ctx, "select "+accountColumns+" from accounts"+c.where()+" order by created_at, id", c.args...)
	all, err := collect(rows, err, scanAccount)
	return all, wrap("select accounts", err)
}

// SetAccountPassword replaces the password hash of an account.
func (tx *Tx) SetAccountPassword(ctx context.Context, scope estate.Scope, id estate.AccountID, hash string, at time.Time) error {
	c := within(scope, "", "", "")
	set := "update accounts set password_hash = " + c.arg(hash) + ", updated_at = " + c.arg(micros(at))
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errAccountNotFound
	}
	return wrap("update account password", err)
}

const regionColumns = "code, name, datacenter, country_code, created_at"

func scanRegion(row rowScanner) (estate.Region, error) {
	var r estate.Region
	var created int64
	err := row.Scan(&r.Code, &r.Name, &r.Datacenter, &r.CountryCode, &created)
	r.CreatedAt = fromMicros(created)
	return r, err
}

// InsertRegion adds r.
func (tx *Tx) InsertRegion(ctx context.Context, r estate.Region) error {
	_, err := tx.exec(ctx, "insert into regions ("+regionColumns+") values ($1, $2, $3, $4, $5)",
		r.Code, r.Name, r.Datacenter, r.CountryCode, micros(r.CreatedAt))
	return wrap("insert region", err)
}

// Region returns a region. Regions belong to the platform, not to an
// organization.
func (tx *Tx) Region(ctx context.Context, code estate.RegionCode) (estate.Region, error) {
	r, err := scanRegion(tx.row(ctx, "select "+regionColumns+" from regions where code = $1", code))
	return r, wrap("select region", orNotFound(err, errRegionNotFound))
}

// Regions returns all regions by code.
func (tx *Tx) Regions(ctx context.Context) ([]estate.Region, error) {
	rows, err := tx.rows(ctx, "select "+regionColumns+" from regions order by code")
	all, err := collect(rows, err, scanRegion)
	return all, wrap("select regions", err)
}

// wrap says where an error came from; nil stays nil.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
