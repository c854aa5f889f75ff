package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Cookie is what a browser shows of a session: its token, and a signature by which
// tokens that nobody was given are told without asking the database.
type Cookie struct {
	Token     estate.Secret
	Signature string
}

// sign makes the signature of a token in the tenant of scope.
func (s *Service) sign(scope estate.Scope, token estate.Secret) string {
	mac := hmac.New(sha256.New, s.keys.Derive("session cookie"))
	mac.Write([]byte(string(scope.Tenant) + "." + token.Reveal()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Service) signed(scope estate.Scope, c Cookie) bool {
	return c.Token != "" && subtle.ConstantTimeCompare([]byte(c.Signature), []byte(s.sign(scope, c.Token))) == 1
}

// CSRFToken is what a page of the session's own host has to show with requests
// that change something. It follows from the session's token, which pages can't
// read, and is worth nothing without it.
func CSRFToken(token estate.Secret) string {
	mac := hmac.New(sha256.New, []byte(token.Reveal()))
	mac.Write([]byte("csrf token"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckCSRF refuses what does not show the CSRF token of the session.
func CheckCSRF(c Cookie, shown string) error {
	if subtle.ConstantTimeCompare([]byte(shown), []byte(CSRFToken(c.Token))) != 1 {
		return errCSRF
	}
	return nil
}

// Session finds the session of a cookie at surface. It is in force until the first
// of: its end, an end by the tenant's present settings, that of its identity
// provider. Whether its user may still act is for the caller to see.
func (s *Service) Session(ctx context.Context, surface estate.Surface, c Cookie) (estate.Session, error) {
	scope := surface.Tenant.Scope()
	if surface.Kind != estate.SurfaceTenant || !s.signed(scope, c) {
		return estate.Session{}, errNoSession
	}
	id := keyOf(scope, estate.SessionIDOf(c.Token))
	found, err := s.sessions.Get(ctx, id)
	if err != nil {
		return found, noSession(err)
	}
	settings, err := s.settings.Get(ctx, keyOf(scope, ""))
	if err != nil {
		return found, err
	}
	p, err := s.providers.Get(ctx, keyOf(scope, found.Provider))
	if err != nil {
		return found, noSession(err)
	}
	now := s.now()
	if !now.Before(found.LastUsedAt.Add(settings.Idle)) { // unless it was used elsewhere, of which this server hasn't heard
		if found, err = s.loadSession(ctx, id); err != nil {
			return found, noSession(err)
		}
	}
	switch {
	case !p.Active, !now.Before(found.ExpiresAt), !now.Before(found.CreatedAt.Add(settings.Lifespan)), !now.Before(found.LastUsedAt.Add(settings.Idle)):
		return estate.Session{}, errNoSession
	case now.Sub(found.LastUsedAt) >= min(touchEvery, settings.Idle/4):
		err := s.store.Write(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, scope, found.ID, now) })
		if err != nil { // the session is good all the same, and ends early at worst
			s.log.ErrorContext(ctx, "use of a session not noted", "error", err)
		}
	}
	return found, nil
}

// touchEvery is how exactly it is kept when a session was last used.
const touchEvery = time.Minute

// noSession is err, but for what is not there.
func noSession(err error) error {
	if estate.HasKind(err, estate.NotFound) {
		return errNoSession
	}
	return err
}

// SignOut ends the session of a cookie, if it is one, and returns where its
// identity provider wants people to be sent then, if it does.
func (s *Service) SignOut(ctx context.Context, surface estate.Surface, c Cookie, traceID string) (to string, err error) {
	found, err := s.Session(ctx, surface, c)
	if err != nil {
		if estate.HasKind(err, estate.Unauthenticated) {
			err = nil
		}
		return "", err
	}
	scope := surface.Tenant.Scope()
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.IdentityProvider(ctx, scope, found.Provider)
		if err != nil && !estate.HasKind(err, estate.NotFound) {
			return err
		}
		to = p.AfterLogout
		return s.end(ctx, tx, scope, found, traceID)
	})
	return to, err
}

func (s *Service) end(ctx context.Context, tx *store.Tx, scope estate.Scope, of estate.Session, traceID string) error {
	if err := tx.DeleteSession(ctx, scope, of.ID, s.now()); err != nil {
		return err
	}
	actor := estate.Actor{Kind: estate.ActorUser, ID: string(of.User), Scope: scope, User: of.User, TraceID: traceID}
	return s.audit.Done(ctx, tx, actor, scope, "session.delete", string(of.User), map[string]any{"identityProvider": of.Provider})
}

var (
	errNoSession = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The session has ended, or there is none. Sign in again.")
	errCSRF      = estate.E(estate.Forbidden, api.CodeCSRF, "CSRF token required", "With a session cookie, a request that changes something needs the header "+api.HeaderCSRF+"; GET /api/v1/csrf-token has the value.")
)
