package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/estate"
)

// Limits of registered keys. The contract states none; RSA keys beyond the
// upper bound only make verifying expensive.
const (
	maxPublicKeys = 5
	maxJWK        = 16 << 10
	minRSABits    = 2048
	maxRSABits    = 8192
)

// AssertionAlgorithms are the signature algorithms of private_key_jwt: the
// contract's three, and three that are smaller or are more widely recommended,
// the last one under both its names (RFC 8037, RFC 9864).
func AssertionAlgorithms() []string {
	return []string{"RS256", "RS512", "ES384", "PS256", "ES256", edDSA, ed25519Name}
}

// EdDSA, where it means Ed25519, and the name that says so.
const (
	edDSA       = "EdDSA"
	ed25519Name = "Ed25519"
)

// canonical is the one name by which keys are compared with algorithms.
func canonical(algorithm string) string {
	if algorithm == ed25519Name {
		return edDSA
	}
	return algorithm
}

// outsideAlgorithms are those of outside issuers' tokens: they choose, not us.
var outsideAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", edDSA, ed25519Name}

// verificationKey is a public key that is ready to verify with.
type verificationKey struct {
	id         string
	algorithms []string // with which it may be used
	key        any
}

// keyIDPattern keeps key ids to what can be shown anywhere.
var keyIDPattern = regexp.MustCompile(`^[\x21-\x7e]{1,256}$`)

// privateMembers are the JWK members of private and symmetric keys (RFC 7518
// section 6, RFC 8037 section 2).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// validatePublicKeys makes what is stored of the JWKs with which a client says
// it signs. Nothing but the public members goes in, and no error repeats
// anything of a key. A key without kid gets its thumbprint (RFC 7638) as one.
func validatePublicKeys(jwks []json.RawMessage) ([]estate.PublicKey, error) {
	if len(jwks) > maxPublicKeys {
		return nil, invalidClient("/publicKeys", fmt.Sprintf("publicKeys must have at most %d entries", maxPublicKeys))
	}
	var keys []estate.PublicKey
	thumbprints := make(map[string]bool, len(jwks))
	for i, raw := range jwks {
		pointer := fmt.Sprintf("/publicKeys/%d", i)
		key, thumbprint, err := readPublicKey(raw)
		var wrong keyError
		switch {
		case errors.As(err, &wrong):
			return nil, invalidClient(pointer+wrong.member, wrong.detail)
		case err != nil:
			return nil, err
		}
		if thumbprints[thumbprint] {
			return nil, invalidClient(pointer, "the key is registered twice")
		}
		thumbprints[thumbprint] = true
		if slices.ContainsFunc(keys, func(other estate.PublicKey) bool { return other.ID == key.ID }) {
			return nil, invalidClient(pointer+"/kid", "another key has this kid")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keyError says what is wrong with a JWK, and with which member.
type keyError struct{ member, detail string }

func (e keyError) Error() string { return e.member + ": " + e.detail }

// readPublicKey checks a JWK and returns what is kept of it. Its errors are
// keyErrors.
func readPublicKey(raw json.RawMessage) (key estate.PublicKey, thumbprint string, err error) {
	if len(raw) > maxJWK {
		return key, "", keyError{"", fmt.Sprintf("a JWK must have at most %d bytes", maxJWK)}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return key, "", keyError{"", "must be a JWK: a JSON object"}
	}
	for name := range members {
		if slices.Contains(privateMembers, strings.ToLower(name)) {
			return key, "", keyError{"", "must be a public key: this one holds private members; it has been shown, so replace it"}
		}
	}
	text := func(name string) (value string, err error) {
		if member, ok := members[name]; ok && json.Unmarshal(member, &value) != nil {
			return "", keyError{"/" + name, "must be a text"}
		}
		return value, nil
	}
	var kid, algorithm, use string
	for name, into := range map[string]*string{"kid": &kid, "alg": &algorithm, "use": &use} {
		if *into, err = text(name); err != nil {
			return key, "", err
		}
	}
	switch {
	case use != "" && use != "sig":
		return key, "", keyError{"/use", "must be sig"}
	case !slices.Contains(AssertionAlgorithms(), algorithm):
		return key, "", keyError{"/alg", "must be one of " + strings.Join(AssertionAlgorithms(), ", ")}
	case kid != "" && !keyIDPattern.MatchString(kid):
		return key, "", keyError{"/kid", "must be at most 256 printable ASCII characters without spaces"}
	}
	var operations []string
	if member, ok := members["key_ops"]; ok && (json.Unmarshal(member, &operations) != nil || !slices.Contains(operations, "verify")) {
		return key, "", keyError{"/key_ops", "must hold verify"}
	}
	return keepPublicKey(raw, kid, canonical(algorithm))
}

// keepPublicKey checks the key itself and writes it anew, so that only known,
// public members are kept.
func keepPublicKey(raw json.RawMessage, kid, algorithm string) (key estate.PublicKey, thumbprint string, err error) {
	var parsed jose.JSONWebKey
	if err := json.Unmarshal(raw, &parsed); err != nil || !parsed.Valid() || !parsed.IsPublic() {
		return key, "", keyError{"", "not a valid public key of type RSA, EC or OKP"}
	}
	able := algorithmsOf(parsed.Key)
	switch {
	case len(able) == 0:
		return key, "", keyError{"", fmt.Sprintf("not an RSA key of %d to %d bits, a key on P-256 or P-384, or an Ed25519 key", minRSABits, maxRSABits)}
	case !slices.Contains(able, algorithm):
		return key, "", keyError{"/alg", "does not go with the type of the key"}
	}
	digest, err := parsed.Thumbprint(crypto.SHA256)
	if err != nil {
		return key, "", keyError{"", "not a valid public key"}
	}
	thumbprint = base64.RawURLEncoding.EncodeToString(digest)
	if kid == "" {
		kid = thumbprint
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: parsed.Key, KeyID: kid, Algorithm: algorithm, Use: "sig"})
	if err != nil {
		return key, "", keyError{"", "not a valid public key"}
	}
	return estate.PublicKey{ID: kid, Algorithm: algorithm, JWK: public}, thumbprint, nil
}

// algorithmsOf lists the algorithms that go with the type and size of a key;
// none if it is not one that anybody should rely on.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits || k.E < 3 || k.E%2 == 0 {
			return nil
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return []string{"ES256"}
		case 384:
			return []string{"ES384"}
		case 521:
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{edDSA}
	}
	return nil
}

// registeredKeys are the keys of a client, which was validated when it was
// saved: a key serves the one algorithm that it was registered for.
func registeredKeys(stored []estate.PublicKey) ([]verificationKey, error) {
	keys := make([]verificationKey, len(stored))
	for i, s := range stored {
		var parsed jose.JSONWebKey
		if err := json.Unmarshal(s.JWK, &parsed); err != nil {
			return nil, fmt.Errorf("stored key %s: %w", s.ID, err)
		}
		keys[i] = verificationKey{id: s.ID, algorithms: []string{s.Algorithm}, key: parsed.Key}
	}
	return keys, nil
}

// maxFetchedKeys bounds how many keys a signature is tried against.
const maxFetchedKeys = 100

// parseKeySet reads a fetched JWK set. Keys of kinds that we don't know, or
// don't trust, are left out, as RFC 7517 section 5 wants.
func parseKeySet(_ string, body []byte) ([]verificationKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, errors.New("not a JWK set")
	}
	var keys []verificationKey
	for _, raw := range set.Keys {
		var parsed jose.JSONWebKey
		if json.Unmarshal(raw, &parsed) != nil || !parsed.Valid() || !parsed.IsPublic() || parsed.Use != "" && parsed.Use != "sig" {
			continue
		}
		able := algorithmsOf(parsed.Key)
		if parsed.Algorithm != "" {
			if !slices.Contains(able, canonical(parsed.Algorithm)) {
				continue
			}
			able = []string{canonical(parsed.Algorithm)}
		}
		if len(able) > 0 && len(keys) < maxFetchedKeys {
			keys = append(keys, verificationKey{id: parsed.KeyID, algorithms: able, key: parsed.Key})
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWK set has no usable key")
	}
	return keys, nil
}
