package credential

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Introspect tells what an access token of surface is worth now (RFC 7662). The
// actor learns about the tokens of its own client; as an administrator about all
// tokens of its tenant; and at the console, with the scope to manage clients,
// about all tokens of its organization. Anything else is answered as if it were
// no token at all.
func (s *Service) Introspect(ctx context.Context, surface estate.Surface, actor estate.Actor, token string) (api.Introspection, error) {
	ctx, span := telemetry.Start(ctx, "credential.Introspect", telemetry.Internal)
	defer span.End()
	if token == "" {
		return api.Introspection{}, errInvalidRequest.InParameter("token", "token is missing")
	}
	claims, _, subject, err := s.accept(ctx, surface, token)
	switch {
	case estate.HasKind(err, estate.Unauthenticated):
		return api.Introspection{}, nil
	case err != nil:
		return api.Introspection{}, err
	}
	if own := clientOf(actor) == estate.ClientID(claims.ClientID) && (actor.Client == "" || Person{Actor: actor}.id() == Person{Actor: subject}.id()); !own {
		may, err := s.mayInspectOthers(ctx, surface, actor, subject)
		if !may || err != nil {
			return api.Introspection{}, err
		}
	}
	answer := api.Introspection{
		Active:       true,
		Scope:        subject.Permissions.String(),
		ClientID:     claims.ClientID,
		TokenType:    "Bearer",
		ExpiresAt:    claims.ExpiresAt,
		IssuedAt:     claims.IssuedAt,
		Subject:      claims.Subject,
		Audience:     claims.Audience,
		Issuer:       claims.Issuer,
		ID:           claims.ID,
		Level:        claims.Level,
		Organization: claims.Organization,
		Subscription: claims.Subscription,
		Region:       claims.Region,
		Tenant:       claims.Tenant,
		User:         claims.User,
		Confirmation: claims.Confirmation,
		Actor:        claims.Actor,
	}
	if claims.Confirmation != nil && claims.Confirmation.JWKThumbprint != "" {
		answer.TokenType = "DPoP"
	}
	return answer, nil
}

// mayInspectOthers tells whether actor may know about subject's tokens.
func (s *Service) mayInspectOthers(ctx context.Context, surface estate.Surface, actor, subject estate.Actor) (bool, error) {
	switch surface.Kind {
	case estate.SurfaceConsole:
		return actor.Can(estate.LevelOrganization, api.ScopeOrgOAuthClients) && actor.Scope.Organization == subject.Scope.Organization, nil
	case estate.SurfaceTenant:
		if actor.Kind != estate.ActorClient || actor.Scope != subject.Scope || !actor.Permissions.Holds(api.ScopeAdminClassic) {
			return false, nil
		}
		roles := actor.Roles
		if actor.User == "" { // by secret: what its user may do counts all the same
			bot, err := s.bot(ctx, actor.Scope, estate.ClientID(actor.ID))
			if err != nil || bot.Status != estate.UserActive {
				return false, err
			}
			access, err := s.userAccess(ctx, actor.Scope, bot.ID)
			if err != nil {
				return false, err
			}
			roles = access.Roles
		}
		return slices.Contains(roles, estate.RoleTenantAdmin), nil
	}
	return false, nil
}

// SignIntrospection makes a JWT of an answer (RFC 9701) for actor's client.
func (s *Service) SignIntrospection(surface estate.Surface, actor estate.Actor, answer api.Introspection) (string, error) {
	claims, err := json.Marshal(api.IntrospectionClaims{
		Issuer: surface.Origin, Audience: actor.ID, IssuedAt: s.now().Unix(), ID: estate.NewTokenID(), TokenIntrospection: answer,
	})
	if err != nil {
		return "", err
	}
	return s.keys.SignIntrospection(claims)
}

// SigningAlgorithms lists the algorithms of published keys, newest first.
func (s *Service) SigningAlgorithms() []string { return s.keys.SigningAlgorithms() }
