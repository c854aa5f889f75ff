package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const idempotencyKey = "Idempotency-Key"

// TestCreateTenant_Idempotency repeats requests, as a client does that did not
// get the answer.
func TestCreateTenant_Idempotency(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(10)
	c := newCreator(e, sub, "us")
	body := map[string]any{"name": "Acme", "hostnames": []string{"acme"}, "externalId": "4711", "labels": map[string]string{"a": "1", "b": "2"}}
	first := c.create(body, idempotencyKey, "one")
	expect(t, "first", first, http.StatusCreated, "")
	same := func(name string, answer testenv.Answer) {
		t.Helper()
		if answer.Status != http.StatusCreated || string(answer.Body) != string(first.Body) {
			t.Errorf("%s: %d %s\nwant the first answer: %s", name, answer.Status, answer.Body, first.Body)
		}
	}
	same("at once", c.create(body, idempotencyKey, "one"))
	raw := `{ "labels":{"b":"2","a":"1"}, "externalId":"4711", "unknown":true, "hostnames":["acme"], "licenseKey":"` + c.license + `", "name":"\u0041cme" }`
	same("in another spelling", e.Do(testenv.Request{
		Method: http.MethodPost, URL: e.Register("us") + "/api/v1/tenants", Token: c.token, Body: raw,
		Header: map[string]string{"Content-Type": "application/json; charset=utf-8", idempotencyKey: "one"},
	}))
	e.Clock.Advance(time.Hour)
	fresh := e.LicenseKey(sub)
	if fresh == c.license {
		t.Fatal("the second licence key is the first")
	}
	body["licenseKey"] = fresh
	same("with a new licence key, an hour later", c.create(body, idempotencyKey, "one"))
	same("through another server", newCreatorOf(c, e.Node()).create(body, idempotencyKey, "one"))
	if n := c.count(t); n != 1 {
		t.Fatalf("%d tenants", n)
	}

	for name, other := range map[string]map[string]any{
		"another name":       {"name": "Other", "hostnames": []string{"acme"}, "externalId": "4711", "labels": body["labels"]},
		"another label":      {"name": "Acme", "hostnames": []string{"acme"}, "externalId": "4711", "labels": map[string]string{"a": "1", "b": "3"}},
		"one field less":     {"name": "Acme", "hostnames": []string{"acme"}, "labels": body["labels"]},
		"one field more":     {"name": "Acme", "hostnames": []string{"acme"}, "externalId": "4711", "labels": body["labels"], "datacenter": "us-east-1"},
		"licence key only":   nil,
		"value in the wrong": {"name": "4711", "hostnames": []string{"acme"}, "externalId": "Acme", "labels": body["labels"]},
	} {
		answer := c.create(other, idempotencyKey, "one")
		expect(t, name, answer, http.StatusUnprocessableEntity, api.CodeIdempotencyMismatch)
		if source := answer.Error().Source; source == nil || source.Parameter != idempotencyKey {
			t.Errorf("%s: source %+v", name, source)
		}
	}
	expect(t, "too long a key", c.create(nil, idempotencyKey, strings.Repeat("k", 256)), http.StatusBadRequest, api.CodeInvalidRequest)
	expect(t, "as long a key as may be", c.create(nil, idempotencyKey, strings.Repeat("k", 255)), http.StatusCreated, "")
	expect(t, "another key", c.create(nil, idempotencyKey, "two"), http.StatusCreated, "")
	expect(t, "empty key", c.create(nil, idempotencyKey, ""), http.StatusCreated, "")
	expect(t, "empty key again", c.create(nil, idempotencyKey, ""), http.StatusCreated, "")
	other := newCreator(e, sub, "us")
	answer := other.create(nil, idempotencyKey, "one")
	expect(t, "the key of another client", answer, http.StatusCreated, "")
	if string(answer.Body) == string(first.Body) {
		t.Error("two clients share an idempotency key")
	}
	if n := c.count(t); n != 6 {
		t.Errorf("%d tenants, want 6", n)
	}
}

func newCreatorOf(c creator, e *testenv.Env) creator {
	c.Env = e
	return c
}

// TestCreateTenant_IdempotencyOutlivesTheEntitlement repeats a request when
// there would be no place for a new tenant.
func TestCreateTenant_IdempotencyOutlivesTheEntitlement(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(2, "us", "eu")
	c := newCreator(e, sub, "us")
	first := c.create(nil, idempotencyKey, "k")
	expect(t, "second", c.create(nil), http.StatusCreated, "")
	expect(t, "third", c.create(nil), http.StatusForbidden, api.CodeTenantQuota)
	if again := c.create(nil, idempotencyKey, "k"); string(again.Body) != string(first.Body) {
		t.Errorf("with the entitlement used up: %d %s", again.Status, again.Body)
	}
	if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{Regions: []estate.RegionCode{"eu"}}); err != nil {
		t.Fatal(err)
	}
	if again := c.create(nil, idempotencyKey, "k"); string(again.Body) != string(first.Body) {
		t.Errorf("with the region taken away: %d %s", again.Status, again.Body)
	}
}

// TestCreateTenant_IdempotencyOfRefusals repeats a request that was refused,
// when the reason is gone: only success is kept.
func TestCreateTenant_IdempotencyOfRefusals(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(1+1, "us")
	c := newCreator(e, sub, "us")
	for range 2 {
		expect(t, "fill", c.create(nil), http.StatusCreated, "")
	}
	expect(t, "full", c.create(nil, idempotencyKey, "k"), http.StatusForbidden, api.CodeTenantQuota)
	if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{TenantLimit: 3}); err != nil {
		t.Fatal(err)
	}
	expect(t, "after an upgrade", c.create(nil, idempotencyKey, "k"), http.StatusCreated, "")
}

// TestCreateTenant_IdempotencyAtOnce sends the same request many times at once.
func TestCreateTenant_IdempotencyAtOnce(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(50), "us")
	nodes := []creator{c, newCreatorOf(c, e.Node())}
	body := map[string]any{"name": "Acme", "externalId": "4711", "hostnames": []string{"acme"}}
	answers := together(16, func(i int) testenv.Answer { return nodes[i%2].create(body, idempotencyKey, "k") })
	for _, answer := range answers {
		if answer.Status != http.StatusCreated || string(answer.Body) != string(answers[0].Body) {
			t.Errorf("%d %s\nwant %s", answer.Status, answer.Body, answers[0].Body)
		}
	}
	if n := c.count(t); n != 1 {
		t.Errorf("%d tenants", n)
	}
}
