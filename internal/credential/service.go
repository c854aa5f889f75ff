package credential

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/cache"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// TokenLifetime is how long an access token is accepted.
const TokenLifetime = 6 * time.Hour

// Service is the authorization server. It is safe for concurrent use.
type Service struct {
	// Accounts finds the account that a person at the console is, with what it may
	// do now. Nil: there are no accounts. It is set before the service is used.
	Accounts func(context.Context, estate.OrganizationID, estate.AccountID) (estate.Actor, error)

	store *store.Store
	keys  *keyring.Keyring
	audit event.Auditor
	now   func() time.Time
	log   *slog.Logger

	tokens  *keyring.Reader[api.Claims]
	clients *cache.Map[estate.ClientID, estate.Client]
	alike   alike
	bots    *cache.Map[botKey, estate.User]
	granted *cache.Map[grantedKey, struct{}] // whose grants are in the database
	users   *cache.Map[userKey, estate.User]
	lookups *cache.Map[subjectKey, estate.UserID]
	access  *cache.Map[userKey, estate.Access]
	apiKeys *cache.Map[apiKeyAt, estate.APIKey]
	usage   usage

	attempts  *throttle.Attempts
	throttled throttled
	userCodes *throttle.Window[string]       // typed by people, right or wrong
	devices   *throttle.Window[netip.Prefix] // that begin to wait, by network
	nonces    nonces
	spent     spent

	fetch       *outbound.Client
	trusts      *cache.Map[estate.ClientID, *trust]
	discoveries *outbound.Cache[discovery]
	keySets     *outbound.Cache[[]verificationKey]
	refusals    refusals

	revocations *revocations
}

// Sizes of the caches: enough for the clients and bots that are busy at a time.
// At about 1 KiB an entry they stay below 200 MiB when full.
const (
	maxCachedClients = 100_000
	maxReadTokens    = 8_192 // at about 2 KiB
	maxTypists       = 10_000
	maxCachedBots    = 100_000
	maxCachedUsers   = 20_000
	maxCachedAccess  = maxCachedBots + maxCachedUsers
)

// New makes the service. It fetches what clients point to through fetch.
func New(db *store.Store, keys *keyring.Keyring, audit event.Auditor, fetch *outbound.Client, now func() time.Time, log *slog.Logger) *Service {
	s := &Service{store: db, keys: keys, audit: audit, fetch: fetch, now: now, log: log, attempts: throttle.NewAttempts(), userCodes: throttle.NewWindow[string](maxTypists), devices: throttle.NewWindow[netip.Prefix](maxTypists)}
	s.tokens = keyring.NewReader[api.Claims](keys, estate.KeyAccessToken, maxReadTokens)
	s.trusts = cache.New(maxCachedClients, s.loadTrust)
	s.discoveries = outbound.NewCache(fetch, s.parseDiscovery)
	s.keySets = outbound.NewCache(fetch, parseKeySet)
	s.clients = cache.New(maxCachedClients, s.loadClient)
	s.bots = cache.New(maxCachedBots, s.loadOrCreateBot)
	s.users = cache.New(maxCachedUsers, s.loadUser)
	s.lookups = cache.New(maxCachedUsers, s.loadUserID)
	s.access = cache.New(maxCachedAccess, s.loadAccess)
	s.granted = cache.New(maxCachedAccess, s.findOrMakeGrant)
	s.apiKeys = cache.New(maxCachedUsers, s.loadAPIKey)
	s.nonces = nonces{key: keys.Derive("dpop nonce"), started: now()}
	s.usage.counts = make(map[usageKey]*store.ClientUsage)
	s.revocations = newRevocations(now, s.loadRevocations)
	s.usage.secrets = make(map[secretUse]secretTimes)
	s.usage.atOnce = maxCountedAtOnce
	s.usage.folding.idle = true // until it is looked into
	db.Subscribe(s.forget)
	return s
}

// JWKS is the published key set, as JSON.
func (s *Service) JWKS() []byte { return s.keys.JWKS() }

// forget drops what has changed from the caches.
func (s *Service) forget(changes []store.Change) {
	for _, c := range changes {
		switch c.Kind {
		case store.ChangeAll:
			s.clients.Clear()
			s.trusts.Clear() // after what it is made of
			s.bots.Clear()
			s.users.Clear()
			s.lookups.Clear()
			s.access.Clear()
			s.granted.Clear()
			s.apiKeys.Clear()
			s.revocations.interrupted()
		case store.ChangeRevocation:
			s.revocations.changed(c.Key)
			if _, g := store.ParseRevocation(c.Key); g != nil {
				s.granted.InvalidateAll(func(key grantedKey) bool { return key.grantKey == grantKey{g.Tenant, g.Client, g.User} })
			}
		case store.ChangeAPIKey:
			tenant, id := store.ParseAPIKeyKey(c.Key)
			s.apiKeys.InvalidateAll(func(key apiKeyAt) bool { return key.tenant == tenant && key.id == id })
		case store.ChangeClient:
			s.clients.Invalidate(estate.ClientID(c.Key))
			s.trusts.Invalidate(estate.ClientID(c.Key)) // after what it is made of
		case store.ChangeBot:
			if id := strings.Split(c.Key, "/"); len(id) == 3 {
				s.bots.Invalidate(botKey{estate.OrganizationID(id[0]), estate.TenantID(id[1]), estate.ClientID(id[2])})
			}
		case store.ChangeUser:
			if id := strings.Split(c.Key, "/"); len(id) == 3 {
				key := userKey{estate.OrganizationID(id[0]), estate.TenantID(id[1]), estate.UserID(id[2])}
				s.users.Invalidate(key)
				s.access.Invalidate(key)
			}
		case store.ChangeAccess:
			s.access.InvalidateAll(func(key userKey) bool { return string(key.organization)+"/"+string(key.tenant) == c.Key })
		}
	}
}

func (s *Service) loadClient(ctx context.Context, id estate.ClientID) (c estate.Client, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		c, err = tx.ClientToAuthenticate(ctx, id)
		return err
	})
	s.alike.share(&c)
	return c, err
}

// Caches says how the caches do, by name.
func (s *Service) Caches() map[string]cache.Stats {
	return map[string]cache.Stats{
		"clients": s.clients.Stats(), "trusts": s.trusts.Stats(), "bots": s.bots.Stats(), "users": s.users.Stats(),
		"user_lookups": s.lookups.Stats(), "access": s.access.Stats(), "grants": s.granted.Stats(),
	}
}
