package credential

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// grantClientCredentials is RFC 6749 section 4.4: the client acts for itself,
// in a tenant through its bot user.
func (s *Service) grantClientCredentials(ctx context.Context, i *issue) error {
	if !slices.Contains(i.client.GrantTypes, api.GrantClientCredentials) {
		return errUnauthorizedClient
	}
	var err error
	if i.granted, err = narrow(i.client.Permissions, i.request.Scope); err != nil {
		return err
	}
	if i.surface.Kind != estate.SurfaceTenant {
		return nil
	}
	bot, err := s.bot(ctx, i.scope, i.client.ID)
	if err != nil {
		return err
	}
	if bot.Status != estate.UserActive {
		return errBotDisabled
	}
	i.user = bot.ID
	return nil
}

// defaultScopes are requested by clients in the field whether they are held or
// not; one that is not held is as good as not requested.
var defaultScopes = []string{api.ScopeUserDefault, "offline_access"}

// narrow returns what of held a client gets when it requests scope. A request
// for nothing gets everything; what is requested but not held is left out; and
// if then nothing is left the request is refused, because a client that asks for
// little must not get more.
func narrow(held estate.Permissions, scope string) (estate.Permissions, error) {
	var granted estate.Permissions
	asked := false
	for _, name := range estate.ParsePermissions(scope) {
		if held.Holds(name) {
			granted = append(granted, name)
		} else if !slices.Contains(defaultScopes, name) {
			asked = true
		}
	}
	switch {
	case len(granted) > 0:
		return granted, nil
	case asked:
		return nil, errInvalidScope
	default:
		return held, nil
	}
}
