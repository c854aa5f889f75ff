// Package console is the web console: server-rendered pages for the people of an
// organization (console host) and of a tenant (tenant hosts). Pages call the
// domain services with the actor who is signed in, as the JSON API does, and never
// the store.
//
// To add a page:
//
//  1. Write its content as a templ component out of the components of package ui,
//     in a .templ file, and run `make generate`. Keep to the classes of the style
//     sheet; with new ones, run `make css`.
//  2. Write its handler, func(*frame.Request) error: call a service with
//     q.Actor, and answer with q.Render. An error that is returned becomes a page.
//  3. A form is ui.Form, which posts to a page of method POST. Its handler
//     answers with q.Redirect after what it did (q.Say leaves a message for the
//     next page, q.Pass a secret that it shows once), or with q.Again and the
//     errors that frame.Fields finds beside the fields. The form's token, and that
//     nothing is done twice, is seen to by package frame.
//  4. Add rows to the table of pages of its surface: a frame.Page each.
//  5. Test it: consoletest.Browser opens it, and fails for whatever axe finds in
//     light or dark, and for whatever the browser's console says.
//
// Packages of pages lie below this one, one for each part, and give their tables
// to New.
package console

import (
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/admin"
	"github.com/freehold-platform/freehold/internal/console/approve"
	"github.com/freehold-platform/freehold/internal/console/events"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/org"
	"github.com/freehold-platform/freehold/internal/console/people"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/savedview"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// Config is what the pages are made with.
type Config struct {
	Keys  frame.Sealer
	Forms frame.Forms
	Now   func() time.Time

	Tenancy    *tenancy.Service
	Credential *credential.Service
	Directory  *directory.Service
	SignIn     *signin.Service
	Trail      event.Trail
	Webhook    *webhook.Service
	Provision  *provision.Service
	Views      savedview.Service
}

// signInPath is where people are sent who aren't signed in: from there to the
// identity provider of the tenant or, where there is none, to the page of ours.
const signInPath = "/login"

// New makes the pages of all surfaces.
func New(c Config) (*frame.Frame, error) {
	return frame.New(c.Keys, c.Forms, c.Now, consoleSite(c), tenantSite(c))
}

// consoleSite is the pages of the console host.
func consoleSite(c Config) frame.Site {
	o := org.New(org.Config{
		Now: c.Now, Tenancy: c.Tenancy, Credential: c.Credential, Directory: c.Directory, SignIn: c.SignIn, Trail: c.Trail, Provision: c.Provision, Views: c.Views,
	})
	return frame.Site{
		Kind: estate.SurfaceConsole, SignIn: people.LocalPath, SignOut: people.SignOutPath, Account: people.AccountPath,
		Pages: slices.Concat(o.Pages(), events.Pages{TenantPath: "/tenants/", Trail: c.Trail, Webhook: c.Webhook, Chain: true, Name: o.NameOf}.Table(),
			(&people.People{SignIn: c.SignIn, Providers: admin.OrganizationProviders}).Pages(), approve.Pages{Credential: c.Credential, Name: o.Person}.Console(),
			admin.Providers{SignIn: c.SignIn, Base: admin.OrganizationProviders}.Pages()),
		Nav: o.Nav, Place: o.Place, Person: o.Person, Refused: o.Refused,
	}
}

// tenantSite is the pages of tenant hosts.
func tenantSite(c Config) frame.Site {
	a := admin.New(admin.Config{Credential: c.Credential, Directory: c.Directory, SignIn: c.SignIn})
	happened := events.Pages{Base: admin.Base, Trail: c.Trail, Webhook: c.Webhook}
	return frame.Site{
		Kind: estate.SurfaceTenant, SignIn: signInPath, SignOut: people.SignOutPath, Account: people.AccountPath,
		Pages: slices.Concat((&people.People{SignIn: c.SignIn, Providers: admin.Base + "/identity-providers"}).Pages(), approve.Pages{Credential: c.Credential, Name: personOf(c)}.Tenant(), a.Pages(), admin.Guard(happened.Table())),
		Nav:   a.Nav, Place: func(q *frame.Request) string { return q.Surface.Tenant.Name }, Person: personOf(c), Refused: refusedAtTenant(a.Refused),
	}
}

// refusedAtTenant says of a tenant that is deactivated who can bring it back, and
// leaves the rest to the pages of administrators.
func refusedAtTenant(others func(*frame.Request, *estate.Error) string) func(*frame.Request, *estate.Error) string {
	return func(q *frame.Request, e *estate.Error) string {
		if e.Code == api.CodeTenantDeactivated {
			return "Owners of its subscription can reactivate it in the organization console, with all that is in it, until it is purged."
		}
		if e.Kind != estate.Forbidden {
			return ""
		}
		return others(q, e)
	}
}

// personOf is how who is signed in to a tenant is called.
func personOf(c Config) func(*frame.Request) string {
	return func(q *frame.Request) string {
		user, err := c.Directory.User(q.Context(), q.Actor, q.Actor.User)
		if err != nil || user.Name == "" {
			return q.Actor.ID
		}
		return user.Name
	}
}
