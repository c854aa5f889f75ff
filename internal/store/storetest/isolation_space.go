package storetest

import (
	"context"
	"fmt"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// pooled: seats are the subscription's, whichever part of it a scope names.
func pooled(scope estate.Scope, r row) bool {
	return scope.Subscription != "" && covers(estate.Scope{Organization: scope.Organization, Subscription: scope.Subscription}, r)
}

func writesPooled(_ world, scope estate.Scope, r row) bool { return pooled(scope, r) }

func seatLine(_ world, r row, _ estate.Scope) []string {
	return []string{fmt.Sprintf("subscription_seats: organization_id=%q subscription_id=%q", r.owner.Organization, r.owner.Subscription)}
}

func anySubscription(w world) []row {
	return rowsOf(w.subscriptions, func(s estate.Subscription) row { return row{owner: of(s), id: string(s.ID)} })
}

func idOfSpaceOwner(s estate.Space) string                { return string(s.Tenant) }
func idOfAssignmentOwner(a estate.SpaceAssignment) string { return string(a.Tenant) }
func idOfSeatOwner(a estate.LicenseAssignment) string     { return string(a.Tenant) }

func seatPage(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
	page, _, err := tx.LicenseAssignments(ctx, scope, true, store.Query{Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	if n, err := tx.CountLicenseAssignments(ctx, scope, true, nil); err != nil || int(n) != len(page) {
		return nil, fmt.Errorf("%d assignments, and %d counted, %w", len(page), n, err)
	}
	return ids(page, nil, idOfSeatOwner)
}

// spacePage lists spaces as an administrator and as a member, who sees as many.
func spacePage(ctx context.Context, tx *store.Tx, scope estate.Scope) (all []string, err error) {
	for _, member := range []estate.UserID{"", userID(0)} {
		page, _, err := tx.Spaces(ctx, scope, member, store.Query{Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		if n, err := tx.CountSpaces(ctx, scope, member, nil); err != nil || int(n) != len(page) || member != "" && len(page) != len(all) {
			return nil, fmt.Errorf("%d spaces, and %d counted, %w", len(page), n, err)
		}
		if all, err = ids(page, nil, idOfSpaceOwner); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func spaceAssignmentPage(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
	page, _, err := tx.SpaceAssignments(ctx, scope, spaceID(1), store.Query{Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	if n, err := tx.CountSpaceAssignments(ctx, scope, spaceID(1), nil); err != nil || int(n) != len(page) {
		return nil, fmt.Errorf("%d assignments, and %d counted, %w", len(page), n, err)
	}
	return ids(page, nil, idOfAssignmentOwner)
}

// listCase is the case of a method that lists what each tenant has one of.
func listCase(list func(context.Context, *store.Tx, estate.Scope) ([]string, error)) readCase {
	return readCase{rows: inTenantRows(""), covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return list(ctx, tx, scope)
	}}
}

// spaceReads are the cases of methods around seats and spaces that read.
var spaceReads = map[string]readCase{
	"Seats": {rows: anySubscription, covers: pooled, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		seats, err := tx.Seats(ctx, scope)
		return ids(seats, err, func(estate.Seats) string { return string(scope.Subscription) })
	}},
	"LicenseAssignments":      listCase(seatPage),
	"CountLicenseAssignments": listCase(seatPage), // it shows only how many there are
	"LicenseAssignment": {rows: inTenantRows(theSubject), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		a, err := tx.LicenseAssignment(ctx, scope, key)
		return oneID(a, err, idOfSeatOwner)
	}},
	"Spaces":      listCase(spacePage),
	"CountSpaces": listCase(spacePage),
	"Space": {rows: inTenantRows(string(spaceID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		s, err := tx.Space(ctx, scope, "", estate.SpaceID(key))
		return oneID(s, err, idOfSpaceOwner)
	}},
	"SpaceAssignments":      listCase(spaceAssignmentPage),
	"CountSpaceAssignments": listCase(spaceAssignmentPage),
	"SpaceAssignment": {rows: inTenantRows(string(assignmentID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		a, err := tx.SpaceAssignment(ctx, scope, spaceID(1), estate.AssignmentID(key))
		return oneID(a, err, idOfAssignmentOwner)
	}},
	"SpaceRoles": {rows: inTenantRows(string(userID(0))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		roles, err := tx.SpaceRoles(ctx, scope, spaceID(1), estate.UserID(key))
		if len(roles) == 0 {
			return nil, err
		}
		return []string{string(scope.Tenant)}, err
	}},
}

// spaceWrites are the cases of methods around seats and spaces that write.
var spaceWrites = map[string]writeCase{
	"SetSeats": {
		rows: anySubscription, covers: writesPooled, touches: seatLine,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.SetSeats(ctx, scope, estate.SeatAnalyzer, 5)
		},
	},
	"LockSeats": {
		rows: anySubscription, covers: writesPooled, touches: seatLine,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			_, err := tx.LockSeats(ctx, scope)
			return err
		},
	},
	"PutLicenseAssignment": {
		rows: inTenantRows(theSubject), covers: inOneTenant, again: saved("license_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.PutLicenseAssignment(ctx, scope, key, estate.SeatProfessional, moment(99))
		},
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{fmt.Sprintf("tenant_id=%q subject=%q", scope.Tenant, theSubject)}
		}),
	},
	"DeleteLicenseAssignment": {
		rows: inTenantRows(theSubject), covers: inOneTenant, again: saved("license_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteLicenseAssignment(ctx, scope, key)
		},
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{fmt.Sprintf("tenant_id=%q subject=%q", scope.Tenant, theSubject)}
		}),
	},
	"UpdateSpace": {
		rows: inTenantRows(string(spaceID(1))), covers: inOneTenant, again: savedAll("spaces", "space_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateSpace(ctx, scope, estate.Space{ID: estate.SpaceID(key), Name: "renamed", UpdatedAt: moment(99)})
		},
		touches: touchesIn(func(scope estate.Scope) []string { return []string{inTable("spaces", scope)} }),
	},
	"DeleteSpace": {
		rows: inTenantRows(string(spaceID(1))), covers: inOneTenant, again: savedAll("spaces", "space_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteSpace(ctx, scope, estate.SpaceID(key))
		},
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("spaces", scope), inTable("space_assignments", scope)}
		}),
	},
	"UpdateSpaceAssignment": {
		rows: inTenantRows(string(assignmentID(1))), covers: inOneTenant, again: saved("space_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateSpaceAssignment(ctx, scope, estate.SpaceAssignment{Space: spaceID(1), ID: estate.AssignmentID(key), UpdatedAt: moment(99)})
		},
		touches: touchesIn(func(scope estate.Scope) []string { return []string{inTable("space_assignments", scope)} }),
	},
	"DeleteSpaceAssignment": {
		rows: inTenantRows(string(assignmentID(1))), covers: inOneTenant, again: saved("space_assignments"),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteSpaceAssignment(ctx, scope, spaceID(1), estate.AssignmentID(key))
		},
		touches: touchesIn(func(scope estate.Scope) []string { return []string{inTable("space_assignments", scope)} }),
	},
}
