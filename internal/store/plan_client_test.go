package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

// openPublished opens a store with a disabled client that is published to a tenant,
// so that lookups go all the way.
func openPublished(t *testing.T) (s *Store, home, next estate.Scope, id estate.ClientID) {
	t.Helper()
	s = openTest(t)
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	home = estate.Scope{Organization: "acme", Subscription: "1", Region: "eu", Tenant: "home"}
	next = home
	next.Tenant = "next"
	c := estate.Client{
		ID: "c", Level: estate.LevelTenant, Scope: home, PublishedAt: now,
		Secrets: []estate.ClientSecret{{Hint: "abc", Hash: []byte{1}, ExpiresAt: now}},
	}
	err := s.Write(t.Context(), func(tx *Tx) error {
		ctx := t.Context()
		for _, err := range []error{
			tx.InsertOrganization(ctx, estate.Organization{ID: home.Organization}),
			tx.InsertRegion(ctx, estate.Region{Code: home.Region}),
			tx.InsertSubscription(ctx, estate.Subscription{ID: home.Subscription, Organization: home.Organization, TenantLimit: 2, EndsAt: now}),
			tx.InsertTenant(ctx, estate.Tenant{ID: home.Tenant, Organization: "acme", Subscription: "1", Region: "eu", Hostname: "home.eu"}),
			tx.InsertTenant(ctx, estate.Tenant{ID: next.Tenant, Organization: "acme", Subscription: "1", Region: "eu", Hostname: "next.eu"}),
			tx.InsertClient(ctx, c),
			tx.SetClientConnection(ctx, next, c.ID, estate.ConsentTrusted, now),
			tx.InsertUser(ctx, estate.User{ID: "bot", Organization: "acme", Tenant: next.Tenant, Subject: "bot", ClientID: c.ID}),
			tx.AddGrantUse(ctx, next, estate.Grant{ID: "grant", Client: c.ID, User: "bot", LastUsedAt: now}),
			tx.UpdateClient(ctx, home, estate.Client{ID: c.ID, PublishedAt: now, DisabledAt: now}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, home, next, c.ID
}

// TestPlanOfCredentials: what requests wait for reads by index alone, and sorts
// no more than the secrets of a client.
func TestPlanOfCredentials(t *testing.T) {
	s, home, next, id := openPublished(t)
	organization := estate.Scope{Organization: home.Organization}
	const secrets = "SEARCH client_secrets USING PRIMARY KEY (client_id=?); USE TEMP B-TREE FOR ORDER BY"
	grants := func(q GrantQuery) func(tx *Tx) error {
		q.Limit = MaxPage
		return func(tx *Tx) error { _, err := tx.Grants(t.Context(), next, q); return err }
	}
	orphans := func(scope estate.Scope, id estate.UserID) func(tx *Tx) error {
		return func(tx *Tx) error { _, err := tx.Orphans(t.Context(), scope, OrphanQuery{ID: id}); return err }
	}
	position := &GrantPosition{User: "u", Grant: "g"}
	for name, c := range map[string]struct {
		fn    func(tx *Tx) error
		index string // where it matters which
	}{
		"Client":               {func(tx *Tx) error { _, err := tx.Client(t.Context(), home, id); return err }, secrets},
		"ClientToAuthenticate": {func(tx *Tx) error { _, err := tx.ClientToAuthenticate(t.Context(), id); return err }, "SEARCH client_connections USING PRIMARY KEY (client_id=?)"},
		"PublishedClient":      {func(tx *Tx) error { _, err := tx.PublishedClient(t.Context(), next, id); return err }, "id=?"},
		"ClientConnection":     {func(tx *Tx) error { _, err := tx.ClientConnection(t.Context(), next, id); return err }, "(client_id=? AND tenant_id=?)"},
		"ClientConnections": {func(tx *Tx) error {
			_, err := tx.ClientConnections(t.Context(), next, []estate.ClientID{id, "d"})
			return err
		}, "(client_id=? AND tenant_id=?)"},
		"UserBySubject":            {func(tx *Tx) error { _, err := tx.UserBySubject(t.Context(), next, "bot"); return err }, "(tenant_id=? AND subject=?)"},
		"Grant":                    {func(tx *Tx) error { _, err := tx.Grant(t.Context(), next, "grant"); return err }, "(id=?)"},
		"Grants":                   {grants(GrantQuery{}), "oauth_grants_by_user (organization_id=? AND tenant_id=?)"},
		"Grants after":             {grants(GrantQuery{After: position}), "(user_id,id)>(?,?)"},
		"Grants before":            {grants(GrantQuery{After: position, Descending: true}), "(user_id,id)<(?,?)"},
		"Grants of a user":         {grants(GrantQuery{User: "u"}), "oauth_grants_by_user (organization_id=? AND tenant_id=? AND user_id=?)"},
		"Grants of a user, after":  {grants(GrantQuery{User: "u", After: position}), "AND user_id=?"},
		"Grants of a user, before": {grants(GrantQuery{User: "u", After: position, Descending: true}), "AND user_id=?"},
		"Orphans of a tenant":      {orphans(next, ""), "SEARCH users USING PRIMARY KEY (tenant_id=?)"},
		"SecretsDue":               {func(tx *Tx) error { _, err := tx.SecretsDue(t.Context(), time.Time{}, time.Time{}); return err }, "client_secrets_by_end"},
		"Revocations":              {func(tx *Tx) error { _, _, err := tx.Revocations(t.Context(), time.Time{}); return err }, "_by_expiry"},
	} {
		t.Run(name, func(t *testing.T) {
			got := plan(t, s, c.fn)
			if strings.Contains(got, "SCAN") || strings.Contains(strings.ReplaceAll(got, secrets, ""), "TEMP B-TREE") || !strings.Contains(got, c.index) {
				t.Errorf("plan: %s", got)
			}
		})
	}
	// An organization's are sorted, but found from the few clients that are stopped.
	for _, user := range []estate.UserID{"", "bot"} {
		got := plan(t, s, orphans(organization, user))
		if strings.Contains(got, "SCAN") || !strings.Contains(got, "users_by_client (organization_id=? AND client_id=?") || !strings.Contains(got, "SEARCH c USING INDEX clients_stopped (organization_id=?)") {
			t.Errorf("plan of orphans: %s", got)
		}
	}
}

// TestClients_Plan: a page of a realm's clients is found by index, however it is
// sorted; by age in a tenant and by name it is no more than itself.
func TestClients_Plan(t *testing.T) {
	s, home, _, _ := openPublished(t)
	for _, realm := range []struct {
		level estate.Level
		scope estate.Scope
	}{
		{estate.LevelOrganization, estate.Scope{Organization: home.Organization}},
		{estate.LevelRegion, estate.Scope{Organization: home.Organization, Subscription: home.Subscription}},
		{estate.LevelTenant, home},
	} {
		for _, attribute := range append([]string{""}, ClientSortAttributes(realm.level)...) {
			q := ClientQuery{Level: realm.level, Limit: MaxPage}
			if attribute != "" {
				q.Sort = []filter.SortKey{{Attribute: attribute}}
			}
			position := PositionOfClient(estate.Client{}, q.Sort)
			for _, q.From = range []*ClientPosition{nil, &position} {
				for _, q.Published = range []bool{false, realm.level == estate.LevelTenant} {
					t.Run(fmt.Sprintf("%s %s from %v published %v", realm.level, attribute, q.From != nil, q.Published), func(t *testing.T) {
						checkClientPlan(t, s, realm.scope, q)
					})
				}
			}
		}
	}
}

func checkClientPlan(t *testing.T, s *Store, scope estate.Scope, q ClientQuery) {
	t.Helper()
	page := plan(t, s, func(tx *Tx) error {
		clients, _, err := tx.ClientPage(t.Context(), scope, ClientQuery{Level: q.Level, Published: q.Published, Sort: q.Sort, From: q.From, Limit: -1})
		if len(clients) > 0 {
			t.Error("the plan includes that of the secrets")
		}
		return err
	})
	count := plan(t, s, func(tx *Tx) error { _, err := tx.CountClients(t.Context(), scope, q); return err })
	if strings.Contains(page+count, "SCAN") {
		t.Errorf("plans: %s; %s", page, count)
	}
	var index string
	switch {
	case q.Published:
		index = "clients_published (organization_id=? AND region=?"
	case len(q.Sort) == 1 && q.Sort[0].Attribute == "clientName":
		index = "clients_by_name (organization_id=? AND level=?"
	case q.Level == estate.LevelTenant && (len(q.Sort) == 0 || q.Sort[0].Attribute == "createdAt"):
		index = "clients_by_owner (organization_id=? AND level=? AND subscription_id=? AND region=? AND tenant_id=?"
	default:
		return
	}
	if !strings.Contains(page, index) || !q.Published && strings.Contains(page, "TEMP B-TREE") {
		t.Errorf("plan: %s", page)
	}
}
