package org

import (
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Nav is the navigation of the console.
func (c *Console) Nav(*frame.Request) []ui.NavGroup {
	return []ui.NavGroup{
		{Items: []ui.NavItem{
			{Label: "Overview", Href: "/", Key: "o"},
		}},
	}
}

// Place names the organization.
func (c *Console) Place(q *frame.Request) string { return string(q.Actor.Scope.Organization) }

// Person names who is signed in.
func (c *Console) Person(q *frame.Request) string { return q.Actor.ID }

// Refused says who can give what is missing.
func (c *Console) Refused(*frame.Request, *estate.Error) string {
	return "Who owns a subscription (its service account owner) can do this. Ask whoever runs this installation to make you one: freehold operator subscription update --owner."
}
