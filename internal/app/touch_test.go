package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestNodes_CutOff: a server whose connection to the database is cut, while the
// others have theirs, goes on from memory for as long as it may and then refuses,
// so that what the others ended has an end here as well.
func TestNodes_CutOff(t *testing.T) {
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.Database = pgtest.New(t, nil)
	here := testenv.StartAlone(t, config, dir)
	cable := pgtest.NewCable(t, config.Database)
	config.Database, config.PublicPort, config.StaleLimit = cable.URL, here.Port, 5*time.Second
	there := here.NodeWith(config)

	tenant := here.Tenant(here.Subscription(2), "us")
	client := here.TenantClient(tenant)
	token := here.Token(here.TenantURL(tenant), client)
	use := func(n *testenv.Env) int {
		return n.Do(testenv.Request{URL: n.TenantURL(tenant) + "/api/v1/tenants/me", Token: token}).Status
	}
	ready := func() string {
		a := there.Do(testenv.Request{URL: there.Console() + "/readyz"})
		return http.StatusText(a.Status) + " " + strings.TrimSpace(string(a.Body))
	}
	// What was done here until now makes there forget what it has read of it, also
	// in the middle of a request, from which nothing is kept then. So it is to have
	// heard of all of that before it reads what it goes on with.
	done := time.Now()
	within(t, "it has heard of what was done", func() bool { return there.App.Store.Heard().After(done) })
	if have := use(there); have != http.StatusFound {
		t.Fatalf("before: %d", have)
	}

	cable.Cut()
	realm := credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}
	if err := here.App.Credential.DeleteClient(t.Context(), testenv.Operator, realm, client.ID, string(client.ID)); err != nil {
		t.Fatal(err)
	}
	if have := use(here); have != http.StatusUnauthorized {
		t.Errorf("at a server that knows that the client is gone: %d", have)
	}
	if have := use(there); have != http.StatusFound {
		t.Errorf("at the one that was cut off just now: %d", have)
	}
	if have, want := ready(), `OK {"status":"degraded","checks":{"changes":"ok","database":"unavailable","serving":"ok","writes":"unavailable"}}`; have != want {
		t.Errorf("cut off just now: %s", have)
	}
	within(t, "it refuses", func() bool { return use(there) == http.StatusServiceUnavailable })
	if have, want := ready(), `Service Unavailable {"status":"unavailable","checks":{"changes":"unavailable","database":"unavailable","serving":"ok","writes":"unavailable"}}`; have != want {
		t.Errorf("cut off for long: %s", have)
	}

	cable.Mend()
	within(t, "it knows when it is back", func() bool { return use(there) == http.StatusUnauthorized })
	if have, want := ready(), `OK {"status":"ok","checks":{"changes":"ok","database":"ok","serving":"ok","writes":"ok"}}`; have != want {
		t.Errorf("back: %s", have)
	}
}
