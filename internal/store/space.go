package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const spaceColumns = "organization_id, tenant_id, id, type, name, description, owner_id, created_at, created_by, updated_at"

func scanSpace(row rowScanner) (s estate.Space, err error) {
	var created, updated int64
	err = row.Scan(&s.Organization, &s.Tenant, &s.ID, &s.Type, &s.Name, &s.Description, &s.Owner, &created, &s.CreatedBy, &updated)
	s.CreatedAt, s.UpdatedAt = fromMicros(created), fromMicros(updated)
	return s, err
}

// SpaceListing is what spaces can be filtered and sorted by.
var SpaceListing = &Listing[estate.Space]{
	table: "spaces", columns: spaceColumns, id: "id", order: "name", scan: scanSpace,
	idOf: func(s estate.Space) string { return string(s.ID) },
	attributes: []listed[estate.Space]{
		{name: "id", typ: filter.Exact, ops: exactly, column: "id", value: text(func(s estate.Space) estate.SpaceID { return s.ID })},
		{name: "name", ops: texts, column: "name_key", value: folded(func(s estate.Space) string { return s.Name })},
		{name: "type", ops: exactly, column: "type", value: text(func(s estate.Space) estate.SpaceType { return s.Type })},
		{name: "ownerId", typ: filter.Exact, ops: exactly, column: "owner_id", value: text(func(s estate.Space) estate.UserID { return s.Owner })},
		{name: "createdAt", typ: filter.Time, ops: ordered, column: "created_at", value: instant(func(s estate.Space) time.Time { return s.CreatedAt })},
	},
}

// InsertSpace adds s.
func (tx *Tx) InsertSpace(ctx context.Context, s estate.Space) error {
	_, err := tx.exec(ctx, "insert into spaces ("+spaceColumns+", name_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		s.Organization, s.Tenant, s.ID, string(s.Type), s.Name, s.Description, s.Owner, micros(s.CreatedAt), s.CreatedBy, micros(s.UpdatedAt), filter.Fold(s.Name))
	return wrap("insert space", err)
}

// Spaces returns a page of the spaces of the tenant of scope, in the order of q,
// and whether more follow in the direction of reading: those that member can see,
// if it is set.
func (tx *Tx) Spaces(ctx context.Context, scope estate.Scope, member estate.UserID, q Query) (page []estate.Space, more bool, err error) {
	return SpaceListing.page(ctx, tx, spacesOf(scope, member), q)
}

// CountSpaces counts what Spaces would return over all pages.
func (tx *Tx) CountSpaces(ctx context.Context, scope estate.Scope, member estate.UserID, expr filter.Expr) (int64, error) {
	return SpaceListing.count(ctx, tx, spacesOf(scope, member), expr)
}

// Space returns a space of the tenant of scope, if member can see it or is not set.
func (tx *Tx) Space(ctx context.Context, scope estate.Scope, member estate.UserID, id estate.SpaceID) (estate.Space, error) {
	c := spacesOf(scope, member)
	c.add("id = " + c.arg(id))
	s, err := scanSpace(tx.row(ctx, "select "+spaceColumns+" from spaces"+c.where(), c.args...))
	return s, wrap("select space", orNotFound(err, errSpaceNotFound))
}

func spacesOf(scope estate.Scope, member estate.UserID) *conditions {
	c := inTenant(scope, "spaces")
	if member != "" {
		user := c.arg(string(member))
		c.add("(owner_id = " + user + " or exists (select 1 from space_assignments a where a.tenant_id = spaces.tenant_id and a.space_id = spaces.id and " +
			memberIs("a", user, c) + "))")
	}
	return c
}

// memberIs holds for assignments, called a, to a user, itself or by an active group
// that it is in.
func memberIs(a, user string, c *conditions) string {
	return "(" + a + ".assignee_id = " + user + " and " + a + ".type <> 'group' or " + a + ".assignee_id = " + c.arg(string(estate.GroupEveryone)) + " and " + a + ".type = 'group'" +
		" or " + a + ".type = 'group' and exists (select 1 from group_members m, groups g where m.tenant_id = " + a + ".tenant_id and m.user_id = " + user +
		" and m.group_id = " + a + ".assignee_id and g.tenant_id = m.tenant_id and g.id = m.group_id and g.status = 'active'))"
}

// UpdateSpace changes name, description and owner of a space of the tenant of
// scope.
func (tx *Tx) UpdateSpace(ctx context.Context, scope estate.Scope, s estate.Space) error {
	c := inTenant(scope, "spaces")
	set := "update spaces set name = " + c.arg(s.Name) + ", name_key = " + c.arg(filter.Fold(s.Name)) + ", description = " + c.arg(s.Description) +
		", owner_id = " + c.arg(s.Owner) + ", updated_at = " + c.arg(micros(s.UpdatedAt))
	c.add("id = " + c.arg(s.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSpaceNotFound
	}
	return wrap("update space", err)
}

// DeleteSpace removes a space of the tenant of scope with its assignments.
func (tx *Tx) DeleteSpace(ctx context.Context, scope estate.Scope, id estate.SpaceID) error {
	c := inTenant(scope, "spaces")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from spaces"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSpaceNotFound
	}
	return wrap("delete space", err)
}

const spaceAssignmentColumns = "organization_id, tenant_id, space_id, id, type, assignee_id, roles, created_at, created_by, updated_at, updated_by"

func scanSpaceAssignment(row rowScanner) (a estate.SpaceAssignment, err error) {
	var roles string
	var created, updated int64
	err = row.Scan(&a.Organization, &a.Tenant, &a.Space, &a.ID, &a.Type, &a.Assignee, &roles, &created, &a.CreatedBy, &updated, &a.UpdatedBy)
	a.CreatedAt, a.UpdatedAt = fromMicros(created), fromMicros(updated)
	if err == nil {
		err = json.Unmarshal([]byte(roles), &a.Roles)
	}
	return a, err
}

// SpaceAssignmentListing is what assignments of a space can be filtered and sorted
// by.
var SpaceAssignmentListing = &Listing[estate.SpaceAssignment]{
	table: "space_assignments", columns: spaceAssignmentColumns, id: "id", order: "id", scan: scanSpaceAssignment,
	idOf: func(a estate.SpaceAssignment) string { return string(a.ID) },
	attributes: []listed[estate.SpaceAssignment]{
		{name: "id", typ: filter.Exact, ops: exactly, column: "id", value: text(func(a estate.SpaceAssignment) estate.AssignmentID { return a.ID })},
		{name: "type", ops: exactly, column: "type", value: text(func(a estate.SpaceAssignment) estate.AssigneeType { return a.Type })},
		{name: "assigneeId", typ: filter.Exact, ops: exactly, column: "assignee_id", value: text(func(a estate.SpaceAssignment) string { return a.Assignee })},
	},
}

// InsertSpaceAssignment adds a.
func (tx *Tx) InsertSpaceAssignment(ctx context.Context, a estate.SpaceAssignment) error {
	_, err := tx.exec(ctx, "insert into space_assignments ("+spaceAssignmentColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		a.Organization, a.Tenant, a.Space, a.ID, string(a.Type), a.Assignee, marshal(a.Roles), micros(a.CreatedAt), a.CreatedBy, micros(a.UpdatedAt), a.UpdatedBy)
	return wrap("insert space assignment", err)
}

func assignmentsTo(scope estate.Scope, space estate.SpaceID) *conditions {
	c := inTenant(scope, "space_assignments")
	c.add("space_id = " + c.arg(string(space)))
	return c
}

// SpaceAssignments returns a page of the assignments of a space of the tenant of
// scope, in the order of q, and whether more follow in the direction of reading.
func (tx *Tx) SpaceAssignments(ctx context.Context, scope estate.Scope, space estate.SpaceID, q Query) (page []estate.SpaceAssignment, more bool, err error) {
	return SpaceAssignmentListing.page(ctx, tx, assignmentsTo(scope, space), q)
}

// CountSpaceAssignments counts what SpaceAssignments would return over all pages.
func (tx *Tx) CountSpaceAssignments(ctx context.Context, scope estate.Scope, space estate.SpaceID, expr filter.Expr) (int64, error) {
	return SpaceAssignmentListing.count(ctx, tx, assignmentsTo(scope, space), expr)
}

// SpaceAssignment returns an assignment of a space of the tenant of scope.
func (tx *Tx) SpaceAssignment(ctx context.Context, scope estate.Scope, space estate.SpaceID, id estate.AssignmentID) (estate.SpaceAssignment, error) {
	c := assignmentsTo(scope, space)
	c.add("id = " + c.arg(string(id)))
	a, err := scanSpaceAssignment(tx.row(ctx, "select "+spaceAssignmentColumns+" from space_assignments"+c.where(), c.args...))
	return a, wrap("select space assignment", orNotFound(err, errSpaceAssignmentNotFound))
}

// UpdateSpaceAssignment changes the roles of an assignment in the tenant of scope.
func (tx *Tx) UpdateSpaceAssignment(ctx context.Context, scope estate.Scope, a estate.SpaceAssignment) error {
	c := assignmentsTo(scope, a.Space)
	set := "update space_assignments set roles = " + c.arg(marshal(a.Roles)) + ", updated_at = " + c.arg(micros(a.UpdatedAt)) + ", updated_by = " + c.arg(a.UpdatedBy)
	c.add("id = " + c.arg(string(a.ID)))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSpaceAssignmentNotFound
	}
	return wrap("update space assignment", err)
}

// DeleteSpaceAssignment removes an assignment of a space of the tenant of scope.
func (tx *Tx) DeleteSpaceAssignment(ctx context.Context, scope estate.Scope, space estate.SpaceID, id estate.AssignmentID) error {
	c := assignmentsTo(scope, space)
	c.add("id = " + c.arg(string(id)))
	n, err := tx.exec(ctx, "delete from space_assignments"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errSpaceAssignmentNotFound
	}
	return wrap("delete space assignment", err)
}

// forgetAssignee erases the assignments of a user or group that is deleted.
func (tx *Tx) forgetAssignee(ctx context.Context, scope estate.Scope, id string) error {
	_, err := tx.exec(ctx, "delete from space_assignments where organization_id = $1 and tenant_id = $2 and assignee_id = $3", scope.Organization, scope.Tenant, id)
	return wrap("delete assignments of a member", err)
}

// SpaceRoles returns the roles of a user in a space of the tenant of scope, those by
// groups included.
func (tx *Tx) SpaceRoles(ctx context.Context, scope estate.Scope, space estate.SpaceID, user estate.UserID) (roles []string, err error) {
	c := assignmentsTo(scope, space)
	c.add(memberIs("space_assignments", c.arg(string(user)), c))
	rows, err := tx.rows(ctx, "select "+spaceAssignmentColumns+" from space_assignments"+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanSpaceAssignment)
	for _, a := range all {
		roles = append(roles, a.Roles...)
	}
	return roles, wrap("select roles in space", err)
}
