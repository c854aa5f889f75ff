package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func testUser(t *testing.T, db Database) {
	s := newSample(t, db)
	home, elsewhere := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, elsewhere)
	bot, person := user(home, 1), user(home, 2)
	person.ClientID, person.Roles = "", nil
	person2 := user(home, 3)
	person2.ClientID, person2.Roles = "", []estate.RoleName{}
	foreign := user(elsewhere, 1) // ids and bots are a tenant's own
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertUser(t.Context(), complete(t, bot)), tx.InsertUser(t.Context(), person),
			tx.InsertUser(t.Context(), person2), tx.InsertUser(t.Context(), foreign))
	})

	get := func(tenant estate.Tenant, id estate.UserID) func(tx *store.Tx) (estate.User, error) {
		return func(tx *store.Tx) (estate.User, error) { return tx.User(t.Context(), tenant.Scope(), id) }
	}
	for _, want := range []estate.User{bot, person, person2} {
		equal(t, "user", read(t, db, get(home, want.ID)), want)
	}
	equal(t, "user elsewhere", read(t, db, get(elsewhere, foreign.ID)), foreign)
	for _, id := range []estate.UserID{"", userID(4)} {
		wantError(t, readError(t, db, get(home, id)), estate.NotFound, api.CodeUserNotFound)
	}
	wantError(t, readError(t, db, get(elsewhere, person.ID)), estate.NotFound, api.CodeUserNotFound)

	botOf := func(tenant estate.Tenant, client estate.ClientID) func(tx *store.Tx) (estate.User, error) {
		return func(tx *store.Tx) (estate.User, error) {
			return tx.BotUser(t.Context(), estate.Scope{Organization: tenant.Organization, Tenant: tenant.ID}, client)
		}
	}
	equal(t, "bot", read(t, db, botOf(home, bot.ClientID)), bot)
	equal(t, "bot elsewhere", read(t, db, botOf(elsewhere, bot.ClientID)), foreign)
	for _, client := range []estate.ClientID{"", clientID(2)} {
		wantError(t, readError(t, db, botOf(home, client)), estate.NotFound, api.CodeUserNotFound)
	}

	for what, change := range map[string]func(*estate.User){
		"subject":                func(u *estate.User) { u.Subject = person.Subject },
		"second bot of a client": func(u *estate.User) { u.ClientID = bot.ClientID },
	} {
		t.Run(what, func(t *testing.T) {
			u := user(home, 5)
			change(&u)
			err := refused(t, db, func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) })
			code := api.CodeEstateConflict
			if what == "subject" {
				code = api.CodeUserExists
			}
			wantError(t, err, estate.Conflict, code)
		})
	}
	for what, change := range map[string]func(*estate.User){
		"id":           func(u *estate.User) { u.ID = bot.ID },
		"organization": func(u *estate.User) { u.Organization = s.other.ID },
		"tenant":       func(u *estate.User) { u.Tenant = tenantID(3) },
	} {
		t.Run(what, func(t *testing.T) {
			u := user(home, 5)
			change(&u)
			wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) }))
		})
	}
}

func testClient(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	region := estate.Scope{Organization: s.acme.ID, Subscription: s.sub.ID, Region: "eu"}
	organization := client(estate.LevelOrganization, all(s.acme), 1)
	complete(t, organization, "DeletedAt", "TrustedBy")
	regional, tenantly := client(estate.LevelRegion, region, 3), client(estate.LevelTenant, home.Scope(), 2)
	tenantly.CreatedAt = regional.CreatedAt
	tenantly.Secrets[0].CreatedAt = tenantly.Secrets[1].CreatedAt // then the hint decides
	// What is empty stays empty, and columns that hold the same text stay apart.
	bare := estate.Client{ID: clientID(9), Level: estate.LevelOrganization, Scope: all(s.acme), CreatedAt: moment(9)}
	same := estate.Client{
		ID: clientID(8), Level: estate.LevelOrganization, Scope: all(s.other),
		Permissions: estate.Permissions{"x"}, GrantTypes: []string{"x"}, AuthMethods: []string{"x"},
	}
	empty := estate.Client{
		ID: clientID(7), Level: estate.LevelOrganization, Scope: all(s.other), CreatedAt: moment(1),
		Permissions: estate.Permissions{}, GrantTypes: []string{}, AuthMethods: []string{},
	}
	write(t, db, func(tx *store.Tx) error {
		for _, c := range []estate.Client{bare, regional, tenantly, organization, same, empty} {
			if err := tx.InsertClient(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Reverse(tenantly.Secrets)

	get := func(id estate.ClientID) func(tx *store.Tx) (estate.Client, error) {
		return func(tx *store.Tx) (estate.Client, error) { return tx.Client(t.Context(), all(s.acme), id) }
	}
	toAuthenticate := func(id estate.ClientID) func(tx *store.Tx) (estate.Client, error) {
		return func(tx *store.Tx) (estate.Client, error) { return tx.ClientToAuthenticate(t.Context(), id) }
	}
	for _, want := range []estate.Client{organization, regional, tenantly, bare} {
		equal(t, "client", read(t, db, get(want.ID)), want)
		if !want.PublishedAt.IsZero() {
			want.TrustedBy = map[estate.TenantID]estate.Trust{} // by nobody yet
		}
		equal(t, "client to authenticate", read(t, db, toAuthenticate(want.ID)), want)
	}
	for _, want := range []estate.Client{same, empty} {
		equal(t, "client to authenticate", read(t, db, toAuthenticate(want.ID)), want)
		wantError(t, readError(t, db, get(want.ID)), estate.NotFound, api.CodeClientNotFound)
	}
	for _, id := range []estate.ClientID{"", clientID(6), "000000000000000000000000000000A1"} {
		wantError(t, readError(t, db, get(id)), estate.NotFound, api.CodeClientNotFound)
		wantError(t, readError(t, db, toAuthenticate(id)), estate.NotFound, api.CodeClientNotFound)
	}

	list := func(scope estate.Scope, level estate.Level) (ids []estate.ClientID) {
		clients := read(t, db, func(tx *store.Tx) ([]estate.Client, error) { return tx.Clients(t.Context(), scope, level) })
		for _, c := range clients {
			ids = append(ids, c.ID)
		}
		return ids
	}
	equal(t, "clients", list(all(s.acme), ""), []estate.ClientID{organization.ID, tenantly.ID, regional.ID, bare.ID})
	equal(t, "clients of organization level", list(all(s.acme), estate.LevelOrganization), []estate.ClientID{organization.ID, bare.ID})
	equal(t, "clients of the region", list(region, ""), []estate.ClientID{tenantly.ID, regional.ID})
	equal(t, "clients of region level", list(region, estate.LevelRegion), []estate.ClientID{regional.ID})
	equal(t, "clients of the tenant", list(home.Scope(), ""), []estate.ClientID{tenantly.ID})
	equal(t, "no clients", list(of(s.second), ""), nil)
	others := read(t, db, func(tx *store.Tx) ([]estate.Client, error) { return tx.Clients(t.Context(), all(s.other), "") })
	equal(t, "clients of the other", others, []estate.Client{same, empty})

	for what, change := range impossibleClients(home) {
		t.Run(what, func(t *testing.T) {
			c := client(estate.LevelOrganization, all(s.acme), 4)
			change(&c)
			wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) }))
		})
	}
}

// impossibleClients are what the schema keeps out, whatever the services let
// pass.
func impossibleClients(home estate.Tenant) map[string]func(*estate.Client) {
	impossible := map[string]func(*estate.Client){
		"id":           func(c *estate.Client) { c.ID = clientID(1) },
		"organization": func(c *estate.Client) { c.Scope.Organization = "nobody" },
		"level":        func(c *estate.Client) { c.Level = "galaxy" },
		"secret twice": func(c *estate.Client) { c.Secrets[1].Hint = c.Secrets[0].Hint },
	}
	// The scope has all that belongs to the level, and nothing else.
	whole := home.Scope()
	for _, level := range []estate.Level{estate.LevelOrganization, estate.LevelRegion, estate.LevelTenant} {
		for i := range 8 {
			has := [3]bool{i&1 != 0, i&2 != 0, i&4 != 0}
			if has == map[estate.Level][3]bool{
				estate.LevelOrganization: {}, estate.LevelRegion: {true, true, false}, estate.LevelTenant: {true, true, true},
			}[level] {
				continue
			}
			impossible[fmt.Sprintf("%s %03b", level, i)] = func(c *estate.Client) {
				c.Level = level
				if has[0] {
					c.Scope.Subscription = whole.Subscription
				}
				if has[1] {
					c.Scope.Region = whole.Region
				}
				if has[2] {
					c.Scope.Tenant = whole.Tenant
				}
			}
		}
	}
	return impossible
}

func testClientUsage(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, one, two)
	region := estate.Scope{Organization: s.acme.ID, Subscription: s.sub.ID, Region: "eu"}
	c := client(estate.LevelRegion, region, 1)
	write(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) })
	add := func(scope estate.Scope, firstUsed, lastUsed int, tokens int64) {
		u := store.ClientUsage{Client: c.ID, Tenant: scope.Tenant, FirstUsedAt: moment(firstUsed), LastUsedAt: moment(lastUsed), Tokens: tokens}
		write(t, db, func(tx *store.Tx) error { return tx.AddClientUsage(t.Context(), scope, u) })
	}
	usages := func(id estate.ClientID) []store.ClientUsage {
		return read(t, db, func(tx *store.Tx) ([]store.ClientUsage, error) { return tx.ClientUsages(t.Context(), all(s.acme), id) })
	}
	equal(t, "unused", usages(c.ID), nil)
	add(two.Scope(), 10, 20, 3)
	add(region, 30, 40, 1)
	add(one.Scope(), 50, 60, 1<<40)
	// Uses come in any order.
	add(two.Scope(), 20, 30, 4)
	add(two.Scope(), 5, 15, 5)
	want := []store.ClientUsage{
		complete(t, store.ClientUsage{Client: c.ID, FirstUsedAt: moment(30), LastUsedAt: moment(40), Tokens: 1}, "Tenant"),
		{Client: c.ID, Tenant: one.ID, FirstUsedAt: moment(50), LastUsedAt: moment(60), Tokens: 1 << 40},
		{Client: c.ID, Tenant: two.ID, FirstUsedAt: moment(5), LastUsedAt: moment(30), Tokens: 12},
	}
	equal(t, "usage", usages(c.ID), want)
	equal(t, "usage of nobody", usages(clientID(2)), nil)

	before := dump(t, db)
	write(t, db, func(tx *store.Tx) error { // not an error: the client may be gone
		return tx.AddClientUsage(t.Context(), region, store.ClientUsage{Client: clientID(2), Tokens: 1})
	})
	write(t, db, func(tx *store.Tx) error {
		return tx.AddClientUsage(t.Context(), one.Scope(), store.ClientUsage{Client: c.ID, Tenant: two.ID, Tokens: 1})
	})
	equal(t, "database", dump(t, db), before)
}
