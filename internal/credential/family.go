package credential

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
)

// RefreshLifetime is how long a refresh token is accepted.
const RefreshLifetime = 30 * 24 * time.Hour

// refreshGrace is how long a refresh token may be used again: the answer with its
// successor may be lost, and two windows of one program may ask at once.
const refreshGrace = 10 * time.Second

// isPublic tells whether a client is a program that can keep no secret: what it
// shows of itself is its id.
func isPublic(c estate.Client) bool {
	return c.AppType == api.AppTypeSPA || c.AppType == api.AppTypeNative
}

// identifyProgram finds out which client asks for the tokens of a person. One that
// can keep a secret proves it.
func (s *Service) identifyProgram(ctx context.Context, surface estate.Surface, r TokenRequest) (estate.Client, workload, error) {
	if id := estate.ClientID(r.Credentials.ClientID); id.Valid() && r.Credentials.Assertion == "" {
		client, err := s.clients.Get(ctx, id)
		switch {
		case err == nil && isPublic(client) && client.DisabledAt.IsZero():
			return client, workload{}, nil
		case err != nil && !estate.HasCode(err, api.CodeClientNotFound):
			return client, workload{}, err
		}
	}
	return s.identify(ctx, surface, r)
}

// actsForPeople tells whether a grant type is one by which a program acts for a
// person, and says with its id who it is.
func actsForPeople(grant string) bool {
	return grant == api.GrantAuthorizationCode || grant == api.GrantDeviceCode
}

// personOf makes sure that the person of a family may still act, at a surface
// where its client is admitted.
func (s *Service) personOf(ctx context.Context, scope estate.Scope, f estate.TokenFamily) error {
	if f.Tenant == "" {
		return s.accountExists(ctx, scope, estate.AccountID(f.Person))
	}
	user, err := s.users.Get(ctx, userKey{scope.Organization, scope.Tenant, estate.UserID(f.Person)})
	switch {
	case estate.HasCode(err, api.CodeUserNotFound):
		return errInvalidGrant
	case err != nil:
		return err
	case user.ClientID != "":
		return errInvalidGrant
	case user.Status != estate.UserActive:
		return errUserDisabled
	}
	return nil
}

// begin fills in the token of a family, as it is first.
func (i *issue) begin(f estate.TokenFamily) {
	i.user, i.family, i.authenticatedAt = estate.UserID(f.Person), f.ID, f.AuthenticatedAt
	for _, name := range f.Permissions {
		if i.client.Permissions.Holds(name) {
			i.granted = append(i.granted, name)
		}
	}
}

// startFamily writes a family with its first refresh token, if the person granted
// access while away. At the console, where no grants are kept, it writes those of
// other programs too, so that the account sees them and can take back what it
// approved. The tokens of a public client that proves a key stay bound to it.
func (s *Service) startFamily(ctx context.Context, tx *store.Tx, i *issue, f estate.TokenFamily, now time.Time) (estate.Secret, error) {
	if !f.Permissions.Holds(api.ScopeOfflineAccess) {
		if f.Tenant != "" {
			return "", nil
		}
		f.CreatedAt, f.ExpiresAt = now, now.Add(TokenLifetime)
		return "", tx.InsertFamily(ctx, f)
	}
	if isPublic(i.client) && i.confirmation != nil {
		f.Thumbprint = i.confirmation.JWKThumbprint
	}
	f.CreatedAt, f.ExpiresAt = now, now.Add(RefreshLifetime)
	if err := tx.InsertFamily(ctx, f); err != nil {
		return "", err
	}
	return s.addRefreshToken(ctx, tx, f, now)
}

func (s *Service) addRefreshToken(ctx context.Context, tx *store.Tx, f estate.TokenFamily, now time.Time) (estate.Secret, error) {
	token := estate.NewCredential(refreshPrefix)
	return token, tx.InsertRefreshToken(ctx, estate.RefreshToken{Hash: estate.HashOf(token), Family: f, CreatedAt: now, ExpiresAt: now.Add(RefreshLifetime)})
}

const refreshPrefix = "fhr_"

// endFamily revokes all tokens of a family, with the reason.
func (s *Service) endFamily(ctx context.Context, tx *store.Tx, actor estate.Actor, scope estate.Scope, f estate.TokenFamily, reason string) error {
	now := s.now()
	if err := tx.EndFamily(ctx, scope, f.ID); err != nil {
		return err
	}
	r := estate.RevokedToken{ID: string(f.ID), Client: f.Client, ExpiresAt: now.Add(TokenLifetime + time.Minute)}
	if err := tx.InsertRevokedToken(ctx, scope, r, now); err != nil {
		return err
	}
	data := map[string]any{"clientId": f.Client, "user": f.Person, event.KeyEvent: revocation(actor, now, string(f.ID), f.Client, f.Person, "", actor.Kind == estate.ActorClient && reason == "")}
	if reason != "" {
		data["reason"] = reason
	}
	return s.audit.Done(ctx, tx, actor, scope, "oauth-token.revoke", string(f.ID), data)
}

// reused ends a family of which a code or a refresh token was used twice: one of
// those who have it is not the program.
func (s *Service) reused(ctx context.Context, tx *store.Tx, scope estate.Scope, f estate.TokenFamily, what string) error {
	actor := estate.Actor{Kind: estate.ActorClient, ID: string(f.Client), Level: estate.LevelTenant, Scope: scope}
	if scope.Tenant == "" {
		actor.Level = estate.LevelOrganization
	}
	return s.endFamily(ctx, tx, actor, scope, f, what+" was used again")
}

// revokeRefreshToken ends the family of a refresh token of the actor's client.
func (s *Service) revokeRefreshToken(ctx context.Context, surface estate.Surface, actor estate.Actor, token string) error {
	return s.store.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.RefreshToken(ctx, surface.Tenant.ID, estate.HashOf(estate.Secret(token)))
		switch {
		case estate.HasCode(err, api.CodeTokenNotFound):
			return nil
		case err != nil:
			return err
		case clientOf(actor) != r.Family.Client:
			return nil
		}
		return s.endFamily(ctx, tx, actor, actor.Scope, r.Family, "")
	})
}

// clientOf is the client by which an actor came; empty: by none.
func clientOf(actor estate.Actor) estate.ClientID {
	if actor.Kind == estate.ActorClient {
		return estate.ClientID(actor.ID)
	}
	return actor.Client
}

var errInvalidGrant = estate.E(estate.Invalid, api.CodeOAuthInvalidGrant, "Invalid grant", "The code or token is unknown, expired, revoked or used, or was given for another client or redirect_uri.")
