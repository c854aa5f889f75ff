package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Loader fills a Config from defaults, a YAML file, the environment and flags,
// each overriding the one before. Register its flags with Bind before they are
// parsed, and Load after.
type Loader struct {
	config Config
	file   string
	all    *pflag.FlagSet // of every setting, whether a command shows it or not
	Getenv func(string) string
}

// Setting describes one key of the configuration.
type Setting struct {
	Key, Default, Doc string
}

// Env is the environment variable of the setting.
func (s Setting) Env() string { return "FREEHOLD_" + strings.ToUpper(s.Key) }

// Flag is the flag of the setting, without its hyphens.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// Settings lists the keys of the configuration in the order of Config.
func Settings() []Setting {
	defaults := reflect.ValueOf(Defaults())
	settings := make([]Setting, defaults.NumField())
	for i := range settings {
		field := defaults.Type().Field(i)
		settings[i] = Setting{Key: field.Tag.Get("key"), Default: fmt.Sprint(defaults.Field(i)), Doc: field.Tag.Get("doc")}
	}
	return settings
}

// Bind registers --config and a flag for each setting, or for those named.
func (l *Loader) Bind(flags *pflag.FlagSet, only ...string) {
	l.config, l.all = Defaults(), pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringVar(&l.file, "config", "", "file (YAML) with settings, by their keys; default: FREEHOLD_CONFIG")
	value := reflect.ValueOf(&l.config).Elem()
	for i, s := range Settings() {
		switch field := value.Field(i).Addr().Interface().(type) {
		case *string:
			l.all.StringVar(field, s.Flag(), *field, s.Doc)
		case *bool:
			l.all.BoolVar(field, s.Flag(), *field, s.Doc)
		case *float64:
			l.all.Float64Var(field, s.Flag(), *field, s.Doc)
		case *int:
			l.all.IntVar(field, s.Flag(), *field, s.Doc)
		case *time.Duration:
			l.all.DurationVar(field, s.Flag(), *field, s.Doc)
		}
		if len(only) == 0 || slices.Contains(only, s.Flag()) {
			flags.AddFlag(l.all.Lookup(s.Flag()))
		}
	}
}

// Load returns the configuration, validated.
func (l *Loader) Load() (Config, error) {
	fromFile, err := l.readFile()
	if err != nil {
		return l.config, err
	}
	var problems []error
	for _, s := range Settings() {
		flag := l.all.Lookup(s.Flag())
		value, set := fromFile[s.Key]
		delete(fromFile, s.Key)
		if env := l.Getenv(s.Env()); env != "" {
			value, set = env, true
		}
		if !set || flag.Changed {
			continue
		}
		if err := flag.Value.Set(fmt.Sprint(value)); err != nil {
			problems = append(problems, fmt.Errorf("%s: %q is not %s", s.Key, fmt.Sprint(value), forms[flag.Value.Type()]))
			_ = flag.Value.Set(flag.DefValue) // about which Validate has nothing to say
		}
	}
	for _, unknown := range slices.Sorted(maps.Keys(fromFile)) {
		problems = append(problems, fmt.Errorf("%s: no such key", unknown))
	}
	problems = append(problems, l.config.Validate())
	return l.config, errors.Join(problems...)
}

// forms says what the types of settings look like.
var forms = map[string]string{
	"bool": "true or false", "int": "a whole number", "float64": "a number", "duration": "a duration, such as 30s, 15m or 24h", "string": "a text",
}

func (l *Loader) readFile() (map[string]any, error) {
	path := l.file
	if path == "" {
		path = l.Getenv("FREEHOLD_CONFIG")
	}
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	settings := map[string]any{}
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	return settings, nil
}

const hiddenURL = "xxxxx"

// withoutPasswords is the URL of a database as it may be shown: nothing of one that
// is not what it seems.
func withoutPasswords(database string) string {
	if database == "" {
		return ""
	}
	u, err := url.Parse(database)
	if err != nil || ambiguous(database) {
		return hiddenURL
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, hiddenURL)
		}
	}
	if len(query) > 0 {
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}

// ambiguous tells whether the URL of a database has an @ or # that is not encoded: a
// part of a password would be taken for the host.
func ambiguous(database string) bool {
	_, rest, _ := strings.Cut(database, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return strings.Contains(database, "#") || strings.Count(rest, "@") > 1
}

// Print writes the configuration as YAML, in the form that a file has, but
// without the database's password.
func (c Config) Print(w io.Writer) error {
	c.Database = withoutPasswords(c.Database)
	value := reflect.ValueOf(c)
	for i, s := range Settings() {
		text, err := yaml.Marshal(map[string]any{s.Key: value.Field(i).Interface()})
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
