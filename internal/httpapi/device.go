package httpapi

import (
	"net/http"
	"net/url"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// authorizeDevice lets a program without a browser wait for a person (RFC 8628).
func authorizeDevice(x *exchange) error {
	var in api.DeviceAuthorizationRequest
	err := x.readOAuthBody(&in, func(form string) error {
		return parseForm(form, []formField{
			{"client_id", &in.ClientID},
			{"client_secret", &in.ClientSecret},
			{"scope", &in.Scope},
			{"client_assertion", &in.ClientAssertion},
			{"client_assertion_type", &in.ClientAssertionType},
		})
	})
	if err != nil {
		return err
	}
	said := api.TokenRequest{ClientID: in.ClientID, ClientSecret: in.ClientSecret}
	if err := basicCredentials(x.r, &said); err != nil {
		return err
	}
	x.client = said.ClientID
	x.share(estate.ClientID(said.ClientID))
	waiting, err := x.server.Credential.AuthorizeDevice(x.r.Context(), x.surface, credential.Credentials{
		ClientID: said.ClientID, Secret: estate.Secret(said.ClientSecret), Assertion: in.ClientAssertion, AssertionType: in.ClientAssertionType,
		Address: x.address(),
	}, in.Scope)
	if err != nil {
		return err
	}
	x.noStore()
	page := x.surface.Origin + api.DevicePath
	x.writeJSON(http.StatusOK, api.DeviceAuthorization{
		DeviceCode: waiting.DeviceCode.Reveal(), UserCode: waiting.UserCode, VerificationURI: page,
		VerificationURIComplete: page + "?" + url.Values{"user_code": {waiting.UserCode}}.Encode(),
		ExpiresIn:               int64(waiting.ExpiresAt.Sub(waiting.IssuedAt) / time.Second), Interval: int64(credential.DeviceInterval / time.Second),
	})
	return nil
}

// registerClient is RFC 7591, as the contract has it.
func registerClient(x *exchange, in api.ClientRegistration) (out api.RegisteredClient, err error) {
	x.noStore()
	c, secret, err := x.server.Credential.RegisterClient(x.r.Context(), x.surface, credential.Registration{
		Name: in.ClientName, URI: in.ClientURI, LogoURI: in.LogoURI, RedirectURIs: in.RedirectURIs, Scope: in.Scope,
		AuthMethod: in.TokenEndpointAuthMethod, GrantTypes: in.GrantTypes,
	}, x.trace)
	if err != nil {
		return out, err
	}
	method, grants := in.TokenEndpointAuthMethod, []string{api.GrantAuthorizationCode}
	if method == "" {
		method = "client_secret_basic"
	}
	if c.Permissions.Holds(api.ScopeOfflineAccess) {
		grants = append(grants, api.GrantRefreshToken)
	}
	return api.RegisteredClient{
		ClientID: string(c.ID), ClientSecret: secret.Reveal(), ClientIDIssuedAt: c.CreatedAt.Unix(), ClientName: c.Name, ClientURI: c.URI, LogoURI: c.LogoURI,
		RedirectURIs: c.RedirectURIs, Scope: c.Permissions.String(), TokenEndpointAuthMethod: method, GrantTypes: grants, ResponseTypes: []string{"code"},
	}, nil
}
