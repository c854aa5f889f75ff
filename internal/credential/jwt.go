package credential

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
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
	algorithm string // canonical
	keyID     string
	claims    tokenClaims
	payload   []byte
	signed    *jose.JSONWebSignature
	text      string
}

// tokenClaims are the registered claims of a JWT (RFC 7519 section 4.1).
type tokenClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	ID        string   `json:"jti"`
	IssuedAt  *float64 `json:"iat"`
	NotBefore *float64 `json:"nbf"`
	ExpiresAt *float64 `json:"exp"`
}

// audience is one text, or a list of them.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	var all []string
	err := json.Unmarshal(data, &all)
	*a = all
	return err
}

// refusal says why an assertion is not accepted. It goes into the audit trail
// and not to the caller.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// parseSignedToken takes a JWT apart. Its errors are refusals.
func parseSignedToken(token string, algorithms []string) (*signedToken, error) {
	if len(token) > maxJWT {
		return nil, refuse("the token is longer than %d bytes", maxJWT)
	}
	encoded, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	var h struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`

		Critical json.RawMessage `json:"crit"`
	}
	if err != nil || json.Unmarshal(header, &h) != nil {
		return nil, refuse("not a signed JWT")
	}
	if h.Critical != nil { // none is known here (RFC 7515 section 4.1.11)
		return nil, refuse("the header has crit")
	}
	if !slices.Contains(algorithms, h.Algorithm) {
		return nil, refuse("algorithm %q is not accepted", short(h.Algorithm))
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.Algorithm)})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, refuse("not a signed JWT")
	}
	t := &signedToken{signed: signed, text: token, payload: signed.UnsafePayloadWithoutVerification()}
	t.algorithm, t.keyID = canonical(signed.Signatures[0].Header.Algorithm), signed.Signatures[0].Header.KeyID
	if err := json.Unmarshal(t.payload, &t.claims); err != nil {
		return nil, refuse("the claims are not those of a JWT")
	}
	return t, nil
}

// verify checks the signature: with the key that the token names, or else with
// each that goes with its algorithm. Its errors are refusals.
func (t *signedToken) verify(keys []verificationKey) error {
	named, fitting := false, false
	for _, k := range keys {
		if t.keyID != "" && k.id != t.keyID {
			continue
		}
		named = true
		if !slices.Contains(k.algorithms, t.algorithm) {
			continue
		}
		fitting = true
		if t.signedBy(k.key) {
			return nil
		}
	}
	switch {
	case !named:
		return refuse("no key has the kid %q", short(t.keyID))
	case !fitting:
		return refuse("no such key is for algorithm %s", t.algorithm)
	default:
		return refuse("the signature is wrong")
	}
}

// signedBy tells whether key made the signature. The library knows Ed25519 by
// its older name only.
func (t *signedToken) signedBy(key any) bool {
	if public, ok := key.(ed25519.PublicKey); ok {
		text := t.text[:strings.LastIndexByte(t.text, '.')]
		return ed25519.Verify(public, []byte(text), t.signed.Signatures[0].Signature)
	}
	_, err := t.signed.Verify(key)
	return err == nil
}

// inForce checks exp, and iat and nbf where they are there. Its errors are
// refusals.
func (t *signedToken) inForce(now time.Time) error {
	c := t.claims
	for name, at := range map[string]*float64{"exp": c.ExpiresAt, "iat": c.IssuedAt, "nbf": c.NotBefore} {
		if at != nil && (*at < 0 || *at > 1<<40) {
			return refuse("%s is not a time", name)
		}
	}
	switch {
	case c.ExpiresAt == nil:
		return refuse("exp is missing")
	case !now.Before(moment(*c.ExpiresAt).Add(clockSkew)):
		return refuse("the token has expired")
	case c.IssuedAt != nil && moment(*c.IssuedAt).After(now.Add(clockSkew)):
		return refuse("iat is in the future")
	case c.NotBefore != nil && moment(*c.NotBefore).After(now.Add(clockSkew)):
		return refuse("nbf is in the future")
	}
	return nil
}

// moment reads a NumericDate (RFC 7519 section 2), which may have a fraction.
func moment(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// short cuts what somebody else wrote down to what fits into a record.
func short(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}
