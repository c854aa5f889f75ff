package org

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Nav is the navigation of the console.
func (c *Console) Nav(*frame.Request) []ui.NavGroup {
	return []ui.NavGroup{
		{Items: []ui.NavItem{
			{Label: "Overview", Href: "/", Key: "o"},
			{Label: "Tenants", Href: "/tenants", Key: "t"},
			{Label: "Subscriptions", Href: "/subscriptions", Key: "s"},
			{Label: "OAuth", Href: oauthPath, Key: "c"},
		}},
		{Title: "What happened", Items: []ui.NavItem{
			{Label: "Audit", Href: "/audit", Key: "a"},
			{Label: "Webhooks", Href: "/webhooks", Key: "w"},
		}},
		{Title: "Who", Items: []ui.NavItem{
			{Label: "People", Href: "/people", Key: "p"},
			{Label: "Single sign-on", Href: "/identity-providers", Key: "i"},
		}},
	}
}

// Place names what the console is of.
func (c *Console) Place(*frame.Request) string { return "Organization console" }

// Person names who is signed in.
func (c *Console) Person(q *frame.Request) string {
	account, err := c.SignIn.Account(q.Context(), q.Actor)
	if err != nil {
		return q.Actor.ID
	}
	return account.Email
}

// Refused says who can give what is missing.
func (c *Console) Refused(q *frame.Request, e *estate.Error) string {
	switch e.Code {
	case api.CodeNoOwner:
		help := "You are signed in"
		if account, err := c.SignIn.Account(q.Context(), q.Actor); err == nil {
			help += " as " + account.Email
		}
		return help + ", and the account owns no subscription yet. Whoever runs this installation makes it an owner: freehold operator subscription update NUMBER --owner E-MAIL."
	case api.CodeOtherOwner:
		return "The page of the subscription says who its owners are."
	}
	return ""
}

var errNoPage = estate.E(estate.NotFound, api.CodeNotFound, "No such page", "There is nothing at this address.")

// NameOf is what people call an account; empty: who acted is none.
func (c *Console) NameOf(q *frame.Request, a estate.Actor) string {
	if a.Kind != estate.ActorAccount {
		return ""
	}
	all, err := c.SignIn.Accounts(q.Context(), q.Actor)
	if err != nil {
		return ""
	}
	for _, one := range all {
		if string(one.ID) == a.ID {
			return one.Email
		}
	}
	return ""
}
