package credential

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// CodeLifetime is how long an authorization code may be turned into tokens.
const CodeLifetime = 60 * time.Second

// authorizationRequest is what a program sends a person's browser with (RFC 6749
// section 4.1.1).
type authorizationRequest struct {
	ClientID        string
	RedirectURI     string
	ResponseType    string
	Scope           string
	State           string
	Challenge       string
	ChallengeMethod string
	Prompt          string
	MaxAge          string
	Repeated        string // a parameter that is given more than once, if one is

	SignInAfter time.Time // the sign-in that was asked for began then; zero: none was
}

// Person is who is signed in to the host. The zero Person is nobody.
type Person struct {
	Actor           estate.Actor
	AuthenticatedAt time.Time
}

// id names the person at the host: a user of the tenant, or an account.
func (p Person) id() string { return cmp.Or(string(p.Actor.User), p.Actor.ID) }

// authorization is what becomes of an authorizationRequest: a Code or an Err that
// goes back to the program, or what is needed of the person before.
type authorization struct {
	RedirectURI string
	State       string
	Code        estate.Secret
	Err         *estate.Error

	SignIn  bool // the person has to sign in, even if somebody is signed in
	Fresh   bool // and must not be let in for having been there before
	Consent *Question
}

// Question is what a person is asked to approve.
type Question struct {
	Client  estate.Client
	Scopes  estate.Permissions
	Connect bool // the client registered itself, and the approval connects it to the tenant
}

// verifierPattern is RFC 7636 section 4.1, challengePattern section 4.2 for S256.
var (
	verifierPattern  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
)

const maxState = 2048

// Authorize decides about a request at a tenant's host, and returns where the
// browser has to go next: back to the program, to sign in, or to be asked. Whom to
// send back where is only known once client and redirect URI are right: an error
// of Authorize itself goes to the person, others to the program.
func (s *Service) Authorize(ctx context.Context, surface estate.Surface, query url.Values, p Person) (string, error) {
	a, err := s.authorize(ctx, surface, s.parseAuthorization(surface, query), p, nil)
	return s.next(surface, query, a), err
}

// Consent is what a person has to be asked about; nil: nothing any more, and the
// browser has to go on.
func (s *Service) Consent(ctx context.Context, surface estate.Surface, query url.Values, p Person) (*Question, string, error) {
	a, err := s.authorize(ctx, surface, s.parseAuthorization(surface, query), p, nil)
	return a.Consent, s.next(surface, query, a), err
}

// Approve is Authorize for a person who has just approved scopes for the client,
// of those that Consent asked about.
func (s *Service) Approve(ctx context.Context, surface estate.Surface, query url.Values, p Person, scopes []string) (string, error) {
	if scopes == nil {
		scopes = []string{}
	}
	a, err := s.authorize(ctx, surface, s.parseAuthorization(surface, query), p, scopes)
	return s.next(surface, query, a), err
}

// Deny is the answer of a person who refuses.
func (s *Service) Deny(ctx context.Context, surface estate.Surface, query url.Values, p Person) (string, error) {
	a, client, err := s.destination(ctx, surface, s.parseAuthorization(surface, query))
	if err != nil {
		return "", err
	}
	if p.id() != "" {
		err = errDenied
		s.audit.Refused(ctx, p.Actor, actionApprove, string(client.ID), &err)
	}
	a.Err = errDenied
	return s.next(surface, query, a), nil
}

const actionApprove = "oauth-token.approve"

// destination finds client and redirect URI of a request.
func (s *Service) destination(ctx context.Context, surface estate.Surface, r authorizationRequest) (authorization, estate.Client, error) {
	client, err := s.clientForPeople(ctx, surface, r.ClientID)
	switch {
	case err != nil:
		return authorization{}, client, err
	case r.Repeated == "client_id" || client.AppType == api.AppTypeAnonymousEmbed:
		return authorization{}, client, errUnknownClient
	case r.Repeated == "redirect_uri" || !redirectsTo(client, r.RedirectURI):
		return authorization{}, client, errRedirectURI
	}
	return authorization{RedirectURI: r.RedirectURI, State: r.State}, client, nil
}

// clientForPeople finds the client that people of a host are asked about.
func (s *Service) clientForPeople(ctx context.Context, surface estate.Surface, id string) (estate.Client, error) {
	if !estate.ClientID(id).Valid() {
		return estate.Client{}, errUnknownClient
	}
	client, err := s.clients.Get(ctx, estate.ClientID(id))
	switch {
	case estate.HasCode(err, api.CodeClientNotFound):
		return client, errUnknownClient
	case err != nil:
		return client, err
	}
	_, admitted := surface.Admits(&client)
	if !admitted || !client.DisabledAt.IsZero() || client.Level != levelOfPeople(surface) || s.lapsed(client) {
		return client, errUnknownClient
	}
	return client, nil
}

// levelOfPeople is the level of clients that can act for the people of a host.
func levelOfPeople(surface estate.Surface) estate.Level {
	if surface.Kind == estate.SurfaceConsole {
		return estate.LevelOrganization
	}
	return estate.LevelTenant
}

// redirectsTo tells whether a client registered a redirect URI: exactly, but for
// the port where a native program listens on loopback (RFC 8252 section 7.3).
func redirectsTo(client estate.Client, uri string) bool {
	if uri == "" || len(uri) > maxURI {
		return false
	}
	if slices.Contains(client.RedirectURIs, uri) {
		return true
	}
	if client.AppType != api.AppTypeNative {
		return false
	}
	asked, err := url.Parse(uri)
	if err != nil || !isLoopback(asked) {
		return false
	}
	asked.Host = asked.Hostname()
	for _, registered := range client.RedirectURIs {
		u, err := url.Parse(registered)
		if err != nil || !isLoopback(u) {
			continue
		}
		u.Host = u.Hostname()
		if *u == *asked && strings.Count(uri, "#") == 0 {
			return true
		}
	}
	return false
}

func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "http" && u.User == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// authorize is Authorize; with approved scopes that are not nil, Approve.
func (s *Service) authorize(ctx context.Context, surface estate.Surface, r authorizationRequest, p Person, approved []string) (authorization, error) {
	a, client, err := s.destination(ctx, surface, r)
	if err != nil {
		return a, err
	}
	prompts := strings.Fields(r.Prompt)
	if a.Err = checkAuthorization(r, prompts); a.Err != nil {
		return a, nil //nolint:nilerr // the program is told
	}
	silent := slices.Contains(prompts, "none")
	if a.SignIn, a.Fresh, a.Err = s.needsSignIn(r, p, prompts); a.SignIn || a.Err != nil {
		if a.SignIn && silent {
			a.SignIn, a.Err = false, errLoginRequired
		}
		return a, nil
	}
	if client.Consent == estate.ConsentPending && !administers(p.Actor) {
		a.Err = errUnconnected
		return a, nil
	}
	g, err := s.grantOf(ctx, surface, client, p)
	if err != nil {
		return a, err
	}
	granted, ask := grantable(client, g.Approved, r.Scope, slices.Contains(prompts, "consent"))
	var withdrawn estate.Permissions
	if len(granted) == 0 && len(ask) == 0 {
		a.Err = errNothingToGrant
		return a, nil
	}
	if approved == nil {
		if len(ask) > 0 {
			if silent {
				a.Err = errConsentRequired
				return a, nil
			}
			a.Consent = &Question{Client: client, Scopes: ask, Connect: client.Consent == estate.ConsentPending}
			return a, nil
		}
	} else if len(ask) > 0 {
		refused := slices.DeleteFunc(slices.Clone(ask), func(name string) bool { return slices.Contains(approved, name) })
		if ask = without(ask, refused); len(ask) == 0 {
			a.Err = errDenied
			return a, nil
		}
		before := g.Approved
		g.Approved = merge(without(g.Approved, refused), ask) // what was approved before, and now is not, is taken back
		withdrawn = without(before, g.Approved)
		granted, _ = grantable(client, g.Approved, r.Scope, false)
		granted = without(granted, refused)
	}
	a.Code, err = s.issueCode(ctx, surface, r, client, p, g, granted, len(ask) > 0, withdrawn)
	return a, err
}

// checkAuthorization checks what does not depend on who asks.
func checkAuthorization(r authorizationRequest, prompts []string) *estate.Error {
	invalid := func(parameter, detail string) *estate.Error { return errInvalidRequest.InParameter(parameter, detail) }
	switch {
	case r.Repeated != "":
		return invalid(r.Repeated, r.Repeated+" is given more than once")
	case r.ResponseType == "":
		return invalid("response_type", "response_type is missing")
	case r.ResponseType != "code":
		return errResponseType
	case r.State == "":
		return invalid("state", "state is missing")
	case len(r.State) > maxState:
		return invalid("state", "state is longer than "+strconv.Itoa(maxState)+" bytes")
	case r.ChallengeMethod != "S256":
		return invalid("code_challenge_method", "code_challenge_method must be S256")
	case !challengePattern.MatchString(r.Challenge):
		return invalid("code_challenge", "code_challenge must be the SHA-256 of the code verifier in base64url, 43 characters")
	}
	for _, prompt := range prompts {
		if prompt != "none" && prompt != "login" && prompt != "consent" || prompt == "none" && len(prompts) > 1 {
			return invalid("prompt", "prompt must be none, or of login and consent")
		}
	}
	return nil
}

// needsSignIn tells whether the person has to sign in, and anew.
func (s *Service) needsSignIn(r authorizationRequest, p Person, prompts []string) (signIn, fresh bool, err *estate.Error) {
	longest := time.Duration(-1)
	if r.MaxAge != "" {
		seconds, parseErr := strconv.ParseInt(r.MaxAge, 10, 32)
		if parseErr != nil || seconds < 0 {
			return false, false, errInvalidRequest.InParameter("max_age", "max_age must be a number of seconds")
		}
		longest = time.Duration(seconds) * time.Second
	}
	now := s.now()
	justNow := !r.SignInAfter.IsZero() && !p.AuthenticatedAt.Before(r.SignInAfter) && now.Sub(r.SignInAfter) < signInLifetime
	switch {
	case slices.Contains(prompts, "login") && !justNow:
		return true, true, nil
	case p.id() == "":
		return true, false, nil
	case longest >= 0 && now.Sub(p.AuthenticatedAt) > longest && !justNow:
		return true, true, nil
	}
	return false, false, nil
}

// signInLifetime is how long a sign-in may take that a request asked for.
const signInLifetime = 10 * time.Minute

// grantOf is what a person has approved for a client before; above tenants,
// nothing is remembered.
func (s *Service) grantOf(ctx context.Context, surface estate.Surface, client estate.Client, p Person) (g estate.Grant, err error) {
	fresh := estate.Grant{ID: estate.NewGrantID(), Client: client.ID, User: p.Actor.User, CreatedAt: s.now()}
	if surface.Kind != estate.SurfaceTenant {
		return fresh, nil
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		g, err = tx.GrantFor(ctx, surface.Tenant.Scope(), client.ID, p.Actor.User)
		return err
	})
	if estate.HasCode(err, api.CodeTokenNotFound) {
		return fresh, nil
	}
	return g, err
}

// grantable tells what a client is granted when it requests scope, given what the
// person has approved, and what the person has to be asked about. It gets
// whatever it holds and is approved, whether it asks for it or not, but access
// while the person is away only if it asks. The person is asked about what is
// requested and not approved; or about everything, when nothing is requested and
// nothing approved. again asks about what is approved, too.
func grantable(client estate.Client, approved estate.Permissions, scope string, again bool) (granted, ask estate.Permissions) {
	held, wanted := client.Permissions, estate.Permissions{}
	requested := estate.ParsePermissions(scope)
	for _, name := range requested {
		if held.Holds(name) && isTenantScope(name) {
			wanted = append(wanted, name)
		}
	}
	refused := len(wanted) == 0 && slices.ContainsFunc(requested, func(name string) bool { return !slices.Contains(defaultScopes, name) })
	if refused {
		return nil, nil
	}
	offline := slices.Contains(wanted, api.ScopeOfflineAccess)
	all := slices.DeleteFunc(slices.Clone(held), func(name string) bool { return name == api.ScopeOfflineAccess && !offline })
	if client.Consent == estate.ConsentTrusted {
		if again {
			ask = wanted
		}
		return all, ask
	}
	for _, name := range merge(all, approved) {
		if all.Holds(name) && approved.Holds(name) || name == api.ScopeOfflineAccess && offline && slices.Contains(approved, name) {
			granted = append(granted, name)
		}
	}
	if len(requested) == 0 && (len(granted) == 0 || again) {
		wanted = all
	}
	for _, name := range wanted {
		if again || !approved.Holds(name) {
			ask = append(ask, name)
		}
	}
	return granted, ask
}

// without are the names of a that b does not have.
func without(a, b estate.Permissions) estate.Permissions {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}

func merge(a, b estate.Permissions) estate.Permissions {
	return estate.ParsePermissions(a.String() + " " + b.String())
}

// issueCode makes a code for what was granted, and remembers what was approved. With
// what the person has withdrawn, all ends that came of the approval until now.
func (s *Service) issueCode(ctx context.Context, surface estate.Surface, r authorizationRequest, client estate.Client, p Person,
	g estate.Grant, granted estate.Permissions, asked bool, withdrawn estate.Permissions,
) (estate.Secret, error) {
	code, now, scope := estate.NewCredential("fhc_"), s.now(), surface.Tenant.Scope()
	stored := estate.AuthorizationCode{
		Hash: estate.HashOf(code), RedirectURI: r.RedirectURI, Challenge: r.Challenge, CreatedAt: now, ExpiresAt: now.Add(CodeLifetime),
		Family: estate.TokenFamily{
			ID: estate.NewFamilyID(), Organization: scope.Organization, Tenant: scope.Tenant, Client: client.ID, Person: p.id(),
			Permissions: granted, AuthenticatedAt: p.AuthenticatedAt,
		},
	}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		if len(withdrawn) > 0 {
			err := s.withdraw(ctx, tx, p.Actor, scope, g)
			if err != nil && !estate.HasCode(err, api.CodeTokenNotFound) { // the entry may have been deleted meanwhile, which did the same
				return err
			}
		}
		if asked {
			if err := s.approve(ctx, tx, scope, client, p, g, granted); err != nil {
				return err
			}
		}
		return tx.InsertCode(ctx, stored)
	})
	return code, err
}

// approve remembers what a person of a tenant has approved.
func (s *Service) approve(ctx context.Context, tx *store.Tx, scope estate.Scope, client estate.Client, p Person, g estate.Grant, granted estate.Permissions) error {
	if client.Consent == estate.ConsentPending {
		if err := s.connect(ctx, tx, p.Actor, client); err != nil {
			return err
		}
	}
	if err := tx.ApproveGrant(ctx, scope, g); err != nil {
		return err
	}
	return s.audit.Done(ctx, tx, p.Actor, scope, actionApprove, string(client.ID), map[string]any{"name": client.Name, "approved": g.Approved, "granted": granted})
}

var (
	errUnknownClient   = estate.E(estate.Unauthenticated, api.CodeOAuthInvalidClient, "Invalid client_id", "OAuth client is not authorized")
	errRedirectURI     = estate.E(estate.Invalid, api.CodeOAuthRedirectURI, "redirect_uri is not registered", "")
	errResponseType    = estate.E(estate.Invalid, api.CodeOAuthResponseType, "Unsupported response type", "response_type must be code.")
	errLoginRequired   = estate.E(estate.Invalid, api.CodeOAuthLoginRequired, "Login required", "Nobody is signed in, or not lately enough.")
	errConsentRequired = estate.E(estate.Invalid, api.CodeOAuthConsentRequired, "Consent required", "The user has not approved the requested scopes yet.")
	errDenied          = estate.E(estate.Forbidden, api.CodeOAuthAccessDenied, "Access denied", "The user refused.")
	errUnconnected     = estate.E(estate.Forbidden, api.CodeOAuthAccessDenied, "Access denied", "The client registered itself; an administrator of the tenant has to connect it first.")
	errNothingToGrant  = estate.E(estate.Invalid, api.CodeOAuthInvalidScope, "Invalid scope", "The client holds none of the requested scopes.")
)
