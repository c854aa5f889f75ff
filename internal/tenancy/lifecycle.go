package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// step is what moves a tenant on in its life.
type step string

const (
	deactivate step = "deactivate"
	reactivate step = "reactivate"
	purge      step = "purge"
)

// transitions is the state machine that the package comment draws.
var transitions = map[estate.TenantStatus]map[step]estate.TenantStatus{
	estate.TenantActive: {
		deactivate: estate.TenantDisabled,
		reactivate: estate.TenantActive, // it is already
	},
	estate.TenantDisabled: {
		deactivate: estate.TenantDisabled, // the countdown begins anew
		reactivate: estate.TenantActive,
		purge:      estate.TenantDeleted,
	},
	estate.TenantDeleted: {},
}

// take moves t on by a step. Whoever asks for a step that there is not, of a tenant
// that is gone, gets what is answered for one that never was.
func take(t *estate.Tenant, by step, now time.Time) error {
	to, ok := transitions[t.Status][by]
	if !ok {
		return errGone
	}
	if to != t.Status {
		t.Status, t.StatusUpdatedAt = to, now
	}
	t.UpdatedAt = now
	return nil
}

// Days between deactivation and purge, as the contract has them. The lower bound
// is the operator's to change.
const (
	DefaultMinPurgeDays = 10
	MaxPurgeDays        = 90
	defaultPurgeDays    = 30
)

// Deactivation says how a tenant is deactivated.
type Deactivation struct {
	Confirm        string // one of the tenant's host names
	PurgeAfterDays *int   // nil: 30
}

// DeactivateTenant disables a tenant at once and everywhere, and has it purged
// after some days. Of one that is disabled already the countdown begins anew.
func (s *Service) DeactivateTenant(ctx context.Context, actor estate.Actor, id estate.TenantID, d Deactivation) (t estate.Tenant, err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.DeactivateTenant", telemetry.Internal)
	defer span.End()
	defer s.audit.Refused(ctx, actor, "tenant.deactivate", string(id), &err)
	if actor, err = s.owner(ctx, actor, id); err != nil {
		return t, err
	}
	if !actor.Can(estate.LevelRegion, api.ScopeTenantsDeactivate) {
		return t, errNeedsScope(api.ScopeTenantsDeactivate)
	}
	return s.deactivate(ctx, actor, id, d.PurgeAfterDays, func(t estate.Tenant) error { return s.confirm(t, d.Confirm) }, false)
}

// deactivate is DeactivateTenant once the actor may. sure is asked about the tenant
// first.
func (s *Service) deactivate(ctx context.Context, actor estate.Actor, id estate.TenantID, days *int, sure func(estate.Tenant) error, dryRun bool) (t estate.Tenant, err error) {
	err = s.write(ctx, dryRun, func(tx *store.Tx) error {
		now := s.now()
		if t, err = tx.Tenant(ctx, actor.Scope, id); err != nil {
			return err
		}
		if err := take(&t, deactivate, now); err != nil {
			return err
		}
		if err := sure(t); err != nil {
			return err
		}
		after, err := s.purgeDays(days)
		switch {
		case err != nil:
			return err
		case t.Protected:
			return errProtected
		}
		t.PurgeAt = now.AddDate(0, 0, after)
		if err := tx.UpdateTenant(ctx, actor.Scope, t); err != nil {
			return err
		}
		if err := s.provision(ctx, tx, &t, estate.TenantWasDeactivated); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, t.Scope(), "tenant.deactivate", string(t.ID), map[string]any{
			"id": t.ID, "name": t.Name, "hostnames": s.hostnames(t), "licenseId": t.Subscription,
			"purgeDate": t.PurgeAt.Format(time.RFC3339Nano), "statusesDisallowed": []string{},
		})
	})
	return t, err
}

func (s *Service) purgeDays(asked *int) (int, error) {
	if asked == nil {
		return max(defaultPurgeDays, s.MinPurgeDays), nil
	}
	if *asked < s.MinPurgeDays || *asked > MaxPurgeDays {
		return 0, invalidTenant("/purgeAfterDays", fmt.Sprintf("must be %d to %d", s.MinPurgeDays, MaxPurgeDays))
	}
	return *asked, nil
}

// ReactivateTenant brings a disabled tenant back as it was. An active one stays as
// it is.
func (s *Service) ReactivateTenant(ctx context.Context, actor estate.Actor, id estate.TenantID, confirm string) (t estate.Tenant, err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.ReactivateTenant", telemetry.Internal)
	defer span.End()
	defer s.audit.Refused(ctx, actor, "tenant.reactivate", string(id), &err)
	if actor, err = s.owner(ctx, actor, id); err != nil {
		return t, err
	}
	if !actor.Can(estate.LevelRegion, api.ScopeTenantsReactivate) {
		return t, errNeedsScope(api.ScopeTenantsReactivate)
	}
	return s.reactivate(ctx, actor, id, func(t estate.Tenant) error { return s.confirm(t, confirm) }, false)
}

func (s *Service) reactivate(ctx context.Context, actor estate.Actor, id estate.TenantID, sure func(estate.Tenant) error, dryRun bool) (t estate.Tenant, err error) {
	err = s.write(ctx, dryRun, func(tx *store.Tx) error {
		now := s.now()
		before, err := tx.Tenant(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		t = before
		if err := take(&t, reactivate, now); err != nil {
			return err
		}
		if err := sure(t); err != nil {
			return err
		}
		if t.Status == before.Status {
			t = before
			return nil
		}
		t.PurgeAt = time.Time{}
		if err := tx.UpdateTenant(ctx, actor.Scope, t); err != nil {
			return err
		}
		if err := s.provision(ctx, tx, &t, estate.TenantWasReactivated); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, t.Scope(), "tenant.reactivate", string(t.ID), map[string]any{
			"id": t.ID, "name": t.Name, "hostnames": s.hostnames(t), "licenseId": t.Subscription,
		})
	})
	return t, err
}

// confirm checks that the caller has named the tenant by one of its host names.
func (s *Service) confirm(t estate.Tenant, name string) error {
	for _, own := range s.hostnames(t) {
		if strings.EqualFold(name, own) {
			return nil
		}
	}
	return errUnconfirmed.InParameter(api.HeaderConfirmHostname, "The header "+api.HeaderConfirmHostname+" must be one of the tenant's host names.")
}

// hostnames are the host names of t in full.
func (s *Service) hostnames(t estate.Tenant) []string {
	names := []string{string(t.Hostname) + "." + s.domain}
	if t.Alias != "" {
		names = append(names, string(t.Alias)+"."+s.domain)
	}
	return names
}

// write is store.Write. A dry run does all of fn and then takes it back.
func (s *Service) write(ctx context.Context, dryRun bool, fn func(*store.Tx) error) error {
	if !dryRun {
		return s.store.Write(ctx, fn)
	}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

var (
	errDryRun      = errors.New("dry run")
	errGone        = estate.E(estate.NotFound, api.CodeTenantNotFound, "Not found", "The tenant has been purged.")
	errUnconfirmed = estate.E(estate.Precondition, api.CodeTenantConfirm, "Host name not confirmed", "")
	errProtected   = estate.E(estate.Forbidden, api.CodeTenantProtected, "Tenant is protected", "Deletion protection is on; turn it off before you deactivate the tenant.")
	errRegionOnly  = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only region-level clients may do this.")
)
