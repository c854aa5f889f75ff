package credential_test

import (
	"encoding/json"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// BenchmarkIssueToken holds an assertion, which costs a verification and a
// durable write, beside an outside issuer's token, which costs CEL, and a
// secret.
func BenchmarkIssueToken(b *testing.B) {
	e := testenv.New(b)
	key := newJWTSigner(b, "ES256", "k1")
	i := newIssuer(b, key.jwk(b))
	surface := estate.Surface{Kind: estate.SurfaceConsole, Origin: e.Console()}
	issue := func(b *testing.B, c credential.Credentials) {
		b.Helper()
		if _, err := e.App.Credential.IssueToken(b.Context(), surface, credential.TokenRequest{GrantType: api.GrantClientCredentials, Credentials: c}); err != nil {
			b.Error(err)
		}
	}
	b.Run("secret", func(b *testing.B) {
		c := e.OrganizationClient(e.Organization.ID)
		for b.Loop() {
			issue(b, credential.Credentials{ClientID: string(c.ID), Secret: estate.Secret(c.Secret)})
		}
	})
	b.Run("outside token", func(b *testing.B) {
		c := federatedClient(b, e, deploys(i))
		token := key.sign(b, workloadClaims(e, i))
		for b.Loop() {
			issue(b, credential.Credentials{ClientID: string(c.ID), Assertion: token, AssertionType: api.AssertionTypeJWT})
		}
	})
	b.Run("assertion", func(b *testing.B) {
		c := organizationClient(b, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(b)} })
		for b.Loop() { // the signature of the client is in it
			issue(b, credential.Credentials{
				ClientID: string(c.ID), Assertion: key.sign(b, assertionClaims(e, c.ID, e.Console())), AssertionType: api.AssertionTypeJWT,
			})
		}
	})
	b.Run("assertion, 16 at once", func(b *testing.B) {
		c := organizationClient(b, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(b)} })
		b.SetParallelism(8)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				issue(b, credential.Credentials{
					ClientID: string(c.ID), Assertion: key.sign(b, assertionClaims(e, c.ID, e.Console())), AssertionType: api.AssertionTypeJWT,
				})
			}
		})
	})
}
