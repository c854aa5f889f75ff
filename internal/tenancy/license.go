package tenancy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// A licence key is a signed statement that a subscription exists and until when
// it may have tenants. It is what ties a new tenant to its subscription; alone,
// without a region-level client of that subscription, it can do nothing.

type licenseClaims struct {
	Issuer       string `json:"iss"`
	Subscription string `json:"sub"` // licence number
	Organization string `json:"organization"`
	NotBefore    int64  `json:"nbf"`
	ExpiresAt    int64  `json:"exp"`
	IssuedAt     int64  `json:"iat"`
	ID           string `json:"jti"`
}

const licenseIssuer = "freehold/licenses"

// LicenseKey signs the licence key of a subscription.
func (s *Service) licenseKey(sub estate.Subscription) (string, error) {
	claims, err := json.Marshal(licenseClaims{
		Issuer: licenseIssuer, Subscription: string(sub.ID), Organization: string(sub.Organization),
		NotBefore: sub.StartsAt.Unix(), ExpiresAt: sub.EndsAt.Unix(), IssuedAt: s.now().Unix(), ID: estate.NewTokenID(),
	})
	if err != nil {
		return "", err
	}
	return s.keys.Sign(estate.KeyLicense, claims)
}

// readLicenseKey returns which subscription a licence key is of, if it is
// genuine and in force.
func (s *Service) readLicenseKey(key string) (licenseClaims, error) {
	var c licenseClaims
	read, err := s.licenses.Read(key)
	if err == nil {
		c = *read
	}
	now := s.now().Unix()
	switch {
	case err != nil || c.Issuer != licenseIssuer:
		return c, errLicense("The licence key is not genuine.")
	case now < c.NotBefore:
		return c, errLicense("The licence key is not valid yet.")
	case now >= c.ExpiresAt:
		return c, errLicense("The licence key has expired.")
	}
	return c, nil
}

func errLicense(detail string) error {
	return estate.E(estate.Forbidden, api.CodeTenantLicenseInvalid, "Invalid license error", detail).At("/licenseKey", detail)
}

// License is a subscription with its licence key.
type License struct {
	Subscription estate.Subscription
	Key          string
	InForce      bool
}

// License returns the licence of the actor's tenant.
func (s *Service) License(ctx context.Context, actor estate.Actor) (License, error) {
	if !actor.Permissions.Holds(api.ScopeAdminClassic) {
		return License{}, errNeedsScope(api.ScopeAdminClassic)
	}
	var sub estate.Subscription
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		sub, err = tx.Subscription(ctx, estate.Scope{Organization: actor.Scope.Organization}, actor.Scope.Subscription)
		return err
	})
	if err != nil {
		return License{}, err
	}
	return s.license(sub)
}

// SubscriptionLicense returns the licence of any subscription, for its first
// tenant. Only the operator may.
func (s *Service) SubscriptionLicense(ctx context.Context, actor estate.Actor, id estate.SubscriptionID) (License, error) {
	sub, err := s.Subscription(ctx, actor, id)
	if err != nil {
		return License{}, err
	}
	return s.license(sub)
}

func (s *Service) license(sub estate.Subscription) (License, error) {
	key, err := s.licenseKey(sub)
	if err != nil {
		return License{}, fmt.Errorf("sign licence key: %w", err)
	}
	return License{Subscription: sub, Key: key, InForce: sub.ValidAt(s.now())}, nil
}
