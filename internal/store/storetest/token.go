package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// testAssertion uses assertions with two handles, as two servers would.
func testAssertion(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two := client(estate.LevelOrganization, all(s.acme), 1), client(estate.LevelOrganization, all(s.acme), 2)
	insertClients(t, db, one, two)
	handles := []*store.Store{db.Store, db.Again(t)}
	now, expires := moment(0), moment(0).Add(time.Minute)
	use := func(handle int, scope estate.Scope, client estate.ClientID, id string, at time.Time) (fresh bool) {
		t.Helper()
		err := handles[handle].Write(t.Context(), func(tx *store.Tx) (err error) {
			fresh, err = tx.UseAssertion(t.Context(), scope, client, id, at, expires)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return fresh
	}
	long := strings.Repeat("ü", 100_000)
	for _, step := range []struct {
		name   string
		handle int
		scope  estate.Scope
		client estate.ClientID
		id     string
		at     time.Time
		fresh  bool
	}{
		{"first use", 0, all(s.acme), one.ID, "a", now, true},
		{"again", 0, all(s.acme), one.ID, "a", now, false},
		{"again at another server", 1, all(s.acme), one.ID, "a", now, false},
		{"just before it expires", 1, all(s.acme), one.ID, "a", expires.Add(-time.Microsecond), false},
		{"by another client", 1, all(s.acme), two.ID, "a", now, true},
		{"another id", 0, all(s.acme), one.ID, "A", now, true},
		{"the empty id", 0, all(s.acme), one.ID, "", now, true},
		{"the empty id again", 0, all(s.acme), one.ID, "", now, false},
		{"a long id", 0, all(s.acme), one.ID, long, now, true},
		{"a long id again", 1, all(s.acme), one.ID, long, now, false},
		{"another long id", 1, all(s.acme), one.ID, long + "x", now, true},
		{"in another organization", 0, all(s.other), one.ID, "c", now, false},
		{"by nobody", 0, all(s.acme), clientID(9), "c", now, false},
		{"after it expired", 0, all(s.acme), one.ID, "a", expires, true},
	} {
		equal(t, step.name+": fresh", use(step.handle, step.scope, step.client, step.id, step.at), step.fresh)
	}

	var winners atomic.Int32
	var users sync.WaitGroup
	for i := range 40 {
		users.Go(func() {
			if use(i%2, all(s.acme), one.ID, "race", now) {
				winners.Add(1)
			}
		})
	}
	users.Wait()
	equal(t, "uses that were the first", winners.Load(), 1)

	// A server with a fast clock must not make one with a slow clock accept an
	// assertion again that is still good there.
	trim(t, db, expires.Add(time.Hour))
	equal(t, "fresh after trimming early", use(0, all(s.acme), one.ID, "race", now), false)
	trim(t, db, expires.Add(time.Hour+time.Microsecond))
	equal(t, "assertions kept", len(column(t, db, "select id from assertion_ids")), 0)
}

// granted is an estate with clients that can get grants.
type granted struct {
	sample
	home, next         estate.Tenant
	c, published, kept estate.Client
}

func newGranted(t *testing.T, db Database) granted {
	t.Helper()
	g := granted{sample: newSample(t, db)}
	g.home, g.next = tenant(g.sub, europe, 1), tenant(g.sub, europe, 2)
	insertTenants(t, db, g.home, g.next)
	g.c, g.published, g.kept = client(estate.LevelOrganization, all(g.acme), 1), publishable(g.next, 2), publishable(g.next, 3)
	g.kept.PublishedAt = time.Time{}
	insertClients(t, db, g.c, g.published, g.kept)
	return g
}

// use notes the use of a grant, which gets the id if it is new.
func (g granted) use(t *testing.T, db Database, id estate.GrantID, scope estate.Scope, c estate.ClientID, user estate.UserID, at int) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		return tx.AddGrantUse(t.Context(), scope, estate.Grant{ID: id, Client: c, User: user, LastUsedAt: moment(at)})
	})
}

func (g granted) get(t *testing.T, at estate.Tenant, id estate.GrantID) func(tx *store.Tx) (estate.Grant, error) {
	return func(tx *store.Tx) (estate.Grant, error) { return tx.Grant(t.Context(), at.Scope(), id) }
}

func (g granted) list(t *testing.T, db Database, at estate.Tenant, q store.GrantQuery) (ids []estate.GrantID) {
	t.Helper()
	for _, grant := range read(t, db, func(tx *store.Tx) ([]estate.Grant, error) { return tx.Grants(t.Context(), at.Scope(), q) }) {
		ids = append(ids, grant.ID)
	}
	return ids
}

func testGrant(t *testing.T, db Database) {
	g := newGranted(t, db)
	scope := g.home.Scope()
	want := estate.Grant{ID: "a", Organization: g.acme.ID, Tenant: g.home.ID, Client: g.c.ID, User: userID(1), CreatedAt: moment(10), LastUsedAt: moment(10)}
	for _, step := range []struct {
		id         estate.GrantID
		used, last int
	}{{"a", 10, 10}, {"b", 20, 20}, {"b", 15, 20}, {"b", 5, 20}} { // uses come in any order; the first gives the id
		g.use(t, db, step.id, scope, g.c.ID, userID(1), step.used)
		want.LastUsedAt = moment(step.last)
		equal(t, "grant", read(t, db, g.get(t, g.home, "a")), complete(t, want, "Approved"))
	}
	g.use(t, db, "c", g.next.Scope(), g.c.ID, userID(1), 1)
	g.use(t, db, "d", scope, g.published.ID, userID(1), 1)
	g.use(t, db, "e", scope, g.c.ID, userID(2), 1)
	equal(t, "grants", column(t, db, "select id from oauth_grants order by id"), []string{"a", "c", "d", "e"})

	before := dump(t, db)
	region := scope
	region.Tenant = ""
	gone := scope
	gone.Tenant = "gone"
	g.use(t, db, "x", region, g.c.ID, userID(3), 1) // there is no user above tenants
	g.use(t, db, "x", gone, g.c.ID, userID(3), 1)
	g.use(t, db, "x", scope, g.kept.ID, userID(3), 1) // it can't act there
	g.use(t, db, "x", scope, clientID(9), userID(3), 1)
	equal(t, "database", dump(t, db), before)
	deleteClient(t, db, g.c, moment(50))
	before = dump(t, db)
	g.use(t, db, "x", scope, g.c.ID, userID(1), 60)
	equal(t, "database after the use of a deleted client", dump(t, db), before)

	for _, id := range []estate.GrantID{"", "a", "c", "D", "x"} {
		wantError(t, readError(t, db, g.get(t, g.home, id)), estate.NotFound, api.CodeTokenNotFound)
	}
}

func testGrantPages(t *testing.T, db Database) {
	g := newGranted(t, db)
	scope := g.home.Scope()
	g.use(t, db, "d", scope, g.c.ID, userID(1), 9)
	g.use(t, db, "b", scope, g.c.ID, userID(2), 1)
	g.use(t, db, "a", scope, g.published.ID, userID(2), 2)
	g.use(t, db, "c", scope, g.published.ID, userID(3), 3)
	g.use(t, db, "x", g.next.Scope(), g.c.ID, userID(2), 4)
	after := func(user int, id estate.GrantID) *store.GrantPosition {
		return &store.GrantPosition{User: userID(user), Grant: id}
	}
	for name, c := range map[string]struct {
		query store.GrantQuery
		want  []estate.GrantID
	}{
		"all":               {store.GrantQuery{Limit: 10}, []estate.GrantID{"d", "a", "b", "c"}},
		"from the end":      {store.GrantQuery{Limit: 10, Descending: true}, []estate.GrantID{"c", "b", "a", "d"}},
		"some":              {store.GrantQuery{Limit: 2}, []estate.GrantID{"d", "a"}},
		"after":             {store.GrantQuery{Limit: 2, After: after(2, "a")}, []estate.GrantID{"b", "c"}},
		"before":            {store.GrantQuery{Limit: 2, After: after(2, "b"), Descending: true}, []estate.GrantID{"a", "d"}},
		"after one gone":    {store.GrantQuery{Limit: 9, After: after(2, "aa")}, []estate.GrantID{"b", "c"}},
		"after the last":    {store.GrantQuery{Limit: 9, After: after(3, "c")}, nil},
		"of a user":         {store.GrantQuery{Limit: 9, User: userID(2)}, []estate.GrantID{"a", "b"}},
		"of a user, after":  {store.GrantQuery{Limit: 9, User: userID(2), After: after(2, "a")}, []estate.GrantID{"b"}},
		"of a user, before": {store.GrantQuery{Limit: 9, User: userID(2), After: after(3, "z"), Descending: true}, []estate.GrantID{"b", "a"}},
		"of nobody":         {store.GrantQuery{Limit: 9, User: userID(9)}, nil},
		"none":              {store.GrantQuery{}, nil},
		"less than none":    {store.GrantQuery{Limit: -1}, nil},
	} {
		t.Run(name, func(t *testing.T) { equal(t, "grants", g.list(t, db, g.home, c.query), c.want) })
	}
	for n := range store.MaxPage {
		g.use(t, db, estate.GrantID(fmt.Sprint(n)), scope, g.c.ID, userID(10+n), 1)
	}
	equal(t, "most grants", len(g.list(t, db, g.home, store.GrantQuery{Limit: 10 * store.MaxPage})), store.MaxPage+1)
}

func testRevokeGrant(t *testing.T, db Database) {
	g := newGranted(t, db)
	g.use(t, db, "a", g.home.Scope(), g.c.ID, userID(1), 1)
	g.use(t, db, "b", g.next.Scope(), g.c.ID, userID(1), 1)
	g.use(t, db, "c", g.home.Scope(), g.c.ID, userID(2), 1)
	get := func(id estate.GrantID) estate.Grant { return read(t, db, g.get(t, g.home, id)) }
	revoke := func(grant estate.Grant, now, expires time.Time) (r estate.RevokedGrant, heard []store.Change) {
		t.Helper()
		heard = changesBy(t, db, func() {
			write(t, db, func(tx *store.Tx) (err error) {
				r, err = tx.RevokeGrant(t.Context(), g.home.Scope(), grant, now, expires)
				return err
			})
		})
		return r, heard
	}
	wantHeard := func(heard []store.Change, want estate.RevokedGrant) {
		t.Helper()
		if len(heard) != 1 || heard[0].Kind != store.ChangeRevocation {
			t.Fatalf("changes %v", heard)
		}
		token, grant := store.ParseRevocation(heard[0].Key)
		if token != nil || grant == nil || !cmp.Equal(*grant, want) {
			t.Errorf("%s reads as %+v and %+v, want %+v", heard[0].Key, token, grant, want)
		}
	}
	now, expires := moment(1000), moment(1000).Add(time.Hour)
	first := get("a")
	r, heard := revoke(first, now, expires)
	want := complete(t, estate.RevokedGrant{Tenant: g.home.ID, Client: g.c.ID, User: userID(1), IssuedUntil: now, ExpiresAt: expires})
	equal(t, "revoked", r, want)
	wantHeard(heard, want)
	equal(t, "grants left", column(t, db, "select id from oauth_grants order by id"), []string{"b", "c"})

	// What was used before does not bring it back, what is used later does.
	g.use(t, db, "old", g.home.Scope(), g.c.ID, userID(1), 1000)
	equal(t, "grants left", column(t, db, "select id from oauth_grants order by id"), []string{"b", "c"})
	g.use(t, db, "new", g.home.Scope(), g.c.ID, userID(1), 1001)

	// By a clock that goes after the first one's. Neither end comes earlier.
	r, heard = revoke(get("new"), now.Add(-time.Minute), expires.Add(-time.Minute))
	want.IssuedUntil = now.Add(time.Millisecond)
	equal(t, "revoked again", r, want)
	wantHeard(heard, want)
	g.use(t, db, "newest", g.home.Scope(), g.c.ID, userID(1), 1_000_000)
	r, _ = revoke(get("newest"), now.Add(time.Minute), expires.Add(time.Minute))
	want.IssuedUntil, want.ExpiresAt = now.Add(time.Minute), expires.Add(time.Minute)
	equal(t, "revoked later", r, want)

	right := get("c")
	wrongClient, wrongUser := right, right
	wrongClient.Client, wrongUser.User = g.published.ID, userID(1)
	for _, grant := range []estate.Grant{first, wrongClient, wrongUser, {ID: "b", Client: g.c.ID, User: userID(1)}, {}} {
		err := refused(t, db, func(tx *store.Tx) error {
			_, err := tx.RevokeGrant(t.Context(), g.home.Scope(), grant, now, expires)
			return err
		})
		wantError(t, err, estate.NotFound, api.CodeTokenNotFound)
	}
}

func testRevokedToken(t *testing.T, db Database) {
	g := newGranted(t, db)
	insert := func(scope estate.Scope, r estate.RevokedToken) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.InsertRevokedToken(t.Context(), scope, r, moment(1)) }
	}
	revoked := func() []estate.RevokedToken {
		return read(t, db, func(tx *store.Tx) ([]estate.RevokedToken, error) {
			tokens, _, err := tx.Revocations(t.Context(), moment(0))
			return tokens, err
		})
	}
	r := complete(t, estate.RevokedToken{ID: "0123", Client: g.c.ID, ExpiresAt: moment(100)})
	heard := changesBy(t, db, func() { write(t, db, insert(all(g.acme), r)) })
	if len(heard) != 1 || heard[0].Kind != store.ChangeRevocation {
		t.Fatalf("changes %v", heard)
	}
	if token, grant := store.ParseRevocation(heard[0].Key); grant != nil || token == nil || *token != r {
		t.Errorf("%s reads as %+v and %+v, want %+v", heard[0].Key, token, grant, r)
	}
	equal(t, "revoked", revoked(), []estate.RevokedToken{r})
	again := r
	again.ExpiresAt = moment(50)
	write(t, db, insert(g.home.Scope(), again))
	equal(t, "revoked twice", revoked(), []estate.RevokedToken{r})
	for what, c := range map[string]struct {
		scope  estate.Scope
		client estate.ClientID
		id     string
	}{
		"of another client":        {g.next.Scope(), g.kept.ID, r.ID},
		"of nobody":                {g.home.Scope(), clientID(9), "new"},
		"where it can't act":       {g.home.Scope(), g.kept.ID, "new"},
		"above where it can act":   {all(g.acme), g.kept.ID, "new"},
		"in another organization":  {all(g.other), g.c.ID, "new"},
		"nowhere":                  {estate.Scope{}, g.c.ID, "new"},
		"in a tenant that is gone": {estate.Scope{Organization: g.acme.ID, Tenant: "gone"}, g.c.ID, "new"},
	} {
		t.Run(what, func(t *testing.T) {
			err := refused(t, db, insert(c.scope, estate.RevokedToken{ID: c.id, Client: c.client, ExpiresAt: moment(100)}))
			wantError(t, err, estate.NotFound, api.CodeClientNotFound)
		})
	}
	// A deleted client still has tokens that are to be revoked.
	deleteClient(t, db, g.published, moment(2))
	write(t, db, insert(g.next.Scope(), estate.RevokedToken{ID: "4567", Client: g.published.ID, ExpiresAt: moment(100)}))
	equal(t, "revoked tokens", len(revoked()), 2)
}

func testRevocations(t *testing.T, db Database) {
	g := newGranted(t, db)
	g.use(t, db, "a", g.home.Scope(), g.c.ID, userID(1), 1)
	expires := moment(0).Add(time.Hour)
	token := estate.RevokedToken{ID: "0123", Client: g.c.ID, ExpiresAt: expires}
	later := estate.RevokedToken{ID: "4567", Client: g.c.ID, ExpiresAt: expires.Add(3 * time.Hour)}
	var grant estate.RevokedGrant
	at := func(now time.Time) (tokens []estate.RevokedToken, grants []estate.RevokedGrant) {
		read(t, db, func(tx *store.Tx) (_ bool, err error) {
			tokens, grants, err = tx.Revocations(t.Context(), now)
			return true, err
		})
		return tokens, grants
	}
	want := func(what string, now time.Time, tokens []estate.RevokedToken, grants []estate.RevokedGrant) {
		t.Helper()
		gotTokens, gotGrants := at(now)
		equal(t, "tokens "+what, gotTokens, tokens)
		equal(t, "grants "+what, gotGrants, grants)
	}
	want("at first", moment(0), nil, nil)
	write(t, db, func(tx *store.Tx) (err error) {
		if err := first(tx.InsertRevokedToken(t.Context(), all(g.acme), token, moment(1)), tx.InsertRevokedToken(t.Context(), all(g.acme), later, moment(1))); err != nil {
			return err
		}
		grant, err = tx.RevokeGrant(t.Context(), g.home.Scope(), estate.Grant{ID: "a", Client: g.c.ID, User: userID(1)}, moment(1), expires)
		return err
	})
	tokens, grants := []estate.RevokedToken{token, later}, []estate.RevokedGrant{grant}
	want("when revoked", moment(1), tokens, grants)
	want("just before they expire", expires.Add(-time.Microsecond), tokens, grants)
	want("when expired", expires, tokens[1:], nil)

	// Servers whose clocks differ by less than an hour agree.
	trim(t, db, expires.Add(time.Hour))
	want("after trimming early", moment(1), tokens, grants)
	trim(t, db, expires.Add(time.Hour+time.Microsecond))
	want("after trimming", moment(1), tokens[1:], nil)
}

func testChangeKey(t *testing.T, db Database) {
	one, two := key("a", estate.KeyAccessToken, 1), key("b", estate.KeyAccessToken, 2)
	write(t, db, func(tx *store.Tx) error { return first(tx.InsertKey(t.Context(), one), tx.InsertKey(t.Context(), two)) })
	keys := func() []estate.Key {
		return read(t, db, func(tx *store.Tx) ([]estate.Key, error) { return tx.Keys(t.Context()) })
	}
	told := []store.Change{{Kind: store.ChangeKey, Key: "a"}}
	heard := changesBy(t, db, func() {
		write(t, db, func(tx *store.Tx) error { return tx.UpdateKeySeal(t.Context(), one.ID, []byte{0, 9}, moment(5)) })
	})
	one.Sealed = []byte{0, 9}
	equal(t, "keys", keys(), []estate.Key{one, two})
	equal(t, "changes", heard, told)
	heard = changesBy(t, db, func() {
		write(t, db, func(tx *store.Tx) error { return tx.ActivateKey(t.Context(), one.ID, moment(5)) })
	})
	one.ActiveAt = moment(5)
	equal(t, "keys, of which one signs at another time", keys(), []estate.Key{one, two})
	equal(t, "changes by activating", heard, told)
	heard = changesBy(t, db, func() {
		write(t, db, func(tx *store.Tx) error { return tx.DeleteKey(t.Context(), one.ID, moment(6)) })
	})
	equal(t, "keys left", keys(), []estate.Key{two})
	equal(t, "changes by deleting", heard, told)
	// To do it again is no error, and does not bring the key back.
	write(t, db, func(tx *store.Tx) error {
		return first(tx.UpdateKeySeal(t.Context(), one.ID, []byte{1}, moment(7)), tx.DeleteKey(t.Context(), one.ID, moment(7)))
	})
	equal(t, "keys after doing it again", keys(), []estate.Key{two})
}
