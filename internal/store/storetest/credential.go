package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// personCredential is a credential of a person. Its id tells whose it is.
func personCredential(of estate.Person, kind estate.CredentialKind, n int) estate.PersonCredential {
	return estate.PersonCredential{
		ID: estate.CredentialID(fmt.Sprintf("%s-%d of %s/%s", kind, n, of.Tenant, of.ID)), Person: of, Kind: kind, Name: "name",
		Data: []byte{byte(n)}, Counter: int64(n), CreatedAt: moment(n), LastUsedAt: moment(n + 1),
	}
}

// personLink is a link of a person. Its id tells whose it is.
func personLink(of estate.Person, n int) estate.OneTimeLink {
	return estate.OneTimeLink{
		ID: estate.LinkID(fmt.Sprintf("link-%d of %s/%s", n, of.Tenant, of.ID)), Person: of, Recovery: true, CreatedBy: "somebody",
		CreatedAt: moment(n), ExpiresAt: moment(n + 10),
	}
}

// twoPeople are an account and a user of a tenant, each with what the others of its
// kind must not see.
func twoPeople(t *testing.T, db Database) (account estate.Account, people []estate.Person, elsewhere estate.Scope) {
	t.Helper()
	s := newSample(t, db)
	home, other := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, other)
	u := user(home, 1)
	write(t, db, func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) })
	return s.owner, []estate.Person{
		{Organization: s.acme.ID, ID: string(s.owner.ID)}, {Organization: s.acme.ID, Tenant: home.ID, ID: string(u.ID)},
	}, other.Scope()
}

func testCredential(t *testing.T, db Database) {
	_, people, elsewhere := twoPeople(t, db)
	for _, p := range people {
		scope := p.Scope()
		key, password := complete(t, personCredential(p, estate.CredentialPasskey, 1)), personCredential(p, estate.CredentialPassword, 2)
		write(t, db, func(tx *store.Tx) error {
			return first(tx.InsertCredential(t.Context(), key), tx.InsertCredential(t.Context(), password))
		})
		wantDefect(t, refused(t, db, func(tx *store.Tx) error {
			return tx.InsertCredential(t.Context(), personCredential(p, estate.CredentialPassword, 3))
		}))
		list := func() []estate.PersonCredential {
			return read(t, db, func(tx *store.Tx) ([]estate.PersonCredential, error) { return tx.Credentials(t.Context(), scope, p.ID) })
		}
		get := func(in estate.Scope) func(tx *store.Tx) (estate.PersonCredential, error) {
			return func(tx *store.Tx) (estate.PersonCredential, error) { return tx.Credential(t.Context(), in, key.ID) }
		}
		byID := func(tx *store.Tx) (estate.PersonCredential, error) { return tx.AccountCredential(t.Context(), key.ID) }
		equal(t, "credentials", list(), []estate.PersonCredential{key, password})
		equal(t, "credential", read(t, db, get(scope)), key)
		wantError(t, readError(t, db, get(elsewhere)), estate.NotFound, api.CodeEstateNotFound)
		if p.IsAccount() {
			equal(t, "of any organization", read(t, db, byID), key)
		} else {
			wantError(t, readError(t, db, byID), estate.NotFound, api.CodeEstateNotFound)
		}

		use := func(counter int64) (used bool) {
			write(t, db, func(tx *store.Tx) (err error) {
				c := key
				c.Counter, c.Data = counter, []byte("used")
				used, err = tx.UseCredential(t.Context(), scope, c, moment(70))
				return err
			})
			return used
		}
		equal(t, "used, twice with a counter, and with a smaller one", []bool{use(5), use(5), use(4)}, []bool{true, false, false})
		key.Counter, key.Data, key.LastUsedAt = 5, []byte("used"), moment(70)
		equal(t, "used", read(t, db, get(scope)), key)
		remove := func() (removed bool) {
			write(t, db, func(tx *store.Tx) (err error) {
				removed, err = tx.DeleteCredential(t.Context(), scope, key.ID)
				return err
			})
			return removed
		}
		equal(t, "removed, and once more", []bool{remove(), remove()}, []bool{true, false})
		equal(t, "left", list(), []estate.PersonCredential{password})
	}
}

func testAccountByEmail(t *testing.T, db Database) {
	account, _, _ := twoPeople(t, db)
	get := func(email string) func(tx *store.Tx) (estate.Account, error) {
		return func(tx *store.Tx) (estate.Account, error) { return tx.AccountByEmail(t.Context(), email) }
	}
	equal(t, "account", read(t, db, get("PERSON"+account.Email[len("person"):])), account)
	wantError(t, readError(t, db, get("nobody@example.com")), estate.NotFound, api.CodeEstateNotFound)
}

func testLink(t *testing.T, db Database) {
	_, people, elsewhere := twoPeople(t, db)
	for _, p := range people {
		scope := p.Scope()
		old, l := personLink(p, 1), complete(t, personLink(p, 2))
		for _, one := range []estate.OneTimeLink{old, l} {
			write(t, db, func(tx *store.Tx) error { return tx.InsertLink(t.Context(), one) })
		}
		get := func(in estate.Scope, id estate.LinkID) func(tx *store.Tx) (estate.OneTimeLink, error) {
			return func(tx *store.Tx) (estate.OneTimeLink, error) {
				if p.IsAccount() && in == scope {
					return tx.AccountLink(t.Context(), id)
				}
				return tx.Link(t.Context(), in, id)
			}
		}
		equal(t, "link", read(t, db, get(scope, l.ID)), l)
		for _, err := range []error{readError(t, db, get(scope, old.ID)), readError(t, db, get(elsewhere, l.ID))} {
			wantError(t, err, estate.NotFound, api.CodeEstateNotFound)
		}
		use := func() (used bool) {
			write(t, db, func(tx *store.Tx) (err error) {
				used, err = tx.UseLink(t.Context(), scope, l.ID)
				return err
			})
			return used
		}
		equal(t, "used, and once more", []bool{use(), use()}, []bool{true, false})
		write(t, db, func(tx *store.Tx) error {
			return first(tx.InsertLink(t.Context(), l), tx.Trim(t.Context(), moment(13)))
		})
		wantError(t, readError(t, db, get(scope, l.ID)), estate.NotFound, api.CodeEstateNotFound)
	}
}

func testClaimSubject(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	invited, active := user(home, 1), user(home, 2)
	invited.Status, invited.ClientID, active.Status, active.ClientID = estate.UserInvited, "", estate.UserActive, ""
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertUser(t.Context(), invited), tx.InsertUser(t.Context(), active))
	})
	for u, want := range map[*estate.User]bool{&invited: true, &active: false} {
		before := *u
		u.Subject = "claimed by " + string(u.ID)
		var claimed bool
		write(t, db, func(tx *store.Tx) (err error) {
			claimed, err = tx.ClaimSubject(t.Context(), home.Scope(), *u)
			return err
		})
		equal(t, "claimed", claimed, want)
		if !want {
			*u = before
		}
		equal(t, "user", read(t, db, func(tx *store.Tx) (estate.User, error) { return tx.User(t.Context(), home.Scope(), u.ID) }).Subject, u.Subject)
	}
}

// peopleOf are a user of each tenant of w, and each account.
func peopleOf(w world) []estate.Person {
	var all []estate.Person
	for _, u := range w.users {
		if u.ClientID == "" {
			all = append(all, estate.Person{Organization: u.Organization, Tenant: u.Tenant, ID: string(u.ID)})
		}
	}
	for _, a := range w.accounts {
		all = append(all, estate.Person{Organization: a.Organization, ID: string(a.ID)})
	}
	return all
}

// rowsOfPeople are rows that people have, and what they are asked for by.
func rowsOfPeople(w world, key, id func(estate.Person) string) []row {
	owners := map[estate.TenantID]estate.Scope{}
	for _, t := range w.tenants {
		owners[t.ID] = t.Scope()
	}
	return rowsOf(peopleOf(w), func(p estate.Person) row {
		owner := estate.Scope{Organization: p.Organization}
		if !p.IsAccount() {
			owner = owners[p.Tenant]
		}
		return row{owner: owner, key: key(p), id: id(p)}
	})
}

func passkeyIDOf(p estate.Person) string {
	return string(personCredential(p, estate.CredentialPasskey, 1).ID)
}

func linkIDOf(p estate.Person) string { return string(personLink(p, 1).ID) }

func passkeyRows(w world) []row { return rowsOfPeople(w, passkeyIDOf, passkeyIDOf) }

func linkRows(w world) []row { return rowsOfPeople(w, linkIDOf, linkIDOf) }

// insertCredentials gives each person of w a passkey, a password and a link.
func insertCredentials(ctx context.Context, tx *store.Tx, w world) error {
	for _, p := range peopleOf(w) {
		if err := first(tx.InsertCredential(ctx, personCredential(p, estate.CredentialPasskey, 1)),
			tx.InsertCredential(ctx, personCredential(p, estate.CredentialPassword, 2)), tx.InsertLink(ctx, personLink(p, 1))); err != nil {
			return err
		}
	}
	return nil
}

// credentialOfPeopleReads are the cases of methods around what people sign in with
// that read.
var credentialOfPeopleReads = map[string]readCase{
	"Credentials": {
		rows: func(w world) []row {
			person := func(p estate.Person) string { return p.ID }
			return append(rowsOfPeople(w, person, passkeyIDOf), rowsOfPeople(w, person, func(p estate.Person) string {
				return string(personCredential(p, estate.CredentialPassword, 2).ID)
			})...)
		},
		covers: ofPeople,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			all, err := tx.Credentials(ctx, scope, key)
			return ids(all, err, func(c estate.PersonCredential) string { return string(c.ID) })
		},
	},
	"Credential": {rows: passkeyRows, covers: ofPeople, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		c, err := tx.Credential(ctx, scope, estate.CredentialID(key))
		return oneID(c, err, func(c estate.PersonCredential) string { return string(c.ID) })
	}},
	"Link": {
		rows: linkRows, covers: ofPeople,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			l, err := tx.Link(ctx, scope, estate.LinkID(key))
			return oneID(l, err, func(l estate.OneTimeLink) string { return string(l.ID) })
		},
	},
}

func coversPerson(_ world, scope estate.Scope, r row) bool { return ofPeople(scope, r) }

// credentialOfPeopleWrites are those that write.
var credentialOfPeopleWrites = map[string]writeCase{
	"UseCredential": {
		rows: passkeyRows, covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.UseCredential(ctx, scope, estate.PersonCredential{ID: estate.CredentialID(key), Data: []byte("new")}, moment(99))
			return err
		},
		again:   by("update credentials set last_used_at = 1"),
		touches: touchesOfPerson("credentials"),
	},
	"DeleteCredential": {
		rows: passkeyRows, covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.DeleteCredential(ctx, scope, estate.CredentialID(key))
			return err
		},
		again:   saved("credentials"),
		touches: touchesOfPerson("credentials"),
	},
	"UseLink": {
		rows: linkRows, covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.UseLink(ctx, scope, estate.LinkID(key))
			return err
		},
		again:   saved("sign_in_links"),
		touches: touchesOfPerson("sign_in_links"),
	},
	"ClaimSubject": {
		rows: func(w world) []row { return userRows(w, func(u estate.User) string { return string(u.ID) }) }, covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.ClaimSubject(ctx, scope, estate.User{ID: estate.UserID(key), Subject: "claimed " + key, UpdatedAt: moment(99)})
			return err
		},
		again: by("update users set status = 'invited', client_id = '', subject = id"),
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{tenantLine("users", scope, r), changeLine(store.ChangeUser, inTenantOf(scope, r.key))}
		},
	},
}

func touchesOfPerson(table string) func(world, row, estate.Scope) []string {
	return func(_ world, r row, scope estate.Scope) []string {
		return []string{fmt.Sprintf("%s: tenant_id=%q id=%q", table, orNil(scope.Tenant), r.key)}
	}
}
