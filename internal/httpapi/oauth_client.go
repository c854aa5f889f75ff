package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// createOAuthClient serves the tenant and the console: a client is made at the
// level of the surface that the request came to.
func createOAuthClient(x *exchange, in api.CreateOAuthClientRequest) (api.OAuthClient, error) {
	n := credential.NewClient{
		Level:          estate.LevelTenant,
		Scope:          x.actor.Scope,
		Name:           in.ClientName,
		Description:    in.Description,
		AppType:        in.AppType,
		URI:            in.ClientURI,
		LogoURI:        in.LogoURI,
		RedirectURIs:   in.RedirectURIs,
		AllowedOrigins: in.AllowedOrigins,
		Permissions:    in.AllowedScopes,
		GrantTypes:     in.AllowedGrantTypes,
		AuthMethods:    in.AllowedAuthMethods,
		TokenBinding:   estate.TokenBinding(in.TokenBinding),
		PublicKeys:     in.PublicKeys,
		JWKSURI:        in.JWKSURI,
		Federated:      domainFederated(in.FederatedCredentials),
	}
	if x.surface.Kind == estate.SurfaceConsole {
		n.Level = estate.LevelOrganization
	}
	if in.ConnectionConfig != nil {
		n.Consent = estate.Consent(in.ConnectionConfig.ConsentMethod)
	}
	c, secret, err := x.server.Credential.CreateClient(x.r.Context(), x.actor, n)
	if err != nil {
		return api.OAuthClient{}, err
	}
	x.noStore()
	out := wireClient(c)
	out.ClientSecret = secret.Reveal()
	return out, nil
}

func wireClient(c estate.Client) api.OAuthClient {
	out := api.OAuthClient{
		ClientID:           string(c.ID),
		ClientName:         c.Name,
		AppType:            c.AppType,
		Description:        c.Description,
		ClientURI:          c.URI,
		LogoURI:            c.LogoURI,
		RedirectURIs:       c.RedirectURIs,
		AllowedOrigins:     c.AllowedOrigins,
		AllowedScopes:      c.Permissions,
		AllowedGrantTypes:  c.GrantTypes,
		AllowedAuthMethods: c.AuthMethods,
		TokenBinding:       string(c.TokenBinding),
		JWKSURI:            c.JWKSURI,
		CreatedByType:      c.CreatedByType,
		CreatedAt:          api.Time{Time: c.CreatedAt},
		UpdatedAt:          api.Time{Time: c.UpdatedAt},
	}
	if c.Level == estate.LevelTenant {
		out.ConnectionConfig = &api.ConnectionConfig{ConsentMethod: string(c.Consent)}
	}
	if c.Level == estate.LevelRegion {
		out.RegionCode = string(c.Scope.Region)
	}
	out.PublishedAt, out.DeletedAt = api.Timestamp(c.PublishedAt), api.Timestamp(c.DeletedAt)
	if !c.DisabledAt.IsZero() {
		out.DisableTag = api.DisableTagOperator
	}
	for _, s := range c.Secrets {
		out.ClientSecrets = append(out.ClientSecrets, api.ClientSecret{
			Hint: s.Hint, CreatedAt: api.Time{Time: s.CreatedAt}, CreatedBy: s.CreatedBy, ExpiresAt: api.Timestamp(s.ExpiresAt),
			FirstUsedAt: api.Timestamp(s.FirstUsedAt), LastUsedAt: api.Timestamp(s.LastUsedAt), Rotation: string(s.Rotation),
		})
	}
	for _, k := range c.PublicKeys {
		out.PublicKeys = append(out.PublicKeys, k.JWK)
	}
	for _, f := range c.Federated {
		out.FederatedCredentials = append(out.FederatedCredentials, api.FederatedCredential(f))
	}
	return out
}
