package org

import (
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/estate"
)

// person is an account with what it owns.
type person struct {
	Account estate.Account
	Owns    []estate.Subscription
}

func (c *Console) people(q *frame.Request) error {
	subs, err := c.Tenancy.OwnSubscriptions(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	accounts, err := c.SignIn.Accounts(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	owns := map[estate.AccountID][]estate.Subscription{}
	for _, sub := range subs {
		for _, id := range sub.Owners {
			owns[id] = append(owns[id], sub)
		}
	}
	people := make([]person, len(accounts))
	for i, a := range accounts {
		people[i] = person{Account: a, Owns: owns[a.ID]}
	}
	return q.Render("People", peoplePage(people))
}
