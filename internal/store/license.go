package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// SetSeats replaces how many seats of a type the subscription of scope has.
func (tx *Tx) SetSeats(ctx context.Context, scope estate.Scope, seat estate.SeatType, units int64) error {
	if _, err := tx.Subscription(ctx, estate.Scope{Organization: scope.Organization}, scope.Subscription); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "insert into subscription_seats (organization_id, subscription_id, type, units, changes) values ($1, $2, $3, $4, 1)"+
		" on conflict (subscription_id, type) do update set units = excluded.units, changes = subscription_seats.changes + 1",
		scope.Organization, scope.Subscription, string(seat), units)
	return wrap("set seats", err)
}

// inSubscription restricts to rows of table that belong to the subscription of
// scope, whichever tenant of it scope names.
func inSubscription(scope estate.Scope) *conditions {
	c := within(estate.Scope{Organization: scope.Organization, Subscription: scope.Subscription}, "subscription_id", "", "")
	if scope.Subscription == "" {
		c.add("1 = 0")
	}
	return c
}

// Seats returns the seats of the subscription of scope, of which its tenants have
// taken some, by type.
func (tx *Tx) Seats(ctx context.Context, scope estate.Scope) ([]estate.Seats, error) {
	c := inSubscription(scope)
	used := "(select count(*) from license_assignments a where a.organization_id = subscription_seats.organization_id" +
		" and a.subscription_id = subscription_seats.subscription_id and a.type = subscription_seats.type)"
	rows, err := tx.rows(ctx, "select type, units, "+used+" from subscription_seats"+c.where()+" order by type", c.args...)
	all, err := collect(rows, err, func(row rowScanner) (s estate.Seats, err error) {
		return s, row.Scan(&s.Type, &s.Units, &s.Used)
	})
	return all, wrap("select seats", err)
}

// LockSeats is Seats for those who are about to take some: others who do wait until
// the transaction ends.
func (tx *Tx) LockSeats(ctx context.Context, scope estate.Scope) ([]estate.Seats, error) {
	c := inSubscription(scope)
	if _, err := tx.exec(ctx, "update subscription_seats set changes = changes + 1"+c.where(), c.args...); err != nil {
		return nil, wrap("lock seats", err)
	}
	return tx.Seats(ctx, scope)
}

const assignmentColumns = "organization_id, subscription_id, tenant_id, subject, type, created_at"

func scanLicenseAssignment(row rowScanner) (a estate.LicenseAssignment, err error) {
	var created int64
	err = row.Scan(&a.Organization, &a.Subscription, &a.Tenant, &a.Subject, &a.Type, &created)
	a.CreatedAt = fromMicros(created)
	return a, err
}

// LicenseAssignmentListing is what assignments of seats can be filtered and sorted
// by.
var LicenseAssignmentListing = &Listing[estate.LicenseAssignment]{
	table: "license_assignments", columns: assignmentColumns, id: "subject", order: "subject", scan: scanLicenseAssignment,
	idOf: func(a estate.LicenseAssignment) string { return a.Subject },
	attributes: []listed[estate.LicenseAssignment]{
		{name: "subject", ops: texts, column: "subject_key", value: folded(func(a estate.LicenseAssignment) string { return a.Subject })},
		{name: "type", ops: exactly, column: "type", value: text(func(a estate.LicenseAssignment) estate.SeatType { return a.Type })},
		{name: "created", typ: filter.Time, ops: ordered, column: "created_at", value: instant(func(a estate.LicenseAssignment) time.Time { return a.CreatedAt })},
	},
}

// LicenseAssignments returns a page of who has seats in the tenant of scope, in the
// order of q, and whether more follow in the direction of reading. Orphans are
// those of subjects that no user has.
func (tx *Tx) LicenseAssignments(ctx context.Context, scope estate.Scope, orphans bool, q Query) (page []estate.LicenseAssignment, more bool, err error) {
	return LicenseAssignmentListing.page(ctx, tx, assignmentsOf(scope, orphans), q)
}

// CountLicenseAssignments counts what LicenseAssignments would return over all
// pages.
func (tx *Tx) CountLicenseAssignments(ctx context.Context, scope estate.Scope, orphans bool, expr filter.Expr) (int64, error) {
	return LicenseAssignmentListing.count(ctx, tx, assignmentsOf(scope, orphans), expr)
}

func assignmentsOf(scope estate.Scope, orphans bool) *conditions {
	c := inTenant(scope, "license_assignments")
	if orphans {
		c.add("not exists (select 1 from users u where u.tenant_id = license_assignments.tenant_id and u.subject = license_assignments.subject)")
	}
	return c
}

// LicenseAssignment returns which seat a subject of the tenant of scope has.
func (tx *Tx) LicenseAssignment(ctx context.Context, scope estate.Scope, subject string) (estate.LicenseAssignment, error) {
	c := inTenant(scope, "license_assignments")
	c.add("subject = " + c.arg(subject))
	a, err := scanLicenseAssignment(tx.row(ctx, "select "+assignmentColumns+" from license_assignments"+c.where(), c.args...))
	return a, wrap("select license assignment", orNotFound(err, errAssignmentNotFound))
}

// PutLicenseAssignment gives a subject of the tenant of scope a seat, in place of
// one it has. The caller has locked the seats.
func (tx *Tx) PutLicenseAssignment(ctx context.Context, scope estate.Scope, subject string, seat estate.SeatType, at time.Time) error {
	tenant, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "insert into license_assignments ("+assignmentColumns+", subject_key) values ($1, $2, $3, $4, $5, $6, $7)"+
		" on conflict (tenant_id, subject) do update set type = excluded.type, created_at = excluded.created_at",
		tenant.Organization, tenant.Subscription, tenant.ID, subject, string(seat), micros(at), filter.Fold(subject))
	return wrap("put license assignment", err)
}

// DeleteLicenseAssignment takes the seat from a subject of the tenant of scope.
func (tx *Tx) DeleteLicenseAssignment(ctx context.Context, scope estate.Scope, subject string) error {
	c := inTenant(scope, "license_assignments")
	c.add("subject = " + c.arg(subject))
	n, err := tx.exec(ctx, "delete from license_assignments"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errAssignmentNotFound
	}
	return wrap("delete license assignment", err)
}
