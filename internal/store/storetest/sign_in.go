package storetest

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func providerID(n int) estate.IdentityProviderID {
	return estate.IdentityProviderID(fmt.Sprintf("%024x", n))
}

// identityProvider is one with a value in every field, which no protocol has.
func identityProvider(of estate.Tenant, n int) estate.IdentityProvider {
	yes, no := true, false
	options := estate.IdentityProviderOptions{
		Issuer: fmt.Sprintf("https://issuer-%d.example.com", n), Keys: []estate.StaticKey{{ID: "k1", PEM: "pem"}}, DiscoveryURL: "https://example.com/discovery",
		Configuration: &estate.OpenIDEndpoints{Issuer: "i", Authorization: "a", Token: "t", JWKS: "j", UserInfo: "u", EndSession: "e", Introspection: "n"},
		ClientID:      "client", SealedSecret: []byte{0, 1, 255}, Realm: "realm", Scope: "openid", ClaimsMapping: map[string][]string{"sub": {"/sub", "/id"}},
		SignatureAlgorithm: "RS512", ClaimsFromIDToken: &yes, EmailVerified: &no, BlockOfflineAccess: true,
	}
	pending := options
	pending.Issuer, pending.ClientID = "", "another"
	return estate.IdentityProvider{
		ID: providerID(n), Organization: of.Organization, Tenant: of.ID, Protocol: "OIDC", Provider: "generic", Interactive: true, Active: true,
		Description: "what it is", ClockTolerance: 5 * time.Second, CreateUsers: true, AfterLogout: "https://example.com/bye", Meta: []byte(`{"a":1}`),
		Options: options, Pending: &pending, PendingState: estate.PendingStateVerified, PendingResult: []byte(`{"status":"success"}`),
		CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

func session(of estate.Tenant, provider estate.IdentityProviderID, n int) estate.Session {
	return estate.Session{
		ID: estate.SessionID(fmt.Sprintf("session-%d of %s", n, of.ID)), Organization: of.Organization, Tenant: of.ID, User: userID(n), Provider: provider,
		Method: estate.SignInFederated, Agent: "agent", Address: "192.0.2.1",
		CreatedAt: moment(n), LastUsedAt: moment(n + 1), ExpiresAt: moment(n + 100),
	}
}

func testIdentityProvider(t *testing.T, db Database) {
	s := newSample(t, db)
	home, elsewhere := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, elsewhere)
	interactive, other := identityProvider(home, 2), identityProvider(home, 1)
	other.Interactive, other.Pending, other.PendingState, other.PendingResult, other.Meta = false, nil, "", nil, nil
	foreign := identityProvider(elsewhere, 2) // ids and issuers are a tenant's own
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertIdentityProvider(t.Context(), complete(t, interactive)), tx.InsertIdentityProvider(t.Context(), other), tx.InsertIdentityProvider(t.Context(), foreign))
	})
	list := func(of estate.Tenant) []estate.IdentityProvider {
		return read(t, db, func(tx *store.Tx) ([]estate.IdentityProvider, error) {
			return tx.IdentityProviders(t.Context(), of.Scope())
		})
	}
	get := func(of estate.Tenant, id estate.IdentityProviderID) func(tx *store.Tx) (estate.IdentityProvider, error) {
		return func(tx *store.Tx) (estate.IdentityProvider, error) {
			return tx.IdentityProvider(t.Context(), of.Scope(), id)
		}
	}
	equal(t, "list", list(home), []estate.IdentityProvider{other, interactive})
	equal(t, "one", read(t, db, get(home, interactive.ID)), interactive)
	equal(t, "elsewhere", read(t, db, get(elsewhere, foreign.ID)), foreign)
	wantError(t, readError(t, db, get(elsewhere, other.ID)), estate.NotFound, api.CodeIDPNotFound)

	for pointer, change := range map[string]func(*estate.IdentityProvider){
		"/options/issuer": func(p *estate.IdentityProvider) { p.Options.Issuer, p.Interactive = other.Options.Issuer, false },
		"/interactive":    func(p *estate.IdentityProvider) { p.Options.Issuer = "" },
	} {
		p := identityProvider(home, 3)
		change(&p)
		err := refused(t, db, func(tx *store.Tx) error { return tx.InsertIdentityProvider(t.Context(), p) })
		wantError(t, err, estate.Invalid, api.CodeIDPInvalid, pointer)
	}
	withoutIssuer := identityProvider(home, 4) // of which there may be several
	withoutIssuer.Interactive, withoutIssuer.Options.Issuer = false, ""
	another := withoutIssuer
	another.ID = providerID(5)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertIdentityProvider(t.Context(), withoutIssuer), tx.InsertIdentityProvider(t.Context(), another))
	})

	interactive.Active, interactive.Description, interactive.Pending, interactive.PendingState, interactive.UpdatedAt = false, "changed", nil, "", moment(9)
	key := fmt.Sprintf("%s/%s/%s", home.Organization, home.ID, interactive.ID)
	heard := heardOf(t, db, func() {
		write(t, db, func(tx *store.Tx) error { return tx.UpdateIdentityProvider(t.Context(), home.Scope(), interactive) })
	})
	equal(t, "changes", heard, []store.Change{{Kind: store.ChangeIdentityProvider, Key: key}})
	equal(t, "updated", read(t, db, get(home, interactive.ID)), interactive)

	open := session(home, interactive.ID, 1)
	write(t, db, func(tx *store.Tx) error { return tx.InsertSession(t.Context(), open) })
	heard = heardOf(t, db, func() {
		write(t, db, func(tx *store.Tx) error {
			return tx.DeleteIdentityProvider(t.Context(), home.Scope(), interactive.ID, moment(10))
		})
	})
	equal(t, "changes", heard, []store.Change{{Kind: store.ChangeIdentityProvider, Key: key}})
	wantError(t, readError(t, db, get(home, interactive.ID)), estate.NotFound, api.CodeIDPNotFound)
	err := readError(t, db, func(tx *store.Tx) (estate.Session, error) { return tx.Session(t.Context(), home.Scope(), open.ID) })
	wantError(t, err, estate.NotFound, api.CodeEstateNotFound) // it went along
	for _, fn := range []func(tx *store.Tx) error{
		func(tx *store.Tx) error { return tx.UpdateIdentityProvider(t.Context(), home.Scope(), interactive) },
		func(tx *store.Tx) error {
			return tx.DeleteIdentityProvider(t.Context(), home.Scope(), interactive.ID, moment(10))
		},
	} {
		wantError(t, refused(t, db, fn), estate.NotFound, api.CodeIDPNotFound)
	}
	equal(t, "elsewhere, still", list(elsewhere), []estate.IdentityProvider{foreign})
}

func testSession(t *testing.T, db Database) {
	s := newSample(t, db)
	home, elsewhere := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, elsewhere)
	open := session(home, providerID(1), 1)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertIdentityProvider(t.Context(), identityProvider(home, 1)), tx.InsertSession(t.Context(), complete(t, open, "Account")))
	})
	get := func(of estate.Tenant) func(tx *store.Tx) (estate.Session, error) {
		return func(tx *store.Tx) (estate.Session, error) { return tx.Session(t.Context(), of.Scope(), open.ID) }
	}
	equal(t, "session", read(t, db, get(home)), open)
	equal(t, "sessions", read(t, db, func(tx *store.Tx) ([]estate.Session, error) {
		return tx.Sessions(t.Context(), home.Scope(), string(open.User))
	}), []estate.Session{open})
	wantError(t, readError(t, db, get(elsewhere)), estate.NotFound, api.CodeEstateNotFound)
	wantDefect(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertSession(t.Context(), session(elsewhere, providerID(1), 2)) }))

	changed := []store.Change{{Kind: store.ChangeSession, Key: fmt.Sprintf("%s/%s/%s", home.Organization, home.ID, open.ID)}}
	touch := func(at time.Time) []store.Change {
		return heardOf(t, db, func() {
			write(t, db, func(tx *store.Tx) error { return tx.TouchSession(t.Context(), home.Scope(), open.ID, at) })
		})
	}
	equal(t, "changes", touch(moment(50)), changed)
	equal(t, "changes of an earlier use", touch(moment(40)), nil)
	open.LastUsedAt = moment(50)
	equal(t, "used", read(t, db, get(home)), open)

	trimmed := func(at time.Time) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.Trim(t.Context(), at) }
	}
	write(t, db, trimmed(open.ExpiresAt))
	equal(t, "before its end", read(t, db, get(home)), open)
	end := func() []store.Change {
		return heardOf(t, db, func() {
			write(t, db, func(tx *store.Tx) error { return tx.DeleteSession(t.Context(), home.Scope(), open.ID, moment(60)) })
		})
	}
	equal(t, "changes", end(), changed)
	equal(t, "changes of ending it again", end(), nil)
	wantError(t, readError(t, db, get(home)), estate.NotFound, api.CodeEstateNotFound)
	equal(t, "use of one that is gone", touch(moment(70)), nil)

	write(t, db, func(tx *store.Tx) error { return tx.InsertSession(t.Context(), open) })
	write(t, db, trimmed(open.ExpiresAt.Add(time.Microsecond)))
	wantError(t, readError(t, db, get(home)), estate.NotFound, api.CodeEstateNotFound)
}

func testAuthSettings(t *testing.T, db Database) {
	s := newSample(t, db)
	home, elsewhere := tenant(s.sub, europe, 1), tenant(s.others, europe, 2)
	insertTenants(t, db, home, elsewhere)
	get := func(of estate.Tenant) *estate.AuthSettings {
		return read(t, db, func(tx *store.Tx) (*estate.AuthSettings, error) { return tx.AuthSettings(t.Context(), of.Scope()) })
	}
	equal(t, "before", get(home), nil)
	for i := range 2 {
		want := complete(t, estate.AuthSettings{Idle: time.Duration(i+1) * time.Minute, Lifespan: time.Duration(i+5) * time.Hour, UpdatedAt: moment(i), Registration: true, RegistrationMethods: []string{"none"}})
		heard := heardOf(t, db, func() {
			write(t, db, func(tx *store.Tx) error { return tx.SetAuthSettings(t.Context(), home.Scope(), want) })
		})
		equal(t, "changes", heard, []store.Change{{Kind: store.ChangeAuthSettings, Key: fmt.Sprintf("%s/%s/", home.Organization, home.ID)}})
		equal(t, "settings", get(home), &want)
	}
	equal(t, "elsewhere", get(elsewhere), nil)
	nowhere := home.Scope()
	nowhere.Tenant = "none"
	err := refused(t, db, func(tx *store.Tx) error {
		return tx.SetAuthSettings(t.Context(), nowhere, estate.AuthSettings{Idle: 1, Lifespan: 1})
	})
	wantError(t, err, estate.NotFound, api.CodeTenantNotFound)
}

// insertSignIn gives each tenant of w an identity provider, a session and
// settings. The providers have the same id.
func insertSignIn(ctx context.Context, tx *store.Tx, w world) error {
	for _, of := range w.tenants {
		err := first(tx.InsertIdentityProvider(ctx, identityProvider(of, 1)), tx.InsertSession(ctx, session(of, providerID(1), 1)),
			tx.SetAuthSettings(ctx, of.Scope(), estate.AuthSettings{Idle: time.Minute, Lifespan: time.Hour, UpdatedAt: moment(1)}))
		if err != nil {
			return err
		}
	}
	for _, of := range w.organizations {
		if err := tx.InsertIdentityProvider(ctx, organizationProvider(of, 1)); err != nil {
			return err
		}
	}
	for _, a := range w.accounts {
		if err := tx.InsertIdentity(ctx, identity(a)); err != nil {
			return err
		}
	}
	return nil
}

// signInRows is a row in each tenant that has the key.
func signInRows(key string) func(w world) []row {
	return func(w world) []row {
		return rowsOf(w.tenants, func(t estate.Tenant) row { return row{owner: t.Scope(), key: key, id: string(t.ID)} })
	}
}

var (
	providerRows = func(w world) []row {
		return append(signInRows(string(providerID(1)))(w), rowsOf(w.organizations, func(o estate.Organization) row {
			return row{owner: all(o), key: string(providerID(1)), id: string(o.ID)}
		})...)
	}
	settingsRows = signInRows("")
)

// ownerOfProvider is the tenant of a provider or, if it has none, the organization.
func ownerOfProvider(p estate.IdentityProvider) string {
	return cmp.Or(string(p.Tenant), string(p.Organization))
}

// signInReads are the cases of methods around sign-in that read.
var signInReads = map[string]readCase{
	"IdentityProvider": {rows: providerRows, covers: ofPeople, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		p, err := tx.IdentityProvider(ctx, scope, estate.IdentityProviderID(key))
		return oneID(p, err, ownerOfProvider)
	}},
	"IdentityProviders": {rows: providerRows, covers: ofPeople, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.IdentityProviders(ctx, scope)
		return ids(all, err, ownerOfProvider)
	}},
	"Session": {rows: sessionRows, covers: ofPeople, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		s, err := tx.Session(ctx, scope, estate.SessionID(key))
		return oneID(s, err, func(s estate.Session) string { return string(s.ID) })
	}},
	"AuthSettings": {rows: settingsRows, covers: needsTenant, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		s, err := tx.AuthSettings(ctx, scope)
		if s == nil {
			return nil, err
		}
		return []string{string(scope.Tenant)}, err
	}},
}

// signInWrites are the cases of methods around sign-in that write.
var signInWrites = map[string]writeCase{
	"UpdateIdentityProvider": {
		rows: providerRows, covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateIdentityProvider(ctx, scope, estate.IdentityProvider{ID: estate.IdentityProviderID(key), UpdatedAt: moment(99)})
		},
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{providerLine(scope, r), changeLine(store.ChangeIdentityProvider, inTenantOf(scope, r.key))}
		},
	},
	"DeleteIdentityProvider": {
		rows: providerRows, covers: coversPerson,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteIdentityProvider(ctx, scope, estate.IdentityProviderID(key), moment(99))
		},
		again: func(t *testing.T, db Database) {
			t.Helper()
			execute(t, db, "create table if not exists kept_sessions as select * from sessions") // before they go along
			saved("identity_providers")(t, db)
			savedAll("organization_identity_providers", "account_identities")(t, db)
			execute(t, db, "insert into sessions select * from kept_sessions where id not in (select id from sessions)")
		},
		touches: func(_ world, r row, scope estate.Scope) []string {
			lines := []string{providerLine(scope, r), changeLine(store.ChangeIdentityProvider, inTenantOf(scope, r.key))}
			if scope.Tenant != "" {
				return append(lines, fmt.Sprintf("session-1 of %s", scope.Tenant))
			}
			return append(lines, fmt.Sprintf("account_identities: organization_id=%q", scope.Organization))
		},
	},
	"TouchSession": {
		rows: sessionRows, covers: func(_ world, scope estate.Scope, r row) bool { return ofPeople(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.TouchSession(ctx, scope, estate.SessionID(key), moment(99))
		},
		again: by("update sessions set last_used_at = 1"),
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("sessions: tenant_id=%q id=%q", orNil(scope.Tenant), r.key), changeLine(store.ChangeSession, inTenantOf(scope, r.key))}
		},
	},
	"DeleteSession": {
		rows: sessionRows, covers: func(_ world, scope estate.Scope, r row) bool { return ofPeople(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteSession(ctx, scope, estate.SessionID(key), moment(99))
		},
		again: saved("sessions"),
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("sessions: tenant_id=%q id=%q", orNil(scope.Tenant), r.key), changeLine(store.ChangeSession, inTenantOf(scope, r.key))}
		},
	},
	"SetAuthSettings": {
		rows: settingsRows, covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.SetAuthSettings(ctx, scope, estate.AuthSettings{Idle: 7 * time.Minute, Lifespan: time.Hour, UpdatedAt: moment(99)})
		},
		again: by("delete from auth_settings"),
		touches: func(_ world, _ row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("auth_settings: tenant_id=%q", scope.Tenant), changeLine(store.ChangeAuthSettings, inTenantOf(scope, ""))}
		},
	},
}

// providerLine is how the line of an identity provider begins in a dump.
func providerLine(scope estate.Scope, r row) string {
	if scope.Tenant == "" {
		return fmt.Sprintf("organization_identity_providers: organization_id=%q id=%q", scope.Organization, r.key)
	}
	return tenantLine("identity_providers", scope, r)
}

// tenantLine is how the line of a row of a tenant begins in a dump.
func tenantLine(table string, scope estate.Scope, r row) string {
	return fmt.Sprintf("%s: tenant_id=%q id=%q", table, scope.Tenant, r.key)
}

// inTenantOf names something of the tenant of scope in the feed of changes.
func inTenantOf(scope estate.Scope, key string) string {
	return fmt.Sprintf("%s/%s/%s", scope.Organization, scope.Tenant, key)
}

// heardOf are the changes that subscribers hear of while fn runs.
func heardOf(t *testing.T, db Database, fn func()) (heard []store.Change) {
	t.Helper()
	var mu sync.Mutex
	listening := true
	db.Store.Subscribe(func(changes []store.Change) {
		mu.Lock()
		defer mu.Unlock()
		if listening {
			heard = append(heard, changes...)
		}
	})
	fn()
	mu.Lock()
	defer mu.Unlock()
	listening = false
	return heard
}
