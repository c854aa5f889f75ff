package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/client"
)

const howToConnect = `make one with "freehold login", "freehold context create" or "freehold context import", ` +
	`or set FREEHOLD_SERVER, FREEHOLD_CLIENT_ID and FREEHOLD_CLIENT_SECRET`

const connectionHelp = `
The server and credential are, in this order: those of --context; those in
FREEHOLD_SERVER, FREEHOLD_CLIENT_ID and FREEHOLD_CLIENT_SECRET (or
FREEHOLD_CLIENT_SECRET_FILE, with FREEHOLD_CA_FILE); those of the context named
in FREEHOLD_CONTEXT; those of the current context. --server, or else
FREEHOLD_SERVER, takes the credential of a context to another host; a mere host
name keeps the scheme and port of the context's server. With --exchange the other
host, a tenant's, is not shown the credential but a token of the context's server.`

// connection finds the server to call and the credential to use there.
type connection struct {
	env      Env
	context  string
	server   string
	exchange bool
}

func (c *connection) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.context, "context", "", "name of the context to use")
	flags.StringVar(&c.server, "server", "",
		"another host to use the credential at, as a URL or a host name")
	flags.BoolVar(&c.exchange, "exchange", false,
		"get the token of --server for one of the context's server (RFC 8693), which alone is shown the credential")
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
		found.home = found.Server
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

		AssertionFile:      getenv("FREEHOLD_ASSERTION_FILE"),
		PrivateKeyFile:     getenv("FREEHOLD_PRIVATE_KEY_FILE"),
		KeyID:              getenv("FREEHOLD_KEY_ID"),
		CertificateFile:    getenv("FREEHOLD_CERTIFICATE_FILE"),
		CertificateKeyFile: getenv("FREEHOLD_CERTIFICATE_KEY_FILE"),
	}
	if text := getenv("FREEHOLD_DPOP"); text != "" {
		var err error
		if s.DPoP, err = strconv.ParseBool(text); err != nil {
			return storedContext{}, fmt.Errorf("FREEHOLD_DPOP is %q; say true or false", text)
		}
	}
	if err := s.checkCredential(); err != nil {
		return storedContext{}, err
	}
	if path := getenv("FREEHOLD_CLIENT_SECRET_FILE"); s.ClientSecret == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return storedContext{}, fmt.Errorf("read FREEHOLD_CLIENT_SECRET_FILE: %w", err)
		}
		s.ClientSecret = secret(strings.TrimSpace(string(text)))
	}
	switch {
	case s.ClientSecret == "" && !s.secretless():
		return storedContext{}, errors.New("FREEHOLD_CLIENT_ID is set, but none of FREEHOLD_CLIENT_SECRET, FREEHOLD_CLIENT_SECRET_FILE, FREEHOLD_ASSERTION_FILE and FREEHOLD_PRIVATE_KEY_FILE")
	case s.Server == "" && c.server == "":
		return storedContext{}, errors.New("FREEHOLD_CLIENT_ID is set, but neither FREEHOLD_SERVER nor --server")
	case c.server == "":
		return s, nil
	}
	var err error
	s.home = s.Server
	s.Server, err = hostBeside(s.Server, c.server)
	return s, err
}

// client returns a client for the settings.
func (c *connection) client() (*client.Client, storedContext, error) {
	s, err := c.settings()
	if err != nil {
		return nil, s, err
	}
	if !c.exchange {
		conn, err := dial(c.env, s)
		return conn, s, err
	}
	if s.home == "" {
		return nil, s, errors.New("--exchange is for another host than the context's; name it with --server")
	}
	there := s
	there.Server = s.home
	from, err := dial(c.env, there)
	if err != nil {
		return nil, s, err
	}
	conn, err := from.Exchange(s.Server)
	return conn, s, err
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
