package org

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/provision"
)

func (c *Console) provisionerPages() []frame.Page {
	const all = "/subscriptions/{subscription}/provisioners"
	const one = all + "/{provisioner}"
	return []frame.Page{
		{Method: "GET", Path: all + "/new", ID: "provisioner.ask-create", Handle: c.askProvisioner},
		{Method: "POST", Path: all + "/new", ID: "provisioner.create", Handle: c.createProvisioner},
		{Method: "GET", Path: one, ID: "provisioner", Handle: c.provisioner},
		{Method: "POST", Path: one, ID: "provisioner.update", Handle: c.updateProvisioner},
		{Method: "GET", Path: one + "/rotate", ID: "provisioner.ask-rotate", Handle: c.askRotateProvisioner},
		{Method: "POST", Path: one + "/rotate", ID: "provisioner.rotate", Handle: c.rotateProvisioner},
		{Method: "GET", Path: one + "/delete", ID: "provisioner.ask-delete", Handle: c.askDeleteProvisioner},
		{Method: "POST", Path: one + "/delete", ID: "provisioner.delete", Handle: c.deleteProvisioner},
	}
}

// madeProvisioner is the secret of a provisioner on its way to the page that shows
// it once.
type madeProvisioner struct {
	ID     estate.ProvisionerID `json:"id"`
	Secret string               `json:"secret"`
}

// provisionerView is the page of a provisioner, or the form for a new one.
type provisionerView struct {
	Subscription estate.Subscription
	Provisioner  estate.Provisioner // without an id: a new one
	Secret       string             // that was just made; shown once

	// Of the form:
	Name, URL string
	Problems  frame.FieldErrors
}

func (v provisionerView) path(rest string) string {
	return subscriptionPath(v.Subscription.ID) + "/provisioners/" + string(v.Provisioner.ID) + rest
}

// failed is the address of the list of tenants whose provisioning has failed.
func (v provisionerView) failed() string {
	return ui.Query("/tenants", nil, "subscription", string(v.Subscription.ID), "filter", failedProvisioning, "columns", failedColumns)
}

// failedTenants is failed for all subscriptions.
func failedTenants() string {
	return ui.Query("/tenants", nil, "filter", failedProvisioning, "columns", failedColumns)
}

const (
	failedProvisioning = `provisioningState eq "failed"`
	failedColumns      = "name,status,provisioning,region,hostname,updated"
)

func (v provisionerView) crumbs() []ui.NavItem {
	return []ui.NavItem{{Label: "Subscriptions", Href: "/subscriptions"}, {Label: nameOf(v.Subscription), Href: subscriptionPath(v.Subscription.ID)}}
}

func (c *Console) provisionerView(q *frame.Request) (v provisionerView, err error) {
	v.Subscription, err = c.Tenancy.OwnSubscription(q.Context(), q.Actor, estate.SubscriptionID(q.PathValue("subscription")))
	if err != nil {
		return v, err
	}
	if id := estate.ProvisionerID(q.PathValue("provisioner")); id != "" {
		v.Provisioner, err = c.Provision.Get(q.Context(), q.Actor, v.Subscription.ID, id)
		v.Name, v.URL = v.Provisioner.Name, v.Provisioner.URL
	} else {
		err = q.Actor.LacksFor(v.Subscription.ID, "")
	}
	return v, err
}

var provisionerFields = map[string]string{"/name": "name", "/url": "url"}

func (c *Console) askProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	return q.Render("New provisioner", newProvisionerPage(v))
}

func (c *Console) createProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	v.Name, v.URL = q.Value("name"), q.Value("url")
	made, secret, err := c.Provision.Create(q.Context(), q.Actor, v.Subscription.ID, api.CreateProvisionerRequest{Name: v.Name, URL: v.URL})
	if err != nil {
		if v.Problems, err = frame.Fields(err, provisionerFields); err != nil {
			return err
		}
		return q.Again("New provisioner", newProvisionerPage(v))
	}
	v.Provisioner = made
	q.Pass("secret", madeProvisioner{ID: made.ID, Secret: secret.Reveal()})
	return q.Redirect(v.path(""))
}

func (c *Console) provisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	var made madeProvisioner
	if q.Take("secret", &made) && made.ID == v.Provisioner.ID {
		v.Secret = made.Secret
	}
	return q.Render(v.Provisioner.Name, provisionerPage(v))
}

func (c *Console) updateProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	v.Name, v.URL = q.Value("name"), q.Value("url")
	if err := c.Provision.Update(q.Context(), q.Actor, v.Subscription.ID, v.Provisioner.ID, provision.Changes{Name: &v.Name, URL: &v.URL}); err != nil {
		if v.Problems, err = frame.Fields(err, provisionerFields); err != nil {
			return err
		}
		return q.Again(v.Provisioner.Name, provisionerPage(v))
	}
	q.Say("success", "Saved. Calls that wait go to the new address.")
	return q.Redirect(v.path(""))
}

func (c *Console) askRotateProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	return q.Render("New secret", rotateProvisionerPage(v))
}

func (c *Console) rotateProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	_, secret, err := c.Provision.RotateSecret(q.Context(), q.Actor, v.Subscription.ID, v.Provisioner.ID)
	if err != nil {
		return err
	}
	q.Pass("secret", madeProvisioner{ID: v.Provisioner.ID, Secret: secret.Reveal()})
	return q.Redirect(v.path(""))
}

func (c *Console) askDeleteProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	return q.Render("Delete "+v.Provisioner.Name, deleteProvisionerPage(v, "", ""))
}

func (c *Console) deleteProvisioner(q *frame.Request) error {
	v, err := c.provisionerView(q)
	if err != nil {
		return err
	}
	if typed := q.Value("confirm"); typed != v.Provisioner.Name {
		return q.Again("Delete "+v.Provisioner.Name, deleteProvisionerPage(v, typed, "This is not the provisioner's name."))
	}
	if err := c.Provision.Delete(q.Context(), q.Actor, v.Subscription.ID, v.Provisioner.ID); err != nil {
		return err
	}
	q.Say("success", "The provisioner "+v.Provisioner.Name+" is gone, and no tenant waits for it any more.")
	return q.Redirect(subscriptionPath(v.Subscription.ID))
}
