package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// In the world, every tenant has a custom role, a group that has it, a person in
// the group, and settings. They are called the same in all tenants.

const staff, clerk, theSubject = "Staff", estate.RoleName("Clerk"), "somebody"

// insertDirectory inserts what tenants have in their directories.
func (w world) insertDirectory(ctx context.Context, tx *store.Tx) error {
	var errs []error
	for _, t := range w.tenants {
		role, group := role(t, 1), group(t, 1)
		role.Name, group.Name, group.Roles = clerk, staff, []estate.RoleName{clerk}
		errs = append(errs, tx.InsertRole(ctx, role), tx.InsertGroup(ctx, group),
			tx.SetUserGroups(ctx, t.Scope(), userID(0), []estate.GroupID{group.ID}, moment(1)),
			tx.SetSeats(ctx, t.Scope(), estate.SeatAnalyzer, 10), tx.PutLicenseAssignment(ctx, t.Scope(), theSubject, estate.SeatAnalyzer, moment(1)),
			tx.InsertSpace(ctx, space(t, 1)), tx.InsertSpaceAssignment(ctx, spaceAssignment(t, 1)),
			tx.SetDirectorySettings(ctx, t.Scope(), estate.DirectorySettings{SyncIDPGroups: true}, moment(1)))
	}
	return first(errs...)
}

// inTenantRows are one row of each tenant, known by the same key.
func inTenantRows(key string) func(w world) []row {
	return func(w world) []row {
		return rowsOf(w.tenants, func(t estate.Tenant) row { return row{owner: t.Scope(), key: key, id: string(t.ID)} })
	}
}

func accessLine(scope estate.Scope) string {
	return changeLine(store.ChangeAccess, fmt.Sprintf("%s/%s", scope.Organization, scope.Tenant))
}

// holderLine is the line about a role that somebody holds.
func holderLine(scope estate.Scope, role estate.RoleName, holder string) string {
	return fmt.Sprintf("tenant_id=%q role=%q holder_id=%q", scope.Tenant, role, holder)
}

// touchesIn are texts of lines about a tenant.
func touchesIn(texts func(scope estate.Scope) []string) func(world, row, estate.Scope) []string {
	return func(_ world, _ row, scope estate.Scope) []string { return texts(scope) }
}

func inTable(table string, scope estate.Scope) string {
	return fmt.Sprintf("%s: organization_id=%q tenant_id=%q", table, scope.Organization, scope.Tenant)
}

func idOfRoleOwner(r estate.Role) string   { return string(r.Tenant) }
func idOfGroupOwner(g estate.Group) string { return string(g.Tenant) }

// userPage returns the users of scope, page and count.
func userPage(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
	page, _, err := tx.Users(ctx, scope, store.Query{Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	if n, err := tx.CountUsers(ctx, scope, nil); err != nil || int(n) != len(page) {
		return nil, fmt.Errorf("%d users, and %d counted, %w", len(page), n, err)
	}
	return ids(page, nil, idOfUser)
}

func groupPage(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
	page, _, err := tx.Groups(ctx, scope, store.Query{Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	if n, err := tx.CountGroups(ctx, scope, nil); err != nil || int(n) != len(page) {
		return nil, fmt.Errorf("%d groups, and %d counted, %w", len(page), n, err)
	}
	return ids(page, nil, idOfGroupOwner)
}

// directoryReads are the cases of methods around directories that read.
var directoryReads = joined(spaceReads, map[string]readCase{
	"Users": {rows: usersByID, covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return userPage(ctx, tx, scope)
	}},
	"CountUsers": {rows: usersByID, covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return userPage(ctx, tx, scope) // it shows only how many there are
	}},
	"UsersByEmail": {
		rows:   func(w world) []row { return userRows(w, func(u estate.User) string { return u.Email }) },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			found, err := tx.UsersByEmail(ctx, scope, key)
			return ids(found, err, idOfUser)
		},
	},
	"PasswordHolders": {
		rows: func(w world) []row {
			return userRows(w, func(u estate.User) string {
				if u.ClientID != "" {
					return "" // bots have no password
				}
				return u.Email
			})
		},
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			found, err := tx.PasswordHolders(ctx, scope, key)
			return ids(found, err, idOfUser)
		},
	},
	"CountAdmins": {rows: usersByID, covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := userPage(ctx, tx, scope)
		if n, errOfCount := tx.CountAdmins(ctx, scope); errOfCount != nil || int(n) != len(all) { // all are
			return nil, fmt.Errorf("%d users, and %d administrators, %w", len(all), n, errOfCount)
		}
		return all, err
	}},
	"Roles": {rows: inTenantRows(""), covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.Roles(ctx, scope)
		return ids(all, err, idOfRoleOwner)
	}},
	"Role": {rows: inTenantRows(string(roleID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		r, err := tx.Role(ctx, scope, estate.RoleID(key))
		return oneID(r, err, idOfRoleOwner)
	}},
	"RoleHolders": {rows: inTenantRows(string(clerk)), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) (all []string, err error) {
		holders, err := tx.RoleHolders(ctx, scope, estate.RoleName(key))
		for _, holder := range holders {
			if holder != string(groupID(1)) {
				return nil, fmt.Errorf("holder %s", holder)
			}
			all = append(all, string(scope.Tenant))
		}
		return all, err
	}},
	"Groups": {rows: inTenantRows(""), covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return groupPage(ctx, tx, scope)
	}},
	"CountGroups": {rows: inTenantRows(""), covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return groupPage(ctx, tx, scope) // it shows only how many there are
	}},
	"Group": {rows: inTenantRows(string(groupID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		g, err := tx.Group(ctx, scope, estate.GroupID(key))
		return oneID(g, err, idOfGroupOwner)
	}},
	"GroupByName": {rows: inTenantRows(staff), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		g, err := tx.GroupByName(ctx, scope, key)
		return oneID(g, err, idOfGroupOwner)
	}},
	"UserGroups": {rows: inTenantRows(string(userID(0))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		groups, err := tx.UserGroups(ctx, scope, []estate.UserID{estate.UserID(key)})
		return ids(groups[estate.UserID(key)], err, idOfGroupOwner)
	}},
	"Access": {rows: inTenantRows(string(userID(0))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		a, err := tx.Access(ctx, scope, estate.UserID(key))
		if err == nil && !a.Has(clerk) {
			return nil, fmt.Errorf("roles %v", a.Roles)
		}
		return oneID(a, err, func(estate.Access) string { return string(scope.Tenant) })
	}},
	"DirectorySettings": {rows: inTenantRows(""), covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		settings, err := tx.DirectorySettings(ctx, scope)
		if !settings.SyncIDPGroups {
			return nil, err
		}
		return []string{string(scope.Tenant)}, err
	}},
})

// directoryWrites are the cases of methods around directories that write.
var directoryWrites = joined(spaceWrites, map[string]writeCase{
	"UpdateRole": {
		rows: inTenantRows(string(roleID(1))), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateRole(ctx, scope, estate.Role{ID: estate.RoleID(key), Name: "Renamed", UpdatedAt: moment(99)})
		},
		again: savedAll("roles", "groups", "group_members", "role_holders"),
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("roles", scope), inTable("groups", scope), holderLine(scope, clerk, string(groupID(1))), holderLine(scope, "Renamed", string(groupID(1))), accessLine(scope)}
		}),
	},
	"DeleteRole": {
		rows: inTenantRows(string(roleID(1))), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteRole(ctx, scope, estate.RoleID(key), moment(99))
		},
		again:   saved("roles"),
		touches: touchesIn(func(scope estate.Scope) []string { return []string{inTable("roles", scope), accessLine(scope)} }),
	},
	"UpdateGroup": {
		rows: inTenantRows(string(groupID(1))), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateGroup(ctx, scope, estate.Group{ID: estate.GroupID(key), Name: "renamed", UpdatedAt: moment(99)})
		},
		again: savedAll("groups", "group_members", "role_holders"),
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("groups", scope), holderLine(scope, clerk, string(groupID(1))), accessLine(scope)}
		}),
	},
	"DeleteGroup": {
		rows: inTenantRows(string(groupID(1))), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteGroup(ctx, scope, estate.GroupID(key), moment(99))
		},
		again: savedAll("groups", "group_members", "role_holders", "space_assignments"),
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("groups", scope), inTable("group_members", scope), inTable("space_assignments", scope), holderLine(scope, clerk, string(groupID(1))), accessLine(scope)}
		}),
	},
	"SetUserGroups": {
		rows: inTenantRows(string(userID(0))), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.SetUserGroups(ctx, scope, estate.UserID(key), nil, moment(99))
		},
		again: saved("group_members"),
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("group_members", scope), changeLine(store.ChangeUser, fmt.Sprintf("%s/%s/%s", scope.Organization, scope.Tenant, userID(0)))}
		}),
	},
	"SetDirectorySettings": {
		rows: inTenantRows(""), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.SetDirectorySettings(ctx, scope, estate.DirectorySettings{AutoCreateGroups: true, EveryoneRoles: []estate.RoleName{"Steward"}}, moment(99))
		},
		again: savedAll("directories", "role_holders"),
		touches: touchesIn(func(scope estate.Scope) []string {
			return []string{inTable("directories", scope), holderLine(scope, "Steward", "everyone"), accessLine(scope)}
		}),
	},
	"LockDirectory": {
		rows: inTenantRows(""), covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.LockDirectory(ctx, scope)
		},
		again:   saved("directories"),
		touches: touchesIn(func(scope estate.Scope) []string { return []string{inTable("directories", scope)} }),
	},
})

// deletedUserTouches: with a user go its memberships.
func deletedUserTouches(w world, r row, scope estate.Scope) []string {
	texts := userTouches(w, r, scope)
	if userOf(w, r).ClientID == "" {
		texts = append(texts, fmt.Sprintf("tenant_id=%q user_id=%q group_id=", scope.Tenant, r.key))
	}
	return texts
}

// roleLines are the lines about the roles that a user of the world holds.
func roleLines(w world, r row, scope estate.Scope) (lines []string) {
	for _, role := range slices.Compact(userOf(w, r).Roles) {
		lines = append(lines, holderLine(scope, role, r.key))
	}
	return lines
}

// savedAll is saved for tables of which each can refer to those before it.
func savedAll(tables ...string) func(t *testing.T, db Database) {
	return func(t *testing.T, db Database) {
		t.Helper()
		for _, table := range tables {
			execute(t, db, "create table if not exists "+savedPrefix+table+" as select * from "+table)
		}
		for _, table := range slices.Backward(tables) {
			execute(t, db, "delete from "+table)
		}
		for _, table := range tables {
			execute(t, db, "insert into "+table+" select * from "+savedPrefix+table)
		}
	}
}
