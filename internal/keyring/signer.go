package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// Algorithms lists the signature algorithms that new keys can have (RFC 7518,
// RFC 8037).
func Algorithms() []string { return []string{"ES256", "ES384", "EdDSA"} }

// signer signs with one key. The JWT headers never change, so they are encoded
// once, and a token is recognised by its header without being parsed.
type signer struct {
	id        estate.KeyID
	purpose   estate.KeyPurpose
	algorithm string
	activeAt  time.Time
	private   crypto.Signer
	header    string // of what the purpose is for

	introspection string // header of introspection answers; of access-token keys only
}

// JWT types (the typ header): they keep one kind of token from passing for
// another.
var types = map[estate.KeyPurpose]string{
	estate.KeyAccessToken: "at+jwt", // RFC 9068
	estate.KeyLicense:     "license+jwt",
}

const typeIntrospection = "token-introspection+jwt" // RFC 9701

func newSigner(key estate.Key, pkcs8 []byte) (*signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || algorithmOf(private) != key.Algorithm {
		return nil, fmt.Errorf("not a key for %s", key.Algorithm)
	}
	s := &signer{id: key.ID, purpose: key.Purpose, algorithm: key.Algorithm, activeAt: key.ActiveAt, private: private}
	if s.header, err = encodeHeader(key, types[key.Purpose]); err != nil {
		return nil, err
	}
	if key.Purpose == estate.KeyAccessToken {
		s.introspection, err = encodeHeader(key, typeIntrospection)
	}
	return s, err
}

func encodeHeader(key estate.Key, typ string) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": key.Algorithm, "typ": typ, "kid": string(key.ID)})
	return base64.RawURLEncoding.EncodeToString(header), err
}

// algorithmOf is the one algorithm that a key is used with, or "".
func algorithmOf(private crypto.Signer) string {
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P256():
			return "ES256"
		case elliptic.P384():
			return "ES384"
		}
	case ed25519.PrivateKey:
		return "EdDSA"
	}
	return ""
}

func generateSigner(algorithm string) (pkcs8 []byte, err error) {
	var private crypto.Signer
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("unknown algorithm %q", algorithm)
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// maxSignature is the longest signature of all algorithms: ES384's.
const maxSignature = 96

// jwt makes a JWS in compact serialization.
func (s *signer) jwt(header string, claims []byte) (string, error) {
	buffer, _ := jwtBuffers.Get().(*[]byte)
	defer jwtBuffers.Put(buffer)
	text := append((*buffer)[:0], header...)
	text = append(text, '.')
	text = base64.RawURLEncoding.AppendEncode(text, claims)
	var signed [maxSignature]byte
	signature, err := s.sign(signed[:], text)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	text = append(text, '.')
	text = base64.RawURLEncoding.AppendEncode(text, signature)
	*buffer = text
	return string(text), nil
}

// jwtBuffers are what tokens are written into, before their length is known.
var jwtBuffers = sync.Pool{New: func() any { return new([]byte) }}

// sign signs data as JWS has it: ECDSA as r and s, each in the size of the curve.
// The number of an ECDSA signature that must not repeat is derived from the key
// and data (RFC 6979), as Ed25519 does; decision 170 has why.
func (s *signer) sign(buffer, data []byte) ([]byte, error) {
	private, ok := s.private.(*ecdsa.PrivateKey)
	if !ok {
		return s.private.Sign(nil, data, crypto.Hash(0)) // Ed25519 hashes for itself
	}
	digest, half, hash := ecdsaDigest(s.algorithm, data)
	der, err := private.Sign(nil, digest, hash)
	if err != nil {
		return nil, err
	}
	signature := buffer[:2*half]
	return signature, plainSignature(signature, der)
}

// plainSignature writes r and s of SEQUENCE { INTEGER r, INTEGER s } into the two
// halves of plain (RFC 7518 section 3.4). The big integers that ecdsa.Sign would
// make on the way cost more than the rest of a token.
func plainSignature(plain, der []byte) error {
	half := len(plain) / 2
	clear(plain)
	rest, ok := derContent(der, derSequence)
	if !ok || len(rest)+2 != len(der) {
		return errSignature
	}
	for _, into := range [][]byte{plain[:half], plain[half:]} {
		integer, ok := derContent(rest, derInteger)
		if !ok {
			return errSignature
		}
		rest = rest[2+len(integer):]
		for len(integer) > half && integer[0] == 0 {
			integer = integer[1:] // which keeps the number positive
		}
		if len(integer) > half {
			return errSignature
		}
		copy(into[half-len(integer):], integer)
	}
	if len(rest) > 0 {
		return errSignature
	}
	return nil
}

const (
	derSequence = 0x30
	derInteger  = 0x02
)

// derContent is the content of the element that der begins with, whose length
// takes one byte.
func derContent(der []byte, tag byte) ([]byte, bool) {
	if len(der) < 2 || der[0] != tag || der[1] > 127 || int(der[1]) > len(der)-2 {
		return nil, false
	}
	return der[2 : 2+int(der[1])], true
}

var errSignature = errors.New("not an ECDSA signature in DER")

func (s *signer) verify(data, signature []byte) bool {
	switch public := s.private.Public().(type) {
	case *ecdsa.PublicKey:
		digest, half, _ := ecdsaDigest(s.algorithm, data)
		if len(signature) != 2*half {
			return false
		}
		r, sv := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(public, digest, r, sv)
	case ed25519.PublicKey:
		return ed25519.Verify(public, data, signature)
	}
	return false
}

// ecdsaDigest hashes data for an ECDSA algorithm, and tells the size of half a
// signature.
func ecdsaDigest(algorithm string, data []byte) (digest []byte, half int, hash crypto.Hash) {
	if algorithm == "ES384" {
		sum := sha512.Sum384(data)
		return sum[:], 48, crypto.SHA384
	}
	sum := sha256.Sum256(data)
	return sum[:], 32, crypto.SHA256
}
