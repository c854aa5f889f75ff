package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

func listSubscriptions(x *exchange) (list api.SubscriptionList, err error) {
	all, err := x.server.Tenancy.OwnSubscriptions(x.r.Context(), x.actor)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Subscription, len(all))
	for i, sub := range all {
		list.Data[i] = x.subscription(sub)
	}
	list.Links.Self = x.pageLink(x.r.URL.RawQuery)
	return list, nil
}

func getSubscription(x *exchange) (api.Subscription, error) {
	sub, err := x.server.Tenancy.OwnSubscription(x.r.Context(), x.actor, estate.SubscriptionID(x.r.PathValue("subscriptionId")))
	return x.subscription(sub), err
}

func (x *exchange) subscription(sub estate.Subscription) api.Subscription {
	out := api.Subscription{
		ID:          string(sub.ID),
		Name:        sub.Name,
		TenantLimit: sub.TenantLimit,
		TenantCount: sub.TenantCount,
		Regions:     make([]string, len(sub.Regions)),
		StartsAt:    api.Time{Time: sub.StartsAt},
		EndsAt:      api.Time{Time: sub.EndsAt},
		CreatedAt:   api.Time{Time: sub.CreatedAt},
		UpdatedAt:   api.Time{Time: sub.UpdatedAt},
		Links:       x.self("/api/core/subscriptions/" + string(sub.ID)),
	}
	for i, code := range sub.Regions {
		out.Regions[i] = string(code)
	}
	return out
}

func createRegionOAuthClient(x *exchange, in api.CreateRegionOAuthClientRequest) (api.OAuthClient, error) {
	realm := x.realm()
	realm.Scope.Region = estate.RegionCode(in.RegionCode)
	c, secret, err := x.server.Credential.CreateClient(x.r.Context(), x.actor, credential.NewClient{
		Level:       realm.Level,
		Scope:       realm.Scope,
		Name:        in.ClientName,
		Description: in.Description,
		Permissions: in.AllowedScopes,

		TokenBinding: estate.TokenBinding(in.TokenBinding),
		PublicKeys:   in.PublicKeys,
		JWKSURI:      in.JWKSURI,
		Federated:    domainFederated(in.FederatedCredentials),
	})
	if err != nil {
		return api.OAuthClient{}, err
	}
	x.noStore()
	out := wireClient(c)
	out.ClientSecret = secret.Reveal()
	return out, nil
}
