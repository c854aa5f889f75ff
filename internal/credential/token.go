package credential

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// TokenRequest asks for an access token.
type TokenRequest struct {
	GrantType   string
	Credentials Credentials
	Scope       string // space-separated; empty: all the client holds
	Proof       Proof
	Exchange    Exchange
}

// Credentials are how a client says who it is: a secret, or an assertion.
type Credentials struct {
	ClientID      string
	Secret        estate.Secret
	Assertion     string
	AssertionType string
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
}

// Token is an issued access token.
type Token struct {
	Value      string
	IssuedAt   time.Time // in whole seconds, as ExpiresAt is
	ExpiresAt  time.Time
	Scope      string
	IssuedType string // of token exchange; else empty
	DPoP       bool   // bound to a DPoP key, which changes the token_type
}

// grants maps grant types to what they do. Each grant fills in only what is its
// own; IssueToken does the rest.
var grants = map[string]func(*Service, context.Context, *issue) error{
	api.GrantClientCredentials: (*Service).grantClientCredentials,
}

// GrantTypes lists the supported grant types.
func GrantTypes() []string { return []string{api.GrantClientCredentials} }

// issue is a token request on its way to a token.
type issue struct {
	surface estate.Surface
	request TokenRequest
	client  estate.Client
	scope   estate.Scope // how far the token reaches
	granted estate.Permissions
	user    estate.UserID

	expires      time.Time // latest end of the token; zero: TokenLifetime from now
	issuedType   string
	confirmation *api.Confirmation
	actor        *api.ActorClaim
}

// IssueToken grants an access token for surface.
func (s *Service) IssueToken(ctx context.Context, surface estate.Surface, r TokenRequest) (Token, error) {
	if r.GrantType == "" {
		return Token{}, errInvalidRequest.InParameter("grant_type", "grant_type is missing")
	}
	grant, ok := grants[r.GrantType]
	if !ok {
		return Token{}, errUnsupportedGrantType
	}
	client, err := s.authenticateClient(ctx, r.Credentials)
	if err != nil {
		return Token{}, err
	}
	i := &issue{surface: surface, request: r, client: client}
	if i.scope, ok = surface.Admits(client); !ok {
		return Token{}, errInvalidClient // of another level, region, subscription or tenant
	}
	if err := grant(s, ctx, i); err != nil {
		return Token{}, err
	}
	if err := s.revocations.ready(ctx); err != nil {
		return Token{}, err // see issueTime
	}
	return s.sign(i)
}

// sign makes the access token that i has come to.
func (s *Service) sign(i *issue) (Token, error) {
	now := s.revocations.issueTime(grantKey{i.scope.Tenant, i.client.ID, i.user}, s.now())
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	expires := now.Add(TokenLifetime).Truncate(time.Second)
	if !i.expires.IsZero() && i.expires.Before(expires) {
		expires = i.expires.Truncate(time.Second)
	}
	claims, err := json.Marshal(api.Claims{
		Issuer:       i.surface.Origin,
		Audience:     i.surface.Origin,
		Subject:      string(i.client.ID),
		ClientID:     string(i.client.ID),
		ID:           hex.EncodeToString(id[:]),
		IssuedAt:     now.Unix(),
		IssuedMillis: now.UnixMilli(),
		ExpiresAt:    expires.Unix(),
		Scope:        i.granted.String(),
		Level:        string(i.client.Level),
		Organization: string(i.scope.Organization),
		Subscription: string(i.scope.Subscription),
		Region:       string(i.scope.Region),
		Tenant:       string(i.scope.Tenant),
		User:         string(i.user),
		Confirmation: i.confirmation,
		Actor:        i.actor,
	})
	if err != nil {
		return Token{}, err
	}
	value, err := s.keys.Sign(estate.KeyAccessToken, claims)
	if err != nil {
		return Token{}, err
	}
	s.usage.add(i, now)
	return Token{
		Value: value, IssuedAt: now.Truncate(time.Second), ExpiresAt: expires, Scope: i.granted.String(), IssuedType: i.issuedType,
		DPoP: i.confirmation != nil && i.confirmation.JWKThumbprint != "",
	}, nil
}

// Presented is an access token as a request shows it.
type Presented struct {
	Scheme string // of the Authorization header, in lower case: "bearer" or "dpop"
	Token  string
	Proof  Proof
}

// Authenticate finds out who shows a token at surface.
func (s *Service) Authenticate(ctx context.Context, surface estate.Surface, p Presented) (estate.Actor, error) {
	_, actor, err := s.accept(ctx, surface, p.Token)
	return actor, err
}

// accept finds out who has a token of surface. What the token says is checked
// against what is true now: a client that is gone or disabled, a scope that was
// taken from it, or a revocation, counts at once.
func (s *Service) accept(ctx context.Context, surface estate.Surface, token string) (*api.Claims, estate.Actor, error) {
	claims, err := s.readToken(ctx, surface, token)
	if err != nil {
		return nil, estate.Actor{}, err
	}
	client, err := s.clients.Get(ctx, estate.ClientID(claims.ClientID))
	switch {
	case isCode(err, api.CodeClientNotFound):
		return nil, estate.Actor{}, errInvalidToken
	case err != nil:
		return nil, estate.Actor{}, err
	case !client.DisabledAt.IsZero():
		return nil, estate.Actor{}, errInvalidToken
	}
	scope, ok := surface.Admits(client)
	if !ok || scope.Tenant != estate.TenantID(claims.Tenant) {
		return nil, estate.Actor{}, errForeignToken
	}
	actor := estate.Actor{
		Kind:  estate.ActorClient,
		ID:    string(client.ID),
		Level: client.Level,
		Scope: scope,
	}
	for _, p := range estate.ParsePermissions(claims.Scope) {
		if client.Permissions.Holds(p) {
			actor.Permissions = append(actor.Permissions, p)
		}
	}
	if surface.Kind == estate.SurfaceTenant {
		bot, err := s.bot(ctx, scope, client.ID)
		if err != nil {
			return nil, estate.Actor{}, err
		}
		if bot.Status != estate.UserActive {
			return nil, estate.Actor{}, errInvalidToken
		}
		actor.User, actor.Roles = bot.ID, bot.Roles
	}
	return claims, actor, nil
}

var (
	errInvalidRequest       = estate.E(estate.Invalid, api.CodeOAuthInvalidRequest, "Invalid request", "")
	errUnsupportedGrantType = estate.E(estate.Invalid, api.CodeOAuthUnsupportedGrantType, "Unsupported grant type", "").
				InParameter("grant_type", "the supported grant type is "+api.GrantClientCredentials)
	errInvalidScope       = estate.E(estate.Invalid, api.CodeOAuthInvalidScope, "Invalid scope", "The client holds none of the requested scopes.")
	errUnauthorizedClient = estate.E(estate.Invalid, api.CodeOAuthUnauthorizedClient, "Unauthorized client", "The client may not use this grant type.")
	errInvalidClient      = estate.E(estate.Unauthenticated, api.CodeOAuthInvalidClient, "Invalid client", "Client authentication failed.")
	errBotDisabled        = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The client's user in this tenant is disabled.")

	errInvalidToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token is invalid.")
	errExpiredToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token has expired.")
	errForeignToken = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token was not issued by this host.")
)
