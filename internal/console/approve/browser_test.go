package approve_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/consoletest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

const (
	verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	email    = "ada@acme.example"
	password = "correct horse battery"
)

// program is one that waits for codes on loopback.
func program(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>Planner</title><link rel="icon" href="data:,"><main id="main"><h1>The planner has an answer</h1></main></html>`))
	}))
	t.Cleanup(server.Close)
	return server
}

// ada makes a user of a tenant with a password.
func ada(t *testing.T, e *testenv.Env, tenant estate.Tenant) {
	t.Helper()
	u := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "local|ada", Name: "Ada Lovelace", Email: email,
		Status: estate.UserActive, CreatedAt: e.Clock.Now(), UpdatedAt: e.Clock.Now(),
	}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u) }); err != nil {
		t.Fatal(err)
	}
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: e.TenantURL(tenant), Tenant: tenant}
	session := e.SignInUser(tenant, u.ID)
	_ = session
	_ = surface
}

func TestBrowser_Consent(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(2), "us")
	ada(t, e, tenant)
	_ = credential.NewClient{}
	_ = sha256.Sum256
	_ = base64.RawURLEncoding
	_ = url.Values{}
	_ = strings.Cut
	_ = api.AppTypeSPA
	_ = consoletest.Open
	_ = program
}
