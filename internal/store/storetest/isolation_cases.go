package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// world has two owners at every level: two organizations, of which one has two
// subscriptions, of which one has two regions, of which one has two tenants.
// What can be called the same elsewhere is.
type world struct {
	organizations []estate.Organization
	accounts      []estate.Account
	subscriptions []estate.Subscription
	tenants       []estate.Tenant
	users         []estate.User
	clients       []estate.Client
	usages        []row // of clients, by where they were used
	connections   []row // of clients to tenants that they were published to
	grants        []row // one for each bot
	records       []estate.AuditRecord
	answers       []row
}

func newWorld(t *testing.T, db Database) world {
	t.Helper()
	acme, other := organization(1), organization(2)
	w := world{organizations: []estate.Organization{acme, other}}
	w.records = append(w.records, estate.AuditRecord{Target: "nobody's"}) // no scope shows it, least of all the zero scope
	for i, o := range []estate.Organization{acme, acme, other} {
		w.accounts = append(w.accounts, account(o, i+1))
		sub := subscription(o, i+1)
		sub.TenantLimit, sub.Owners = 100_000, []estate.AccountID{w.accounts[i].ID}
		w.subscriptions = append(w.subscriptions, sub)
	}
	w.subscriptions[1].Regions = []estate.RegionCode{europe.Code}
	for i, place := range []struct {
		sub    int
		region estate.Region
	}{{0, europe}, {0, europe}, {0, america}, {1, europe}, {2, europe}} {
		tenant := tenant(w.subscriptions[place.sub], place.region, i+1)
		if i != 1 && i != 2 {
			tenant.ExternalID = "the same"
		}
		w.tenants = append(w.tenants, tenant)
	}

	clientNumber := 0
	addClient := func(level estate.Level, scope estate.Scope) {
		clientNumber++
		c := client(level, scope, clientNumber)
		if scope.Tenant == tenantID(2) || scope.Tenant == tenantID(3) {
			c.PublishedAt = time.Time{}
		}
		w.clients = append(w.clients, c)
		w.answers = append(w.answers, row{owner: scope, key: "the same", id: fmt.Sprintf("answer %d", clientNumber)})
		w.records = append(w.records, estate.AuditRecord{Time: moment(clientNumber), Scope: scope, Target: fmt.Sprintf("target %d", clientNumber)})
	}
	seen := map[estate.Scope]bool{}
	once := func(level estate.Level, scope estate.Scope) {
		if !seen[scope] {
			addClient(level, scope)
			seen[scope] = true
		}
	}
	for _, tenant := range w.tenants {
		scope := tenant.Scope()
		addClient(estate.LevelTenant, scope)
		scope.Tenant = ""
		once(estate.LevelRegion, scope)
		once(estate.LevelOrganization, estate.Scope{Organization: scope.Organization})
	}
	bots := map[estate.TenantID]int{}
	for _, c := range w.clients {
		if c.Level != estate.LevelTenant {
			w.usages = append(w.usages, usageOf(c, c.Scope))
		}
		for i, tenant := range w.tenants {
			if published := publishedTo(c, tenant); published {
				w.connections = append(w.connections, usageOf(c, tenant.Scope()))
			} else if !covers(c.Scope, row{owner: tenant.Scope()}) {
				continue
			}
			w.usages = append(w.usages, usageOf(c, tenant.Scope()))
			bot := user(tenant, i+1)
			bots[tenant.ID]++ // ids begin anew in each tenant
			bot.ID, bot.Subject, bot.ClientID = userID(bots[tenant.ID]), estate.BotSubject(c.ID), c.ID
			w.users = append(w.users, bot)
			w.grants = append(w.grants, row{owner: tenant.Scope(), key: string(grantOf(bot).ID), id: string(grantOf(bot).ID)})
		}
	}
	for i, o := range w.organizations { // without a bot
		heir := client(estate.LevelOrganization, all(o), 0)
		heir.ID = heirID(o.ID)
		w.clients = append(w.clients, heir)
		w.answers = append(w.answers, row{owner: of(w.subscriptions[i]), key: "another", id: fmt.Sprintf("answer to heir %d", i)})
	}
	for _, tenant := range w.tenants {
		person := user(tenant, 0)
		person.ClientID = ""
		w.users = append(w.users, person)
	}
	write(t, db, func(tx *store.Tx) error { return w.insert(t.Context(), tx) })
	return w
}

func usageOf(c estate.Client, where estate.Scope) row {
	return row{owner: where, key: string(c.ID), id: string(c.ID) + " at " + string(where.Tenant)}
}

// publishedTo tells whether another tenant has published c to tenant.
func publishedTo(c estate.Client, tenant estate.Tenant) bool {
	return c.Level == estate.LevelTenant && !c.PublishedAt.IsZero() && c.Scope.Tenant != tenant.ID &&
		c.Scope.Organization == tenant.Organization && c.Scope.Region == tenant.Region
}

// heirID is a client of an organization that has no bot.
func heirID(organization estate.OrganizationID) estate.ClientID {
	if organization == "org-1" {
		return clientID(1001)
	}
	return clientID(1002)
}

// grantOf is the grant for a bot. Its id tells what it is for.
func grantOf(bot estate.User) estate.Grant {
	return grantNamed(strings.Join([]string{string(bot.ClientID), string(bot.ID), string(bot.Tenant)}, " "))
}

// grantNamed is the grant that has such an id.
func grantNamed(id string) estate.Grant {
	parts := strings.Split(id, " ")
	return estate.Grant{ID: estate.GrantID(id), Client: estate.ClientID(parts[0]), User: estate.UserID(parts[1]), Tenant: estate.TenantID(parts[2]), LastUsedAt: moment(1)}
}

func (w world) insert(ctx context.Context, tx *store.Tx) error {
	errs := []error{tx.InsertRegion(ctx, europe), tx.InsertRegion(ctx, america)}
	for _, o := range w.organizations {
		errs = append(errs, tx.InsertOrganization(ctx, o))
	}
	for i, a := range w.accounts {
		errs = append(errs, tx.InsertAccount(ctx, a), tx.InsertSubscription(ctx, w.subscriptions[i]))
	}
	for _, t := range w.tenants {
		errs = append(errs, tx.InsertTenant(ctx, t))
	}
	for _, r := range w.records {
		r.ID, r.Type, r.Source = estate.AuditID("id of "+r.Target), "type of "+r.Target, "source"
		errs = append(errs, tx.AppendAudit(ctx, r))
	}
	errs = append(errs, insertWebhooks(ctx, tx, w)...)
	for i, c := range w.clients {
		errs = append(errs, tx.InsertClient(ctx, c), tx.InsertIdempotentAnswer(ctx, w.answers[i].owner, "client", w.answers[i].key, store.IdempotentAnswer{RequestHash: []byte{1}, Answer: w.answers[i].id}, moment(1)))
	}
	for _, u := range w.usages {
		errs = append(errs, tx.AddClientUsage(ctx, u.owner, store.ClientUsage{Client: estate.ClientID(u.key), Tenant: u.owner.Tenant, Tokens: 1}))
	}
	for _, u := range w.users {
		errs = append(errs, tx.InsertUser(ctx, u))
	}
	for _, n := range w.connections {
		errs = append(errs, tx.SetClientConnection(ctx, n.owner, estate.ClientID(n.key), estate.ConsentTrusted, moment(1)))
	}
	errs = append(errs, w.insertDirectory(ctx, tx))
	for _, g := range w.grants {
		errs = append(errs, tx.AddGrantUse(ctx, g.owner, grantNamed(g.key)))
	}
	errs = append(errs, insertSignIn(ctx, tx, w), insertPeople(ctx, tx, w), insertTenantPreferences(ctx, tx, w), insertAuthorization(ctx, tx, w), insertCredentials(ctx, tx, w), insertWeb(ctx, tx, w))
	errs = append(errs, w.insertProvisioning(ctx, tx), insertSavedViews(ctx, tx))
	return first(errs...)
}

// scopes are all that can be made of what there is and of nothing, also those
// that contradict themselves, and some of what there is not.
func (w world) scopes() []estate.Scope {
	all := []estate.Scope{
		{Organization: "nobody"},
		{Organization: w.organizations[0].ID, Subscription: "none"},
		{Organization: w.organizations[0].ID, Region: "xx"},
		{Organization: w.organizations[0].ID, Tenant: "none"},
	}
	organizations, subscriptions := []estate.OrganizationID{""}, []estate.SubscriptionID{""}
	regions, tenants := []estate.RegionCode{"", europe.Code, america.Code}, []estate.TenantID{""}
	for _, o := range w.organizations {
		organizations = append(organizations, o.ID)
	}
	for _, s := range w.subscriptions {
		subscriptions = append(subscriptions, s.ID)
	}
	for _, t := range w.tenants {
		tenants = append(tenants, t.ID)
	}
	for _, o := range organizations {
		for _, s := range subscriptions {
			for _, r := range regions {
				for _, t := range tenants {
					all = append(all, estate.Scope{Organization: o, Subscription: s, Region: r, Tenant: t})
				}
			}
		}
	}
	return all
}

// rowsOf makes rows of things.
func rowsOf[T any](things []T, rowOf func(T) row) []row {
	rows := []row{}
	for _, thing := range things {
		rows = append(rows, rowOf(thing))
	}
	return rows
}

func organizationRows(w world) []row {
	return rowsOf(w.organizations, func(o estate.Organization) row { return row{owner: all(o), id: string(o.ID)} })
}

func accountRows(w world) []row {
	return rowsOf(w.accounts, func(a estate.Account) row {
		return row{owner: estate.Scope{Organization: a.Organization}, key: string(a.ID), id: string(a.ID)}
	})
}

func subscriptionRows(w world) []row {
	return rowsOf(w.subscriptions, func(s estate.Subscription) row { return row{owner: of(s), key: string(s.ID), id: string(s.ID)} })
}

func tenantRows(w world) []row {
	return rowsOf(w.tenants, func(t estate.Tenant) row { return row{owner: t.Scope(), key: string(t.ID), id: string(t.ID)} })
}

func clientRows(w world) []row {
	return rowsOf(w.clients, func(c estate.Client) row { return row{owner: c.Scope, key: string(c.ID), id: string(c.ID)} })
}

// userRows are users by a key of theirs.
func userRows(w world, key func(estate.User) string) (rows []row) {
	for _, u := range w.users {
		i := slices.IndexFunc(w.tenants, func(t estate.Tenant) bool { return t.ID == u.Tenant })
		if k := key(u); k != "" {
			rows = append(rows, row{owner: w.tenants[i].Scope(), key: k, id: idOfUser(u)})
		}
	}
	return rows
}

func idOfUser(u estate.User) string { return string(u.ID) + " of " + string(u.Tenant) }

// needsTenant: users are asked for in one tenant only.
func needsTenant(scope estate.Scope, r row) bool { return scope.Tenant != "" && covers(scope, r) }

// ids are those of things, with the error passed on.
func ids[T any](things []T, err error, id func(T) string) ([]string, error) {
	var all []string
	for _, thing := range things {
		all = append(all, id(thing))
	}
	return all, err
}

// oneID is the id of a thing unless there is an error.
func oneID[T any](thing T, err error, id func(T) string) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{id(thing)}, nil
}

func idOfOrganization(o estate.Organization) string { return string(o.ID) }
func idOfAccount(a estate.Account) string           { return string(a.ID) }
func idOfSubscription(s estate.Subscription) string { return string(s.ID) }
func idOfTenant(t estate.Tenant) string             { return string(t.ID) }
func idOfClient(c estate.Client) string             { return string(c.ID) }

var readCases = joined(credentialReads, authorizationReads, tenantLifeReads, signInReads, peopleReads, credentialOfPeopleReads, identityReads, tenantPreferencesReads, webReads, directoryReads, eventReads, webhookReads, provisioningReads, savedViewReads, groupReads, map[string]readCase{
	"Organization": {rows: organizationRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		o, err := tx.Organization(ctx, scope)
		return oneID(o, err, idOfOrganization)
	}},
	"Account": {rows: accountRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		a, err := tx.Account(ctx, scope, key)
		if b, errByEmail := tx.Account(ctx, scope, "Person-"+strings.TrimPrefix(key, "acc-")+"@example.com"); (err == nil) != (errByEmail == nil) || a != b {
			return nil, fmt.Errorf("by id %v, %w; by e-mail %v, %w", a, err, b, errByEmail)
		}
		return oneID(a, err, idOfAccount)
	}},
	"Accounts": {rows: accountRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.Accounts(ctx, scope)
		return ids(all, err, idOfAccount)
	}},
	"Subscription": {rows: subscriptionRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		s, err := tx.Subscription(ctx, scope, estate.SubscriptionID(key))
		return oneID(s, err, idOfSubscription)
	}},
	"Subscriptions": {rows: subscriptionRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.Subscriptions(ctx, scope)
		return ids(all, err, idOfSubscription)
	}},
	"Tenant": {rows: tenantRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		t, err := tx.Tenant(ctx, scope, estate.TenantID(key))
		return oneID(t, err, idOfTenant)
	}},
	"TenantByExternalID": {
		rows: func(w world) []row {
			return rowsOf(w.tenants, func(t estate.Tenant) row { return row{owner: t.Scope(), key: t.ExternalID, id: string(t.ID)} })
		},
		one: true,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			t, err := tx.TenantByExternalID(ctx, scope, key)
			return oneID(t, err, idOfTenant)
		},
	},
	"Tenants": {rows: tenantRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, _, err := tx.Tenants(ctx, scope, store.TenantQuery{Limit: store.MaxPage})
		return ids(all, err, idOfTenant)
	}},
	"TenantsByID": {rows: tenantRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.TenantsByID(ctx, scope, "", store.MaxPage)
		return ids(all, err, idOfTenant)
	}},
	"CountTenants": {rows: tenantRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		// It shows only how many there are; so the ids are those of Tenants.
		n, err := tx.CountTenants(ctx, scope, nil)
		all, _, errTenants := tx.Tenants(ctx, scope, store.TenantQuery{Limit: store.MaxPage})
		if int(n) != len(all) {
			return nil, fmt.Errorf("%d tenants, and %d counted", len(all), n)
		}
		return ids(all, first(err, errTenants), idOfTenant)
	}},
	"User": {
		rows:   func(w world) []row { return userRows(w, func(u estate.User) string { return string(u.ID) }) },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			u, err := tx.User(ctx, scope, estate.UserID(key))
			return oneID(u, err, idOfUser)
		},
	},
	"UserBySubject": {
		rows:   func(w world) []row { return userRows(w, func(u estate.User) string { return u.Subject }) },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			u, err := tx.UserBySubject(ctx, scope, key)
			return oneID(u, err, idOfUser)
		},
	},
	"BotUser": {
		rows:   func(w world) []row { return userRows(w, func(u estate.User) string { return string(u.ClientID) }) },
		covers: needsTenant,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			u, err := tx.BotUser(ctx, scope, estate.ClientID(key))
			return oneID(u, err, idOfUser)
		},
	},
	"Client": {rows: clientRows, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		c, err := tx.Client(ctx, scope, estate.ClientID(key))
		return oneID(c, err, idOfClient)
	}},
	"Clients": {rows: clientRows, list: true, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) ([]string, error) {
		all, err := tx.Clients(ctx, scope, "")
		return ids(all, err, idOfClient)
	}},
	"ClientUsages": {rows: func(w world) []row { return w.usages }, call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
		all, err := tx.ClientUsages(ctx, scope, estate.ClientID(key))
		return ids(all, err, func(u store.ClientUsage) string { return string(u.Client) + " at " + string(u.Tenant) })
	}},
	"IdempotentAnswer": {
		rows:   func(w world) []row { return w.answers },
		covers: func(scope estate.Scope, r row) bool { return scope == r.owner },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) ([]string, error) {
			a, err := tx.IdempotentAnswer(ctx, scope, "client", key)
			if a == nil {
				return nil, err
			}
			return []string{a.Answer}, err
		},
	},
})

var writeCases = joined(credentialWrites, authorizationWrites, tenantLifeWrites, signInWrites, credentialOfPeopleWrites, identityWrites, tenantPreferencesWrites, webWrites, directoryWrites, eventWrites, webhookWrites, provisioningWrites, savedViewWrites, map[string]writeCase{
	"SetAccountPassword": {
		rows: accountRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.SetAccountPassword(ctx, scope, estate.AccountID(key), "new", moment(99))
		},
		touches: func(_ world, r row, _ estate.Scope) []string { return []string{fmt.Sprintf("accounts: id=%q", r.key)} },
	},
	"UpdateUser": {
		rows:   func(w world) []row { return userRows(w, func(u estate.User) string { return string(u.ID) }) },
		covers: func(_ world, scope estate.Scope, r row) bool { return needsTenant(scope, r) },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.UpdateUser(ctx, scope, estate.User{ID: estate.UserID(key), Name: "renamed", Status: estate.UserDisabled, UpdatedAt: moment(99)})
		},
		again:   savedAll("users", "group_members", "role_holders"),
		touches: userTouches,
	},
	"UpdateSubscription": {
		rows: subscriptionRows,
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			sub := subscription(organization(1), 1)
			sub.ID, sub.Name, sub.Regions = estate.SubscriptionID(key), "renamed", []estate.RegionCode{europe.Code}
			return tx.UpdateSubscription(ctx, scope, sub)
		},
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("subscriptions: id=%q", r.key), fmt.Sprintf("subscription_id=%q", r.key), fmt.Sprintf("kind=%q key=%q", store.ChangeSubscription, r.key), fmt.Sprintf("kind=%q key=%q", store.ChangeAccounts, r.owner.Organization)}
		},
	},
	"TakeTenantPlace": {
		rows: func(w world) []row {
			return rowsOf(w.subscriptions, func(s estate.Subscription) row { return row{owner: of(s), id: string(s.ID)} })
		},
		// The scope is to name a subscription, and any region of it.
		covers: func(w world, scope estate.Scope, r row) bool {
			i := slices.IndexFunc(w.subscriptions, func(s estate.Subscription) bool { return string(s.ID) == r.id })
			region := scope.Region
			scope.Region = ""
			return covers(scope, r) && scope.Subscription != "" && (region == "" || slices.Contains(w.subscriptions[i].Regions, region))
		},
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			_, _, err := tx.TakeTenantPlace(ctx, scope, time.Time{})
			return err
		},
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("subscriptions: id=%q", r.id)}
		},
	},
	"TakeTenantPlaces": {
		rows: func(w world) []row {
			return rowsOf(w.subscriptions, func(s estate.Subscription) row { return row{owner: of(s), id: string(s.ID)} })
		},
		covers: func(_ world, scope estate.Scope, r row) bool { return scope == r.owner },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			_, err := tx.TakeTenantPlaces(ctx, scope, 2)
			return err
		},
		touches: func(_ world, r row, _ estate.Scope) []string {
			return []string{fmt.Sprintf("subscriptions: id=%q", r.id)}
		},
	},
	"AddClientUsage": {
		rows: func(w world) []row { return w.usages },
		covers: func(_ world, scope estate.Scope, r row) bool {
			if scope.Tenant == "" {
				return scope == r.owner
			}
			return covers(scope, r)
		},
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, key string) error {
			return tx.AddClientUsage(ctx, scope, store.ClientUsage{Client: estate.ClientID(key), Tenant: scope.Tenant, Tokens: 1})
		},
		touches: func(_ world, r row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("client_usage: organization_id=%q client_id=%q tenant_id=%q", r.owner.Organization, r.key, scope.Tenant)}
		},
	},
	"InsertIdempotentAnswer": {
		rows: organizationRows,
		// It is about any part of the organization, and no other answer is.
		covers: func(_ world, scope estate.Scope, r row) bool { return scope.Organization == r.owner.Organization },
		call: func(ctx context.Context, tx *store.Tx, scope estate.Scope, _ string) error {
			return tx.InsertIdempotentAnswer(ctx, scope, "client", "new", store.IdempotentAnswer{RequestHash: []byte{1}}, moment(1))
		},
		touches: func(_ world, _ row, scope estate.Scope) []string {
			return []string{fmt.Sprintf("idempotency_keys: organization_id=%q subscription_id=%q region=%q tenant_id=%q", scope.Organization, scope.Subscription, scope.Region, scope.Tenant)}
		},
	},
})
