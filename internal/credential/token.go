package credential

import (
	"context"
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// TokenRequest asks for an access token.
type TokenRequest struct {
	GrantType   string
	Credentials Credentials
	Scope       string // space-separated; empty: all the client holds
	Proof       Proof
	Exchange    Exchange

	// Admit is asked once the client has proved who it is, and may refuse it.
	// Nil admits everyone.
	Admit      func(estate.Client) error
	UserLookup UserLookup

	// Of programs that act for a person.
	Code         estate.Secret
	RedirectURI  string
	Verifier     string // of PKCE
	RefreshToken estate.Secret
	DeviceCode   estate.Secret
}

// Credentials are how a client says who it is: a secret, or an assertion.
type Credentials struct {
	ClientID      string
	Secret        estate.Secret
	Assertion     string
	AssertionType string
	Address       netip.Addr // from where; the zero Addr: unknown
}

// Proof is what a request shows of the keys that its sender has.
type Proof struct {
	DPoP        []string          // values of the DPoP header (RFC 9449)
	Method      string            // of the request
	URL         string            // of the request, as the client sees it, without query
	Certificate *x509.Certificate // of the TLS client; nil: none
}

// Exchange is what the token exchange grant is about (RFC 8693).
type Exchange struct {
	SubjectToken       string
	SubjectTokenType   string
	RequestedTokenType string
	Audience           string
	Purpose            string // of the contract's browser clients
}

// Token is an issued access token.
type Token struct {
	Value      string
	IssuedAt   time.Time // in whole seconds, as ExpiresAt is
	ExpiresAt  time.Time
	Scope      string
	IssuedType string // of token exchange; else empty
	DPoP       bool   // bound to a DPoP key, which changes the token_type

	Refresh         estate.Secret // token; empty: none
	AuthenticatedAt time.Time     // of the person for whom the client acts; zero: it acts for none
}

// grants maps grant types to what they do. Each grant fills in only what is its
// own; IssueToken does the rest.
var grants = map[string]func(*Service, context.Context, *issue) error{
	api.GrantClientCredentials: (*Service).grantClientCredentials,
	api.GrantUserImpersonation: (*Service).grantUserImpersonation,
	api.GrantTokenExchange:     (*Service).grantTokenExchange,
	api.GrantAuthorizationCode: (*Service).grantAuthorizationCode,
	api.GrantRefreshToken:      (*Service).grantRefreshToken,
	api.GrantDeviceCode:        (*Service).grantDeviceCode,
}

// selfAuthenticating tells whether the grant finds out by itself who the client
// is: a token of ours says it, or what a person has approved.
func (r TokenRequest) selfAuthenticating() bool {
	switch r.GrantType {
	case api.GrantRefreshToken:
		return true
	case api.GrantDeviceCode:
		return r.Credentials.ClientID == api.CLIClientID
	}
	return r.GrantType == api.GrantTokenExchange && !isOutsideToken(r.Exchange.SubjectTokenType)
}

// GrantTypes lists the grant types that a surface supports.
func GrantTypes(surface estate.SurfaceKind) []string {
	switch surface {
	case estate.SurfaceTenant:
		return []string{
			api.GrantClientCredentials, api.GrantUserImpersonation, api.GrantTokenExchange,
			api.GrantAuthorizationCode, api.GrantRefreshToken, api.GrantDeviceCode,
		}
	case estate.SurfaceConsole:
		return []string{api.GrantClientCredentials, api.GrantTokenExchange, api.GrantRefreshToken, api.GrantDeviceCode}
	}
	return []string{api.GrantClientCredentials, api.GrantTokenExchange}
}

// issue is a token request on its way to a token.
type issue struct {
	surface estate.Surface
	request TokenRequest
	client  estate.Client
	workload
	scope   estate.Scope // how far the token reaches
	granted estate.Permissions
	user    estate.UserID

	expires      time.Time // latest end of the token; zero: TokenLifetime from now
	since        int64     // since when a revocation counts for the token, in Unix milliseconds; zero: from now
	issuedType   string
	confirmation *api.Confirmation
	actor        *api.ActorClaim
	exchanged    bool

	// Of a person: what the token is revoked with, when the person signed in, the
	// refresh token, and what remains to be done once all is checked.
	family          estate.FamilyID
	authenticatedAt time.Time
	refresh         estate.Secret
	finish          func(context.Context, *issue) error
}

// IssueToken grants an access token for surface.
func (s *Service) IssueToken(ctx context.Context, surface estate.Surface, r TokenRequest) (Token, error) {
	ctx, span := telemetry.Start(ctx, "credential.IssueToken", telemetry.Internal)
	defer span.End()
	if r.GrantType == "" {
		return Token{}, errInvalidRequest.InParameter("grant_type", "grant_type is missing")
	}
	grant, ok := grants[r.GrantType]
	if !ok {
		return Token{}, errUnsupportedGrantType
	}
	proof, err := s.checkProof(surface, r.Proof, "")
	if err != nil {
		return Token{}, err
	}
	i := &issue{surface: surface, request: r}
	if !r.selfAuthenticating() {
		identify := s.identify
		if actsForPeople(r.GrantType) {
			identify = s.identifyProgram
		}
		if i.client, i.workload, err = identify(ctx, surface, r); err != nil {
			return Token{}, err
		}
		if i.scope, ok = surface.Admits(&i.client); !ok {
			return Token{}, errInvalidClient // of another level, region, subscription or tenant
		}
		if err := r.admit(i.client); err != nil {
			return Token{}, err
		}
	}
	if err := grant(s, ctx, i); err != nil {
		return Token{}, err
	}
	if r.selfAuthenticating() && i.client.ID != "" {
		if err := r.admit(i.client); err != nil {
			return Token{}, err
		}
	}
	if err := s.bind(i, proof); err != nil {
		return Token{}, err
	}
	if i.finish != nil {
		if err := i.finish(ctx, i); err != nil {
			return Token{}, err
		}
	}
	if i.user != "" && i.scope.Tenant != "" {
		if _, err := s.userAccess(ctx, i.scope, i.user); err != nil { // what the user's roles are is needed when the token is shown
			return Token{}, err
		}
		if _, err := s.granted.Get(ctx, grantedKey{i.scope.Organization, grantKey{i.scope.Tenant, i.client.ID, i.user}}); err != nil {
			return Token{}, err
		}
	}
	if err := s.revocations.ready(ctx); err != nil {
		return Token{}, err // see issueTime
	}
	return s.sign(i)
}

func (r TokenRequest) admit(client estate.Client) error {
	if r.Admit == nil {
		return nil
	}
	return r.Admit(client)
}

// sign makes the access token that i has come to.
func (s *Service) sign(i *issue) (Token, error) {
	now := s.revocations.issueTime(grantKey{i.scope.Tenant, i.client.ID, i.user}, s.now())
	expires := now.Add(TokenLifetime).Truncate(time.Second)
	if !i.expires.IsZero() && i.expires.Before(expires) {
		expires = i.expires.Truncate(time.Second)
	}
	since := now.UnixMilli()
	if i.since != 0 {
		since = i.since
	}
	subject := string(i.client.ID)
	if i.actor != nil || i.family != "" {
		subject = string(i.user)
	}
	scope := i.granted.String()
	var buffer [1024]byte
	value, err := s.keys.Sign(estate.KeyAccessToken, appendClaims(buffer[:0], &api.Claims{
		Issuer:       i.surface.Origin,
		Audience:     i.surface.Origin,
		Subject:      subject,
		ClientID:     string(i.client.ID),
		ID:           estate.NewTokenID(),
		IssuedAt:     now.Unix(),
		IssuedMillis: since,
		ExpiresAt:    expires.Unix(),
		Scope:        scope,
		Level:        string(i.client.Level),
		Organization: string(i.scope.Organization),
		Subscription: string(i.scope.Subscription),
		Region:       string(i.scope.Region),
		Tenant:       string(i.scope.Tenant),
		User:         string(i.user),
		Confirmation: i.confirmation,
		Actor:        i.actor,
		Exchanged:    i.exchanged,
		Family:       string(i.family),
	}))
	if err != nil {
		return Token{}, err
	}
	s.usage.add(i, now)
	return Token{
		Value: value, IssuedAt: now.Truncate(time.Second), ExpiresAt: expires, Scope: scope, IssuedType: i.issuedType,
		DPoP:    i.confirmation != nil && i.confirmation.JWKThumbprint != "",
		Refresh: i.refresh, AuthenticatedAt: i.authenticatedAt,
	}, nil
}

// Presented is an access token as a request shows it.
type Presented struct {
	Scheme string // of the Authorization header, in lower case: "bearer" or "dpop"
	Token  string
	Proof  Proof
}

// Authenticate finds out who shows a token at surface, and that the sender has
// the key that the token is bound to.
func (s *Service) Authenticate(ctx context.Context, surface estate.Surface, p Presented) (estate.Actor, error) {
	ctx, span := telemetry.Start(ctx, "credential.Authenticate", telemetry.Internal)
	defer span.End()
	if isAPIKey(p.Token) {
		return s.authenticateAPIKey(ctx, surface, p)
	}
	claims, client, actor, err := s.accept(ctx, surface, p.Token)
	if err != nil {
		return estate.Actor{}, err
	}
	if err := s.confirm(ctx, surface, client, claims.Confirmation, p); err != nil {
		return estate.Actor{}, err
	}
	return actor, nil
}

// accept finds out who has a token of surface. What the token says is checked
// against what is true now: a client that is gone or disabled, a scope that was
// taken from it, or a revocation, counts at once.
func (s *Service) accept(ctx context.Context, surface estate.Surface, token string) (*api.Claims, estate.Client, estate.Actor, error) {
	refused := func(err error) (*api.Claims, estate.Client, estate.Actor, error) {
		return nil, estate.Client{}, estate.Actor{}, err
	}
	claims, client, err := s.readToken(ctx, token)
	if err != nil {
		return refused(err)
	}
	if !issuedFor(claims, surface) {
		return refused(errForeignToken)
	}
	scope, ok := reach(claims, surface, &client)
	if !ok || scope.Tenant != estate.TenantID(claims.Tenant) {
		return refused(errForeignToken)
	}
	actor := estate.Actor{
		Kind:  estate.ActorClient,
		ID:    string(client.ID),
		Level: client.Level,
		Scope: scope,

		Permissions: stillHeld(claims, client),
	}
	if claims.Exchanged && len(actor.Permissions) == 0 { // what its client was let in with is taken from it
		return refused(errInvalidToken)
	}
	if claims.Family != "" && surface.Kind != estate.SurfaceTenant {
		if actor, err = s.accountOf(ctx, claims, client.ID, actor); err != nil {
			return refused(err)
		}
	}
	if surface.Kind == estate.SurfaceTenant {
		user, err := s.tokenUser(ctx, scope, claims, client)
		if err != nil {
			return refused(err)
		}
		access, err := s.userAccess(ctx, scope, user.ID)
		if err != nil {
			return refused(err)
		}
		actor.User, actor.Roles = user.ID, access.Roles
		actor.Permissions = access.Limit(actor.Permissions)
		if claims.Family != "" {
			actor.Kind, actor.ID, actor.Level, actor.Client = estate.ActorUser, string(user.ID), "", client.ID
		}
	}
	return claims, client, actor, nil
}

// readToken checks that a token is one of ours, in force, and of a client that
// may still use it. Where it may be used is not checked.
func (s *Service) readToken(ctx context.Context, token string) (*api.Claims, estate.Client, error) {
	claims, err := s.verifyToken(ctx, token)
	if err != nil {
		return nil, estate.Client{}, err
	}
	client, err := s.clients.Get(ctx, estate.ClientID(claims.ClientID))
	switch {
	case estate.HasCode(err, api.CodeClientNotFound):
		return nil, client, errInvalidToken
	case err != nil:
		return nil, client, err
	case !client.DisabledAt.IsZero():
		return nil, client, errInvalidToken
	}
	return claims, client, nil
}

// verifyToken checks that a token is one of ours, and neither expired nor
// revoked.
func (s *Service) verifyToken(ctx context.Context, token string) (*api.Claims, error) {
	claims, err := s.tokens.Read(token)
	if err != nil {
		return nil, errInvalidToken
	}
	if s.now().Unix() >= claims.ExpiresAt {
		return nil, errExpiredToken
	}
	revoked, err := s.revocations.revoked(ctx, claims)
	switch {
	case err != nil:
		return nil, err
	case revoked:
		return nil, errInvalidToken
	}
	return claims, nil
}

// issuedFor tells whether surface is where a token was issued. A tenant answers
// at two names; a token of the one is good at the other.
func issuedFor(claims *api.Claims, surface estate.Surface) bool {
	sameTenant := surface.Kind == estate.SurfaceTenant && claims.Tenant == string(surface.Tenant.ID)
	return claims.Audience == surface.Origin || sameTenant
}

// reach is how far the client of a token reaches at surface, and makes of client
// what it is there.
func reach(claims *api.Claims, surface estate.Surface, client *estate.Client) (estate.Scope, bool) {
	if claims.Exchanged {
		return surface.AdmitsExchanged(client)
	}
	return surface.Admits(client)
}

// stillHeld are the scopes of a token that its client still holds.
func stillHeld(claims *api.Claims, client estate.Client) (held estate.Permissions) {
	for _, p := range estate.ParsePermissions(claims.Scope) {
		if client.Permissions.Holds(p) {
			held = append(held, p)
		}
	}
	return held
}

var (
	errInvalidRequest       = estate.E(estate.Invalid, api.CodeOAuthInvalidRequest, "Invalid request", "")
	errUnsupportedGrantType = estate.E(estate.Invalid, api.CodeOAuthUnsupportedGrantType, "Unsupported grant type", "").
				InParameter("grant_type", "not a grant type that this host supports; its metadata lists those")
	errInvalidScope       = estate.E(estate.Invalid, api.CodeOAuthInvalidScope, "Invalid scope", "The client holds none of the requested scopes.")
	errUnauthorizedClient = estate.E(estate.Invalid, api.CodeOAuthUnauthorizedClient, "Unauthorized client", "The client may not use this grant type.")
	errInvalidClient      = estate.E(estate.Unauthenticated, api.CodeOAuthInvalidClient, "Invalid client", "Client authentication failed.")
	errBotDisabled        = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The client's user in this tenant is disabled.")

	errInvalidToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token is invalid.")
	errExpiredToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token has expired.")
	errForeignToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token was not issued by this host.")
)
