package org

import (
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

func personPath(id estate.AccountID) string { return "/people/" + string(id) }

// person is an account with what it owns.
type person struct {
	Account estate.Account
	Owns    []estate.Subscription
	Clients []madeClient // that the account made, as far as the visitor may see
	You     bool
}

// madeClient is a client, and where its page is.
type madeClient struct {
	Client estate.Client
	Href   string
	Level  string // in words
}

func (c *Console) people(q *frame.Request) error {
	people, err := c.persons(q)
	if err != nil {
		return err
	}
	return q.Render("People", peoplePage(people))
}

// persons are the accounts of the organization, with the subscriptions they own.
func (c *Console) persons(q *frame.Request) ([]person, error) {
	subs, err := c.Tenancy.OwnSubscriptions(q.Context(), q.Actor)
	if err != nil {
		return nil, err
	}
	accounts, err := c.SignIn.Accounts(q.Context(), q.Actor)
	if err != nil {
		return nil, err
	}
	people := make([]person, len(accounts))
	for i, a := range accounts {
		people[i] = person{Account: a, You: string(a.ID) == q.Actor.ID}
		for _, sub := range subs {
			if slices.Contains(sub.Owners, a.ID) {
				people[i].Owns = append(people[i].Owns, sub)
			}
		}
	}
	return people, nil
}

var errNoPerson = estate.E(estate.NotFound, api.CodeEstateNotFound, "No such person", "The organization has no account of this id.")

func (c *Console) person(q *frame.Request) error {
	people, err := c.persons(q)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(people, func(p person) bool { return string(p.Account.ID) == q.PathValue("account") })
	if i < 0 {
		return errNoPerson
	}
	p := people[i]
	for _, place := range c.clientPlaces(q, p.Owns) {
		page, err := c.Credential.ListClients(q.Context(), q.Actor, place.Realm, credential.ClientQuery{Sort: "-createdAt", Limit: 100})
		if err != nil {
			return err
		}
		for _, v := range page.Clients {
			if v.CreatedBy == string(p.Account.ID) {
				p.Clients = append(p.Clients, madeClient{Client: v.Client, Href: place.client(v.ID, ""), Level: place.Title})
			}
		}
	}
	return q.Render(p.Account.Email, personPage(p))
}

// clientPlaces are where the clients are that the visitor may see: the
// organization's, and those of the subscriptions that the visitor owns.
func (c *Console) clientPlaces(q *frame.Request, subs []estate.Subscription) []clientPlace {
	places := []clientPlace{{
		Realm: credential.Realm{Level: estate.LevelOrganization, Scope: estate.Scope{Organization: q.Actor.Scope.Organization}}, Base: oauthPath, Title: "organization",
	}}
	for _, sub := range subs {
		if q.Actor.Owns(sub.ID) && sub.MultiTenant() && len(places) < careAt {
			places = append(places, clientPlace{Realm: clientsRealm(q.Actor, sub.ID), Base: subscriptionPath(sub.ID) + "/clients", Title: nameOf(sub)})
		}
	}
	return places
}
