package credential_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestExchange_ByAssertion lets a client that signs say who it is beside the
// token that it exchanges, as libraries do that always authenticate.
func TestExchange_ByAssertion(t *testing.T) {
	key, other := newJWTSigner(t, "ES256", "k1"), newJWTSigner(t, "ES256", "k1")
	k := newKeyClient(t, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
	stranger := newJWTSigner(t, "ES256", "k1")
	theirs, _, err := k.e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelTenant, Scope: k.tenant.Scope(), Name: "other", AppType: api.AppTypeWeb, Consent: estate.ConsentTrusted,
		GrantTypes: []string{api.GrantClientCredentials}, PublicKeys: []json.RawMessage{stranger.jwk(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	subject := requestTokenWith(t, k.e, "tenant", k.origin, byAssertion(k.id, key.sign(t, assertionClaims(k.e, k.id, k.origin)))).token.AccessToken
	exchange := func(by jwtSigner, client estate.ClientID) tokenAnswer {
		form := byExchange(client, subject, api.TokenTypeAccessToken)
		form.Set("client_assertion_type", api.AssertionTypeJWT)
		form.Set("client_assertion", by.sign(t, assertionClaims(k.e, client, k.origin)))
		return requestTokenWith(t, k.e, "tenant", k.origin, form)
	}
	if a := exchange(key, k.id); a.status != http.StatusOK || a.token.AccessToken == "" {
		t.Errorf("by its key: %d %+v", a.status, a.refuse)
	}
	if a := exchange(other, k.id); a.status != http.StatusUnauthorized || a.refuse.OAuthError != "invalid_client" {
		t.Errorf("by another key: %d %+v", a.status, a.refuse)
	}
	if a := exchange(stranger, theirs.ID); a.status != http.StatusUnauthorized || a.refuse.OAuthError != "invalid_client" {
		t.Errorf("by another client: %d %+v", a.status, a.refuse)
	}
	var replayed url.Values
	for i := range 2 {
		if i == 0 {
			replayed = byExchange(k.id, subject, api.TokenTypeAccessToken)
			replayed.Set("client_assertion_type", api.AssertionTypeJWT)
			replayed.Set("client_assertion", key.sign(t, assertionClaims(k.e, k.id, k.origin)))
		}
		want := []int{http.StatusOK, http.StatusUnauthorized}[i]
		if a := requestTokenWith(t, k.e, "tenant", k.origin, replayed); a.status != want {
			t.Errorf("assertion, time %d: %d, want %d", i+1, a.status, want)
		}
	}
}
