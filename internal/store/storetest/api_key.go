package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func apiKeyID(n int) estate.APIKeyID { return estate.APIKeyID(fmt.Sprintf("%032x", 0xa000+n)) }

// apiKey is good from moment n to moment 10+n.
func apiKey(of estate.Tenant, n int) estate.APIKey {
	return estate.APIKey{
		ID: apiKeyID(n), Organization: of.Organization, Tenant: of.ID, User: "keeper", Description: fmt.Sprintf("key %d", n), Status: estate.APIKeyActive,
		Hash: []byte{byte(n)}, HashedBy: "hash key", CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n), ExpiresAt: moment(10 + n),
	}
}

func testAPIKey(t *testing.T, db Database) {
	ctx := t.Context()
	var one, two, three estate.APIKey
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two, three = complete(t, apiKey(home, 1)), apiKey(home, 2), apiKey(home, 3)
		three.User = userID(1)
		return first(tx.InsertAPIKey(ctx, one), tx.InsertAPIKey(ctx, two), tx.InsertAPIKey(ctx, three), tx.InsertUser(ctx, user(home, 1)))
	})
	scope := home.Scope()
	get := func(id estate.APIKeyID) func(tx *store.Tx) (estate.APIKey, error) {
		return func(tx *store.Tx) (estate.APIKey, error) { return tx.APIKey(ctx, scope, id) }
	}
	list := func(f store.APIKeyFilter) []estate.APIKey {
		t.Helper()
		page := read(t, db, func(tx *store.Tx) ([]estate.APIKey, error) {
			page, _, err := tx.APIKeys(ctx, scope, f, store.Query{Limit: store.MaxPage})
			return page, err
		})
		equal(t, "count", read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountAPIKeys(ctx, scope, f) }), int64(len(page)))
		return page
	}
	equal(t, "key", read(t, db, get(one.ID)), one)
	equal(t, "keys", list(store.APIKeyFilter{}), []estate.APIKey{one, two, three})
	equal(t, "keys of a user", list(store.APIKeyFilter{User: userID(1)}), []estate.APIKey{three})
	equal(t, "keys by nobody", list(store.APIKeyFilter{CreatedBy: "nobody"}), nil)

	var told []store.Change
	db.Store.Subscribe(func(changes []store.Change) { told = append(told, changes...) })
	revoked := two
	revoked.Status, revoked.Description, revoked.UpdatedAt = estate.APIKeyRevoked, "revoked", moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateAPIKey(ctx, scope, revoked) })
	equal(t, "changes", told, []store.Change{{Kind: store.ChangeAPIKey, Key: store.APIKeyKey(home.ID, two.ID)}})
	tenant, id := store.ParseAPIKeyKey(told[0].Key)
	equal(t, "what changed", []string{string(tenant), string(id)}, []string{string(home.ID), string(two.ID)})

	now := moment(12) // when the first has expired, which nobody has noted
	equal(t, "active", list(store.APIKeyFilter{Status: estate.APIKeyActive, Now: now}), []estate.APIKey{three})
	equal(t, "expired", list(store.APIKeyFilter{Status: estate.APIKeyExpired, Now: now}), []estate.APIKey{one})
	equal(t, "revoked", list(store.APIKeyFilter{Status: estate.APIKeyRevoked, Now: now}), []estate.APIKey{revoked})
	due := func(tx *store.Tx) ([]estate.APIKey, error) { return tx.APIKeysDue(ctx, now) }
	equal(t, "due", read(t, db, due), []estate.APIKey{one})
	expired := one
	expired.Status, expired.UpdatedAt = estate.APIKeyExpired, now
	write(t, db, func(tx *store.Tx) error { return tx.UpdateAPIKey(ctx, scope, expired) })
	equal(t, "due after", read(t, db, due), nil)
	equal(t, "expired after", list(store.APIKeyFilter{Status: estate.APIKeyExpired, Now: now}), []estate.APIKey{expired})

	write(t, db, func(tx *store.Tx) error { return tx.DeleteUser(ctx, scope, userID(1), now) })
	wantError(t, readError(t, db, get(three.ID)), estate.NotFound, api.CodeAPIKeyNotFound)
	remove := func(tx *store.Tx) error { return tx.DeleteAPIKey(ctx, scope, one.ID, now) }
	write(t, db, remove)
	wantError(t, refused(t, db, remove), estate.NotFound, api.CodeAPIKeyNotFound)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateAPIKey(ctx, scope, one) }), estate.NotFound, api.CodeAPIKeyNotFound)

	settings := func(tx *store.Tx) (estate.APIKeySettings, error) { return tx.APIKeySettings(ctx, scope) }
	equal(t, "settings by default", read(t, db, settings), estate.DefaultAPIKeySettings())
	for _, want := range []estate.APIKeySettings{{MaxExpiry: "P1D", MaxPerUser: 0, SCIMExpiry: "P2D"}, {MaxExpiry: "P3D", MaxPerUser: 7, SCIMExpiry: "P4D"}} {
		write(t, db, func(tx *store.Tx) error { return tx.SetAPIKeySettings(ctx, scope, want) })
		equal(t, "settings", read(t, db, settings), want)
	}
	nowhere := scope
	nowhere.Tenant = "none"
	err := refused(t, db, func(tx *store.Tx) error { return tx.SetAPIKeySettings(ctx, nowhere, estate.DefaultAPIKeySettings()) })
	wantError(t, err, estate.NotFound, api.CodeTenantNotFound)
}

func cspOriginID(n int) estate.CSPOriginID { return estate.CSPOriginID(fmt.Sprintf("%024x", 0xb000+n)) }

func cspOrigin(of estate.Tenant, n int) estate.CSPOrigin {
	return estate.CSPOrigin{
		ID: cspOriginID(n), Organization: of.Organization, Tenant: of.ID, Origin: fmt.Sprintf("https://%d.example.com", n), Name: "a name", Description: "a reason",
		Directives: 1<<12 | 1, CreatedAt: moment(n), UpdatedAt: moment(n + 1),
	}
}

func webIntegrationID(n int) estate.WebIntegrationID {
	return estate.WebIntegrationID(fmt.Sprintf("%024x", 0xb800+n))
}

func webIntegration(of estate.Tenant, n int) estate.WebIntegration {
	return estate.WebIntegration{
		ID: webIntegrationID(n), Organization: of.Organization, Tenant: of.ID, Name: fmt.Sprintf("page %d", n), Origins: []string{"https://one.example", "https://two.example"},
		CreatedAt: moment(n), CreatedBy: "maker", UpdatedAt: moment(n + 1),
	}
}

func testCSPOrigin(t *testing.T, db Database) {
	ctx := t.Context()
	var one, two estate.CSPOrigin
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two = complete(t, cspOrigin(home, 1)), cspOrigin(home, 2)
		return first(tx.InsertCSPOrigin(ctx, one), tx.InsertCSPOrigin(ctx, two))
	})
	scope := home.Scope()
	get := func(id estate.CSPOriginID) func(tx *store.Tx) (estate.CSPOrigin, error) {
		return func(tx *store.Tx) (estate.CSPOrigin, error) { return tx.CSPOrigin(ctx, scope, id) }
	}
	equal(t, "origin", read(t, db, get(one.ID)), one)
	equal(t, "origins", read(t, db, func(tx *store.Tx) ([]estate.CSPOrigin, error) { return tx.CSPOrigins(ctx, scope) }), []estate.CSPOrigin{one, two})
	again := cspOrigin(home, 3)
	again.Origin = one.Origin
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.InsertCSPOrigin(ctx, again) }), estate.Invalid, api.CodeCSPOriginInvalid, "/origin")
	changed := one
	changed.Origin, changed.Name, changed.Description, changed.Directives, changed.UpdatedAt = "https://other.example", "another", "", 2, moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateCSPOrigin(ctx, scope, changed) })
	equal(t, "changed", read(t, db, get(one.ID)), changed)
	remove := func(tx *store.Tx) error { return tx.DeleteCSPOrigin(ctx, scope, one.ID) }
	write(t, db, remove)
	wantError(t, readError(t, db, get(one.ID)), estate.NotFound, api.CodeCSPOriginNotFound)
	wantError(t, refused(t, db, remove), estate.NotFound, api.CodeCSPOriginNotFound)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateCSPOrigin(ctx, scope, changed) }), estate.NotFound, api.CodeCSPOriginNotFound)
}

func testWebIntegration(t *testing.T, db Database) {
	ctx := t.Context()
	var one, two estate.WebIntegration
	home := directoryOf(t, db, func(tx *store.Tx, home estate.Tenant) error {
		one, two = complete(t, webIntegration(home, 1)), webIntegration(home, 2)
		two.Origins = []string{}
		return first(tx.InsertWebIntegration(ctx, one), tx.InsertWebIntegration(ctx, two))
	})
	scope := home.Scope()
	get := func(id estate.WebIntegrationID) func(tx *store.Tx) (estate.WebIntegration, error) {
		return func(tx *store.Tx) (estate.WebIntegration, error) { return tx.WebIntegration(ctx, scope, id) }
	}
	equal(t, "web integration", read(t, db, get(one.ID)), one)
	equal(t, "web integrations", read(t, db, func(tx *store.Tx) ([]estate.WebIntegration, error) { return tx.WebIntegrations(ctx, scope) }), []estate.WebIntegration{one, two})
	changed := one
	changed.Name, changed.Origins, changed.UpdatedAt = "another", []string{"https://three.example"}, moment(9)
	write(t, db, func(tx *store.Tx) error { return tx.UpdateWebIntegration(ctx, scope, changed) })
	equal(t, "changed", read(t, db, get(one.ID)), changed)
	remove := func(tx *store.Tx) error { return tx.DeleteWebIntegration(ctx, scope, one.ID) }
	write(t, db, remove)
	wantError(t, readError(t, db, get(one.ID)), estate.NotFound, api.CodeWebIntegrationNotFound)
	wantError(t, refused(t, db, remove), estate.NotFound, api.CodeWebIntegrationNotFound)
	wantError(t, refused(t, db, func(tx *store.Tx) error { return tx.UpdateWebIntegration(ctx, scope, changed) }), estate.NotFound, api.CodeWebIntegrationNotFound)
}

// insertWeb gives each tenant of w an API key with settings, an origin and a web
// integration, the same in all of them.
func insertWeb(ctx context.Context, tx *store.Tx, w world) error {
	var errs []error
	for _, of := range w.tenants {
		errs = append(errs, tx.InsertAPIKey(ctx, apiKey(of, 1)), tx.SetAPIKeySettings(ctx, of.Scope(), estate.APIKeySettings{MaxExpiry: "P1D", SCIMExpiry: estate.Period(of.ID)}),
			tx.InsertCSPOrigin(ctx, cspOrigin(of, 1)), tx.InsertWebIntegration(ctx, webIntegration(of, 1)))
	}
	return first(errs...)
}

func idOfKeyOwner(k estate.APIKey) string         { return string(k.Tenant) }
func idOfCSPOwner(o estate.CSPOrigin) string      { return string(o.Tenant) }
func idOfWebOwner(w estate.WebIntegration) string { return string(w.Tenant) }

func apiKeyPage(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
	page, _, err := tx.APIKeys(ctx, scope, store.APIKeyFilter{}, store.Query{Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	if n, err := tx.CountAPIKeys(ctx, scope, store.APIKeyFilter{}); err != nil || int(n) != len(page) {
		return nil, fmt.Errorf("%d keys, and %d counted, %w", len(page), n, err)
	}
	return ids(page, nil, idOfKeyOwner)
}

var webReads = map[string]readCase{
	"APIKeys":      listCase(apiKeyPage),
	"CountAPIKeys": listCase(apiKeyPage), // it shows only how many there are
	"APIKey": {rows: inTenantRows(string(apiKeyID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		k, err := tx.APIKey(ctx, scope, estate.APIKeyID(key))
		return oneID(k, err, idOfKeyOwner)
	}},
	"APIKeySettings": listCase(func(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
		s, err := tx.APIKeySettings(ctx, scope)
		if s == estate.DefaultAPIKeySettings() {
			return nil, err
		}
		return []string{string(s.SCIMExpiry)}, err
	}),
	"CSPOrigins": listCase(func(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
		all, err := tx.CSPOrigins(ctx, scope)
		return ids(all, err, idOfCSPOwner)
	}),
	"CSPOrigin": {rows: inTenantRows(string(cspOriginID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		o, err := tx.CSPOrigin(ctx, scope, estate.CSPOriginID(key))
		return oneID(o, err, idOfCSPOwner)
	}},
	"WebIntegrations": listCase(func(ctx context.Context, tx *store.Tx, scope estate.Scope) ([]string, error) {
		all, err := tx.WebIntegrations(ctx, scope)
		return ids(all, err, idOfWebOwner)
	}),
	"WebIntegration": {rows: inTenantRows(string(webIntegrationID(1))), covers: needsTenant, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		w, err := tx.WebIntegration(ctx, scope, estate.WebIntegrationID(key))
		return oneID(w, err, idOfWebOwner)
	}},
}

// ownRow is the case of a method that writes one row of a tenant.
func ownRow(table, key string, more func(scope estate.Scope) []string, call func(ctx context.Context, tx *store.Tx, scope estate.Scope) error) writeCase {
	return writeCase{
		rows: inTenantRows(key), covers: inOneTenant, again: saved(table),
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return call(ctx, tx, scope)
		},
		touches: touchesIn(func(scope estate.Scope) []string {
			lines := []string{inTable(table, scope)}
			if more != nil {
				lines = append(lines, more(scope)...)
			}
			return lines
		}),
	}
}

func keyChange(scope estate.Scope) []string {
	return []string{changeLine(store.ChangeAPIKey, store.APIKeyKey(scope.Tenant, apiKeyID(1)))}
}

var webWrites = map[string]writeCase{
	"UpdateAPIKey": ownRow("api_keys", string(apiKeyID(1)), keyChange, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.UpdateAPIKey(ctx, scope, estate.APIKey{ID: apiKeyID(1), Status: estate.APIKeyRevoked, UpdatedAt: moment(99)})
	}),
	"DeleteAPIKey": ownRow("api_keys", string(apiKeyID(1)), keyChange, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.DeleteAPIKey(ctx, scope, apiKeyID(1), moment(99))
	}),
	"SetAPIKeySettings": ownRow("api_key_settings", "", nil, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.SetAPIKeySettings(ctx, scope, estate.APIKeySettings{MaxExpiry: "P9D"})
	}),
	"UpdateCSPOrigin": ownRow("csp_origins", string(cspOriginID(1)), nil, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.UpdateCSPOrigin(ctx, scope, estate.CSPOrigin{ID: cspOriginID(1), Origin: "https://changed.example", UpdatedAt: moment(99)})
	}),
	"DeleteCSPOrigin": ownRow("csp_origins", string(cspOriginID(1)), nil, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.DeleteCSPOrigin(ctx, scope, cspOriginID(1))
	}),
	"UpdateWebIntegration": ownRow("web_integrations", string(webIntegrationID(1)), nil, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.UpdateWebIntegration(ctx, scope, estate.WebIntegration{ID: webIntegrationID(1), Name: "changed", UpdatedAt: moment(99)})
	}),
	"DeleteWebIntegration": ownRow("web_integrations", string(webIntegrationID(1)), nil, func(ctx context.Context, tx *store.Tx, scope estate.Scope) error {
		return tx.DeleteWebIntegration(ctx, scope, webIntegrationID(1))
	}),
}
