package credential

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// The rules for clients that register themselves (RFC 7591).
const (
	RegistrationLifetime = time.Hour // until an administrator connects the client, or it is deleted

	maxRegistrations = 100 // that wait in one tenant: anybody can make one
)

// registrationScopes are what such a client can hold.
func registrationScopes() estate.Permissions {
	return estate.Permissions{api.ScopeUserDefault, "mcp:execute", api.ScopeOfflineAccess}
}

// Registration is what a client says of itself.
type Registration struct {
	Name         string
	URI          string
	LogoURI      string
	RedirectURIs []string
	Scope        string // empty: all that it can hold
	AuthMethod   string // of RFC 7591; empty: client_secret_basic
	GrantTypes   []string
}

// RegisterClient makes a client of the tenant at surface, if the tenant lets
// clients register themselves. Until an administrator connects it, by being the
// first to approve it, it can act for nobody.
func (s *Service) RegisterClient(ctx context.Context, surface estate.Surface, r Registration, trace string) (estate.Client, estate.Secret, error) {
	scope, now := surface.Tenant.Scope(), s.now()
	c, err := registered(r, scope, now)
	if err != nil {
		return c, "", err
	}
	method := api.RegistrationMethodSecret
	if isPublic(c) {
		method = api.RegistrationMethodNone
	}
	actor := estate.Actor{Kind: estate.ActorClient, ID: string(c.ID), Level: estate.LevelTenant, Scope: scope, TraceID: trace}
	var secret estate.Secret
	if method == api.RegistrationMethodSecret {
		stored, plain := s.newSecret(c, actor)
		c.Secrets, secret = []estate.ClientSecret{stored}, plain
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		settings, err := tx.AuthSettings(ctx, scope)
		switch {
		case err != nil:
			return err
		case settings == nil || !settings.Registration:
			return errRegistrationOff
		case !slices.Contains(settings.RegistrationMethods, method):
			return badRegistration("token_endpoint_auth_method", "this tenant does not allow it")
		}
		waiting, err := tx.CountPendingClients(ctx, scope)
		switch {
		case err != nil:
			return err
		case waiting >= maxRegistrations:
			return errBusy
		}
		if err := tx.InsertClient(ctx, c); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, scope, "oauth-client.create", string(c.ID), map[string]any{
			"name": c.Name, "level": c.Level, "scopes": c.Permissions, "authMethods": c.AuthMethods, "createdByType": c.CreatedByType, event.KeyEvent: describeClient(c),
		})
	})
	return c, secret, err
}

// registered checks what a client says of itself.
func registered(r Registration, scope estate.Scope, now time.Time) (c estate.Client, err error) {
	c = estate.Client{
		ID: estate.NewClientID(), Level: estate.LevelTenant, Scope: scope, Name: strings.TrimSpace(r.Name), URI: r.URI, LogoURI: r.LogoURI,
		RedirectURIs: r.RedirectURIs, Consent: estate.ConsentPending, CreatedBy: "dcr", CreatedByType: "dcr", CreatedAt: now, UpdatedAt: now,
	}
	switch r.AuthMethod {
	case "", "client_secret_basic", "client_secret_post":
		c.AppType, c.AuthMethods = api.AppTypeWeb, []string{authClientSecret}
	case "none":
		c.AppType = api.AppTypeNative
	default:
		return c, badRegistration("token_endpoint_auth_method", "must be client_secret_basic, client_secret_post or none")
	}
	for _, grant := range r.GrantTypes {
		if grant != api.GrantAuthorizationCode && grant != api.GrantRefreshToken {
			return c, badRegistration("grant_types", "must be of "+api.GrantAuthorizationCode+" and "+api.GrantRefreshToken)
		}
	}
	allowed := registrationScopes()
	for _, name := range estate.ParsePermissions(r.Scope) {
		if allowed.Holds(name) {
			c.Permissions = append(c.Permissions, name)
		}
	}
	if r.Scope == "" {
		c.Permissions = allowed
	}
	if isPublic(c) {
		c.Permissions = slices.DeleteFunc(c.Permissions, func(name string) bool { return name == api.ScopeOfflineAccess })
	}
	switch {
	case len(c.Permissions) == 0:
		return c, badRegistration("scope", "must be of "+allowed.String())
	case c.URI == "":
		return c, badRegistration("client_uri", "client_uri is missing")
	case len(c.RedirectURIs) == 0:
		return c, errRegistrationURI.At("/redirect_uris", "redirect_uris must have at least one entry")
	}
	for i, uri := range c.RedirectURIs {
		if i >= maxListed || !isRedirectURI(c.AppType, uri) {
			return c, errRegistrationURI.At("/redirect_uris", "redirect_uris must be absolute https URLs, or http on localhost, or without authentication have a scheme of their own with a period; 100 at most")
		}
	}
	if err := validateClient(c, NewClient{}); err != nil {
		return c, errRegistrationInvalid.Because(err).At("/client_name", "client_name must have 1 to 256 characters; client_uri and logo_uri must be absolute https URLs")
	}
	return c, nil
}

// lapsed tells whether a client has registered itself, and nobody has connected it
// in time. It is deleted a moment later.
func (s *Service) lapsed(c estate.Client) bool {
	return c.Consent == estate.ConsentPending && s.now().Sub(c.CreatedAt) >= RegistrationLifetime
}

// connect makes a client that registered itself one of the tenant's, of which
// people are asked from now on.
func (s *Service) connect(ctx context.Context, tx *store.Tx, actor estate.Actor, client estate.Client) error {
	c, err := tx.Client(ctx, client.Scope, client.ID)
	if err != nil || c.Consent != estate.ConsentPending {
		return err
	}
	before := connectionOf(c.Scope, c, store.Connection{})
	c.Consent, c.UpdatedAt = estate.ConsentRequired, s.now()
	if err := tx.UpdateClient(ctx, c.Scope, c); err != nil {
		return err
	}
	return s.consented(ctx, tx, actor, c.Scope, c.ID, before, connectionOf(c.Scope, c, store.Connection{}))
}

// sweepRegistrations deletes the clients that registered themselves and that
// nobody connected in time.
func (s *Service) sweepRegistrations(ctx context.Context) error {
	var due []estate.Client
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.PendingClients(ctx, s.now().Add(-RegistrationLifetime))
		return err
	})
	deleted := 0
	for _, c := range due {
		if err != nil {
			return err
		}
		err = s.store.Write(ctx, func(tx *store.Tx) error {
			now, err := tx.Client(ctx, c.Scope, c.ID)
			if estate.HasCode(err, api.CodeClientNotFound) || err == nil && now.Consent != estate.ConsentPending {
				return nil // somebody was faster
			}
			if err != nil {
				return err
			}
			if err := tx.DeleteClient(ctx, c.Scope, c.ID, s.now()); err != nil {
				return err
			}
			deleted++
			return s.audit.Done(ctx, tx, system, c.Scope, "oauth-client.delete", string(c.ID), map[string]any{
				"name": c.Name, "reason": "nobody connected it in time", event.KeyEvent: describeClient(c),
			})
		})
	}
	if err == nil && len(due) == store.MaxPage && deleted > 0 {
		return s.sweepRegistrations(ctx) // there may be more
	}
	return err
}

func badRegistration(field, detail string) error {
	return errRegistrationInvalid.At("/"+field, detail)
}

var (
	errRegistrationOff     = estate.E(estate.Forbidden, api.CodeOAuthRegistrationOff, "Registration is off", "This tenant lets no client register itself.")
	errRegistrationURI     = estate.E(estate.Invalid, api.CodeOAuthRegistrationURI, "Invalid redirect URI", "")
	errRegistrationInvalid = estate.E(estate.Invalid, api.CodeOAuthRegistrationInvalid, "Invalid client metadata", "")
)
