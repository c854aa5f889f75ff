package credential

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// grantAuthorizationCode is RFC 6749 section 4.1.3, with PKCE: what a person
// approved in the browser becomes tokens, once.
func (s *Service) grantAuthorizationCode(_ context.Context, i *issue) error {
	r := i.request
	switch {
	case i.surface.Kind != estate.SurfaceTenant:
		return errUnsupportedGrantType
	case r.Code == "":
		return errInvalidRequest.InParameter("code", "code is missing")
	case r.RedirectURI == "":
		return errInvalidRequest.InParameter("redirect_uri", "redirect_uri is missing")
	case !verifierPattern.MatchString(r.Verifier):
		return errInvalidRequest.InParameter("code_verifier", "code_verifier must have 43 to 128 characters of A-Z, a-z, 0-9, '-', '.', '_' and '~'")
	}
	i.finish = s.redeemCode
	return nil
}

func (s *Service) redeemCode(ctx context.Context, i *issue) error {
	var outcome error
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		outcome = nil
		now := s.now()
		code, err := tx.UseCode(ctx, i.scope, estate.HashOf(i.request.Code), now)
		f := code.Family
		switch {
		case estate.HasCode(err, api.CodeTokenNotFound):
			return errInvalidGrant
		case err != nil:
			return err
		case f.Client != i.client.ID:
			return errInvalidGrant // and the code is still good for whose it is
		case !code.UsedAt.IsZero():
			outcome = errInvalidGrant
			return s.reused(ctx, tx, i.scope, f, "an authorization code")
		case !now.Before(code.ExpiresAt), code.RedirectURI != i.request.RedirectURI, !verifies(code.Challenge, i.request.Verifier):
			outcome = errInvalidGrant // which uses it up
			return nil
		}
		if err := s.personOf(ctx, i.scope, f); err != nil {
			return err
		}
		i.granted = nil
		i.begin(f)
		if len(i.granted) == 0 {
			return errInvalidGrant
		}
		i.refresh, err = s.startFamily(ctx, tx, i, f, now)
		return err
	})
	if err != nil {
		return err
	}
	return outcome
}

// verifies tells whether a code verifier is the one of a challenge.
func verifies(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}
