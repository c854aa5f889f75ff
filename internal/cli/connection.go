package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/client"
)

const howToConnect = `make one with "freehold context create" or "freehold context import", ` +
	`or set FREEHOLD_SERVER, FREEHOLD_CLIENT_ID and FREEHOLD_CLIENT_SECRET`

const connectionHelp = `
The server and credential are, in this order: those of --context; those in
FREEHOLD_SERVER, FREEHOLD_CLIENT_ID and FREEHOLD_CLIENT_SECRET (or
FREEHOLD_CLIENT_SECRET_FILE, with FREEHOLD_CA_FILE); those of the context named
in FREEHOLD_CONTEXT; those of the current context. --server, or else
FREEHOLD_SERVER, takes the credential of a context to another host; a mere host
name keeps the scheme and port of the context's server.`

// connection finds the server to call and the credential to use there.
type connection struct {
	env     Env
	context string
	server  string
}

func (c *connection) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.context, "context", "", "name of the context to use")
	flags.StringVar(&c.server, "server", "",
		"another host to use the credential at, as a URL or a host name")
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts(c.env))
}

// settings returns what flags, environment and context file come to.
func (c *connection) settings() (storedContext, error) {
	getenv := c.env.Getenv
	if c.context == "" && getenv("FREEHOLD_CLIENT_ID") != "" {
		return c.fromEnvironment()
	}
	name := c.context
	if name == "" {
		name = getenv("FREEHOLD_CONTEXT")
	}
	file, err := loadContexts(c.env)
	if err != nil {
		return storedContext{}, err
	}
	if name == "" {
		if name, err = file.current(); err != nil {
			return storedContext{}, err
		}
	}
	found, err := file.get(name)
	if err != nil {
		return storedContext{}, err
	}
	server := c.server
	if server == "" && c.context == "" {
		server = getenv("FREEHOLD_SERVER")
	}
	if server != "" {
		if found.Server, err = hostBeside(found.Server, server); err != nil {
			return storedContext{}, err
		}
	}
	if found.CAFile == "" {
		found.CAFile = getenv("FREEHOLD_CA_FILE")
	}
	return found, nil
}

func (c *connection) fromEnvironment() (storedContext, error) {
	getenv := c.env.Getenv
	s := storedContext{
		Server:       getenv("FREEHOLD_SERVER"),
		ClientID:     getenv("FREEHOLD_CLIENT_ID"),
		ClientSecret: secret(getenv("FREEHOLD_CLIENT_SECRET")),
		CAFile:       getenv("FREEHOLD_CA_FILE"),

		AssertionFile: getenv("FREEHOLD_ASSERTION_FILE"),
	}
	if path := getenv("FREEHOLD_CLIENT_SECRET_FILE"); s.ClientSecret == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return storedContext{}, fmt.Errorf("read FREEHOLD_CLIENT_SECRET_FILE: %w", err)
		}
		s.ClientSecret = secret(strings.TrimSpace(string(text)))
	}
	switch {
	case s.ClientSecret == "" && s.AssertionFile == "":
		return storedContext{}, errors.New("FREEHOLD_CLIENT_ID is set, but neither FREEHOLD_CLIENT_SECRET nor FREEHOLD_CLIENT_SECRET_FILE nor FREEHOLD_ASSERTION_FILE")
	case s.Server == "" && c.server == "":
		return storedContext{}, errors.New("FREEHOLD_CLIENT_ID is set, but neither FREEHOLD_SERVER nor --server")
	case c.server == "":
		return s, nil
	}
	var err error
	s.Server, err = hostBeside(s.Server, c.server)
	return s, err
}

// client returns a client for the settings.
func (c *connection) client() (*client.Client, storedContext, error) {
	s, err := c.settings()
	if err != nil {
		return nil, s, err
	}
	conn, err := dial(c.env, s)
	return conn, s, err
}

// dial makes a client out of a context. It does not connect.
func dial(env Env, s storedContext) (*client.Client, error) {
	credentials := client.Credentials{ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), Scopes: s.Scopes}
	if s.AssertionFile != "" {
		credentials.Assertion = client.AssertionFile(s.AssertionFile)
	}
	opts := []client.Option{
		client.WithUserAgent("freehold/" + env.Version),
		client.WithCredentials(credentials),
	}
	if s.CAFile != "" {
		opts = append(opts, client.WithCAFile(s.CAFile))
	}
	return client.New(s.Server, opts...)
}

// hostBeside reads a URL, or a host name as the API tells it, which on a
// developer's machine is reached by the same scheme and port as its siblings.
func hostBeside(sibling, given string) (string, error) {
	if strings.Contains(given, "://") || sibling == "" {
		return given, nil
	}
	base, err := url.Parse(sibling)
	if err != nil {
		return "", fmt.Errorf("server %q of the context: %w", sibling, err)
	}
	u, err := url.Parse(base.Scheme + "://" + given)
	if err != nil {
		return "", fmt.Errorf("%q is neither a URL nor a host name: %w", given, err)
	}
	if u.Port() == "" && base.Port() != "" {
		u.Host += ":" + base.Port()
	}
	return u.String(), nil
}

// hostLabel returns the first label of the host name in a base URL, which says
// what kind of surface it is: "console", "register" or a tenant's name.
func hostLabel(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return strings.ToLower(label)
}

// explain adds to an error what may be behind it, if the call went to a host
// that is not of the kind that knows the answer.
func explain(err error, c *client.Client, label, hint string) error {
	var refused *client.Error
	if !errors.As(err, &refused) || hostLabel(c.BaseURL()) == label {
		return err
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("%w; note that %s, and this is %s", err, hint, c.BaseURL())
	}
	return err
}
