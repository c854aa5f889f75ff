package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// changesBy returns what fn adds to the feed that other processes follow.
func changesBy(t *testing.T, db Database, fn func()) (added []store.Change) {
	t.Helper()
	const kinds, keys = "select kind from changes order by seq", "select key from changes order by seq"
	before := len(column(t, db, kinds))
	fn()
	all := column(t, db, keys)
	for i, kind := range column(t, db, kinds) {
		if i >= before {
			added = append(added, store.Change{Kind: store.ChangeKind(kind), Key: all[i]})
		}
	}
	return added
}

func botChange(of estate.Tenant, client estate.ClientID) store.Change {
	return store.Change{Kind: store.ChangeBot, Key: fmt.Sprintf("%s/%s/%s", of.Organization, of.ID, client)}
}

func userChange(u estate.User) store.Change {
	return store.Change{Kind: store.ChangeUser, Key: fmt.Sprintf("%s/%s/%s", u.Organization, u.Tenant, u.ID)}
}

func clientChange(id estate.ClientID) store.Change {
	return store.Change{Kind: store.ChangeClient, Key: string(id)}
}

// neighbours inserts two tenants of acme in Europe, and the users.
func neighbours(t *testing.T, db Database, s sample, users ...func(home, next estate.Tenant) estate.User) (home, next estate.Tenant, all []estate.User) {
	t.Helper()
	home, next = tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, home, next)
	for _, u := range users {
		all = append(all, u(home, next))
	}
	insertUsers(t, db, all...)
	return home, next, all
}

func insertUsers(t *testing.T, db Database, users ...estate.User) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, u := range users {
			if err := tx.InsertUser(t.Context(), u); err != nil {
				return err
			}
		}
		return nil
	})
}

// person is a user that is no bot.
func person(of estate.Tenant, n int) estate.User {
	u := user(of, n)
	u.ClientID = ""
	return u
}

// wantUser checks that u is stored as it is.
func wantUser(t *testing.T, db Database, u estate.User) {
	t.Helper()
	scope := estate.Scope{Organization: u.Organization, Tenant: u.Tenant}
	equal(t, "user", read(t, db, func(tx *store.Tx) (estate.User, error) { return tx.User(t.Context(), scope, u.ID) }), u)
}

func testUserBySubject(t *testing.T, db Database) {
	home, next, users := neighbours(t, db, newSample(t, db),
		func(home, _ estate.Tenant) estate.User { return user(home, 1) },
		func(home, _ estate.Tenant) estate.User { return person(home, 2) },
		func(_, next estate.Tenant) estate.User { // a subject is a tenant's own
			u := person(next, 3)
			u.Subject = person(next, 2).Subject
			return u
		})
	get := func(tenant estate.Tenant, subject string) func(tx *store.Tx) (estate.User, error) {
		return func(tx *store.Tx) (estate.User, error) {
			return tx.UserBySubject(t.Context(), estate.Scope{Organization: tenant.Organization, Tenant: tenant.ID}, subject)
		}
	}
	equal(t, "bot", read(t, db, get(home, users[0].Subject)), users[0])
	equal(t, "person", read(t, db, get(home, users[1].Subject)), users[1])
	equal(t, "person next door", read(t, db, get(next, users[1].Subject)), users[2])
	wantError(t, readError(t, db, get(next, users[0].Subject)), estate.NotFound, api.CodeUserNotFound)
	for _, subject := range []string{"", "nobody", users[1].Subject + " ", strings.ToUpper(users[1].Subject), string(users[1].ID), "%"} {
		wantError(t, readError(t, db, get(home, subject)), estate.NotFound, api.CodeUserNotFound)
	}
}

func testUpdateUser(t *testing.T, db Database) {
	s := newSample(t, db)
	home, _, users := neighbours(t, db, s,
		func(home, _ estate.Tenant) estate.User { return user(home, 1) },
		func(home, _ estate.Tenant) estate.User { return person(home, 2) },
		func(_, next estate.Tenant) estate.User { return user(next, 1) })
	bot, human, sameID := users[0], users[1], users[2]
	update := func(u estate.User) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), home.Scope(), u) }
	}
	changed := bot
	changed.Name, changed.Email, changed.Status = "renamed", "new@example.com", estate.UserDisabled
	changed.Roles, changed.UpdatedAt = []estate.RoleName{"x"}, moment(50)
	asked := changed
	// Neither who it is nor whose it is can be changed.
	asked.Organization, asked.Tenant, asked.Subject, asked.ClientID, asked.CreatedAt = s.other.ID, sameID.Tenant, "another", "", moment(60)
	heard := changesBy(t, db, func() { write(t, db, update(asked)) })
	wantUser(t, db, changed)
	equal(t, "changes of a bot", heard, []store.Change{botChange(home, bot.ClientID), userChange(bot)})

	human.Roles, human.UpdatedAt = nil, moment(51)
	heard = changesBy(t, db, func() { write(t, db, update(human)) })
	wantUser(t, db, human)
	equal(t, "changes of a person", heard, []store.Change{userChange(human)})
	wantUser(t, db, sameID)

	for _, id := range []estate.UserID{"", userID(3)} {
		unknown := bot
		unknown.ID = id
		wantError(t, refused(t, db, update(unknown)), estate.NotFound, api.CodeUserNotFound)
	}
}

// testUpdateStoppedBot: who decides about a bot itself decides for good, who
// changes its name doesn't.
func testUpdateStoppedBot(t *testing.T, db Database) {
	s := newSample(t, db)
	c := client(estate.LevelOrganization, all(s.acme), 1)
	write(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) })
	home, _, users := neighbours(t, db, s, func(home, _ estate.Tenant) estate.User { return user(home, 1) })
	bot := users[0]
	update := func(status estate.UserStatus, name string) {
		bot.Status, bot.Name = status, name
		write(t, db, func(tx *store.Tx) error { return tx.UpdateUser(t.Context(), home.Scope(), bot) })
	}
	stop := func() int { return switchBots(t, db, (*store.Tx).StopBots, all(s.acme), c.ID, moment(1)) }
	start := func() int { return switchBots(t, db, (*store.Tx).StartBots, all(s.acme), c.ID, moment(2)) }
	equal(t, "bots stopped", stop(), 1)
	update(estate.UserDisabled, "renamed")
	equal(t, "bots started after a change of the name", start(), 1)
	equal(t, "bots stopped again", stop(), 1)
	update(estate.UserActive, "renamed")
	update(estate.UserDisabled, "renamed")
	equal(t, "bots started that were disabled for themselves", start(), 0)
}

func testDeleteUser(t *testing.T, db Database) {
	home, _, users := neighbours(t, db, newSample(t, db),
		func(home, _ estate.Tenant) estate.User { return user(home, 1) },
		func(home, _ estate.Tenant) estate.User { return person(home, 2) },
		func(home, _ estate.Tenant) estate.User { return person(home, 3) },
		func(_, next estate.Tenant) estate.User { return user(next, 1) })
	remove := func(id estate.UserID) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), home.Scope(), id, moment(9)) }
	}
	heard := changesBy(t, db, func() { write(t, db, remove(users[0].ID)) })
	equal(t, "changes of a bot", heard, []store.Change{botChange(home, users[0].ClientID), userChange(users[0])})
	heard = changesBy(t, db, func() { write(t, db, remove(users[1].ID)) })
	equal(t, "changes of a person", heard, []store.Change{userChange(users[1])})
	equal(t, "users left", column(t, db, "select tenant_id || id from users order by tenant_id"),
		[]string{string(home.ID) + string(users[2].ID), string(users[3].Tenant) + string(users[3].ID)})
	for _, id := range []estate.UserID{"", users[0].ID, userID(4)} {
		wantError(t, refused(t, db, remove(id)), estate.NotFound, api.CodeUserNotFound)
	}
	insertUsers(t, db, users[0]) // its place is free
}
