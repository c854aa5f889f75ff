// Package signin lets people in, users into their tenants and accounts into the
// console: it keeps the identity providers of tenants and organizations, believes
// what they say of a person, and holds the sessions that begin there.
package signin

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/cache"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/peer"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// Service lets people in. It is safe for concurrent use.
type Service struct {
	Metrics *telemetry.Metrics // set before the service is used; nil: nobody counts

	store *store.Store
	keys  *keyring.Keyring
	audit event.Auditor
	fetch *outbound.Client
	now   func() time.Time
	log   *slog.Logger

	sessions  *cache.Map[key[estate.SessionID], estate.Session]
	providers *cache.Map[key[estate.IdentityProviderID], estate.IdentityProvider]
	settings  *cache.Map[key[string], estate.AuthSettings]
	accounts  *cache.Map[estate.OrganizationID, accounts]
	signIns   *cache.Map[struct{}, []store.OrganizationSignIn] // of all organizations

	discoveries *outbound.Cache[oidc.ProviderConfig]
	keySets     *outbound.Cache[jose.JSONWebKeySet]
	refusals    refusals
	attempts    *throttle.Attempts       // to sign in by what this server keeps
	guesses     *throttle.Window[string] // of passwords and codes, by person
	hashes      chan struct{}            // turns to hash a password
}

// key names something of a tenant. The organization is carried along for the
// scope.
type key[ID ~string] struct {
	organization estate.OrganizationID
	tenant       estate.TenantID
	id           ID
}

func (k key[ID]) scope() estate.Scope {
	return estate.Scope{Organization: k.organization, Tenant: k.tenant}
}

func keyOf[ID ~string](scope estate.Scope, id ID) key[ID] {
	return key[ID]{scope.Organization, scope.Tenant, id}
}

// Sizes of the caches: at about 300 bytes a session and 4 KiB a provider they stay
// below 100 MiB when full.
const (
	maxCachedSessions  = 100_000
	maxCachedProviders = 10_000
	maxCachedSettings  = 100_000
	maxCachedAccounts  = 1_000 // organizations
	maxGuessed         = 16_384
)

// New makes the service. It reaches identity providers through fetch.
func New(db *store.Store, keys *keyring.Keyring, audit event.Auditor, fetch *outbound.Client, now func() time.Time, log *slog.Logger) *Service {
	s := &Service{store: db, keys: keys, audit: audit, fetch: fetch, now: now, log: log, attempts: throttle.NewAttempts(), guesses: throttle.NewWindow[string](maxGuessed), hashes: make(chan struct{}, maxHashes)}
	s.sessions = cache.New(maxCachedSessions, s.loadSession)
	s.providers = cache.New(maxCachedProviders, s.loadProvider)
	s.settings = cache.New(maxCachedSettings, s.loadSettings)
	s.accounts = cache.New(maxCachedAccounts, s.loadAccounts)
	s.signIns = cache.New(1, s.loadSignIns)
	s.discoveries = outbound.NewCache(fetch, s.parseDiscovery)
	s.keySets = outbound.NewCache(fetch, parseKeySet)
	db.Subscribe(s.forget)
	return s
}

// Shared is what this service tells the other servers on the database and hears
// from them. It is called before the service is used, and the topics must then be
// exchanged.
func (s *Service) Shared() []peer.Topic {
	s.attempts.Share()
	s.guesses.Share()
	return []peer.Topic{
		peer.On("sign-in-attempts", s.attempts.Untold, s.now, s.attempts.Learn),
		peer.On("sign-in-attempts.addresses", s.attempts.Addresses.Untold, s.now, s.attempts.Addresses.Learn),
		peer.On("guesses", s.guesses.Untold, s.now, s.guesses.Learn),
	}
}

// forget drops what has changed from the caches.
func (s *Service) forget(changes []store.Change) {
	for _, c := range changes {
		if c.Kind == store.ChangeAll {
			s.sessions.Clear()
			s.providers.Clear()
			s.settings.Clear()
			s.accounts.Clear()
			s.signIns.Clear()
			continue
		}
		if c.Kind == store.ChangeAccounts {
			s.accounts.Invalidate(estate.OrganizationID(c.Key))
			continue
		}
		parts := strings.Split(c.Key, "/")
		if len(parts) != 3 {
			continue
		}
		scope := estate.Scope{Organization: estate.OrganizationID(parts[0]), Tenant: estate.TenantID(parts[1])}
		switch c.Kind {
		case store.ChangeSession:
			s.sessions.Invalidate(sessionKey(scope, estate.SessionID(parts[2])))
		case store.ChangeIdentityProvider:
			s.providers.Invalidate(keyOf(scope, estate.IdentityProviderID(parts[2])))
			if scope.Tenant == "" {
				s.signIns.Clear()
			}
		case store.ChangeAuthSettings:
			s.settings.Invalidate(keyOf(scope, ""))
		}
	}
}

func (s *Service) loadSession(ctx context.Context, k key[estate.SessionID]) (found estate.Session, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if k.tenant == "" {
			found, err = tx.AccountSession(ctx, k.id)
		} else {
			found, err = tx.Session(ctx, k.scope(), k.id)
		}
		return err
	})
	return found, err
}

func (s *Service) loadProvider(ctx context.Context, k key[estate.IdentityProviderID]) (p estate.IdentityProvider, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		p, err = tx.IdentityProvider(ctx, k.scope(), k.id)
		return err
	})
	return p, err
}

func (s *Service) loadSettings(ctx context.Context, k key[string]) (estate.AuthSettings, error) {
	settings := defaultSettings
	err := s.store.Read(ctx, func(tx *store.Tx) error {
		own, err := tx.AuthSettings(ctx, k.scope())
		if own != nil {
			settings = *own
		}
		return err
	})
	return settings, err
}

// mayAdminister tells why actor may not change how people sign in to its tenant;
// nil: it may.
func mayAdminister(actor estate.Actor) error {
	switch {
	case actor.Scope.Tenant == "" || !slices.Contains(actor.Roles, estate.RoleTenantAdmin):
		return errNeedsTenantAdmin
	case !actor.Permissions.Holds(api.ScopeAdminClassic):
		return errNeedsScope
	}
	return nil
}

var (
	errNeedsTenantAdmin = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The user lacks the role TenantAdmin.")
	errNeedsScope       = estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+api.ScopeAdminClassic+".")
)

// Caches says how the caches do, by name.
func (s *Service) Caches() map[string]cache.Stats {
	return map[string]cache.Stats{
		"sessions": s.sessions.Stats(), "identity_providers": s.providers.Stats(), "auth_settings": s.settings.Stats(), "accounts": s.accounts.Stats(),
	}
}
