package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

var at = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)

// owner is an organization with a tenant, a client of it and the client's bot.
type owner struct {
	scope  estate.Scope
	client estate.ClientID
	bot    estate.UserID
}

func openLifecycle(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func writeLifecycle(t *testing.T, db *store.Store, fn func(ctx context.Context, tx *store.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) })
}

func newOwner(t *testing.T, db *store.Store) owner {
	t.Helper()
	o := owner{
		scope:  estate.Scope{Organization: estate.NewOrganizationID(), Subscription: estate.NewSubscriptionID(), Region: "us", Tenant: estate.NewTenantID()},
		client: estate.NewClientID(), bot: estate.NewUserID(),
	}
	err := writeLifecycle(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertOrganization(ctx, estate.Organization{ID: o.scope.Organization, Name: "o", CreatedAt: at, UpdatedAt: at}); err != nil {
			return err
		}
		if _, err := tx.Region(ctx, "us"); err != nil {
			if err := tx.InsertRegion(ctx, estate.Region{Code: "us", CreatedAt: at}); err != nil {
				return err
			}
		}
		sub := estate.Subscription{ID: o.scope.Subscription, Organization: o.scope.Organization, TenantLimit: 3, Regions: []estate.RegionCode{"us"}, StartsAt: at, EndsAt: at.AddDate(1, 0, 0), CreatedAt: at, UpdatedAt: at}
		if err := tx.InsertSubscription(ctx, sub); err != nil {
			return err
		}
		tenant := estate.Tenant{
			ID: o.scope.Tenant, Organization: o.scope.Organization, Subscription: sub.ID, Region: "us", Name: "t",
			Hostname: estate.NewHostname(estate.NewHostLabel(), "us"), Status: estate.TenantActive, StatusUpdatedAt: at, CreatedAt: at, UpdatedAt: at,
		}
		if err := tx.InsertTenant(ctx, tenant); err != nil {
			return err
		}
		c := estate.Client{
			ID: o.client, Level: estate.LevelTenant, Scope: o.scope, Name: "c", AppType: "web", Consent: estate.ConsentTrusted, CreatedAt: at, UpdatedAt: at, PublishedAt: at,
			Secrets: []estate.ClientSecret{{Hint: "aaaaa", Hash: []byte{1}, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}},
		}
		if err := tx.InsertClient(ctx, c); err != nil {
			return err
		}
		return tx.InsertUser(ctx, estate.User{
			ID: o.bot, Organization: o.scope.Organization, Tenant: o.scope.Tenant, Subject: estate.BotSubject(o.client), Status: estate.UserActive,
			ClientID: o.client, CreatedAt: at, UpdatedAt: at,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Every method with a scope touches nothing of another owner, of the zero scope,
// nor of a scope that is too narrow elsewhere.
func TestClientLifecycle_isolation(t *testing.T) {
	db := openLifecycle(t)
	mine, theirs := newOwner(t, db), newOwner(t, db)
	wrongTenant := mine.scope
	wrongTenant.Tenant = theirs.scope.Tenant
	wrongRegion := mine.scope
	wrongRegion.Region = "eu"
	state := func() (text [2]estate.Client) {
		t.Helper()
		err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
			for i, o := range []owner{mine, theirs} {
				if text[i], err = tx.ClientToAuthenticate(t.Context(), o.client); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := state()
	changed := before[0]
	changed.Name, changed.UpdatedAt = "changed", at.Add(time.Minute)
	for name, scope := range map[string]estate.Scope{"another owner": theirs.scope, "zero": {}, "another tenant": wrongTenant, "another region": wrongRegion} {
		for method, fn := range map[string]func(ctx context.Context, tx *store.Tx) error{
			"UpdateClient": func(ctx context.Context, tx *store.Tx) error { return tx.UpdateClient(ctx, scope, changed) },
			"DeleteClient": func(ctx context.Context, tx *store.Tx) error { return tx.DeleteClient(ctx, scope, mine.client, at) },
			"InsertClientSecret": func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertClientSecret(ctx, scope, mine.client, estate.ClientSecret{Hint: "bbbbb", Hash: []byte{1}})
			},
			"UpdateClientSecret": func(ctx context.Context, tx *store.Tx) error {
				return tx.UpdateClientSecret(ctx, scope, mine.client, estate.ClientSecret{Hint: "aaaaa"}, at)
			},
			"DeleteClientSecret": func(ctx context.Context, tx *store.Tx) error {
				return tx.DeleteClientSecret(ctx, scope, mine.client, "aaaaa", at)
			},
			"GiveBot": func(ctx context.Context, tx *store.Tx) error {
				return tx.GiveBot(ctx, scope, mine.bot, theirs.client, at)
			},
			"DeleteUser": func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUser(ctx, scope, mine.bot, at) },
			"SetClientConnection": func(ctx context.Context, tx *store.Tx) error {
				return tx.SetClientConnection(ctx, scope, theirs.client, estate.ConsentTrusted, at)
			},
			"PublishedClient": func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.PublishedClient(ctx, scope, mine.client)
				return err
			},
		} {
			if (method == "GiveBot" || method == "DeleteUser") && name == "another region" {
				continue // users are named by organization and tenant, from which the region follows
			}
			if method == "PublishedClient" && name == "another tenant" || method == "SetClientConnection" && name == "another owner" {
				continue // of the same organization, so it is published to it; and one's own has no connection
			}
			if err := writeLifecycle(t, db, fn); err == nil {
				t.Errorf("%s: %s did something", name, method)
			}
		}
		for method, fn := range map[string]func(ctx context.Context, tx *store.Tx) (int, error){
			"StopBots":  func(ctx context.Context, tx *store.Tx) (int, error) { return tx.StopBots(ctx, scope, mine.client, at) },
			"StartBots": func(ctx context.Context, tx *store.Tx) (int, error) { return tx.StartBots(ctx, scope, mine.client, at) },
			"Orphans": func(ctx context.Context, tx *store.Tx) (int, error) {
				all, err := tx.Orphans(ctx, scope, "")
				return len(all), err
			},
			"ClientPage": func(ctx context.Context, tx *store.Tx) (int, error) {
				all, _, err := tx.ClientPage(ctx, scope, store.ClientQuery{Level: estate.LevelTenant, Limit: 10})
				n := 0
				for _, c := range all {
					if c.ID == mine.client {
						n++
					}
				}
				return n, err
			},
			"ClientConnections": func(ctx context.Context, tx *store.Tx) (int, error) {
				all, err := tx.ClientConnections(ctx, scope, []estate.ClientID{mine.client, theirs.client})
				return len(all), err
			},
			"DeleteClientConnection": func(ctx context.Context, tx *store.Tx) (int, error) {
				if done, err := tx.DeleteClientConnection(ctx, scope, mine.client, at); done || err != nil {
					return 1, err
				}
				return 0, nil
			},
		} {
			if (method == "StopBots" || method == "StartBots") && name == "another region" {
				continue
			}
			var n int
			if err := writeLifecycle(t, db, func(ctx context.Context, tx *store.Tx) (err error) { n, err = fn(ctx, tx); return err }); err != nil || n != 0 {
				t.Errorf("%s: %s: %d, %v", name, method, n, err)
			}
		}
		_ = writeLifecycle(t, db, func(ctx context.Context, tx *store.Tx) error {
			if scope.Organization == mine.scope.Organization {
				return nil // use is counted by organization
			}
			return tx.AddSecretUse(ctx, scope, mine.client, "aaaaa", at, at)
		})
	}
	after := state()
	if before[0].Name != after[0].Name || len(after[0].Secrets) != 1 || after[0].Secrets[0].Hint != "aaaaa" || !after[0].Secrets[0].LastUsedAt.IsZero() || len(after[1].TrustedBy) != 0 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
}

func TestClientLifecycle_works(t *testing.T) {
	db := openLifecycle(t)
	o := newOwner(t, db)
	must := func(fn func(ctx context.Context, tx *store.Tx) error) {
		t.Helper()
		if err := writeLifecycle(t, db, fn); err != nil {
			t.Fatal(err)
		}
	}
	must(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddSecretUse(ctx, o.scope, o.client, "aaaaa", at, at.Add(time.Second)); err != nil {
			return err
		}
		return tx.AddSecretUse(ctx, o.scope, o.client, "aaaaa", at.Add(time.Minute), at.Add(time.Hour))
	})
	must(func(ctx context.Context, tx *store.Tx) error {
		c, err := tx.Client(ctx, o.scope, o.client)
		if err == nil && (!c.Secrets[0].FirstUsedAt.Equal(at) || !c.Secrets[0].LastUsedAt.Equal(at.Add(time.Hour)) || !c.Secrets[0].ExpiresAt.Equal(at.Add(time.Hour))) {
			t.Errorf("%+v", c.Secrets)
		}
		return err
	})
	var changes []store.Change
	db.Subscribe(func(c []store.Change) { changes = append(changes, c...) })
	must(func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.StopBots(ctx, o.scope, o.client, at)
		if n != 1 {
			t.Errorf("stopped %d bots", n)
		}
		return err
	})
	must(func(ctx context.Context, tx *store.Tx) error { return tx.DeleteClient(ctx, o.scope, o.client, at) })
	want := map[store.ChangeKind]string{
		store.ChangeBot:    string(o.scope.Organization) + "/" + string(o.scope.Tenant) + "/" + string(o.client),
		store.ChangeClient: string(o.client),
	}
	for _, c := range changes {
		if want[c.Kind] == c.Key {
			delete(want, c.Kind)
		}
	}
	if len(want) != 0 {
		t.Errorf("changes %v lack %v", changes, want)
	}
	must(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.ClientToAuthenticate(ctx, o.client); err == nil {
			t.Error("a deleted client can authenticate")
		}
		due, err := tx.SecretsDue(ctx, at.AddDate(1, 0, 0), at.AddDate(1, 0, 0))
		if len(due) != 0 {
			t.Errorf("secrets of a deleted client: %+v", due)
		}
		orphans, err2 := tx.Orphans(ctx, o.scope, "")
		if len(orphans) != 1 || orphans[0].Bot.ID != o.bot || orphans[0].Bot.Status != estate.UserDisabled || orphans[0].Client.DeletedAt.IsZero() {
			t.Errorf("%+v", orphans)
		}
		if err == nil {
			err = err2
		}
		return err
	})
}
