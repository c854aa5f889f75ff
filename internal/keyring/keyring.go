// Package keyring holds the server's own keys: it creates them, keeps them
// sealed in the database under a key file, signs and verifies JWTs with them,
// and hashes client secrets. The database alone is worth nothing to a thief.
package keyring

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Keyring is the opened set of keys. It is safe for concurrent use.
type Keyring struct {
	signers map[estate.KeyPurpose]*signer // the one that signs now
	headers map[string]*signer            // by encoded JWT header and purpose, see Verify
	hashes  map[estate.KeyID][]byte
	hash    estate.KeyID // the one that hashes now
	jwks    []byte
}

// ErrInvalidToken is what Verify answers for whatever it does not accept.
var ErrInvalidToken = errors.New("invalid token")

// signer signs with one key. The JWT header never changes, so it is encoded
// once, and a token is recognised by it without being parsed.
type signer struct {
	private *ecdsa.PrivateKey
	header  string
}

// Open loads the keys of the database and creates those that are missing.
func Open(ctx context.Context, db *store.Store, keyFile string, now time.Time) (*Keyring, error) {
	var sealed []estate.Key
	err := db.Read(ctx, func(tx *store.Tx) (err error) {
		sealed, err = tx.Keys(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	master, err := loadMasterKey(keyFile, len(sealed) == 0)
	if err != nil {
		return nil, err
	}
	purposes := map[estate.KeyPurpose]string{
		estate.KeyAccessToken: "ES256", estate.KeyLicense: "ES256", estate.KeyClientSecret: "HS256",
	}
	for _, k := range sealed {
		delete(purposes, k.Purpose)
	}
	if len(purposes) > 0 {
		err = db.Write(ctx, func(tx *store.Tx) error {
			if sealed, err = tx.Keys(ctx); err != nil { // another process may have been faster
				return err
			}
			have := map[estate.KeyPurpose]bool{}
			for _, k := range sealed {
				have[k.Purpose] = true
			}
			for purpose, algorithm := range purposes {
				if have[purpose] {
					continue
				}
				k, err := generate(master, purpose, algorithm, now)
				if err != nil {
					return err
				}
				if err := tx.InsertKey(ctx, k); err != nil {
					return err
				}
				sealed = append(sealed, k)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("create keys: %w", err)
		}
	}
	return unseal(master, sealed)
}

// JWT types (the typ header): they keep one kind of token from passing for
// another.
var types = map[estate.KeyPurpose]string{
	estate.KeyAccessToken: "at+jwt", // RFC 9068
	estate.KeyLicense:     "license+jwt",
}

func unseal(master masterKey, sealed []estate.Key) (*Keyring, error) {
	k := &Keyring{
		signers: map[estate.KeyPurpose]*signer{},
		headers: map[string]*signer{},
		hashes:  map[estate.KeyID][]byte{},
	}
	var published jose.JSONWebKeySet
	for _, key := range sealed {
		plain, err := master.open(key)
		if err != nil {
			return nil, fmt.Errorf("open key %s: %w; is this the key file that the database was made with?", key.ID, err)
		}
		if key.Purpose == estate.KeyClientSecret {
			k.hashes[key.ID], k.hash = plain, key.ID
			continue
		}
		parsed, err := x509.ParsePKCS8PrivateKey(plain)
		if err != nil {
			return nil, fmt.Errorf("parse key %s: %w", key.ID, err)
		}
		private, ok := parsed.(*ecdsa.PrivateKey)
		if !ok || private.Curve != elliptic.P256() {
			return nil, fmt.Errorf("key %s is not a P-256 key", key.ID)
		}
		header, err := json.Marshal(map[string]string{"alg": key.Algorithm, "typ": types[key.Purpose], "kid": string(key.ID)})
		if err != nil {
			return nil, err
		}
		s := &signer{private: private, header: base64.RawURLEncoding.EncodeToString(header)}
		k.signers[key.Purpose] = s
		k.headers[string(key.Purpose)+" "+s.header] = s
		if key.Purpose == estate.KeyAccessToken {
			published.Keys = append(published.Keys, jose.JSONWebKey{Key: private.Public(), KeyID: string(key.ID), Algorithm: key.Algorithm, Use: "sig"})
		}
	}
	var err error
	k.jwks, err = json.Marshal(published)
	return k, err
}

func generate(master masterKey, purpose estate.KeyPurpose, algorithm string, now time.Time) (estate.Key, error) {
	k := estate.Key{ID: estate.NewKeyID(), Purpose: purpose, Algorithm: algorithm, CreatedAt: now}
	var plain []byte
	switch algorithm {
	case "ES256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return k, err
		}
		if plain, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
			return k, err
		}
	case "HS256":
		plain = make([]byte, 32)
		_, _ = rand.Read(plain) // never fails, by its documentation
	default:
		return k, fmt.Errorf("unknown algorithm %q", algorithm)
	}
	k.Sealed = master.seal(k, plain)
	return k, nil
}

// JWKS is the published key set, as JSON (RFC 7517).
func (k *Keyring) JWKS() []byte { return k.jwks }

// Sign makes a JWT (JWS compact serialization) of claims, which is a JSON
// object.
func (k *Keyring) Sign(purpose estate.KeyPurpose, claims []byte) (string, error) {
	s := k.signers[purpose]
	token := make([]byte, 0, len(s.header)+base64.RawURLEncoding.EncodedLen(len(claims))+88)
	token = append(token, s.header...)
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	digest := sha256.Sum256(token)
	r, sv, err := ecdsa.Sign(rand.Reader, s.private, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	sv.FillBytes(signature[32:])
	token = append(token, '.')
	return string(base64.RawURLEncoding.AppendEncode(token, signature[:])), nil
}

// Verify checks the signature of a JWT made by Sign for purpose and returns its
// claims. It checks no claim. Only headers that this keyring wrote itself are
// accepted, byte for byte: no algorithm, key or type is taken from the token.
func (k *Keyring) Verify(purpose estate.KeyPurpose, token string) ([]byte, error) {
	header, rest, ok := strings.Cut(token, ".")
	if !ok {
		return nil, ErrInvalidToken
	}
	s := k.headers[string(purpose)+" "+header]
	if s == nil {
		return nil, ErrInvalidToken
	}
	body, encoded, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, ErrInvalidToken
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(signature) != 64 || len(encoded) != 86 { // the decoder skips line breaks; a token has one spelling
		return nil, ErrInvalidToken
	}
	digest := sha256.Sum256([]byte(token[:len(header)+1+len(body)]))
	r, sv := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(&s.private.PublicKey, digest[:], r, sv) {
		return nil, ErrInvalidToken
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, ErrInvalidToken
	}
	return claims, nil
}

// HashSecret is the stored form of a client's secret and the key it was made
// with. The client id is part of it, so that hashes can't be moved between
// clients. Secrets are 256 random bits: a fast keyed hash is as strong as a
// slow one, and costs a thousandth.
func (k *Keyring) HashSecret(client estate.ClientID, secret estate.Secret) (estate.KeyID, []byte) {
	return k.hash, hashSecret(k.hashes[k.hash], client, secret)
}

// SecretMatches compares secret with a stored hash in constant time.
func (k *Keyring) SecretMatches(stored estate.ClientSecret, client estate.ClientID, secret estate.Secret) bool {
	key, ok := k.hashes[stored.KeyID]
	matches := subtle.ConstantTimeCompare(stored.Hash, hashSecret(key, client, secret)) == 1 // without the key, too: it takes as long
	return ok && matches
}

func hashSecret(key []byte, client estate.ClientID, secret estate.Secret) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(client))
	mac.Write([]byte{0})
	mac.Write([]byte(secret.Reveal()))
	return mac.Sum(nil)
}
