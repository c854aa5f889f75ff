package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the algorithms
	_ "crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// AssertionSource returns a JWT that says who the client is, at the token
// endpoint with the URL audience. It is asked anew for each request, so it may
// read a file that is replaced now and then, or sign. See [AssertionFile] and
// [AssertionKey].
type AssertionSource func(ctx context.Context, audience string) (string, error)

// maxAssertion is what the server reads of an assertion, and more.
const maxAssertion = 64 << 10

// AssertionFile takes the assertion from a file, such as the projected token of
// a Kubernetes service account, that an issuer which the client trusts keeps
// fresh. It is read for each request.
func AssertionFile(path string) AssertionSource {
	return func(context.Context, string) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read assertion: %w", err)
		}
		token := strings.TrimSpace(string(text))
		if token == "" || len(token) > maxAssertion || strings.ContainsAny(token, " \r\n") {
			return "", fmt.Errorf("read assertion: %s does not hold a token", path)
		}
		return token, nil
	}
}

// assertionLifetime leaves room for clocks that differ: the server accepts five
// minutes.
const assertionLifetime = 2 * time.Minute

// AssertionKey signs assertions with the private key of a public key that is
// registered with the client (private_key_jwt): an RSA key for RS256, a key on
// P-256 for ES256 or P-384 for ES384, or an Ed25519 key for EdDSA. The key may
// live elsewhere, as long as it signs. keyID may be empty.
func AssertionKey(clientID, keyID string, key crypto.Signer) (AssertionSource, error) {
	algorithm, hash, size := algorithmOf(key.Public())
	if algorithm == "" {
		return nil, fmt.Errorf("a key of type %T can't sign assertions", key.Public())
	}
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid,omitempty"`
	}{algorithm, "JWT", keyID})
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return func(_ context.Context, audience string) (string, error) {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails, by its documentation
		now := time.Now()
		claims, err := json.Marshal(map[string]any{
			"iss": clientID, "sub": clientID, "aud": audience, "jti": hex.EncodeToString(id[:]),
			"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
		})
		if err != nil {
			return "", err
		}
		text := encode(header) + "." + encode(claims)
		digest := []byte(text)
		if hash != 0 {
			h := hash.New()
			h.Write(digest)
			digest = h.Sum(nil)
		}
		signature, err := key.Sign(rand.Reader, digest, hash)
		if err == nil && size > 0 {
			signature, err = joseSignature(signature, size)
		}
		if err != nil {
			return "", fmt.Errorf("sign assertion: %w", err)
		}
		return text + "." + encode(signature), nil
	}, nil
}

// algorithmOf says how to sign with the private part of a key. size is that of
// a coordinate of its curve, if it has one.
func algorithmOf(public crypto.PublicKey) (name string, hash crypto.Hash, size int) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return "RS256", crypto.SHA256, 0
	case ed25519.PublicKey:
		return "EdDSA", 0, 0
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return "ES256", crypto.SHA256, 32
		case 384:
			return "ES384", crypto.SHA384, 48
		}
	}
	return "", 0, 0
}

// joseSignature turns an ECDSA signature from ASN.1 into the form that JWTs
// have (RFC 7518 section 3.4).
func joseSignature(signature []byte, size int) ([]byte, error) {
	var parts struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &parts); err != nil || len(rest) > 0 {
		return nil, errors.New("the key does not sign in ASN.1")
	}
	joined := make([]byte, 2*size)
	parts.R.FillBytes(joined[:size])
	parts.S.FillBytes(joined[size:])
	return joined, nil
}

// addAssertion puts an assertion into the form of a token request, if there is
// a source of them.
func addAssertion(ctx context.Context, form url.Values, source AssertionSource, base *url.URL) error {
	if source == nil {
		return nil
	}
	assertion, err := source(ctx, base.JoinPath(api.TokenPath).String())
	if err != nil {
		return err
	}
	form.Set("client_assertion_type", api.AssertionTypeJWT)
	form.Set("client_assertion", assertion)
	return nil
}
