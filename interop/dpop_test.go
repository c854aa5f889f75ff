package interop_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	authorization "github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestDPoP runs dpop.mjs, which says what it covers.
func TestDPoP(t *testing.T) {
	requireNode(t)
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	now := e.Clock.Now()
	bob := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "bob", Name: "Bob",
		Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
	}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), bob) }); err != nil {
		t.Fatal(err)
	}
	portal, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, authorization.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "portal", AppType: api.AppTypeWeb, Consent: estate.ConsentTrusted,
		GrantTypes: []string{api.GrantUserImpersonation}, Permissions: []string{api.ScopeUserDefault},
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := func(c testenv.Credentials) credential {
		return credential{ClientID: string(c.ID), ClientSecret: c.Secret}
	}
	config, err := json.Marshal(map[string]any{
		"register": e.Register("us"), "console": e.Console(), "tenant": e.TenantURL(tenant),
		"region":       shown(e.RegionClient(sub, "us")),
		"organization": shown(e.OrganizationClient(e.Organization.ID, api.ScopeOrgTenantsRead, api.ScopeAdminClassic)),
		"portal":       shown(testenv.Credentials{Client: portal, Secret: secret.Reveal()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", "dpop.mjs")
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+path, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("dpop.mjs:\n%s", output)
	if err != nil {
		t.Fatalf("dpop.mjs: %v", err)
	}
}
