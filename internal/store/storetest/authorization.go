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

// familyOf is what a client has of a user of a tenant.
func familyOf(owner estate.Scope, client estate.ClientID, person, id string) estate.TokenFamily {
	return estate.TokenFamily{
		ID: estate.FamilyID(id), Organization: owner.Organization, Tenant: owner.Tenant, Client: client, Person: person,
		Permissions: estate.Permissions{"user_default", "offline_access"}, Thumbprint: "key", AuthenticatedAt: moment(1), CreatedAt: moment(2), ExpiresAt: moment(90),
	}
}

func codeOf(f estate.TokenFamily, hash string) estate.AuthorizationCode {
	f.Thumbprint, f.CreatedAt, f.ExpiresAt = "", moment(2), time.Time{}
	return estate.AuthorizationCode{
		Hash: estate.CredentialHash(hash), Family: f, RedirectURI: "https://app.example.com/", Challenge: "challenge", CreatedAt: moment(2), ExpiresAt: moment(60),
	}
}

func device(tenant estate.TenantID, n int) estate.Device {
	return estate.Device{
		Hash: estate.CredentialHash(fmt.Sprintf("device %d", n)), Tenant: tenant, UserCode: fmt.Sprintf("CODE%d", n), Client: "freehold-cli",
		Permissions: estate.Permissions{"user_default"}, Status: estate.DevicePending, Organization: "o", GrantedTo: "c", Person: "p", AuthenticatedAt: moment(1),
		Interval: 5 * time.Second, PolledAt: moment(3), CreatedAt: moment(2), ExpiresAt: moment(50),
	}
}

func testCode(t *testing.T, db Database) {
	g := newGranted(t, db)
	code := codeOf(familyOf(g.home.Scope(), g.c.ID, "ada", "f1"), "h1")
	write(t, db, func(tx *store.Tx) error { return tx.InsertCode(t.Context(), code) })
	use := func(of estate.Tenant, at int) (found estate.AuthorizationCode, err error) {
		err = db.Store.Write(t.Context(), func(tx *store.Tx) error {
			found, err = tx.UseCode(t.Context(), of.Scope(), code.Hash, moment(at))
			return err
		})
		return found, err
	}
	_, err := use(g.next, 4)
	wantError(t, err, estate.NotFound, api.CodeTokenNotFound)
	found, err := use(g.home, 5)
	equal(t, "first use", found, code)
	equal(t, "error", err, nil)
	found, err = use(g.home, 6)
	equal(t, "error", err, nil)
	equal(t, "used before", found.UsedAt, moment(5))
	wantDefect(t, refused(t, db, func(tx *store.Tx) error {
		return tx.InsertCode(t.Context(), codeOf(familyOf(g.home.Scope(), clientID(99), "ada", "f2"), "h2"))
	}))

	trim(t, db, moment(60).Add(24*time.Hour))
	equal(t, "kept", len(column(t, db, "select hash from oauth_codes")), 1)
	trim(t, db, moment(61).Add(24*time.Hour))
	equal(t, "kept", len(column(t, db, "select hash from oauth_codes")), 0)
}

func testFamily(t *testing.T, db Database) {
	g := newGranted(t, db)
	home, console := g.home.Scope(), all(g.acme)
	f, above := complete(t, familyOf(home, g.c.ID, "ada", "f1")), familyOf(console, g.c.ID, "acc-1", "f2")
	r := estate.RefreshToken{Hash: "r1", Family: f, CreatedAt: moment(2), ExpiresAt: moment(90)}
	top := estate.RefreshToken{Hash: "r2", Family: above, CreatedAt: moment(2), ExpiresAt: moment(90)}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertFamily(t.Context(), f), tx.InsertRefreshToken(t.Context(), r), tx.InsertFamily(t.Context(), above), tx.InsertRefreshToken(t.Context(), top))
	})
	get := func(tenant estate.TenantID, hash estate.CredentialHash) func(tx *store.Tx) (estate.RefreshToken, error) {
		return func(tx *store.Tx) (estate.RefreshToken, error) { return tx.RefreshToken(t.Context(), tenant, hash) }
	}
	equal(t, "token", read(t, db, get(g.home.ID, r.Hash)), r)
	equal(t, "token of the console", read(t, db, get("", top.Hash)), top)
	for tenant, hash := range map[estate.TenantID]estate.CredentialHash{g.next.ID: r.Hash, "": r.Hash, g.home.ID: top.Hash} {
		wantError(t, readError(t, db, get(tenant, hash)), estate.NotFound, api.CodeTokenNotFound)
	}

	for _, c := range []struct {
		scope  estate.Scope
		person string
		want   []estate.TokenFamily
	}{{home, "ada", []estate.TokenFamily{f}}, {console, "acc-1", []estate.TokenFamily{above}}, {console, "ada", nil}, {g.next.Scope(), "ada", nil}} {
		equal(t, "families of "+c.person, read(t, db, func(tx *store.Tx) ([]estate.TokenFamily, error) { return tx.Families(t.Context(), c.scope, c.person) }), c.want)
	}
	next := estate.RefreshToken{Hash: "r3", Family: f, CreatedAt: moment(5), ExpiresAt: moment(95)}
	write(t, db, func(tx *store.Tx) error {
		return first(tx.UseRefreshToken(t.Context(), home, r.Hash, moment(5)), tx.UseRefreshToken(t.Context(), home, r.Hash, moment(6)),
			tx.UseRefreshToken(t.Context(), g.next.Scope(), top.Hash, moment(6)), tx.InsertRefreshToken(t.Context(), next))
	})
	next.Family.ExpiresAt = moment(95)
	equal(t, "the next", read(t, db, get(g.home.ID, next.Hash)), next)
	equal(t, "used at", read(t, db, get(g.home.ID, r.Hash)).UsedAt, moment(5))
	equal(t, "untouched", read(t, db, get("", top.Hash)), top)

	write(t, db, func(tx *store.Tx) error {
		return first(tx.EndFamily(t.Context(), g.next.Scope(), f.ID), tx.EndFamily(t.Context(), home, above.ID), tx.EndFamily(t.Context(), console, f.ID))
	})
	equal(t, "tokens", len(column(t, db, "select hash from oauth_refresh_tokens")), 3)
	write(t, db, func(tx *store.Tx) error { return tx.EndFamily(t.Context(), home, f.ID) })
	wantError(t, readError(t, db, get(g.home.ID, next.Hash)), estate.NotFound, api.CodeTokenNotFound)
	write(t, db, func(tx *store.Tx) error { return tx.UseRefreshToken(t.Context(), console, top.Hash, moment(7)) })
	equal(t, "used at the console", read(t, db, get("", top.Hash)).UsedAt, moment(7))
	trim(t, db, moment(91).Add(time.Hour))
	equal(t, "families", len(column(t, db, "select id from oauth_families")), 0)
}

func testApproveGrant(t *testing.T, db Database) {
	g := newGranted(t, db)
	get := func(of estate.Tenant) func(tx *store.Tx) (estate.Grant, error) {
		return func(tx *store.Tx) (estate.Grant, error) {
			return tx.GrantFor(t.Context(), of.Scope(), g.c.ID, "ada")
		}
	}
	wantError(t, readError(t, db, get(g.home)), estate.NotFound, api.CodeTokenNotFound)
	want := estate.Grant{
		ID: "g1", Organization: g.acme.ID, Tenant: g.home.ID, Client: g.c.ID, User: "ada", CreatedAt: moment(3), LastUsedAt: moment(3), Approved: estate.Permissions{"apps"},
	}
	write(t, db, func(tx *store.Tx) error { return tx.ApproveGrant(t.Context(), g.home.Scope(), want) })
	equal(t, "grant", read(t, db, get(g.home)), complete(t, want))
	wantError(t, readError(t, db, get(g.next)), estate.NotFound, api.CodeTokenNotFound)

	again := want
	again.ID, again.Approved, again.CreatedAt = "g2", estate.Permissions{"apps", "users"}, moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.ApproveGrant(t.Context(), g.home.Scope(), again) })
	want.Approved = again.Approved
	equal(t, "approved again", read(t, db, get(g.home)), want)
	g.use(t, db, "g3", g.home.Scope(), g.c.ID, "ada", 20)
	want.LastUsedAt = moment(20)
	equal(t, "used", read(t, db, get(g.home)), want)

	// What a person takes back takes along what came of it.
	f := familyOf(g.home.Scope(), g.c.ID, "ada", "f1")
	other := familyOf(g.home.Scope(), g.c.ID, "eve", "f2")
	write(t, db, func(tx *store.Tx) error {
		err := first(tx.InsertFamily(t.Context(), f), tx.InsertFamily(t.Context(), other), tx.InsertCode(t.Context(), codeOf(f, "h1")), tx.InsertCode(t.Context(), codeOf(other, "h2")))
		if err == nil {
			_, err = tx.RevokeGrant(t.Context(), g.home.Scope(), want, moment(30), moment(99))
		}
		return err
	})
	equal(t, "families", column(t, db, "select id from oauth_families"), []string{"f2"})
	equal(t, "families whose tokens are revoked", column(t, db, "select jti from revoked_tokens"), []string{"f1"})
	equal(t, "codes", column(t, db, "select hash from oauth_codes"), []string{"h2"})
	wantError(t, refused(t, db, func(tx *store.Tx) error {
		return tx.ApproveGrant(t.Context(), all(g.acme), want)
	}), estate.NotFound, api.CodeClientNotFound)
	write(t, db, func(tx *store.Tx) error { return tx.DeleteClient(t.Context(), g.c.Scope, g.c.ID, moment(31)) })
	equal(t, "families of a deleted client", len(column(t, db, "select id from oauth_families")), 0)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.ApproveGrant(t.Context(), g.home.Scope(), want) }), estate.NotFound, api.CodeClientNotFound)
}

func testDevice(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	d, above := complete(t, device(home.ID, 1)), device("", 1)
	above.Hash = "another"
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertDevice(t.Context(), d), tx.InsertDevice(t.Context(), above))
	})
	get := func(tenant estate.TenantID, hash estate.CredentialHash) func(tx *store.Tx) (estate.Device, error) {
		return func(tx *store.Tx) (estate.Device, error) { return tx.Device(t.Context(), tenant, hash) }
	}
	equal(t, "device", read(t, db, get(home.ID, d.Hash)), d)
	equal(t, "by code", read(t, db, func(tx *store.Tx) (estate.Device, error) { return tx.DeviceByUserCode(t.Context(), "", d.UserCode) }), above)
	wantError(t, readError(t, db, get("", d.Hash)), estate.NotFound, api.CodeTokenNotFound)
	wantDefect(t, refused(t, db, func(tx *store.Tx) error {
		same := device(home.ID, 2)
		same.UserCode = d.UserCode
		return tx.InsertDevice(t.Context(), same)
	}))
	count := func(at time.Time) int64 {
		return read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountDevices(t.Context(), home.ID, at) })
	}
	equal(t, "waiting", []int64{count(moment(49)), count(moment(50))}, []int64{1, 0})

	d.Permissions, d.Status, d.Organization, d.GrantedTo, d.Person, d.AuthenticatedAt = estate.Permissions{"apps"}, estate.DeviceApproved, "o2", "c2", "p2", moment(7)
	d.Interval, d.PolledAt = 10*time.Second, moment(8)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateDevice(t.Context(), d) })
	equal(t, "changed", read(t, db, get(home.ID, d.Hash)), d)
	equal(t, "untouched", read(t, db, get("", above.Hash)), above)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.DeleteDevice(t.Context(), "", d.Hash), tx.DeleteDevice(t.Context(), home.ID, above.Hash))
	})
	equal(t, "devices", len(column(t, db, "select hash from oauth_devices")), 2)
	write(t, db, func(tx *store.Tx) error { return tx.DeleteDevice(t.Context(), home.ID, d.Hash) })
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateDevice(t.Context(), d) }), estate.NotFound, api.CodeTokenNotFound)
	trim(t, db, moment(51).Add(time.Hour))
	equal(t, "devices", len(column(t, db, "select hash from oauth_devices")), 0)
}

func testPendingClients(t *testing.T, db Database) {
	s := newSample(t, db)
	home, next := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	insertTenants(t, db, home, next)
	pendingIn := func(of estate.Tenant, n int) estate.Client {
		c := client(estate.LevelTenant, of.Scope(), n)
		c.Consent, c.CreatedAt, c.Secrets = estate.ConsentPending, moment(n), nil
		return c
	}
	pending := func(n int) estate.Client { return pendingIn(home, n) }
	early, late, gone := pending(1), pending(5), pending(2)
	insertClients(t, db, early, late, gone, pendingIn(next, 6), client(estate.LevelTenant, home.Scope(), 3))
	write(t, db, func(tx *store.Tx) error { return tx.DeleteClient(t.Context(), home.Scope(), gone.ID, moment(9)) })
	found := read(t, db, func(tx *store.Tx) ([]estate.Client, error) { return tx.PendingClients(t.Context(), moment(5)) })
	if len(found) != 1 || found[0].ID != early.ID || found[0].Scope != home.Scope() {
		t.Errorf("%+v", found)
	}
	for scope, want := range map[estate.Scope]int64{home.Scope(): 2, next.Scope(): 1, all(s.acme): 0, {}: 0} {
		have := read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountPendingClients(t.Context(), scope) })
		equal(t, fmt.Sprintf("those that wait in %+v", scope), have, want)
	}
}

// insertAuthorization gives every grant of the world a family with a refresh
// token and a code, and every tenant a device that waits.
func insertAuthorization(ctx context.Context, tx *store.Tx, w world) error {
	var errs []error
	for _, g := range w.grants {
		named := grantNamed(g.key)
		f := familyOf(g.owner, named.Client, string(named.User), g.key)
		errs = append(errs, tx.InsertFamily(ctx, f), tx.InsertCode(ctx, codeOf(f, g.key)),
			tx.InsertRefreshToken(ctx, estate.RefreshToken{Hash: estate.CredentialHash(g.key), Family: f, CreatedAt: moment(2), ExpiresAt: moment(90)}))
	}
	for i, t := range w.tenants {
		errs = append(errs, tx.InsertDevice(ctx, device(t.ID, i+1)))
	}
	return first(errs...)
}

// savedAuthorization is saved for what insertAuthorization made. Refresh tokens go
// and come with their families.
func savedAuthorization(t *testing.T, db Database) {
	t.Helper()
	for _, table := range []string{"oauth_families", "oauth_refresh_tokens", "oauth_codes"} {
		execute(t, db, "create table if not exists "+savedPrefix+table+" as select * from "+table)
	}
	for _, table := range []string{"oauth_refresh_tokens", "oauth_families", "oauth_codes"} {
		execute(t, db, "delete from "+table)
	}
	for _, table := range []string{"oauth_families", "oauth_refresh_tokens", "oauth_codes"} {
		execute(t, db, "insert into "+table+" select * from "+savedPrefix+table)
	}
}

// authorizationLines are those of insertAuthorization for a grant.
func authorizationLines(g row) []string {
	return []string{fmt.Sprintf("oauth_families: id=%q", g.key), fmt.Sprintf("oauth_refresh_tokens: hash=%q", g.key), fmt.Sprintf("oauth_codes: hash=%q", g.key)}
}

var authorizationReads = map[string]readCase{
	"GrantFor": {
		rows:   func(w world) []row { return w.grants },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			named := grantNamed(key)
			g, err := tx.GrantFor(ctx, scope, named.Client, named.User)
			if err == nil && g.Tenant != named.Tenant {
				return nil, nil // that of another tenant where the client and the user have the same ids
			}
			return oneID(g, err, func(g estate.Grant) string { return string(g.ID) })
		},
	},
	"Families": {
		rows: func(w world) (rows []row) {
			for _, g := range w.grants {
				rows = append(rows, row{owner: g.owner, key: string(grantNamed(g.key).User), id: g.key})
			}
			return rows
		},
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			all, err := tx.Families(ctx, scope, key)
			return ids(all, err, func(f estate.TokenFamily) string { return string(f.ID) })
		},
	},
}

var authorizationWrites = map[string]writeCase{
	"UseCode": {
		rows:   func(w world) []row { return w.grants },
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.UseCode(ctx, scope, estate.CredentialHash(key), moment(99))
			return err
		},
		again: savedAuthorization,
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("oauth_codes: hash=%q", r.key)}
		},
	},
	"UseRefreshToken": {
		rows:   func(w world) []row { return w.grants },
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UseRefreshToken(ctx, scope, estate.CredentialHash(key), moment(99))
		},
		again: savedAuthorization,
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("oauth_refresh_tokens: hash=%q", r.key)}
		},
	},
	"EndFamily": {
		rows:   func(w world) []row { return w.grants },
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.EndFamily(ctx, scope, estate.FamilyID(key))
		},
		again: savedAuthorization,
		touches: func(_ world, r row, _ estate.Scope) []string {
			return authorizationLines(r)[:2]
		},
	},
	"ApproveGrant": {
		rows: func(w world) []row {
			var rows []row
			for _, u := range w.usages {
				if u.owner.Tenant != "" {
					rows = append(rows, u)
				}
			}
			return rows
		},
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.ApproveGrant(ctx, scope, estate.Grant{ID: "new", Client: estate.ClientID(key), User: "new", CreatedAt: moment(99), Approved: estate.Permissions{"apps"}})
		},
		again: by("delete from oauth_grants where user_id = 'new'"),
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("oauth_grants: id=\"new\" organization_id=%q tenant_id=%q client_id=%q", scope.Organization, scope.Tenant, r.key)}
		},
	},
}
