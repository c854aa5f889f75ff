package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// labelTexts are the ways in which a filter can ask for the labels of t.
func labelTexts(t estate.Tenant) (texts []string) {
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		texts = append(texts, name+"="+t.Labels[name], name)
	}
	return texts
}

func testUpdateTenant(t *testing.T, db Database) {
	s := newSample(t, db)
	one, two := tenant(s.sub, europe, 1), tenant(s.sub, america, 2)
	insertTenants(t, db, one, two)
	get := func(id estate.TenantID) estate.Tenant {
		t.Helper()
		return read(t, db, func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), all(s.acme), id) })
	}
	update := func(v estate.Tenant) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.UpdateTenant(t.Context(), all(s.acme), v) }
	}
	count := func(attribute, text string) int64 {
		expr := &filter.Compare{Attribute: attribute, Op: filter.EQ, Text: text}
		return read(t, db, func(tx *store.Tx) (int64, error) { return tx.CountTenants(t.Context(), all(s.acme), expr) })
	}
	at := func(name estate.Hostname) (estate.TenantID, error) {
		var found estate.Tenant
		err := db.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
			found, err = tx.TenantByHostname(t.Context(), name)
			return err
		})
		return found.ID, err
	}

	var changed []string
	db.Store.Subscribe(func(changes []store.Change) {
		for _, c := range changes {
			changed = append(changed, string(c.Kind)+" "+c.Key)
		}
	})
	want := one
	want.Name, want.Alias, want.Status, want.StatusUpdatedAt = "Renamed", "other.eu", estate.TenantDisabled, moment(50)
	want.PurgeAt, want.Protected, want.Settings = moment(60), false, estate.DefaultTenantSettings()
	want.Labels, want.UpdatedAt = map[string]string{"stage": "production"}, moment(51)
	write(t, db, update(want))
	slices.Sort(changed)
	equal(t, "changes", changed, []string{"hostname alias1.eu", "hostname other.eu", "hostname t1.eu", "tenant " + string(one.Organization) + "/" + string(one.ID)})
	want.Rev++
	equal(t, "updated", get(one.ID), want)
	equal(t, "the other", get(two.ID), two)
	for text, n := range map[string]int64{"stage=production": 1, "stage=test": 1, "stage": 2, "number": 1, "number=1": 0, "number=2": 1, "": 0, "=": 0, "stage=": 0} {
		equal(t, "tenants with label "+text, count("labels", text), n)
	}
	equal(t, "tenants with the new name", count("name", "renamed"), 1)
	equal(t, "tenants with the external id", count("externalId", one.ExternalID), 1)
	if id, err := at("other.eu"); err != nil || id != one.ID {
		t.Errorf("the new alias leads to %s, %v", id, err)
	}
	_, err := at(one.Alias)
	wantError(t, err, estate.NotFound, api.CodeTenantNotFound)

	// The alias that is free is anybody's.
	moved := two
	moved.Alias = one.Alias
	write(t, db, update(moved))
	moved.Rev++
	for _, taken := range []estate.Hostname{"other.eu", one.Hostname, two.Hostname} {
		again := moved
		again.Alias = taken
		wantError(t, refused(t, db, update(again)), estate.Conflict, api.CodeTenantHostnameTaken, "/hostnames/0")
	}
	moved.Alias, moved.Labels = "", nil
	write(t, db, update(moved))
	moved.Rev++
	equal(t, "without alias and labels", get(two.ID), moved)

	// Who has not seen the last change changes nothing.
	for _, rev := range []int64{0, moved.Rev - 1, moved.Rev + 1} {
		stale := moved
		stale.Rev, stale.Name = rev, "stale"
		wantError(t, refused(t, db, update(stale)), estate.Conflict, api.CodeTenantChanged)
	}
	unknown := moved
	unknown.ID = tenantID(9)
	wantError(t, refused(t, db, update(unknown)), estate.NotFound, api.CodeTenantNotFound)
}

func testPurgeTenant(t *testing.T, db Database) {
	s := newSample(t, db)
	due := func(now, quiet time.Time) (ids []estate.TenantID) {
		t.Helper()
		for _, d := range read(t, db, func(tx *store.Tx) ([]estate.Tenant, error) { return tx.TenantsDue(t.Context(), now, quiet) }) {
			ids = append(ids, d.ID)
		}
		return ids
	}
	purge := func(v estate.Tenant, now time.Time) (done bool) {
		t.Helper()
		write(t, db, func(tx *store.Tx) (err error) {
			done, err = tx.PurgeTenant(t.Context(), v.Scope(), now, allRows)
			return err
		})
		return done
	}
	var tenants []estate.Tenant
	for n := range 5 { // disabled at n+2, to be purged at 100-n
		v := tenant(s.sub, europe, n)
		v.Status, v.PurgeAt, v.Protected = estate.TenantDisabled, moment(100-n), false
		tenants = append(tenants, v)
	}
	tenants[0].Status, tenants[4].Protected = estate.TenantActive, true
	insertTenants(t, db, tenants...)
	equal(t, "due", due(moment(98), moment(50)), []estate.TenantID{tenants[3].ID, tenants[2].ID})
	equal(t, "due and quiet", due(moment(98), moment(4)), []estate.TenantID{tenants[2].ID})
	equal(t, "due later", due(moment(1000), moment(1000)), []estate.TenantID{tenants[3].ID, tenants[2].ID, tenants[1].ID})

	gone := tenants[3]
	bot := user(gone, 1)
	person := user(gone, 2)
	person.ClientID = ""
	c := client(estate.LevelTenant, gone.Scope(), 1)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertClient(t.Context(), c), tx.InsertUser(t.Context(), bot), tx.InsertUser(t.Context(), person),
			tx.AddClientUsage(t.Context(), gone.Scope(), store.ClientUsage{Client: c.ID, Tenant: gone.ID, LastUsedAt: moment(7), Tokens: 1}))
	})
	contents := func(scope estate.Scope) func(tx *store.Tx) (store.TenantContents, error) {
		return func(tx *store.Tx) (store.TenantContents, error) { return tx.TenantContents(t.Context(), scope) }
	}
	have := read(t, db, contents(gone.Scope()))
	for name, n := range map[string]int64{"users": 1, "bots": 1, "oauthClients": 1} {
		equal(t, name, have.Counts[name], n)
	}
	equal(t, "last use", have.LastTokenAt, moment(7))
	equal(t, "trusting tenants", have.Trusting, 0)
	wantError(t, readError(t, db, contents(all(s.acme))), estate.NotFound, api.CodeTenantNotFound)

	before := dump(t, db)
	if purge(tenants[0], moment(1000)) || purge(tenants[4], moment(1000)) || purge(gone, gone.PurgeAt.Add(-time.Microsecond)) {
		t.Error("purged what is active or protected, or before its time")
	}
	equal(t, "database", dump(t, db), before)

	var changed []string
	db.Store.Subscribe(func(changes []store.Change) {
		for _, c := range changes {
			changed = append(changed, string(c.Kind)+" "+c.Key)
		}
	})
	if !purge(gone, gone.PurgeAt) {
		t.Fatal("not purged")
	}
	for _, want := range []string{"hostname " + string(gone.Hostname), "hostname " + string(gone.Alias), "client " + string(c.ID)} {
		if !slices.Contains(changed, want) {
			t.Errorf("nobody heard of %s, only of %v", want, changed)
		}
	}
	tombstone := gone
	tombstone.Status, tombstone.StatusUpdatedAt, tombstone.UpdatedAt = estate.TenantDeleted, gone.PurgeAt, gone.PurgeAt
	tombstone.Alias, tombstone.ExternalID, tombstone.Labels, tombstone.Settings, tombstone.Rev = "", "", nil, estate.DefaultTenantSettings(), gone.Rev+1
	equal(t, "tombstone", read(t, db, func(tx *store.Tx) (estate.Tenant, error) { return tx.Tenant(t.Context(), all(s.acme), gone.ID) }), tombstone)
	sub := read(t, db, func(tx *store.Tx) (estate.Subscription, error) {
		return tx.Subscription(t.Context(), all(s.acme), s.sub.ID)
	})
	equal(t, "places that are taken", sub.TenantCount, s.sub.TenantCount-1)

	for text, want := range map[string]int{ // found by the name that it shows, and not by what it has given up
		fmt.Sprintf("hostnames eq %q", gone.Hostname):                                 1,
		fmt.Sprintf("status eq \"deleted\" and not (hostnames eq %q)", gone.Hostname): 0,
		fmt.Sprintf("hostnames eq %q", gone.Alias):                                    0,
	} {
		expr, err := filter.Parse(text, store.TenantSchema)
		if err != nil {
			t.Fatal(err)
		}
		found := read(t, db, func(tx *store.Tx) ([]estate.Tenant, error) {
			found, _, err := tx.Tenants(t.Context(), all(s.acme), store.TenantQuery{Filter: expr, Limit: 10})
			return found, err
		})
		if len(found) != want {
			t.Errorf("%s: %d tenants, want %d", text, len(found), want)
		}
	}

	before = dump(t, db)
	if purge(gone, moment(1000)) {
		t.Error("purged twice")
	}
	equal(t, "database", dump(t, db), before)
	next := tenant(s.sub, europe, 7) // names and external id are free again
	next.Hostname, next.Alias, next.ExternalID = gone.Hostname, gone.Alias, gone.ExternalID
	insertTenants(t, db, next)

	// Use that was counted before comes too late.
	heir := client(estate.LevelRegion, estate.Scope{Organization: gone.Organization, Subscription: gone.Subscription, Region: gone.Region}, 5)
	write(t, db, func(tx *store.Tx) error { return tx.InsertClient(t.Context(), heir) })
	before = dump(t, db)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.AddClientUsage(t.Context(), gone.Scope(), store.ClientUsage{Client: heir.ID, Tenant: gone.ID, Tokens: 1}),
			tx.AddGrantUse(t.Context(), gone.Scope(), estate.Grant{ID: "grant", Client: heir.ID, User: "u", LastUsedAt: moment(1)}))
	})
	equal(t, "database after late use", dump(t, db), before)
}

// allRows are more than any tenant of a test has.
const allRows = 1_000_000

// testEraseTenant purges a tenant that has more rows than are erased at once.
func testEraseTenant(t *testing.T, db Database) {
	const users, step = 5000, 700
	s := newSample(t, db)
	large, next := tenant(s.sub, europe, 1), tenant(s.sub, europe, 2)
	large.Status, large.PurgeAt, large.Protected = estate.TenantDisabled, moment(50), false
	insertTenants(t, db, large, next)
	write(t, db, func(tx *store.Tx) error {
		return first(tx.InsertUser(t.Context(), user(large, 0)), tx.InsertUser(t.Context(), user(next, 0)), tx.InsertWebhook(t.Context(), webhookIn(large.Scope(), 1)))
	})
	columns := columnsOf(t, db, "users")
	values := slices.Clone(columns)
	for i, name := range columns {
		switch name {
		case "id", "subject", "client_id":
			values[i] = "'copy ' || n.i"
		}
	}
	execute(t, db, fmt.Sprintf("insert into users (%s) with recursive n (i) as (select 1 union all select i + 1 from n where i < %d) select %s from users, n where tenant_id = '%s'",
		strings.Join(columns, ", "), users-1, strings.Join(values, ", "), large.ID))
	left := func() (n int) {
		t.Helper()
		if err := db.SQL.QueryRowContext(t.Context(), fmt.Sprintf("select count(*) from users where tenant_id = '%s'", large.ID)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	waiting := func() (ids []estate.TenantID) {
		t.Helper()
		for _, v := range read(t, db, func(tx *store.Tx) ([]estate.Tenant, error) { return tx.TenantsToErase(t.Context()) }) {
			ids = append(ids, v.ID)
		}
		return ids
	}
	erase := func(of estate.Tenant) (done bool) {
		t.Helper()
		write(t, db, func(tx *store.Tx) (err error) {
			done, err = tx.EraseTenant(t.Context(), of.Scope(), step)
			return err
		})
		return done
	}
	equal(t, "users", left(), users)
	if !erase(large) || !erase(next) || left() != users {
		t.Fatal("erased what is not purged")
	}
	write(t, db, func(tx *store.Tx) error {
		done, err := tx.PurgeTenant(t.Context(), large.Scope(), moment(60), step)
		if !done {
			t.Error("not purged")
		}
		return err
	})
	equal(t, "waiting", waiting(), []estate.TenantID{large.ID})
	free := read(t, db, func(tx *store.Tx) (bool, error) { return tx.HostnameFree(t.Context(), large.Hostname) })
	equal(t, "host name free at once", free, true)
	equal(t, "webhooks to tell", len(read(t, db, func(tx *store.Tx) ([]estate.Webhook, error) { return tx.WebhooksToTell(t.Context(), all(s.acme)) })), 0)

	steps := 1
	for done := false; !done; steps++ {
		before := left()
		if steps > 2*users/step {
			t.Fatal("it does not come to an end")
		}
		done = erase(large)
		if erased := before - left(); erased > step {
			t.Errorf("%d rows in a step", erased)
		}
	}
	if steps < users/step {
		t.Errorf("%d steps", steps)
	}
	equal(t, "users left", left(), 0)
	equal(t, "waiting after", waiting(), nil)
	if !erase(large) {
		t.Error("there is something left")
	}
	if n := len(read(t, db, func(tx *store.Tx) ([]estate.User, error) {
		page, _, err := tx.Users(t.Context(), next.Scope(), store.Query{Limit: 10})
		return page, err
	})); n != 1 {
		t.Errorf("the other tenant has %d users", n)
	}
}

// testPurgeIsComplete fails when a table has rows of tenants and no word is said
// of what a purge does with them, and checks that nothing of the tenant is left.
func testPurgeIsComplete(t *testing.T, db Database) {
	purged, kept := store.TenantTables()
	tables := column(t, db, db.Tables)
	for _, table := range tables {
		owned := slices.ContainsFunc(columnsOf(t, db, table), func(name string) bool { return name == "tenant_id" || name == "client_id" })
		if owned && !slices.Contains(purged, table) && kept[table] == "" {
			t.Errorf("table %s has rows of tenants: name it in tenantTables or, with the reason, in keptTables", table)
		}
	}
	for _, table := range slices.Concat(purged, slices.Collect(maps.Keys(kept))) {
		if !slices.Contains(tables, table) {
			t.Errorf("there is no table %s", table)
		}
	}

	w := newWorld(t, db)
	gone := w.tenants[0]
	var mine []string // clients of the tenant
	for _, c := range w.clients {
		if c.Scope == gone.Scope() {
			mine = append(mine, string(c.ID))
		}
	}
	dropped := client(estate.LevelTenant, gone.Scope(), 77)
	dropped.PublishedAt = time.Time{}
	write(t, db, func(tx *store.Tx) error {
		_, err := tx.UseAssertion(t.Context(), gone.Scope(), estate.ClientID(mine[0]), "an assertion", moment(1), moment(1000))
		return first(err, tx.InsertClient(t.Context(), dropped), tx.DeleteClient(t.Context(), gone.Scope(), dropped.ID, moment(1)),
			tx.InsertIdempotentAnswer(t.Context(), gone.Scope(), "client", "key", store.IdempotentAnswer{RequestHash: []byte{1}, Answer: "x"}, moment(1)))
	})
	execute(t, db, "update tenants set status = 'disabled', purge_at = 1, deletion_protection = 0")
	before := dump(t, db)
	for _, table := range purged {
		if !slices.ContainsFunc(before, func(line string) bool { return strings.HasPrefix(line, table+":") && aboutTenant(line, gone, mine) }) {
			t.Errorf("the tenant has nothing in %s, so this test says nothing of it: extend the world", table)
		}
	}
	write(t, db, func(tx *store.Tx) error {
		done, err := tx.PurgeTenant(t.Context(), gone.Scope(), moment(99), allRows)
		if !done {
			t.Error("not purged")
		}
		return err
	})
	for _, line := range dump(t, db) {
		table, _, _ := strings.Cut(line, ":")
		switch {
		case !aboutTenant(line, gone, mine), kept[table] != "", table == "changes":
		case table == "clients" && !strings.Contains(line, `deleted_at="0"`) && !strings.Contains(line, `published_at="0"`): // other tenants may have bots of it
		case table == "users" && !strings.Contains(line, fmt.Sprintf("tenant_id=%q", gone.ID)) && strings.Contains(line, `status="disabled"`): // such a bot
		case table == "client_connections" && !strings.Contains(line, fmt.Sprintf("tenant_id=%q", gone.ID)): // what others have decided
		default:
			t.Errorf("left of the tenant: %s", line)
		}
	}
	for _, line := range difference(before, dump(t, db)) {
		if !aboutTenant(line, gone, append(mine, string(dropped.ID))) && !strings.HasPrefix(line, "subscriptions: id="+fmt.Sprintf("%q", gone.Subscription)) && !strings.HasPrefix(line, "changes:") && !strings.HasPrefix(line, "tenant_counts:") {
			t.Errorf("not the tenant's: %s", line)
		}
	}
}

// aboutTenant tells whether a line of a dump is about a tenant or its clients.
func aboutTenant(line string, v estate.Tenant, clients []string) bool {
	if strings.HasPrefix(line, "oauth_refresh_tokens:") { // whose families are called by what they are about
		return strings.Contains(line, string(v.ID)) || slices.ContainsFunc(clients, func(id string) bool { return strings.Contains(line, id) })
	}
	return strings.Contains(line, fmt.Sprintf("%q", v.ID)) ||
		slices.ContainsFunc(clients, func(id string) bool { return strings.Contains(line, fmt.Sprintf("%q", id)) })
}

func columnsOf(t *testing.T, db Database, table string) []string {
	t.Helper()
	rows, err := db.SQL.QueryContext(t.Context(), "select * from "+table+" where 1 = 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	return names
}

var tenantLifeReads = map[string]readCase{
	"TenantContents": {
		rows:   tenantRows,
		covers: func(scope estate.Scope, r row) bool { return string(scope.Tenant) == r.key && covers(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			if string(scope.Tenant) != key {
				return nil, nil // it asks for the tenant of the scope only
			}
			_, err := tx.TenantContents(ctx, scope)
			return oneID(key, err, func(id string) string { return id })
		},
	},
}

var tenantLifeWrites = map[string]writeCase{
	"UpdateTenant": {
		rows: tenantRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			v := tenant(subscription(organization(9), 9), europe, 9)
			v.ID, v.Rev, v.Labels = estate.TenantID(key), 1, map[string]string{"new": key}
			v.Alias = estate.Hostname("new-" + key)
			return tx.UpdateTenant(ctx, scope, v)
		},
		again: both(by("update tenants set rev = 1, name = 'before', alias = 'old-' || id"), both(by("delete from tenant_labels"),
			both(by("delete from hostnames"), by("insert into hostnames (hostname, organization_id, tenant_id) select alias, organization_id, id from tenants")))),
		touches: func(w world, r row, _ estate.Scope) []string {
			return []string{
				fmt.Sprintf("tenants: id=%q", r.key), fmt.Sprintf("tenant_labels: organization_id=%q tenant_id=%q", r.owner.Organization, r.key),
				fmt.Sprintf("hostnames: hostname=%q", "new-"+r.key), fmt.Sprintf("hostnames: hostname=%q", "old-"+r.key),
				changeLine(store.ChangeHostname, "new-"+r.key), changeLine(store.ChangeHostname, "old-"+r.key), changeLine(store.ChangeHostname, hostnameOf(w, r)),
				changeLine(store.ChangeTenant, string(r.owner.Organization)+"/"+r.key),
			}
		},
	},
	"EraseTenant": {
		rows: tenantRows,
		covers: func(_ world, scope estate.Scope, r row) bool {
			return string(scope.Tenant) == r.key && covers(scope, r)
		},
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			if string(scope.Tenant) != key {
				scope.Tenant = "" // it is about the tenant of the scope only
			}
			_, err := tx.EraseTenant(ctx, scope, allRows)
			return err
		},
		again: unerased,
		touches: func(w world, r row, _ estate.Scope) []string {
			texts := []string{fmt.Sprintf("tenant_id=%q", r.key)}
			for _, c := range w.clients {
				if c.Scope != r.owner {
					continue
				}
				texts = append(texts, fmt.Sprintf("client_id=%q", c.ID))
				if c.PublishedAt.IsZero() { // a published one stays to tell whose its bots were
					texts = append(texts, fmt.Sprintf("clients: id=%q", c.ID))
				}
			}
			return texts
		},
	},
	"PurgeTenant": {
		rows: tenantRows,
		covers: func(_ world, scope estate.Scope, r row) bool {
			return string(scope.Tenant) == r.key && covers(scope, r)
		},
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			if string(scope.Tenant) != key {
				scope.Tenant = "" // it is about the tenant of the scope only
			}
			_, err := tx.PurgeTenant(ctx, scope, moment(99), allRows)
			return err
		},
		again: unpurged,
		touches: func(w world, r row, _ estate.Scope) []string {
			texts := []string{
				fmt.Sprintf("tenants: id=%q", r.key), fmt.Sprintf("tenant_id=%q", r.key), fmt.Sprintf("subscriptions: id=%q", r.owner.Subscription),
				changeLine(store.ChangeHostname, hostnameOf(w, r)), changeLine(store.ChangeHostname, "alias"+hostnameOf(w, r)[1:]),
				changeLine(store.ChangeTenant, string(r.owner.Organization)+"/"+r.key), countLine(r),
			}
			for _, c := range w.clients {
				if c.Scope != r.owner {
					continue
				}
				texts = append(texts, fmt.Sprintf("client_id=%q", c.ID), changeLine(store.ChangeClient, string(c.ID)))
				if !c.PublishedAt.IsZero() {
					texts = append(texts, fmt.Sprintf(`/%s"`, c.ID)) // its bots, which others hear of
				}
			}
			return texts
		},
	},
}

// countLine is what the counts of the subscription of r say.
func countLine(r row) string {
	return fmt.Sprintf("tenant_counts: organization_id=%q subscription_id=%q region=%q", r.owner.Organization, r.owner.Subscription, r.owner.Region)
}

// unerased is unpurged, with tombstones of which everything is left.
func unerased(t *testing.T, db Database) {
	t.Helper()
	unpurged(t, db)
	execute(t, db, "update tenants set status = 'deleted'")
	execute(t, db, "update clients set deleted_at = 1 where published_at <> 0 and tenant_id <> ''") // as the purge leaves them
	execute(t, db, "delete from tenant_erasures")
	execute(t, db, "insert into tenant_erasures (organization_id, tenant_id, since) select organization_id, id, 1 from tenants")
}

func hostnameOf(w world, r row) string {
	i := slices.IndexFunc(w.tenants, func(t estate.Tenant) bool { return string(t.ID) == r.key })
	return string(w.tenants[i].Hostname)
}

// unpurged undoes purges, but for what tenants say of themselves: all are due.
func unpurged(t *testing.T, db Database) {
	t.Helper()
	purged, _ := store.TenantTables()
	for _, table := range purged {
		execute(t, db, "create table if not exists "+savedPrefix+table+" as select * from "+table)
	}
	for _, table := range purged {
		execute(t, db, "delete from "+table)
	}
	slices.Reverse(purged)
	restored := map[string]bool{}
	for _, table := range purged {
		if !restored[table] {
			execute(t, db, "insert into "+table+" select * from "+savedPrefix+table)
		}
		restored[table] = true
	}
	execute(t, db, "update tenants set status = 'disabled', purge_at = 1, status_updated_at = 1, deletion_protection = 0, alias = ''")
	execute(t, db, "update subscriptions set tenant_count = 50")
}
