package org

import (
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// soon is how long before its end a secret is said to end soon.
const soon = 14 * 24 * time.Hour

var oauthColumns = []ui.Column{
	{Key: "name", Label: "Name", Sort: "clientName"},
	{Key: "id", Label: "Client id", Sort: "clientId"},
	{Key: "status", Label: "Status"},
	{Key: "secrets", Label: "Secrets"},
	{Key: "used", Label: "Last used"},
	{Key: "created", Label: "Created", Sort: "createdAt"},
	{Key: "updated", Label: "Last updated", Sort: "updatedAt"},
	{Key: "region", Label: "Region"},
	{Key: "description", Label: "Description"},
}

var oauthColumnsShown = []string{"name", "id", "status", "secrets", "used", "created", "updated"}

// clientList is the list of clients: the organization's, or those of a
// subscription.
type clientList struct {
	*listing
	Clients       []credential.ClientView
	Subscriptions []estate.Subscription // that the visitor owns, and that have clients
	Regions       []estate.Region
	Base          string
	Now           time.Time
}

func (c *Console) oauth(q *frame.Request) error {
	l := clientList{listing: newListing(q, oauthColumns, oauthColumnsShown, "clientName"), Base: oauthPath, Now: q.Now()}
	all, err := c.Tenancy.OwnSubscriptions(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	if l.Views, err = c.views(q, "clients"); err != nil {
		return err
	}
	for _, sub := range all {
		if q.Actor.Owns(sub.ID) && sub.MultiTenant() {
			l.Subscriptions = append(l.Subscriptions, sub)
		}
	}
	if l.Regions, err = c.regionsOf(q.Context(), l.Subscriptions...); err != nil {
		return err
	}
	realm := credential.Realm{Level: estate.LevelOrganization, Scope: estate.Scope{Organization: q.Actor.Scope.Organization}}
	var terms []string
	if sub := estate.SubscriptionID(q.Value("subscription")); sub != "" {
		realm, l.Base = clientsRealm(q.Actor, sub), subscriptionPath(sub)+"/clients"
		if region := q.Value("region"); region != "" {
			terms = append(terms, "regionCode eq "+quote(region))
		}
	}
	if text := q.Value("q"); text != "" {
		terms = append(terms, "(clientName co "+quote(text)+" or clientId eq "+quote(text)+")")
	}
	page, err := c.Credential.ListClients(q.Context(), q.Actor, realm, credential.ClientQuery{
		Filter: strings.Join(terms, " and "), Sort: l.Sort, Next: q.Value("next"), Limit: pageSize, Total: true, Status: q.Value("status"),
	})
	if err != nil {
		return err
	}
	l.Clients, l.Next, l.Total = page.Clients, page.Next, page.Total
	return q.Render("OAuth", oauthPage(l))
}

func overlapOptions() []ui.Option {
	options := make([]ui.Option, len(overlaps))
	for i, o := range overlaps {
		options[i] = ui.Option{Value: strconv.Itoa(int(o.For.Seconds())), Label: o.Label}
	}
	return options
}

func scopeOptions(all []string) []ui.Option {
	options := make([]ui.Option, len(all))
	for i, name := range all {
		options[i] = ui.Option{Value: name, Label: name}
	}
	return options
}
