package httpapi_test

import (
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestBot_ExactlyOne asks two fresh servers on the same data for a client's first
// tokens at a tenant, all at once.
func TestBot_ExactlyOne(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us", "acme")
	for _, c := range []testenv.Credentials{e.RegionClient(sub, "us"), e.TenantClient(tenant)} {
		nodes := []*testenv.Env{e.Node(), e.Node()}
		origins := []string{e.TenantURL(tenant), e.Origin("acme.us")}
		users := together(32, func(i int) any {
			answer := nodes[i%2].Do(testenv.Request{URL: origins[i/2%2] + "/oauth/token", Form: c.Form()})
			var token struct {
				Value string `json:"access_token"`
			}
			if answer.Into(&token); token.Value == "" {
				t.Errorf("%d %s", answer.Status, answer.Body)
				return ""
			}
			return unverifiedClaims(t, token.Value)["user"]
		})
		for _, user := range users {
			if user != users[0] || user == nil {
				t.Errorf("user %v, want %v", user, users[0])
			}
		}
		records := auditRecords(t, e, tenant.Scope(), "user.create", c.ID)
		if len(records) != 1 || records[0].Target != users[0] {
			t.Errorf("%d records say that the bot was created: %+v", len(records), records)
		}
	}
}

// auditRecords are the records of what a client did.
func auditRecords(t *testing.T, e *testenv.Env, scope estate.Scope, action string, client estate.ClientID) (found []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), scope, 1000)
		for _, r := range all {
			if r.Action == action && r.Actor.ID == string(client) {
				found = append(found, r)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
