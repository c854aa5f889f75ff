package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// keyOwner is an organization with a tenant and a client of the tenant.
type keyOwner struct {
	scope  estate.Scope
	client estate.ClientID
	user   estate.UserID
}

func openWithOwners(t *testing.T, now time.Time) (db *store.Store, a, b keyOwner) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	writeTx(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertRegion(ctx, estate.Region{Code: "us", Name: "US", CreatedAt: now})
	})
	make := func() keyOwner {
		o := keyOwner{user: estate.NewUserID(), client: estate.NewClientID()}
		o.scope = estate.Scope{Organization: estate.NewOrganizationID(), Subscription: estate.NewSubscriptionID(), Region: "us", Tenant: estate.NewTenantID()}
		writeTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.InsertOrganization(ctx, estate.Organization{ID: o.scope.Organization, CreatedAt: now, UpdatedAt: now}); err != nil {
				return err
			}
			err := tx.InsertSubscription(ctx, estate.Subscription{
				ID: o.scope.Subscription, Organization: o.scope.Organization, TenantLimit: 2, TenantCount: 1, Regions: []estate.RegionCode{"us"},
				StartsAt: now, EndsAt: now.Add(time.Hour), CreatedAt: now, UpdatedAt: now,
			})
			if err != nil {
				return err
			}
			err = tx.InsertTenant(ctx, estate.Tenant{
				ID: o.scope.Tenant, Organization: o.scope.Organization, Subscription: o.scope.Subscription, Region: "us", Status: estate.TenantActive,
				Hostname: estate.NewHostname(estate.NewHostLabel(), "us"), CreatedAt: now, UpdatedAt: now, StatusUpdatedAt: now,
			})
			if err != nil {
				return err
			}
			return tx.InsertClient(ctx, estate.Client{ID: o.client, Level: estate.LevelTenant, Scope: o.scope, CreatedAt: now, UpdatedAt: now})
		})
		return o
	}
	return db, make(), make()
}

func writeTx(t *testing.T, db *store.Store, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestGrants_AreIsolated(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	db, a, b := openWithOwners(t, now)
	isNotFound := func(err error) bool {
		var e *estate.Error
		return errors.As(err, &e) && e.Code == api.CodeTokenNotFound
	}
	use := func(scope estate.Scope, o keyOwner, at time.Time) {
		t.Helper()
		writeTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddGrantUse(ctx, scope, estate.Grant{ID: estate.NewGrantID(), Client: o.client, User: o.user, LastUsedAt: at})
		})
	}
	list := func(o keyOwner) (all []estate.Grant) {
		t.Helper()
		writeTx(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			all, err = tx.Grants(ctx, o.scope, store.GrantQuery{Limit: 10})
			return err
		})
		return all
	}
	for _, o := range []keyOwner{a, b} {
		use(o.scope, o, now)
		use(o.scope, o, now.Add(time.Minute))
		use(o.scope, o, now) // late news
	}
	use(a.scope, b, now) // a client of another organization
	use(estate.Scope{}, a, now.Add(time.Hour))
	grants := list(a)
	if len(grants) != 1 || len(list(b)) != 1 {
		t.Fatalf("%+v and %+v", grants, list(b))
	}
	want := estate.Grant{
		ID: grants[0].ID, Organization: a.scope.Organization, Tenant: a.scope.Tenant, Client: a.client, User: a.user,
		CreatedAt: now, LastUsedAt: now.Add(time.Minute),
	}
	if diff := cmp.Diff(want, grants[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, scope := range map[string]estate.Scope{"another's": b.scope, "no": {}, "the organization's": {Organization: a.scope.Organization}} {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Grant(t.Context(), scope, want.ID); !isNotFound(err) {
				t.Errorf("Grant in %s scope: %v", name, err)
			}
			_, err := tx.RevokeGrant(t.Context(), scope, want, now, now.Add(time.Hour))
			return err
		})
		if !isNotFound(err) {
			t.Errorf("RevokeGrant in %s scope: %v", name, err)
		}
	}
	var first, second estate.RevokedGrant
	writeTx(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		first, err = tx.RevokeGrant(ctx, a.scope, want, now.Add(2*time.Minute), now.Add(time.Hour))
		return err
	})
	if len(list(a)) != 0 || len(list(b)) != 1 {
		t.Error("the deletion touched too much or too little")
	}
	use(a.scope, a, now.Add(2*time.Minute)) // counted before, written after
	if len(list(a)) != 0 {
		t.Error("old use brought the grant back")
	}
	use(a.scope, a, now.Add(2*time.Minute+time.Millisecond))
	again := list(a)
	if len(again) != 1 || again[0].ID == want.ID {
		t.Fatalf("new use: %+v", again)
	}
	writeTx(t, db, func(ctx context.Context, tx *store.Tx) (err error) { // by a clock that has not moved
		second, err = tx.RevokeGrant(ctx, a.scope, again[0], now.Add(2*time.Minute), now.Add(2*time.Hour))
		return err
	})
	if !second.IssuedUntil.Equal(first.IssuedUntil.Add(time.Millisecond)) {
		t.Errorf("revoked until %s, then until %s", first.IssuedUntil, second.IssuedUntil)
	}
}

func TestRevocations(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	db, a, _ := openWithOwners(t, now)
	var heard []store.Change
	db.Subscribe(func(changes []store.Change) { heard = append(heard, changes...) })
	token := estate.RevokedToken{ID: "0123456789abcdef0123456789abcdef", Client: a.client, ExpiresAt: now.Add(time.Hour)}
	for range 2 {
		writeTx(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.InsertRevokedToken(ctx, a.scope, token, now) })
	}
	if len(heard) == 0 {
		t.Fatal("nobody was told")
	}
	if got, grant := store.ParseRevocation(heard[0].Key); grant != nil || got == nil || !cmp.Equal(*got, token) {
		t.Errorf("%q reads as %+v, %+v", heard[0].Key, got, grant)
	}
	for at, want := range map[time.Time]int{now: 1, now.Add(time.Hour): 0} {
		writeTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			tokens, _, err := tx.Revocations(ctx, at)
			if len(tokens) != want {
				t.Errorf("at %s: %+v", at, tokens)
			}
			return err
		})
	}
}

func FuzzParseRevocation(f *testing.F) {
	f.Add(store.RevokedTokenKey(estate.RevokedToken{ID: "a", Client: "b", ExpiresAt: time.UnixMicro(5)}))
	f.Add(store.RevokedGrantKey(estate.RevokedGrant{Tenant: "a", Client: "b", User: "c", IssuedUntil: time.UnixMicro(5), ExpiresAt: time.UnixMicro(6)}))
	f.Add("token/a/b/x")
	f.Fuzz(func(t *testing.T, key string) {
		token, grant := store.ParseRevocation(key)
		if token != nil {
			if again, _ := store.ParseRevocation(store.RevokedTokenKey(*token)); again == nil || !cmp.Equal(*again, *token) {
				t.Errorf("%q: %+v is read back as %+v", key, token, again)
			}
		}
		if grant != nil {
			if _, again := store.ParseRevocation(store.RevokedGrantKey(*grant)); again == nil || !cmp.Equal(*again, *grant) {
				t.Errorf("%q: %+v is read back as %+v", key, grant, again)
			}
		}
	})
}
