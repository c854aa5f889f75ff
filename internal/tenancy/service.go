// Package tenancy holds organizations, regions, subscriptions with their
// entitlements, and tenants.
//
// The life of a tenant, of which lifecycle.go has the table:
//
//	                     reactivate
//	                 +------------------+   deactivate (the countdown begins anew)
//	                 v                  |   +---+
//	  create     +--------+         +----------+|   purge, when     +---------+
//	-----------> | active | ------> | disabled |<-  purgeAt is over | deleted |
//	             +--------+ deacti- +----------+  ----------------> +---------+
//	                        vate                  unless protected
//
// An active tenant holds a place in the entitlement, and a disabled one too; the
// purge frees it, the host names and the external id. A protected tenant is neither
// deactivated nor purged. What is deleted stays deleted.
package tenancy

import (
	"context"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/cache"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/inventory"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/store"
)

// Service manages the estate down to tenants. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	keys   *keyring.Keyring
	audit  event.Auditor
	now    func() time.Time
	domain string

	// MinPurgeDays is the least number of days between deactivation and purge that
	// a caller may ask for. It is set before the first use.
	MinPurgeDays int
	// Provision tells the provisioners of a tenant of a change of it, in the
	// transaction of the change, and notes in the tenant how far they are. It is set
	// before the service is used; nil: there are none.
	Provision func(ctx context.Context, tx *store.Tx, t *estate.Tenant, change estate.TenantChange) error

	// Memory answers lists of tenants before the database is asked. It is set before
	// the service is used; nil: nothing does.
	Memory *inventory.Index

	licenses      *keyring.Reader[licenseClaims]
	regions       *cache.Map[estate.RegionCode, estate.Region]
	hosts         *cache.Map[estate.Hostname, estate.Tenant]
	subscriptions *cache.Map[subscriptionKey, estate.Subscription]
}

// subscriptionKey names a subscription together with its owner, so that the
// cache can't be asked across organizations.
type subscriptionKey struct {
	organization estate.OrganizationID
	id           estate.SubscriptionID
}

// Sizes of the caches; a host entry is about 700 bytes.
const (
	maxCachedRegions       = 1_000
	maxCachedHosts         = 100_000
	maxCachedSubscriptions = 10_000
	maxReadLicenses        = 1_000
)

// New makes the service. domain is the base domain that host names end in.
func New(db *store.Store, keys *keyring.Keyring, audit event.Auditor, now func() time.Time, domain string) *Service {
	s := &Service{store: db, keys: keys, audit: audit, now: now, domain: strings.ToLower(domain), MinPurgeDays: DefaultMinPurgeDays}
	s.licenses = keyring.NewReader[licenseClaims](keys, estate.KeyLicense, maxReadLicenses)
	s.regions = cache.New(maxCachedRegions, s.loadRegion)
	s.hosts = cache.New(maxCachedHosts, s.loadHost)
	s.subscriptions = cache.New(maxCachedSubscriptions, s.loadSubscription)
	db.Subscribe(s.forget)
	return s
}

// provision calls Provision. Each change of a tenant calls it, after the change.
func (s *Service) provision(ctx context.Context, tx *store.Tx, t *estate.Tenant, change estate.TenantChange) error {
	if s.Provision == nil {
		return nil
	}
	return s.Provision(ctx, tx, t, change)
}

func (s *Service) forget(changes []store.Change) {
	for _, c := range changes {
		switch c.Kind {
		case store.ChangeAll:
			s.regions.Clear()
			s.hosts.Clear()
			s.subscriptions.Clear()
		case store.ChangeRegion:
			s.regions.Invalidate(estate.RegionCode(c.Key))
		case store.ChangeHostname:
			s.hosts.Invalidate(estate.Hostname(c.Key))
		case store.ChangeSubscription:
			s.subscriptions.Clear() // rare, and the key has the owner too
		}
	}
}

func (s *Service) loadRegion(ctx context.Context, code estate.RegionCode) (r estate.Region, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		r, err = tx.Region(ctx, code)
		return err
	})
	return r, err
}

func (s *Service) loadHost(ctx context.Context, name estate.Hostname) (t estate.Tenant, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, err = tx.TenantByHostname(ctx, name)
		return err
	})
	return t, err
}

func (s *Service) loadSubscription(ctx context.Context, key subscriptionKey) (sub estate.Subscription, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		sub, err = tx.Subscription(ctx, estate.Scope{Organization: key.organization}, key.id)
		return err
	})
	return sub, err
}

// Region returns a region, from memory when it is busy.
func (s *Service) Region(ctx context.Context, code estate.RegionCode) (estate.Region, error) {
	return s.regions.Get(ctx, code)
}

// TenantAt returns the tenant that answers at a host name, from memory when it
// is busy.
func (s *Service) TenantAt(ctx context.Context, name estate.Hostname) (estate.Tenant, error) {
	return s.hosts.Get(ctx, name)
}

// Terms are what a subscription says about validity. From memory when busy.
func (s *Service) Terms(ctx context.Context, organization estate.OrganizationID, id estate.SubscriptionID) (starts, ends time.Time, err error) {
	sub, err := s.subscriptions.Get(ctx, subscriptionKey{organization, id})
	return sub.StartsAt, sub.EndsAt, err
}

// Domain is the base domain that host names end in.
func (s *Service) Domain() string { return s.domain }

var errOperatorOnly = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only the operator may do this.")

func errNeedsScope(scope string) error {
	return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+scope+".")
}

// Caches says how the caches do, by name.
func (s *Service) Caches() map[string]cache.Stats {
	return map[string]cache.Stats{"regions": s.regions.Stats(), "hosts": s.hosts.Stats(), "subscriptions": s.subscriptions.Stats()}
}
