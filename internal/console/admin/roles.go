package admin

import (
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

func (c *Console) rolePages() []frame.Page {
	const one = rolesPath + "/{role}"
	return []frame.Page{
		{Method: "GET", Path: rolesPath, ID: "admin.roles", Handle: c.roles},
		{Method: "GET", Path: rolesPath + "/new", ID: "admin.role.ask-create", Handle: c.askRole},
		{Method: "POST", Path: rolesPath + "/new", ID: "admin.role.create", Handle: c.createRole},
		{Method: "GET", Path: one, ID: "admin.role", Handle: c.role},
		{Method: "POST", Path: one, ID: "admin.role.update", Handle: c.updateRole},
		{Method: "GET", Path: one + "/delete", ID: "admin.role.ask-delete", Handle: c.askDeleteRole},
		{Method: "POST", Path: one + "/delete", ID: "admin.role.delete", Handle: c.deleteRole},
	}
}

func rolePath(id estate.RoleID, rest string) string { return rolesPath + "/" + string(id) + rest }

func (c *Console) roles(q *frame.Request) error {
	query := listQuery(q, comparison("name", "co", q.Value("q")), comparison("type", "eq", q.Value("type")))
	page, err := c.Directory.ListRoles(q.Context(), q.Actor, query)
	if err != nil {
		return err
	}
	l := list{
		Title:   "Roles",
		Note:    "What users may do: each has the roles given to it and those of its groups.",
		Actions: []action{{Label: "New role", Href: rolesPath + "/new", Primary: true}},
		Filters: []field{
			{ui.Field{Name: "q", Label: "Name", Search: true, Type: "search"}, line},
			{ui.Field{Name: "type", Label: "Kind", Options: []ui.Option{{Label: "All"}, {Value: string(estate.RoleBuiltIn), Label: "Built in"}, {Value: string(estate.RoleCustom), Label: "Custom"}}}, choice},
		},
		Table: table{Label: "Roles", Columns: columns("Name", "Kind", "Level", "Description"), Empty: "No roles"},
	}
	for _, r := range page.Items {
		l.Table.Rows = append(l.Table.Rows, []cell{{Text: string(r.Name), Href: rolePath(r.ID, "")}, plain(roleKind(r)), plain(string(r.Level)), plain(r.Description)})
	}
	return q.Render(l.Title, listPage(l.paged(q, page.Next, page.Total, "role", "roles")))
}

func roleKind(r estate.Role) string {
	if r.Type == estate.RoleCustom {
		return "custom"
	}
	return "built in"
}

var roleFields = map[string]string{"/name": "name", "/description": "description", "/assignedScopes": "scopes"}

func roleForm(r estate.Role) form {
	return form{Title: "New role", Crumbs: crumb("Roles", rolesPath), Action: rolesPath + "/new", Cancel: rolesPath, Do: "Create role", Fields: []field{
		{ui.Field{Name: "name", Label: "Name", Value: string(r.Name), Required: true}, line},
		{ui.Field{Name: "description", Label: "Description", Value: r.Description, Rows: 2}, text},
		{ui.Field{Name: "scopes", Label: "Scopes", Value: strings.Join(r.Scopes, "\n"), Mono: true, Rows: 8, Hint: "One a line, such as admin.users:read. One that begins with admin. makes it a role that only administrators of the tenant can give."}, text},
	}}
}

func (c *Console) askRole(q *frame.Request) error {
	f := roleForm(estate.Role{})
	return q.Render(f.Title, formPage(f))
}

func (c *Console) createRole(q *frame.Request) error {
	r, err := c.Directory.CreateRole(q.Context(), q.Actor, directory.NewRole{Name: q.Value("name"), Description: q.Value("description"), Scopes: strings.Fields(q.Value("scopes"))})
	if err != nil {
		return roleForm(estate.Role{}).refused(q, err, roleFields)
	}
	q.Say("success", "The role "+string(r.Name)+" is there. Give it to users or groups.")
	return q.Redirect(rolePath(r.ID, ""))
}

func (c *Console) roleView(q *frame.Request) (r estate.Role, v thingView, err error) {
	if r, err = c.Directory.Role(q.Context(), q.Actor, estate.RoleID(q.PathValue("role"))); err != nil {
		return r, v, err
	}
	v.Detail = detail{Title: string(r.Name), Crumbs: crumb("Roles", rolesPath), Facts: facts(
		is("Role id", cell{Text: string(r.ID), Mono: true, Copy: "Copy role id"}), is("Kind", plain(roleKind(r))), is("Level", plain(string(r.Level))), is("Description", plain(r.Description)),
		is("Scopes", monos(r.Scopes)...), is("Who has it", cell{Text: "the users", Href: ui.Query(usersPath, nil, "role", string(r.Name))}), is("Created", at(r.CreatedAt)),
	)}
	if r.Type == estate.RoleCustom {
		f := roleForm(r)
		f.Action, f.Do = rolePath(r.ID, ""), "Save"
		f = f.editing()
		v.Form = &f
		v.Detail.Actions = []action{{Label: "Delete", Href: rolePath(r.ID, "/delete"), Dialog: true}}
	}
	return r, v, nil
}

func (c *Console) role(q *frame.Request) error {
	r, v, err := c.roleView(q)
	if err != nil {
		return err
	}
	return q.Render(string(r.Name), thingPage(v))
}

func (c *Console) updateRole(q *frame.Request) error {
	r, v, err := c.roleView(q)
	if err != nil {
		return err
	}
	if v.Form != nil && q.Overtaken(v.Form.Shown) {
		return q.Redirect(rolePath(r.ID, ""))
	}
	err = c.Directory.UpdateRole(q.Context(), q.Actor, r.ID, directory.Patch{
		operation("/name", q.Value("name")), operation("/description", q.Value("description")), operation("/assignedScopes", strings.Fields(q.Value("scopes"))),
	})
	switch {
	case err != nil && v.Form == nil:
		return err
	case err != nil:
		return v.refused(q, err, roleFields, "name", "description", "scopes")
	}
	q.Say("success", "Saved.")
	return q.Redirect(rolePath(r.ID, ""))
}

const roleWarning = "Whoever has it loses it."

func (c *Console) askDeleteRole(q *frame.Request) error {
	r, err := c.Directory.Role(q.Context(), q.Actor, estate.RoleID(q.PathValue("role")))
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("role", string(r.Name), rolePath(r.ID, ""), rolePath(r.ID, "")), roleWarning))
}

func (c *Console) deleteRole(q *frame.Request) error {
	r, err := c.Directory.Role(q.Context(), q.Actor, estate.RoleID(q.PathValue("role")))
	if err != nil {
		return err
	}
	return confirmed(q, removal("role", string(r.Name), rolePath(r.ID, ""), rolePath(r.ID, "")), roleWarning,
		func() error { return c.Directory.DeleteRole(q.Context(), q.Actor, r.ID) }, rolesPath, "The role "+string(r.Name)+" is gone.")
}
