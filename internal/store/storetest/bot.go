package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// switchBots calls StopBots or StartBots.
func switchBots(t *testing.T, db Database, method func(*store.Tx, context.Context, estate.Scope, estate.ClientID, time.Time) (int, error),
	scope estate.Scope, client estate.ClientID, at time.Time,
) (n int) {
	t.Helper()
	write(t, db, func(tx *store.Tx) (err error) {
		n, err = method(tx, t.Context(), scope, client, at)
		return err
	})
	return n
}

// botIn is the bot of a client in a tenant.
func botIn(of estate.Tenant, client estate.ClientID, n int) estate.User {
	u := user(of, n)
	u.ClientID, u.Subject = client, estate.BotSubject(client)
	return u
}

func testSwitchBots(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two, three := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2), tenant(s.second, america, 3)
	insertTenants(t, db, three, two, one)
	c, another := client(estate.LevelOrganization, all(s.acme), 1), client(estate.LevelOrganization, all(s.acme), 2)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertClient(t.Context(), c), tx.InsertClient(t.Context(), another))
	})
	bots := []estate.User{botIn(one, c.ID, 1), botIn(two, c.ID, 2), botIn(three, c.ID, 3)}
	bots[1].Status = estate.UserDisabled // for another reason
	foreign, human := botIn(one, another.ID, 4), person(one, 5)
	insertUsers(t, db, append(bots, foreign, human)...)
	check := func(what string, statuses ...estate.UserStatus) {
		t.Helper()
		for i, status := range statuses {
			if bots[i].Status != status {
				t.Errorf("%s: the bot in tenant %d is to be %s", what, i+1, status)
			}
			wantUser(t, db, bots[i])
		}
		wantUser(t, db, foreign)
		wantUser(t, db, human)
	}
	run := func(method func(*store.Tx, context.Context, estate.Scope, estate.ClientID, time.Time) (int, error), scope estate.Scope, at int, changes ...store.Change) {
		t.Helper()
		var n int
		heard := changesBy(t, db, func() { n = switchBots(t, db, method, scope, c.ID, moment(at)) })
		equal(t, "bots", n, len(changes))
		equal(t, "changes", heard, changes)
	}
	stop, start := (*store.Tx).StopBots, (*store.Tx).StartBots

	run(start, all(s.acme), 49)
	run(stop, all(s.acme), 50, botChange(one, c.ID), botChange(three, c.ID))
	for _, i := range []int{0, 2} {
		bots[i].Status, bots[i].UpdatedAt = estate.UserDisabled, moment(50)
	}
	check("stopped", estate.UserDisabled, estate.UserDisabled, estate.UserDisabled)
	before := dump(t, db)
	run(stop, all(s.acme), 51) // again
	equal(t, "database", dump(t, db), before)

	run(start, of(s.second), 52, botChange(three, c.ID))
	bots[2].Status, bots[2].UpdatedAt = estate.UserActive, moment(52)
	check("started in one subscription", estate.UserDisabled, estate.UserDisabled, estate.UserActive)
	run(start, all(s.acme), 53, botChange(one, c.ID))
	bots[0].Status, bots[0].UpdatedAt = estate.UserActive, moment(53)
	check("started", estate.UserActive, estate.UserDisabled, estate.UserActive)
	run(start, all(s.acme), 54)

	equal(t, "bots of nobody", switchBots(t, db, stop, all(s.acme), clientID(9), moment(55)), 0)
	equal(t, "bots without a client", switchBots(t, db, stop, all(s.acme), "", moment(55)), 0)
	check("untouched", estate.UserActive, estate.UserDisabled, estate.UserActive)
}

// testStartTrustedBots: a published client that is enabled again does not act
// where a tenant has stopped trusting it.
func testStartTrustedBots(t *testing.T, db Database) {
	s := newSample(t, db)
	home, trusting, wary, silent := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2), tenant(s.second, europe, 3), tenant(s.sub, europe, 4)
	insertTenants(t, db, home, trusting, wary, silent)
	c := client(estate.LevelTenant, home.Scope(), 1)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertClient(t.Context(), c),
			tx.SetClientConnection(t.Context(), trusting.Scope(), c.ID, estate.ConsentTrusted, moment(1)),
			tx.SetClientConnection(t.Context(), wary.Scope(), c.ID, estate.ConsentRequired, moment(1)))
	})
	for i, tenant := range []estate.Tenant{home, trusting, wary, silent} {
		insertUsers(t, db, botIn(tenant, c.ID, i+1))
	}
	equal(t, "bots stopped", switchBots(t, db, (*store.Tx).StopBots, all(s.acme), c.ID, moment(2)), 4)
	equal(t, "bots started", switchBots(t, db, (*store.Tx).StartBots, all(s.acme), c.ID, moment(3)), 2)
	equal(t, "tenants with an active bot", column(t, db, "select tenant_id from users where status = 'active' order by tenant_id"),
		[]string{string(home.ID), string(trusting.ID)})
	write(t, db, func(tx *store.Tx) error {
		return tx.SetClientConnection(t.Context(), wary.Scope(), c.ID, estate.ConsentTrusted, moment(4))
	})
	equal(t, "bots started where it is trusted now", switchBots(t, db, (*store.Tx).StartBots, wary.Scope(), c.ID, moment(4)), 1)
}

func testGiveBot(t *testing.T, db Database) {
	s := newSample(t, db)
	home, next := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, home, next)
	var clients []estate.Client
	for n := range 5 {
		clients = append(clients, client(estate.LevelOrganization, all(s.acme), n))
	}
	clients[4].Scope = all(s.other)
	former, heir, busy, gone, foreign := clients[0], clients[1], clients[2], clients[3], clients[4]
	write(t, db, func(tx *store.Tx) error {
		for _, c := range clients {
			if err := tx.InsertClient(t.Context(), c); err != nil {
				return err
			}
		}
		return tx.DeleteClient(t.Context(), all(s.acme), gone.ID, moment(1))
	})
	bot, elsewhere, other, human := botIn(home, former.ID, 1), botIn(next, former.ID, 1), botIn(home, busy.ID, 2), person(home, 3)
	insertUsers(t, db, bot, elsewhere, other, human)
	switchBots(t, db, (*store.Tx).StopBots, home.Scope(), former.ID, moment(2))
	give := func(id estate.UserID, to estate.ClientID) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.GiveBot(t.Context(), home.Scope(), id, to, moment(50)) }
	}
	heard := changesBy(t, db, func() { write(t, db, give(bot.ID, heir.ID)) })
	equal(t, "changes", heard, []store.Change{botChange(home, former.ID), botChange(home, heir.ID)})
	bot.ClientID, bot.Subject, bot.Status, bot.UpdatedAt = heir.ID, estate.BotSubject(heir.ID), estate.UserActive, moment(50)
	for _, u := range []estate.User{bot, elsewhere, other, human} {
		wantUser(t, db, u)
	}
	// What happened to the former client is no matter of the bot any more.
	equal(t, "bots started", switchBots(t, db, (*store.Tx).StartBots, home.Scope(), heir.ID, moment(51)), 0)

	wantError(t, refused(t, db, give(bot.ID, busy.ID)), estate.Conflict, api.CodeEstateConflict)
	for _, id := range []estate.UserID{"", userID(9), human.ID} {
		wantError(t, refused(t, db, give(id, former.ID)), estate.NotFound, api.CodeUserNotFound)
	}
	for _, to := range []estate.ClientID{"", clientID(9), gone.ID, foreign.ID} {
		wantError(t, refused(t, db, give(bot.ID, to)), estate.NotFound, api.CodeClientNotFound)
	}
}

func testOrphans(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two := tenant(s.sub, europe, 1), tenant(s.second, europe, 2)
	insertTenants(t, db, one, two)
	gone, disabled, fine := client(estate.LevelOrganization, all(s.acme), 1), client(estate.LevelOrganization, all(s.acme), 2), client(estate.LevelOrganization, all(s.acme), 3)
	gone.DisabledAt, fine.DisabledAt = time.Time{}, time.Time{}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertClient(t.Context(), gone), tx.InsertClient(t.Context(), disabled), tx.InsertClient(t.Context(), fine),
			tx.DeleteClient(t.Context(), all(s.acme), gone.ID, moment(70)))
	})
	gone.UpdatedAt, gone.DeletedAt = moment(70), moment(70)
	gone.Secrets, disabled.Secrets = nil, nil // orphans don't show them
	orphans := []store.Orphan{
		{Bot: botIn(one, disabled.ID, 1), Tenant: one, Client: disabled},
		{Bot: botIn(one, gone.ID, 4), Tenant: one, Client: gone},
		{Bot: botIn(two, gone.ID, 2), Tenant: two, Client: gone},
	}
	insertUsers(t, db, orphans[2].Bot, orphans[1].Bot, orphans[0].Bot, botIn(one, fine.ID, 3), person(one, 5))
	owned, others := space(one, 1), space(one, 2)
	owned.Owner = orphans[1].Bot.ID
	orphans[1].Spaces = []estate.Space{owned}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSpace(t.Context(), owned), tx.InsertSpace(t.Context(), others))
	})
	get := func(scope estate.Scope, id estate.UserID) []store.Orphan {
		return read(t, db, func(tx *store.Tx) ([]store.Orphan, error) {
			return tx.Orphans(t.Context(), scope, store.OrphanQuery{ID: id})
		})
	}
	equal(t, "orphans", get(all(s.acme), ""), orphans)
	equal(t, "orphans of a subscription", get(of(s.second), ""), orphans[2:])
	equal(t, "orphans of a tenant", get(one.Scope(), ""), orphans[:2])
	equal(t, "one orphan", get(all(s.acme), userID(2)), orphans[2:])
	some := func(q store.OrphanQuery) []store.Orphan {
		return read(t, db, func(tx *store.Tx) ([]store.Orphan, error) { return tx.Orphans(t.Context(), all(s.acme), q) })
	}
	equal(t, "two orphans", some(store.OrphanQuery{Limit: 2}), orphans[:2])
	ofGone := func(c estate.Client) bool { return c.ID == gone.ID }
	equal(t, "the first that is shown", some(store.OrphanQuery{Shown: ofGone, Limit: 1}), orphans[1:2]) // not the first of all
	for _, id := range []estate.UserID{userID(3), userID(5), userID(9)} {
		equal(t, "no orphan", len(get(all(s.acme), id)), 0)
	}
	equal(t, "orphans of the other", len(get(all(s.other), "")), 0)
}
