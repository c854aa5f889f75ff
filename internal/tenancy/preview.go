package tenancy

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Preview is what a deactivation would take down.
type Preview struct {
	Tenant   estate.Tenant
	Contents store.TenantContents
	Refusal  *estate.Error // why it would be refused; nil: it wouldn't
	PurgeAt  time.Time     // when the purge would be due, if nothing else is asked for
}

// PreviewDeactivation says what the deactivation of a tenant would take down. It
// changes nothing.
func (s *Service) PreviewDeactivation(ctx context.Context, actor estate.Actor, id estate.TenantID) (p Preview, err error) {
	if actor, err = s.owner(ctx, actor, id); err != nil {
		return p, err
	}
	if !actor.Can(estate.LevelRegion, api.ScopeTenantsDeactivate) {
		return p, errNeedsScope(api.ScopeTenantsDeactivate)
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if p.Tenant, err = tx.Tenant(ctx, actor.Scope, id); err != nil {
			return err
		}
		p.Contents, err = tx.TenantContents(ctx, p.Tenant.Scope())
		return err
	})
	if err != nil {
		return p, err
	}
	t, now := p.Tenant, s.now()
	switch err := take(&t, deactivate, now); {
	case err != nil:
		p.Refusal = errGone
	case t.Protected:
		p.Refusal = errProtected
	default:
		p.PurgeAt = now.AddDate(0, 0, max(defaultPurgeDays, s.MinPurgeDays))
	}
	return p, nil
}

// Availability is whether a host name can become a tenant's alias.
type Availability struct {
	Hostname string // in full
	Problem  string // what is wrong with the name itself; empty: nothing
	Taken    bool
}

// CheckHostname tells whether a host name of the actor's region is free: a full
// name, or its label alone.
func (s *Service) CheckHostname(ctx context.Context, actor estate.Actor, name string) (a Availability, err error) {
	if actor.Level != estate.LevelRegion {
		return a, errRegionOnly
	}
	if name == "" {
		return a, badParameter("hostname", errors.New("is missing"))
	}
	suffix := string(actor.Scope.Region) + "." + s.domain
	label, rest, full := strings.Cut(strings.ToLower(name), ".")
	a = Availability{Hostname: label + "." + suffix, Problem: estate.CheckAliasLabel(label)}
	if full && rest != suffix {
		a.Hostname, a.Problem = strings.ToLower(name), "The name must end in ."+suffix
	}
	if a.Problem != "" {
		return a, nil
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		free, err := tx.HostnameFree(ctx, estate.NewHostname(label, actor.Scope.Region))
		a.Taken = !free
		return err
	})
	return a, err
}

func isCode(err error, code string) bool {
	var known *estate.Error
	return errors.As(err, &known) && known.Code == code
}
