package credential

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// UserLookup names the user to impersonate.
type UserLookup struct {
	Field string // "subject" or "userId"
	Value string
}

// grantUserImpersonation lets a trusted client of a tenant act as one of the
// tenant's people. Bots can't be impersonated: that would be another client's
// access.
func (s *Service) grantUserImpersonation(ctx context.Context, i *issue) error {
	if i.surface.Kind != estate.SurfaceTenant || !mayImpersonate(i.client) {
		return errMayNotImpersonate
	}
	lookup := i.request.UserLookup
	if lookup.Value == "" || lookup.Field != "subject" && lookup.Field != "userId" {
		return errInvalidRequest.InParameter("user_lookup", "user_lookup must have a field, subject or userId, and a value")
	}
	var err error
	if i.granted, err = narrow(i.client.Permissions, i.request.Scope); err != nil {
		return err
	}
	user, err := s.lookUp(ctx, i.scope, lookup)
	switch {
	case estate.HasCode(err, api.CodeUserNotFound):
		return errNoSuchUser
	case err != nil:
		return err
	case user.ClientID != "":
		return errNoSuchUser
	case user.Status != estate.UserActive:
		return errUserDisabled
	}
	i.user = user.ID
	i.actor = &api.ActorClaim{Subject: string(i.client.ID)}
	return nil
}

// mayImpersonate tells whether client, as it is in the tenant, is one that the grant
// is for, now.
func mayImpersonate(client estate.Client) bool {
	return client.Level == estate.LevelTenant && client.AppType == api.AppTypeWeb && client.Consent == estate.ConsentTrusted &&
		slices.Contains(client.GrantTypes, api.GrantUserImpersonation)
}

func (s *Service) lookUp(ctx context.Context, scope estate.Scope, lookup UserLookup) (user estate.User, err error) {
	if lookup.Field == "subject" {
		return s.userBySubject(ctx, subjectKey{scope.Organization, scope.Tenant, lookup.Value})
	}
	id := estate.UserID(lookup.Value)
	if !id.Valid() {
		return user, errNoSuchUser
	}
	return s.users.Get(ctx, userKey{scope.Organization, scope.Tenant, id})
}

var (
	errMayNotImpersonate = estate.E(estate.Invalid, api.CodeOAuthUnauthorizedClient, "Unauthorized client", "Impersonation is for web clients of the tenant, or that it trusts, at the tenant's host, with this grant type and trusted consent.")
	errNoSuchUser        = estate.E(estate.Unauthenticated, api.CodeOAuthInvalidUser, "Invalid user", "user_lookup names no user of this tenant.")
	errUserDisabled      = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The user is disabled.")
)
