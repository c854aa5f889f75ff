package cli_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the golden files and scripts")

// newRoot makes a root command as the freehold program has one.
func newRoot(env cli.Env) *cobra.Command {
	root := &cobra.Command{Use: "freehold", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cli.Commands(env)...)
	return root
}

// session runs commands one after another with one context file.
type session struct {
	t       *testing.T
	dir     string
	vars    map[string]string
	columns int // of the terminal; 0: output is piped
	stdin   string
	wait    func(context.Context, time.Duration) error // instead of time that passes
	errors  io.Writer                                  // gets error output as it is written, too
	port    string                                     // written as PORT in transcripts
}

func newSession(t *testing.T) *session {
	dir := t.TempDir()
	return &session{t: t, dir: dir, vars: map[string]string{"FREEHOLD_CONFIG_DIR": filepath.Join(dir, "config")}}
}

// run executes a command line and returns what it wrote.
func (s *session) run(args ...string) (stdout, stderr string, err error) {
	root := newRoot(cli.Env{
		Getenv:   func(name string) string { return s.vars[name] },
		Now:      func() time.Time { return now.Time },
		Version:  "1.2.3",
		Terminal: func(io.Writer) (int, bool) { return s.columns, s.columns > 0 },
		Wait:     s.wait,
	})
	var out, errOut bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errOut)
	if s.errors != nil {
		root.SetErr(io.MultiWriter(&errOut, s.errors))
	}
	root.SetIn(strings.NewReader(s.stdin))
	root.SetArgs(args)
	err = root.ExecuteContext(s.t.Context())
	return out.String(), errOut.String(), err
}

// must runs a command that has to succeed.
func (s *session) must(args ...string) (stdout, stderr string) {
	s.t.Helper()
	stdout, stderr, err := s.run(args...)
	if err != nil {
		s.t.Fatalf("freehold %s: %v", strings.Join(args, " "), err)
	}
	return stdout, stderr
}

// transcript runs a command and returns everything there is to see of it, with
// what differs from run to run replaced.
func (s *session) transcript(args ...string) string {
	stdout, stderr, err := s.run(args...)
	var b strings.Builder
	fmt.Fprintf(&b, "$ freehold %s\n", strings.Join(args, " "))
	if stdout != "" {
		fmt.Fprintf(&b, "-- stdout --\n%s", stdout)
	}
	if stderr != "" {
		fmt.Fprintf(&b, "-- stderr --\n%s", stderr)
	}
	if err != nil {
		fmt.Fprintf(&b, "-- error --\n%s\n", err)
	}
	text := strings.ReplaceAll(b.String(), s.dir, "DIR")
	if s.port != "" {
		text = strings.ReplaceAll(text, ":"+s.port, ":PORT")
	}
	return text
}

// golden compares text with a file in testdata/golden, or writes the file.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got, -update accepts it):\n%s", path, diff)
	}
}

// use stores a context for a host of the fake server.
func (s *session) use(f *fake, name, host string) {
	s.t.Helper()
	s.port = f.port
	s.stdin = clientSecret
	s.must("context", "create", name, "--server", f.url(host), "--client-id", clientID, "--client-secret", "-")
	s.stdin = ""
}

func TestCommands_help(t *testing.T) {
	s := newSession(t)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			stdout, _ := s.must(append(path, "--help")...)
			golden(t, "help/"+strings.Join(path, "-"), stdout)
			for line := range strings.Lines(stdout) {
				if strings.TrimRight(line, " \n")+"\n" != line {
					t.Errorf("blanks at the end of %q", line)
				}
			}
		})
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() {
				walk(child)
			}
		}
	}
	for _, cmd := range cli.Commands(cli.Env{Getenv: os.Getenv, Now: time.Now}) {
		root := &cobra.Command{Use: "freehold"}
		root.AddCommand(cmd)
		walk(cmd)
	}
}

func TestCommands_output(t *testing.T) {
	f := newFake(t, 3)
	key := filepath.Join(t.TempDir(), "license.jwt")
	if err := os.WriteFile(key, []byte(licenseKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		host    string
		columns int
		args    []string
	}{
		{"token-decode", "console", 0, []string{"token", "--decode"}},
		{"tenant-list-json", "console", 0, []string{"tenant", "list"}},
		{"tenant-list-table", "console", 0, []string{"tenant", "list", "--output", "table"}},
		{"tenant-list-terminal", "console", 200, []string{"tenant", "list"}},
		{"tenant-list-narrow", "console", 80, []string{"tenant", "list", "--total"}},
		{"tenant-list-limit", "console", 200, []string{"tenant", "list", "--limit", "2"}},
		{"tenant-get-console-table", "console", 80, []string{"tenant", "get", tenantID}},
		{"tenant-get-console-json", "console", 0, []string{"tenant", "get", tenantID}},
		{"tenant-get-table", "acme.us", 80, []string{"tenant", "get", "me"}},
		{"tenant-get-json", "acme.us", 0, []string{"tenant", "get", tenantID}},
		{"tenant-create-json", "register.us", 0, []string{"tenant", "create", "--license-key", licenseKey}},
		{"tenant-create-table", "register.us", 80, []string{
			"tenant", "create", "--from", "acme.us.freehold.localhost", "--name", "Initech", "--hostname", "initech.us.freehold.localhost",
			"--external-id", "customer-42", "--label", "plan=gold", "--label", "a=b=c, d", "--datacenter", "us-east-1", "--idempotency-key", "order-1",
		}},
		{"oauth-client-create-json", "console", 0, []string{"oauth-client", "create", "--name", "inventory", "--scope", "cloud-console.tenants:read"}},
		{"oauth-client-create-table", "acme.us", 80, []string{
			"oauth-client", "create", "--name", "ci", "--app-type", "web", "--scope", "admin_classic user_default",
			"--grant-type", "client_credentials", "--description", "Builds", "--trusted",
		}},
		{"oauth-client-create-region", "console", 80, []string{
			"oauth-client", "create", "--subscription", "1048362759104836", "--region", "us", "--name", "ci", "--scope", "tenants:create",
		}},
		{"oauth-client-list-json", "console", 0, []string{"oauth-client", "list", "--filter", `clientName co "c"`, "--sort", "-createdAt"}},
		{"oauth-client-list-table", "acme.us", 200, []string{"oauth-client", "list", "--limit", "2"}},
		{"oauth-client-list-region", "console", 200, []string{"oauth-client", "list", "--subscription", "1048362759104836", "--limit", "0"}},
		{"oauth-client-get-json", "console", 0, []string{"oauth-client", "get", otherClientID}},
		{"oauth-client-get-table", "acme.us", 80, []string{"oauth-client", "get", otherClientID}},
		{"oauth-client-update", "acme.us", 80, []string{"oauth-client", "update", otherClientID, "--name", "new", "--scope", "a b", "--remove", "description", "--consent", "trusted"}},
		{"oauth-client-update-secret", "acme.us", 80, []string{"oauth-client", "update", otherClientID, "--auth-method", "client_secret"}},
		{"oauth-client-delete", "acme.us", 80, []string{"oauth-client", "delete", otherClientID, "--yes"}},
		{"oauth-client-publish", "acme.us", 80, []string{"oauth-client", "publish", otherClientID}},
		{"secret-list-json", "console", 0, []string{"secret", "list", otherClientID}},
		{"secret-list-table", "console", 200, []string{"secret", "list", otherClientID}},
		{"secret-create-json", "acme.us", 0, []string{"secret", "create", otherClientID}},
		{"secret-create-table", "acme.us", 80, []string{"secret", "create", otherClientID, "--expires", "24h"}},
		{"secret-rotate-json", "console", 0, []string{"secret", "rotate", otherClientID, "--subscription", "1048362759104836"}},
		{"secret-rotate-table", "console", 80, []string{"secret", "rotate", otherClientID, "--overlap", "24h"}},
		{"secret-delete", "console", 80, []string{"secret", "delete", otherClientID, "bcdef", "--yes"}},
		{"secret-finish", "console", 80, []string{"secret", "finish", otherClientID}},
		{"secret-cancel", "console", 80, []string{"secret", "cancel", otherClientID}},
		{"error-secret-cancel", "acme.us", 0, []string{"secret", "cancel", otherClientID}},
		{"error-client-not-found", "acme.us", 0, []string{"oauth-client", "get", clientID}},

		{"federation-list-json", "console", 0, []string{"federation", "list", otherClientID}},
		{"federation-list-table", "acme.us", 200, []string{"federation", "list", otherClientID}},
		{"bots-list-json", "acme.us", 0, []string{"bots", "list"}},
		{"bots-list-table", "console", 200, []string{"bots", "list"}},
		{"error-federation-exists", "acme.us", 0, []string{"federation", "add", otherClientID, "--name", "deploy", "--issuer", "https://a.example.com", "--audience", "b", "--subject", "c"}},
		{"error-bot-not-found", "acme.us", 0, []string{"bots", "remove", "6571c0a94be2d83f1097ac60", "--yes"}},

		{"raw", "acme.us", 80, []string{"raw", "get", "v1/users/me"}},
		{"raw-error", "acme.us", 0, []string{"raw", "GET", "/api/v1/nothing"}},

		{"error-quota", "register.us", 0, []string{"tenant", "create", "--license-key", licenseKey, "--name", "one too many"}},
		{"error-wrong-host", "acme.us", 0, []string{"tenant", "create", "--license-key", licenseKey}},
		{"error-list-wrong-host", "acme.us", 0, []string{"tenant", "list"}},
		{"error-tenant-wrong-host", "console", 0, []string{"user", "list"}},
		{"error-not-found", "acme.us", 0, []string{"tenant", "get", "TZXk9rFMoKgp7sgAwvczdAlKSSWuaa3f"}},
		{"error-filter", "console", 0, []string{"tenant", "list", "--filter", "oops"}},
		{"error-me-at-console", "console", 0, []string{"tenant", "get", "me"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			s.use(f, "c", tt.host)
			s.columns = tt.columns
			golden(t, tt.name, s.transcript(tt.args...))
		})
	}
}

func TestCommands_usageErrors(t *testing.T) {
	f := newFake(t, 3)
	s := newSession(t)
	s.use(f, "c", "console")
	var b strings.Builder
	for _, line := range []string{
		"tenant crate",
		"tenant xyzzy",
		"context create",
		"context create a b",
		"context create c --server x",
		"context create d",
		"context create d --server https://console.example.com",
		"context create d --server https://console.example.com --client-id x",
		"context create d --server https://console.example.com --client-id x --client-secret hunter2",
		"context create d --server https://console.example.com --client-id x --client-secret - --client-secret-file f",
		"context create d --server https://console.example.com --client-id x --client-secret-file DIR/missing",
		"context create d --server https://console.example.com --client-id x --client-secret -",
		"context use nobody",
		"context get nobody",
		"context delete nobody",
		"context import DIR/missing",
		"tenant get",
		"tenant list --limit -1",
		"tenant list --output yaml",
		"tenant list --context nobody",
		"tenant create",
		"tenant create --license-key k --from x",
		"tenant create --license-key-file DIR/missing",
		"tenant create --license-key k --label x",
		"oauth-client create",
		"oauth-client create --name x --region us",
		"oauth-client create --name x --subscription 1048362759104836",
		"oauth-client list --limit -1",
		"oauth-client list --server acme.us.freehold.localhost --subscription 1048362759104836",
		"oauth-client get",
		"oauth-client update x",
		"oauth-client update x --remove secret",
		"oauth-client delete x",
		"oauth-client publish",
		"secret create x --expires -1h",
		"secret delete x",
		"secret delete x abcde",
		"secret rotate x --overlap -1s",
		"secret finish",
		"raw GET",
		"raw GET https://elsewhere.example.com/",
		"raw POST /x --body {",
		"raw POST /x --body {} --body-file f",
		"raw GET /x --query x",
		"raw GET /x --header x",
	} {
		args := strings.Fields(strings.ReplaceAll(line, "DIR", s.dir))
		transcript := s.transcript(args...)
		if !strings.Contains(transcript, "-- error --") {
			t.Errorf("no error: %s", transcript)
		}
		b.WriteString(transcript + "\n")
	}
	golden(t, "usage-errors", b.String())
	if len(f.requests) > 0 {
		t.Errorf("requests were made: %q", f.requests)
	}
}

func TestTenantCreate_request(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "register-us", "register.us")
	file := filepath.Join(s.dir, "key")
	if err := os.WriteFile(file, []byte(licenseKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("tenant", "create", "--license-key-file", file)
	s.must("tenant", "create", "--from", f.url("acme.us"), "--label", "a=b", "--label", "c=d,e=f")
	want := []string{
		`POST register.us.freehold.localhost/api/v1/tenants {"licenseKey":"` + licenseKey + `"}`,
		`GET acme.us.freehold.localhost/api/v1/licenses/overview`,
		`POST register.us.freehold.localhost/api/v1/tenants {"licenseKey":"` + licenseKey + `","labels":{"a":"b","c":"d,e=f"}}`,
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Error(diff)
	}
}

func TestTenantList_pages(t *testing.T) {
	f := newFake(t, 250)
	s := newSession(t)
	s.use(f, "console", "console")
	for _, tt := range []struct {
		args     []string
		listed   int
		requests int
		note     string
	}{
		{nil, 100, 1, "There are more. Use --limit 0 to list all.\n"},
		{[]string{"--limit", "0"}, 250, 3, ""},
		{[]string{"--limit", "7"}, 7, 1, "There are more. Use --limit 0 to list all.\n"},
		{[]string{"--limit", "101"}, 101, 2, "There are more. Use --limit 0 to list all.\n"},
		{[]string{"--limit", "250"}, 250, 3, ""},
		{[]string{"--limit", "1000", "--total"}, 250, 3, "250 of 250 tenants.\n"},
		{[]string{"--limit", "1", "--total"}, 1, 1, "1 of 250 tenants. There are more. Use --limit 0 to list all.\n"},
	} {
		f.requests = nil
		stdout, stderr := s.must(append([]string{"tenant", "list"}, tt.args...)...)
		listed := strings.Count(stdout, `"subscriptionId"`)
		if listed != tt.listed || len(f.requests) != tt.requests || stderr != tt.note {
			t.Errorf("%v: %d tenants in %d requests, note %q; want %d in %d, %q", tt.args, listed, len(f.requests), stderr, tt.listed, tt.requests, tt.note)
		}
	}
}

func TestTenantList_none(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "console", "console")
	for columns, want := range map[int]string{0: "[]\n", 80: ""} {
		s.columns = columns
		stdout, stderr := s.must("tenant", "list", "--sort", "-createdAt", "--filter", `name eq "x"`)
		if stdout != want || stderr != "No tenants.\n" {
			t.Errorf("%d columns: %q, %q", columns, stdout, stderr)
		}
	}
	want := "GET console.freehold.localhost/api/core/tenants?filter=name+eq+%22x%22&limit=100&sort=-createdAt"
	if f.requests[0] != want {
		t.Errorf("got  %s\nwant %s", f.requests[0], want)
	}
}

func TestOutput_styleOnlyWhereItShows(t *testing.T) {
	f := newFake(t, 1)
	s := newSession(t)
	s.use(f, "console", "console")
	s.columns = 200
	for _, tt := range []struct {
		name, value string
		styled      bool
	}{{"", "", true}, {"NO_COLOR", "1", false}, {"TERM", "dumb", false}} {
		s.vars[tt.name] = tt.value
		stdout, _ := s.must("tenant", "list")
		if styled := strings.Contains(stdout, "\x1b["); styled != tt.styled {
			t.Errorf("%s=%s: styled %v", tt.name, tt.value, styled)
		}
		delete(s.vars, tt.name)
	}
	s.columns = 0
	if stdout, _ := s.must("tenant", "list", "--output", "table"); strings.Contains(stdout, "\x1b[") {
		t.Errorf("a pipe got %q", stdout)
	}
}

func TestOAuthClientCreate_picksTheSurface(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "any", "console")
	s.must("oauth-client", "create", "--name", "a")
	s.must("oauth-client", "create", "--name", "b", "--server", "acme.us.freehold.localhost")
	want := []string{
		`POST console.freehold.localhost/api/core/oauth-clients {"clientName":"a","appType":"web"}`,
		`POST acme.us.freehold.localhost/api/v1/oauth-clients {"clientName":"b","appType":"web"}`,
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Error(diff)
	}
}

func TestRaw_request(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "tenant", "acme.us")
	s.stdin = `{"clientName":"a","appType":"web"}`
	s.must("raw", "post", "v1/oauth-clients", "--body-file", "-", "--header", "X-Test: a:b")
	s.stdin = ""
	s.must("raw", "post", "/api/v1/oauth-clients", "--body", `{"clientName":"b","appType":"web"}`)
	stdout, _, err := s.run("raw", "get", "v1/x?a=1", "--query", "b=x=y z", "--query", "b=2")
	if err == nil || !strings.Contains(stdout, `"HTTP-404"`) {
		t.Errorf("%q, %v", stdout, err)
	}
	want := []string{
		`POST acme.us.freehold.localhost/api/v1/oauth-clients {"clientName":"a","appType":"web"}`,
		`POST acme.us.freehold.localhost/api/v1/oauth-clients {"clientName":"b","appType":"web"}`,
		`GET acme.us.freehold.localhost/api/v1/x?a=1&b=x%3Dy+z&b=2`,
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Error(diff)
	}
}
