package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// userKey names a user of a tenant. The organization is carried along for the
// scope.
type userKey struct {
	organization estate.OrganizationID
	tenant       estate.TenantID
	user         estate.UserID
}

func (s *Service) loadUser(ctx context.Context, key userKey) (u estate.User, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		u, err = tx.User(ctx, estate.Scope{Organization: key.organization, Tenant: key.tenant}, key.user)
		return err
	})
	return u, err
}

// subjectKey names a user of a tenant by subject.
type subjectKey struct {
	organization estate.OrganizationID
	tenant       estate.TenantID
	subject      string
}

func (s *Service) loadUserID(ctx context.Context, key subjectKey) (estate.UserID, error) {
	var u estate.User
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.UserBySubject(ctx, estate.Scope{Organization: key.organization, Tenant: key.tenant}, key.subject)
		return err
	})
	return u.ID, err
}

// userBySubject finds a user. What is remembered is only where to look: whether
// the user still has the subject is seen from the user, whom every change makes
// the service forget.
func (s *Service) userBySubject(ctx context.Context, key subjectKey) (u estate.User, err error) {
	for range 2 {
		id, err := s.lookups.Get(ctx, key)
		if err != nil {
			return u, err
		}
		u, err = s.users.Get(ctx, userKey{key.organization, key.tenant, id})
		if err != nil && !estate.HasCode(err, api.CodeUserNotFound) || err == nil && u.Subject == key.subject {
			return u, err
		}
		s.lookups.Invalidate(key)
	}
	return estate.User{}, errNoSuchUser
}

// tokenUser is the user as whom a token acts in the tenant of scope: the
// client's bot, the person who let the client act, or whom it impersonates.
func (s *Service) tokenUser(ctx context.Context, scope estate.Scope, claims *api.Claims, client estate.Client) (user estate.User, err error) {
	if claims.Family != "" {
		user, err = s.users.Get(ctx, userKey{scope.Organization, scope.Tenant, estate.UserID(claims.User)})
		if err == nil && user.ClientID != "" {
			return user, errInvalidToken
		}
	} else if claims.Actor == nil {
		user, err = s.bot(ctx, scope, client.ID)
	} else {
		if !mayImpersonate(client) {
			return user, errInvalidToken
		}
		user, err = s.users.Get(ctx, userKey{scope.Organization, scope.Tenant, estate.UserID(claims.User)})
	}
	switch {
	case estate.HasCode(err, api.CodeUserNotFound):
		return user, errInvalidToken
	case err != nil:
		return user, err
	case user.Status != estate.UserActive:
		return user, errInvalidToken
	}
	return user, nil
}

// userAccess is what a user of the tenant of scope may do by its roles.
func (s *Service) userAccess(ctx context.Context, scope estate.Scope, user estate.UserID) (estate.Access, error) {
	a, err := s.access.Get(ctx, userKey{scope.Organization, scope.Tenant, user})
	if estate.HasCode(err, api.CodeUserNotFound) {
		return a, errInvalidToken
	}
	return a, err
}

func (s *Service) loadAccess(ctx context.Context, key userKey) (a estate.Access, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		a, err = tx.Access(ctx, estate.Scope{Organization: key.organization, Tenant: key.tenant}, key.user)
		return err
	})
	return a, err
}
