package signin

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
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
	*assertion.Token
	claims personClaims
}

// personClaims are the claims of the JWT for POST /login/jwt-session.
type personClaims struct {
	Issuer        string          `json:"iss"`
	Subject       string          `json:"sub"`
	SubjectType   string          `json:"subType"`
	Audience      assertion.Texts `json:"aud"`
	Name          string          `json:"name"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"email_verified"`
	Groups        assertion.Texts `json:"groups"`
	assertion.Times
}

// BeginsSession tells whether a token is a JWT for POST /login/jwt-session, as far
// as it says so itself: nothing of it is verified.
func BeginsSession(token string) bool {
	t, err := parsePersonToken(token)
	return err == nil && slices.Contains(t.claims.Audience, api.SessionAudience)
}

// parsePersonToken takes a JWT apart. Its errors are refusals.
func parsePersonToken(token string) (*personToken, error) {
	parsed, err := assertion.Parse(token, maxJWT, jwtAlgorithms)
	switch {
	case err != nil:
		return nil, err
	case parsed.Type != "" && !strings.EqualFold(parsed.Type, "JWT"):
		return nil, assertion.Refuse("typ %q is not JWT", assertion.Short(parsed.Type))
	case parsed.KeyID == "":
		return nil, assertion.Refuse("the header has no kid")
	}
	t := &personToken{Token: parsed}
	if json.Unmarshal(t.Payload, &t.claims) != nil {
		return nil, assertion.Refuse("the claims are not those of a person, or of a wrong type")
	}
	return t, nil
}

// verifiedBy checks that one of keys signed t, with an algorithm that goes with it.
// Its errors are refusals.
func (t *personToken) verifiedBy(keys []estate.StaticKey) error {
	for _, stored := range keys {
		if stored.ID != t.KeyID {
			continue
		}
		key, detail := publicKey(stored.PEM)
		switch {
		case detail != "":
			return assertion.Refuse("the key of the identity provider %s", detail)
		case !slices.Contains(algorithmsOf(key), t.Algorithm):
			return assertion.Refuse("algorithm %s does not go with the key", t.Algorithm)
		}
		if !t.SignedBy(key) {
			return assertion.Refuse("the signature is wrong")
		}
		return nil
	}
	return assertion.Refuse("the identity provider has no key %q", assertion.Short(t.KeyID))
}

// check checks the claims of a token that is verified. Its errors are refusals.
func (c personClaims) check(now time.Time, tolerance time.Duration) error {
	if err := c.InForce(now, tolerance); err != nil {
		return err
	}
	switch {
	case !slices.Contains(c.Audience, api.SessionAudience):
		return assertion.Refuse("aud is not %s", api.SessionAudience)
	case c.SubjectType != "" && c.SubjectType != "user":
		return assertion.Refuse("subType is not user")
	case assertion.Moment(*c.ExpiresAt).After(now.Add(maxLifetime + tolerance)):
		return assertion.Refuse("exp is more than %v away", maxLifetime)
	case c.IssuedAt != nil && assertion.Moment(*c.ExpiresAt).Sub(assertion.Moment(*c.IssuedAt)) > maxLifetime:
		return assertion.Refuse("exp is more than %v after iat", maxLifetime)
	}
	return nil
}

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
				return p, assertion.Refuse("the identity provider is not active")
			}
			return p, nil
		}
	}
	return estate.IdentityProvider{}, assertion.Refuse("no identity provider has the issuer %q", assertion.Short(issuer))
}
