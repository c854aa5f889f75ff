package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// The operations of this file are the operator's: they build what everything
// else happens in.

const maxName = 256 // characters

var (
	countryPattern    = regexp.MustCompile(`^[A-Z]{2}$`)
	datacenterPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

// CreateOrganization makes an organization.
func (s *Service) CreateOrganization(ctx context.Context, actor estate.Actor, name string) (estate.Organization, error) {
	if !actor.IsOperator() {
		return estate.Organization{}, errOperatorOnly
	}
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return estate.Organization{}, invalid("organization", "The name must have 1 to %d characters.", maxName)
	}
	now := s.now()
	o := estate.Organization{ID: estate.NewOrganizationID(), Name: name, CreatedAt: now, UpdatedAt: now}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertOrganization(ctx, o); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, estate.Scope{Organization: o.ID}, "organization.create", string(o.ID), map[string]any{"name": name})
	})
	return o, err
}

// Organizations lists all organizations.
func (s *Service) Organizations(ctx context.Context, actor estate.Actor) (all []estate.Organization, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Organizations(ctx)
		return err
	})
	return all, err
}

// CreateRegion makes a region. Datacenter and country may be left out for the
// codes that the contract knows, and are then as it has them; for other codes
// the datacenter defaults to the code.
func (s *Service) CreateRegion(ctx context.Context, actor estate.Actor, r estate.Region) (estate.Region, error) {
	if !actor.IsOperator() {
		return r, errOperatorOnly
	}
	known := knownRegions[r.Code]
	r.Datacenter = cmp.Or(r.Datacenter, known.Datacenter, string(r.Code))
	r.CountryCode = strings.ToUpper(cmp.Or(r.CountryCode, known.CountryCode))
	r.Name = strings.TrimSpace(cmp.Or(r.Name, known.Name, string(r.Code)))
	r.CreatedAt = s.now()
	switch {
	case !r.Code.Valid():
		return r, invalid("region", "The code must be 2 to 20 lower-case letters, digits or hyphens, begin with a letter, and not be a reserved name.")
	case !datacenterPattern.MatchString(r.Datacenter):
		return r, invalid("region", "The datacenter must be lower-case letters, digits and hyphens, such as eu-west-1.")
	case !countryPattern.MatchString(r.CountryCode):
		return r, invalid("region", "The country code must be two letters (ISO 3166-1), such as IE.")
	case utf8.RuneCountInString(r.Name) > maxName:
		return r, invalid("region", "The name must have at most %d characters.", maxName)
	}
	err := s.store.Write(ctx, func(tx *store.Tx) error { return tx.InsertRegion(ctx, r) })
	return r, err
}

// knownRegions are the contract's region codes. It labels the two Asian-Pacific
// datacenters in contradicting ways; these are the cloud provider's.
var knownRegions = map[estate.RegionCode]estate.Region{
	"us": {Name: "United States (N. Virginia)", Datacenter: "us-east-1", CountryCode: "US"},
	"eu": {Name: "Ireland", Datacenter: "eu-west-1", CountryCode: "IE"},
	"uk": {Name: "United Kingdom (London)", Datacenter: "eu-west-2", CountryCode: "GB"},
	"de": {Name: "Germany (Frankfurt)", Datacenter: "eu-central-1", CountryCode: "DE"},
	"se": {Name: "Sweden (Stockholm)", Datacenter: "eu-north-1", CountryCode: "SE"},
	"ap": {Name: "Australia (Sydney)", Datacenter: "ap-southeast-2", CountryCode: "AU"},
	"sg": {Name: "Singapore", Datacenter: "ap-southeast-1", CountryCode: "SG"},
	"jp": {Name: "Japan (Tokyo)", Datacenter: "ap-northeast-1", CountryCode: "JP"},
	"in": {Name: "India (Mumbai)", Datacenter: "ap-south-1", CountryCode: "IN"},
}

// Regions lists all regions.
func (s *Service) Regions(ctx context.Context, actor estate.Actor) (all []estate.Region, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Regions(ctx)
		return err
	})
	return all, err
}

// CreateSubscription makes a subscription. Owners are named by account id or
// e-mail address; without an id it gets a random licence number; without start
// and end it is valid from now for one year.
func (s *Service) CreateSubscription(ctx context.Context, actor estate.Actor, sub estate.Subscription, owners []string) (estate.Subscription, error) {
	if !actor.IsOperator() {
		return sub, errOperatorOnly
	}
	now := s.now()
	if sub.ID == "" {
		sub.ID = estate.NewSubscriptionID()
	}
	if sub.StartsAt.IsZero() {
		sub.StartsAt = now
	}
	if sub.EndsAt.IsZero() {
		sub.EndsAt = sub.StartsAt.AddDate(1, 0, 0)
	}
	sub.TenantCount, sub.CreatedAt, sub.UpdatedAt = 0, now, now
	scope := estate.Scope{Organization: sub.Organization}
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		if _, err := tx.Organization(ctx, scope); err != nil {
			return err
		}
		if sub, err = checkSubscription(ctx, tx, sub, owners); err != nil {
			return err
		}
		if err := tx.InsertSubscription(ctx, sub); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, subscriptionScope(sub), "subscription.create", string(sub.ID), describe(sub))
	})
	return sub, err
}

// SubscriptionUpdate says what UpdateSubscription changes; nil and zero fields
// stay as they are.
type SubscriptionUpdate struct {
	Name        string
	TenantLimit int64
	Regions     []estate.RegionCode
	Owners      []string // account ids or e-mail addresses
	StartsAt    time.Time
	EndsAt      time.Time
	RateTier1   *int64 // requests per minute of each caller; 0: as the deployment has it
	RateTier2   *int64
}

// UpdateSubscription changes name, entitlement and limits of a subscription.
func (s *Service) UpdateSubscription(ctx context.Context, actor estate.Actor, id estate.SubscriptionID, u SubscriptionUpdate) (sub estate.Subscription, err error) {
	if !actor.IsOperator() {
		return sub, errOperatorOnly
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		owner, err := tx.SubscriptionOwner(ctx, id)
		if err != nil {
			return err
		}
		scope := estate.Scope{Organization: owner}
		if sub, err = tx.Subscription(ctx, scope, id); err != nil {
			return err
		}
		sub.Name = cmp.Or(u.Name, sub.Name)
		if u.TenantLimit != 0 {
			sub.TenantLimit = u.TenantLimit
		}
		if u.Regions != nil {
			sub.Regions = u.Regions
		}
		if !u.StartsAt.IsZero() {
			sub.StartsAt = u.StartsAt
		}
		if !u.EndsAt.IsZero() {
			sub.EndsAt = u.EndsAt
		}
		if u.RateTier1 != nil {
			sub.RateTier1 = *u.RateTier1
		}
		if u.RateTier2 != nil {
			sub.RateTier2 = *u.RateTier2
		}
		sub.UpdatedAt = s.now()
		owners := u.Owners
		if owners == nil {
			for _, id := range sub.Owners {
				owners = append(owners, string(id))
			}
		}
		if sub, err = checkSubscription(ctx, tx, sub, owners); err != nil {
			return err
		}
		if err := tx.UpdateSubscription(ctx, scope, sub); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, subscriptionScope(sub), "subscription.update", string(sub.ID), describe(sub))
	})
	return sub, err
}

// checkSubscription validates sub and resolves its owners.
func checkSubscription(ctx context.Context, tx *store.Tx, sub estate.Subscription, owners []string) (estate.Subscription, error) {
	sub.Name = strings.TrimSpace(cmp.Or(sub.Name, string(sub.ID)))
	switch {
	case !sub.ID.Valid():
		return sub, invalid("subscription", "The licence number must be 16 digits.")
	case utf8.RuneCountInString(sub.Name) > maxName:
		return sub, invalid("subscription", "The name must have at most %d characters.", maxName)
	case sub.TenantLimit < 1:
		return sub, invalid("subscription", "The entitlement must be for at least one tenant.")
	case sub.TenantLimit < sub.TenantCount:
		return sub, invalid("subscription", "The entitlement can't be for fewer tenants than there are (%d).", sub.TenantCount)
	case !sub.EndsAt.After(sub.StartsAt):
		return sub, invalid("subscription", "The end must be after the start.")
	case !validRate(sub.RateTier1) || !validRate(sub.RateTier2):
		return sub, invalid("subscription", "A rate limit must be 1 to %d requests a minute, or 0 for the deployment's.", throttle.MaxPerMinute)
	case len(sub.Regions) == 0:
		return sub, invalid("subscription", "The entitlement must name at least one region.")
	}
	sub.Regions = slices.Compact(slices.Sorted(slices.Values(sub.Regions))) // a copy: the slice is the caller's
	for _, code := range sub.Regions {
		if _, err := tx.Region(ctx, code); err != nil {
			return sub, fmt.Errorf("region %s: %w", code, err)
		}
	}
	sub.Owners = nil
	for _, name := range owners {
		account, err := tx.Account(ctx, estate.Scope{Organization: sub.Organization}, name)
		if err != nil {
			return sub, fmt.Errorf("owner %s: %w", name, err)
		}
		if !slices.Contains(sub.Owners, account.ID) {
			sub.Owners = append(sub.Owners, account.ID)
		}
	}
	return sub, nil
}

// Subscriptions lists the subscriptions of an organization.
func (s *Service) Subscriptions(ctx context.Context, actor estate.Actor, organization estate.OrganizationID) (all []estate.Subscription, err error) {
	if !actor.IsOperator() {
		return nil, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.Subscriptions(ctx, estate.Scope{Organization: organization})
		return err
	})
	return all, err
}

// Subscription returns a subscription by its licence number.
func (s *Service) Subscription(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (sub estate.Subscription, err error) {
	if !actor.IsOperator() {
		return sub, errOperatorOnly
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		owner, err := tx.SubscriptionOwner(ctx, id)
		if err != nil {
			return err
		}
		sub, err = tx.Subscription(ctx, estate.Scope{Organization: owner}, id)
		return err
	})
	return sub, err
}

func subscriptionScope(sub estate.Subscription) estate.Scope {
	return estate.Scope{Organization: sub.Organization, Subscription: sub.ID}
}

func describe(sub estate.Subscription) map[string]any {
	return map[string]any{
		"name": sub.Name, "tenantLimit": sub.TenantLimit, "regions": sub.Regions, "owners": sub.Owners,
		"startsAt": sub.StartsAt.Format(time.RFC3339), "endsAt": sub.EndsAt.Format(time.RFC3339),
		"rateTier1": sub.RateTier1, "rateTier2": sub.RateTier2,
	}
}

func invalid(what, format string, args ...any) error {
	return estate.E(estate.Invalid, api.CodeEstateInvalid, "Invalid "+what, fmt.Sprintf(format, args...))
}
