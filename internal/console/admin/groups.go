package admin

import (
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

func (c *Console) groupPages() []frame.Page {
	const one = groupsPath + "/{group}"
	return []frame.Page{
		{Method: "GET", Path: groupsPath, ID: "admin.groups", Handle: c.groups},
		{Method: "GET", Path: groupsPath + "/new", ID: "admin.group.ask-create", Handle: c.askGroup},
		{Method: "POST", Path: groupsPath + "/new", ID: "admin.group.create", Handle: c.createGroup},
		{Method: "GET", Path: groupsPath + "/settings", ID: "admin.group.ask-settings", Handle: c.askGroupSettings},
		{Method: "POST", Path: groupsPath + "/settings", ID: "admin.group.settings", Handle: c.groupSettings},
		{Method: "GET", Path: one, ID: "admin.group", Handle: c.group},
		{Method: "POST", Path: one, ID: "admin.group.update", Handle: c.updateGroup},
		{Method: "GET", Path: one + "/delete", ID: "admin.group.ask-delete", Handle: c.askDeleteGroup},
		{Method: "POST", Path: one + "/delete", ID: "admin.group.delete", Handle: c.deleteGroup},
	}
}

func groupPath(id estate.GroupID, rest string) string { return groupsPath + "/" + string(id) + rest }

func (c *Console) groups(q *frame.Request) error {
	page, err := c.Directory.ListGroups(q.Context(), q.Actor, listQuery(q, comparison("name", "co", q.Value("q"))))
	if err != nil {
		return err
	}
	l := list{
		Title:   "Groups",
		Note:    "Everybody in a group has its roles, on top of their own.",
		Actions: []action{{Label: "Settings", Href: groupsPath + "/settings"}, {Label: "New group", Href: groupsPath + "/new", Primary: true}},
		Filters: []field{{ui.Field{Name: "q", Label: "Name", Search: true, Type: "search"}, line}},
		Table:   table{Label: "Groups", Columns: columns("Name", "From", "Status", "Roles", "Created"), Empty: "No groups"},
		Nothing: "Groups are made here, or by the tenant's identity provider if the settings say so.",
	}
	for _, g := range page.Items {
		l.Table.Rows = append(l.Table.Rows, []cell{{Text: g.Name, Href: groupPath(g.ID, "")}, plain(groupFrom(g.Provider)), groupState(g.Status), plain(roleNames(g.Assigned)), at(g.CreatedAt)})
	}
	return q.Render(l.Title, listPage(l.paged(q, page.Next, page.Total, "group", "groups")))
}

func groupFrom(p estate.GroupProvider) string {
	if p == estate.GroupIDP {
		return "identity provider"
	}
	return "made here"
}

func groupState(s estate.GroupStatus) cell {
	if s == estate.GroupActive {
		return badge("success", "active")
	}
	return badge("warning", string(s))
}

var groupFields = map[string]string{"/name": "name", "/description": "description", "/assignedRoles": "roles", "/providerType": "from"}

func (c *Console) groupForm(q *frame.Request, g directory.GroupView) (form, error) {
	roles, err := c.roleChoices(q, g.Assigned)
	return form{Crumbs: crumb("Groups", groupsPath), Cancel: groupsPath, Do: "Save", Fields: []field{
		{ui.Field{Name: "name", Label: "Name", Value: g.Name, Required: true}, line},
		{ui.Field{Name: "description", Label: "Description", Value: g.Description, Rows: 2}, text},
		roles,
	}}, err
}

func (c *Console) newGroupForm(q *frame.Request) (form, error) {
	f, err := c.groupForm(q, directory.GroupView{})
	f.Title, f.Action, f.Do = "New group", groupsPath+"/new", "Create group"
	f.Fields = append(f.Fields, field{ui.Field{Name: "from", Label: "Who is in it", Value: string(estate.GroupCustom), Options: []ui.Option{
		{Value: string(estate.GroupCustom), Label: "Users whom administrators put in"},
		{Value: string(estate.GroupIDP), Label: "Users of whom the identity provider says so"},
	}}, radios})
	return f, err
}

func (c *Console) askGroup(q *frame.Request) error {
	f, err := c.newGroupForm(q)
	if err != nil {
		return err
	}
	return q.Render(f.Title, formPage(f))
}

func (c *Console) createGroup(q *frame.Request) error {
	f, err := c.newGroupForm(q)
	if err != nil {
		return err
	}
	g, err := c.Directory.CreateGroup(q.Context(), q.Actor, directory.NewGroup{
		Name: q.Value("name"), Description: q.Value("description"), Provider: estate.GroupProvider(q.Value("from")), Roles: typedRoles(q),
	})
	if err != nil {
		return f.refused(q, err, groupFields)
	}
	q.Say("success", "The group "+g.Name+" is there.")
	return q.Redirect(groupPath(g.ID, ""))
}

// thingView is the page of something that is edited in place.
type thingView struct {
	Detail detail
	Form   *form // nil: it can't be changed
}

func (c *Console) groupView(q *frame.Request) (g directory.GroupView, v thingView, err error) {
	if g, err = c.Directory.Group(q.Context(), q.Actor, estate.GroupID(q.PathValue("group"))); err != nil {
		return g, v, err
	}
	f, err := c.groupForm(q, g)
	f.Title, f.Action = g.Name, groupPath(g.ID, "")
	f = f.editing()
	v.Form = &f
	v.Detail = detail{Title: g.Name, Crumbs: f.Crumbs, Facts: facts(
		is("Group id", cell{Text: string(g.ID), Mono: true, Copy: "Copy group id"}), is("From", plain(groupFrom(g.Provider))), is("Status", groupState(g.Status)), is("Created", at(g.CreatedAt)),
	)}
	if g.ID == estate.GroupEveryone {
		f.Fields = f.Fields[2:] // it is what it is, but for its roles
	} else {
		v.Detail.Actions = []action{{Label: "Delete", Href: groupPath(g.ID, "/delete"), Dialog: true}}
	}
	return g, v, err
}

func (c *Console) group(q *frame.Request) error {
	g, v, err := c.groupView(q)
	if err != nil {
		return err
	}
	return q.Render(g.Name, thingPage(v))
}

func (c *Console) updateGroup(q *frame.Request) error {
	g, v, err := c.groupView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.Form.Shown) {
		return q.Redirect(groupPath(g.ID, ""))
	}
	patch, of := directory.Patch{operation("/assignedRoles", typedRoles(q))}, []string{"roles"}
	if g.ID != estate.GroupEveryone {
		patch, of = append(patch, operation("/name", q.Value("name")), operation("/description", q.Value("description"))), append(of, "name", "description")
	}
	if err := c.Directory.UpdateGroup(q.Context(), q.Actor, g.ID, patch); err != nil {
		return v.refused(q, err, groupFields, of...)
	}
	q.Say("success", "Saved.")
	return q.Redirect(groupPath(g.ID, ""))
}

// refused shows the page again with what is wrong with its form.
func (v thingView) refused(q *frame.Request, err error, names map[string]string, patch ...string) error {
	problems, err := problemsOf(err, names, patch...)
	if err != nil {
		return err
	}
	f := v.Form.typed(q, problems)
	v.Form = &f
	return q.Again(v.Detail.Title, thingPage(v))
}

const groupWarning = "Its members stay, and lose the roles that they have by it."

func (c *Console) askDeleteGroup(q *frame.Request) error {
	g, err := c.Directory.Group(q.Context(), q.Actor, estate.GroupID(q.PathValue("group")))
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("group", g.Name, groupPath(g.ID, ""), groupPath(g.ID, "")), groupWarning))
}

func (c *Console) deleteGroup(q *frame.Request) error {
	g, err := c.Directory.Group(q.Context(), q.Actor, estate.GroupID(q.PathValue("group")))
	if err != nil {
		return err
	}
	return confirmed(q, removal("group", g.Name, groupPath(g.ID, ""), groupPath(g.ID, "")), groupWarning,
		func() error { return c.Directory.DeleteGroup(q.Context(), q.Actor, g.ID) }, groupsPath, "The group "+g.Name+" is gone.")
}

func (c *Console) groupSettingsForm(q *frame.Request) (form, error) {
	s, err := c.Directory.GroupSettings(q.Context(), q.Actor)
	if err != nil {
		return form{}, err
	}
	roles, err := c.roleChoices(q, s.Everyone.Assigned)
	roles.Label = "Roles of everybody"
	f := form{
		Title: "Settings of groups", Crumbs: crumb("Groups", groupsPath), Action: groupsPath + "/settings", Cancel: groupsPath, Do: "Save",
		Fields: []field{
			{ui.Field{Name: "create", Label: "Make groups that the identity provider names", Value: yes(s.AutoCreateGroups)}, check},
			{ui.Field{Name: "sync", Label: "Put users into the groups that the identity provider names when they sign in", Value: yes(s.SyncIDPGroups)}, check},
			roles,
		},
	}
	return f.editing(), err
}

func (c *Console) askGroupSettings(q *frame.Request) error {
	f, err := c.groupSettingsForm(q)
	if err != nil {
		return err
	}
	return q.Render(f.Title, formPage(f))
}

func (c *Console) groupSettings(q *frame.Request) error {
	f, err := c.groupSettingsForm(q)
	if err != nil {
		return err
	}
	if q.Overtaken(f.Shown) {
		return q.Redirect(groupsPath + "/settings")
	}
	err = c.Directory.UpdateGroupSettings(q.Context(), q.Actor, directory.Patch{
		operation("/autoCreateGroups", q.Value("create") == "yes"), operation("/syncIdpGroups", q.Value("sync") == "yes"),
		operation("/systemGroups/"+string(estate.GroupEveryone)+"/assignedRoles", typedRoles(q)),
	})
	if err != nil {
		return f.refused(q, err, nil, "create", "sync", "roles")
	}
	q.Say("success", "Saved.")
	return q.Redirect(groupsPath)
}
