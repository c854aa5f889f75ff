package credential

import (
	"context"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// AuthenticateClient finds out which client shows credentials at surface. The
// actor has all the client's scopes, and in a tenant no user yet: showing a
// secret is not acting there.
func (s *Service) AuthenticateClient(ctx context.Context, surface estate.Surface, c Credentials) (estate.Actor, error) {
	client, _, err := s.identify(ctx, surface, TokenRequest{Credentials: c})
	if err != nil {
		return estate.Actor{}, err
	}
	scope, ok := surface.Admits(&client)
	if !ok {
		return estate.Actor{}, errInvalidClient // of another level, region, subscription or tenant
	}
	return estate.Actor{Kind: estate.ActorClient, ID: string(client.ID), Level: client.Level, Scope: scope, Permissions: client.Permissions}, nil
}

// IdentifyClient is AuthenticateClient for what needs no proof: a program that can
// keep no secret is believed who it is.
func (s *Service) IdentifyClient(ctx context.Context, surface estate.Surface, c Credentials) (estate.Actor, error) {
	client, _, err := s.identifyProgram(ctx, surface, TokenRequest{Credentials: c})
	if err != nil {
		return estate.Actor{}, err
	}
	scope, ok := surface.Admits(&client)
	if !ok {
		return estate.Actor{}, errInvalidClient
	}
	return estate.Actor{Kind: estate.ActorClient, ID: string(client.ID), Level: client.Level, Scope: scope}, nil
}

// RevokeToken revokes a token of the actor's own client that was issued by surface
// (RFC 7009). Of a person, either token ends all that came of the approval. Of any other token it says nothing and does nothing:
// what the caller can't use needs no revocation, and is none of its business.
func (s *Service) RevokeToken(ctx context.Context, surface estate.Surface, actor estate.Actor, token string) error {
	ctx, span := telemetry.Start(ctx, "credential.RevokeToken", telemetry.Internal)
	defer span.End()
	if token == "" {
		return errInvalidRequest.InParameter("token", "token is missing")
	}
	if strings.HasPrefix(token, refreshPrefix) {
		return s.revokeRefreshToken(ctx, surface, actor, token)
	}
	claims, err := s.verifyToken(ctx, token)
	if err == nil && !issuedFor(claims, surface) {
		err = errForeignToken
	}
	switch {
	case estate.HasKind(err, estate.Unauthenticated):
		return nil
	case err != nil:
		return err
	case claims.ClientID != string(clientOf(actor)), actor.Client != "" && claims.User != Person{Actor: actor}.id():
		return nil
	case claims.Family != "":
		f := estate.TokenFamily{ID: estate.FamilyID(claims.Family), Client: estate.ClientID(claims.ClientID), Person: claims.User}
		return s.store.Write(ctx, func(tx *store.Tx) error { return s.endFamily(ctx, tx, actor, actor.Scope, f, "") })
	}
	r := estate.RevokedToken{ID: claims.ID, Client: estate.ClientID(claims.ClientID), ExpiresAt: time.Unix(claims.ExpiresAt, 0)}
	now := s.now()
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertRevokedToken(ctx, actor.Scope, r, now); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "oauth-token.revoke", r.ID, map[string]any{
			"clientId": r.Client, "user": claims.User, event.KeyEvent: revocation(actor, now, r.ID, r.Client, claims.User, "", true),
		})
	})
}
