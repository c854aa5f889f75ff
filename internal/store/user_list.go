package store

import (
	"context"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// UserListing is what users can be filtered and sorted by.
var UserListing = &Listing[estate.User]{
	table: "users", columns: userColumns, id: "id", order: "name", scan: scanUser,
	idOf: func(u estate.User) string { return string(u.ID) },
	attributes: []listed[estate.User]{
		{name: "id", typ: filter.Exact, ops: exactly, column: "id", value: text(func(u estate.User) estate.UserID { return u.ID })},
		{name: "_id", typ: filter.Exact, column: "id", value: text(func(u estate.User) estate.UserID { return u.ID })},
		{name: "tenantId", typ: filter.Exact, column: "tenant_id", value: text(func(u estate.User) estate.TenantID { return u.Tenant })},
		{name: "clientId", typ: filter.Exact, ops: exactly, column: "client_id", value: text(func(u estate.User) estate.ClientID { return u.ClientID })},
		{name: "name", ops: texts, column: "name_key", value: folded(func(u estate.User) string { return u.Name })},
		{name: "email", ops: texts, column: "email_key", value: folded(func(u estate.User) string { return u.Email })},
		{name: "subject", ops: texts, column: "subject_key", value: folded(func(u estate.User) string { return u.Subject })},
		{name: "status", ops: exactly, column: "status", value: text(func(u estate.User) estate.UserStatus { return u.Status })},
		{name: "createdAt", typ: filter.Time, ops: ordered, column: "created_at", value: instant(func(u estate.User) time.Time { return u.CreatedAt })},
		{name: "inviteExpiry", typ: filter.Time, column: "invite_expires_at", value: instant(func(u estate.User) time.Time { return u.InviteExpiresAt })},
		{name: "assignedRoles.name", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, name string) string {
			return "exists (select 1 from role_holders h where h.tenant_id = users.tenant_id and h.holder_id = users.id and " + c.roleIs("h", name) + ")"
		}},
		{name: "assignedRoles.id", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, id string) string {
			for _, role := range estate.DefaultRoles() {
				if string(role.ID) == id {
					return userHolds(c.arg(string(role.Name)))
				}
			}
			return userHolds("coalesce((select r.name from roles r where r.tenant_id = users.tenant_id and r.id = " + c.arg(id) + "), '')")
		}},
		{name: "assignedScopes", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, scope string) string { // by custom roles, as they are shown
			if len(scope) > maxContained {
				return "1 = 0"
			}
			return "exists (select 1 from role_holders h, roles r where h.tenant_id = users.tenant_id and h.holder_id = users.id" +
				" and r.tenant_id = h.tenant_id and r.name = h.role and r.scopes like " + c.arg("%"+escapeLike(marshal(scope))+"%") + " escape '\\')"
		}},
		{name: "assignedGroups.id", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, id string) string {
			return "exists (select 1 from group_members m where m.tenant_id = users.tenant_id and m.user_id = users.id and m.group_id = " + c.arg(id) + ")"
		}},
		{name: "assignedGroups.name", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, name string) string {
			return "exists (select 1 from group_members m, groups g where m.tenant_id = users.tenant_id and m.user_id = users.id" +
				" and g.tenant_id = m.tenant_id and g.id = m.group_id and g.name = " + c.arg(name) + ")"
		}},
		{name: "assignedGroupsAssignedRoles.name", typ: filter.Exact, ops: onlyEqual, holds: func(c *conditions, name string) string {
			return "exists (select 1 from group_members m, role_holders h where m.tenant_id = users.tenant_id and m.user_id = users.id" +
				" and h.tenant_id = m.tenant_id and h.holder_id = m.group_id and " + c.roleIs("h", name) + ")"
		}},
	},
}

// roleIs holds where the role of a holder, called h, has the name, whatever the case. The
// letters of custom roles' names are those of ASCII for that, as the engines agree on no others.
func (c *conditions) roleIs(h, name string) string {
	for _, role := range estate.DefaultRoles() {
		if strings.EqualFold(string(role.Name), name) {
			return h + ".role = " + c.arg(string(role.Name))
		}
	}
	lower := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
	return h + ".role in (select r.name from roles r where r.tenant_id = " + h + ".tenant_id and lower(r.name) = " + c.arg(lower) + ")"
}

// userHolds holds for users who have a role themselves. role is an expression.
func userHolds(role string) string {
	return "exists (select 1 from role_holders h where h.tenant_id = users.tenant_id and h.role = " + role + " and h.holder_id = users.id)"
}

// Users returns a page of the users of the tenant of scope, in the order of q, and
// whether more follow in the direction of reading.
func (tx *Tx) Users(ctx context.Context, scope estate.Scope, q Query) (page []estate.User, more bool, err error) {
	return UserListing.page(ctx, tx, inTenant(scope, "users"), q)
}

// CountUsers counts what Users would return over all pages.
func (tx *Tx) CountUsers(ctx context.Context, scope estate.Scope, expr filter.Expr) (int64, error) {
	return UserListing.count(ctx, tx, inTenant(scope, "users"), expr)
}

// UsersByEmail returns the users of the tenant of scope with an e-mail address, in
// whatever case.
func (tx *Tx) UsersByEmail(ctx context.Context, scope estate.Scope, email string) ([]estate.User, error) {
	c := inTenant(scope, "users")
	c.add("email_key = " + c.arg(filter.Fold(email)))
	rows, err := tx.rows(ctx, "select "+userColumns+" from users"+c.where()+" order by email_key, id", c.args...)
	all, err := collect(rows, err, scanUser)
	return all, wrap("select users by email", err)
}

// PasswordHolders are those of UsersByEmail who have a password, of whatever
// status.
func (tx *Tx) PasswordHolders(ctx context.Context, scope estate.Scope, email string) ([]estate.User, error) {
	c := inTenant(scope, "users")
	c.add("email_key = " + c.arg(filter.Fold(email)))
	c.add("id in (select user_id from credentials where credentials.tenant_id = users.tenant_id and kind = 'password')")
	rows, err := tx.rows(ctx, "select "+userColumns+" from users"+c.where()+" order by email_key, id", c.args...)
	all, err := collect(rows, err, scanUser)
	return all, wrap("select password holders", err)
}

// CountAdmins counts the active users of the tenant of scope who hold the role
// TenantAdmin themselves.
func (tx *Tx) CountAdmins(ctx context.Context, scope estate.Scope) (n int64, err error) {
	c := inTenant(scope, "users")
	c.add("status = " + c.arg(string(estate.UserActive)))
	c.add(userHolds(c.arg(string(estate.RoleTenantAdmin))))
	err = tx.row(ctx, "select count(*) from users"+c.where(), c.args...).Scan(&n)
	return n, wrap("count administrators", err)
}
