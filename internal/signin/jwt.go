package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Limits of the JWTs that people are signed in by.
const (
	maxJWT      = 32 << 10 // they may name many groups
	maxLifetime = time.Hour
)

// jwtAlgorithms are all that any key is for; each key is for its own only.
var jwtAlgorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"}

// personToken is a JWT about a person that nobody has verified yet.
type personToken struct {
	algorithm string
	keyID     string
	signed    *jose.JSONWebSignature
	claims    personClaims
}

// personClaims are the claims of the JWT for POST /login/jwt-session.
type personClaims struct {
	Issuer        string   `json:"iss"`
	Subject       string   `json:"sub"`
	SubjectType   string   `json:"subType"`
	Audience      audience `json:"aud"`
	Name          string   `json:"name"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Groups        []string `json:"groups"`
	IssuedAt      *float64 `json:"iat"`
	NotBefore     *float64 `json:"nbf"`
	ExpiresAt     *float64 `json:"exp"`
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

// parsePersonToken takes a JWT apart. Its errors are refusals.
func parsePersonToken(token string) (*personToken, error) {
	if len(token) > maxJWT {
		return nil, refuse("the token is longer than %d bytes", maxJWT)
	}
	encoded, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	var h struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Type      string          `json:"typ"`
		Critical  json.RawMessage `json:"crit"`
	}
	switch {
	case err != nil || json.Unmarshal(header, &h) != nil:
		return nil, refuse("not a signed JWT")
	case h.Critical != nil: // none is known here (RFC 7515 section 4.1.11)
		return nil, refuse("the header has crit")
	case h.Type != "" && !strings.EqualFold(h.Type, "JWT"):
		return nil, refuse("typ %q is not JWT", short(h.Type))
	case !slices.Contains(jwtAlgorithms, h.Algorithm):
		return nil, refuse("algorithm %q is not accepted", short(h.Algorithm))
	case h.KeyID == "":
		return nil, refuse("the header has no kid")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.Algorithm)})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, refuse("not a signed JWT")
	}
	t := &personToken{algorithm: signed.Signatures[0].Header.Algorithm, keyID: signed.Signatures[0].Header.KeyID, signed: signed}
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &t.claims) != nil {
		return nil, refuse("the claims are not those of a person, or of a wrong type")
	}
	return t, nil
}

// verifiedBy checks that one of keys signed t, with an algorithm that goes with it.
// Its errors are refusals.
func (t *personToken) verifiedBy(keys []estate.StaticKey) error {
	for _, stored := range keys {
		if stored.ID != t.keyID {
			continue
		}
		key, detail := publicKey(stored.PEM)
		switch {
		case detail != "":
			return refuse("the key of the identity provider %s", detail)
		case !slices.Contains(algorithmsOf(key), t.algorithm):
			return refuse("algorithm %s does not go with the key", t.algorithm)
		}
		if _, err := t.signed.Verify(key); err != nil {
			return refuse("the signature is wrong")
		}
		return nil
	}
	return refuse("the identity provider has no key %q", short(t.keyID))
}

// check checks the claims of a token that is verified. Its errors are refusals.
func (c personClaims) check(now time.Time, tolerance time.Duration) error {
	for name, at := range map[string]*float64{"exp": c.ExpiresAt, "iat": c.IssuedAt, "nbf": c.NotBefore} {
		if at != nil && (*at < 0 || *at > 1<<40) {
			return refuse("%s is not a time", name)
		}
	}
	switch {
	case !slices.Contains(c.Audience, api.SessionAudience):
		return refuse("aud is not %s", api.SessionAudience)
	case c.SubjectType != "user":
		return refuse("subType is not user")
	case c.ExpiresAt == nil:
		return refuse("exp is missing")
	case !now.Before(moment(*c.ExpiresAt).Add(tolerance)):
		return refuse("the token has expired")
	case moment(*c.ExpiresAt).After(now.Add(maxLifetime + tolerance)):
		return refuse("exp is more than %v away", maxLifetime)
	case c.IssuedAt != nil && moment(*c.IssuedAt).After(now.Add(tolerance)):
		return refuse("iat is in the future")
	case c.IssuedAt != nil && moment(*c.ExpiresAt).Sub(moment(*c.IssuedAt)) > maxLifetime:
		return refuse("exp is more than %v after iat", maxLifetime)
	case c.NotBefore != nil && moment(*c.NotBefore).After(now.Add(tolerance)):
		return refuse("nbf is in the future")
	}
	return nil
}

// moment reads a NumericDate (RFC 7519 section 2), which may have a fraction.
func moment(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// SignInByJWT begins a session for the person that a JWT is about, which an
// identity provider of the tenant has signed. before is the cookie that the
// browser had; its session ends. Whatever is wrong, the answer is the same.
func (s *Service) SignInByJWT(ctx context.Context, surface estate.Surface, token string, v Visitor) (SignedIn, error) {
	a := arrival{surface: surface, visitor: v}
	signedIn, err := func() (SignedIn, error) {
		t, err := parsePersonToken(token)
		if err != nil {
			return SignedIn{}, err
		}
		if a.provider, err = s.issuer(ctx, surface.Tenant.Scope(), t.claims.Issuer); err != nil {
			return SignedIn{}, err
		}
		if err := t.verifiedBy(a.provider.Options.Keys); err != nil {
			return SignedIn{}, err
		}
		c := t.claims
		a.login = Login{Subject: c.Subject, Name: c.Name, Email: c.Email, EmailVerified: c.EmailVerified, Groups: c.Groups}
		if err := c.check(s.now(), a.provider.ClockTolerance); err != nil {
			return SignedIn{}, err
		}
		return s.enter(ctx, a)
	}()
	return signedIn, s.answer(ctx, a, err)
}

// issuer finds the identity provider of tokens with the issuer.
func (s *Service) issuer(ctx context.Context, scope estate.Scope, issuer string) (estate.IdentityProvider, error) {
	all, err := s.all(ctx, scope)
	if err != nil {
		return estate.IdentityProvider{}, err
	}
	for _, p := range all {
		if p.Protocol == api.ProtocolJWT && p.Options.Issuer == issuer && issuer != "" {
			if !p.Active {
				return p, refuse("the identity provider is not active")
			}
			return p, nil
		}
	}
	return estate.IdentityProvider{}, refuse("no identity provider has the issuer %q", short(issuer))
}
