package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/signin"
)

// identityProvider is the one that the path names.
func (x *exchange) identityProvider() estate.IdentityProviderID {
	return estate.IdentityProviderID(x.r.PathValue("identityProviderId"))
}

func createIdentityProvider(x *exchange, in api.CreateIdentityProviderRequest) (api.IdentityProvider, error) {
	p, err := x.server.SignIn.CreateIdentityProvider(x.r.Context(), x.actor, in)
	if err != nil {
		return api.IdentityProvider{}, err
	}
	return wireIdentityProvider(p)
}

func getIdentityProvider(x *exchange) (api.IdentityProvider, error) {
	p, err := x.server.SignIn.IdentityProvider(x.r.Context(), x.actor, x.identityProvider())
	if err != nil {
		return api.IdentityProvider{}, err
	}
	return wireIdentityProvider(p)
}

func listIdentityProviders(x *exchange) (list api.IdentityProviderList, err error) {
	query := x.r.URL.Query()
	q := signin.ProviderQuery{Next: estate.IdentityProviderID(query.Get("next")), Prev: estate.IdentityProviderID(query.Get("prev"))}
	if q.Next != "" && q.Prev != "" {
		return list, paging.BadParameter("prev", "next and prev exclude each other")
	}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	switch active, given, err := flagIn(query, "active"); {
	case err != nil:
		return list, err
	case given:
		q.Active = &active
	}
	page, err := x.server.SignIn.IdentityProviders(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.IdentityProvider, len(page.Providers))
	for i, p := range page.Providers {
		if list.Data[i], err = wireIdentityProvider(p); err != nil {
			return list, err
		}
	}
	list.Links = api.PageLinks{
		Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", string(page.Next)), Prev: x.cursorLink(query, "prev", string(page.Prev)),
	}
	return list, nil
}

func updateIdentityProvider(x *exchange) error {
	patch, err := x.readSignInPatch()
	if err != nil {
		return err
	}
	return x.server.SignIn.UpdateIdentityProvider(x.r.Context(), x.actor, x.identityProvider(), patch)
}

func (x *exchange) readSignInPatch() ([]signin.PatchOperation, error) {
	if !isJSON(contentType(x.r)) {
		return nil, errMediaType(api.ContentTypeJSONPatch + " or application/json")
	}
	body, err := x.readBody()
	if err != nil {
		return nil, err
	}
	return signin.ParsePatch(body)
}

func deleteIdentityProvider(x *exchange) error {
	return x.server.SignIn.DeleteIdentityProvider(x.r.Context(), x.actor, x.identityProvider())
}

func getIdentityProviderStatus(x *exchange) (status api.IdentityProviderStatus, err error) {
	all, err := x.server.SignIn.Summaries(x.r.Context(), x.actor)
	status.Metadata = []api.IdentityProviderMetadata{}
	for _, p := range all {
		if p.Active && p.Interactive {
			status.ActiveInteractive++
		}
		status.Metadata = append(status.Metadata, api.IdentityProviderMetadata{Active: p.Active, Interactive: p.Interactive, Provider: p.Provider})
	}
	return status, err
}

// getMyIdentityProviderMeta shows the links of the provider that people are sent
// to. They are what an administrator wrote, so they are looked at again.
func getMyIdentityProviderMeta(x *exchange) (links api.IdentityProviderLinks, err error) {
	all, err := x.server.SignIn.Summaries(x.r.Context(), x.actor)
	if err != nil {
		return links, err
	}
	for _, p := range all {
		if !p.Active || !p.Interactive {
			continue
		}
		if p.Meta != nil && json.Unmarshal(p.Meta, &links) != nil {
			links = api.IdentityProviderLinks{}
		}
		links.UpgradeSubscriptionLink, links.UserPortalLink = webLink(links.UpgradeSubscriptionLink), webLink(links.UserPortalLink)
		return links, nil
	}
	return links, estate.E(estate.NotFound, api.CodeIDPNotFound, "Not found", "The tenant has no active interactive identity provider.")
}

// webLink is link if it leads to a web page.
func webLink(link string) string {
	if u, err := url.Parse(link); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return link
}

func getLoginMetadata(x *exchange) (api.LoginMetadata, error) {
	origin := x.surface.Origin
	return api.LoginMetadata{
		Protocols: []string{api.ProtocolOIDC, api.ProtocolJWT}, LoginURI: origin + signin.LoginPath, RedirectURIs: []string{origin + signin.CallbackPath},
		JWTSessionEndpoint: origin + jwtSessionPath, JWTSessionAudience: api.SessionAudience,
	}, nil
}

func wireIdentityProvider(p estate.IdentityProvider) (api.IdentityProvider, error) {
	out := api.IdentityProvider{
		ID: string(p.ID), TenantIDs: []string{}, Protocol: p.Protocol, Provider: p.Provider, Interactive: p.Interactive, Active: p.Active,
		Description: p.Description, ClockToleranceSec: int(p.ClockTolerance / time.Second), CreateNewUsersOnLogin: p.CreateUsers,
		PostLogoutRedirectURI: p.AfterLogout, Meta: p.Meta, PendingState: string(p.PendingState),
		Created: api.Time{Time: p.CreatedAt}, LastUpdated: api.Time{Time: p.UpdatedAt},
	}
	if p.Tenant != "" {
		out.TenantIDs = append(out.TenantIDs, string(p.Tenant))
	}
	if p.Protocol == api.ProtocolJWT || p.Options.ClientID != "" {
		options := signin.WireOptions(p.Options)
		out.Options = &options
	}
	if p.Pending != nil {
		options := signin.WireOptions(*p.Pending)
		out.PendingOptions = &options
	}
	if p.PendingResult != nil {
		out.PendingResult = new(api.PendingResult)
		if err := json.Unmarshal(p.PendingResult, out.PendingResult); err != nil {
			return out, errors.New("stored result of a test: " + err.Error())
		}
	}
	return out, nil
}

func getAuthSettings(x *exchange) (api.AuthSettings, error) {
	settings, err := x.server.SignIn.AuthSettings(x.r.Context(), x.actor)
	return x.wireAuthSettings(settings), err
}

func updateAuthSettings(x *exchange) error {
	patch, err := x.readSignInPatch()
	if err != nil {
		return err
	}
	settings, err := x.server.SignIn.UpdateAuthSettings(x.r.Context(), x.actor, patch)
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, x.wireAuthSettings(settings))
	return nil
}

func (x *exchange) wireAuthSettings(s estate.AuthSettings) api.AuthSettings {
	tenant := string(x.actor.Scope.Tenant)
	return api.AuthSettings{
		ID: tenant, TenantID: tenant, UserSessionInactivityTimeoutMins: int64(s.Idle / time.Minute), MaxUserSessionLifespanMins: int64(s.Lifespan / time.Minute),
		DynamicClientRegistrationEnabled: s.Registration, DCRAllowedAuthenticationMethods: s.RegistrationMethods,
		IsDefault: s.UpdatedAt.IsZero(),
	}
}
