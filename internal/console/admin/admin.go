// Package admin is the administration of a tenant: what its administrators see of
// it, and do with it.
package admin

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// Config is what the pages call.
type Config struct {
	Credential *credential.Service
	Directory  *directory.Service
	SignIn     *signin.Service
}

// Console is the pages of the administration of a tenant.
type Console struct{ Config }

// New makes a Console.
func New(c Config) *Console { return &Console{c} }

// Base is the path below which all pages are.
const Base = "/admin"

// Where lists are.
const (
	oauthPath    = Base + "/oauth"
	usersPath    = Base + "/users"
	groupsPath   = Base + "/groups"
	rolesPath    = Base + "/roles"
	idpsPath     = Base + "/identity-providers"
	spacesPath   = Base + "/spaces"
	settingsPath = Base + "/settings"
)

// pageSize is how many rows a list shows.
const pageSize = 50

// Pages is the table of all pages.
func (c *Console) Pages() []frame.Page {
	home := frame.Page{Method: "GET", Path: "/{$}", ID: "admin", Handle: c.home}
	return append(Guard(slices.Concat([]frame.Page{
		{Method: "GET", Path: Base, ID: "admin", Handle: c.start},
		{Method: "GET", Path: Base + "/{$}", ID: "admin", Handle: c.start},
	}, c.clientPages(), c.userPages(), c.groupPages(), c.rolePages(), Providers{SignIn: c.SignIn, Base: idpsPath}.Pages(), c.spacePages(), c.settingsPages())), home)
}

// home leads people who come to the tenant's host to what there is for them.
func (c *Console) home(q *frame.Request) error {
	if administers(q) {
		return q.Redirect(Base)
	}
	return q.Redirect(signin.AccountPath)
}

// Guard keeps pages for the administrators of the tenant whose host is asked.
func Guard(pages []frame.Page) []frame.Page {
	for i, p := range pages {
		pages[i].Handle = func(q *frame.Request) error {
			if !administers(q) {
				return errNeedsAdmin
			}
			return p.Handle(q)
		}
	}
	return pages
}

func administers(q *frame.Request) bool {
	return q.Actor.Kind == estate.ActorUser && q.Actor.Scope == q.Surface.Tenant.Scope() &&
		slices.Contains(q.Actor.Roles, estate.RoleTenantAdmin) && q.Actor.Permissions.Holds(api.ScopeAdminClassic)
}

var errNeedsAdmin = estate.E(estate.Forbidden, api.CodeForbidden, "For administrators of the tenant", "These pages need the role TenantAdmin.")

// start leads to the first part: there is nothing above the parts.
func (c *Console) start(q *frame.Request) error { return q.Redirect(oauthPath) }

// Nav is the navigation of tenant hosts.
func (c *Console) Nav(q *frame.Request) []ui.NavGroup {
	if !administers(q) {
		return nil
	}
	return []ui.NavGroup{
		{Title: "Access", Items: []ui.NavItem{
			{Label: "OAuth", Href: oauthPath, Key: "c"},
			{Label: "Users", Href: usersPath, Key: "u"},
			{Label: "Groups", Href: groupsPath, Key: "g"},
			{Label: "Roles", Href: rolesPath, Key: "r"},
			{Label: "Identity providers", Href: idpsPath, Key: "i"},
		}},
		{Title: "What happened", Items: []ui.NavItem{
			{Label: "Webhooks", Href: Base + "/webhooks", Key: "w"},
			{Label: "Audit", Href: Base + "/audit", Key: "a"},
		}},
		{Title: "Tenant", Items: []ui.NavItem{
			{Label: "Spaces", Href: spacesPath, Key: "s"},
			{Label: "Settings", Href: settingsPath, Key: "t"},
		}},
	}
}

// Refused says who can give what is missing: the administrators, by name.
func (c *Console) Refused(q *frame.Request, _ *estate.Error) string {
	if administers(q) || q.URL.Path != Base && q.URL.Path != signin.ResultPath && !strings.HasPrefix(q.URL.Path, Base+"/") {
		return ""
	}
	names, err := c.Directory.Administrators(q.Context(), q.Actor)
	if err != nil || len(names) == 0 {
		return "An administrator of the tenant can give you the role."
	}
	return "It can be given by an administrator of the tenant: " + strings.Join(names, ", ") + "."
}

// listQuery asks for the page of a list that the address says, of what matches
// all of the conditions that are not empty.
func listQuery(q *frame.Request, conditions ...string) directory.PageQuery {
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	return directory.PageQuery{Filter: strings.Join(conditions, " and "), Next: q.Value("next"), Limit: pageSize, Total: true}
}

// comparison is a condition of a SCIM filter; none if there is no text.
func comparison(attribute, op, text string) string {
	if text == "" {
		return ""
	}
	return attribute + " " + op + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ", "\t", " ").Replace(text) + `"`
}

// anyOf is a condition that any of several makes true.
func anyOf(conditions ...string) string {
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	if len(conditions) == 0 {
		return ""
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

// every collects the pages of a list that has few items, such as roles.
func every[T any](ctx context.Context, actor estate.Actor, read func(context.Context, estate.Actor, directory.PageQuery) (directory.Page[T], error)) (all []T, err error) {
	q := directory.PageQuery{Limit: 100}
	for {
		page, err := read(ctx, actor, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		q.Next = page.Next
	}
}

// lines are the lines of a text that have something in them.
func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// below is a path with ids in it.
func below(path string, parts ...string) string {
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}
