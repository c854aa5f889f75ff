package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestBrokenStore takes a table away under a server and calls every operation.
// Whatever fails is an answer of the envelope that tells nothing of the inside.
func TestBrokenStore(t *testing.T) {
	if testenv.RaceDetector {
		t.Skip("one call after the other")
	}
	e := newActorEstate(t)
	actors := slices.DeleteFunc(e.actors(t), func(a *actor) bool {
		return !slices.Contains([]string{"nobody", "organization client", "region client", "tenant client", "administrator, signed in"}, a.name)
	})
	for _, surface := range surfaces {
		for _, a := range actors {
			e.admit(t, surface, a)
		}
	}
	for _, table := range []string{
		"tenants", "hostnames", "subscriptions", "clients", "client_secrets", "users", "regions", "audit_records", "idempotency_keys",
		"client_connections", "oauth_grants", "revoked_tokens", "revoked_grants", "identity_providers", "sessions", "auth_settings",
	} {
		t.Run(table, func(t *testing.T) {
			e := *e
			for _, surface := range surfaces {
				for _, route := range httpapi.Routes() {
					if slices.Contains(route.Surfaces, surface) {
						e.prepare(t, surface, route)
					}
				}
			}
			e.Env = e.With(t).Node() // has cached nothing
			sqlExec(t, e.Env, "alter table "+table+" rename to gone")
			defer sqlExec(t, e.Env, "alter table gone rename to "+table)
			failed := 0
			for _, surface := range surfaces {
				for _, route := range httpapi.Routes() {
					if !slices.Contains(route.Surfaces, surface) {
						continue
					}
					callers := actors
					if route.Public && route.Method == http.MethodGet {
						callers = actors[:1] // it makes no difference who asks
					}
					for _, a := range callers {
						request, _ := e.call(surface, route, a)
						a.show(&request, route)
						if e.fails(t, route, a, request) {
							failed++
						}
					}
				}
			}
			if failed == 0 {
				t.Error("nothing needs this table")
			}
		})
	}
}

// fails sends a request and tells whether the server failed. It checks that the
// answer keeps the reason to itself.
func (e *actorEstate) fails(t *testing.T, route httpapi.Route, a *actor, request testenv.Request) bool {
	t.Helper()
	if route.ID == "createTenant" {
		request.Header = map[string]string{idempotencyKey: "k"}
	}
	answer := e.Do(request)
	if answer.Status < http.StatusInternalServerError {
		return false
	}
	code := answer.Error().Code
	own := route.ID == "createTenant" && code == api.CodeTenantInternal // not when the host can't even be resolved
	if answer.Status != http.StatusInternalServerError || !own && code != api.CodeInternal {
		t.Errorf("%s as %s: %d %s", route.ID, a.name, answer.Status, answer.Body)
	}
	for _, word := range []string{"select", "insert", "SQL", "sql", "no such", "gone", "prepare", ".go", "goroutine"} {
		if strings.Contains(string(answer.Body), word) {
			t.Errorf("%s tells about the inside: %s", route.ID, answer.Body)
		}
	}
	return true
}

// TestBrokenStore_CreateTenant names the contract's own code for a tenant that
// could not be created, and leaves nothing of it.
func TestBrokenStore_CreateTenant(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(5), "us")
	sqlExec(t, e, "alter table audit_records rename to gone") // the last thing that is written
	expect(t, "create", c.create(map[string]any{"hostnames": []string{"acme"}}, idempotencyKey, "k"), http.StatusInternalServerError, api.CodeTenantInternal)
	sqlExec(t, e, "alter table gone rename to audit_records")
	if n := c.count(t); n != 0 {
		t.Errorf("%d tenants", n)
	}
	expect(t, "create again", c.create(map[string]any{"hostnames": []string{"acme"}}, idempotencyKey, "k"), http.StatusCreated, "")
}
