package storetest

import (
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

func spaceID(n int) estate.SpaceID { return estate.SpaceID(fmt.Sprintf("%024x", 0xc000+n)) }

func assignmentID(n int) estate.AssignmentID {
	return estate.AssignmentID(fmt.Sprintf("%024x", 0xd000+n))
}

func space(of estate.Tenant, n int) estate.Space {
	return estate.Space{
		ID: spaceID(n), Organization: of.Organization, Tenant: of.ID, Type: estate.SpaceShared, Name: fmt.Sprintf("Space %d", n), Description: "what is in it",
		Owner: userID(9), CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n + 1),
	}
}

// spaceAssignment gives the first group roles in the first space.
func spaceAssignment(of estate.Tenant, n int) estate.SpaceAssignment {
	return estate.SpaceAssignment{
		ID: assignmentID(n), Organization: of.Organization, Tenant: of.ID, Space: spaceID(1), Type: estate.AssigneeGroup, Assignee: string(groupID(1)),
		Roles: []string{"consumer", "producer"}, CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n + 1), UpdatedBy: "changer",
	}
}

func testSeats(t *testing.T, db Database) {
	ctx := t.Context()
	s := newSample(t, db)
	one, two, other := tenant(s.sub, europe, 1), tenant(s.sub, america, 2), tenant(s.second, europe, 3)
	insertTenants(t, db, one, two, other)
	seats := func(scope estate.Scope) []estate.Seats {
		return read(t, db, func(tx *store.Tx) ([]estate.Seats, error) { return tx.Seats(ctx, scope) })
	}
	equal(t, "seats before there are any", seats(of(s.sub)), nil)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.SetSeats(ctx, of(s.sub), estate.SeatProfessional, 3), tx.SetSeats(ctx, of(s.sub), estate.SeatAnalyzer, 7), tx.SetSeats(ctx, of(s.second), estate.SeatAnalyzer, 1),
			tx.PutLicenseAssignment(ctx, one.Scope(), "a", estate.SeatAnalyzer, moment(1)), tx.PutLicenseAssignment(ctx, two.Scope(), "a", estate.SeatAnalyzer, moment(1)),
			tx.PutLicenseAssignment(ctx, two.Scope(), "b", estate.SeatProfessional, moment(1)), tx.PutLicenseAssignment(ctx, other.Scope(), "a", estate.SeatAnalyzer, moment(1)))
	})
	want := []estate.Seats{{Type: estate.SeatAnalyzer, Units: 7, Used: 2}, {Type: estate.SeatProfessional, Units: 3, Used: 1}}
	equal(t, "seats of the pool", seats(one.Scope()), want)
	equal(t, "seats of the other subscription", seats(other.Scope()), []estate.Seats{{Type: estate.SeatAnalyzer, Units: 1, Used: 1}})
	write(t, db, func(tx *store.Tx) error {
		locked, err := tx.LockSeats(ctx, two.Scope())
		equal(t, "locked seats", locked, want)
		return first(err, tx.SetSeats(ctx, of(s.sub), estate.SeatAnalyzer, 1))
	})
	want[0].Units = 1
	equal(t, "fewer seats than are taken", seats(of(s.sub)), want)
	err := refused(t, db, func(tx *store.Tx) error {
		return tx.SetSeats(ctx, estate.Scope{Organization: s.other.ID, Subscription: s.sub.ID}, estate.SeatAnalyzer, 1)
	})
	wantError(t, err, estate.NotFound, api.CodeEstateNotFound)
}

func testLicenseAssignment(t *testing.T, db Database) {
	ctx := t.Context()
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		u := user(home, 1)
		u.Subject = "Ada"
		return first(tx.InsertUser(ctx, u), tx.PutLicenseAssignment(ctx, home.Scope(), "Ada", estate.SeatAnalyzer, moment(3)),
			tx.PutLicenseAssignment(ctx, home.Scope(), "bob", estate.SeatProfessional, moment(2)), tx.PutLicenseAssignment(ctx, home.Scope(), "ada", estate.SeatAnalyzer, moment(1)))
	})
	scope := home.Scope()
	get := func(subject string) func(tx *store.Tx) (estate.LicenseAssignment, error) {
		return func(tx *store.Tx) (estate.LicenseAssignment, error) { return tx.LicenseAssignment(ctx, scope, subject) }
	}
	equal(t, "assignment", read(t, db, get("bob")), complete(t, estate.LicenseAssignment{
		Organization: home.Organization, Subscription: home.Subscription, Tenant: home.ID, Subject: "bob", Type: estate.SeatProfessional, CreatedAt: moment(2),
	}))
	checkListing(t, db, store.LicenseAssignmentListing, 3,
		func(tx *store.Tx, q store.Query) ([]estate.LicenseAssignment, bool, error) {
			return tx.LicenseAssignments(ctx, scope, false, q)
		},
		func(tx *store.Tx, expr filter.Expr) (int64, error) {
			return tx.CountLicenseAssignments(ctx, scope, false, expr)
		},
		map[string][]string{`subject eq "ADA"`: {"Ada", "ada"}, `type eq "professional" or subject co "x"`: {"bob"}})
	orphans, _ := walk(t, db, store.LicenseAssignmentListing, store.Query{Limit: 1}, func(tx *store.Tx, q store.Query) ([]estate.LicenseAssignment, bool, error) {
		return tx.LicenseAssignments(ctx, scope, true, q)
	})
	equal(t, "orphans", orphans, []string{"ada", "bob"})
	equal(t, "counted orphans", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountLicenseAssignments(ctx, scope, true, nil) }), 2)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.PutLicenseAssignment(ctx, scope, "bob", estate.SeatAnalyzer, moment(9)), tx.DeleteLicenseAssignment(ctx, scope, "Ada"))
	})
	if a := read(t, db, get("bob")); a.Type != estate.SeatAnalyzer || a.CreatedAt != moment(9) {
		t.Errorf("changed: %+v", a)
	}
	wantError(t, readError(t, db, get("Ada")), estate.NotFound, api.CodeLicenseNotFound)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.DeleteLicenseAssignment(ctx, scope, "Ada") }), estate.NotFound, api.CodeLicenseNotFound)
}

func testSpace(t *testing.T, db Database) {
	ctx := t.Context()
	var one, two, three estate.Space
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two, three = complete(t, space(home, 1)), space(home, 2), space(home, 3)
		two.Name, two.Type, two.Owner = "another", estate.SpaceManaged, userID(1)
		disabled := group(home, 2)
		disabled.Status = estate.GroupDisabled
		assigned := spaceAssignment(home, 1)
		direct, off := spaceAssignment(home, 2), spaceAssignment(home, 3)
		direct.Space, direct.Type, direct.Assignee = three.ID, estate.AssigneeUser, string(userID(2))
		off.Space, off.Assignee = three.ID, string(disabled.ID)
		return first(tx.InsertSpace(ctx, one), tx.InsertSpace(ctx, two), tx.InsertSpace(ctx, three), tx.InsertGroup(ctx, group(home, 1)), tx.InsertGroup(ctx, disabled),
			tx.InsertUser(ctx, user(home, 1)), tx.InsertUser(ctx, user(home, 2)), tx.SetUserGroups(ctx, home.Scope(), userID(1), []estate.GroupID{groupID(1), groupID(2)}, moment(1)),
			tx.InsertSpaceAssignment(ctx, assigned), tx.InsertSpaceAssignment(ctx, direct), tx.InsertSpaceAssignment(ctx, off))
	})
	scope := home.Scope()
	get := func(member estate.UserID, id estate.SpaceID) func(tx *store.Tx) (estate.Space, error) {
		return func(tx *store.Tx) (estate.Space, error) { return tx.Space(ctx, scope, member, id) }
	}
	equal(t, "space", read(t, db, get("", one.ID)), one)
	wantError(t, readError(t, db, get("", spaceID(9))), estate.NotFound, api.CodeSpaceNotFound)
	pageOf := func(member estate.UserID) func(tx *store.Tx, q store.Query) ([]estate.Space, bool, error) {
		return func(tx *store.Tx, q store.Query) ([]estate.Space, bool, error) {
			return tx.Spaces(ctx, scope, member, q)
		}
	}
	id := func(s estate.Space) string { return string(s.ID) }
	checkListing(t, db, store.SpaceListing, 3, pageOf(""), func(tx *store.Tx, expr filter.Expr) (int64, error) { return tx.CountSpaces(ctx, scope, "", expr) },
		map[string][]string{
			`name eq "SPACE 1"`: {id(one)}, `name co "a" and type ne "managed"`: {id(one), id(three)}, `ownerId eq "` + string(userID(1)) + `"`: {id(two)},
			`createdAt le "` + moment(1).Format("2006-01-02T15:04:05.999999Z07:00") + `"`: {id(one)},
		})
	for member, want := range map[estate.UserID][]string{
		userID(1): {id(two), id(one)}, // owns one, and is in a group; the other group is disabled
		userID(2): {id(three)},
		userID(7): nil,
	} {
		have, _ := walk(t, db, store.SpaceListing, store.Query{Limit: 1}, pageOf(member))
		equal(t, "spaces of "+string(member), have, want)
		n := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountSpaces(ctx, scope, member, nil) })
		equal(t, "counted spaces", int(n), len(want))
	}
	wantError(t, readError(t, db, get(userID(2), one.ID)), estate.NotFound, api.CodeSpaceNotFound)
	equal(t, "space of a member", read(t, db, get(userID(1), one.ID)), one)

	taken := space(home, 4)
	taken.Name = one.Name
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertSpace(ctx, taken) }), estate.Conflict, api.CodeSpaceExists)
	changed := one
	changed.Name, changed.Description, changed.Owner, changed.UpdatedAt = "Changed", "", userID(2), moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateSpace(ctx, scope, changed) })
	equal(t, "changed space", read(t, db, get("", one.ID)), changed)
	write(t, db, func(tx *store.Tx) error { return tx.DeleteSpace(ctx, scope, one.ID) })
	for what, fn := range map[string]func(tx *store.Tx) error{
		"delete": func(tx *store.Tx) error { return tx.DeleteSpace(ctx, scope, one.ID) },
		"update": func(tx *store.Tx) error { return tx.UpdateSpace(ctx, scope, one) },
	} {
		t.Run(what, func(t *testing.T) { wantError(t, refused(t, db, fn), estate.NotFound, api.CodeSpaceNotFound) })
	}
}

func testSpaceAssignment(t *testing.T, db Database) {
	ctx := t.Context()
	var a, everyone estate.SpaceAssignment
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		a, everyone = complete(t, spaceAssignment(home, 1)), spaceAssignment(home, 2)
		everyone.Assignee, everyone.Roles = string(estate.GroupEveryone), []string{"dataconsumer"}
		return first(tx.InsertSpace(ctx, space(home, 1)), tx.InsertSpace(ctx, space(home, 2)), tx.InsertGroup(ctx, group(home, 1)), tx.InsertUser(ctx, user(home, 1)), tx.InsertUser(ctx, user(home, 2)),
			tx.SetUserGroups(ctx, home.Scope(), userID(2), []estate.GroupID{groupID(1)}, moment(1)), tx.InsertSpaceAssignment(ctx, a), tx.InsertSpaceAssignment(ctx, everyone))
	})
	scope := home.Scope()
	get := func(space estate.SpaceID, id estate.AssignmentID) func(tx *store.Tx) (estate.SpaceAssignment, error) {
		return func(tx *store.Tx) (estate.SpaceAssignment, error) { return tx.SpaceAssignment(ctx, scope, space, id) }
	}
	equal(t, "assignment", read(t, db, get(spaceID(1), a.ID)), a)
	wantError(t, readError(t, db, get(spaceID(2), a.ID)), estate.NotFound, api.CodeSpaceAssignmentNotFound)
	checkListing(t, db, store.SpaceAssignmentListing, 2,
		func(tx *store.Tx, q store.Query) ([]estate.SpaceAssignment, bool, error) {
			return tx.SpaceAssignments(ctx, scope, spaceID(1), q)
		},
		func(tx *store.Tx, expr filter.Expr) (int64, error) {
			return tx.CountSpaceAssignments(ctx, scope, spaceID(1), expr)
		},
		map[string][]string{`assigneeId eq "` + string(groupID(1)) + `"`: {string(a.ID)}, `type ne "group"`: nil})
	roles := func(user estate.UserID) []string {
		return read(t, db, func(tx *store.Tx) ([]string, error) { return tx.SpaceRoles(ctx, scope, spaceID(1), user) })
	}
	equal(t, "roles of a member", roles(userID(2)), []string{"consumer", "producer", "dataconsumer"})
	equal(t, "roles of everybody", roles(userID(1)), []string{"dataconsumer"})

	twice := spaceAssignment(home, 3)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertSpaceAssignment(ctx, twice) }), estate.Conflict, api.CodeSpaceAssignmentExists)
	changed := a
	changed.Roles, changed.UpdatedAt, changed.UpdatedBy = []string{"facilitator"}, moment(9), "other"
	write(t, db, func(tx *store.Tx) error { return tx.UpdateSpaceAssignment(ctx, scope, changed) })
	equal(t, "changed assignment", read(t, db, get(spaceID(1), a.ID)), changed)
	person := spaceAssignment(home, 4)
	person.Type, person.Assignee = estate.AssigneeUser, string(userID(2))
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSpaceAssignment(ctx, person), tx.DeleteSpaceAssignment(ctx, scope, spaceID(1), everyone.ID),
			tx.DeleteUser(ctx, scope, userID(2), moment(1)), tx.DeleteGroup(ctx, scope, groupID(1), moment(1)))
	})
	equal(t, "what is left of assignments", column(t, db, "select id from space_assignments"), nil)
	for what, fn := range map[string]func(tx *store.Tx) error{
		"delete": func(tx *store.Tx) error { return tx.DeleteSpaceAssignment(ctx, scope, spaceID(1), a.ID) },
		"update": func(tx *store.Tx) error { return tx.UpdateSpaceAssignment(ctx, scope, a) },
	} {
		t.Run(what, func(t *testing.T) { wantError(t, refused(t, db, fn), estate.NotFound, api.CodeSpaceAssignmentNotFound) })
	}
}
