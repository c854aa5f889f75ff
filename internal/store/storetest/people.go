package storetest

import (
	"cmp"
	"context"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// accountSession is a session of an account.
func accountSession(of estate.Account, n int) estate.Session {
	return estate.Session{
		ID: estate.SessionID(fmt.Sprintf("session-%d of %s", n, of.ID)), Organization: of.Organization, Account: of.ID,
		Method: estate.SignInPasskey, Agent: "agent", Address: "192.0.2.1", CreatedAt: moment(n), LastUsedAt: moment(n), ExpiresAt: moment(n + 100),
	}
}

func testAccountSession(t *testing.T, db Database) {
	s := newSample(t, db)
	open, newer := accountSession(s.owner, 1), accountSession(s.owner, 2)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSession(t.Context(), complete(t, open, "Tenant", "User", "Provider")), tx.InsertSession(t.Context(), newer))
	})
	home, elsewhere := all(s.acme), estate.Scope{Organization: s.others.Organization}
	get := func(scope estate.Scope) func(tx *store.Tx) (estate.Session, error) {
		return func(tx *store.Tx) (estate.Session, error) { return tx.Session(t.Context(), scope, open.ID) }
	}
	byToken := func(tx *store.Tx) (estate.Session, error) { return tx.AccountSession(t.Context(), open.ID) }
	equal(t, "session", read(t, db, get(home)), open)
	equal(t, "session by its token", read(t, db, byToken), open)
	equal(t, "sessions", read(t, db, func(tx *store.Tx) ([]estate.Session, error) { return tx.Sessions(t.Context(), home, string(s.owner.ID)) }), []estate.Session{newer, open})
	wantError(t, readError(t, db, get(elsewhere)), estate.NotFound, api.CodeEstateNotFound)
	foreign := accountSession(s.owner, 3)
	foreign.Organization = s.others.Organization
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertSession(t.Context(), foreign) }))
	heard := heardOf(t, db, func() {
		write(t, db, func(tx *store.Tx) error { return tx.DeleteSession(t.Context(), home, open.ID, moment(60)) })
	})
	equal(t, "changes", heard, []store.Change{{Kind: store.ChangeSession, Key: fmt.Sprintf("%s//%s", s.acme.ID, open.ID)}})
	wantError(t, readError(t, db, byToken), estate.NotFound, api.CodeEstateNotFound)

	house := tenant(s.sub, europe, 1) // a user's session is none of an account
	insertTenants(t, db, house)
	theirs := session(house, providerID(1), 1)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertIdentityProvider(t.Context(), identityProvider(house, 1)), tx.InsertSession(t.Context(), theirs))
	})
	wantError(t, readError(t, db, func(tx *store.Tx) (estate.Session, error) { return tx.AccountSession(t.Context(), theirs.ID) }), estate.NotFound, api.CodeEstateNotFound)
}

// ofPeople is what a scope covers of what people have: that of the users of its
// tenant or, if it is a whole organization, that of its accounts.
func ofPeople(scope estate.Scope, r row) bool {
	return covers(scope, r) && scope.Tenant == r.owner.Tenant
}

// orNil is how a dump shows an id that may be missing.
func orNil(id estate.TenantID) string { return cmp.Or(string(id), "<nil>") }

// sessionRows are a session of each tenant and of each account.
func sessionRows(w world) []row {
	rows := rowsOf(w.tenants, func(t estate.Tenant) row {
		id := string(session(t, "", 1).ID)
		return row{owner: t.Scope(), key: id, id: id}
	})
	return append(rows, rowsOf(w.accounts, func(a estate.Account) row {
		id := string(accountSession(a, 1).ID)
		return row{owner: estate.Scope{Organization: a.Organization}, key: id, id: id}
	})...)
}

// insertPeople gives each account of w a session.
func insertPeople(ctx context.Context, tx *store.Tx, w world) error {
	for _, a := range w.accounts {
		if err := tx.InsertSession(ctx, accountSession(a, 1)); err != nil {
			return err
		}
	}
	return nil
}

// peopleReads are the cases of methods around people that read.
var peopleReads = map[string]readCase{
	"Sessions": {
		rows: func(w world) []row {
			rows := rowsOf(w.tenants, func(t estate.Tenant) row {
				return row{owner: t.Scope(), key: string(userID(1)), id: string(session(t, "", 1).ID)}
			})
			return append(rows, rowsOf(w.accounts, func(a estate.Account) row {
				return row{owner: estate.Scope{Organization: a.Organization}, key: string(a.ID), id: string(accountSession(a, 1).ID)}
			})...)
		},
		covers: ofPeople,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			all, err := tx.Sessions(ctx, scope, key)
			return ids(all, err, func(s estate.Session) string { return string(s.ID) })
		},
	},
}
