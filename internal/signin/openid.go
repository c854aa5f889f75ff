package signin

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
)

// discoverySuffix is where OpenID Connect Discovery has the metadata of an issuer.
const discoverySuffix = "/.well-known/openid-configuration"

// parseDiscovery reads the metadata at address. It must be that of the issuer that
// the address belongs to: metadata of another would make its tokens good here.
func (s *Service) parseDiscovery(address string, body []byte) (oidc.ProviderConfig, error) {
	var c oidc.ProviderConfig
	if err := json.Unmarshal(body, &c); err != nil {
		return c, errors.New("not the metadata of an OpenID provider")
	}
	if strings.TrimSuffix(c.IssuerURL, "/")+discoverySuffix != address {
		return c, fmt.Errorf("the issuer %s does not belong to %s", assertion.Short(c.IssuerURL), address)
	}
	for name, endpoint := range map[string]string{"authorization_endpoint": c.AuthURL, "token_endpoint": c.TokenURL, "jwks_uri": c.JWKSURL} {
		if err := s.fetch.CheckURL(endpoint); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.UserInfoURL != "" {
		if err := s.fetch.CheckURL(c.UserInfoURL); err != nil {
			return c, fmt.Errorf("userinfo_endpoint: %w", err)
		}
	}
	return c, nil
}

// endpoints are those of the OpenID provider of options. Its errors are failures.
func (s *Service) endpoints(ctx context.Context, o estate.IdentityProviderOptions) (oidc.ProviderConfig, error) {
	if c := o.Configuration; c != nil {
		return oidc.ProviderConfig{IssuerURL: c.Issuer, AuthURL: c.Authorization, TokenURL: c.Token, JWKSURL: c.JWKS, UserInfoURL: c.UserInfo}, nil
	}
	c, err := s.discoveries.Get(ctx, o.DiscoveryURL)
	if err != nil && ctx.Err() == nil {
		err = failure{status: "networkError", detail: "discovery: " + err.Error()}
	}
	return c, err
}

// failure is why an OpenID provider's answer leads nowhere.
type failure struct {
	status string // of api.PendingResult
	detail string
	oauth  *api.OAuth2Error
	claims json.RawMessage
}

func (f failure) Error() string { return f.detail }

// oauthConfig is what the OAuth library needs of an OpenID provider.
func (s *Service) oauthConfig(p estate.IdentityProvider, o estate.IdentityProviderOptions, c oidc.ProviderConfig, surface estate.Surface) (*oauth2.Config, error) {
	secret, err := s.keys.Open(sealClientSecret, sealedAs(p), o.SealedSecret)
	if err != nil {
		return nil, fmt.Errorf("client secret of identity provider %s: %w", p.ID, err)
	}
	scopes := strings.Fields(o.Scope)
	if len(scopes) == 0 {
		scopes = strings.Fields(defaultScope)
	}
	if o.BlockOfflineAccess {
		scopes = slices.DeleteFunc(scopes, func(name string) bool { return name == oidc.ScopeOfflineAccess })
	}
	return &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: string(secret), Scopes: scopes, RedirectURL: CallbackURL(surface, p.ID),
		Endpoint: oauth2.Endpoint{AuthURL: c.AuthURL, TokenURL: c.TokenURL},
	}, nil
}

// redeem turns the answer of an OpenID provider into who somebody is. Its errors
// are failures, unless the server itself is at fault.
func (s *Service) redeem(ctx context.Context, surface estate.Surface, p estate.IdentityProvider, o estate.IdentityProviderOptions, state loginState, query url.Values) (l Login, shownClaims json.RawMessage, err error) {
	if name := query.Get("error"); name != "" {
		oauth := &api.OAuth2Error{Error: assertion.Short(name), ErrorDescription: assertion.Short(query.Get("error_description"))}
		return l, nil, failure{status: "callbackError", detail: "the identity provider answered " + oauth.Error, oauth: oauth}
	}
	c, err := s.endpoints(ctx, o)
	if err != nil {
		return l, nil, err
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != c.IssuerURL { // RFC 9207
		return l, nil, failure{status: "callbackError", detail: "the answer is of the issuer " + assertion.Short(issuer)}
	}
	config, err := s.oauthConfig(p, o, c, surface)
	if err != nil {
		return l, nil, err
	}
	ctx = oidc.ClientContext(ctx, s.fetch.HTTPClient())
	token, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(state.Verifier))
	if err != nil {
		return l, nil, tokenFailure(ctx, err)
	}
	claims, err := s.claimsOf(ctx, p, o, c, state, token)
	if err != nil {
		return l, nil, err
	}
	shownClaims = shown(claims)
	if l, err = mapClaims(p, o, claims); err != nil {
		return l, shownClaims, failure{status: "claimsError", detail: err.Error(), claims: shownClaims}
	}
	return l, shownClaims, nil
}

func tokenFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		oauth := &api.OAuth2Error{Error: assertion.Short(refused.ErrorCode), ErrorDescription: assertion.Short(refused.ErrorDescription)}
		return failure{status: "tokenError", detail: "the token endpoint answered " + oauth.Error, oauth: oauth}
	}
	if errors.As(err, &refused) {
		return failure{status: "tokenError", detail: "the token endpoint answered " + refused.Response.Status}
	}
	return failure{status: "networkError", detail: "token endpoint: " + assertion.Short(err.Error())}
}

// claimsOf verifies the ID token that came with token, and returns its claims or
// those of the user info endpoint, as the options want.
func (s *Service) claimsOf(ctx context.Context, p estate.IdentityProvider, o estate.IdentityProviderOptions, c oidc.ProviderConfig, state loginState, token *oauth2.Token) (map[string]any, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, failure{status: "tokenError", detail: "the token endpoint answered without an ID token"}
	}
	algorithm := o.SignatureAlgorithm
	if algorithm == "" {
		algorithm = oidc.RS256
	}
	verifier := oidc.NewVerifier(c.IssuerURL, keySet{s, c.JWKSURL, algorithm}, &oidc.Config{
		ClientID: o.ClientID, SupportedSigningAlgs: []string{algorithm},
		Now: func() time.Time { return s.now().Add(-p.ClockTolerance) }, // which is for exp; the library has its own for nbf
	})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, failure{status: "tokenError", detail: "ID token: " + assertion.Short(err.Error())}
	}
	if id.Nonce != state.Nonce {
		return nil, failure{status: "tokenError", detail: "ID token: the nonce is another"}
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, failure{status: "tokenError", detail: "ID token: the claims are not an object"}
	}
	fromIDToken := isMicrosoft(p.Provider)
	if o.ClaimsFromIDToken != nil {
		fromIDToken = *o.ClaimsFromIDToken
	}
	if fromIDToken || c.UserInfoURL == "" {
		return claims, nil
	}
	info, err := c.NewProvider(ctx).UserInfo(ctx, oauth2.StaticTokenSource(token))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, failure{status: "networkError", detail: "user info: " + assertion.Short(err.Error())}
	case info.Subject != id.Subject:
		return nil, failure{status: "tokenError", detail: "user info: it is about another subject than the ID token"}
	}
	claims = map[string]any{}
	if err := info.Claims(&claims); err != nil {
		return nil, failure{status: "claimsError", detail: "user info: the claims are not an object"}
	}
	return claims, nil
}

// keySet verifies ID tokens with the published keys of an OpenID provider.
type keySet struct {
	s         *Service
	url       string
	algorithm string
}

// VerifySignature implements oidc.KeySet. Keys are rotated by publishing new ones,
// so a key that is not there may be there now.
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(jwt, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.algorithm)})
	if err != nil {
		return nil, errors.New("not a JWT that is signed with " + k.algorithm)
	}
	keys, err := k.s.keySets.Get(ctx, k.url)
	if err != nil {
		return nil, err
	}
	if payload, ok := verifyWith(keys, signed); ok {
		return payload, nil
	}
	if keys, err = k.s.keySets.Refresh(ctx, k.url); err != nil {
		return nil, err
	}
	if payload, ok := verifyWith(keys, signed); ok {
		return payload, nil
	}
	return nil, errors.New("none of the published keys signed it")
}

func verifyWith(set jose.JSONWebKeySet, signed *jose.JSONWebSignature) ([]byte, bool) {
	kid := signed.Signatures[0].Header.KeyID
	for _, k := range set.Keys {
		if kid != "" && k.KeyID != "" && k.KeyID != kid {
			continue
		}
		if payload, err := signed.Verify(k.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// parseKeySet reads a JWK set. Only RSA keys to rely on are kept: the contract
// knows no other signatures of ID tokens.
func parseKeySet(_ string, body []byte) (jose.JSONWebKeySet, error) {
	const most = 100
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(body, &raw) != nil {
		return set, errors.New("not a JWK set")
	}
	for _, text := range raw.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(text, &k) != nil || k.Use != "" && k.Use != "sig" || len(set.Keys) >= most {
			continue
		}
		if public, ok := k.Key.(*rsa.PublicKey); ok && algorithmsOf(public) != nil {
			set.Keys = append(set.Keys, k)
		}
	}
	if len(set.Keys) == 0 {
		return set, errors.New("the JWK set has no usable key")
	}
	return set, nil
}
