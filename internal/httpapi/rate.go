package httpapi

import (
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// limit counts the exchange for a client that reaches scope, or refuses it. A
// subscription's own limits come before the deployment's.
func (x *exchange) limit(client string, scope estate.Scope) error {
	if x.op.tier == throttle.NoTier {
		return nil
	}
	s, ctx := x.server, x.r.Context()
	limits := s.Limits
	if scope.Subscription != "" {
		own, err := s.Tenancy.RateLimits(ctx, scope.Organization, scope.Subscription)
		if err != nil {
			return err
		}
		limits = own.Or(limits)
	}
	if limits == (throttle.Limits{}) {
		return nil
	}
	caller := throttle.Caller{Place: x.place(scope), Client: client}
	if wait := s.Rates.Take(x.op.tier, caller, limits, s.Clock()); wait > 0 {
		s.Metrics.RateLimited(string(x.surface.Kind), int(x.op.tier))
		return errRateLimited(wait)
	}
	return nil
}

// place is where an exchange that reaches scope counts: its tenant, or what the
// subscription has in the region, or the organization in the console.
func (x *exchange) place(scope estate.Scope) string {
	switch {
	case x.surface.Kind == estate.SurfaceTenant:
		return string(x.surface.Tenant.ID)
	case scope.Subscription != "":
		return string(scope.Subscription) + "/" + string(x.surface.Region)
	}
	return string(scope.Organization)
}

// admit is limit for the token endpoint, which learns who asks from the request
// itself. It must be called for clients that have proved who they are only: else
// anyone could use up the requests of another.
func (x *exchange) admit(client estate.Client) error {
	scope, _ := x.surface.Admits(&client)
	return x.limit(string(client.ID), scope)
}

// errRateLimited is written as the contract has it.
func errRateLimited(wait time.Duration) error {
	e := estate.E(estate.RateLimited, api.CodeRateLimited, "API rate limit reached.",
		fmt.Sprintf("You need to wait %d seconds until limit is lifted.", int64(wait/time.Second)))
	e.RetryAfter = wait
	return e
}
