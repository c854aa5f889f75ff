package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

type login struct {
	env     Env
	context string
	caFile  string
	scopes  []string
}

func loginCommand(env Env) *cobra.Command {
	l := &login{env: env}
	cmd := &cobra.Command{
		Use:   "login [HOST]",
		Short: "Sign in as a person, at the console or at a tenant",
		Long: `Sign in as a person, at the console or at a tenant, and keep a context for it.

The command shows an address and a code. Open the address in any browser, sign in
there if you are not, compare the code, and approve. What commands do from then on
they do as you, with what you may do at this one host, until "freehold logout",
until you do not use the context for thirty days, or until somebody takes the
approval back.

HOST is a URL or a host name. Without it the command signs in anew at the host of a
context that it made before. The context is named by --context, or else after the
host. Its tokens are kept in the directory logins beside contexts.json, readable by
you alone.`,
		Example: `  freehold login console.example.com
  freehold login https://acme.us.example.com --context acme
  freehold login --context acme`,
		Args: args("[HOST]"),
		RunE: l.run,
	}
	flags := cmd.Flags()
	flags.StringVar(&l.context, "context", "", "name of the context to make, or to sign in to anew")
	flags.StringVar(&l.caFile, "ca-file", "", "file of certificate authorities to trust besides the system's")
	flags.StringArrayVar(&l.scopes, "scope", nil, "scope to ask for; may be repeated (default all that the command can use)")
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts(env))
	return cmd
}

func (l *login) run(cmd *cobra.Command, args []string) error {
	file, err := loadContexts(l.env)
	if err != nil {
		return err
	}
	name, stored, err := l.find(file, args)
	if err != nil {
		return err
	}
	conn, err := client.New(stored.Server, options(l.env, stored)...)
	if err != nil {
		return err
	}
	stored.Server = conn.BaseURL()
	if insecure(stored.Server) {
		note(cmd, "Warning: %s is not HTTPS, so all tokens can be read on the way.", stored.Server)
	}
	tokens, err := conn.SignIn(cmd.Context(), client.DeviceFlow{Scopes: loginScopes(stored.Scopes), Wait: l.env.Wait, Show: func(d api.DeviceAuthorization) {
		note(cmd, "Open this address and approve, if it shows the code %s:\n\n  %s\n", shown(d.UserCode), shown(d.VerificationURIComplete))
	}})
	if err != nil {
		return err
	}
	return l.keep(cmd, name, stored, tokens)
}

// find finds the context that the person means, or begins a new one.
func (l *login) find(file *contextFile, args []string) (name string, c storedContext, err error) {
	if len(args) == 0 {
		if name, err = contextInUse(l.env, file, l.context); err != nil {
			return "", c, err
		}
		if c, err = file.get(name); err == nil && !c.Login {
			err = fmt.Errorf("the context %s has a credential of its own; name the host to sign in at", name)
		}
	} else {
		server, err := client.New(args[0])
		if err != nil {
			return "", c, err
		}
		if name = l.context; name == "" {
			name = nameOf(server.BaseURL())
		}
		if err := checkName(name); err != nil {
			return "", c, err
		}
		c = storedContext{Server: server.BaseURL(), ClientID: api.CLIClientID, Login: true}
		if old, ok := file.Contexts[name]; ok {
			if !old.Login || old.Server != c.Server {
				return "", c, fmt.Errorf("there is another context %s, for %s; choose a name with --context", name, old.Server)
			}
			c = old
		}
	}
	if len(l.scopes) > 0 {
		c.Scopes = fields(l.scopes)
	}
	if c.CAFile == "" {
		c.CAFile = l.env.Getenv("FREEHOLD_CA_FILE")
	}
	if l.caFile != "" {
		c.CAFile = l.caFile
	}
	if c.CAFile != "" && err == nil {
		c.CAFile, err = filepath.Abs(c.CAFile)
	}
	c.name = name
	return name, c, err
}

// keep stores what the person approved. What was there before ends.
func (l *login) keep(cmd *cobra.Command, name string, stored storedContext, tokens client.PersonTokens) error {
	file, err := loadContexts(l.env) // again: the person took their time
	if err != nil {
		return err
	}
	if err := file.add(name, stored); err != nil {
		return err
	}
	logins, err := loginsOf(l.env, stored)
	if err != nil {
		return err
	}
	if err := signOut(cmd.Context(), l.env, stored); err != nil {
		note(cmd, "Warning: the tokens from before were not revoked: %v", err)
	}
	if err := logins.store(tokens); err != nil {
		return err
	}
	if err := saveContexts(l.env, file); err != nil {
		return err
	}
	if tokens.RefreshToken == "" {
		note(cmd, "You did not grant offline_access: the sign-in ends with its first token.")
	}
	note(cmd, "Signed in at %s, with the context %s.%s", stored.Server, name, inUse(file, name))
	return nil
}

// loginScopes are those to ask for. A host leaves out what it does not have.
func loginScopes(chosen []string) []string {
	if len(chosen) == 0 {
		chosen = append([]string{api.ScopeUserDefault, api.ScopeAdminClassic}, api.OrganizationScopes()...)
	}
	return append(append([]string(nil), chosen...), api.ScopeOfflineAccess)
}

// nameOf is the name of the context for a host, as "context import" gives it.
func nameOf(server string) string {
	label := hostLabel(server)
	u, err := url.Parse(server)
	if err != nil || label == consoleContext {
		return label
	}
	labels := strings.Split(u.Hostname(), ".")
	return strings.Join(labels[:min(len(labels), 2)], "-")
}

// shown keeps text of a server from steering the terminal.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// contextInUse is the name of the context that a command means which takes no
// credential from the environment.
func contextInUse(env Env, file *contextFile, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if name := env.Getenv("FREEHOLD_CONTEXT"); name != "" {
		return name, nil
	}
	return file.current()
}

func logoutCommand(env Env) *cobra.Command {
	given := ""
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Sign out, and revoke the tokens of a sign-in",
		Long: `Sign out: revoke the tokens that "freehold login" got, and forget them. The context
stays, to sign in to anew.`,
		Example: `  freehold logout --context acme`,
		Args:    args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := loadContexts(env)
			if err != nil {
				return err
			}
			name, err := contextInUse(env, file, given)
			if err != nil {
				return err
			}
			stored, err := file.get(name)
			if err != nil {
				return err
			}
			if !stored.Login {
				return fmt.Errorf(`the context %s has a credential of its own, and nobody is signed in; "freehold context delete %s" forgets it`, name, name)
			}
			if err := signOut(cmd.Context(), env, stored); err != nil {
				return fmt.Errorf("the tokens are forgotten here, but %s did not revoke them; take your approval back there: %w", stored.Server, err)
			}
			note(cmd, "Signed out of %s.", stored.Server)
			return nil
		},
	}
	cmd.Flags().StringVar(&given, "context", "", "name of the context to sign out of")
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts(env))
	return cmd
}

// signOut revokes the tokens of a context, if there are any, and forgets them
// either way.
func signOut(ctx context.Context, env Env, stored storedContext) error {
	logins, err := loginsOf(env, stored)
	if err != nil {
		return err
	}
	if there, err := logins.exists(); err != nil || !there {
		return err
	}
	conn, err := dial(env, stored)
	if err == nil {
		var token string
		// Revoking either token of an approval ends all that came of it.
		if token, err = conn.Token(ctx); err == nil {
			err = conn.Revoke(ctx, token)
		}
	}
	if errors.Is(err, client.ErrSignedOut) {
		err = nil
	}
	if removed := logins.remove(); err == nil {
		err = removed
	}
	return err
}
