// Package assertion takes apart the JWTs that others sign, and holds the reasons
// for which they are not believed. Whose keys may sign what is the caller's matter.
package assertion

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

// Refusal says why an assertion is not accepted. It goes into the audit trail and
// not to the caller.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Refuse makes a Refusal.
func Refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// Token is a JWT that somebody else made and nobody has verified yet.
type Token struct {
	Algorithm string // as the header has it
	KeyID     string
	Type      string
	Payload   []byte // unverified

	signed *jose.JSONWebSignature
	text   string
}

// Parse takes a JWT of at most longest bytes apart, which says that it is signed
// with one of algorithms. Its errors are refusals.
func Parse(text string, longest int, algorithms []string) (*Token, error) {
	if len(text) > longest {
		return nil, Refuse("the token is longer than %d bytes", longest)
	}
	encoded, _, _ := strings.Cut(text, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	var h struct {
		Algorithm string          `json:"alg"`
		Type      string          `json:"typ"`
		Critical  json.RawMessage `json:"crit"`
	}
	switch {
	case err != nil || json.Unmarshal(header, &h) != nil:
		return nil, Refuse("not a signed JWT")
	case h.Critical != nil: // none is known here (RFC 7515 section 4.1.11)
		return nil, Refuse("the header has crit")
	case !slices.Contains(algorithms, h.Algorithm):
		return nil, Refuse("algorithm %q is not accepted", Short(h.Algorithm))
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.Algorithm)})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, Refuse("not a signed JWT")
	}
	read := signed.Signatures[0].Header
	return &Token{
		Algorithm: read.Algorithm, KeyID: read.KeyID, Type: h.Type, Payload: signed.UnsafePayloadWithoutVerification(), signed: signed, text: text,
	}, nil
}

// SignedBy tells whether key made the signature. The library knows Ed25519 by its
// older name only.
func (t *Token) SignedBy(key any) bool {
	if public, ok := key.(ed25519.PublicKey); ok {
		text := t.text[:strings.LastIndexByte(t.text, '.')]
		return ed25519.Verify(public, []byte(text), t.signed.Signatures[0].Signature)
	}
	_, err := t.signed.Verify(key)
	return err == nil
}

// Texts are a claim that is one text, such as aud, or a list of them.
type Texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Texts) UnmarshalJSON(data []byte) error {
	var one *string
	if json.Unmarshal(data, &one) == nil && one != nil {
		*t = Texts{*one}
		return nil
	}
	var all []string
	err := json.Unmarshal(data, &all)
	*t = all
	return err
}

// Times are the claims that say when a JWT is good, in seconds since 1970
// (RFC 7519 section 2); nil: not there.
type Times struct {
	IssuedAt  *float64 `json:"iat"`
	NotBefore *float64 `json:"nbf"`
	ExpiresAt *float64 `json:"exp"`
}

// InForce checks exp, and iat and nbf where they are there, by a clock that may
// differ from the issuer's by tolerance. Its errors are refusals.
func (t Times) InForce(now time.Time, tolerance time.Duration) error {
	for name, at := range map[string]*float64{"exp": t.ExpiresAt, "iat": t.IssuedAt, "nbf": t.NotBefore} {
		if at != nil && (*at < 0 || *at > 1<<40) {
			return Refuse("%s is not a time", name)
		}
	}
	switch {
	case t.ExpiresAt == nil:
		return Refuse("exp is missing")
	case !now.Before(Moment(*t.ExpiresAt).Add(tolerance)):
		return Refuse("the token has expired")
	case t.IssuedAt != nil && Moment(*t.IssuedAt).After(now.Add(tolerance)):
		return Refuse("iat is in the future")
	case t.NotBefore != nil && Moment(*t.NotBefore).After(now.Add(tolerance)):
		return Refuse("nbf is in the future")
	}
	return nil
}

// Moment reads a NumericDate (RFC 7519 section 2), which may have a fraction.
func Moment(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// Short cuts what somebody else wrote down to what fits into a record.
func Short(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}
