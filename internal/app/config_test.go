package app_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/freehold-platform/freehold/internal/app"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestSettings_Documented keeps docs/configuration.md equal to the struct.
func TestSettings_Documented(t *testing.T) {
	var doc bytes.Buffer
	doc.WriteString("# Configuration\n\n" +
		"Each setting comes from the first of these that has it: a flag, an environment variable, a YAML file (`--config` or\n" +
		"`FREEHOLD_CONFIG`), the default. `freehold config print` shows what is in force, `freehold config check` what is wrong.\n" +
		"An unknown key in the file is an error.\n\n" +
		"| key in the file | flag | environment | default | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range app.Settings() {
		value := "`" + s.Default + "`"
		if s.Default == "" || s.Default == "0" {
			value = "–"
		}
		fmt.Fprintf(&doc, "| `%s` | `--%s` | `%s` | %s | %s |\n", s.Key, s.Flag(), s.Env(), value, s.Doc)
	}
	doc.WriteString("\nThis page is written by `go test ./internal/app -update`.\n")
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, doc.Bytes()) {
		t.Errorf("%s is not what the settings say (%v); rewrite it with -update", path, err)
	}
}

// TestLoader_Forms: a value that can't be read is told of once, in words.
func TestLoader_Forms(t *testing.T) {
	_, err := load(t, "rate_tier1_per_minute: many\nstale_limit: 3\noutbound_allow_private: perhaps\ntrace_sample_ratio: half\n", nil)
	want := `stale_limit: "3" is not a duration, such as 30s, 15m or 24h
outbound_allow_private: "perhaps" is not true or false
rate_tier1_per_minute: "many" is not a whole number
trace_sample_ratio: "half" is not a number`
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	wanted := strings.Split(want, "\n")
	slices.Sort(lines)
	slices.Sort(wanted)
	if !slices.Equal(lines, wanted) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func load(t *testing.T, file string, env map[string]string, args ...string) (app.Config, error) {
	t.Helper()
	l := &app.Loader{Getenv: func(name string) string { return env[name] }}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	l.Bind(flags)
	if file != "" {
		path := filepath.Join(t.TempDir(), "freehold.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return l.Load()
}

func TestLoader_Load(t *testing.T) {
	t.Run("defaults", func(t *testing.T) {
		got, err := load(t, "", nil)
		if err != nil || got != app.Defaults() {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("flag beats environment beats file beats default", func(t *testing.T) {
		file := "domain: file.example.com\nlog_level: error\npublic_port: 8443\n"
		env := map[string]string{"FREEHOLD_DOMAIN": "env.example.com", "FREEHOLD_LOG_LEVEL": "warn"}
		got, err := load(t, file, env, "--domain", "flag.example.com")
		want := app.Defaults()
		want.Domain, want.LogLevel, want.PublicPort = "flag.example.com", "warn", 8443
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
	t.Run("every problem is reported with its key", func(t *testing.T) {
		_, err := load(t, "colour: blue\npublic_port: many\ntls_client_auth: verify\nlog_level: loud\n", nil, "--domain", "Not A Domain", "--tls", "files", "--listen", "nowhere")
		if err == nil {
			t.Fatal("accepted")
		}
		if want := `log_level: "loud" is not debug, info, warn or error`; !strings.Contains(err.Error(), want) {
			t.Errorf("not %s:\n%v", want, err)
		}
		for _, key := range []string{"colour", "public_port", "domain", "tls", "tls_client_auth", "listen"} {
			if !strings.Contains(err.Error(), key+":") {
				t.Errorf("error does not name %s:\n%v", key, err)
			}
		}
	})
	t.Run("no password is printed", func(t *testing.T) {
		for database, want := range map[string]string{
			"postgres://fh:SECRET@h:5432,i:5433/d?sslmode=require": "postgres://fh:xxxxx@h:5432,i:5433/d?sslmode=require",
			"postgres://fh@h/d?password=SECRET&sslpassword=SECRET": "postgres://fh@h/d?password=xxxxx&sslpassword=xxxxx",
			"postgres://fh:p@SECRET@h/d":                           "xxxxx",
			"postgres://fh:p#SECRET@h/d":                           "xxxxx",
			"postgres://%2Fvar%2Frun/d?password=SECRET":            "xxxxx",
			"postgres://h?user=a@b&options=c@d":                    "postgres://h?options=c%40d&user=a%40b",
			"postgres://fh:p%ZZSECRET@h/d":                         "xxxxx",
		} {
			config, err := load(t, "", nil, "--database", database)
			if (err != nil) != (want == "xxxxx" && !strings.Contains(database, "%2F")) || err != nil && (!strings.Contains(err.Error(), "database:") || strings.Contains(err.Error(), "SECRET")) {
				t.Errorf("%s: %v", database, err)
			}
			config.Database = database // also of what is not valid
			var text bytes.Buffer
			if err := config.Print(&text); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), "database: "+want+"\n") || strings.Contains(text.String(), "SECRET") {
				t.Errorf("%s is printed as\n%s", database, text.String())
			}
		}
	})
	t.Run("what is printed can be read back", func(t *testing.T) {
		want, err := load(t, "", nil, "--domain", "a.example.com", "--public-port", "443")
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := want.Print(&text); err != nil {
			t.Fatal(err)
		}
		if got, err := load(t, text.String(), nil); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
}
