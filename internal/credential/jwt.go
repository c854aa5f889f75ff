package credential

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/internal/assertion"
)

// Limits of assertions.
const (
	maxJWT          = 16 << 10
	maxAssertionAge = 5 * time.Minute // the contract's: from iat to exp
	clockSkew       = 30 * time.Second
	maxAssertionID  = 256
)

// signedToken is a JWT that somebody else made and nobody has verified yet.
type signedToken struct {
	*assertion.Token
	algorithm string // canonical
	claims    tokenClaims
}

// tokenClaims are the registered claims of a JWT (RFC 7519 section 4.1).
type tokenClaims struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience assertion.Texts `json:"aud"`
	ID       string          `json:"jti"`
	assertion.Times
}

// parseSignedToken takes a JWT apart. Its errors are refusals.
func parseSignedToken(token string, algorithms []string) (*signedToken, error) {
	parsed, err := assertion.Parse(token, maxJWT, algorithms)
	if err != nil {
		return nil, err
	}
	t := &signedToken{Token: parsed, algorithm: canonical(parsed.Algorithm)}
	if err := json.Unmarshal(t.Payload, &t.claims); err != nil {
		return nil, assertion.Refuse("the claims are not those of a JWT")
	}
	return t, nil
}

// verify checks the signature: with the key that the token names, or else with
// each that goes with its algorithm. Its errors are refusals.
func (t *signedToken) verify(keys []verificationKey) error {
	named, fitting := false, false
	for _, k := range keys {
		if t.KeyID != "" && k.id != t.KeyID {
			continue
		}
		named = true
		if !slices.Contains(k.algorithms, t.algorithm) {
			continue
		}
		fitting = true
		if t.SignedBy(k.key) {
			return nil
		}
	}
	switch {
	case !named:
		return assertion.Refuse("no key has the kid %q", assertion.Short(t.KeyID))
	case !fitting:
		return assertion.Refuse("no such key is for algorithm %s", t.algorithm)
	default:
		return assertion.Refuse("the signature is wrong")
	}
}
