package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-run", "tokens,self", "-tenants", "100000,1000", "-serve-args", "--log-level  warn"})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(o.scenarios, o.tenants, len(o.serveArgs)) != "[tokens self] [1000 100000] 2" {
		t.Errorf("options %+v", o)
	}
	for _, args := range [][]string{
		{"-run", "nothing"},
		{"-tenants", "many"},
		{"-tenants", "10"},
		{"-rounds", "0"},
		{"-duration", "0s"},
		{"-warmup", "-1s"},
		{"-connections", "0"},
		{"-audit-records", "1000"},
		{"tokens"},
		{"-unknown"},
	} {
		if _, err := parseOptions(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "-"},
		{count(999.6), "1,000"},
		{count(1234567), "1,234,567"},
		{count(12), "12"},
		{count(math.NaN()), "-"},
		{decimal(0), "-"},
		{decimal(1.234), "1.23"},
		{decimal(12.34), "12.3"},
		{decimal(1234.5), "1234"},
		{decimal(math.Inf(1)), "-"},
		{ratio(0.804), "0.80"},
		{ratio(math.NaN()), "-"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	pair := measure.Pair{
		Limit: []measure.Figures{{PerSecond: 16000, CPU: 60, P99: 4000}},
		Real:  []measure.Figures{{PerSecond: 14000, CPU: 70, P99: 5000, LoadCPU: 20}},
	}
	r := report{
		machine: machine{processor: "Example 9000", processors: 2, system: "linux/amd64", goVersion: "go1.26", date: "2026-11-22"},
		options: options{
			scenarios: []string{"tokens"}, rounds: 3, duration: 5e9, warmup: 1e9, connections: 32, tenants: []int{1000, 100000},
			write: "docs/benchmarks.md",
		},
		tables: []table{{
			title: "Tokens", text: "What it is.", targets: "fast", head: tokenHead,
			rows: [][]string{tokenRow("region client", pair)}, notes: []string{"A note."}, warnings: []string{"A warning."},
		}},
	}
	const row = "| region client | 16,000 | 14,000 | 0.88 | 60.0 | 70.0 | 1.17 | 4.00 | 5.00 | 20.0 |"
	const other = "## Other\n\n| a |\n| --- |\n| b |\n"
	document := r.document("# Benchmarks\n\n## Machine\n\noutdated\n\n## Tokens\n\n| outdated |\n| --- |\n\n" + other)
	for _, want := range []string{
		"# Benchmarks\n", "Example 9000, 2 processors", "go1.26,", "unknown file system", "2026-11-22", "\n" + other,
		"go run ./internal/bench -run tokens -rounds 3 -duration 5s -warmup 1s -connections 32 -tenants 1000,100000 -write docs/benchmarks.md\n",
		"## Tokens\n\nWhat it is.\n\n| token for | limit/s |", "| --- | --- |", row, "Target: fast.", "A note.", "- A warning.",
	} {
		if !strings.Contains(document, want) {
			t.Errorf("no %q in\n%s", want, document)
		}
	}
	if strings.Contains(document, "outdated") || r.document(document) != document {
		t.Errorf("not written anew:\n%s", r.document(document))
	}
	r.options.write = filepath.Join(t.TempDir(), "out.md")
	if strings.Contains(r.document(""), r.options.write) {
		t.Error("the document names a folder of the machine")
	}
	var out strings.Builder
	if err := r.print(&out); err != nil || !strings.Contains(out.String(), "region client  16,000") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestProcessorModel(t *testing.T) {
	info := "processor\t: 0\nmodel name\t: Example 9000\nprocessor\t: 1\nmodel name\t: Other\n"
	if got := processorModel([]byte(info), "?"); got != "Example 9000" {
		t.Errorf("model %q", got)
	}
	if got := processorModel([]byte("Processor : 1\n"), "?"); got != "?" {
		t.Errorf("model %q", got)
	}
}

// writeQuickstart makes what quickstart leaves behind.
func writeQuickstart(t *testing.T, dir string) {
	t.Helper()
	const text = `{"console": {"url": "http://console.freehold.localhost:8480", "client_id": "org", "client_secret": "s"},
		"regions": {"us": {"register_url": "http://register.us.freehold.localhost:8480", "client_id": "reg", "client_secret": "s", "license_key": "k"}},
		"tenants": [{"url": "http://a.eu.freehold.localhost:8480", "region": "eu"}, {"url": "http://b.us.freehold.localhost:8480", "region": "us"}]}`
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "quickstart.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInstallation(t *testing.T) {
	b := &bench{work: t.TempDir()}
	writeQuickstart(t, filepath.Join(b.work, "quickstart")) // so that install only copies it
	in, err := b.install(t.Context(), "copy")
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := in.tenant("us")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{in.host(in.Console), "console.freehold.localhost:8480"},
		{in.host(in.Regions["us"]), "register.us.freehold.localhost:8480"},
		{in.host(tenant), "b.us.freehold.localhost:8480"},
		{in.Regions["us"].LicenseKey, "k"},
		{strings.Join(in.regions(), ","), "us"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if _, err := in.tenant("ap"); err == nil {
		t.Error("there is no tenant in ap")
	}
}

// TestCaller walks over the pages of a small imitation of the console.
func TestCaller(t *testing.T) {
	const host = "console.freehold.localhost:8480"
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"organization":"org_1"}`))
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		var request api.TokenRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.ClientID != "org" || r.Host != host {
			w.WriteHeader(http.StatusUnauthorized)
		}
		answer(w, api.TokenResponse{AccessToken: "eyJ." + claims + ".x"})
	})
	mux.HandleFunc("GET /api/core/tenants", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer eyJ."+claims+".x" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		list := api.OrganizationTenantList{Data: make([]api.OrganizationTenant, pageSize)}
		if next := r.URL.Query().Get("next") + "x"; len(next) < 4 {
			list.Links.Next = &api.Link{Href: "http://" + r.Host + "/api/core/tenants?sort=name&next=" + next}
		}
		answer(w, list)
	})
	console := httptest.NewServer(mux)
	defer console.Close()

	b := &bench{work: t.TempDir()}
	writeQuickstart(t, filepath.Join(b.work, "quickstart"))
	in, err := b.install(t.Context(), "copy")
	if err != nil {
		t.Fatal(err)
	}
	k, err := newCaller(t.Context(), &measure.Server{Addr: console.Listener.Addr().String()}, in, in.Console)
	if err != nil {
		t.Fatal(err)
	}
	if k.claims.Organization != "org_1" {
		t.Errorf("claims %+v", k.claims)
	}
	for before, want := range []string{
		"/api/core/tenants?limit=100&sort=name", "/api/core/tenants?sort=name&next=x", "/api/core/tenants?sort=name&next=xx",
	} {
		if got, err := k.findPage(t.Context(), "name", before); err != nil || got != want {
			t.Errorf("page %d: %s, %v", before, got, err)
		}
	}
	if _, err := k.findPage(t.Context(), "name", 9); err == nil {
		t.Error("a page behind the last one was found")
	}
	request := string(k.request(http.MethodPost, "/p", "{}"))
	if !strings.HasPrefix(request, "POST /p HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: Bearer eyJ.") ||
		!strings.HasSuffix(request, "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}") {
		t.Errorf("request %q", request)
	}
	k.token = "expired"
	if _, err := k.findPage(t.Context(), "name", 1); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("error %v", err)
	}
}

func TestChecks(t *testing.T) {
	page, err := json.Marshal(api.OrganizationTenantList{Data: make([]api.OrganizationTenant, pageSize)})
	if err != nil {
		t.Fatal(err)
	}
	full := strings.ReplaceAll(string(page), `"id":""`, `"id":"t"`)
	for name, c := range map[string]struct {
		check func([]byte) error
		body  string
		fine  bool
	}{
		"token":           {checkToken, `{"access_token":"eyJhbGciOiJFUzI1NiJ9.e30.x"}`, true},
		"no token":        {checkToken, `{"error":"invalid_client"}`, false},
		"page":            {checkPage, full, true},
		"page, no ids":    {checkPage, string(page), false},
		"page, not full":  {checkPage, `{"data":[{"id":"t"}]}`, false},
		"page, no JSON":   {checkPage, `<html>`, false},
		"tenant":          {checkTenant, `{"id":"t","hostnames":["a"]}`, true},
		"no tenant":       {checkTenant, `{"errors":[]}`, false},
		"tenant, no JSON": {checkTenant, `<html>`, false},
	} {
		if err := c.check([]byte(c.body)); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	b := &bench{core: 0}
	b.warnIfNoisy("steady", []measure.Figures{{PerSecond: 100}, {PerSecond: 110}, {PerSecond: 95}})
	b.warnIfLoadBound("light", []measure.Figures{{PerSecond: 10000, LoadCPU: 20}})
	if len(b.warnings) != 0 {
		t.Errorf("warnings %q", b.warnings)
	}
	b.warnIfNoisy("noisy", []measure.Figures{{PerSecond: 5000}, {PerSecond: 10000}})
	b.warnIfLoadBound("heavy", []measure.Figures{{PerSecond: 50000, LoadCPU: 19}})
	want := []string{
		"noisy: the machine was not quiet: the limit program's rounds were between 5,000 and 10,000 a second.",
		"heavy: the load generator used 95% of its processor; the server might have done more.",
	}
	if !slices.Equal(b.warnings, want) {
		t.Errorf("warnings %q", b.warnings)
	}
}
