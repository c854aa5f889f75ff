package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// wantSecrets checks which secrets a client has, in their order.
func wantSecrets(t *testing.T, db Database, of estate.Client, want ...estate.ClientSecret) {
	t.Helper()
	c := read(t, db, func(tx *store.Tx) (estate.Client, error) { return tx.Client(t.Context(), of.Scope, of.ID) })
	equal(t, "secrets", c.Secrets, want)
}

func testClientSecret(t *testing.T, db Database) {
	s := newSample(t, db)
	c, another, gone := client(estate.LevelOrganization, all(s.acme), 1), client(estate.LevelOrganization, all(s.acme), 2), client(estate.LevelOrganization, all(s.acme), 3)
	c.Secrets = nil
	insertClients(t, db, c, another, gone)
	deleteClient(t, db, gone, moment(1))
	insert := func(id estate.ClientID, secret estate.ClientSecret) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.InsertClientSecret(t.Context(), all(s.acme), id, secret) }
	}
	update := func(id estate.ClientID, secret estate.ClientSecret) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.UpdateClientSecret(t.Context(), all(s.acme), id, secret, moment(90))
		}
	}
	remove := func(id estate.ClientID, hint string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.DeleteClientSecret(t.Context(), all(s.acme), id, hint, moment(91))
		}
	}
	old, young, plain := secret("zzz", 5), secret("abc", 6), estate.ClientSecret{Hint: "aaa", Hash: []byte{7}, CreatedAt: moment(6)}
	for _, secret := range []estate.ClientSecret{young, complete(t, old), plain} {
		heard := changesBy(t, db, func() { write(t, db, insert(c.ID, secret)) })
		equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	}
	wantSecrets(t, db, c, old, plain, young) // by age, then hint
	wantDefect(t, refused(t, db, insert(c.ID, secret("abc", 9))))

	asked := young
	asked.KeyID, asked.Hash, asked.CreatedBy, asked.CreatedAt = "x", []byte("y"), "z", moment(60)
	asked.FirstUsedAt, asked.LastUsedAt = moment(61), moment(62)
	asked.ExpiresAt, asked.WarnedAt, asked.Rotation, asked.EndBefore = moment(70), moment(71), estate.RotationNew, moment(72)
	young.ExpiresAt, young.WarnedAt, young.Rotation, young.EndBefore = moment(70), moment(71), estate.RotationNew, moment(72)
	heard := changesBy(t, db, func() { write(t, db, update(c.ID, asked)) })
	wantSecrets(t, db, c, old, plain, young)
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	old.ExpiresAt, old.WarnedAt, old.Rotation, old.EndBefore = time.Time{}, time.Time{}, "", time.Time{}
	write(t, db, update(c.ID, old))
	wantSecrets(t, db, c, old, plain, young)

	heard = changesBy(t, db, func() { write(t, db, remove(c.ID, "abc")) })
	equal(t, "changes", heard, []store.Change{clientChange(c.ID)})
	wantSecrets(t, db, c, old, plain)
	wantClient(t, db, another) // which has secrets with the same hints

	for _, hint := range []string{"", "abc", "ZZZ"} {
		wantError(t, refused(t, db, update(c.ID, secret(hint, 1))), estate.NotFound, api.CodeSecretNotFound)
		wantError(t, refused(t, db, remove(c.ID, hint)), estate.NotFound, api.CodeSecretNotFound)
	}
	for _, id := range []estate.ClientID{"", clientID(9), gone.ID} {
		for _, fn := range []func(tx *store.Tx) error{insert(id, plain), update(id, secret("abc", 1)), remove(id, "abc")} {
			wantError(t, refused(t, db, fn), estate.NotFound, api.CodeClientNotFound)
		}
	}
}

func testSecretUse(t *testing.T, db Database) {
	s := newSample(t, db)
	c, another := client(estate.LevelOrganization, all(s.acme), 1), client(estate.LevelOrganization, all(s.acme), 2)
	unused := estate.ClientSecret{Hint: "new", Hash: []byte{1}, CreatedAt: moment(50)}
	c.Secrets, another.Secrets = []estate.ClientSecret{secret("abc", 1), unused}, []estate.ClientSecret{unused}
	insertClients(t, db, c, another)
	use := func(hint string, first, last int) []store.Change {
		return changesBy(t, db, func() {
			write(t, db, func(tx *store.Tx) error {
				return tx.AddSecretUse(t.Context(), all(s.acme), c.ID, hint, moment(first), moment(last))
			})
		})
	}
	for _, step := range []struct{ first, last, wantFirst, wantLast int }{
		{60, 70, 60, 70},
		{80, 90, 60, 90},
		{65, 75, 60, 90}, // another process wrote before
		{55, 56, 55, 90},
	} {
		equal(t, "changes", len(use("new", step.first, step.last)), 0) // nothing that is cached depends on it
		unused.FirstUsedAt, unused.LastUsedAt = moment(step.wantFirst), moment(step.wantLast)
		wantSecrets(t, db, c, c.Secrets[0], unused)
	}
	wantClient(t, db, another)
	before := dump(t, db)
	use("gone", 1, 99) // not an error
	equal(t, "database", dump(t, db), before)
}

func testSecretsDue(t *testing.T, db Database) {
	s := newSample(t, db)
	home := tenant(s.sub, europe, 1)
	insertTenants(t, db, home)
	one, two, gone := client(estate.LevelTenant, home.Scope(), 1), client(estate.LevelOrganization, all(s.other), 2), client(estate.LevelOrganization, all(s.other), 3)
	ends := func(hint string, at int, warned bool, rotation estate.Rotation) estate.ClientSecret {
		secret := estate.ClientSecret{Hint: hint, Hash: []byte{1}, CreatedAt: moment(1), Rotation: rotation}
		if at != 0 {
			secret.ExpiresAt = moment(at)
		}
		if warned {
			secret.WarnedAt = moment(2)
		}
		return secret
	}
	one.Secrets = []estate.ClientSecret{
		ends("never", 0, false, ""), ends("announced", 150, true, ""), ends("last", 200, false, ""), ends("later", 201, false, ""),
		ends("rotates", 150, false, estate.RotationOld), ends("b", 150, false, ""), ends("a", 150, false, ""), ends("ended now", 100, true, ""),
	}
	two.Secrets = []estate.ClientSecret{ends("a", 150, false, ""), ends("ended", 50, true, estate.RotationOld), ends("replaces", 150, false, estate.RotationNew)}
	gone.Secrets = []estate.ClientSecret{ends("ended", 50, true, "")}
	insertClients(t, db, two, one, gone)
	deleteClient(t, db, gone, moment(3))
	due := func(now, until int) (all []store.SecretDue) {
		return read(t, db, func(tx *store.Tx) ([]store.SecretDue, error) {
			return tx.SecretsDue(t.Context(), moment(now), moment(until))
		})
	}
	of := func(c estate.Client, secret estate.ClientSecret) store.SecretDue {
		shown := estate.ClientSecret{Hint: secret.Hint, ExpiresAt: secret.ExpiresAt, WarnedAt: secret.WarnedAt, Rotation: secret.Rotation}
		return store.SecretDue{Scope: c.Scope, Client: c.ID, Secret: shown}
	}
	equal(t, "secrets that are due", due(100, 200), []store.SecretDue{
		of(two, two.Secrets[1]), of(one, one.Secrets[7]), of(one, one.Secrets[6]), of(one, one.Secrets[5]), of(two, two.Secrets[0]), of(one, one.Secrets[2]),
	})
	equal(t, "secrets that are due before", due(49, 99), []store.SecretDue(nil))

	many := client(estate.LevelOrganization, all(s.acme), 4)
	many.Secrets = nil
	for i := range store.MaxPage {
		many.Secrets = append(many.Secrets, ends(fmt.Sprint(i), 10, false, ""))
	}
	insertClients(t, db, many)
	most := due(100, 200)
	equal(t, "most that is returned", len(most), store.MaxPage)
	for _, d := range most {
		if d.Client != many.ID {
			t.Errorf("%s of client %s is returned before what ended earlier", d.Secret.Hint, d.Client)
		}
	}
}
