package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// UserActor is the person with the id, who is signed in to the tenant of surface
// and may do all that the roles allow. A user that is gone or disabled is nobody.
func (s *Service) UserActor(ctx context.Context, surface estate.Surface, id estate.UserID) (estate.Actor, error) {
	scope := surface.Tenant.Scope()
	user, err := s.users.Get(ctx, userKey{scope.Organization, scope.Tenant, id})
	switch {
	case estate.HasCode(err, api.CodeUserNotFound):
		return estate.Actor{}, errNoUser
	case err != nil:
		return estate.Actor{}, err
	case user.Status != estate.UserActive || user.ClientID != "":
		return estate.Actor{}, errNoUser
	}
	access, err := s.userAccess(ctx, scope, user.ID)
	if err != nil {
		return estate.Actor{}, errNoUser.Because(err)
	}
	return estate.Actor{
		Kind: estate.ActorUser, ID: string(user.ID), Scope: scope, User: user.ID, Roles: access.Roles,
		Permissions: access.Limit(estate.Permissions{api.ScopeUserDefault, api.ScopeAdminClassic}),
	}, nil
}

var errNoUser = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The user of the session is gone or disabled.")
