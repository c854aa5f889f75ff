package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// secret is text that must not be shown. It is written in full only into the
// context file.
type secret string

const redacted = "[redacted]"

// Format hides the secret, whatever the verb.
func (s secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the secret.
func (s secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// storedContext is a server with the credential to use there.
type storedContext struct {
	Server       string   `json:"server"`
	ClientID     string   `json:"clientId"`
	ClientSecret secret   `json:"clientSecret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	CAFile       string   `json:"caFile,omitempty"`
	LicenseKey   secret   `json:"licenseKey,omitempty"` // what "tenant create" uses if it is given none

	// Instead of the secret.
	AssertionFile  string `json:"assertionFile,omitempty"` // read for each token
	PrivateKeyFile string `json:"privateKeyFile,omitempty"`
	KeyID          string `json:"keyId,omitempty"` // of the private key

	// What tokens are bound to.
	DPoP               bool   `json:"dpop,omitempty"`
	CertificateFile    string `json:"certificateFile,omitempty"`
	CertificateKeyFile string `json:"certificateKeyFile,omitempty"`

	Login bool `json:"login,omitempty"` // of "freehold login", which keeps its tokens apart

	name string // by which it is stored
	home string // the context's own server, where Server is another one
}

// contextFile is the content of contexts.json.
type contextFile struct {
	Current  string                   `json:"current,omitempty"`
	Contexts map[string]storedContext `json:"contexts"`
}

func (f *contextFile) names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// get returns the named context. The error says which there are.
func (f *contextFile) get(name string) (storedContext, error) {
	if found, ok := f.Contexts[name]; ok {
		found.name = name
		return found, nil
	}
	if len(f.Contexts) == 0 {
		return storedContext{}, fmt.Errorf("there is no context %q; %s", name, howToConnect)
	}
	return storedContext{}, fmt.Errorf("there is no context %q; there are: %s", name, strings.Join(f.names(), ", "))
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// current returns the name of the context in use. The error says how to get
// one.
func (f *contextFile) current() (string, error) {
	switch {
	case f.Current != "":
		return f.Current, nil
	case len(f.Contexts) == 0:
		return "", errors.New("there is no context; " + howToConnect)
	}
	return "", fmt.Errorf(`no context is in use; choose one with --context or "freehold context use": %s`, strings.Join(f.names(), ", "))
}

func checkName(name string) error {
	if !contextName.MatchString(name) {
		return fmt.Errorf("%q is not a name for a context: use up to 100 letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

// add stores a context under a name. The first one becomes the current one.
func (f *contextFile) add(name string, c storedContext) error {
	if err := checkName(name); err != nil {
		return err
	}
	f.Contexts[name] = c
	if f.Current == "" {
		f.Current = name
	}
	return nil
}

// contextPath returns where contexts are kept.
func contextPath(env Env) (string, error) {
	const name = "contexts.json"
	if dir := env.Getenv("FREEHOLD_CONFIG_DIR"); dir != "" {
		return filepath.Join(dir, name), nil
	}
	for _, place := range [][2]string{{"XDG_CONFIG_HOME", ""}, {"AppData", ""}, {"HOME", ".config"}} {
		if dir := env.Getenv(place[0]); filepath.IsAbs(dir) {
			return filepath.Join(dir, place[1], "freehold", name), nil
		}
	}
	return "", errors.New("there is no place to keep contexts: set HOME or FREEHOLD_CONFIG_DIR")
}

// loadContexts reads the context file; a missing one is empty.
func loadContexts(env Env) (*contextFile, error) {
	f := &contextFile{}
	path, err := contextPath(env)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read contexts: %w", err)
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(f); err != nil {
			return nil, fmt.Errorf("read contexts in %s: %w", path, err)
		}
	}
	if f.Contexts == nil {
		f.Contexts = make(map[string]storedContext)
	}
	return f, nil
}

// saveContexts replaces the context file as a whole, readable by its owner
// only.
func saveContexts(env Env, f *contextFile) (err error) {
	path, err := contextPath(env)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save contexts: %w", err)
		}
	}()
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(path, append(text, '\n'))
}

// writePrivate replaces a file as a whole, readable by its owner only.
func writePrivate(path string, text []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // keep a link that someone made on purpose
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".freehold-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
