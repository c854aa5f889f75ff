package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func testKey(t *testing.T, db Database) {
	keys := func() []estate.Key {
		return read(t, db, func(tx *store.Tx) ([]estate.Key, error) { return tx.Keys(t.Context()) })
	}
	equal(t, "keys of an empty database", keys(), nil)
	old, young, other := key("b", estate.KeyLicense, 1), key("a", estate.KeyLicense, 2), key("c", estate.KeyAccessToken, 2)
	young.CreatedAt = old.CreatedAt.Add(-time.Second) // clocks differ, generations don't
	insert := func(k estate.Key) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.InsertKey(t.Context(), k) }
	}
	heard := changesBy(t, db, func() {
		for _, k := range []estate.Key{other, young, complete(t, old)} {
			write(t, db, insert(k))
		}
	})
	equal(t, "changes", heard, []store.Change{{Kind: store.ChangeKey, Key: "c"}, {Kind: store.ChangeKey, Key: "a"}, {Kind: store.ChangeKey, Key: "b"}})
	equal(t, "keys", keys(), []estate.Key{other, old, young})
	again := key("d", estate.KeyLicense, 2) // another process was faster
	wantError(t, refused(t, db, insert(again)), estate.Conflict, api.CodeEstateConflict)
	again.ID, again.Generation = old.ID, 3
	wantDefect(t, refused(t, db, insert(again)))
}

func testIdempotency(t *testing.T, db Database) {
	s := newSample(t, db)
	one := complete(t, store.IdempotentAnswer{RequestHash: []byte{0, 1, 255}, Answer: `{"a":"<ü>"}`})
	two := store.IdempotentAnswer{RequestHash: []byte{2}, Answer: ""}
	insert := func(scope estate.Scope, client estate.ClientID, key string, a store.IdempotentAnswer) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.InsertIdempotentAnswer(t.Context(), scope, client, key, a, moment(1))
		}
	}
	get := func(scope estate.Scope, client estate.ClientID, key string) *store.IdempotentAnswer {
		t.Helper()
		return read(t, db, func(tx *store.Tx) (*store.IdempotentAnswer, error) {
			return tx.IdempotentAnswer(t.Context(), scope, client, key)
		})
	}
	equal(t, "no answer", get(of(s.sub), "c", "k"), nil)
	write(t, db, insert(of(s.sub), "c", "k", one))
	write(t, db, insert(of(s.sub), "c", "", two))
	write(t, db, insert(of(s.sub), "d", "k", two))
	write(t, db, insert(of(s.second), "c", "k", two))
	write(t, db, insert(of(s.others), "c", "k", two))
	equal(t, "answer", get(of(s.sub), "c", "k"), &one)
	equal(t, "answer to the empty key", get(of(s.sub), "c", ""), &two)
	equal(t, "answer to another client", get(of(s.sub), "d", "k"), &two)
	equal(t, "answer elsewhere", get(of(s.second), "c", "k"), &two)
	equal(t, "answer in another organization", get(of(s.others), "c", "k"), &two)
	for _, none := range []*store.IdempotentAnswer{get(of(s.sub), "c", "K"), get(of(s.sub), "e", "k"), get(all(s.acme), "c", "k")} {
		equal(t, "no answer", none, nil)
	}
	wantDefect(t, refused(t, db, insert(of(s.sub), "c", "k", two)))
	wantDefect(t, refused(t, db, insert(estate.Scope{Organization: "nobody"}, "c", "k", one)))
}

func testTrim(t *testing.T, db Database) {
	s := newSample(t, db)
	now := moment(0).Add(100 * time.Hour)
	answer := func(key string, age time.Duration) {
		write(t, db, func(tx *store.Tx) error {
			return tx.InsertIdempotentAnswer(t.Context(), of(s.sub), "c", key, store.IdempotentAnswer{RequestHash: []byte{1}}, now.Add(-age))
		})
	}
	answer("kept", store.IdempotencyRetention)
	answer("trimmed", store.IdempotencyRetention+time.Microsecond)
	change := func(n int, age time.Duration) {
		c := client(estate.LevelOrganization, all(s.acme), n)
		c.UpdatedAt = now.Add(-age)
		write(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) })
	}
	change(1, time.Minute)
	change(2, time.Hour+time.Microsecond)
	change(3, time.Hour)
	change(4, 50*time.Hour)
	trim := func() { write(t, db, func(tx *store.Tx) error { return tx.Trim(t.Context(), now) }) }
	trim()
	equal(t, "answers", column(t, db, "select key from idempotency_keys"), []string{"kept"})
	// The newest change stays whatever its age: a follower counts from it.
	keys := column(t, db, "select key from changes order by seq")
	equal(t, "changes", keys, []string{string(clientID(1)), string(clientID(3)), string(clientID(4))})
	before := dump(t, db)
	trim()
	equal(t, "trimmed again", dump(t, db), before)
}

// awkward texts must come back as they went in.
var awkward = []string{
	"", " ", "a b ", "ünïcödé", "u\u0308 is not ü", "日本語", "👩‍🚀🏳️‍🌈", "İıſßΣς", `'";--`, `\%_\\`, "$1 ? :a @b", "line\nbreak\r\n\ttab", "\u0001\u001f\u007f\ufeff\u2028\ufffd", "null", "{}", "0", "\U0010ffff",
}

func testText(t *testing.T, db Database) {
	s := newSample(t, db)
	for i, text := range awkward {
		want := tenant(s.sub, europe, i)
		want.Name, want.CreatedBy, want.ExternalID = text, text, text
		want.Labels = map[string]string{text: text, "x": text}
		insertTenants(t, db, want)
		got := read(t, db, func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), all(s.acme), want.ID) })
		equal(t, "tenant", got, want)

		u := user(want, i)
		u.Name, u.Subject, u.Email, u.Roles = text, text, text, []estate.RoleName{estate.RoleName(text)}
		c := client(estate.LevelTenant, want.Scope(), i)
		c.Name, c.Description, c.URI, c.RedirectURIs = text, text, text, []string{text}
		c.Permissions, c.Secrets = estate.Permissions{text}, nil
		a := account(s.acme, i+10)
		a.Name, a.Email, a.PasswordHash = text, text, text
		write(t, db, func(tx *store.Tx) error {
			return first(tx.InsertUser(t.Context(), u), tx.InsertClient(t.Context(), c), tx.InsertAccount(t.Context(), a))
		})
		equal(t, "user", read(t, db, func(tx *store.Tx) (estate.User, error) { return tx.User(t.Context(), want.Scope(), u.ID) }), u)
		equal(t, "client", read(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.Client(t.Context(), want.Scope(), c.ID) }), c)
		equal(t, "account", read(t, db, func(tx *store.Tx) (estate.Account, error) { return tx.Account(t.Context(), all(s.acme), text) }), a)
	}
}

func testTime(t *testing.T, db Database) {
	s := newSample(t, db)
	east := time.FixedZone("east", 14*3600)
	for i, at := range []time.Time{
		{}, // no time stays no time
		moment(0),
		moment(0).Add(999 * time.Nanosecond), // cut, not rounded
		moment(0).In(east),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_998_500, time.UTC),
		time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
		time.Now(), // the monotonic clock reading is lost
	} {
		want := tenant(s.sub, europe, i)
		want.CreatedAt, want.UpdatedAt, want.StatusUpdatedAt = at, at, at
		insertTenants(t, db, want)
		got := read(t, db, func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), all(s.acme), want.ID) })
		for _, got := range []time.Time{got.CreatedAt, got.UpdatedAt, got.StatusUpdatedAt} {
			if want := stored(at); got != want { // as values: in UTC, and nothing beside
				t.Errorf("%v came back as %v, want %v", at, got, want)
			}
		}
	}
}

// testReadOnly calls every method in a read transaction, which changes nothing.
func testReadOnly(t *testing.T, db Database) {
	s := newSample(t, db)
	before := dump(t, db)
	reads := map[string]bool{
		"APIKey": true, "APIKeySettings": true, "APIKeys": true, "APIKeysDue": true, "CountAPIKeys": true, "CSPOrigin": true, "CSPOrigins": true, "WebIntegration": true, "WebIntegrations": true,
		"Account": true, "AccountByEmail": true, "AccountCredential": true, "AccountLink": true, "Credential": true, "Credentials": true, "Link": true, "AccountSession": true, "Accounts": true, "AuditChain": true, "AuditCounts": true, "AuditNames": true, "AuditPage": true, "AuditRecord": true,
		"AuditRecords": true, "AuthSettings": true, "BotUser": true, "ChainHeads": true, "ChainsBehind": true, "Client": true,
		"ClientConnection": true, "ClientConnections": true, "ClientPage": true, "ClientToAuthenticate": true, "ClientUsages": true, "MiscountedTenants": true,
		"Clients": true, "CountClients": true, "CountDevices": true, "Device": true, "DeviceByUserCode": true, "Figures": true, "GrantFor": true, "PendingClients": true, "CountPendingClients": true, "RefreshToken": true, "CountTenants": true, "Deliveries": true, "Delivery": true, "EventCursor": true,
		"Grant": true, "Grants": true, "HostnameFree": true, "IdempotentAnswer": true, "IdentityProvider": true, "IdentityProviders": true,
		"Keys": true, "Organization": true, "Organizations": true, "Orphans": true, "OwnAuditChain": true, "OwnAuditCounts": true, "PeerNotes": true, "Provisioner": true,
		"Provisioners": true, "Provisioning": true, "Provisionings": true, "PublishedClient": true, "Region": true, "Regions": true,
		"Revocations": true, "SavedViews": true, "SecretsDue": true, "Session": true, "Sessions": true, "Subscription": true, "SubscriptionOwner": true, "Subscriptions": true,
		"Tenant": true, "TenantByExternalID": true, "TenantByHostname": true, "TenantGroups": true, "TenantPreferences": true, "TenantsPerDay": true, "Tenants": true, "TenantsDue": true, "TenantsByID": true, "TenantsToErase": true, "User": true,
		"Families": true, "Identities": true, "OrganizationSignIns": true,
		"Unchained": true, "UsageJournaled": true, "UserBySubject": true, "Webhook": true, "Webhooks": true, "WebhooksToTell": true,
	}
	for _, name := range methodNames[*store.Tx]() {
		err := db.Store.Read(t.Context(), func(tx *store.Tx) error {
			method := reflect.ValueOf(tx).MethodByName(name)
			args := make([]reflect.Value, method.Type().NumIn())
			for i := range args {
				args[i] = reflect.New(method.Type().In(i)).Elem()
				switch args[i].Interface().(type) {
				case estate.Scope:
					args[i].Set(reflect.ValueOf(of(s.sub)))
				}
			}
			args[0] = reflect.ValueOf(t.Context())
			results := method.Call(args)
			err, _ := results[len(results)-1].Interface().(error)
			return err
		})
		if _, known := directoryReads[name]; err == nil && !reads[name] && !known {
			t.Errorf("%s does not fail in a read transaction", name)
		}
	}
	equal(t, "database", dump(t, db), before)
}
