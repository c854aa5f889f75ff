package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// joined is the union of maps that have no key in common.
func joined[C any](parts ...map[string]C) map[string]C {
	all := map[string]C{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// inOneTenant is needsTenant for writes.
func inOneTenant(_ world, scope estate.Scope, r row) bool { return needsTenant(scope, r) }

// whereItActs: a client is used in a tenant or, above tenants, exactly where it
// is.
func whereItActs(_ world, scope estate.Scope, r row) bool {
	if scope.Tenant == "" {
		return scope == r.owner
	}
	return covers(scope, r)
}

// seesPublished: a tenant sees what others publish in its region if the scope
// says which that is.
func seesPublished(scope estate.Scope, r row) bool {
	return scope.Region != "" && needsTenant(scope, r)
}

// publishedRows are clients in each tenant that they were published to.
func publishedRows(w world) []row { return w.connections }

// botRows are the bots by their client.
func botRows(w world) []row {
	return userRows(w, func(u estate.User) string { return string(u.ClientID) })
}

// at is how a row shows that is about a client in a tenant.
func at(client estate.ClientID, scope estate.Scope) string {
	return string(client) + " at " + string(scope.Tenant)
}

// clientPages returns the clients of all levels in scope, and those published to
// its tenant, with the way that they are counted.
func clientPages(ctx context.Context, tx *store.Tx, scope estate.Scope) (all []string, err error) {
	own := map[estate.ClientID]bool{}
	for _, q := range []store.ClientQuery{
		{Level: estate.LevelOrganization}, {Level: estate.LevelRegion}, {Level: estate.LevelTenant}, {Level: estate.LevelTenant, Published: true},
	} {
		q.Limit = store.MaxPage
		page, _, err := tx.ClientPage(ctx, scope, q)
		if err != nil {
			return nil, err
		}
		if n, err := tx.CountClients(ctx, scope, q); err != nil || int(n) != len(page) {
			return nil, fmt.Errorf("%d clients, and %d counted, %w", len(page), n, err)
		}
		for _, c := range page {
			switch {
			case !q.Published:
				own[c.ID] = true
				all = append(all, string(c.ID))
			case own[c.ID]:
			case len(c.Secrets) > 0:
				return nil, fmt.Errorf("the secrets of another tenant's client %s", c.ID)
			default:
				all = append(all, at(c.ID, scope))
			}
		}
	}
	return all, nil
}

// clientPageRows are what clientPages shows.
func clientPageRows(w world) []row { return append(clientRows(w), publishedRows(w)...) }

func coversPage(scope estate.Scope, r row) bool {
	if strings.Contains(r.id, " at ") {
		return seesPublished(scope, r)
	}
	return covers(scope, r)
}

// credentialReads are the cases of methods around clients that read.
var credentialReads = map[string]readCase{
	"ClientPage": {rows: clientPageRows, covers: coversPage, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		return clientPages(ctx, tx, scope)
	}},
	"CountClients": {rows: clientPageRows, covers: coversPage, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		// It shows only how many there are, which is compared with ClientPage.
		return clientPages(ctx, tx, scope)
	}},
	"CountPendingClients": {rows: func(world) []row { return nil }, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		// It shows only how many there are, and here none are: testPendingClients has them.
		n, err := tx.CountPendingClients(ctx, scope)
		if n != 0 {
			return []string{fmt.Sprint(n)}, err
		}
		return nil, err
	}},
	"PublishedClient": {rows: publishedRows, covers: seesPublished, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		c, err := tx.PublishedClient(ctx, scope, estate.ClientID(key))
		if len(c.Secrets) > 0 {
			return nil, fmt.Errorf("with secrets")
		}
		return oneID(c, err, func(c estate.Client) string { return at(c.ID, scope) })
	}},
	"ClientConnection": {
		rows:   func(w world) []row { return w.connections },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			n, err := tx.ClientConnection(ctx, scope, estate.ClientID(key))
			if n == (store.Connection{}) {
				return nil, err
			}
			return []string{at(estate.ClientID(key), scope)}, err
		},
	},
	"ClientConnections": {
		rows:   func(w world) []row { return w.connections },
		covers: needsTenant,
		list:   true,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) (all []string, err error) {
			ids := make([]estate.ClientID, 30)
			for i := range ids {
				ids[i] = clientID(i)
			}
			connections, err := tx.ClientConnections(ctx, scope, ids)
			for id := range connections {
				all = append(all, at(id, scope))
			}
			return all, err
		},
	},
	"Orphans": { // every client of the world is disabled
		rows: func(w world) []row {
			return userRows(w, func(u estate.User) string {
				if u.ClientID == "" {
					return ""
				}
				return string(u.ID)
			})
		},
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			idOfOrphan := func(o store.Orphan) string { return idOfUser(o.Bot) }
			found, err := tx.Orphans(ctx, scope, store.OrphanQuery{ID: estate.UserID(key)})
			for _, o := range found {
				if o.Bot.ClientID != o.Client.ID || o.Bot.Tenant != o.Tenant.ID {
					return nil, fmt.Errorf("bot %+v is shown with %s in %s", o.Bot, o.Client.ID, o.Tenant.ID)
				}
			}
			if key != string(userID(1)) || err != nil {
				return ids(found, err, idOfOrphan)
			}
			everyone, err := tx.Orphans(ctx, scope, store.OrphanQuery{}) // once: it is slow
			everyone = slices.DeleteFunc(everyone, func(o store.Orphan) bool { return string(o.Bot.ID) != key })
			if len(everyone) != len(found) {
				return nil, fmt.Errorf("%d orphans by id, %d among all", len(found), len(everyone))
			}
			return ids(everyone, err, idOfOrphan)
		},
	},
	"Grant": {
		rows:   func(w world) []row { return w.grants },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			g, err := tx.Grant(ctx, scope, estate.GrantID(key))
			return oneID(g, err, func(g estate.Grant) string { return string(g.ID) })
		},
	},
	"Grants": {
		rows:   func(w world) []row { return w.grants },
		covers: needsTenant,
		list:   true,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
			all, err := tx.Grants(ctx, scope, store.GrantQuery{Limit: store.MaxPage})
			return ids(all, err, func(g estate.Grant) string { return string(g.ID) })
		},
	},
}

// saved keeps the rows of a table when it is called first, and puts them back
// when it is called again.
func saved(table string) func(t *testing.T, db Database) {
	return func(t *testing.T, db Database) {
		t.Helper()
		execute(t, db, "create table if not exists "+savedPrefix+table+" as select * from "+table)
		execute(t, db, "delete from "+table)
		execute(t, db, "insert into "+table+" select * from "+savedPrefix+table)
	}
}

// by runs a statement.
func by(statement string) func(t *testing.T, db Database) {
	return func(t *testing.T, db Database) {
		t.Helper()
		execute(t, db, statement)
	}
}

// both does one thing, then another.
func both(one, two func(t *testing.T, db Database)) func(t *testing.T, db Database) {
	return func(t *testing.T, db Database) {
		t.Helper()
		one(t, db)
		two(t, db)
	}
}

func changeLine(kind store.ChangeKind, key string) string {
	return fmt.Sprintf("kind=%q key=%q", kind, key)
}

func secretLine(r row, hint string) string {
	return fmt.Sprintf("client_secrets: organization_id=%q client_id=%q hint=%q", r.owner.Organization, r.key, hint)
}

// secretTouches: a write to a secret, which all who know the client hear of.
func secretTouches(hint string) func(world, row, estate.Scope) []string {
	return func(_ world, r row, _ estate.Scope) []string {
		return []string{secretLine(r, hint), changeLine(store.ChangeClient, r.key)}
	}
}

// botTouches are the bots of a client in the tenants of scope.
func botTouches(w world, r row, scope estate.Scope) (texts []string) {
	for _, bot := range botRows(w) {
		if bot.key == r.key && covers(scope, bot) {
			texts = append(texts, fmt.Sprintf("users: tenant_id=%q id=%q", bot.owner.Tenant, strings.Fields(bot.id)[0]),
				changeLine(store.ChangeBot, fmt.Sprintf("%s/%s/%s", scope.Organization, bot.owner.Tenant, r.key)))
		}
	}
	return texts
}

// userOf is the user that a row of userRows is about.
func userOf(w world, r row) estate.User {
	return w.users[slices.IndexFunc(w.users, func(u estate.User) bool { return idOfUser(u) == r.id })]
}

// userTouches: a write to a user, which all hear of who know it, also as a bot.
func userTouches(w world, r row, scope estate.Scope) []string {
	texts := []string{
		fmt.Sprintf("users: tenant_id=%q id=%q", scope.Tenant, r.key),
		changeLine(store.ChangeUser, fmt.Sprintf("%s/%s/%s", scope.Organization, scope.Tenant, r.key)),
	}
	texts = append(texts, roleLines(w, r, scope)...)
	if client := userOf(w, r).ClientID; client != "" {
		texts = append(texts, changeLine(store.ChangeBot, fmt.Sprintf("%s/%s/%s", scope.Organization, scope.Tenant, client)))
	}
	return texts
}

func connectionTouches(_ world, r row, _ estate.Scope) []string {
	return []string{
		fmt.Sprintf("client_connections: organization_id=%q client_id=%q tenant_id=%q", r.owner.Organization, r.key, r.owner.Tenant),
		changeLine(store.ChangeClient, r.key),
	}
}

func usersByID(w world) []row {
	return userRows(w, func(u estate.User) string { return string(u.ID) })
}

// credentialWrites are the cases of methods around clients that write.
var credentialWrites = map[string]writeCase{
	"UpdateClient": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateClient(ctx, scope, estate.Client{ID: estate.ClientID(key), Name: "renamed", UpdatedAt: moment(99)})
		},
		again: by("update clients set name = 'before'"),
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("clients: id=%q", r.key), changeLine(store.ChangeClient, r.key)}
		},
	},
	"DeleteClient": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteClient(ctx, scope, estate.ClientID(key), moment(99))
		},
		again: both(both(by("update clients set deleted_at = 0"), saved("client_secrets")), both(saved("oauth_grants"), savedAuthorization)),
		touches: func(w world, r row, _ estate.Scope) []string {
			texts := []string{fmt.Sprintf("clients: id=%q", r.key), secretLine(r, "abc"), secretLine(r, "aaa"), changeLine(store.ChangeClient, r.key)}
			for _, g := range w.grants {
				if strings.HasPrefix(g.key, r.key+" ") {
					texts = append(texts, fmt.Sprintf("oauth_grants: id=%q", g.key))
					texts = append(texts, authorizationLines(g)...)
				}
			}
			return texts
		},
	},
	"InsertClientSecret": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.InsertClientSecret(ctx, scope, estate.ClientID(key), secret("new", 1))
		},
		again:   by("delete from client_secrets where hint = 'new'"),
		touches: secretTouches("new"),
	},
	"UpdateClientSecret": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateClientSecret(ctx, scope, estate.ClientID(key), estate.ClientSecret{Hint: "abc"}, moment(99))
		},
		again:   saved("client_secrets"),
		touches: secretTouches("abc"),
	},
	"DeleteClientSecret": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteClientSecret(ctx, scope, estate.ClientID(key), "abc", moment(99))
		},
		again:   saved("client_secrets"),
		touches: secretTouches("abc"),
	},
	"AddSecretUse": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.AddSecretUse(ctx, scope, estate.ClientID(key), "abc", moment(98), moment(99))
		},
		again:   saved("client_secrets"),
		touches: func(_ world, r row, _ estate.Scope) []string { return []string{secretLine(r, "abc")} },
	},
	"SetClientConnection": {
		rows:   publishedRows,
		covers: func(_ world, scope estate.Scope, r row) bool { return seesPublished(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.SetClientConnection(ctx, scope, estate.ClientID(key), estate.ConsentTrusted, moment(99))
		},
		again:   by("delete from client_connections"),
		touches: connectionTouches,
	},
	"DeleteClientConnection": {
		rows:   func(w world) []row { return w.connections },
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.DeleteClientConnection(ctx, scope, estate.ClientID(key), moment(99))
			return err
		},
		again:   saved("client_connections"),
		touches: connectionTouches,
	},
	"StopBots": {
		rows: botRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.StopBots(ctx, scope, estate.ClientID(key), moment(99))
			return err
		},
		again:   by("update users set status = 'active', stopped_with_client = 0"),
		touches: botTouches,
	},
	"StartBots": {
		rows: botRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.StartBots(ctx, scope, estate.ClientID(key), moment(99))
			return err
		},
		again:   by("update users set status = 'disabled', stopped_with_client = 1"),
		touches: botTouches,
	},
	"GiveBot": {
		rows: func(w world) []row {
			return slices.DeleteFunc(usersByID(w), func(r row) bool { return userOf(w, r).ClientID == "" })
		},
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.GiveBot(ctx, scope, estate.UserID(key), heirID(scope.Organization), moment(99))
		},
		again: saved("users"),
		touches: func(w world, r row, scope estate.Scope) []string {
			changed := func(client estate.ClientID) string {
				return changeLine(store.ChangeBot, fmt.Sprintf("%s/%s/%s", scope.Organization, scope.Tenant, client))
			}
			return []string{fmt.Sprintf("users: tenant_id=%q id=%q", scope.Tenant, r.key), changed(userOf(w, r).ClientID), changed(heirID(scope.Organization))}
		},
	},
	"DeleteUser": {
		rows:   usersByID,
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.DeleteUser(ctx, scope, estate.UserID(key), moment(99))
		},
		again:   savedAll("users", "group_members", "role_holders"),
		touches: deletedUserTouches,
	},
	"UseAssertion": {
		rows: clientRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.UseAssertion(ctx, scope, estate.ClientID(key), "the same", moment(1), moment(99))
			return err
		},
		again: by("delete from assertion_ids"),
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("assertion_ids: organization_id=%q client_id=%q", r.owner.Organization, r.key)}
		},
	},
	"AddGrantUse": {
		rows: func(w world) []row {
			return slices.DeleteFunc(slices.Clone(w.usages), func(r row) bool { return r.owner.Tenant == "" })
		},
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.AddGrantUse(ctx, scope, estate.Grant{ID: "new", Client: estate.ClientID(key), User: "new", LastUsedAt: moment(99)})
		},
		again: by("delete from oauth_grants where user_id = 'new'"),
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("oauth_grants: id=\"new\" organization_id=%q tenant_id=%q client_id=%q", scope.Organization, scope.Tenant, r.key)}
		},
	},
	"RevokeGrant": {
		rows:   func(w world) []row { return w.grants },
		covers: inOneTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			_, err := tx.RevokeGrant(ctx, scope, grantNamed(key), moment(98), moment(99))
			return err
		},
		again: both(both(both(saved("oauth_grants"), saved("revoked_tokens")), by("delete from revoked_grants")), savedAuthorization),
		touches: func(_ world, r row, scope estate.Scope) []string {
			g := grantNamed(r.key)
			return append(authorizationLines(r),
				fmt.Sprintf("oauth_grants: id=%q", r.key),
				fmt.Sprintf("revoked_tokens: jti=%q", r.key), // the family
				fmt.Sprintf("kind=%q key=\"token/%s/", store.ChangeRevocation, r.key),
				fmt.Sprintf("revoked_grants: tenant_id=%q client_id=%q user_id=%q organization_id=%q", scope.Tenant, g.Client, g.User, scope.Organization),
				fmt.Sprintf("kind=%q key=\"grant/%s/%s/%s/", store.ChangeRevocation, scope.Tenant, g.Client, g.User),
			)
		},
	},
	"InsertRevokedToken": {
		rows:   func(w world) []row { return w.usages },
		covers: whereItActs,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.InsertRevokedToken(ctx, scope, estate.RevokedToken{ID: "of " + key, Client: estate.ClientID(key), ExpiresAt: moment(99)}, moment(98))
		},
		again: by("delete from revoked_tokens"),
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{
				fmt.Sprintf("revoked_tokens: jti=%q organization_id=%q client_id=%q", "of "+r.key, r.owner.Organization, r.key),
				fmt.Sprintf("kind=%q key=\"token/of %s/%s/", store.ChangeRevocation, r.key, r.key),
			}
		},
	},
}
