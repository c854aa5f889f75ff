package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// administer asks the admin address of a server, by the name of host.
func administer(t *testing.T, a *app.App, path, host string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+a.AdminAddress().String()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Close = host, true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// await reads the metrics until they have a line that begins with each of lines.
func await(t *testing.T, a *app.App, lines ...string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		status, text := administer(t, a, "/metrics", "")
		if status != http.StatusOK {
			t.Fatal(status, text)
		}
		text = "\n" + text
		missing := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.Contains(text, "\n"+line) })
		if len(missing) == 0 {
			return text
		}
		if time.Now().After(deadline) {
			similar := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(strings.SplitN(missing[0], "{", 2)[0])+`.*$`).FindAllString(text, -1)
			t.Fatalf("no %s; there are %s", strings.Join(missing, ", "), strings.Join(similar, ", "))
		}
	}
}

// TestMetrics_Live has a server do a bit of everything, and finds all of it in its
// metrics: what docs/metrics.md, the dashboard and the alerts name is there.
func TestMetrics_Live(t *testing.T) {
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.AdminListen = "127.0.0.1:0"
	e := testenv.StartAlone(t, config, dir)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"state":"ready"}`) }))
	defer receiver.Close()
	sub := e.Subscription(4)
	organization := estate.Actor{
		Kind: estate.ActorClient, ID: "c", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgSubscriptions, api.ScopeOrgWebhooks},
	}
	if _, _, err := e.App.Provision.Create(t.Context(), organization, sub.ID, api.CreateProvisionerRequest{Name: "p", URL: receiver.URL}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.App.Webhook.Create(t.Context(), organization, webhook.Input{Name: "w", URL: receiver.URL, EventTypes: []string{"*"}, Enabled: true, Origin: "api"}); err != nil {
		t.Fatal(err)
	}
	tenant := e.Tenant(sub, "us")
	client := e.RegionClient(sub, "us")
	e.Token(e.TenantURL(tenant), client)
	wrong := client.Form()
	wrong.Set("client_secret", "wrong")
	e.Do(testenv.Request{URL: e.Register("us") + "/oauth/token", Form: wrong})
	e.Do(testenv.Request{URL: e.Console() + "/api/core/tenants"})
	e.SignIn(e.Account(e.Organization.ID, "owner@example.com", sub))

	text := await(
		t, e.App,
		`freehold_http_requests_total{operation="issueToken",status="200",surface="tenant"} 1`,
		`freehold_http_requests_total{operation="issueToken",status="401",surface="register"} 1`,
		`freehold_http_requests_total{operation="listTenants",status="401",surface="console"} 1`,
		`freehold_http_request_duration_seconds_bucket{operation="issueToken",surface="tenant",le="+Inf"} 1`,
		`freehold_tokens_total{grant="client_credentials",outcome="issued"} 1`,
		`freehold_tokens_total{grant="client_credentials",outcome="invalid_client"} 1`,
		`freehold_webhook_deliveries_total{outcome="2xx"}`,
		`freehold_provisioner_calls_total{outcome="2xx"} 1`,
		`freehold_job_delay_seconds_count{kind="webhook.send"}`,
		`freehold_job_attempts_total{kind="webhook.send",outcome="given_up"} 0`,
		`freehold_job_attempts_total{kind="provisioning.call",outcome="done"} 1`,
		`freehold_sign_ins_total{method="`,
		`freehold_database_up 1`,
		`freehold_database_writable 1`,
		`freehold_subscriptions 1`,
		`freehold_entitlement_used_tenants 1`,
		`freehold_entitlement_limit_tenants 4`,
		`freehold_entitlement_fullest_ratio{subscription="`+string(sub.ID)+`"} 0.25`,
		`freehold_cache_hits_total{cache="clients"}`,
		`freehold_event_consumer_behind_records{consumer="webhooks"}`,
		`freehold_jobs{state="discarded"} 0`,
		`freehold_jobs_oldest_due_seconds{queue="`,
		`go_goroutines`, `process_resident_memory_bytes`,
	)
	for _, secret := range []string{string(tenant.ID), string(tenant.Hostname), string(client.ID), string(e.Organization.ID), "example.com", e.App.Config.Domain} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics tell of %s", secret)
		}
	}
	known := map[string]telemetry.Description{}
	for _, d := range e.App.Metrics.List() {
		known[d.Name] = d
		missing := !strings.Contains(text, "\n# TYPE "+d.Name+" "+d.Type+"\n")
		if onlySQLite := d.Name == "freehold_database_wal_bytes"; missing && (!onlySQLite || config.Database == "") {
			t.Errorf("no %s %s in the metrics", d.Type, d.Name)
		}
	}
	for where, expressions := range map[string][]string{"alerts": alertExpressions(t), "dashboard": panelExpressions(t)} {
		if len(expressions) < 10 {
			t.Errorf("only %d expressions in the %s", len(expressions), where)
		}
		for _, expression := range expressions {
			checkExpression(t, where, expression, known, text)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\b((?:freehold|go|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring) ?\(([^)]*)\)`)
	labelName  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
)

// checkExpression fails for a metric or a label that the server does not have.
func checkExpression(t *testing.T, where, expression string, known map[string]telemetry.Description, text string) {
	t.Helper()
	if strings.Count(expression, "(") != strings.Count(expression, ")") || strings.Count(expression, "{") != strings.Count(expression, "}") {
		t.Errorf("%s: parentheses in %s", where, expression)
	}
	labels := []string{"instance", "job", "le"}
	found := metricName.FindAllStringSubmatch(grouping.ReplaceAllString(expression, ""), -1)
	for _, match := range found {
		name := match[1]
		d, ours := known[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, suffix); cut && !ours && known[base].Type == "histogram" {
				d, ours = known[base], true
			}
		}
		if !ours && (strings.HasPrefix(name, "freehold_") || !strings.Contains(text, "\n# TYPE "+name+" ")) {
			t.Errorf("%s: there is no %s (%s)", where, name, expression)
		}
		labels = append(labels, d.Labels...)
		for _, l := range labelName.FindAllStringSubmatch(match[2], -1) {
			if !slices.Contains(append([]string{"instance", "job", "le"}, d.Labels...), l[1]) {
				t.Errorf("%s: %s has no label %s", where, name, l[1])
			}
		}
	}
	if len(found) == 0 && !strings.Contains(expression, "up{") {
		t.Errorf("%s: no metric in %s", where, expression)
	}
	for _, group := range grouping.FindAllStringSubmatch(expression, -1) {
		for name := range strings.SplitSeq(group[1], ",") {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(labels, name) {
				t.Errorf("%s: no label %s in %s", where, name, expression)
			}
		}
	}
}

// alertExpressions reads the rules for Prometheus, each of which says what it means
// and what to do.
func alertExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			_, err := time.ParseDuration(rule.For)
			if group.Name == "" || rule.Alert == "" || seen[rule.Alert] || err != nil || !slices.Contains([]string{"critical", "warning"}, rule.Labels["severity"]) ||
				rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("alert %+v", rule)
			}
			seen[rule.Alert] = true
			expressions = append(expressions, rule.Expr)
		}
	}
	return expressions
}

// panelExpressions reads what the dashboard shows.
func panelExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", "freehold.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID, Title string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, panel := range dashboard.Panels {
		if panel.Title == "" || ids[panel.ID] || panel.GridPos.W == 0 || panel.GridPos.X+panel.GridPos.W > 24 || panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %+v", panel)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}

// TestMetrics_Documented keeps docs/metrics.md equal to the instruments.
func TestMetrics_Documented(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString("# Metrics\n\n" +
		"What `/metrics` at `admin_listen` has beside the metrics of the Go runtime (`go_…`) and of the process (`process_…`). No label names a\n" +
		"tenant, a host, a client or a person. Series of an operation or an outcome appear with the first of it, but those of\n" +
		"attempts at jobs. What is told of the database, of its being writable as well, is missing while it does not answer.\n" +
		"[operations.md](operations.md) says how to use them.\n\n" +
		"| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, d := range telemetry.NewMetrics().List() {
		labels := "–"
		if len(d.Labels) > 0 {
			labels = "`" + strings.Join(d.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&doc, "| `%s` | %s | %s | %s |\n", d.Name, d.Type, labels, d.Help)
	}
	doc.WriteString("\nThis page is written by `go test ./internal/app -update`.\n")
	path := filepath.Join("..", "..", "docs", "metrics.md")
	if *update {
		if err := os.WriteFile(path, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, doc.Bytes()) {
		t.Errorf("%s is not what there is (%v); rewrite it with -update", path, err)
	}
}

// TestAdmin_Address keeps metrics and profiles away from the public hosts, and from
// web pages that have their own names lead to this machine.
func TestAdmin_Address(t *testing.T) {
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.AdminListen = "127.0.0.1:0"
	e := testenv.StartAlone(t, config, dir)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if answer := e.Do(testenv.Request{URL: e.Console() + path}); answer.Status != http.StatusNotFound {
			t.Errorf("%s at the console: %d", path, answer.Status)
		}
		for host, want := range map[string]int{"": http.StatusOK, "localhost:1": http.StatusOK, "[::1]": http.StatusOK, "attacker.example": http.StatusForbidden} {
			if status, _ := administer(t, e.App, path, host); status != want {
				t.Errorf("%s as %q: %d", path, host, status)
			}
		}
	}
	taken := config
	taken.Database, taken.DataDir, taken.AdminListen = "", filepath.Join(dir, "other"), e.App.AdminAddress().String()
	_, _, stop := start(t, taken)
	if err := stop(); err == nil || !strings.Contains(err.Error(), "admin_listen") {
		t.Errorf("an address that is taken: %v", err)
	}
}
