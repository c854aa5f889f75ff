package httpapi_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// together calls fn n times at once and returns what came back.
func together[T any](n int, fn func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			results[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return results
}

// TestCreateTenant_EntitlementIsNeverExceeded sells the places of a small
// entitlement to more buyers than there are, through two servers.
func TestCreateTenant_EntitlementIsNeverExceeded(t *testing.T) {
	e := testenv.New(t)
	const limit, buyers = 5, 24
	sub := e.Subscription(limit)
	nodes := []creator{newCreator(e, sub, "us"), newCreator(e.Node(), sub, "us")}
	answers := together(buyers, func(i int) testenv.Answer { return nodes[i%2].create(nil) })
	made := 0
	for _, answer := range answers {
		switch {
		case answer.Status == http.StatusCreated:
			made++
		case answer.Status != http.StatusForbidden || answer.Error().Code != api.CodeTenantQuota || answer.Error().Title != "License quota limit reached":
			t.Errorf("%d %s", answer.Status, answer.Body)
		}
	}
	if n := nodes[0].count(t); made != limit || n != limit {
		t.Errorf("%d answers say created, and there are %d tenants; the limit is %d", made, n, limit)
	}
}

// TestCreateTenant_ConflictsLeaveNothing creates tenants that clash with one
// that is there, and checks that nothing remains of them.
func TestCreateTenant_ConflictsLeaveNothing(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	c := newCreator(e, sub, "us")
	expect(t, "first", c.create(map[string]any{"hostnames": []string{"acme"}, "externalId": "4711"}), http.StatusCreated, "")
	refuse := func(name string, body map[string]any, code, pointer string, header ...string) {
		t.Helper()
		answer := c.create(body, header...)
		expect(t, name, answer, http.StatusConflict, code)
		if source := answer.Error().Source; source == nil || source.Pointer != pointer {
			t.Errorf("%s: source %+v, want %s", name, source, pointer)
		}
		if n := c.count(t); n != 1 {
			t.Errorf("%s: %d tenants", name, n)
		}
	}
	refuse("alias taken", map[string]any{"hostnames": []string{"ACME"}, "externalId": "free"}, api.CodeTenantHostnameTaken, "/hostnames/0", "Idempotency-Key", "k")
	refuse("external id used", map[string]any{"hostnames": []string{"free"}, "externalId": "4711"}, api.CodeTenantExternalID, "/externalId", "Idempotency-Key", "k")

	gone := e.Do(testenv.Request{URL: e.Origin("free.us") + "/.well-known/jwks.json"})
	expect(t, "alias of the refused tenant", gone, http.StatusUnauthorized, api.CodeUnknownHost)
	expect(t, "what the refused ones wanted", c.create(map[string]any{"hostnames": []string{"free"}, "externalId": "free"}, "Idempotency-Key", "k"), http.StatusCreated, "")
	eu := newCreator(e, sub, "eu")
	expect(t, "the alias in another region", eu.create(map[string]any{"hostnames": []string{"acme"}}), http.StatusCreated, "")
	expect(t, "the external id in another region of the subscription", eu.create(map[string]any{"externalId": "4711"}), http.StatusConflict, api.CodeTenantExternalID)
	other := newCreator(e, e.Subscription(5), "us")
	expect(t, "the external id in another subscription", other.create(map[string]any{"externalId": "4711"}), http.StatusCreated, "")
	expect(t, "the alias in another subscription", other.create(map[string]any{"hostnames": []string{"acme"}}), http.StatusConflict, api.CodeTenantHostnameTaken)
	for range 2 {
		expect(t, "no external id at all", other.create(map[string]any{"externalId": ""}), http.StatusCreated, "")
	}
}

// TestCreateTenant_SystemHostnameAsAlias asks for the generated name of another
// tenant as an alias.
func TestCreateTenant_SystemHostnameAsAlias(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	c := newCreator(e, sub, "us")
	taken := e.Tenant(sub, "us")
	expect(t, "alias", c.create(map[string]any{"hostnames": []string{taken.Hostname.Label()}}), http.StatusConflict, api.CodeTenantHostnameTaken)
}

// TestCreateTenant_RaceForAName lets many ask for the same alias at once.
func TestCreateTenant_RaceForAName(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(50), "us")
	body := map[string]any{"hostnames": []string{"wanted"}, "externalId": "wanted"}
	made := 0
	for _, answer := range together(16, func(int) testenv.Answer { return c.create(body) }) {
		if answer.Status == http.StatusCreated {
			made++
		} else if answer.Status != http.StatusConflict {
			t.Errorf("%d %s", answer.Status, answer.Body)
		}
	}
	if n := c.count(t); made != 1 || n != 1 {
		t.Errorf("%d created, %d tenants", made, n)
	}
}

// TestCreateTenant_Audit looks for the records of what was done and what was
// refused.
func TestCreateTenant_Audit(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(2)
	c := newCreator(e, sub, "us")
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	var made api.Tenant
	c.create(map[string]any{"name": "Acme"}, "X-B3-Traceid", trace).Into(&made)
	c.create(map[string]any{"licenseKey": "forged"}, "X-B3-Traceid", trace)
	c.create(map[string]any{"hostnames": []string{"-"}}, "X-B3-Traceid", trace)
	var have []string
	for _, r := range auditRecords(t, e, estate.Scope{Organization: e.Organization.ID, Subscription: sub.ID, Region: "us"}, "tenant.create", c.client.ID) {
		if r.Actor.TraceID == trace {
			code, _ := r.Data["code"].(string)
			have = append(have, strings.TrimSpace(string(r.Outcome)+" "+r.Target+code))
		}
	}
	// The newest first; that a request was merely wrong is not worth a record.
	if want := "refused TENANTS-23, done " + made.ID; strings.Join(have, ", ") != want {
		t.Errorf("records: %v, want %s", have, want)
	}
}
