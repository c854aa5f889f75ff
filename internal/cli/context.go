package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/command"
)

func contextCommand(env Env) *cobra.Command {
	out := env.output()
	cmd := command.Group(&cobra.Command{
		Use:   "context",
		Short: "Keep servers and the credentials to use there",
		Long: `Keep servers and the credentials to use there.

Contexts are stored, secrets included, in contexts.json, which only its owner
can read: in $FREEHOLD_CONFIG_DIR, or else in freehold below $XDG_CONFIG_HOME or
~/.config.`,
	},
		contextCreateCommand(env), contextImportCommand(env), contextUseCommand(env),
		contextListCommand(env, out), contextGetCommand(env, out), contextDeleteCommand(env),
	)
	out.Flag(cmd)
	return cmd
}

type contextCreate struct {
	env        Env
	server     string
	clientID   string
	secret     string
	secretFile string
	stored     storedContext // what needs no reading
	scopes     []string
}

func contextCreateCommand(env Env) *cobra.Command {
	c := &contextCreate{env: env}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Add a context",
		Long: `Add a context. The first one becomes the current one. It fails if there is a
context of this name.

The secret comes from a file, from standard input, or from the variable
FREEHOLD_CLIENT_SECRET, but not from the command line, which every user of the
machine can read. There need not be one: with --assertion-file the client shows
the token of an issuer that it trusts ("freehold federation"), read for each access
token; with --private-key-file it signs assertions itself, with the private key of
a public key that is registered with it (private_key_jwt).

Tokens can be bound to their sender, so that a stolen one is worth nothing: with
--dpop to a key that each command makes for itself, with --certificate-file to a
TLS client certificate, where the server asks for one.

Without a context, FREEHOLD_ASSERTION_FILE, FREEHOLD_PRIVATE_KEY_FILE with
FREEHOLD_KEY_ID, FREEHOLD_DPOP=1, and FREEHOLD_CERTIFICATE_FILE with
FREEHOLD_CERTIFICATE_KEY_FILE do the same for FREEHOLD_CLIENT_ID.`,
		Example: `  freehold context create console --server https://console.example.com \
      --client-id 82e0c353eca9a5d849c74d7e98f13f7e \
      --client-secret-file secret.txt
  pass show freehold | freehold context create console \
      --server https://console.example.com \
      --client-id 82e0c353eca9a5d849c74d7e98f13f7e --client-secret -
  freehold context create ci --server https://register.us.example.com \
      --client-id 82e0c353eca9a5d849c74d7e98f13f7e \
      --assertion-file /var/run/secrets/tokens/freehold --dpop`,
		Args: args("NAME"),
		RunE: c.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.server, "server", "", "base URL of the server (required)")
	flags.StringVar(&c.clientID, "client-id", "", "identifier of the OAuth client (required)")
	flags.StringVar(&c.secretFile, "client-secret-file", "", "file with the secret of the client; - is standard input")
	flags.StringVar(&c.secret, "client-secret", "", "only - is accepted, for standard input")
	flags.StringVar(&c.stored.AssertionFile, "assertion-file", "", "instead of a secret: file with a token of an issuer that the client trusts, read for each access token")
	flags.StringVar(&c.stored.PrivateKeyFile, "private-key-file", "", "instead of a secret: PEM file with the private key that signs assertions")
	flags.StringVar(&c.stored.KeyID, "key-id", "", "id of the private key, where the client has several")
	flags.BoolVar(&c.stored.DPoP, "dpop", false, "bind tokens to a key of each command's own (RFC 9449)")
	flags.StringVar(&c.stored.CertificateFile, "certificate-file", "", "file with a TLS client certificate (PEM) to bind tokens to (RFC 8705)")
	flags.StringVar(&c.stored.CertificateKeyFile, "certificate-key-file", "", "file (PEM) with the key of the certificate (default the same file)")
	flags.StringVar(&c.stored.CAFile, "ca-file", "", "file of certificate authorities to trust besides the system's")
	flags.StringArrayVar(&c.scopes, "scope", nil, "scope to ask for; may be repeated (default all scopes of the client)")
	return cmd
}

func (c *contextCreate) run(cmd *cobra.Command, args []string) error {
	name := args[0]
	file, err := loadContexts(c.env)
	if err != nil {
		return err
	}
	if _, ok := file.Contexts[name]; ok {
		return fmt.Errorf(`context %q exists; delete it first with "freehold context delete %s"`, name, name)
	}
	stored, err := c.read(cmd.InOrStdin())
	if err != nil {
		return err
	}
	if err := file.add(name, stored); err != nil {
		return err
	}
	if err := saveContexts(c.env, file); err != nil {
		return err
	}
	if insecure(stored.Server) {
		note(cmd, "Warning: %s is not HTTPS, so the secret and all tokens can be read on the way.", stored.Server)
	}
	note(cmd, "Context %s created.%s", name, inUse(file, name))
	return nil
}

// read turns the flags into a context and checks that a client can be made of
// it.
func (c *contextCreate) read(stdin io.Reader) (storedContext, error) {
	switch {
	case c.server == "":
		return storedContext{}, errors.New("--server is missing: give the URL of the server, such as https://console.example.com")
	case c.clientID == "":
		return storedContext{}, errors.New("--client-id is missing: give the id of the OAuth client")
	}
	stored := c.stored
	stored.Server, stored.ClientID, stored.Scopes = c.server, c.clientID, fields(c.scopes)
	if err := stored.checkCredential(); err != nil {
		return storedContext{}, err
	}
	var err error
	if !stored.secretless() {
		stored.ClientSecret, err = c.readSecret(stdin)
	} else if c.secret+c.secretFile != "" {
		err = errors.New("give either a client secret or --assertion-file or --private-key-file")
	}
	if err != nil {
		return storedContext{}, err
	}
	for _, path := range []*string{&stored.AssertionFile, &stored.PrivateKeyFile, &stored.CertificateFile, &stored.CertificateKeyFile, &stored.CAFile} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return storedContext{}, err
		}
	}
	conn, err := dial(c.env, stored)
	if err != nil {
		return storedContext{}, err
	}
	stored.Server = conn.BaseURL()
	return stored, nil
}

func (c *contextCreate) readSecret(stdin io.Reader) (secret, error) {
	switch {
	case c.secret != "" && c.secret != "-":
		return "", errors.New("a secret on the command line can be read by every user of the machine: " +
			"use --client-secret-file FILE, --client-secret - for standard input, or FREEHOLD_CLIENT_SECRET")
	case c.secret != "" && c.secretFile != "":
		return "", errors.New("give either --client-secret - or --client-secret-file, not both")
	}
	var text []byte
	var err error
	switch source := c.secretFile + c.secret; source {
	case "":
		text = []byte(c.env.Getenv("FREEHOLD_CLIENT_SECRET"))
		if len(text) == 0 {
			return "", errors.New("the secret is missing: use --client-secret-file FILE, --client-secret - for standard input, or FREEHOLD_CLIENT_SECRET")
		}
	case "-":
		text, err = io.ReadAll(stdin)
	default:
		text, err = os.ReadFile(source)
	}
	if err != nil {
		return "", fmt.Errorf("read client secret: %w", err)
	}
	trimmed := strings.TrimSpace(string(text))
	if trimmed == "" || strings.ContainsAny(trimmed, "\r\n") {
		return "", errors.New("the secret is not one line of text")
	}
	return secret(trimmed), nil
}

func contextUseCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Args:              args("NAME"),
		ValidArgsFunction: completeContexts(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := loadContexts(env)
			if err != nil {
				return err
			}
			if _, err := file.get(args[0]); err != nil {
				return err
			}
			file.Current = args[0]
			if err := saveContexts(env, file); err != nil {
				return err
			}
			note(cmd, "Context %s is now in use.", args[0])
			return nil
		},
	}
}

func contextDeleteCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Remove a context",
		Args:              args("NAME"),
		ValidArgsFunction: completeContexts(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := loadContexts(env)
			if err != nil {
				return err
			}
			if _, err := file.get(args[0]); err != nil {
				return err
			}
			if err := signedOut(env, file, args[0]); err != nil {
				return err
			}
			delete(file.Contexts, args[0])
			was := ""
			if file.Current == args[0] {
				file.Current, was = "", " No context is in use now."
			}
			if err := saveContexts(env, file); err != nil {
				return err
			}
			note(cmd, "Context %s deleted.%s", args[0], was)
			return nil
		},
	}
}

// signedOut makes sure that no tokens are left behind that nobody can revoke any
// more.
func signedOut(env Env, file *contextFile, name string) error {
	c, err := file.get(name)
	if err != nil || !c.Login {
		return err
	}
	logins, err := loginsOf(env, c)
	if err != nil {
		return err
	}
	there, err := logins.exists()
	if err == nil && there {
		err = fmt.Errorf(`you are signed in with it; sign out first with "freehold logout --context %s"`, name)
	}
	return err
}

// contextView is a context as it is shown: without its secret.
type contextView struct {
	Name         string   `json:"name"`
	Current      bool     `json:"current"`
	Server       string   `json:"server"`
	ClientID     string   `json:"clientId"`
	ClientSecret string   `json:"clientSecret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	CAFile       string   `json:"caFile,omitempty"`

	AssertionFile      string `json:"assertionFile,omitempty"`
	PrivateKeyFile     string `json:"privateKeyFile,omitempty"`
	KeyID              string `json:"keyId,omitempty"`
	DPoP               bool   `json:"dpop,omitempty"`
	CertificateFile    string `json:"certificateFile,omitempty"`
	CertificateKeyFile string `json:"certificateKeyFile,omitempty"`
	Login              bool   `json:"login,omitempty"`
}

func (f *contextFile) view(name string) contextView {
	c := f.Contexts[name]
	view := contextView{
		Name: name, Current: name == f.Current, Server: c.Server, ClientID: c.ClientID,
		Scopes: c.Scopes, CAFile: c.CAFile, AssertionFile: c.AssertionFile, PrivateKeyFile: c.PrivateKeyFile, KeyID: c.KeyID,
		DPoP: c.DPoP, CertificateFile: c.CertificateFile, CertificateKeyFile: c.CertificateKeyFile,
		Login: c.Login,
	}
	if c.ClientSecret != "" {
		view.ClientSecret = redacted
	}
	return view
}

func contextListCommand(env Env, out *command.Output) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the contexts",
		Args:  args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := out.JSON(cmd)
			if err != nil {
				return err
			}
			file, err := loadContexts(env)
			if err != nil {
				return err
			}
			views := make([]contextView, 0, len(file.Contexts))
			rows := make([][]string, 0, len(file.Contexts))
			for _, name := range file.names() {
				view := file.view(name)
				mark := ""
				if view.Current {
					mark = "*"
				}
				views = append(views, view)
				rows = append(rows, []string{mark, view.Name, view.Server, view.ClientID})
			}
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), views)
			}
			if len(rows) == 0 {
				note(cmd, "No contexts.")
				return nil
			}
			return out.Table(cmd, []string{" ", "NAME", "SERVER", "CLIENT ID"}, rows)
		},
	}
}

func contextGetCommand(env Env, out *command.Output) *cobra.Command {
	return &cobra.Command{
		Use:               "get [NAME]",
		Short:             "Show a context, by default the current one",
		Args:              args("[NAME]"),
		ValidArgsFunction: completeContexts(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := out.JSON(cmd)
			if err != nil {
				return err
			}
			file, err := loadContexts(env)
			if err != nil {
				return err
			}
			var name string
			if len(args) > 0 {
				name = args[0]
			} else if name, err = file.current(); err != nil {
				return err
			}
			if _, err := file.get(name); err != nil {
				return err
			}
			view := file.view(name)
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), view)
			}
			return out.Details(cmd, [][2]string{
				{"Name", view.Name},
				{"Server", view.Server},
				{"Client ID", view.ClientID},
				{"Client secret", view.ClientSecret},
				{"Scopes", strings.Join(view.Scopes, " ")},
				{"Assertion file", view.AssertionFile},
				{"Private key file", view.PrivateKeyFile},
				{"Key ID", view.KeyID},
				{"Tokens bound to", bound(file.Contexts[name])},
				{"CA file", view.CAFile},
				{"Signed in by", map[bool]string{true: "freehold login"}[view.Login]},
			})
		},
	}
}

// completeContexts completes a first argument, or a flag, with the names of
// contexts.
func completeContexts(env Env) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		file, err := loadContexts(env)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return file.names(), cobra.ShellCompDirectiveNoFileComp
	}
}

func inUse(file *contextFile, name string) string {
	if file.Current == name {
		return " It is in use."
	}
	return fmt.Sprintf(` Use it with --context %s, or for good with "freehold context use %s".`, name, name)
}

// insecure tells whether a server is reached over a network without TLS.
func insecure(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && (ip == nil || !ip.IsLoopback())
}
