package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

func roleID(n int) estate.RoleID   { return estate.RoleID(fmt.Sprintf("%024x", 0xa000+n)) }
func groupID(n int) estate.GroupID { return estate.GroupID(fmt.Sprintf("%024x", 0xb000+n)) }

func role(of estate.Tenant, n int) estate.Role {
	return estate.Role{
		ID: roleID(n), Organization: of.Organization, Tenant: of.ID, Type: estate.RoleCustom, Level: estate.RoleLevelAdmin,
		Name: estate.RoleName(fmt.Sprintf("Role %d", n)), Description: "what it is for", Scopes: estate.Permissions{"admin.users", "spaces.shared"},
		CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n + 1), UpdatedBy: "changer",
	}
}

func group(of estate.Tenant, n int) estate.Group {
	return estate.Group{
		ID: groupID(n), Organization: of.Organization, Tenant: of.ID, Name: fmt.Sprintf("Group %d", n), Description: "who they are",
		Provider: estate.GroupCustom, Status: estate.GroupActive, Roles: []estate.RoleName{"Role 1", "Steward"},
		CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n + 1), UpdatedBy: "changer",
	}
}

// directoryOf is a tenant with what fn inserts.
func directoryOf(t *testing.T, db Database, fn func(tx *store.Tx, home estate.Tenant) error) estate.Tenant {
	t.Helper()
	s := newSample(t, db)
	home, next := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, home, next)
	write(t, db, func(tx *store.Tx) error { return fn(tx, home) })
	return home
}

func testRole(t *testing.T, db Database) {
	ctx := t.Context()
	one, two := role(estate.Tenant{}, 1), role(estate.Tenant{}, 2)
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two = complete(t, role(home, 1)), role(home, 2)
		two.Name, two.Scopes, two.Level = "A role", estate.Permissions{"spaces.shared"}, estate.RoleLevelUser
		return first(tx.InsertRole(ctx, one), tx.InsertRole(ctx, two))
	})
	scope := home.Scope()
	get := func(id estate.RoleID) func(tx *store.Tx) (estate.Role, error) {
		return func(tx *store.Tx) (estate.Role, error) { return tx.Role(ctx, scope, id) }
	}
	equal(t, "role", read(t, db, get(one.ID)), one)
	equal(t, "roles, by name", read(t, db, func(tx *store.Tx) ([]estate.Role, error) { return tx.Roles(ctx, scope) }), []estate.Role{two, one})
	wantError(t, readError(t, db, get(roleID(9))), estate.NotFound, api.CodeRoleNotFound)
	for what, change := range map[string]func(*estate.Role){"name": func(r *estate.Role) { r.Name = one.Name }} {
		r := role(home, 3)
		change(&r)
		t.Run(what, func(t *testing.T) {
			wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertRole(ctx, r) }), estate.Conflict, api.CodeRoleExists)
		})
	}
	taken := two
	taken.Name = one.Name
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateRole(ctx, scope, taken) }), estate.Conflict, api.CodeRoleExists)

	// Whoever holds it is renamed with it: a user, a group, and everybody.
	u, g := user(home, 1), group(home, 1)
	u.Roles, g.Roles = []estate.RoleName{estate.RoleTenantAdmin, one.Name}, []estate.RoleName{one.Name}
	settings := estate.DirectorySettings{EveryoneRoles: []estate.RoleName{one.Name, "Steward"}}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertUser(ctx, u), tx.InsertGroup(ctx, g), tx.SetDirectorySettings(ctx, scope, settings, moment(1)))
	})
	holders := func(name estate.RoleName) []string {
		return read(t, db, func(tx *store.Tx) ([]string, error) { return tx.RoleHolders(ctx, scope, name) })
	}
	all := []string{string(u.ID), "everyone", string(g.ID)}
	slices.Sort(all)
	equal(t, "holders", holders(one.Name), all)
	renamed := one
	renamed.Name, renamed.Description, renamed.Scopes, renamed.Level, renamed.UpdatedAt, renamed.UpdatedBy = "Renamed", "", estate.Permissions{"apps"}, estate.RoleLevelUser, moment(50), "other"
	told := changesBy(t, db, func() { write(t, db, func(tx *store.Tx) error { return tx.UpdateRole(ctx, scope, renamed) }) })
	if !slices.Contains(told, store.Change{Kind: store.ChangeAccess, Key: fmt.Sprintf("%s/%s", home.Organization, home.ID)}) || !slices.Contains(told, userChange(u)) {
		t.Errorf("told %v", told)
	}
	equal(t, "renamed role", read(t, db, get(one.ID)), renamed)
	equal(t, "holders of the old name", holders(one.Name), nil)
	equal(t, "holders of the new name", holders("Renamed"), all)
	equal(t, "the user's roles", read(t, db, func(tx *store.Tx) (estate.User, error) { return tx.User(ctx, scope, u.ID) }).Roles, []estate.RoleName{estate.RoleTenantAdmin, "Renamed"})
	equal(t, "the group's roles", read(t, db, func(tx *store.Tx) (estate.Group, error) { return tx.Group(ctx, scope, g.ID) }).Roles, []estate.RoleName{"Renamed"})
	equal(t, "everybody's roles", read(t, db, func(tx *store.Tx) (estate.DirectorySettings, error) { return tx.DirectorySettings(ctx, scope) }).EveryoneRoles, []estate.RoleName{"Renamed", "Steward"})

	write(t, db, func(tx *store.Tx) error { return tx.DeleteRole(ctx, scope, two.ID, moment(60)) })
	wantError(t, readError(t, db, get(two.ID)), estate.NotFound, api.CodeRoleNotFound)
	for what, fn := range map[string]func(tx *store.Tx) error{
		"delete": func(tx *store.Tx) error { return tx.DeleteRole(ctx, scope, two.ID, moment(60)) },
		"update": func(tx *store.Tx) error { return tx.UpdateRole(ctx, scope, two) },
	} {
		t.Run(what, func(t *testing.T) { wantError(t, refused(t, db, fn), estate.NotFound, api.CodeRoleNotFound) })
	}
}

func testGroup(t *testing.T, db Database) {
	ctx := t.Context()
	var one, two estate.Group
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two = complete(t, group(home, 1)), group(home, 2)
		two.Name, two.Roles = "group 1", nil // differs in case
		return first(tx.InsertGroup(ctx, one), tx.InsertGroup(ctx, two))
	})
	scope := home.Scope()
	get := func(id estate.GroupID) func(tx *store.Tx) (estate.Group, error) {
		return func(tx *store.Tx) (estate.Group, error) { return tx.Group(ctx, scope, id) }
	}
	byName := func(name string) func(tx *store.Tx) (estate.Group, error) {
		return func(tx *store.Tx) (estate.Group, error) { return tx.GroupByName(ctx, scope, name) }
	}
	equal(t, "group", read(t, db, get(one.ID)), one)
	equal(t, "group by name", read(t, db, byName("Group 1")), one)
	equal(t, "group by the name in other case", read(t, db, byName("group 1")), two)
	wantError(t, readError(t, db, get(groupID(9))), estate.NotFound, api.CodeGroupNotFound)
	wantError(t, readError(t, db, byName("GROUP 1")), estate.NotFound, api.CodeGroupNotFound)
	third := group(home, 3)
	third.Name = one.Name
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertGroup(ctx, third) }), estate.Conflict, api.CodeGroupExists)

	changed := one
	changed.Name, changed.Description, changed.Status, changed.Roles, changed.UpdatedAt, changed.UpdatedBy = "Other", "", estate.GroupDisabled, []estate.RoleName{"Developer"}, moment(9), "other"
	write(t, db, func(tx *store.Tx) error { return tx.UpdateGroup(ctx, scope, changed) })
	equal(t, "changed group", read(t, db, get(one.ID)), changed)
	holders := func(name estate.RoleName) []string {
		return read(t, db, func(tx *store.Tx) ([]string, error) { return tx.RoleHolders(ctx, scope, name) })
	}
	equal(t, "holders", [][]string{holders("Steward"), holders("Developer")}, [][]string{nil, {string(one.ID)}})
	changed.Name = two.Name
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateGroup(ctx, scope, changed) }), estate.Conflict, api.CodeGroupExists)

	write(t, db, func(tx *store.Tx) error { return tx.DeleteGroup(ctx, scope, one.ID, moment(60)) })
	wantError(t, readError(t, db, get(one.ID)), estate.NotFound, api.CodeGroupNotFound)
	equal(t, "holders of a deleted group's role", holders("Developer"), nil)
	for what, fn := range map[string]func(tx *store.Tx) error{
		"delete": func(tx *store.Tx) error { return tx.DeleteGroup(ctx, scope, one.ID, moment(60)) },
		"update": func(tx *store.Tx) error { return tx.UpdateGroup(ctx, scope, one) },
	} {
		t.Run(what, func(t *testing.T) { wantError(t, refused(t, db, fn), estate.NotFound, api.CodeGroupNotFound) })
	}
}

func testMembership(t *testing.T, db Database) {
	ctx := t.Context()
	var a, b estate.Group
	var u, v estate.User
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		a, b, u, v = group(home, 2), group(home, 1), user(home, 1), user(home, 2)
		a.Name, b.Name = "A", "B"
		foreign := tenant(estate.Subscription{Organization: home.Organization, ID: home.Subscription}, europe, 2)
		return first(tx.InsertGroup(ctx, a), tx.InsertGroup(ctx, b), tx.InsertGroup(ctx, group(foreign, 7)), tx.InsertUser(ctx, u), tx.InsertUser(ctx, v))
	})
	scope := home.Scope()
	groupsOf := func(users ...estate.UserID) map[estate.UserID][]estate.Group {
		return read(t, db, func(tx *store.Tx) (map[estate.UserID][]estate.Group, error) { return tx.UserGroups(ctx, scope, users) })
	}
	told := changesBy(t, db, func() {
		write(t, db, func(tx *store.Tx) error {
			return first(tx.SetUserGroups(ctx, scope, u.ID, []estate.GroupID{b.ID, a.ID, b.ID}, moment(1)), tx.SetUserGroups(ctx, scope, v.ID, []estate.GroupID{b.ID}, moment(1)))
		})
	})
	if !slices.Contains(told, userChange(u)) || !slices.Contains(told, userChange(v)) {
		t.Errorf("told %v", told)
	}
	equal(t, "groups", groupsOf(u.ID, v.ID, userID(9)), map[estate.UserID][]estate.Group{u.ID: {a, b}, v.ID: {b}})
	write(t, db, func(tx *store.Tx) error { return tx.SetUserGroups(ctx, scope, u.ID, []estate.GroupID{a.ID}, moment(1)) })
	equal(t, "groups", groupsOf(u.ID), map[estate.UserID][]estate.Group{u.ID: {a}})
	for what, id := range map[string]estate.GroupID{"no such group": groupID(9), "another tenant's": groupID(7)} {
		t.Run(what, func(t *testing.T) {
			err := refused(t, db, func(tx *store.Tx) error { return tx.SetUserGroups(ctx, scope, u.ID, []estate.GroupID{id}, moment(1)) })
			wantError(t, err, estate.NotFound, api.CodeGroupNotFound)
		})
	}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.DeleteUser(ctx, scope, u.ID, moment(1)), tx.DeleteGroup(ctx, scope, b.ID, moment(1)))
	})
	equal(t, "what is left of memberships", column(t, db, "select user_id from group_members"), nil)
}

func testAccess(t *testing.T, db Database) {
	ctx := t.Context()
	var u, plain estate.User
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		u, plain = user(home, 1), user(home, 2)
		u.Roles, plain.Roles = []estate.RoleName{"Developer"}, nil
		disabled := group(home, 2)
		disabled.Status, disabled.Roles = estate.GroupDisabled, []estate.RoleName{estate.RoleTenantAdmin}
		return first(tx.InsertRole(ctx, role(home, 1)), tx.InsertGroup(ctx, group(home, 1)), tx.InsertGroup(ctx, disabled),
			tx.InsertUser(ctx, u), tx.InsertUser(ctx, plain), tx.SetUserGroups(ctx, home.Scope(), u.ID, []estate.GroupID{groupID(1), groupID(2)}, moment(1)))
	})
	access := func(id estate.UserID) estate.Access {
		return read(t, db, func(tx *store.Tx) (estate.Access, error) { return tx.Access(ctx, home.Scope(), id) })
	}
	equal(t, "access by groups", access(u.ID), estate.Access{Roles: []estate.RoleName{"Developer", "Role 1", "Steward"}, Scopes: estate.Permissions{"admin.users", "spaces.shared"}})
	equal(t, "access without any", access(plain.ID), estate.Access{})
	write(t, db, func(tx *store.Tx) error {
		return tx.SetDirectorySettings(ctx, home.Scope(), estate.DirectorySettings{EveryoneRoles: []estate.RoleName{"AnalyticsAdmin"}}, moment(1))
	})
	builtIn, _ := estate.DefaultRole("AnalyticsAdmin")
	equal(t, "access by being there", access(plain.ID), estate.Access{Roles: []estate.RoleName{"AnalyticsAdmin"}, Scopes: builtIn.Scopes})
	wantError(t, readError(t, db, func(tx *store.Tx) (estate.Access, error) { return tx.Access(ctx, home.Scope(), userID(9)) }), estate.NotFound, api.CodeUserNotFound)
}

func testDirectory(t *testing.T, db Database) {
	ctx := t.Context()
	home := directoryOf(t, db, func(*store.Tx, estate.Tenant) error { return nil })
	settings := func() estate.DirectorySettings {
		return read(t, db, func(tx *store.Tx) (estate.DirectorySettings, error) { return tx.DirectorySettings(ctx, home.Scope()) })
	}
	equal(t, "settings before there are any", settings(), estate.DefaultDirectorySettings())
	write(t, db, func(tx *store.Tx) error { return tx.LockDirectory(ctx, home.Scope()) })
	equal(t, "settings after a lock", settings(), estate.DefaultDirectorySettings())
	want := complete(t, estate.DirectorySettings{
		AutoCreateGroups: true, SyncIDPGroups: true, AutoAssignProfessional: true, AutoAssignAnalyzer: true,
		EveryoneRoles: []estate.RoleName{"Steward"}, EveryoneUpdatedAt: moment(1),
	})
	write(t, db, func(tx *store.Tx) error { return tx.SetDirectorySettings(ctx, home.Scope(), want, moment(2)) })
	write(t, db, func(tx *store.Tx) error { return tx.LockDirectory(ctx, home.Scope()) })
	equal(t, "settings", settings(), want)
	nowhere := home.Scope()
	nowhere.Tenant = tenantID(9)
	for what, scope := range map[string]estate.Scope{"no such tenant": nowhere, "no tenant": {Organization: home.Organization}} {
		t.Run(what, func(t *testing.T) {
			wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.LockDirectory(ctx, scope) }), estate.NotFound, api.CodeTenantNotFound)
			wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.SetDirectorySettings(ctx, scope, want, moment(3)) }), estate.NotFound, api.CodeTenantNotFound)
		})
	}
}

// walk reads all pages of a query, forwards and then backwards, and returns the
// ids on the way.
func walk[T any](t *testing.T, db Database, l *store.Listing[T], q store.Query, page func(*store.Tx, store.Query) ([]T, bool, error)) (forwards, backwards []string) {
	t.Helper()
	step := func() (items []T, more bool) {
		type result struct {
			items []T
			more  bool
		}
		r := read(t, db, func(tx *store.Tx) (result, error) {
			items, more, err := page(tx, q)
			return result{items, more}, err
		})
		return r.items, r.more
	}
	idsOf := func(items []T) (ids []string) {
		for _, v := range items {
			ids = append(ids, l.Position(v, q.Sort).ID)
		}
		return ids
	}
	var last []T
	for {
		items, more := step()
		forwards = append(forwards, idsOf(items)...)
		last = items
		if !more || len(items) == 0 {
			break
		}
		p := l.Position(items[len(items)-1], q.Sort)
		if !l.Fits(p, q.Sort) {
			t.Fatalf("%+v does not fit", p)
		}
		q.From = &p
	}
	backwards = idsOf(last)
	q.Backward = true
	for len(last) > 0 {
		p := l.Position(last[0], q.Sort)
		q.From = &p
		items, more := step()
		backwards = append(idsOf(items), backwards...)
		last = items
		if !more {
			break
		}
	}
	return forwards, backwards
}

// checkListing walks through rows by each attribute, in both directions, and by
// filters.
func checkListing[T any](t *testing.T, db Database, l *store.Listing[T], all int, page func(*store.Tx, store.Query) ([]T, bool, error),
	count func(*store.Tx, filter.Expr) (int64, error), filters map[string][]string,
) {
	t.Helper()
	for _, name := range l.SortAttributes() {
		var orders [2][]string
		for i, descending := range []bool{false, true} {
			q := store.Query{Sort: []filter.SortKey{{Attribute: name, Descending: descending}}, Limit: 2}
			forwards, backwards := walk(t, db, l, q, page)
			equal(t, "backwards by "+name, backwards, forwards)
			orders[i] = forwards
			seen := slices.Compact(slices.Sorted(slices.Values(forwards)))
			if len(seen) != all || len(forwards) != all {
				t.Errorf("by %s: %v", name, forwards)
			}
		}
		slices.Reverse(orders[1])
		equal(t, "descending by "+name, orders[1], orders[0])
	}
	for text, want := range filters {
		expr, err := filter.Parse(text, l.Schema())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		have, _ := walk(t, db, l, store.Query{Filter: expr, Limit: 2}, page)
		equal(t, text, have, want)
		if n := read(t, db, func(tx *store.Tx) (int64, error) { return count(tx, expr) }); int(n) != len(want) {
			t.Errorf("%s: counted %d", text, n)
		}
	}
	if l.Fits(store.Position{ID: "x"}, nil) || l.Fits(store.Position{ID: "x", Values: []any{int64(1)}}, []filter.SortKey{{Attribute: l.SortAttributes()[0]}}) || l.Fits(store.Position{Values: []any{"x"}}, nil) {
		t.Error("a position fits that is of another order")
	}
}

func testUserPages(t *testing.T, db Database) {
	ctx := t.Context()
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		r, g := role(home, 1), group(home, 1)
		errs := []error{tx.InsertRole(ctx, r), tx.InsertGroup(ctx, g)}
		for i, name := range []string{"ada", "Bob", "BOB", "Éva", "ada"} {
			u := user(home, i)
			u.Name, u.Email, u.Subject, u.ClientID, u.Roles, u.CreatedAt = name, fmt.Sprintf("User%d@Example.com", i), fmt.Sprintf("S|%d", i), "", nil, moment(i/2)
			switch i {
			case 0:
				u.ClientID, u.Roles = clientID(1), []estate.RoleName{estate.RoleTenantAdmin}
			case 1:
				u.Roles = []estate.RoleName{r.Name, estate.RoleTenantAdmin}
			case 2:
				u.Status, u.Roles = estate.UserDisabled, []estate.RoleName{estate.RoleTenantAdmin}
			}
			errs = append(errs, tx.InsertUser(ctx, u))
		}
		return first(append(errs, tx.SetUserGroups(ctx, home.Scope(), userID(3), []estate.GroupID{g.ID}, moment(1)))...)
	})
	scope := home.Scope()
	admin, _ := estate.DefaultRole(estate.RoleTenantAdmin)
	id := func(numbers ...int) (all []string) {
		for _, n := range numbers {
			all = append(all, string(userID(n)))
		}
		return all
	}
	checkListing(t, db, store.UserListing, 5,
		func(tx *store.Tx, q store.Query) ([]estate.User, bool, error) { return tx.Users(ctx, scope, q) },
		func(tx *store.Tx, expr filter.Expr) (int64, error) { return tx.CountUsers(ctx, scope, expr) },
		map[string][]string{ // by name
			`id eq "` + string(userID(3)) + `"`:                                           id(3),
			`name eq "bob"`:                                                               id(1, 2),
			`name co "É"`:                                                                 id(3),
			`name co "%"`:                                                                 nil,
			`email eq "user1@EXAMPLE.com"`:                                                id(1),
			`email co "example.com" and not (name eq "ada")`:                              id(1, 2, 3),
			`subject eq "s|2"`:                                                            id(2),
			`status ne "active"`:                                                          id(2),
			`clientId eq "` + string(clientID(1)) + `"`:                                   id(0),
			`clientId eq ""`:                                                              id(4, 1, 2, 3),
			`assignedRoles.name eq "TenantAdmin"`:                                         id(0, 1, 2),
			`assignedRoles.name eq "tenantadmin"`:                                         id(0, 1, 2),
			`assignedRoles.id eq "` + string(admin.ID) + `"`:                              id(0, 1, 2),
			`assignedRoles.id eq "` + string(roleID(1)) + `"`:                             id(1),
			`not (assignedRoles.id eq "` + string(admin.ID) + `")`:                        id(4, 3),
			`assignedRoles.id eq "nothing"`:                                               nil,
			`assignedScopes eq "` + role(home, 1).Scopes[0] + `"`:                         id(1),
			`assignedScopes eq "` + role(home, 1).Scopes[0][1:] + `"`:                     nil,
			`assignedScopes eq "%"`:                                                       nil,
			`assignedGroups.id eq "` + string(groupID(1)) + `"`:                           id(3),
			`assignedGroups.name eq "Group 1"`:                                            id(3),
			`assignedGroupsAssignedRoles.name eq "Steward"`:                               id(3),
			`assignedGroupsAssignedRoles.name eq "STEWARD"`:                               id(3),
			`createdAt ge "` + moment(2).Format("2006-01-02T15:04:05.999999Z07:00") + `"`: id(4),
		})
	equal(t, "administrators", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountAdmins(ctx, scope) }), 2)
	found := read(t, db, func(tx *store.Tx) ([]estate.User, error) { return tx.UsersByEmail(ctx, scope, "USER3@example.com") })
	if len(found) != 1 || found[0].ID != userID(3) {
		t.Errorf("by e-mail address: %+v", found)
	}
	holders := func() []estate.User {
		return read(t, db, func(tx *store.Tx) ([]estate.User, error) { return tx.PasswordHolders(ctx, scope, "USER3@example.com") })
	}
	if none := holders(); len(none) != 0 {
		t.Errorf("holders of passwords that there are not: %+v", none)
	}
	write(t, db, func(tx *store.Tx) error {
		return tx.InsertCredential(ctx, personCredential(estate.Person{Organization: home.Organization, Tenant: home.ID, ID: string(userID(3))}, estate.CredentialPassword, 1))
	})
	equal(t, "holders", holders(), found)
	renamed := found[0]
	renamed.Name, renamed.Email, renamed.UpdatedAt = "Zoe", "zoe@example.com", moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateUser(ctx, scope, renamed) })
	byName := func(ctx context.Context, tx *store.Tx) ([]estate.User, error) {
		expr, err := filter.Parse(`name eq "zoe" and email eq "zoe@example.com"`, store.UserListing.Schema())
		if err != nil {
			return nil, err
		}
		page, _, err := tx.Users(ctx, scope, store.Query{Filter: expr, Limit: 5})
		return page, err
	}
	equal(t, "renamed", read(t, db, func(tx *store.Tx) ([]estate.User, error) { return byName(ctx, tx) }), []estate.User{renamed})
}

func testGroupPages(t *testing.T, db Database) {
	ctx := t.Context()
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		var errs []error
		for i, name := range []string{"b", "A", "a"} {
			g := group(home, i)
			g.Name, g.Roles = name, nil
			if i == 1 {
				g.Status, g.Provider, g.Roles = estate.GroupDisabled, estate.GroupIDP, []estate.RoleName{"Steward"}
			}
			errs = append(errs, tx.InsertGroup(ctx, g))
		}
		return first(errs...)
	})
	id := func(numbers ...int) (all []string) {
		for _, n := range numbers {
			all = append(all, string(groupID(n)))
		}
		return all
	}
	checkListing(t, db, store.GroupListing, 3,
		func(tx *store.Tx, q store.Query) ([]estate.Group, bool, error) {
			return tx.Groups(ctx, home.Scope(), q)
		},
		func(tx *store.Tx, expr filter.Expr) (int64, error) { return tx.CountGroups(ctx, home.Scope(), expr) },
		map[string][]string{
			`name eq "a"`:                     id(1, 2),
			`name co "b" or id eq "x"`:        id(0),
			`status eq "disabled"`:            id(1),
			`providerType ne "idp"`:           id(2, 0),
			`assignedRoles.name eq "Steward"`: id(1),
			`assignedRoles.name eq "steward"`: id(1),
		})
}
