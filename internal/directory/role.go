package directory

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// RoleRef names a role, or a group, by its id or its name.
type RoleRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// tenantRoles are the roles of a tenant. The custom ones are read when they are
// first needed.
type tenantRoles struct {
	tx     *store.Tx
	scope  estate.Scope
	custom []estate.Role
	loaded bool
}

func (r *tenantRoles) load(ctx context.Context) (err error) {
	if !r.loaded {
		r.custom, err = r.tx.Roles(ctx, r.scope)
		r.loaded = err == nil
	}
	return err
}

// named returns the roles that are called so. A name without a role is left out.
func (r *tenantRoles) named(ctx context.Context, names []estate.RoleName) (found []estate.Role, err error) {
	for _, name := range names {
		if role, ok := estate.DefaultRole(name); ok {
			found = append(found, role)
			continue
		}
		if err := r.load(ctx); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(r.custom, func(role estate.Role) bool { return role.Name == name }); i >= 0 {
			found = append(found, r.custom[i])
		}
	}
	return found, nil
}

// find returns the roles that refs name; wrong makes the error for one that does
// not.
func (r *tenantRoles) find(ctx context.Context, refs []RoleRef, wrong func(i int, detail string) error) (found []estate.Role, err error) {
	if len(refs) == 0 {
		return nil, nil
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	all := append(estate.DefaultRoles(), r.custom...)
	for i, ref := range refs {
		at := slices.IndexFunc(all, func(role estate.Role) bool {
			if ref.ID != "" {
				return string(role.ID) == ref.ID
			}
			return string(role.Name) == ref.Name
		})
		if at < 0 || ref == (RoleRef{}) {
			return nil, wrong(i, "there is no such role")
		}
		if !slices.ContainsFunc(found, func(role estate.Role) bool { return role.ID == all[at].ID }) {
			found = append(found, all[at])
		}
	}
	return found, nil
}

// Limits of custom roles.
const (
	maxCustomRoles = estate.MaxCustomRoles
	maxDescription = 1024
	maxScopes      = 500
)

// roleAttributes are what roles can be filtered and sorted by.
var roleAttributes = map[string]func(estate.Role) string{
	"id":          func(r estate.Role) string { return string(r.ID) },
	"name":        func(r estate.Role) string { return filter.Fold(string(r.Name)) },
	"type":        func(r estate.Role) string { return string(r.Type) },
	"level":       func(r estate.Role) string { return string(r.Level) },
	"description": func(r estate.Role) string { return filter.Fold(r.Description) },
}

func roleSchema() filter.Schema {
	equal := []filter.Op{filter.EQ, filter.NE}
	texts := []filter.Op{filter.EQ, filter.NE, filter.CO}
	return filter.Schema{
		{Name: "id", Type: filter.Exact, Ops: equal},
		{Name: "name", Ops: texts},
		{Name: "type", Ops: equal},
		{Name: "level", Ops: equal},
		{Name: "description", Ops: texts},
	}
}

// ListRoles lists the roles of the actor's tenant, built-in and custom. There are
// few, so they are filtered and sorted here.
func (s *Service) ListRoles(ctx context.Context, actor estate.Actor, q PageQuery) (page Page[estate.Role], err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return page, err
	}
	var expr filter.Expr
	if q.Filter != "" {
		if expr, err = filter.Parse(q.Filter, roleSchema()); err != nil {
			return page, paging.Unparsed("filter", err)
		}
	}
	sort, err := filter.ParseSort(q.Sort, []string{"id", "name", "type", "level", "description"})
	if err != nil {
		return page, paging.Unparsed("sort", err)
	}
	var all []estate.Role
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		builtIn, err := builtInRoles(ctx, tx, actor.Scope)
		if err != nil {
			return err
		}
		custom, err := tx.Roles(ctx, actor.Scope)
		all = append(builtIn, custom...)
		return err
	})
	if err != nil {
		return page, err
	}
	all = slices.DeleteFunc(all, func(r estate.Role) bool { return expr != nil && !matches(expr, r) })
	return cutRoles(all, sort, q)
}

// matches tells whether a role satisfies a filter.
func matches(expr filter.Expr, r estate.Role) bool {
	switch e := expr.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Exprs, func(e filter.Expr) bool { return !matches(e, r) })
	case *filter.Or:
		return slices.ContainsFunc(e.Exprs, func(e filter.Expr) bool { return matches(e, r) })
	case *filter.Not:
		return !matches(e.Expr, r)
	case *filter.Compare:
		have := roleAttributes[e.Attribute](r)
		switch e.Op {
		case filter.EQ:
			return have == e.Text
		case filter.NE:
			return have != e.Text
		default:
			return strings.Contains(have, e.Text)
		}
	}
	return false
}

const roleList = "roles" // in its cursors

// cutRoles sorts roles and cuts out the page that q asks for.
func cutRoles(all []estate.Role, sort []filter.SortKey, q PageQuery) (page Page[estate.Role], err error) {
	if len(sort) == 0 {
		sort = []filter.SortKey{{Attribute: "name"}}
	}
	values := func(r estate.Role) (v []any) {
		for _, key := range sort {
			v = append(v, roleAttributes[key.Attribute](r))
		}
		return v
	}
	compare := func(a, b store.Position) int {
		for i, key := range sort {
			x, _ := a.Values[i].(string)
			y, _ := b.Values[i].(string)
			if c := strings.Compare(x, y); c != 0 {
				if key.Descending {
					return -c
				}
				return c
			}
		}
		return strings.Compare(a.ID, b.ID)
	}
	position := func(r estate.Role) store.Position { return store.Position{Values: values(r), ID: string(r.ID)} }
	slices.SortFunc(all, func(a, b estate.Role) int { return compare(position(a), position(b)) })
	page.Total = -1
	if q.Total {
		page.Total = int64(len(all))
	}
	from, to := 0, min(q.Limit, len(all))
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil {
		return page, err
	}
	if sent != "" {
		p, err := parseCursor(roleList, sent, sort)
		if err != nil || len(p.Values) != len(sort) {
			return page, paging.Unparsed(parameter, paging.ErrCursor)
		}
		before := func(limit int) int {
			return len(all) - len(slices.DeleteFunc(slices.Clone(all), func(r estate.Role) bool { return compare(position(r), *p) < limit }))
		}
		if parameter == "next" {
			from = before(1)
			to = min(from+q.Limit, len(all))
		} else {
			to = before(0)
			from = max(0, to-q.Limit)
		}
	}
	page.Items = all[from:to]
	if len(page.Items) > 0 {
		if to < len(all) {
			page.Next = formatCursor(roleList, position(all[to-1]), sort)
		}
		if from > 0 {
			page.Prev = formatCursor(roleList, position(all[from]), sort)
		}
	}
	return page, nil
}

// Role returns a role of the actor's tenant.
func (s *Service) Role(ctx context.Context, actor estate.Actor, id estate.RoleID) (r estate.Role, err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return r, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		builtIn, err := builtInRoles(ctx, tx, actor.Scope)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(builtIn, func(r estate.Role) bool { return r.ID == id }); i >= 0 {
			r = builtIn[i]
			return nil
		}
		r, err = tx.Role(ctx, actor.Scope, id)
		return err
	})
	return r, err
}

// builtInRoles are the built-in roles as the tenant of scope has them: since there is the
// tenant.
func builtInRoles(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]estate.Role, error) {
	tenant, err := tx.Tenant(ctx, scope, scope.Tenant)
	if err != nil {
		return nil, err
	}
	all := estate.DefaultRoles()
	for i := range all {
		all[i].Organization, all[i].Tenant, all[i].CreatedAt, all[i].UpdatedAt = tenant.Organization, tenant.ID, tenant.CreatedAt, tenant.CreatedAt
	}
	return all, nil
}

func isBuiltIn(id estate.RoleID) bool {
	return slices.ContainsFunc(estate.DefaultRoles(), func(r estate.Role) bool { return r.ID == id })
}

// NewRole is what CreateRole makes a role of.
type NewRole struct {
	Name        string
	Description string
	Scopes      []string
}

// CreateRole makes a custom role in the actor's tenant.
func (s *Service) CreateRole(ctx context.Context, actor estate.Actor, n NewRole) (r estate.Role, err error) {
	defer s.audit.Refused(ctx, actor, "role.create", "", &err)
	if err := needsTenantAdmin(actor); err != nil {
		return r, err
	}
	now := s.now()
	r = estate.Role{
		ID: estate.NewRoleID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, Type: estate.RoleCustom,
		Name: estate.RoleName(strings.TrimSpace(n.Name)), Description: strings.TrimSpace(n.Description),
		Scopes:    estate.ParsePermissions(strings.Join(n.Scopes, " ")),
		CreatedAt: now, CreatedBy: by(actor), UpdatedAt: now, UpdatedBy: by(actor),
	}
	r.Level = estate.LevelOfScopes(r.Scopes)
	if err := checkRole(r, n.Scopes); err != nil {
		return r, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		all, err := tx.Roles(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if len(all) >= maxCustomRoles {
			return errRoleLimit
		}
		if err := tx.InsertRole(ctx, r); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "role.create", string(r.ID), roleData(r))
	})
	return r, err
}

var scopeForm = regexp.MustCompile(`^[a-z][a-z0-9_.:-]{0,127}$`)

// checkRole says what is wrong with a custom role. Scopes that stand for whole sets
// and those above the tenant are not for custom roles.
func checkRole(r estate.Role, scopes []string) error {
	if problem := checkText(string(r.Name), 1, maxName); problem != "" {
		return errRoleInvalid.At("/name", "name "+problem)
	}
	if _, ok := estate.DefaultRole(r.Name); ok {
		return errRoleExists
	}
	if problem := checkText(r.Description, 0, maxDescription); problem != "" {
		return errRoleInvalid.At("/description", "description "+problem)
	}
	if len(scopes) > maxScopes {
		return errRoleInvalid.At("/assignedScopes", fmt.Sprintf("assignedScopes must have 0 to %d items", maxScopes))
	}
	above := slices.Concat(api.RegionScopes(), api.OrganizationScopes(), []string{api.ScopeUserDefault, api.ScopeOfflineAccess})
	for i, name := range scopes {
		if !scopeForm.MatchString(name) || slices.Contains(above, name) {
			return errRoleInvalid.At(pointer("/assignedScopes", i), quoted(name)+" is no scope that a custom role can have")
		}
	}
	return nil
}

func roleData(r estate.Role) map[string]any {
	return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description, "assignedScopes": slices.Concat([]string{}, r.Scopes)}
}

// UpdateRole changes a custom role of the actor's tenant by a patch: all of it or,
// after an error, nothing.
func (s *Service) UpdateRole(ctx context.Context, actor estate.Actor, id estate.RoleID, patch Patch) (err error) {
	return s.changeRole(ctx, actor, "role.update", id, func(tx *store.Tx, before estate.Role) (map[string]any, error) {
		r := before
		scopes := []string(slices.Clone(before.Scopes))
		err := patch.each(errRoleInvalid, func(c change) error {
			switch c.Path {
			case "/name":
				name := string(r.Name)
				err := c.textBy(&name, 1, maxName, "replace")
				r.Name = estate.RoleName(name)
				return err
			case "/description":
				return c.textBy(&r.Description, 0, maxDescription, "replace", "add")
			case "/assignedScopes", "/assignedScopes/-":
				return c.scopes(&scopes)
			}
			return c.badPath("/name", "/description", "/assignedScopes")
		})
		if err != nil {
			return nil, err
		}
		r.Scopes = estate.ParsePermissions(strings.Join(scopes, " "))
		if err := checkRole(r, scopes); err != nil {
			return nil, err
		}
		changed := updates(roleMembers(before), roleMembers(r))
		if len(changed) == 0 {
			return nil, nil //nolint:nilnil // nothing changes, so there is nothing to record
		}
		r.UpdatedAt, r.UpdatedBy = s.now(), by(actor)
		return withUpdates(roleData(r), changed), tx.UpdateRole(ctx, actor.Scope, r)
	})
}

func roleMembers(r estate.Role) map[string]any {
	return map[string]any{"/name": r.Name, "/description": r.Description, "/assignedScopes": slices.Concat([]string{}, r.Scopes)}
}

// scopes does an operation on a list of scopes.
func (c change) scopes(all *[]string) error {
	if err := c.ops("replace", "add", "remove-value"); err != nil {
		return err
	}
	if strings.HasSuffix(c.Path, "/-") && c.Op == "replace" {
		return c.wrong.At(c.place+"/op", "op for "+c.Path+" must be add or remove-value")
	}
	var given []string
	var one string
	if c.into(&given, "") != nil {
		if err := c.into(&one, "a scope or a list of scopes"); err != nil {
			return err
		}
		given = []string{one}
	}
	*all = merge(c.Op, *all, given)
	return nil
}

// DeleteRole removes a custom role of the actor's tenant that nobody holds.
func (s *Service) DeleteRole(ctx context.Context, actor estate.Actor, id estate.RoleID) error {
	return s.changeRole(ctx, actor, "role.delete", id, func(tx *store.Tx, r estate.Role) (map[string]any, error) {
		holders, err := tx.RoleHolders(ctx, actor.Scope, r.Name)
		if err != nil {
			return nil, err
		}
		if len(holders) > 0 {
			return nil, errRoleAssigned
		}
		return roleData(r), tx.DeleteRole(ctx, actor.Scope, id, s.now())
	})
}

// changeRole does something to a custom role, with its audit record. fn returns
// what the record tells; with nil data nothing was done and there is no record.
func (s *Service) changeRole(ctx context.Context, actor estate.Actor, action string, id estate.RoleID,
	fn func(tx *store.Tx, r estate.Role) (map[string]any, error),
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := needsTenantAdmin(actor); err != nil {
		return err
	}
	if isBuiltIn(id) {
		return errRoleBuiltIn
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil { // nobody gets the role meanwhile
			return err
		}
		r, err := tx.Role(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		data, err := fn(tx, r)
		if err != nil || data == nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(id), data)
	})
}

var (
	errRoleInvalid  = estate.E(estate.Invalid, api.CodeRoleInvalid, "Invalid role", "")
	errRoleExists   = estate.E(estate.Conflict, api.CodeRoleExists, "Role already exists", "A built-in role has this name.")
	errRoleLimit    = estate.E(estate.Forbidden, api.CodeRoleLimit, "Too many roles", "A tenant can have 500 custom roles at most.")
	errRoleAssigned = estate.E(estate.Conflict, api.CodeRoleAssigned, "Role is assigned", "Users or groups have the role.")
	errRoleBuiltIn  = estate.E(estate.Forbidden, api.CodeRoleBuiltIn, "Built-in role", "Built-in roles can't be changed.")
)
