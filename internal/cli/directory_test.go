package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestDirectory manages a tenant of a real server by commands.
func TestDirectory(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	if err := e.App.Directory.SetSeats(t.Context(), testenv.Operator, sub.ID, estate.SeatProfessional, 1); err != nil {
		t.Fatal(err)
	}
	credentials := e.RegionClient(sub, "us")
	s := newSession(t)
	s.vars["FREEHOLD_SERVER"] = e.TenantURL(e.Tenant(sub, "us"))
	s.vars["FREEHOLD_CLIENT_ID"] = string(credentials.ID)
	s.vars["FREEHOLD_CLIENT_SECRET"] = credentials.Secret
	id := func(args ...string) string {
		t.Helper()
		stdout, _ := s.must(args...)
		var made struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(stdout), &made); err != nil || made.ID == "" {
			t.Fatalf("%s: %s (%v)", strings.Join(args, " "), stdout, err)
		}
		return made.ID
	}
	shows := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, err := s.run(args...)
		text := stdout + stderr
		if err != nil {
			text += err.Error()
		}
		if !strings.Contains(text, want) {
			t.Errorf("freehold %s: %q is missing in\n%s", strings.Join(args, " "), want, text)
		}
	}
	role := id("role", "create", "Desk", "--scope", "admin.users:read")
	s.must("role", "update", role, "--name", "Helpdesk", "--add-scope", "admin.users", "--remove-scope", "admin.users:read")
	group := id("group", "create", "Staff", "--role", "Helpdesk", "--description", "who works here")
	user := id("user", "create", "ada", "--email", "ada@example.com", "--name", "Ada", "--role", "Developer")
	s.must("user", "update", user, "--add-group", "Staff", "--remove-role", "Developer", "--add-role", "Steward", "--name", "Ada L")
	s.columns = 200
	shows("Ada L", "user", "list", "--filter", `email eq "ada@example.com"`)
	shows("Steward", "user", "get", user)
	shows("Staff", "user", "get", user)
	shows("There are more. Use --limit 0 to list all.", "user", "list", "--limit", "1")
	shows("--limit -1 is less than 0", "user", "list", "--limit", "-1")
	shows("Helpdesk", "role", "list", "--filter", `type eq "custom"`)
	shows("admin.users", "role", "get", role)
	shows("Helpdesk", "group", "list")
	shows("who works here", "group", "get", group)
	s.must("group", "update", group, "--role", "")
	shows("true", "group", "settings", "--auto-create")
	shows("1 of 2 failed", "user", "invite", "bob@example.com", "ada@example.com")
	shows(api.CodeInviteActive, "user", "invite", "ada@example.com")
	shows("nothing to change", "user", "update", user)
	shows("/login/link/", "user", "link", user)
	shows("expiresAt", "user", "link", user, "--recovery", "--output", "json")
	shows("requires at least 1 arg", "user", "invite")

	shows("0 of 1", "license", "overview")
	shows("1 of 2 failed", "license", "assign", "ada", "nobody")
	shows("ada", "license", "list")
	shows(api.CodeLicenseNone, "license", "change", "ada", "--type", "analyzer")
	shows("204", "license", "release", "ada")
	shows("true", "license", "settings", "--auto-analyzer")
	shows("false", "license", "settings", "--auto-professional=false")

	shows("analytics-hub", "tenant-settings", "get")
	shows("monthly", "tenant-settings", "update", "--set", "releaseCadence=monthly", "--set", "sessionReplayOptOut=true")
	shows(api.CodeTenantSettingsInvalid, "tenant-settings", "update", "--set", "releaseCadence=daily")
	shows("is not of the form NAME=VALUE", "tenant-settings", "update", "--set", "releaseCadence")
	shows("nothing to change", "tenant-settings", "update")
	shows("say --yes if you mean it", "tenant-settings", "reset")
	s.must("tenant-settings", "reset", "--yes")
	shows("continuous", "tenant-settings", "get")
	shows("150", "quota", "list")
	shows("webhooks", "quota", "get", "webhooks")
	shows("404", "quota", "get", "apps")

	s.columns = 0
	developer := id("user", "create", "grace", "--role", "Developer")
	s.must("api-key", "settings", "--max-per-user", "1", "--max-expiry", "P30D")
	key := id("api-key", "create", "nightly export", "--user", developer, "--expiry", "P7D")
	shows(api.CodeAPIKeyLimit, "api-key", "create", "one too many", "--user", developer)
	shows(api.CodeAPIKeyUser, "api-key", "create", "a bot's")
	s.must("api-key", "update", key, "--description", "weekly export")
	shows("weekly export", "api-key", "get", key)
	shows("P30D", "api-key", "settings")
	shows("say --yes if you mean it", "api-key", "delete", key)
	s.must("api-key", "delete", key, "--yes")
	s.columns = 200
	shows("revoked", "api-key", "list", "--user", developer, "--status", "revoked")
	s.columns = 0
	origin := id("csp-origin", "create", "https://*.example.com", "--name", "Portal", "--allow", "imgSrc", "--allow", "frameAncestors")
	shows("there is no such directive", "csp-origin", "create", "https://example.com", "--allow", "img-src")
	shows("frame-ancestors 'self' https://*.example.com", "csp-origin", "header")
	s.columns = 200
	shows("frameAncestors, imgSrc", "csp-origin", "list")
	shows("Portal", "csp-origin", "get", origin)
	s.must("csp-origin", "delete", origin, "--yes")
	s.columns = 0
	integration := id("web-integration", "create", "Portal", "--origin", "https://portal.example.com")
	s.must("web-integration", "update", integration, "--name", "Shop", "--origin", "https://shop.example.com")
	shows("nothing to change", "web-integration", "update", integration)
	s.columns = 200
	shows("https://shop.example.com", "web-integration", "list")
	shows("Shop", "web-integration", "get", integration)
	s.must("web-integration", "delete", integration, "--yes")

	s.columns = 0
	space := id("space", "create", "Dev", "--description", "d")
	s.must("space", "update", space, "--name", "Test")
	member := id("space", "member", "add", space, "--group", group, "--role", "consumer")
	s.must("space", "member", "update", space, member, "--role", "producer")
	s.columns = 200
	shows("Test", "space", "list")
	shows("shared", "space", "get", space)
	shows("producer", "space", "member", "list", space)
	shows("one of --user, --group and --bot is missing", "space", "member", "add", space)
	shows("exclude each other", "space", "member", "add", space, "--user", user, "--group", group)
	s.must("space", "member", "remove", space, member)
	for _, args := range [][]string{{"space", "delete", space}, {"user", "delete", user}, {"group", "delete", group}, {"role", "delete", role}} {
		shows("say --yes if you mean it", args...)
		s.must(append(args, "--yes")...)
		shows("404", args[0], "get", args[2])
	}
}
