package credential

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
)

// FuzzAssertion feeds tokens to what reads them before anybody is known. Nothing
// crashes it, and nothing verifies but what was signed with the key, unchanged.
func FuzzAssertion(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	keys := []verificationKey{{id: "k1", algorithms: []string{"ES256"}, key: private.Public()}}
	const claims = `{"iss":"c","sub":"c","aud":["a","b"],"exp":1800000060,"iat":1800000000.5,"jti":"j"}`
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		f.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		f.Fatal(err)
	}
	good, err := signed.CompactSerialize()
	if err != nil {
		f.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good, ".")
	f.Add(good)
	f.Add(encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".")
	f.Add(encode([]byte(`{"alg":"ES256","crit":["exp"],"exp":1}`)) + "." + parts[1] + "." + parts[2])
	f.Add(encode([]byte(`{"alg":"ES256","b64":false,"crit":["b64"]}`)) + "." + parts[1] + "." + parts[2])
	f.Add(encode([]byte(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}`)) + "." + parts[1] + ".AA")
	f.Add(parts[0] + "." + encode([]byte(`{"aud":1,"exp":-1e400}`)) + "." + parts[2])
	f.Add(parts[0] + "." + encode([]byte(`null`)) + "." + parts[2])
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Add("")
	f.Add("..")
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parseSignedToken(text, outsideAlgorithms)
		if err != nil {
			var refused assertion.Refusal
			if !errors.As(err, &refused) {
				t.Fatalf("%v is not a refusal", err)
			}
			return
		}
		if !slices.Contains(outsideAlgorithms, token.algorithm) {
			t.Fatalf("algorithm %q", token.algorithm)
		}
		_ = token.claims.InForce(now, clockSkew)
		if err := token.verify(keys); err == nil && string(token.Payload) != claims {
			t.Fatalf("verified %q", token.Payload)
		}
	})
}

// FuzzJWK feeds keys to what checks them. What is kept of one is public, fit
// for its algorithm, and what is kept of itself.
func FuzzJWK(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []jose.JSONWebKey{
		{Key: private.Public(), KeyID: "k1", Algorithm: "ES384", Use: "sig"},
		{Key: private, KeyID: "k1", Algorithm: "ES384"},
	} {
		text, err := json.Marshal(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	f.Add(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","D":"AA"}`)
	f.Add(`{"kty":"oct","k":"AA","alg":"HS256"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256","kid":""}`)
	f.Add(`{"kty":"RSA","n":"","e":"","alg":"RS256","x5c":[""],"x5u":"a"}`)
	f.Add(`null`)
	f.Add(`{"kty":"EC","crv":"P-256","x":"","y":"","alg":"ES256"}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := validatePublicKeys([]json.RawMessage{json.RawMessage(text)})
		if err != nil {
			var e *estate.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v is not for the caller", err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(keys[0].JWK, &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			if slices.Contains(privateMembers, name) {
				t.Fatalf("kept %s", keys[0].JWK)
			}
		}
		parsed, err := registeredKeys(keys)
		if err != nil || !slices.Contains(algorithmsOf(parsed[0].key), keys[0].Algorithm) {
			t.Fatalf("kept %s: %v", keys[0].JWK, err)
		}
		again, err := validatePublicKeys([]json.RawMessage{keys[0].JWK})
		if err != nil || string(again[0].JWK) != string(keys[0].JWK) || again[0].ID != keys[0].ID {
			t.Fatalf("%s became %s: %v", keys[0].JWK, again[0].JWK, err)
		}
	})
}

// A private key that was sent by mistake is in no error, no matter how it is
// printed.
func TestValidatePublicKeys_TellsNothingOfAKey(t *testing.T) {
	const private = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" // of RFC 8037, appendix A.1
	for _, jwk := range []string{
		`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"` + private + `"}`,
		`{"kty":"` + private + `","alg":"EdDSA"}`,
		`{"kty":"OKP","alg":"` + private + `"}`,
		`{"kty":"OKP","alg":"EdDSA","kid":["` + private + `"]}`,
		`{"kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"` + private + private + `"}`,
		`"` + private + `"`,
	} {
		_, err := validatePublicKeys([]json.RawMessage{json.RawMessage(jwk)})
		if err == nil || strings.Contains(err.Error(), private) {
			t.Errorf("%s: %v", jwk, err)
		}
	}
}

func TestAssertionAudiences(t *testing.T) {
	tenant := estate.Tenant{Hostname: "abc.us", Alias: "customer.us"}
	for _, origin := range []string{"https://abc.us.example.com", "https://customer.us.example.com"} {
		all := assertionAudiences(estate.Surface{Kind: estate.SurfaceTenant, Origin: origin, Tenant: tenant})
		for _, want := range []string{
			"https://abc.us.example.com", "https://abc.us.example.com/oauth/token",
			"https://customer.us.example.com", "https://customer.us.example.com/oauth/token",
		} {
			if !slices.Contains(all, want) {
				t.Errorf("at %s: %q lacks %s", origin, all, want)
			}
		}
		if len(all) != 4 {
			t.Errorf("at %s: %q", origin, all)
		}
	}
	tenant.Alias = ""
	if all := assertionAudiences(estate.Surface{Kind: estate.SurfaceTenant, Origin: "https://abc.us.example.com", Tenant: tenant}); len(all) != 2 {
		t.Errorf("without alias: %q", all)
	}
}

// FuzzAPIKeyID: whatever is shown as an API key, only an id is read out of it, and no
// access token is taken for one.
func FuzzAPIKeyID(f *testing.F) {
	k := estate.APIKey{ID: estate.NewAPIKeyID(), Tenant: estate.NewTenantID(time.Now()), User: estate.NewUserID()}
	token, err := newAPIKeyToken(k)
	if err != nil {
		f.Fatal(err)
	}
	if id, ok := apiKeyID(token.Reveal()); !ok || id != k.ID {
		f.Fatalf("read %q", id)
	}
	f.Add(token.Reveal())
	f.Add(apiKeyStart + "..")
	f.Add("eyJhbGciOiJFUzI1NiJ9.e30.x")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := apiKeyID(text)
		if ok && (!id.Valid() || !isAPIKey(text)) {
			t.Errorf("%q: %q", text, id)
		}
	})
}
