package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/netip"
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

// Visitor is who sends a request, as far as it is known before anybody signs in.
type Visitor struct {
	Cookie  Cookie // of the session that the browser has, if any
	Agent   string // the browser, as it calls itself
	Address netip.Addr
	TraceID string
}

func (v Visitor) address() string {
	if !v.Address.IsValid() {
		return ""
	}
	return v.Address.String()
}

// sessionKey names a session. At the console, where accounts of all organizations
// sign in, the token alone does.
func sessionKey(scope estate.Scope, id estate.SessionID) key[estate.SessionID] {
	if scope.Tenant == "" {
		scope = estate.Scope{}
	}
	return keyOf(scope, id)
}

// placeOf is where people sign in at surface: its tenant, or the console, for which
// it is the zero scope. Nobody does at register hosts.
func placeOf(surface estate.Surface) (scope estate.Scope, ok bool) {
	switch surface.Kind {
	case estate.SurfaceTenant:
		return surface.Tenant.Scope(), true
	case estate.SurfaceConsole:
		return estate.Scope{}, true
	}
	return estate.Scope{}, false
}

// settingsOf are how long sessions last: those of accounts as those of tenants
// that have not set anything.
func (s *Service) settingsOf(ctx context.Context, scope estate.Scope) (estate.AuthSettings, error) {
	if scope.Tenant == "" {
		return defaultSettings, nil
	}
	return s.settings.Get(ctx, keyOf(scope, ""))
}

// Session finds the session of a cookie at surface. It is in force until the first
// of: its end, an end by the present settings, that of its identity provider.
// Whether its user or account may still act is for the caller to see.
func (s *Service) Session(ctx context.Context, surface estate.Surface, c Cookie) (estate.Session, error) {
	scope, ok := placeOf(surface)
	if !ok || !s.signed(scope, c) {
		return estate.Session{}, errNoSession
	}
	id := sessionKey(scope, estate.SessionIDOf(c.Token))
	found, err := s.sessions.Get(ctx, id)
	if err != nil {
		return found, noSession(err)
	}
	settings, err := s.settingsOf(ctx, scope)
	if err != nil {
		return found, err
	}
	if found.Provider != "" {
		p, err := s.providers.Get(ctx, keyOf(found.Person().Scope(), found.Provider))
		if err != nil {
			return found, noSession(err)
		}
		if !p.Active {
			return estate.Session{}, errNoSession
		}
	}
	now := s.now()
	if !now.Before(found.LastUsedAt.Add(settings.Idle)) { // unless it was used elsewhere, of which this server hasn't heard
		if found, err = s.loadSession(ctx, id); err != nil {
			return found, noSession(err)
		}
	}
	switch {
	case !inForce(found, settings, now):
		return estate.Session{}, errNoSession
	case now.Sub(found.LastUsedAt) >= min(touchEvery, settings.Idle/4):
		err := s.store.Write(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, found.Person().Scope(), found.ID, now) })
		if err != nil { // the session is good all the same, and ends early at worst
			s.log.ErrorContext(ctx, "use of a session not noted", "error", err)
		}
	}
	return found, nil
}

// inForce tells whether the time of a session is not over.
func inForce(of estate.Session, settings estate.AuthSettings, now time.Time) bool {
	return now.Before(of.ExpiresAt) && now.Before(of.CreatedAt.Add(settings.Lifespan)) && now.Before(of.LastUsedAt.Add(settings.Idle))
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
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if found.Provider != "" {
			p, err := tx.IdentityProvider(ctx, found.Person().Scope(), found.Provider)
			if err != nil && !estate.HasKind(err, estate.NotFound) {
				return err
			}
			to = p.AfterLogout
		}
		return s.end(ctx, tx, found, traceID)
	})
	return to, err
}

// end ends a session, for its own person.
func (s *Service) end(ctx context.Context, tx *store.Tx, of estate.Session, traceID string) error {
	scope := of.Person().Scope()
	if err := tx.DeleteSession(ctx, scope, of.ID, s.now()); err != nil {
		return err
	}
	data := map[string]any{"method": of.Method}
	if of.Provider != "" {
		data["identityProvider"] = of.Provider
	}
	return s.done(ctx, tx, actorOfPerson(of.Person(), traceID), of.Person(), "session.delete", of.Person().ID, data)
}

// done writes down what was done about a person: in its tenant, or in the
// organization of the account.
func (s *Service) done(ctx context.Context, tx *store.Tx, actor estate.Actor, p estate.Person, action, target string, data map[string]any) error {
	scope := p.Scope()
	if !p.IsAccount() {
		t, err := tx.Tenant(ctx, scope, p.Tenant)
		if err != nil {
			return err
		}
		scope = t.Scope()
	}
	return s.audit.Done(ctx, tx, actor, scope, action, target, data)
}

// actorOfPerson is a person as it stands in the audit trail.
func actorOfPerson(p estate.Person, traceID string) estate.Actor {
	if p.IsAccount() {
		return estate.Actor{Kind: estate.ActorAccount, ID: p.ID, Scope: p.Scope(), TraceID: traceID}
	}
	return estate.Actor{Kind: estate.ActorUser, ID: p.ID, Scope: p.Scope(), User: estate.UserID(p.ID), TraceID: traceID}
}

var (
	errNoSession = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The session has ended, or there is none. Sign in again.")
	errCSRF      = estate.E(estate.Forbidden, api.CodeCSRF, "CSRF token required", "With a session cookie, a request that changes something needs the header "+api.HeaderCSRF+"; GET /api/v1/csrf-token has the value.")
)
