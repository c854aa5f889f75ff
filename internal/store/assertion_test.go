package store_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// TestTx_UseAssertion uses ids with two stores on one database, as two nodes
// would.
func TestTx_UseAssertion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "freehold.db")
	one, other := openAssertions(t, path), openAssertions(t, path)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	scope, foreign := estate.Scope{Organization: "o1"}, estate.Scope{Organization: "o2"}
	writeAssertion(t, one, func(tx *store.Tx) error {
		for _, s := range []estate.Scope{scope, foreign} {
			if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: s.Organization, Name: "Acme", CreatedAt: now, UpdatedAt: now}); err != nil {
				return err
			}
		}
		for _, id := range []estate.ClientID{"c1", "c2"} {
			if err := tx.InsertClient(t.Context(), estate.Client{ID: id, Level: estate.LevelOrganization, Scope: scope, Name: "c", CreatedAt: now, UpdatedAt: now}); err != nil {
				return err
			}
		}
		return nil
	})
	use := func(db *store.Store, scope estate.Scope, client estate.ClientID, id string, at time.Time) (fresh bool) {
		t.Helper()
		writeAssertion(t, db, func(tx *store.Tx) (err error) {
			fresh, err = tx.UseAssertion(t.Context(), scope, client, id, at, now.Add(time.Minute))
			return err
		})
		return fresh
	}
	later := now.Add(time.Minute)
	for _, step := range []struct {
		name   string
		db     *store.Store
		scope  estate.Scope
		client estate.ClientID
		id     string
		at     time.Time
		fresh  bool
	}{
		{"first use", one, scope, "c1", "a", now, true},
		{"again", one, scope, "c1", "a", now, false},
		{"again on another node", other, scope, "c1", "a", now, false},
		{"just before it expires", other, scope, "c1", "a", later.Add(-time.Microsecond), false},
		{"by another client", other, scope, "c2", "a", now, true},
		{"another id", one, scope, "c1", "b", now, true},
		{"in another organization", one, foreign, "c1", "c", now, false},
		{"after it expired", one, scope, "c1", "a", later, true},
	} {
		if fresh := use(step.db, step.scope, step.client, step.id, step.at); fresh != step.fresh {
			t.Errorf("%s: fresh is %v", step.name, fresh)
		}
	}

	var winners atomic.Int32
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if use([]*store.Store{one, other}[i%2], scope, "c1", "race", now) {
				winners.Add(1)
			}
		})
	}
	all.Wait()
	if n := winners.Load(); n != 1 {
		t.Errorf("%d of 40 uses were the first", n)
	}

	writeAssertion(t, one, func(tx *store.Tx) error { return tx.Trim(t.Context(), later) })
	if !use(one, scope, "c1", "b", now) {
		t.Error("an expired id is still there after trimming")
	}
}

func TestTx_Client_Trust(t *testing.T) {
	db := openAssertions(t, filepath.Join(t.TempDir(), "freehold.db"))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := estate.Client{
		ID: "c1", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: "o1"}, Name: "c", CreatedAt: now, UpdatedAt: now,
		PublicKeys: []estate.PublicKey{{ID: "k", Algorithm: "ES256", JWK: []byte(`{"kid":"k"}`)}},
		JWKSURI:    "https://client.example.com/keys",
		Federated:  []estate.FederatedCredential{{Name: "ci", Issuer: "https://issuer.example.com", Audience: "a", Subject: "s", Condition: "true"}},
	}
	writeAssertion(t, db, func(tx *store.Tx) error {
		if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: "o1", Name: "Acme", CreatedAt: now, UpdatedAt: now}); err != nil {
			return err
		}
		return tx.InsertClient(t.Context(), c)
	})
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		got, err := tx.Client(t.Context(), c.Scope, c.ID)
		if err != nil {
			return err
		}
		if len(got.PublicKeys) != 1 || got.PublicKeys[0].ID != "k" || string(got.PublicKeys[0].JWK) != `{"kid":"k"}` ||
			got.JWKSURI != c.JWKSURI || len(got.Federated) != 1 || got.Federated[0] != c.Federated[0] {
			t.Errorf("read %+v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func openAssertions(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func writeAssertion(t *testing.T, db *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Error(err)
	}
}
