package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestPostgres_Away: while the database is out of reach, tokens are issued and
// verified from memory, readiness says what is wrong, and what needs the database
// is refused as unavailable; then all goes on, and what was counted is written.
func TestPostgres_Away(t *testing.T) {
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.Database = pgtest.New(t, nil)
	e := testenv.StartAlone(t, config, dir)
	tenant := e.Tenant(e.Subscription(5), "us")
	here := e.TenantURL(tenant)
	client := e.TenantClient(tenant)
	token := e.Token(here, client)
	status := func(url, token string) int { return e.Do(testenv.Request{URL: url, Token: token}).Status }
	if have := status(e.Console()+"/readyz", ""); have != http.StatusOK {
		t.Fatalf("ready: %d", have)
	}
	me := here + "/api/v1/tenants/me"
	if have := status(me, token); have != http.StatusFound {
		t.Fatalf("a warm token: %d", have)
	}

	back := pgtest.Away(t, config.Database)
	for range 5 {
		token = e.Token(here, client)
		if have := status(me, token); have != http.StatusFound {
			t.Errorf("a token that was issued meanwhile: %d", have)
		}
	}
	ready := e.Do(testenv.Request{URL: e.Console() + "/readyz"})
	if want := `{"status":"degraded","checks":{"changes":"ok","database":"unavailable","serving":"ok","writes":"unavailable"}}`; ready.Status != http.StatusOK || strings.TrimSpace(string(ready.Body)) != want {
		t.Errorf("ready without a database: %d %s", ready.Status, ready.Body)
	}
	if have := status(here+"/api/v1/oauth-clients", token); have != http.StatusServiceUnavailable {
		t.Errorf("a list without a database: %d", have)
	}

	back()
	if have := status(e.Console()+"/readyz", ""); have != http.StatusOK {
		t.Errorf("ready again: %d", have)
	}
	if have := status(here+"/api/v1/oauth-clients", token); have != http.StatusOK {
		t.Errorf("a list again: %d", have)
	}
	e.App.Credential.Flush(t.Context())
	if have := e.Do(testenv.Request{URL: here + "/api/v1/oauth-tokens", Token: token}); have.Status != http.StatusOK {
		t.Errorf("tokens: %d %s", have.Status, have.Body)
	}
}

// TestPostgres_ReadOnly: while the database can't be written, reads go on, and
// readiness tells once somebody has tried, until it can.
func TestPostgres_ReadOnly(t *testing.T) {
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.Database = pgtest.New(t, nil)
	e := testenv.StartAlone(t, config, dir)
	sub := e.Subscription(5)
	client := e.RegionClient(sub, "us")
	token := e.Token(e.Register("us"), client)
	body := map[string]any{"licenseKey": e.LicenseKey(sub)}
	create := func() int {
		return e.Do(testenv.Request{Method: http.MethodPost, URL: e.Register("us") + "/api/v1/tenants", Token: token, JSON: body}).Status
	}
	tenant := e.Tenant(sub, "us")
	ready := func(status, writes string) {
		t.Helper()
		have := e.Do(testenv.Request{URL: e.Console() + "/readyz"})
		want := `{"status":"` + status + `","checks":{"changes":"ok","database":"ok","serving":"ok","writes":"` + writes + `"}}`
		if have.Status != http.StatusOK || strings.TrimSpace(string(have.Body)) != want {
			t.Errorf("%d %s, want %s", have.Status, have.Body, want)
		}
	}
	ready("ok", "ok")

	back := pgtest.ReadOnly(t, config.Database)
	if have := create(); have != http.StatusServiceUnavailable {
		t.Errorf("a tenant meanwhile: %d", have)
	}
	ready("degraded", "unavailable")
	if have := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants/" + string(tenant.ID), Token: token}); have.Status != http.StatusOK {
		t.Errorf("a tenant that is read meanwhile: %d %s", have.Status, have.Body)
	}
	back()
	e.Do(testenv.Request{URL: e.Console() + "/readyz"}) // may share the failure of a batch that was begun before
	ready("ok", "ok")
	if have := create(); have != http.StatusCreated {
		t.Errorf("a tenant again: %d", have)
	}
}
