package credential

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// An API key has the form of a JWT, as the contract's clients expect: they read who
// it is for, and show it like an access token. Where a JWT has its signature it has
// 256 random bits. Only the server can check it, by a keyed hash of the whole, so
// that a key is in force exactly as long as its row says, however often the keys
// that sign access tokens are replaced.
//
// No access token begins like an API key: they are not signed with HS256.
const apiKeyHeader = `{"alg":"HS256","typ":"JWT"}`

var apiKeyStart = base64.RawURLEncoding.EncodeToString([]byte(apiKeyHeader)) + "."

// Issuer and audience of API keys, as the contract has them.
const (
	apiKeyIssuer   = "qlik.api/api-keys"
	apiKeyAudience = "qlik.api"
)

type apiKeyClaims struct {
	Audience    string `json:"aud"`
	IssuedAt    int64  `json:"iat"`
	ExpiresAt   int64  `json:"exp"`
	Issuer      string `json:"iss"`
	ID          string `json:"jti"`
	Subject     string `json:"sub"`
	SubjectType string `json:"subType"`
	Tenant      string `json:"tenantId"`
}

// apiKeyAt names an API key. The organization is carried along for the scope.
type apiKeyAt struct {
	organization estate.OrganizationID
	tenant       estate.TenantID
	id           estate.APIKeyID
}

// isAPIKey tells API keys from access tokens, by how they begin.
func isAPIKey(token string) bool { return strings.HasPrefix(token, apiKeyStart) }

// newAPIKeyToken makes the text of a key.
func newAPIKeyToken(k estate.APIKey) (estate.Secret, error) {
	claims, err := json.Marshal(apiKeyClaims{
		Audience: apiKeyAudience, IssuedAt: k.CreatedAt.Unix(), ExpiresAt: k.ExpiresAt.Unix(), Issuer: apiKeyIssuer,
		ID: string(k.ID), Subject: string(k.User), SubjectType: api.SubjectTypeUser, Tenant: string(k.Tenant),
	})
	if err != nil {
		return "", err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return estate.Secret(apiKeyStart + base64.RawURLEncoding.EncodeToString(claims) + "." + base64.RawURLEncoding.EncodeToString(random[:])), nil
}

// apiKeyID reads which key a token claims to be. Nothing else of it is believed.
func apiKeyID(token string) (estate.APIKeyID, bool) {
	rest, ok := strings.CutPrefix(token, apiKeyStart)
	if !ok {
		return "", false
	}
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", false
	}
	var claims apiKeyClaims
	if json.Unmarshal(text, &claims) != nil {
		return "", false
	}
	id := estate.APIKeyID(claims.ID)
	return id, id.Valid()
}

// hashedFor is what the hash of a key is bound to, so that hashes can't be moved
// between keys. No client id looks like it.
func hashedFor(k estate.APIKey) estate.ClientID {
	return estate.ClientID("api key " + string(k.Tenant) + "/" + string(k.ID))
}

// authenticateAPIKey finds out who shows an API key at surface. The key acts as its
// user, as far as that may act now.
func (s *Service) authenticateAPIKey(ctx context.Context, surface estate.Surface, p Presented) (estate.Actor, error) {
	id, ok := apiKeyID(p.Token)
	if !ok || p.Scheme != "bearer" {
		return estate.Actor{}, errInvalidToken
	}
	if surface.Kind != estate.SurfaceTenant {
		return estate.Actor{}, errForeignToken
	}
	scope := surface.Tenant.Scope()
	key, err := s.apiKeys.Get(ctx, apiKeyAt{scope.Organization, scope.Tenant, id})
	switch {
	case estate.HasCode(err, api.CodeAPIKeyNotFound):
		return estate.Actor{}, errInvalidToken
	case err != nil:
		return estate.Actor{}, err
	}
	stored := estate.ClientSecret{Hash: key.Hash, KeyID: key.HashedBy}
	if !s.keys.SecretMatches(stored, hashedFor(key), estate.Secret(p.Token)) {
		return estate.Actor{}, errInvalidToken
	}
	switch key.At(s.now()) {
	case estate.APIKeyActive:
	case estate.APIKeyExpired:
		return estate.Actor{}, errExpiredToken
	default:
		return estate.Actor{}, errInvalidToken
	}
	actor, err := s.UserActor(ctx, surface, key.User)
	if err != nil {
		return estate.Actor{}, err
	}
	if !mayHaveKeys(actor.Roles) {
		return estate.Actor{}, errInvalidToken // the role was taken from the user since
	}
	return actor, nil
}

// mayHaveKeys tells whether a user with the roles can have API keys.
func mayHaveKeys(roles []estate.RoleName) bool {
	return slices.Contains(roles, estate.RoleDeveloper) || slices.Contains(roles, estate.RoleTenantAdmin)
}

func (s *Service) loadAPIKey(ctx context.Context, at apiKeyAt) (k estate.APIKey, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		k, err = tx.APIKey(ctx, estate.Scope{Organization: at.organization, Tenant: at.tenant}, at.id)
		return err
	})
	return k, err
}
