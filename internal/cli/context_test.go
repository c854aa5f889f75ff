package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/cli"
)

const console = "http://console.freehold.localhost:8080"

func TestContext_output(t *testing.T) {
	for _, columns := range []int{0, 100} {
		s := newSession(t)
		s.columns = columns
		s.stdin = clientSecret + "\n"
		var b strings.Builder
		for _, line := range []string{
			"context list",
			"context get",
			"context create first --server " + console + "/ --client-id " + clientID + " --client-secret -",
			"context create second --server https://register.us.example.com --client-id " + clientID + " --client-secret-file - --scope a --scope b",
			"context create third --server http://register.us.example.com --client-id " + clientID + " --client-secret -",
			"context list",
			"context get",
			"context get second",
			"context use second",
			"context delete third",
			"context delete second",
			"context get",
			"tenant list",
			"context list",
		} {
			b.WriteString(s.transcript(strings.Fields(line)...) + "\n")
		}
		golden(t, fmt.Sprintf("context-%d", columns), b.String())
		if strings.Contains(b.String(), clientSecret) {
			t.Error("the secret was shown")
		}
	}
}

func TestContext_fileIsPrivate(t *testing.T) {
	s := newSession(t)
	s.vars = map[string]string{"HOME": s.dir, "FREEHOLD_CLIENT_SECRET": clientSecret}
	s.must("context", "create", "a", "--server", console, "--client-id", clientID)
	for _, place := range []struct {
		path string
		mode os.FileMode
	}{{".config/freehold", 0o700 | os.ModeDir}, {".config/freehold/contexts.json", 0o600}} {
		info, err := os.Stat(filepath.Join(s.dir, place.path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != place.mode {
			t.Errorf("%s has mode %v, want %v", place.path, info.Mode(), place.mode)
		}
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, ".config/freehold"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}

	s.vars["XDG_CONFIG_HOME"] = filepath.Join(s.dir, "xdg")
	s.must("context", "create", "a", "--server", console, "--client-id", clientID)
	if _, err := os.Stat(filepath.Join(s.dir, "xdg/freehold/contexts.json")); err != nil {
		t.Error(err)
	}
}

func TestContext_fileMayBeALink(t *testing.T) {
	s := newSession(t)
	s.vars["FREEHOLD_CLIENT_SECRET"] = clientSecret
	target := filepath.Join(s.dir, "elsewhere.json")
	if err := os.WriteFile(target, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := s.vars["FREEHOLD_CONFIG_DIR"]
	if err := os.Mkdir(config, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(config, "contexts.json")); err != nil {
		t.Fatal(err)
	}
	s.must("context", "create", "a", "--server", console, "--client-id", clientID)
	if text, err := os.ReadFile(target); err != nil || !strings.Contains(string(text), clientSecret) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestContext_brokenFile(t *testing.T) {
	for _, text := range []string{"", "{", `{"contexts":{"a":{"sever":"x"}}}`, `[]`} {
		s := newSession(t)
		config := s.vars["FREEHOLD_CONFIG_DIR"]
		if err := os.MkdirAll(config, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(config, "contexts.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"context", "list"}, {"context", "use", "a"}, {"tenant", "list"}} {
			if _, _, err := s.run(args...); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%q: %v gave %v", text, args, err)
			}
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("the file was changed to %q, %v", after, err)
		}
	}
}

// quickstart writes the file that describes a fake server.
func (s *session) quickstart(f *fake) string {
	s.t.Helper()
	s.port = f.port
	credential := func(members map[string]any) map[string]any {
		members["client_id"], members["client_secret"] = clientID, clientSecret
		return members
	}
	text, err := json.Marshal(map[string]any{
		"console": credential(map[string]any{"url": f.url("console")}),
		"account": map[string]string{"email": "owner@example.com", "password": "hunter2"},
		"regions": map[string]any{
			"us": credential(map[string]any{"register_url": f.url("register.us"), "license_key": licenseKey}),
			"eu": credential(map[string]any{"register_url": f.url("register.eu"), "license_key": "k"}),
		},
		"tenants": []any{
			credential(map[string]any{"id": tenantID, "url": f.url("acme.us"), "hostname": "acme.us.freehold.localhost", "region": "us"}),
		},
		"ca_file": "",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.dir, "quickstart.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestContext_import(t *testing.T) {
	f := newFake(t, 2)
	s := newSession(t)
	path := s.quickstart(f)
	var b strings.Builder
	for _, args := range [][]string{
		{"context", "import", path},
		{"context", "import", path},
		{"context", "import", path, "--replace"},
		{"context", "list"},
		{"tenant", "create", "--context", "register-us", "--name", "By the imported key"},
		{"tenant", "get", "me", "--context", "acme-us", "--output", "table"},
	} {
		b.WriteString(s.transcript(args...) + "\n")
	}
	golden(t, "context-import", b.String())
	if strings.Contains(b.String(), clientSecret) || strings.Contains(b.String(), "hunter2") {
		t.Error("a secret was shown")
	}
}

func TestContext_importRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":         "x",
		"nothing":         "{}",
		"no credential":   `{"console":{"url":"http://console.localhost"}}`,
		"bad URL":         `{"console":{"url":"ftp://x","client_id":"a","client_secret":"b"}}`,
		"bad name":        `{"tenants":[{"url":"http://x","hostname":"ä.x","region":"us","client_id":"a","client_secret":"b"}]}`,
		"missing CA file": `{"console":{"url":"https://x","client_id":"a","client_secret":"b"},"ca_file":"none.pem"}`,
		"one name twice": `{"tenants":[{"url":"http://x","hostname":"a.x","region":"us","client_id":"a","client_secret":"b"},
			{"url":"http://y","hostname":"a.y","region":"us","client_id":"a","client_secret":"b"}]}`,
	} {
		s := newSession(t)
		s.stdin = text
		if _, _, err := s.run("context", "import", "-"); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(s.vars["FREEHOLD_CONFIG_DIR"]); err == nil {
			t.Errorf("%s: contexts were written", name)
		}
	}
}

func TestConnection(t *testing.T) {
	f := newFake(t, 0)
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte(clientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"FREEHOLD_SERVER": f.url("env.us"), "FREEHOLD_CLIENT_ID": clientID, "FREEHOLD_CLIENT_SECRET": clientSecret,
	}
	with := func(vars map[string]string, more ...string) map[string]string {
		merged := map[string]string{}
		for name, value := range vars {
			merged[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			merged[more[i]] = more[i+1]
		}
		return merged
	}
	for _, tt := range []struct {
		name string
		vars map[string]string
		args []string
		want string // host that is called, or text of the error
	}{
		{"current context", nil, nil, "current.us"},
		{"--context", nil, []string{"--context", "other"}, "other.us"},
		{"FREEHOLD_CONTEXT", map[string]string{"FREEHOLD_CONTEXT": "other"}, nil, "other.us"},
		{"--context over FREEHOLD_CONTEXT", map[string]string{"FREEHOLD_CONTEXT": "other"}, []string{"--context", "current"}, "current.us"},
		{"environment over context", environment, nil, "env.us"},
		{"--context over environment", environment, []string{"--context", "other"}, "other.us"},
		{"secret from a file", with(environment, "FREEHOLD_CLIENT_SECRET", "", "FREEHOLD_CLIENT_SECRET_FILE", secretFile), nil, "env.us"},
		{"--server with a URL", nil, []string{"--server", f.url("x.us")}, "x.us"},
		{"--server with a host name", nil, []string{"--server", "x.us.freehold.localhost"}, "x.us"},
		{"--server with a port", nil, []string{"--server", "x.us.freehold.localhost:" + f.port}, "x.us"},
		{"--server over FREEHOLD_SERVER", environment, []string{"--server", "x.us.freehold.localhost"}, "x.us"},
		{"FREEHOLD_SERVER alone", map[string]string{"FREEHOLD_SERVER": "x.us.freehold.localhost"}, nil, "x.us"},
		{"--server makes up for FREEHOLD_SERVER", with(environment, "FREEHOLD_SERVER", ""), []string{"--server", f.url("x.us")}, "x.us"},
		{"no secret", with(environment, "FREEHOLD_CLIENT_SECRET", ""), nil, "none of FREEHOLD_CLIENT_SECRET, "},
		{"no server", with(environment, "FREEHOLD_SERVER", ""), nil, "neither FREEHOLD_SERVER nor --server"},
		{"missing secret file", with(environment, "FREEHOLD_CLIENT_SECRET", "", "FREEHOLD_CLIENT_SECRET_FILE", secretFile+"x"), nil, "FREEHOLD_CLIENT_SECRET_FILE"},
		{"missing CA file", map[string]string{"FREEHOLD_CA_FILE": secretFile + "x"}, nil, "certificate authorities"},
		{"wrong secret", with(environment, "FREEHOLD_CLIENT_SECRET", "x"), nil, "Invalid client: Client authentication failed. (401, OAUTH-14"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			s.use(f, "current", "current.us")
			s.use(f, "other", "other.us")
			for name, value := range tt.vars {
				s.vars[name] = value
			}
			f.requests = nil
			_, _, err := s.run(append([]string{"raw", "get", "v1/licenses/overview"}, tt.args...)...)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v; want %q", err, tt.want)
				}
				return
			}
			if want := "GET " + tt.want + ".freehold.localhost/api/v1/licenses/overview"; f.requests[0] != want {
				t.Errorf("got %s, want %s", f.requests[0], want)
			}
		})
	}
}

func TestToken_isAllThereIsOnOutput(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "c", "console")
	stdout, stderr := s.must("token")
	if want := accessToken("console.freehold.localhost:"+f.port) + "\n"; stdout != want || stderr != "" {
		t.Errorf("%q, %q", stdout, stderr)
	}
	stdout, _ = s.must("token", "--server", "acme.us.freehold.localhost")
	if want := accessToken("acme.us.freehold.localhost:"+f.port) + "\n"; stdout != want {
		t.Errorf("%q", stdout)
	}
}

func TestCommands_completeContexts(t *testing.T) {
	f := newFake(t, 0)
	s := newSession(t)
	s.use(f, "console", "console")
	s.use(f, "register-us", "register.us")
	for _, args := range [][]string{
		{"__complete", "context", "use", ""},
		{"__complete", "tenant", "list", "--context", ""},
	} {
		stdout, _ := s.must(args...)
		if !strings.HasPrefix(stdout, "console\nregister-us\n") {
			t.Errorf("%v: %q", args, stdout)
		}
	}
}

// TestEnv_terminal asks the operating system about things that are none.
func TestEnv_terminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	root := newRoot(cli.Env{Getenv: func(name string) string { return map[string]string{"HOME": t.TempDir()}[name] }, Now: time.Now})
	root.SetOut(file)
	root.SetArgs([]string{"context", "list"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file.Name()); err != nil || string(text) != "[]\n" {
		t.Errorf("%q, %v", text, err)
	}
}
