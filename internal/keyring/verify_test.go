package keyring_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/keyring"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

var purposes = []estate.KeyPurpose{estate.KeyAccessToken, estate.KeyLicense, estate.KeyClientSecret, ""}

func wantInvalid(t *testing.T, k *keyring.Keyring, purpose estate.KeyPurpose, token string) {
	t.Helper()
	claims, err := k.Verify(purpose, token)
	if !errors.Is(err, keyring.ErrInvalidToken) || claims != nil {
		t.Errorf("%q for %q: claims %q, error %v", token, purpose, claims, err)
	}
}

// TestVerify_Altered alters a token in every place.
func TestVerify_Altered(t *testing.T) {
	k := newFiles(t).open(t)
	token := sign(t, k, estate.KeyAccessToken, `{"sub":"somebody"}`)
	for i := range token {
		wantInvalid(t, k, estate.KeyAccessToken, token[:i])                  // cut off
		wantInvalid(t, k, estate.KeyAccessToken, token[i+1:])                // cut off in front
		wantInvalid(t, k, estate.KeyAccessToken, token[:i]+token[i+1:])      // one less
		wantInvalid(t, k, estate.KeyAccessToken, token[:i]+"."+token[i:])    // one dot more
		wantInvalid(t, k, estate.KeyAccessToken, token[:i]+"="+token[i:])    // padding
		wantInvalid(t, k, estate.KeyAccessToken, token[:i]+" "+token[i:])    // space
		wantInvalid(t, k, estate.KeyAccessToken, token[:i]+"\x00"+token[i:]) // a control character
		at := strings.IndexByte(alphabet, token[i])
		for j := range alphabet {
			if j != at {
				wantInvalid(t, k, estate.KeyAccessToken, token[:i]+alphabet[j:j+1]+token[i+1:])
			}
		}
	}
	for _, suffix := range []string{"A", ".", ".A", "=", "==", " ", "\t"} {
		wantInvalid(t, k, estate.KeyAccessToken, token+suffix)
	}
}

// TestVerify_LineBreaks: encoding/base64 skips line breaks, strict or not.
func TestVerify_LineBreaks(t *testing.T) {
	k := newFiles(t).open(t)
	token := sign(t, k, estate.KeyAccessToken, `{"sub":"somebody"}`)
	for i := range len(token) + 1 {
		for _, lineBreak := range []string{"\n", "\r", "\r\n"} {
			wantInvalid(t, k, estate.KeyAccessToken, token[:i]+lineBreak+token[i:])
		}
	}
}

// TestVerify_Forged tries what is known to have worked elsewhere.
func TestVerify_Forged(t *testing.T) {
	f := newFiles(t)
	k, foreign := f.open(t), newFiles(t).open(t)
	token := sign(t, k, estate.KeyAccessToken, `{"sub":"somebody"}`)
	header, rest, _ := strings.Cut(token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	id := published(t, k).Keys[0].KeyID

	for what, forged := range map[string]string{
		"empty":                      "",
		"dots":                       "..",
		"no signature":               header + "." + body + ".",
		"no claims":                  header + ".." + signature,
		"signature of zeros":         header + "." + body + "." + zeros,
		"claims of another token":    header + "." + encode(`{"sub":"somebody else"}`) + "." + signature,
		"alg none":                   encode(`{"alg":"none"}`) + "." + body + ".",
		"alg none with our key":      encode(`{"alg":"none","kid":"`+id+`","typ":"at+jwt"}`) + "." + body + ".",
		"alg none, signed":           encode(`{"alg":"none","kid":"`+id+`","typ":"at+jwt"}`) + "." + body + "." + signature,
		"the same header, otherwise": encode(`{"typ":"at+jwt","kid":"`+id+`","alg":"ES256"}`) + "." + body + "." + signature,
		"another installation's":     sign(t, foreign, estate.KeyAccessToken, `{"sub":"somebody"}`),
		"JSON serialization":         `{"protected":"` + header + `","payload":"` + body + `","signature":"` + signature + `"}`,
	} {
		t.Run(what, func(t *testing.T) {
			for _, purpose := range purposes {
				wantInvalid(t, k, purpose, forged)
			}
		})
	}

	t.Run("another purpose", func(t *testing.T) {
		for _, signed := range []estate.KeyPurpose{estate.KeyAccessToken, estate.KeyLicense} {
			for _, purpose := range purposes {
				if purpose != signed {
					wantInvalid(t, k, purpose, sign(t, k, signed, `{}`))
				}
			}
		}
	})

	t.Run("public key as HMAC secret", func(t *testing.T) {
		key := published(t, k).Keys[0]
		der, err := x509.MarshalPKIXPublicKey(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := key.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jwk, k.JWKS()} {
			wantInvalid(t, k, estate.KeyAccessToken, signWith(t, jose.HS256, secret, id, nil))
		}
	})

	t.Run("key of their own", func(t *testing.T) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		own := jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: "ES256"}
		wantInvalid(t, k, estate.KeyAccessToken, signWith(t, jose.ES256, private, id, nil))
		wantInvalid(t, k, estate.KeyAccessToken, signWith(t, jose.ES256, private, "", map[jose.HeaderKey]any{"jwk": own}))
		wantInvalid(t, k, estate.KeyAccessToken, signWith(t, jose.ES256, private, id, map[jose.HeaderKey]any{"jku": "https://example.com/keys"}))
	})
}

// signWith makes a token with a key of the test's.
func signWith(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, more map[jose.HeaderKey]any) string {
	t.Helper()
	options := (&jose.SignerOptions{ExtraHeaders: more}).WithType("at+jwt")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(`{"sub":"somebody"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func FuzzVerify(f *testing.F) {
	k := newFiles(f).open(f)
	signed := map[estate.KeyPurpose]string{
		estate.KeyAccessToken: sign(f, k, estate.KeyAccessToken, `{"sub":"somebody"}`), estate.KeyLicense: sign(f, k, estate.KeyLicense, `{}`),
	}
	token := signed[estate.KeyAccessToken]
	for _, seed := range []string{
		"", ".", "..", "...", token, token + ".", token[:len(token)-1], strings.ToLower(token), strings.ReplaceAll(token, ".", ".."),
		token[:strings.IndexByte(token, '.')] + ".e30." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		signed[estate.KeyLicense], "eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, purpose := range purposes {
			if text != signed[purpose] {
				wantInvalid(t, k, purpose, text)
			}
		}
	})
}
