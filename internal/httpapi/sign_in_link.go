package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

func createSignInLink(x *exchange, in api.SignInLinkRequest) (api.SignInLink, error) {
	secret, l, err := x.server.SignIn.CreateUserLink(x.r.Context(), x.actor, x.user(), in.Recovery)
	if err != nil {
		return api.SignInLink{}, err
	}
	x.w.Header().Set("Cache-Control", "no-store")
	return api.SignInLink{URL: x.surface.Origin + signin.LinkPath + secret.Reveal(), ExpiresAt: api.Time{Time: l.ExpiresAt}}, nil
}

// createdAdministrator writes the first user of a tenant that was just made, with
// a link at the tenant's host.
func (x *exchange) createdAdministrator(t estate.Tenant, a *tenancy.CreatedAdministrator) *api.CreatedAdministrator {
	if a == nil {
		return nil
	}
	x.w.Header().Set("Cache-Control", "no-store")
	out := &api.CreatedAdministrator{UserID: string(a.User)}
	if a.Link == "" {
		out.Detail = "The link was in the answer to the first request, and is kept nowhere. Make another with POST /api/v1/users/" + out.UserID + "/actions/sign-in-link at the tenant's host."
		return out
	}
	origin := Origin(x.server.Scheme, x.server.hostnames(t)[0], x.server.Port)
	out.SignInLink = &api.SignInLink{URL: origin + signin.LinkPath + a.Link.Reveal(), ExpiresAt: api.Time{Time: a.Ends}}
	return out
}
