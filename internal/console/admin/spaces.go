package admin

import (
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

func (c *Console) spacePages() []frame.Page {
	const one = spacesPath + "/{space}"
	return []frame.Page{
		{Method: "GET", Path: spacesPath, ID: "admin.spaces", Handle: c.spaces},
		{Method: "GET", Path: spacesPath + "/new", ID: "admin.space.ask-create", Handle: c.askSpace},
		{Method: "POST", Path: spacesPath + "/new", ID: "admin.space.create", Handle: c.createSpace},
		{Method: "GET", Path: one, ID: "admin.space", Handle: c.space},
		{Method: "POST", Path: one, ID: "admin.space.update", Handle: c.updateSpace},
		{Method: "POST", Path: one + "/members", ID: "admin.space.member.create", Handle: c.addMember},
		{Method: "POST", Path: one + "/members/{member}/delete", ID: "admin.space.member.delete", Handle: c.removeMember},
		{Method: "GET", Path: one + "/delete", ID: "admin.space.ask-delete", Handle: c.askDeleteSpace},
		{Method: "POST", Path: one + "/delete", ID: "admin.space.delete", Handle: c.deleteSpace},
	}
}

func spacePath(id estate.SpaceID, rest string) string { return spacesPath + "/" + string(id) + rest }

func spaceTypes() (all []ui.Option) {
	for _, t := range estate.SpaceTypes() {
		all = append(all, ui.Option{Value: string(t), Label: string(t)})
	}
	return all
}

func (c *Console) spaces(q *frame.Request) error {
	page, err := c.Directory.ListSpaces(q.Context(), q.Actor, listQuery(q, comparison("name", "co", q.Value("q")), comparison("type", "eq", q.Value("type"))))
	if err != nil {
		return err
	}
	l := list{
		Title:   "Spaces",
		Actions: []action{{Label: "New space", Href: spacesPath + "/new", Primary: true}},
		Filters: []field{
			{ui.Field{Name: "q", Label: "Name", Search: true, Type: "search"}, line},
			{ui.Field{Name: "type", Label: "Type", Options: append([]ui.Option{{Label: "All"}}, spaceTypes()...)}, choice},
		},
		Table:   table{Label: "Spaces", Columns: columns("Name", "Type", "Description", "Created"), Empty: "No spaces"},
		Nothing: "Spaces hold content, and say who may do what with it.",
	}
	for _, s := range page.Items {
		l.Table.Rows = append(l.Table.Rows, []cell{{Text: s.Name, Href: spacePath(s.ID, "")}, plain(string(s.Type)), plain(s.Description), at(s.CreatedAt)})
	}
	return q.Render(l.Title, listPage(l.paged(q, page.Next, page.Total, "space", "spaces")))
}

var spaceFields = map[string]string{"/name": "name", "/description": "description", "/type": "type", "/ownerId": "owner"}

func spaceForm(s estate.Space) form {
	return form{Title: "New space", Crumbs: crumb("Spaces", spacesPath), Action: spacesPath + "/new", Cancel: spacesPath, Do: "Create space", Fields: []field{
		{ui.Field{Name: "name", Label: "Name", Value: s.Name, Required: true}, line},
		{ui.Field{Name: "description", Label: "Description", Value: s.Description, Rows: 2}, text},
	}}
}

func newSpaceForm() form {
	f := spaceForm(estate.Space{})
	f.Fields = append(f.Fields, field{ui.Field{Name: "type", Label: "Type", Options: spaceTypes(), Value: string(estate.SpaceShared)}, radios})
	return f
}

func (c *Console) askSpace(q *frame.Request) error {
	return q.Render("New space", formPage(newSpaceForm()))
}

func (c *Console) createSpace(q *frame.Request) error {
	s, err := c.Directory.CreateSpace(q.Context(), q.Actor, directory.NewSpace{Name: q.Value("name"), Description: q.Value("description"), Type: estate.SpaceType(q.Value("type"))})
	if err != nil {
		return newSpaceForm().refused(q, err, spaceFields)
	}
	q.Say("success", "The space "+s.Name+" is there, and yours.")
	return q.Redirect(spacePath(s.ID, ""))
}

// spaceView is the page of one space.
type spaceView struct {
	directory.SpaceView
	thingView
	Members table
	Next    string
	Add     form
}

func (c *Console) spaceView(q *frame.Request) (v spaceView, err error) {
	if v.SpaceView, err = c.Directory.Space(q.Context(), q.Actor, estate.SpaceID(q.PathValue("space"))); err != nil {
		return v, err
	}
	f := spaceForm(v.Space)
	f.Title, f.Action, f.Do = v.Name, spacePath(v.ID, ""), "Save"
	f.Fields = append(f.Fields, field{ui.Field{Name: "owner", Label: "Owner", Value: string(v.Owner), Mono: true, Hint: "The id of a user."}, line})
	f = f.editing()
	v.thingView = thingView{Form: &f, Detail: detail{
		Title: v.Name, Crumbs: f.Crumbs, Actions: []action{{Label: "Delete", Href: spacePath(v.ID, "/delete"), Dialog: true}},
		Facts: facts(is("Space id", cell{Text: string(v.ID), Mono: true, Copy: "Copy space id"}), is("Type", plain(string(v.Type))), is("Owner", c.userCell(q, v.Owner)), is("Created", at(v.CreatedAt))),
	}}
	page, err := c.Directory.ListSpaceAssignments(q.Context(), q.Actor, v.ID, listQuery(q))
	if err != nil {
		return v, err
	}
	v.Members = table{Label: "Members", Columns: columns("Who", "Kind", "Roles", "Since", ""), Empty: "Nobody but the owner and administrators."}
	for _, a := range page.Items {
		who := c.userCell(q, estate.UserID(a.Assignee))
		if a.Type == estate.AssigneeGroup {
			who = c.groupCell(q, estate.GroupID(a.Assignee))
		}
		v.Members.Rows = append(v.Members.Rows, []cell{
			who, plain(string(a.Type)), plain(strings.Join(a.Roles, ", ")), at(a.CreatedAt),
			{Post: &post{Action: below(spacePath(v.ID, "/members"), string(a.ID), "delete"), Label: "Remove", About: "Remove " + who.Text}},
		})
	}
	if page.Next != "" {
		v.Next = ui.Query(spacePath(v.ID, ""), nil, "next", page.Next)
	}
	roles := field{ui.Field{Name: "memberRoles", Label: "Roles"}, checks}
	for _, role := range estate.SpaceRoles(v.Type) {
		roles.Options = append(roles.Options, ui.Option{Value: role, Label: role})
	}
	v.Add = form{Action: spacePath(v.ID, "/members"), Do: "Add member", Fields: []field{
		{ui.Field{Name: "kind", Label: "Who", Value: string(estate.AssigneeUser), Options: []ui.Option{{Value: "user", Label: "A user"}, {Value: "group", Label: "A group"}, {Value: "bot", Label: "A bot"}}}, choice},
		{ui.Field{Name: "who", Label: "E-mail address, name of a group, or id", Required: true}, line},
		roles,
	}}
	return v, nil
}

// userCell and groupCell name what may be gone meanwhile.
func (c *Console) userCell(q *frame.Request, id estate.UserID) cell {
	if id == "" {
		return cell{}
	}
	u, err := c.Directory.User(q.Context(), q.Actor, id)
	if err != nil {
		return mono(string(id))
	}
	return cell{Text: userName(u.User), Href: userPath(id, "")}
}

func (c *Console) groupCell(q *frame.Request, id estate.GroupID) cell {
	g, err := c.Directory.Group(q.Context(), q.Actor, id)
	if err != nil {
		return mono(string(id))
	}
	return cell{Text: g.Name, Href: groupPath(id, "")}
}

func (c *Console) space(q *frame.Request) error {
	v, err := c.spaceView(q)
	if err != nil {
		return err
	}
	return q.Render(v.Name, spacePage(v))
}

func (c *Console) updateSpace(q *frame.Request) error {
	v, err := c.spaceView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.Form.Shown) {
		return q.Redirect(spacePath(v.ID, ""))
	}
	name, description, owner := q.Value("name"), q.Value("description"), estate.UserID(q.Value("owner"))
	u := directory.SpaceUpdate{Name: &name, Description: &description, Owner: &owner}
	if _, err := c.Directory.ReplaceSpace(q.Context(), q.Actor, v.ID, u); err != nil {
		problems, err := problemsOf(err, spaceFields)
		if err != nil {
			return err
		}
		f := v.Form.typed(q, problems)
		v.Form = &f
		return q.Again(v.Name, spacePage(v))
	}
	q.Say("success", "Saved.")
	return q.Redirect(spacePath(v.ID, ""))
}

// assignee is the id of who was typed: it, or that of the one with the address or
// name.
func (c *Console) assignee(q *frame.Request, of estate.AssigneeType, typed string) (string, error) {
	if typed == "" {
		return "", nil
	}
	query := directory.PageQuery{Limit: 1}
	if of == estate.AssigneeGroup {
		query.Filter = comparison("name", "eq", typed)
		page, err := c.Directory.ListGroups(q.Context(), q.Actor, query)
		if err != nil || len(page.Items) == 0 {
			return typed, err
		}
		return string(page.Items[0].ID), nil
	}
	query.Filter = comparison("email", "eq", typed)
	page, err := c.Directory.ListUsers(q.Context(), q.Actor, query)
	if err != nil || len(page.Items) == 0 {
		return typed, err
	}
	return string(page.Items[0].ID), nil
}

func (c *Console) addMember(q *frame.Request) error {
	v, err := c.spaceView(q)
	if err != nil {
		return err
	}
	n := directory.NewAssignment{Type: estate.AssigneeType(q.Value("kind")), Roles: slices.Concat(q.Values("memberRoles"))}
	if n.Assignee, err = c.assignee(q, n.Type, q.Value("who")); err == nil {
		_, err = c.Directory.CreateSpaceAssignment(q.Context(), q.Actor, v.ID, n)
	}
	if err != nil {
		problems, err := problemsOf(err, map[string]string{"/roles": "memberRoles", "/assigneeId": "who", "/type": "kind"})
		if err != nil {
			return err
		}
		v.Add = v.Add.typed(q, problems)
		return q.Again(v.Name, spacePage(v))
	}
	q.Say("success", "Added.")
	return q.Redirect(spacePath(v.ID, ""))
}

func (c *Console) removeMember(q *frame.Request) error {
	id := estate.SpaceID(q.PathValue("space"))
	return said(q, c.Directory.DeleteSpaceAssignment(q.Context(), q.Actor, id, estate.AssignmentID(q.PathValue("member"))), "Removed.", spacePath(id, ""))
}

const spaceWarning = "Its members lose what they may do there."

func (c *Console) askDeleteSpace(q *frame.Request) error {
	s, err := c.Directory.Space(q.Context(), q.Actor, estate.SpaceID(q.PathValue("space")))
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("space", s.Name, spacePath(s.ID, ""), spacePath(s.ID, "")), spaceWarning))
}

func (c *Console) deleteSpace(q *frame.Request) error {
	s, err := c.Directory.Space(q.Context(), q.Actor, estate.SpaceID(q.PathValue("space")))
	if err != nil {
		return err
	}
	return confirmed(q, removal("space", s.Name, spacePath(s.ID, ""), spacePath(s.ID, "")), spaceWarning,
		func() error { return c.Directory.DeleteSpace(q.Context(), q.Actor, s.ID) }, spacesPath, "The space "+s.Name+" is gone.")
}
