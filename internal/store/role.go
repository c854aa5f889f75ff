package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const roleColumns = "organization_id, tenant_id, id, name, description, scopes, created_at, created_by, updated_at, updated_by"

func scanRole(row rowScanner) (estate.Role, error) {
	r := estate.Role{Type: estate.RoleCustom}
	var scopes string
	var created, updated int64
	err := row.Scan(&r.Organization, &r.Tenant, &r.ID, &r.Name, &r.Description, &scopes, &created, &r.CreatedBy, &updated, &r.UpdatedBy)
	r.CreatedAt, r.UpdatedAt = fromMicros(created), fromMicros(updated)
	if err == nil {
		err = json.Unmarshal([]byte(scopes), &r.Scopes)
	}
	r.Level = estate.LevelOfScopes(r.Scopes)
	return r, err
}

// InsertRole adds a custom role.
func (tx *Tx) InsertRole(ctx context.Context, r estate.Role) error {
	_, err := tx.exec(ctx, "insert into roles ("+roleColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		r.Organization, r.Tenant, r.ID, r.Name, r.Description, marshal(r.Scopes), micros(r.CreatedAt), r.CreatedBy, micros(r.UpdatedAt), r.UpdatedBy)
	return wrap("insert role", err)
}

// Roles returns the custom roles of the tenant of scope, by name.
func (tx *Tx) Roles(ctx context.Context, scope estate.Scope) ([]estate.Role, error) {
	c := inTenant(scope, "roles")
	rows, err := tx.rows(ctx, "select "+roleColumns+" from roles"+c.where()+" order by name", c.args...)
	all, err := collect(rows, err, scanRole)
	return all, wrap("select roles", err)
}

// Role returns a custom role of the tenant of scope.
func (tx *Tx) Role(ctx context.Context, scope estate.Scope, id estate.RoleID) (estate.Role, error) {
	c := inTenant(scope, "roles")
	c.add("id = " + c.arg(id))
	r, err := scanRole(tx.row(ctx, "select "+roleColumns+" from roles"+c.where(), c.args...))
	return r, wrap("select role", orNotFound(err, errRoleNotFound))
}

// UpdateRole changes name, description and scopes of a custom role of the tenant
// of scope. Who holds it goes on holding it under its new name.
func (tx *Tx) UpdateRole(ctx context.Context, scope estate.Scope, r estate.Role) error {
	before, err := tx.Role(ctx, scope, r.ID)
	if err != nil {
		return err
	}
	c := inTenant(scope, "roles")
	set := "update roles set name = " + c.arg(r.Name) + ", description = " + c.arg(r.Description) + ", scopes = " + c.arg(marshal(r.Scopes)) +
		", updated_at = " + c.arg(micros(r.UpdatedAt)) + ", updated_by = " + c.arg(r.UpdatedBy)
	c.add("id = " + c.arg(r.ID))
	if _, err := tx.exec(ctx, set+c.where(), c.args...); err != nil {
		return wrap("update role", err)
	}
	if before.Name != r.Name {
		if err := tx.renameRole(ctx, scope, before.Name, r.Name, r.UpdatedAt); err != nil {
			return err
		}
	}
	return tx.accessChanged(ctx, r.UpdatedAt, scope)
}

// renameRole gives those who hold a role its new name.
func (tx *Tx) renameRole(ctx context.Context, scope estate.Scope, from, to estate.RoleName, at time.Time) error {
	rename := func(roles []estate.RoleName) []estate.RoleName {
		roles = slices.Clone(roles)
		for i := range roles {
			if roles[i] == from {
				roles[i] = to
			}
		}
		return roles
	}
	holders, err := tx.RoleHolders(ctx, scope, from)
	if err != nil {
		return err
	}
	for _, holder := range holders {
		if holder == everyoneHolder {
			settings, err := tx.DirectorySettings(ctx, scope)
			if err != nil {
				return err
			}
			settings.EveryoneRoles = rename(settings.EveryoneRoles)
			if err := tx.SetDirectorySettings(ctx, scope, settings, at); err != nil {
				return err
			}
			continue
		}
		user, err := tx.User(ctx, scope, estate.UserID(holder))
		if err == nil {
			user.Roles, user.UpdatedAt = rename(user.Roles), at
			if err := tx.UpdateUser(ctx, scope, user); err != nil {
				return err
			}
			continue
		}
		if !estate.HasKind(err, estate.NotFound) {
			return err
		}
		group, err := tx.Group(ctx, scope, estate.GroupID(holder))
		if err != nil {
			return err
		}
		group.Roles, group.UpdatedAt = rename(group.Roles), at
		if err := tx.UpdateGroup(ctx, scope, group); err != nil {
			return err
		}
	}
	return nil
}

// DeleteRole removes a custom role of the tenant of scope. Nobody holds it.
func (tx *Tx) DeleteRole(ctx context.Context, scope estate.Scope, id estate.RoleID, at time.Time) error {
	c := inTenant(scope, "roles")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from roles"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errRoleNotFound
	}
	if err != nil {
		return wrap("delete role", err)
	}
	return tx.accessChanged(ctx, at, scope)
}

// RoleHolders returns the ids of the users and groups of the tenant of scope that
// hold a role themselves, sorted, and everyoneHolder if every user does.
func (tx *Tx) RoleHolders(ctx context.Context, scope estate.Scope, role estate.RoleName) ([]string, error) {
	c := inTenant(scope, "role_holders")
	c.add("role = " + c.arg(string(role)))
	rows, err := tx.rows(ctx, "select holder_id from role_holders"+c.where()+" order by holder_id", c.args...)
	all, err := collect(rows, err, func(row rowScanner) (id string, err error) { return id, row.Scan(&id) })
	return all, wrap("select holders of role", err)
}

// holdRoles makes roles what a user or group holds. Whose it is has been checked.
func (tx *Tx) holdRoles(ctx context.Context, organization estate.OrganizationID, tenant estate.TenantID, holder string, roles []estate.RoleName) error {
	if _, err := tx.exec(ctx, "delete from role_holders where organization_id = $1 and tenant_id = $2 and holder_id = $3", organization, tenant, holder); err != nil {
		return wrap("delete held roles", err)
	}
	for _, role := range roles {
		_, err := tx.exec(ctx, "insert into role_holders (organization_id, tenant_id, role, holder_id) values ($1, $2, $3, $4) on conflict do nothing",
			organization, tenant, string(role), holder)
		if err != nil {
			return wrap("insert held role", err)
		}
	}
	return nil
}

// accessChanged says that what roles and groups of a tenant give has changed.
func (tx *Tx) accessChanged(ctx context.Context, at time.Time, scope estate.Scope) error {
	return tx.changed(ctx, at, ChangeAccess, string(scope.Organization)+"/"+string(scope.Tenant))
}

// Access returns what the roles of a user of the tenant of scope add up to, those
// of its groups included.
func (tx *Tx) Access(ctx context.Context, scope estate.Scope, id estate.UserID) (a estate.Access, err error) {
	user, err := tx.User(ctx, scope, id)
	if err != nil {
		return a, err
	}
	add := func(roles []estate.RoleName) {
		for _, role := range roles {
			if !a.Has(role) {
				a.Roles = append(a.Roles, role)
			}
		}
	}
	add(user.Roles)
	groups, err := tx.UserGroups(ctx, scope, []estate.UserID{id})
	if err != nil {
		return a, err
	}
	for _, group := range groups[id] {
		if group.Status == estate.GroupActive {
			add(group.Roles)
		}
	}
	settings, err := tx.DirectorySettings(ctx, scope)
	if err != nil {
		return a, err
	}
	add(settings.EveryoneRoles)
	custom := false
	for _, name := range a.Roles {
		role, builtIn := estate.DefaultRole(name)
		a.Scopes = append(a.Scopes, role.Scopes...)
		custom = custom || !builtIn
	}
	if custom {
		all, err := tx.Roles(ctx, scope)
		if err != nil {
			return a, err
		}
		for _, role := range all {
			if a.Has(role.Name) {
				a.Scopes = append(a.Scopes, role.Scopes...)
			}
		}
	}
	a.Scopes = estate.ParsePermissions(strings.Join(a.Scopes, " ")) // each once
	return a, nil
}
