package admin

import (
	"encoding/json"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

func (c *Console) userPages() []frame.Page {
	const one = usersPath + "/{user}"
	return []frame.Page{
		{Method: "GET", Path: usersPath, ID: "admin.users", Handle: c.users},
		{Method: "GET", Path: usersPath + "/invite", ID: "admin.user.ask-invite", Handle: c.askInvite},
		{Method: "POST", Path: usersPath + "/invite", ID: "admin.user.invite", Handle: c.invite},
		{Method: "GET", Path: usersPath + "/new", ID: "admin.user.ask-create", Handle: c.askUser},
		{Method: "POST", Path: usersPath + "/new", ID: "admin.user.create", Handle: c.createUser},
		{Method: "GET", Path: one, ID: "admin.user", Handle: c.user},
		{Method: "POST", Path: one, ID: "admin.user.update", Handle: c.updateUser},
		{Method: "POST", Path: one + "/link", ID: "admin.user.link", Handle: c.userLink},
		{Method: "GET", Path: one + "/delete", ID: "admin.user.ask-delete", Handle: c.askDeleteUser},
		{Method: "POST", Path: one + "/delete", ID: "admin.user.delete", Handle: c.deleteUser},
	}
}

func userPath(id estate.UserID, rest string) string { return usersPath + "/" + string(id) + rest }

func userName(u estate.User) string {
	if u.Name != "" {
		return u.Name
	}
	return string(u.ID)
}

func userState(s estate.UserStatus) cell {
	switch s {
	case estate.UserActive:
		return badge("success", "active")
	case estate.UserInvited:
		return badge("info", "invited")
	case estate.UserDisabled:
		return badge("warning", "disabled")
	}
	return badge("-", string(s))
}

func roleNames(roles []estate.Role) string {
	all := make([]string, len(roles))
	for i, r := range roles {
		all[i] = string(r.Name)
	}
	return strings.Join(all, ", ")
}

func (c *Console) users(q *frame.Request) error {
	text := q.Value("q")
	page, err := c.Directory.ListUsers(q.Context(), q.Actor, listQuery(q,
		anyOf(comparison("name", "co", text), comparison("email", "co", text), comparison("subject", "co", text)),
		comparison("status", "eq", q.Value("status")), comparison("assignedRoles.name", "eq", q.Value("role"))))
	if err != nil {
		return err
	}
	roles, err := every(q.Context(), q.Actor, c.Directory.ListRoles)
	if err != nil {
		return err
	}
	roleOptions := []ui.Option{{Label: "All"}}
	for _, r := range roles {
		roleOptions = append(roleOptions, ui.Option{Value: string(r.Name), Label: string(r.Name)})
	}
	l := list{
		Title:   "Users",
		Actions: []action{{Label: "New user", Href: usersPath + "/new"}, {Label: "Invite", Href: usersPath + "/invite", Primary: true}},
		Filters: []field{
			{ui.Field{Name: "q", Label: "Name, e-mail address or subject", Search: true, Type: "search"}, line},
			{ui.Field{Name: "status", Label: "Status", Options: []ui.Option{{Label: "All"}, {Value: "active", Label: "Active"}, {Value: "invited", Label: "Invited"}, {Value: "disabled", Label: "Disabled"}}}, choice},
			{ui.Field{Name: "role", Label: "Role", Options: roleOptions}, choice},
		},
		Table: table{Label: "Users", Columns: columns("Name", "E-mail address", "Status", "Roles", "Kind", "Created"), Empty: "No users"},
	}
	for _, u := range page.Items {
		of := "person"
		if u.ClientID != "" {
			of = "bot"
		}
		l.Table.Rows = append(l.Table.Rows, []cell{{Text: userName(u.User), Href: userPath(u.ID, "")}, plain(u.Email), userState(u.Status), plain(roleNames(u.Assigned)), plain(of), at(u.CreatedAt)})
	}
	return q.Render(l.Title, listPage(l.paged(q, page.Next, page.Total, "user", "users")))
}

func inviteForm() form {
	return form{
		Title: "Invite people", Crumbs: crumb("Users", usersPath), Action: usersPath + "/invite", Cancel: usersPath, Do: "Invite",
		Note: "Each becomes a user who has yet to sign in: by the tenant's identity provider, or by a sign-in link from the user's page.",
		Fields: []field{
			{ui.Field{Name: "emails", Label: "E-mail addresses", Rows: 6, Required: true, Hint: "One a line, 100 at most."}, text},
			{ui.Field{Name: "language", Label: "Language", Hint: "Such as en. Optional."}, line},
			{ui.Field{Name: "again", Label: "Let invitations that are there already last longer"}, check},
		},
	}
}

func (c *Console) askInvite(q *frame.Request) error {
	return q.Render("Invite people", formPage(inviteForm()))
}

func (c *Console) invite(q *frame.Request) error {
	emails := lines(q.FormValue("emails"))
	if len(emails) == 0 {
		return inviteForm().again(q, frame.FieldErrors{"emails": "Write at least one e-mail address."})
	}
	var invitees []directory.Invitee
	for _, email := range emails {
		invitees = append(invitees, directory.Invitee{Email: email, Language: q.Value("language"), Resend: q.Value("again") == "yes"})
	}
	results, err := c.Directory.InviteUsers(q.Context(), q.Actor, invitees)
	if err != nil {
		return inviteForm().refused(q, err, map[string]string{"/invitees": "emails"})
	}
	var invited, known, wrong []string
	for _, r := range results {
		switch r.Status {
		case directory.InviteOK:
			invited = append(invited, r.Email)
		case directory.InviteExists:
			known = append(known, r.Email+" has an invitation already")
		default:
			problems, _ := frame.Fields(r.Err, map[string]string{"/email": "", "/name": "", "/language": ""})
			wrong = append(wrong, r.Email+": "+problems[""])
		}
	}
	if len(wrong) > 0 {
		f := inviteForm()
		if len(invited) > 0 {
			f.Note = "Invited: " + strings.Join(invited, ", ") + ". The others were not."
		}
		return f.again(q, frame.FieldErrors{"emails": strings.Join(append(wrong, known...), "; ") + "."})
	}
	if len(invited) > 0 {
		known = append([]string{"Invited: " + strings.Join(invited, ", ")}, known...)
	}
	q.Say("success", strings.Join(known, "; ")+".")
	return q.Redirect(usersPath)
}

// roleChoices are the roles of the tenant to choose from, by id.
func (c *Console) roleChoices(q *frame.Request, assigned []estate.Role) (field, error) {
	all, err := every(q.Context(), q.Actor, c.Directory.ListRoles)
	if err != nil {
		return field{}, err
	}
	f := field{ui.Field{Name: "roles", Label: "Roles"}, checks}
	for _, r := range all {
		f.Options = append(f.Options, ui.Option{Value: string(r.ID), Label: string(r.Name), Hint: r.Description})
	}
	for _, r := range assigned {
		f.Checked = append(f.Checked, string(r.ID))
	}
	return f, nil
}

func typedRoles(q *frame.Request) []directory.RoleRef {
	refs := []directory.RoleRef{}
	for _, id := range q.Values("roles") {
		refs = append(refs, directory.RoleRef{ID: id})
	}
	return refs
}

func (c *Console) newUserForm(q *frame.Request) (form, error) {
	roles, err := c.roleChoices(q, nil)
	return form{
		Title: "New user", Crumbs: crumb("Users", usersPath), Action: usersPath + "/new", Cancel: usersPath, Do: "Create user",
		Note: "For people whose identity provider knows them by a subject. Others are invited.",
		Fields: []field{
			{ui.Field{Name: "subject", Label: "Subject", Mono: true, Required: true, Hint: "What the identity provider calls the person, with its realm before it."}, line},
			{ui.Field{Name: "name", Label: "Name"}, line},
			{ui.Field{Name: "email", Label: "E-mail address", Type: "email"}, line},
			roles,
		},
	}, err
}

func (c *Console) askUser(q *frame.Request) error {
	f, err := c.newUserForm(q)
	if err != nil {
		return err
	}
	return q.Render(f.Title, formPage(f))
}

var userFields = map[string]string{"/subject": "subject", "/name": "name", "/email": "email", "/assignedRoles": "roles", "/status": "status"}

func (c *Console) createUser(q *frame.Request) error {
	f, err := c.newUserForm(q)
	if err != nil {
		return err
	}
	u, err := c.Directory.CreateUser(q.Context(), q.Actor, directory.NewUser{Subject: q.Value("subject"), Name: q.Value("name"), Email: q.Value("email"), Roles: typedRoles(q)})
	if err != nil {
		return f.refused(q, err, userFields)
	}
	q.Say("success", "The user "+userName(u.User)+" is there.")
	return q.Redirect(userPath(u.ID, ""))
}

// userView is the page of one user.
type userView struct {
	directory.UserView
	Detail detail
	Form   form
	Link   string // that was just made; shown once
}

func (c *Console) userView(q *frame.Request) (v userView, err error) {
	if v.UserView, err = c.Directory.User(q.Context(), q.Actor, estate.UserID(q.PathValue("user"))); err != nil {
		return v, err
	}
	path := userPath(v.ID, "")
	v.Detail = detail{Title: userName(v.User), Crumbs: crumb("Users", usersPath)}
	if v.ClientID == "" && v.Status != estate.UserDisabled {
		v.Detail.Actions = append(v.Detail.Actions, action{Post: &post{Action: path + "/link", Label: "Make a sign-in link"}})
	}
	v.Detail.Actions = append(v.Detail.Actions, action{Label: "Delete", Href: path + "/delete", Dialog: true})
	v.Detail.Facts = facts(
		is("User id", cell{Text: string(v.ID), Mono: true, Copy: "Copy user id"}),
		is("Status", userState(v.Status)),
		is("Subject", mono(v.Subject)),
		is("E-mail address", plain(v.Email)),
		is("Invitation ends", at(v.InviteExpiresAt)),
		is("Created", at(v.CreatedAt)),
	)
	if v.ClientID != "" {
		v.Detail.Facts = append(v.Detail.Facts, is("Bot of", cell{Text: string(v.ClientID), Href: clientPath(v.ClientID, ""), Mono: true}))
	}
	roles, err := c.roleChoices(q, v.Assigned)
	if err != nil {
		return v, err
	}
	status := []ui.Option{{Value: string(estate.UserActive), Label: "active"}, {Value: string(estate.UserDisabled), Label: "disabled"}}
	if v.Status != estate.UserActive && v.Status != estate.UserDisabled {
		status = append(status, ui.Option{Value: string(v.Status), Label: string(v.Status)})
	}
	var groups []string
	for _, g := range v.Groups {
		groups = append(groups, g.Name)
	}
	v.Form = form{
		Title: v.Detail.Title, Action: path, Cancel: usersPath, Do: "Save", Fields: []field{
			{ui.Field{Name: "name", Label: "Name", Value: v.Name, Required: true}, line},
			{ui.Field{Name: "status", Label: "Status", Value: string(v.Status), Options: status}, choice},
			roles,
			{ui.Field{Name: "groups", Label: "Groups", Value: strings.Join(groups, "\n"), Rows: 3, Hint: "Names, one a line. The roles of groups come on top of the user's own."}, text},
		},
	}.editing()
	return v, nil
}

func (c *Console) user(q *frame.Request) error {
	v, err := c.userView(q)
	if err != nil {
		return err
	}
	var made madeLink
	if q.Take("link", &made) && made.User == v.ID {
		v.Link = made.URL
	}
	return q.Render(v.Form.Title, userPage(v))
}

// operation is an operation of a patch of the directory.
func operation(path string, value any) directory.PatchOperation {
	encoded, _ := json.Marshal(value) // texts, booleans, and lists of what has texts
	return directory.PatchOperation{Op: "replace", Path: path, Value: encoded}
}

func (c *Console) updateUser(q *frame.Request) error {
	v, err := c.userView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.Form.Shown) {
		return q.Redirect(userPath(v.ID, ""))
	}
	groups := []directory.RoleRef{}
	for _, name := range lines(q.FormValue("groups")) {
		groups = append(groups, directory.RoleRef{Name: name})
	}
	err = c.Directory.UpdateUser(q.Context(), q.Actor, v.ID, directory.Patch{
		operation("/name", q.Value("name")), operation("/status", q.Value("status")), operation("/assignedRoles", typedRoles(q)), operation("/assignedGroups", groups),
	})
	if err != nil {
		problems, err := problemsOf(err, userFields, "name", "status", "roles", "groups")
		if err != nil {
			return err
		}
		v.Form = v.Form.typed(q, problems)
		return q.Again(v.Form.Title, userPage(v))
	}
	q.Say("success", "Saved.")
	return q.Redirect(userPath(v.ID, ""))
}

// madeLink is a link on its way to the page that shows it once.
type madeLink struct {
	User estate.UserID `json:"user"`
	URL  string        `json:"url"`
}

func (c *Console) userLink(q *frame.Request) error {
	id := estate.UserID(q.PathValue("user"))
	secret, _, err := c.SignIn.CreateUserLink(q.Context(), q.Actor, id, false)
	if err != nil {
		return said(q, err, "", userPath(id, ""))
	}
	q.Pass("link", madeLink{User: id, URL: q.Surface.Origin + signin.LinkPath + secret.Reveal()})
	return q.Redirect(userPath(id, ""))
}

const userWarning = "The user is signed out and can't come in again. What the user has made stays."

func (c *Console) askDeleteUser(q *frame.Request) error {
	u, err := c.Directory.User(q.Context(), q.Actor, estate.UserID(q.PathValue("user")))
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("user", userName(u.User), userPath(u.ID, ""), userPath(u.ID, "")), userWarning))
}

func (c *Console) deleteUser(q *frame.Request) error {
	u, err := c.Directory.User(q.Context(), q.Actor, estate.UserID(q.PathValue("user")))
	if err != nil {
		return err
	}
	return confirmed(q, removal("user", userName(u.User), userPath(u.ID, ""), userPath(u.ID, "")), userWarning,
		func() error { return c.Directory.DeleteUser(q.Context(), q.Actor, u.ID) }, usersPath, "The user "+userName(u.User)+" is gone.")
}
