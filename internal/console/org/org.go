// Package org is the organization console: what people of an organization see of
// their estate, and do with it.
package org

import (
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/savedview"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

// Config is what the pages call.
type Config struct {
	Now        func() time.Time
	Tenancy    *tenancy.Service
	Credential *credential.Service
	Directory  *directory.Service
	SignIn     *signin.Service
	Trail      event.Trail
	Provision  *provision.Service
	Views      savedview.Service
}

// Console is the pages of the organization console.
type Console struct{ Config }

// New makes a Console.
func New(c Config) *Console { return &Console{c} }

// Pages is the table of all pages.
func (c *Console) Pages() []frame.Page {
	return slices.Concat(c.provisionerPages(), c.viewPages(), []frame.Page{
		{Method: "GET", Path: "/{$}", ID: "overview", Handle: c.overview},
		{Method: "GET", Path: "/tenants", ID: "tenants", Handle: c.tenants},
		{Method: "GET", Path: "/tenants/new", ID: "tenant.ask-subscription", Handle: c.chooseSubscription},
		{Method: "GET", Path: "/tenants/{tenant}", ID: "tenant", Handle: c.tenant},
		{Method: "POST", Path: "/tenants/{tenant}", ID: "tenant.update", Handle: c.updateTenant},
		{Method: "POST", Path: "/tenants/{tenant}/protection", ID: "tenant.protect", Handle: c.protectTenant},
		{Method: "GET", Path: "/tenants/{tenant}/deactivate", ID: "tenant.ask-deactivate", Handle: c.askDeactivate},
		{Method: "POST", Path: "/tenants/{tenant}/deactivate", ID: "tenant.deactivate", Handle: c.deactivate},
		{Method: "GET", Path: "/tenants/{tenant}/reactivate", ID: "tenant.ask-reactivate", Handle: c.askReactivate},
		{Method: "POST", Path: "/tenants/{tenant}/reactivate", ID: "tenant.reactivate", Handle: c.reactivate},
		{Method: "POST", Path: "/tenants/{tenant}/provisioning/{action}", ID: "tenant.provisioning", Handle: c.provisioning},

		{Method: "GET", Path: "/subscriptions", ID: "subscriptions", Handle: c.subscriptions},
		{Method: "GET", Path: "/subscriptions/{subscription}", ID: "subscription", Handle: c.subscription},
		{Method: "GET", Path: "/subscriptions/{subscription}/new-tenant", ID: "tenant.ask-create", Handle: c.askTenant},
		{Method: "POST", Path: "/subscriptions/{subscription}/new-tenant", ID: "tenant.create", Handle: c.createTenant},
		{Method: "GET", Path: "/subscriptions/{subscription}/clients/new", ID: "client.ask-create", Handle: c.askClient},
		{Method: "POST", Path: "/subscriptions/{subscription}/clients/new", ID: "client.create", Handle: c.createClient},
		{Method: "GET", Path: "/subscriptions/{subscription}/clients/{client}", ID: "client", Handle: c.client},
		{Method: "GET", Path: "/subscriptions/{subscription}/clients/{client}/rotate", ID: "client.ask-rotate", Handle: c.askRotate},
		{Method: "POST", Path: "/subscriptions/{subscription}/clients/{client}/rotate", ID: "client.rotate", Handle: c.rotate},
		{Method: "POST", Path: "/subscriptions/{subscription}/clients/{client}/rotation/{action}", ID: "client.rotation", Handle: c.rotation},
		{Method: "GET", Path: "/subscriptions/{subscription}/clients/{client}/delete", ID: "client.ask-delete", Handle: c.askDeleteClient},
		{Method: "POST", Path: "/subscriptions/{subscription}/clients/{client}/delete", ID: "client.delete", Handle: c.deleteClient},

		{Method: "GET", Path: "/admin/oauth", ID: "oauth", Handle: c.oauth},
		{Method: "GET", Path: "/admin/oauth/new", ID: "client.ask-create", Handle: c.askClient},
		{Method: "POST", Path: "/admin/oauth/new", ID: "client.create", Handle: c.createClient},
		{Method: "GET", Path: "/admin/oauth/{client}", ID: "client", Handle: c.client},
		{Method: "GET", Path: "/admin/oauth/{client}/rotate", ID: "client.ask-rotate", Handle: c.askRotate},
		{Method: "POST", Path: "/admin/oauth/{client}/rotate", ID: "client.rotate", Handle: c.rotate},
		{Method: "POST", Path: "/admin/oauth/{client}/rotation/{action}", ID: "client.rotation", Handle: c.rotation},
		{Method: "GET", Path: "/admin/oauth/{client}/delete", ID: "client.ask-delete", Handle: c.askDeleteClient},
		{Method: "POST", Path: "/admin/oauth/{client}/delete", ID: "client.delete", Handle: c.deleteClient},

		{Method: "GET", Path: "/people", ID: "people", Handle: c.people},
		{Method: "GET", Path: "/people/{account}", ID: "person", Handle: c.person},
	})
}
