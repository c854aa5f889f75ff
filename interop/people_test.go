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

// TestPeople runs people.mjs, which says what it covers.
func TestPeople(t *testing.T) {
	requireNode(t)
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	now := e.Clock.Now()
	ada := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: "ada", Name: "Ada",
		Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
	}
	if err := e.App.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(t.Context(), ada) }); err != nil {
		t.Fatal(err)
	}
	program := func(appType string) credential {
		c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, authorization.NewClient{
			Level: estate.LevelTenant, Scope: tenant.Scope(), Name: appType, AppType: appType, RedirectURIs: []string{"https://app.example.com/callback"},
			Permissions: []string{api.ScopeUserDefault, api.ScopeOfflineAccess}, Consent: estate.ConsentTrusted,
		})
		if err != nil {
			t.Fatal(err)
		}
		return credential{ClientID: string(c.ID), ClientSecret: secret.Reveal()}
	}
	account := e.Account(e.Organization.ID, "owner@example.com", sub)
	config, err := json.Marshal(map[string]any{
		"tenant": e.TenantURL(tenant), "console": e.Console(),
		"user": e.SignInUser(tenant, ada.ID).Header()["Cookie"], "account": e.SignIn(account).Header()["Cookie"],
		"spa": program(api.AppTypeSPA), "web": program(api.AppTypeWeb),
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
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", "people.mjs")
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+path, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("people.mjs:\n%s", output)
	if err != nil {
		t.Fatalf("people.mjs: %v", err)
	}
}
