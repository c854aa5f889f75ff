package org

import (
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

func (c *Console) subscriptions(q *frame.Request) error {
	all, err := c.Tenancy.OwnSubscriptions(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	people, err := c.SignIn.Accounts(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	owners := map[estate.SubscriptionID][]estate.Account{}
	for _, sub := range all {
		for _, a := range people {
			if slices.Contains(sub.Owners, a.ID) {
				owners[sub.ID] = append(owners[sub.ID], a)
			}
		}
	}
	return q.Render("Subscriptions", subscriptionsPage(q.Actor, q.Now(), all, owners))
}

// chooseSubscription asks which subscription a new tenant is for, unless there is
// only one.
func (c *Console) chooseSubscription(q *frame.Request) error {
	all, err := c.Tenancy.OwnSubscriptions(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(sub estate.Subscription) bool { return !q.Actor.Owns(sub.ID) || !sub.ValidAt(q.Now()) })
	if len(all) == 1 {
		return q.Redirect(subscriptionPath(all[0].ID) + "/new-tenant")
	}
	return q.Render("New tenant", chooseSubscriptionPage(all))
}

// subscriptionView is the page of one subscription.
type subscriptionView struct {
	Subscription estate.Subscription
	Valid        bool
	Owns         bool // the visitor
	Owners       []estate.Account
	Regions      []estate.Region
	Clients      []credential.ClientView
	Next         string // cursor of further clients
	Seats        []estate.Seats
	Provisioners []estate.Provisioner
	Region       string // whose clients are shown; empty: all
}

func (v subscriptionView) path(rest string) string { return subscriptionPath(v.Subscription.ID) + rest }

// clientsRealm are the region-level clients of a subscription.
func clientsRealm(actor estate.Actor, id estate.SubscriptionID) credential.Realm {
	return credential.Realm{Level: estate.LevelRegion, Scope: estate.Scope{Organization: actor.Scope.Organization, Subscription: id}}
}

func (c *Console) subscriptionView(q *frame.Request) (v subscriptionView, err error) {
	ctx := q.Context()
	v.Subscription, err = c.Tenancy.OwnSubscription(ctx, q.Actor, estate.SubscriptionID(q.PathValue("subscription")))
	if err != nil {
		return v, err
	}
	v.Valid, v.Owns = v.Subscription.ValidAt(q.Now()), q.Actor.Owns(v.Subscription.ID)
	if v.Owners, err = c.ownersOf(q, v.Subscription); err != nil {
		return v, err
	}
	v.Regions, err = c.regionsOf(ctx, v.Subscription)
	return v, err
}

// ownersOf are the owners of a subscription.
func (c *Console) ownersOf(q *frame.Request, sub estate.Subscription) (owners []estate.Account, err error) {
	people, err := c.SignIn.Accounts(q.Context(), q.Actor)
	if err != nil {
		return nil, err
	}
	for _, a := range people {
		if slices.Contains(sub.Owners, a.ID) {
			owners = append(owners, a)
		}
	}
	return owners, nil
}

func emails(all []estate.Account) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = a.Email
	}
	return names(words)
}

func (c *Console) subscription(q *frame.Request) error {
	v, err := c.subscriptionView(q)
	if err != nil {
		return err
	}
	v.Region = q.Value("region")
	if v.Owns && v.Subscription.MultiTenant() {
		query := credential.ClientQuery{Sort: "-createdAt", Next: q.Value("next"), Limit: pageSize}
		if v.Region != "" {
			query.Filter = "regionCode eq " + quote(v.Region)
		}
		page, err := c.Credential.ListClients(q.Context(), q.Actor, clientsRealm(q.Actor, v.Subscription.ID), query)
		if err != nil {
			return err
		}
		v.Clients, v.Next = page.Clients, page.Next
	}
	if v.Owns {
		if v.Provisioners, err = c.Provision.List(q.Context(), q.Actor, v.Subscription.ID); err != nil {
			return err
		}
	}
	if v.Seats, err = c.Directory.SubscriptionSeats(q.Context(), q.Actor, v.Subscription.ID); err != nil {
		return err
	}
	return q.Render(nameOf(v.Subscription), subscriptionPage(v))
}

// newTenant is the form for a tenant, with what was typed.
type newTenant struct {
	subscriptionView
	Name, Alias, Email, Person, Labels string
	Problems                           frame.FieldErrors
}

func (c *Console) newTenant(q *frame.Request) (n newTenant, err error) {
	if n.subscriptionView, err = c.subscriptionView(q); err != nil {
		return n, err
	}
	if err := q.Actor.LacksFor(n.Subscription.ID, ""); err != nil {
		return n, err
	}
	n.Region, n.Name, n.Alias, n.Labels = q.Value("region"), q.Value("name"), q.Value("alias"), q.Value("labels")
	n.Email, n.Person = q.Value("email"), q.Value("person")
	return n, nil
}

func (c *Console) askTenant(q *frame.Request) error {
	n, err := c.newTenant(q)
	if err != nil {
		return err
	}
	return q.Render("New tenant", newTenantPage(n))
}

var newTenantFields = map[string]string{
	"/name": "name", "/hostnames/0": "alias", "/hostnames": "alias", "/admin/email": "email", "/admin/name": "person", "/labels": "labels", "/datacenter": "region",
}

func (c *Console) createTenant(q *frame.Request) error {
	n, err := c.newTenant(q)
	if err != nil {
		return err
	}
	again := func() error { return q.Again("New tenant", newTenantPage(n)) }
	labels, problem := parseLabels(n.Labels)
	n.Problems = frame.FieldErrors{}
	if problem != "" {
		n.Problems["labels"] = problem
	}
	if n.Region == "" {
		n.Problems["region"] = "Choose the region; a tenant can't move later."
	}
	if n.Email == "" && n.Person != "" {
		n.Problems["email"] = "An administrator needs an e-mail address."
	}
	if len(n.Problems) > 0 {
		return again()
	}
	actor, err := q.Actor.In(n.Subscription.ID, estate.RegionCode(n.Region))
	if err != nil {
		return err
	}
	made := tenancy.NewTenant{Name: n.Name, Labels: labels}
	if n.Alias != "" {
		made.Hostnames = []string{n.Alias}
	}
	if n.Email != "" {
		made.Admin = &tenancy.Administrator{Email: n.Email, Name: n.Person}
	}
	t, err := c.Tenancy.CreateTenant(q.Context(), actor, made)
	if err != nil {
		if n.Problems, err = frame.FieldsBelow(err, newTenantFields, "/labels/", "labels"); err != nil {
			return err
		}
		return again()
	}
	if t.Admin != nil && t.Admin.Link != "" {
		q.Pass("administrator", madeAdministrator{
			Tenant: t.ID, Email: n.Email, Link: c.origin(q, t.Tenant) + signin.LinkPath + t.Admin.Link.Reveal(), Ends: t.Admin.Ends,
		})
	}
	q.Say("success", "The tenant "+t.Name+" is there.")
	return q.Redirect(tenantPath(t.ID))
}

// clientForm is the form for a client, with what was typed.
type clientForm struct {
	Place             clientPlace
	Name, Description string
	Region            string
	Regions           []estate.Region
	Scopes            []string // chosen
	Offered           []string // that the visitor can give
	Problems          frame.FieldErrors
}

// clientPlace is where clients are managed: of a subscription, or the
// organization's.
type clientPlace struct {
	Realm credential.Realm
	Path  string // of the page with the list
	Base  string // of the pages of clients
	Title string // of that page
}

func (p clientPlace) client(id estate.ClientID, rest string) string {
	return p.Base + "/" + string(id) + rest
}

func (c *Console) clientPlace(q *frame.Request) (clientPlace, error) {
	id := estate.SubscriptionID(q.PathValue("subscription"))
	if id == "" {
		scope := estate.Scope{Organization: q.Actor.Scope.Organization}
		return clientPlace{Realm: credential.Realm{Level: estate.LevelOrganization, Scope: scope}, Path: oauthPath, Base: oauthPath, Title: "OAuth"}, nil
	}
	sub, err := c.Tenancy.OwnSubscription(q.Context(), q.Actor, id)
	if err == nil && !sub.MultiTenant() {
		err = errOneTenant
	}
	return clientPlace{Realm: clientsRealm(q.Actor, id), Path: subscriptionPath(id), Base: subscriptionPath(id) + "/clients", Title: nameOf(sub)}, err
}

var errOneTenant = estate.E(estate.Forbidden, api.CodeOneTenant, "This subscription is for one tenant",
	"Region clients are for subscriptions that are entitled to more than one tenant. Automate its tenant with a client of its own: an administrator of the tenant makes it at the tenant's address, under Administration, OAuth.")

// names joins words for people.
func names(all []string) string { return strings.Join(all, ", ") }
