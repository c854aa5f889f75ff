package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// wantClient checks that c is stored as it is.
func wantClient(t *testing.T, db Database, c estate.Client) {
	t.Helper()
	equal(t, "client", read(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.Client(t.Context(), c.Scope, c.ID) }), c)
}

func insertClients(t *testing.T, db Database, clients ...estate.Client) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, c := range clients {
			if err := tx.InsertClient(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
}

func deleteClient(t *testing.T, db Database, c estate.Client, at time.Time) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error { return tx.DeleteClient(t.Context(), c.Scope, c.ID, at) })
}

// publishable is a client of a tenant with one secret, whose order needs no
// thought.
func publishable(of estate.Tenant, n int) estate.Client {
	c := client(estate.LevelTenant, of.Scope(), n)
	c.Secrets = c.Secrets[:1]
	return c
}

func testUpdateClient(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	c, another, gone := publishable(home, 1), publishable(home, 2), publishable(home, 3)
	insertClients(t, db, c, another, gone)
	deleteClient(t, db, gone, moment(1))
	update := func(c estate.Client) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.UpdateClient(t.Context(), home.Scope(), c) }
	}

	changed := c
	changed.Name, changed.Description, changed.URI, changed.LogoURI = "ÜMLAUT", "another purpose", "https://a.example", "https://b.example"
	changed.RedirectURIs, changed.AllowedOrigins = []string{"https://c.example"}, []string{"https://d.example", "https://e.example"}
	changed.Permissions, changed.GrantTypes, changed.AuthMethods = estate.Permissions{"x"}, []string{"y"}, []string{"z"}
	changed.Consent, changed.TokenBinding, changed.JWKSURI = estate.ConsentRequired, estate.BindingMTLS, "https://f.example"
	changed.PublicKeys, changed.Federated = changed.PublicKeys[:1], []estate.FederatedCredential{{Name: "other"}}
	changed.UpdatedAt, changed.DisabledAt, changed.PublishedAt = moment(51), moment(52), moment(53)
	asked := changed
	// Neither what it is, nor whose, nor its secrets can be changed.
	asked.Level, asked.Scope, asked.AppType, asked.Secrets = estate.LevelOrganization, all(s.other), "spa", nil
	asked.CreatedBy, asked.CreatedByType, asked.CreatedAt, asked.DeletedAt = "x", "y", moment(54), moment(55)
	heard := changesBy(t, db, func() { write(t, db, update(asked)) })
	wantClient(t, db, changed)
	wantClient(t, db, another)
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})

	expr, err := filter.Parse(`clientName eq "ümlaut"`, store.ClientSchema(estate.LevelTenant))
	if err != nil {
		t.Fatal(err)
	}
	byName := read(t, db, func(tx *store.Tx) (int64, error) {
		return tx.CountClients(t.Context(), home.Scope(), store.ClientQuery{Level: estate.LevelTenant, Filter: expr})
	})
	equal(t, "clients that are found by the new name", byName, 1)

	bare := estate.Client{
		ID: c.ID, Level: c.Level, Scope: c.Scope, AppType: c.AppType, Secrets: c.Secrets,
		CreatedBy: c.CreatedBy, CreatedByType: c.CreatedByType, CreatedAt: c.CreatedAt,
	}
	write(t, db, update(bare))
	wantClient(t, db, bare)

	for _, id := range []estate.ClientID{"", clientID(9), gone.ID} {
		asked.ID = id
		wantError(t, refused(t, db, update(asked)), estate.NotFound, api.CodeClientNotFound)
	}
}

func testDeleteClient(t *testing.T, db Database) {
	s := newSample(t, db)
	home, next := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, home, next)
	c, another := publishable(home, 1), publishable(home, 2)
	bot := botIn(home, c.ID, 1)
	insertClients(t, db, c, another)
	insertUsers(t, db, bot)
	write(t, db, func(tx *store.Tx) error {
		grant := func(c estate.Client, at estate.Tenant) error {
			return tx.AddGrantUse(t.Context(), at.Scope(), estate.Grant{ID: estate.GrantID(string(c.ID) + string(at.ID)), Client: c.ID, User: "u", LastUsedAt: moment(1)})
		}
		return first(grant(c, home), grant(c, next), grant(another, home),
			tx.AddClientUsage(t.Context(), home.Scope(), store.ClientUsage{Client: c.ID, Tenant: home.ID, Tokens: 1}),
			tx.SetClientConnection(t.Context(), next.Scope(), c.ID, estate.ConsentTrusted, moment(1)))
	})
	remove := func(id estate.ClientID) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.DeleteClient(t.Context(), home.Scope(), id, moment(50)) }
	}
	heard := changesBy(t, db, func() { write(t, db, remove(c.ID)) })
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	err := readError(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.Client(t.Context(), home.Scope(), c.ID) })
	wantError(t, err, estate.NotFound, api.CodeClientNotFound)
	err = readError(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.ClientToAuthenticate(t.Context(), c.ID) })
	wantError(t, err, estate.NotFound, api.CodeClientNotFound)
	left := read(t, db, func(tx *store.Tx) ([]estate.Client, error) { return tx.Clients(t.Context(), home.Scope(), "") })
	equal(t, "clients", left, []estate.Client{another})
	equal(t, "clients with secrets", column(t, db, "select client_id from client_secrets"), []string{string(another.ID)})
	equal(t, "clients with grants", column(t, db, "select client_id from oauth_grants"), []string{string(another.ID)})
	wantUser(t, db, bot)
	orphan := read(t, db, func(tx *store.Tx) ([]store.Orphan, error) {
		return tx.Orphans(t.Context(), home.Scope(), store.OrphanQuery{ID: bot.ID})
	})
	c.DeletedAt, c.UpdatedAt, c.Secrets = moment(50), moment(50), nil
	equal(t, "what is left of the client", orphan, []store.Orphan{{Bot: bot, Tenant: home, Client: c}})

	for _, id := range []estate.ClientID{"", c.ID, clientID(9)} {
		wantError(t, refused(t, db, remove(id)), estate.NotFound, api.CodeClientNotFound)
	}
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) })) // an id is used once
}

// testPublishedClient: a client is published to the other tenants of its
// organization in its region.
func testPublishedClient(t *testing.T, db Database) {
	s := newSample(t, db)
	home, next, second := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2), tenant(s.second, europe, 3)
	abroad, foreign := tenant(s.sub, america, 4), tenant(s.others, europe, 5)
	insertTenants(t, db, home, next, second, abroad, foreign)
	c, kept := publishable(home, 1), publishable(home, 2)
	kept.PublishedAt = time.Time{}
	europeOfSub := home.Scope()
	europeOfSub.Tenant = ""
	regional := client(estate.LevelRegion, europeOfSub, 3)
	insertClients(t, db, c, kept, regional)
	get := func(scope estate.Scope, id estate.ClientID) func(tx *store.Tx) (estate.Client, error) {
		return func(tx *store.Tx) (estate.Client, error) { return tx.PublishedClient(t.Context(), scope, id) }
	}
	want := c
	want.Secrets = nil
	wide := next.Scope()
	wide.Subscription = ""
	for _, scope := range []estate.Scope{next.Scope(), second.Scope(), wide} {
		equal(t, "published client", read(t, db, get(scope, c.ID)), want)
	}
	noRegion := next.Scope()
	noRegion.Region = ""
	nowhere, elsewhere, anotherRegion := next.Scope(), next.Scope(), next.Scope()
	nowhere.Tenant, elsewhere.Subscription, anotherRegion.Region = tenantID(9), s.second.ID, america.Code
	for what, scope := range map[string]estate.Scope{
		"its owner": home.Scope(), "a tenant in another region": abroad.Scope(), "another organization": foreign.Scope(), "no region": noRegion,
		"no tenant": europeOfSub, "a tenant that is not there": nowhere, "another subscription's": elsewhere, "another region": anotherRegion,
	} {
		t.Run(what, func(t *testing.T) {
			wantError(t, readError(t, db, get(scope, c.ID)), estate.NotFound, api.CodeClientNotFound)
		})
	}
	for _, id := range []estate.ClientID{"", kept.ID, regional.ID, clientID(9)} {
		wantError(t, readError(t, db, get(next.Scope(), id)), estate.NotFound, api.CodeClientNotFound)
	}

	// Who has decided about it sees that it is gone.
	write(t, db, func(tx *store.Tx) error {
		return tx.SetClientConnection(t.Context(), next.Scope(), c.ID, estate.ConsentTrusted, moment(1))
	})
	deleteClient(t, db, c, moment(50))
	want.DeletedAt, want.UpdatedAt = moment(50), moment(50)
	equal(t, "deleted client", read(t, db, get(next.Scope(), c.ID)), want)
	wantError(t, readError(t, db, get(second.Scope(), c.ID)), estate.NotFound, api.CodeClientNotFound)
}

func testClientConnection(t *testing.T, db Database) {
	s := newSample(t, db)
	home, next, second := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2), tenant(s.second, europe, 3)
	insertTenants(t, db, home, next, second)
	c, another, kept := publishable(home, 1), publishable(home, 2), publishable(home, 3)
	kept.PublishedAt = time.Time{}
	insertClients(t, db, c, another, kept)
	set := func(at estate.Tenant, id estate.ClientID, consent estate.Consent, n int) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.SetClientConnection(t.Context(), at.Scope(), id, consent, moment(n))
		}
	}
	get := func(at estate.Tenant, id estate.ClientID) store.Connection {
		return read(t, db, func(tx *store.Tx) (store.Connection, error) { return tx.ClientConnection(t.Context(), at.Scope(), id) })
	}
	trusts := func(id estate.ClientID) map[estate.TenantID]estate.Trust {
		return read(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.ClientToAuthenticate(t.Context(), id) }).TrustedBy
	}
	trusted := func(id estate.ClientID) map[estate.TenantID]bool {
		by := map[estate.TenantID]bool{}
		for tenant := range trusts(id) {
			by[tenant] = true
		}
		return by
	}
	equal(t, "no connection", get(next, c.ID), store.Connection{})
	heard := changesBy(t, db, func() { write(t, db, set(next, c.ID, estate.ConsentTrusted, 1)) })
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	equal(t, "connection", get(next, c.ID), complete(t, store.Connection{Consent: estate.ConsentTrusted, CreatedAt: moment(1), UpdatedAt: moment(1)}))
	write(t, db, set(second, c.ID, estate.ConsentTrusted, 2))
	write(t, db, set(next, another.ID, estate.ConsentRequired, 3))
	equal(t, "tenants that trust", trusted(c.ID), map[estate.TenantID]bool{next.ID: true, second.ID: true})
	equal(t, "tenants that trust the other", trusted(another.ID), map[estate.TenantID]bool{})

	heard = changesBy(t, db, func() { write(t, db, set(next, c.ID, estate.ConsentRequired, 4)) })
	equal(t, "changes by another decision", heard, []store.Change{clientChange(c.ID)})
	required := store.Connection{Consent: estate.ConsentRequired, CreatedAt: moment(1), UpdatedAt: moment(4)}
	equal(t, "another decision", get(next, c.ID), required)
	equal(t, "tenants that still trust", trusted(c.ID), map[estate.TenantID]bool{second.ID: true})

	list := func(at estate.Tenant, ids ...estate.ClientID) map[estate.ClientID]store.Connection {
		return read(t, db, func(tx *store.Tx) (map[estate.ClientID]store.Connection, error) {
			return tx.ClientConnections(t.Context(), at.Scope(), ids)
		})
	}
	anothers := store.Connection{Consent: estate.ConsentRequired, CreatedAt: moment(3), UpdatedAt: moment(3)}
	equal(t, "connections", list(next, c.ID, kept.ID, another.ID, c.ID), map[estate.ClientID]store.Connection{c.ID: required, another.ID: anothers})
	equal(t, "connections to one", list(next, another.ID), map[estate.ClientID]store.Connection{another.ID: anothers})
	equal(t, "connections to none", list(next), map[estate.ClientID]store.Connection{})
	equal(t, "connections of the owner", list(home, c.ID, another.ID), map[estate.ClientID]store.Connection{})

	for _, fn := range []func(tx *store.Tx) error{
		set(home, c.ID, estate.ConsentTrusted, 5), set(next, kept.ID, estate.ConsentTrusted, 5), set(next, clientID(9), estate.ConsentTrusted, 5),
	} {
		wantError(t, refused(t, db, fn), estate.NotFound, api.CodeClientNotFound)
	}

	remove := func(at estate.Tenant, id estate.ClientID) (done bool, heard []store.Change) {
		heard = changesBy(t, db, func() {
			write(t, db, func(tx *store.Tx) (err error) {
				done, err = tx.DeleteClientConnection(t.Context(), at.Scope(), id, moment(6))
				return err
			})
		})
		return done, heard
	}
	// A tenant trusts what the client held then, until it decides anew.
	held := estate.Trust{Permissions: c.Permissions, GrantTypes: c.GrantTypes}
	wider := c
	wider.Permissions, wider.GrantTypes = estate.ParsePermissions(c.Permissions.String()+" admin_classic"), append(slices.Clone(c.GrantTypes), "more")
	write(t, db, func(tx *store.Tx) error { return tx.UpdateClient(t.Context(), home.Scope(), wider) })
	equal(t, "what is trusted of a client that was widened", trusts(c.ID), map[estate.TenantID]estate.Trust{second.ID: held})
	write(t, db, set(second, c.ID, estate.ConsentTrusted, 5))
	equal(t, "what is trusted anew", trusts(c.ID), map[estate.TenantID]estate.Trust{second.ID: {Permissions: wider.Permissions, GrantTypes: wider.GrantTypes}})

	// Nobody trusts the client of a tenant that is stopped.
	become := func(status estate.TenantStatus) {
		t.Helper()
		heard := changesBy(t, db, func() {
			write(t, db, func(tx *store.Tx) error {
				now, err := tx.Tenant(t.Context(), home.Scope(), home.ID)
				if err != nil {
					return err
				}
				now.Status = status
				return tx.UpdateTenant(t.Context(), home.Scope(), now)
			})
		})
		for _, id := range []estate.ClientID{c.ID, another.ID, kept.ID} {
			equal(t, "published client heard of", slices.Contains(heard, clientChange(id)), id != kept.ID)
		}
	}
	become(estate.TenantDisabled)
	equal(t, "tenants that trust a stopped one's", trusted(c.ID), map[estate.TenantID]bool{})
	become(estate.TenantActive)
	equal(t, "tenants that trust a reactivated one's", trusted(c.ID), map[estate.TenantID]bool{second.ID: true})

	done, heard := remove(second, c.ID)
	equal(t, "deleted", done, true)
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	equal(t, "tenants that trust any more", trusted(c.ID), map[estate.TenantID]bool{})
	equal(t, "the other's connection", get(next, c.ID), required)
	before := dump(t, db)
	done, _ = remove(second, c.ID)
	equal(t, "deleted again", done, false)
	equal(t, "database", dump(t, db), before)
}
