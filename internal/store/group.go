package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const groupColumns = "organization_id, tenant_id, id, name, description, provider, status, roles, created_at, created_by, updated_at, updated_by"

func scanGroup(row rowScanner) (estate.Group, error) {
	var g estate.Group
	return g, scanGroupAnd(row, &g)
}

// scanGroupAnd reads a group and what columns come before it.
func scanGroupAnd(row rowScanner, g *estate.Group, before ...any) error {
	var roles string
	var created, updated int64
	err := row.Scan(append(before, &g.Organization, &g.Tenant, &g.ID, &g.Name, &g.Description, &g.Provider, &g.Status, &roles, &created, &g.CreatedBy, &updated, &g.UpdatedBy)...)
	g.CreatedAt, g.UpdatedAt = fromMicros(created), fromMicros(updated)
	if err == nil {
		err = json.Unmarshal([]byte(roles), &g.Roles)
	}
	return err
}

// GroupListing is what groups can be filtered and sorted by.
var GroupListing = &Listing[estate.Group]{
	table: "groups", columns: groupColumns, id: "id", order: "name", scan: scanGroup,
	idOf: func(g estate.Group) string { return string(g.ID) },
	attributes: []listed[estate.Group]{
		{name: "id", typ: filter.Exact, ops: exactly, column: "id", value: text(func(g estate.Group) estate.GroupID { return g.ID })},
		{name: "name", ops: texts, column: "name_key", value: folded(func(g estate.Group) string { return g.Name })},
		{name: "status", ops: exactly, column: "status", value: text(func(g estate.Group) estate.GroupStatus { return g.Status })},
		{name: "providerType", ops: exactly, column: "provider", value: text(func(g estate.Group) estate.GroupProvider { return g.Provider })},
		{name: "createdAt", typ: filter.Time, ops: ordered, column: "created_at", value: instant(func(g estate.Group) time.Time { return g.CreatedAt })},
		{name: "assignedRoles.name", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, name string) string {
			return "exists (select 1 from role_holders h where h.tenant_id = groups.tenant_id and h.holder_id = groups.id and " + c.roleIs("h", name) + ")"
		}},
	},
}

// InsertGroup adds g.
func (tx *Tx) InsertGroup(ctx context.Context, g estate.Group) error {
	_, err := tx.exec(ctx, "insert into groups ("+groupColumns+", name_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		g.Organization, g.Tenant, g.ID, g.Name, g.Description, g.Provider, g.Status, marshal(g.Roles),
		micros(g.CreatedAt), g.CreatedBy, micros(g.UpdatedAt), g.UpdatedBy, filter.Fold(g.Name))
	if err != nil {
		return wrap("insert group", err)
	}
	return tx.holdRoles(ctx, g.Organization, g.Tenant, string(g.ID), g.Roles)
}

// Groups returns a page of the groups of the tenant of scope, in the order of q,
// and whether more follow in the direction of reading.
func (tx *Tx) Groups(ctx context.Context, scope estate.Scope, q Query) (page []estate.Group, more bool, err error) {
	return GroupListing.page(ctx, tx, inTenant(scope, "groups"), q)
}

// CountGroups counts what Groups would return over all pages.
func (tx *Tx) CountGroups(ctx context.Context, scope estate.Scope, expr filter.Expr) (int64, error) {
	return GroupListing.count(ctx, tx, inTenant(scope, "groups"), expr)
}

// Group returns a group of the tenant of scope.
func (tx *Tx) Group(ctx context.Context, scope estate.Scope, id estate.GroupID) (estate.Group, error) {
	return tx.groupWhere(ctx, scope, "id", string(id))
}

// GroupByName returns the group of the tenant of scope that is called name.
func (tx *Tx) GroupByName(ctx context.Context, scope estate.Scope, name string) (estate.Group, error) {
	return tx.groupWhere(ctx, scope, "name", name)
}

func (tx *Tx) groupWhere(ctx context.Context, scope estate.Scope, column, value string) (estate.Group, error) {
	c := inTenant(scope, "groups")
	c.add(column + " = " + c.arg(value))
	g, err := scanGroup(tx.row(ctx, "select "+groupColumns+" from groups"+c.where(), c.args...))
	return g, wrap("select group", orNotFound(err, errGroupNotFound))
}

// UpdateGroup changes name, description, status and roles of a group of the tenant
// of scope.
func (tx *Tx) UpdateGroup(ctx context.Context, scope estate.Scope, g estate.Group) error {
	c := inTenant(scope, "groups")
	set := "update groups set name = " + c.arg(g.Name) + ", name_key = " + c.arg(filter.Fold(g.Name)) + ", description = " + c.arg(g.Description) +
		", status = " + c.arg(string(g.Status)) + ", roles = " + c.arg(marshal(g.Roles)) +
		", updated_at = " + c.arg(micros(g.UpdatedAt)) + ", updated_by = " + c.arg(g.UpdatedBy)
	c.add("id = " + c.arg(g.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errGroupNotFound
	}
	if err != nil {
		return wrap("update group", err)
	}
	if err := tx.holdRoles(ctx, scope.Organization, scope.Tenant, string(g.ID), g.Roles); err != nil {
		return err
	}
	return tx.accessChanged(ctx, g.UpdatedAt, scope)
}

// DeleteGroup removes a group of the tenant of scope. Its members stay, without
// its roles.
func (tx *Tx) DeleteGroup(ctx context.Context, scope estate.Scope, id estate.GroupID, at time.Time) error {
	c := inTenant(scope, "groups")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from groups"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errGroupNotFound
	}
	if err != nil {
		return wrap("delete group", err)
	}
	if err := tx.holdRoles(ctx, scope.Organization, scope.Tenant, string(id), nil); err != nil {
		return err
	}
	if err := tx.forgetAssignee(ctx, scope, string(id)); err != nil {
		return err
	}
	return tx.accessChanged(ctx, at, scope)
}

// UserGroups returns the groups of users of the tenant of scope, by name.
func (tx *Tx) UserGroups(ctx context.Context, scope estate.Scope, users []estate.UserID) (map[estate.UserID][]estate.Group, error) {
	if len(users) == 0 {
		return nil, nil
	}
	c := inTenant(scope, "group_members")
	ids := make([]string, len(users))
	for i, id := range users {
		ids[i] = c.arg(string(id))
	}
	c.add("user_id in (" + strings.Join(ids, ", ") + ")")
	rows, err := tx.rows(ctx, "select m.user_id, "+prefixed("g", groupColumns)+" from (select tenant_id, user_id, group_id from group_members"+c.where()+
		") m, groups g where g.tenant_id = m.tenant_id and g.id = m.group_id order by g.name, m.user_id", c.args...)
	type membership struct {
		user  estate.UserID
		group estate.Group
	}
	all, err := collect(rows, err, func(row rowScanner) (m membership, err error) {
		return m, scanGroupAnd(row, &m.group, &m.user)
	})
	if err != nil {
		return nil, wrap("select groups of users", err)
	}
	groups := map[estate.UserID][]estate.Group{}
	for _, m := range all {
		groups[m.user] = append(groups[m.user], m.group)
	}
	return groups, nil
}

// SetUserGroups makes groups what a user of the tenant of scope is in.
func (tx *Tx) SetUserGroups(ctx context.Context, scope estate.Scope, user estate.UserID, groups []estate.GroupID, at time.Time) error {
	u, err := tx.User(ctx, scope, user)
	if err != nil {
		return err
	}
	c := inTenant(scope, "group_members")
	c.add("user_id = " + c.arg(string(user)))
	if _, err := tx.exec(ctx, "delete from group_members"+c.where(), c.args...); err != nil {
		return wrap("delete group members", err)
	}
	for _, id := range groups {
		if _, err := tx.Group(ctx, scope, id); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "insert into group_members (organization_id, tenant_id, user_id, group_id) values ($1, $2, $3, $4) on conflict do nothing",
			scope.Organization, scope.Tenant, string(user), string(id))
		if err != nil {
			return wrap("insert group member", err)
		}
	}
	return tx.userChanged(ctx, at, u)
}

// prefixed puts a table's name before each of its columns.
func prefixed(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}
