package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// organizationProvider is an identity provider by which accounts sign in.
func organizationProvider(of estate.Organization, n int) estate.IdentityProvider {
	p := identityProvider(estate.Tenant{Organization: of.ID}, n)
	p.Options.Issuer = ""
	return p
}

// identity is by which subject an account is known to its organization's provider.
func identity(of estate.Account) estate.AccountIdentity {
	return estate.AccountIdentity{Organization: of.Organization, Provider: providerID(1), Subject: "subject of " + string(of.ID), Account: of.ID, CreatedAt: moment(1), LastUsedAt: moment(2)}
}

func testOrganizationProvider(t *testing.T, db Database) {
	s := newSample(t, db)
	ours, theirs := organizationProvider(s.acme, 1), organizationProvider(estate.Organization{ID: s.others.Organization}, 1)
	signIns := func() (found []store.OrganizationSignIn) {
		return read(t, db, func(tx *store.Tx) ([]store.OrganizationSignIn, error) { return tx.OrganizationSignIns(t.Context()) })
	}
	heard := heardOf(t, db, func() {
		write(t, db, func(tx *store.Tx) error {
			return first(tx.InsertIdentityProvider(t.Context(), complete(t, ours, "Tenant")), tx.InsertIdentityProvider(t.Context(), theirs))
		})
	})
	equal(t, "changes", len(heard), 2) // who is sent where is remembered
	if found := signIns(); len(found) != 2 {
		t.Errorf("sign-in of organizations: %+v", found)
	}
	home := all(s.acme)
	equal(t, "ours", read(t, db, func(tx *store.Tx) ([]estate.IdentityProvider, error) { return tx.IdentityProviders(t.Context(), home) }), []estate.IdentityProvider{ours})
	err := refused(t, db, func(tx *store.Tx) error {
		return tx.InsertIdentityProvider(t.Context(), organizationProvider(s.acme, 2))
	})
	wantError(t, err, estate.Invalid, api.CodeIDPInvalid)

	ours.Active, ours.Description, ours.UpdatedAt = false, "changed", moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateIdentityProvider(t.Context(), home, ours) })
	equal(t, "updated", read(t, db, func(tx *store.Tx) (estate.IdentityProvider, error) {
		return tx.IdentityProvider(t.Context(), home, ours.ID)
	}), ours)
	if found := signIns(); len(found) != 1 || found[0].Provider.Organization != s.others.Organization || found[0].Name == "" {
		t.Errorf("active ones: %+v", found)
	}

	open, local := accountSession(s.owner, 1), accountSession(s.owner, 2)
	open.Provider = ours.ID
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertSession(t.Context(), open), tx.InsertSession(t.Context(), local), tx.DeleteIdentityProvider(t.Context(), home, ours.ID, moment(10)))
	})
	equal(t, "sessions that it leaves", read(t, db, func(tx *store.Tx) ([]estate.Session, error) {
		return tx.Sessions(t.Context(), home, string(s.owner.ID))
	}), []estate.Session{local})
}

func testIdentity(t *testing.T, db Database) {
	s := newSample(t, db)
	known := complete(t, identity(s.owner))
	home, elsewhere := all(s.acme), estate.Scope{Organization: s.others.Organization}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertIdentityProvider(t.Context(), organizationProvider(s.acme, 1)), tx.InsertIdentity(t.Context(), known))
	})
	get := func(scope estate.Scope) func(tx *store.Tx) (estate.AccountIdentity, error) {
		return func(tx *store.Tx) (estate.AccountIdentity, error) {
			return tx.Identity(t.Context(), scope, known.Provider, known.Subject)
		}
	}
	list := func() []estate.AccountIdentity {
		return read(t, db, func(tx *store.Tx) ([]estate.AccountIdentity, error) {
			return tx.Identities(t.Context(), home, s.owner.ID)
		})
	}
	equal(t, "identity", read(t, db, get(home)), known)
	equal(t, "identities", list(), []estate.AccountIdentity{known})
	wantError(t, readError(t, db, get(elsewhere)), estate.NotFound, api.CodeEstateNotFound)
	other := account(s.acme, 7)
	write(t, db, func(tx *store.Tx) error { return tx.InsertAccount(t.Context(), other) })
	taken := known
	taken.Account = other.ID
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertIdentity(t.Context(), taken) }), estate.Conflict, api.CodeEstateConflict)
	second := known
	second.Subject = "another"
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertIdentity(t.Context(), second) }))
	foreign := known
	foreign.Organization, foreign.Subject = s.others.Organization, "foreign"
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertIdentity(t.Context(), foreign) }))

	write(t, db, func(tx *store.Tx) error {
		return tx.UseIdentity(t.Context(), home, known.Provider, known.Subject, moment(50))
	})
	known.LastUsedAt = moment(50)
	equal(t, "used", list(), []estate.AccountIdentity{known})
	remove := func() (removed bool) {
		write(t, db, func(tx *store.Tx) (err error) {
			removed, err = tx.DeleteIdentity(t.Context(), home, known.Provider, s.owner.ID)
			return err
		})
		return removed
	}
	equal(t, "removed, and once more", []bool{remove(), remove()}, []bool{true, false})
	equal(t, "left", len(list()), 0)
}

// testForm: of two that send a form one is first; what nothing came of may be sent
// again; and what nobody can send any more is forgotten.
func testForm(t *testing.T, db Database) {
	begin := func(at time.Time) (first bool) {
		write(t, db, func(tx *store.Tx) (err error) {
			first, err = tx.BeginForm(t.Context(), "nonce", at, moment(50))
			return err
		})
		return first
	}
	end := func(result []byte) {
		write(t, db, func(tx *store.Tx) error { return tx.EndForm(t.Context(), "nonce", result) })
	}
	get := func(tx *store.Tx) (store.Form, error) { return tx.Form(t.Context(), "nonce") }
	equal(t, "twice", []bool{begin(moment(1)), begin(moment(2))}, []bool{true, false})
	equal(t, "begun", read(t, db, get), store.Form{BegunAt: moment(1)})
	end(nil)
	wantError(t, readError(t, db, get), estate.NotFound, api.CodeEstateNotFound)
	equal(t, "after it was refused", begin(moment(3)), true)
	end([]byte("sealed"))
	equal(t, "ended", read(t, db, get), store.Form{BegunAt: moment(3), Result: []byte("sealed")})
	equal(t, "after it was accepted", begin(moment(4)), false)
	write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), moment(50)) })
	read(t, db, get)
	write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), moment(51)) })
	wantError(t, readError(t, db, get), estate.NotFound, api.CodeEstateNotFound)
}

func identityRows(key func(estate.AccountIdentity) string) func(w world) []row {
	return func(w world) []row {
		return rowsOf(w.accounts, func(a estate.Account) row {
			i := identity(a)
			return row{owner: estate.Scope{Organization: a.Organization}, key: key(i), id: string(a.ID)}
		})
	}
}

func subjectOf(i estate.AccountIdentity) string { return i.Subject }
func accountOf(i estate.AccountIdentity) string { return string(i.Account) }

// identityReads are the cases of methods around identities that read.
var identityReads = map[string]readCase{
	"Identity": {rows: identityRows(subjectOf), covers: ofPeople, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		i, err := tx.Identity(ctx, scope, providerID(1), key)
		return oneID(i, err, accountOf)
	}},
	"Identities": {rows: identityRows(accountOf), covers: ofPeople, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		all, err := tx.Identities(ctx, scope, estate.AccountID(key))
		return ids(all, err, accountOf)
	}},
}

func identityLine(_ world, r row, scope estate.Scope) []string {
	return []string{fmt.Sprintf("account_identities: organization_id=%q provider_id=%q subject=%q", scope.Organization, providerID(1), "subject of "+r.id)}
}

// identityWrites are those that write.
var identityWrites = map[string]writeCase{
	"UseIdentity": {
		rows: identityRows(subjectOf), covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UseIdentity(ctx, scope, providerID(1), key, moment(99))
		},
		again: by("update account_identities set last_used_at = 1"), touches: identityLine,
	},
	"DeleteIdentity": {
		rows: identityRows(accountOf), covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.DeleteIdentity(ctx, scope, providerID(1), estate.AccountID(key))
			return err
		},
		again: saved("account_identities"), touches: identityLine,
	},
}
