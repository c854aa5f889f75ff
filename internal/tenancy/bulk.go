package tenancy

import (
	"context"
	"fmt"
	"strconv"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Bulk is one action on many tenants.
type Bulk struct {
	Action string
	DryRun bool

	Filter   string            // picks tenants, or
	IDs      []estate.TenantID // names them
	Expected *int              // how many Filter is to pick; nil: any number

	PurgeAfterDays *int               // of deactivate
	Labels         map[string]*string // of relabel; nil removes one
	Tenants        []NewTenant        // of create
}

// BulkResult is what became of one tenant. ID is empty if it was not created.
type BulkResult struct {
	ID     estate.TenantID
	Tenant estate.Tenant
	Admin  *CreatedAdministrator // of a new tenant
	Err    error
}

// bulkAction is what a bulk request does to each tenant that it picks.
type bulkAction struct {
	permission string
	record     string // what it is called in the audit trail
	do         func(*Service, context.Context, estate.Actor, estate.TenantID, Bulk) (estate.Tenant, error)
}

var bulkActions = map[string]bulkAction{
	api.BulkDeactivate: {api.ScopeTenantsDeactivate, "tenant.deactivate", func(s *Service, ctx context.Context, actor estate.Actor, id estate.TenantID, b Bulk) (estate.Tenant, error) {
		return s.deactivate(ctx, actor, id, b.PurgeAfterDays, sure, b.DryRun)
	}},
	api.BulkReactivate: {api.ScopeTenantsReactivate, "tenant.reactivate", func(s *Service, ctx context.Context, actor estate.Actor, id estate.TenantID, b Bulk) (estate.Tenant, error) {
		return s.reactivate(ctx, actor, id, sure, b.DryRun)
	}},
	api.BulkRelabel: {api.ScopeAdminClassic, "tenant.update", func(s *Service, ctx context.Context, actor estate.Actor, id estate.TenantID, b Bulk) (estate.Tenant, error) {
		return s.relabel(ctx, actor, id, b.Labels, b.DryRun)
	}},
}

// sure does without the confirmation by host name: a bulk request has another.
func sure(estate.Tenant) error { return nil }

// BulkTenants does one action to many tenants, each in a transaction of its own,
// and returns what became of each. An error of its own means that nothing was done.
func (s *Service) BulkTenants(ctx context.Context, actor estate.Actor, b Bulk) (results []BulkResult, err error) {
	defer s.audit.Refused(ctx, actor, "tenant.bulk", "", &err)
	if b.Action == api.BulkCreate {
		return s.bulkCreate(ctx, actor, b)
	}
	action, ok := bulkActions[b.Action]
	if !ok {
		return nil, invalidTenant("/action", "must be create, deactivate, reactivate or relabel")
	}
	if !actor.IsOwner() && !actor.Can(estate.LevelRegion, action.permission) {
		return nil, actor.Lacks(estate.LevelRegion, action.permission)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	ids := b.IDs
	if b.Filter != "" {
		if ids, err = s.pick(ctx, actor, b); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		var t estate.Tenant
		acting, err := s.owner(ctx, actor, id)
		if err == nil {
			t, err = action.do(s, ctx, acting, id, b)
		}
		if !b.DryRun {
			s.audit.Refused(ctx, actor, action.record, string(id), &err)
		}
		results = append(results, BulkResult{ID: id, Tenant: t, Err: err})
	}
	return results, nil
}

// check validates what does not depend on the estate.
func (b Bulk) check() error {
	switch {
	case (b.Filter == "") == (len(b.IDs) == 0):
		return invalidTenant("/filter", "give either filter or ids")
	case len(b.Tenants) > 0:
		return invalidTenant("/tenants", "goes with create")
	case len(b.IDs) > api.MaxBulk:
		return invalidTenant("/ids", fmt.Sprintf("must be at most %d", api.MaxBulk))
	case b.Expected == nil && b.Filter != "" && b.Action == api.BulkDeactivate && !b.DryRun:
		return invalidTenant("/expectedCount", "is missing: a dry run tells how many tenants the filter picks")
	case b.PurgeAfterDays != nil && b.Action != api.BulkDeactivate:
		return invalidTenant("/purgeAfterDays", "goes with deactivate")
	case (len(b.Labels) > 0) != (b.Action == api.BulkRelabel):
		return invalidTenant("/labels", "goes with relabel, which needs it")
	}
	seen := map[estate.TenantID]bool{}
	for i, id := range b.IDs {
		if seen[id] {
			return invalidTenant("/ids/"+strconv.Itoa(i), "is there twice")
		}
		seen[id] = true
	}
	return nil
}

// pick returns the tenants that the filter of b picks. Those that are purged are
// never meant.
func (s *Service) pick(ctx context.Context, actor estate.Actor, b Bulk) (ids []estate.TenantID, err error) {
	if _, _, err := s.parseFilter(b.Filter); err != nil { // by itself, before it is made a part of another
		return nil, err
	}
	page, err := s.inventory(ctx, actor, InventoryQuery{Filter: `not status eq "deleted" and (` + b.Filter + `)`, Limit: api.MaxBulk, Total: true})
	switch {
	case estate.HasCode(err, api.CodeInvalidRequest):
		return nil, invalidTenant("/filter", "is too long")
	case err != nil:
		return nil, err
	case b.Expected != nil && int64(*b.Expected) != page.Total:
		detail := fmt.Sprintf("The filter picks %d tenants, not %d.", page.Total, *b.Expected)
		return nil, estate.E(estate.Precondition, api.CodeTenantUnexpected, "Unexpected number of tenants", detail).At("/expectedCount", detail)
	case page.Total > api.MaxBulk:
		return nil, invalidTenant("/filter", fmt.Sprintf("picks %d tenants, and can pick at most %d at once", page.Total, api.MaxBulk))
	}
	for _, t := range page.Tenants {
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// relabel changes labels of a tenant; nil removes one.
func (s *Service) relabel(ctx context.Context, actor estate.Actor, id estate.TenantID, labels map[string]*string, dryRun bool) (t estate.Tenant, err error) {
	err = s.write(ctx, dryRun, func(tx *store.Tx) error {
		before, err := tx.Tenant(ctx, actor.Scope, id)
		switch {
		case err != nil:
			return err
		case before.Status == estate.TenantDeleted:
			return errGone
		}
		t = before
		t.Labels = relabelled(before.Labels, labels)
		if pointer, problem := labelsProblem(t.Labels); problem != "" {
			return invalidTenant(pointer, problem)
		}
		t, err = s.updateTenant(ctx, tx, actor, before, t)
		return err
	})
	return t, err
}

// bulkCreate makes tenants. In a dry run, those for which there would be no place
// left are told so, although none takes one.
func (s *Service) bulkCreate(ctx context.Context, actor estate.Actor, b Bulk) (results []BulkResult, err error) {
	switch {
	case !actor.Can(estate.LevelRegion, api.ScopeTenantsCreate):
		return nil, errNeedsScope(api.ScopeTenantsCreate)
	case len(b.Tenants) == 0 || len(b.Tenants) > api.MaxBulk:
		return nil, invalidTenant("/tenants", fmt.Sprintf("must be 1 to %d", api.MaxBulk))
	case b.Filter != "" || len(b.IDs) > 0 || b.Expected != nil || b.PurgeAfterDays != nil || b.Labels != nil:
		return nil, invalidTenant("/tenants", "create takes nothing beside tenants and dryRun")
	}
	free := int64(len(b.Tenants))
	if b.DryRun {
		if free, err = s.freePlaces(ctx, actor); err != nil {
			return nil, err
		}
	}
	aliases, externalIDs := map[estate.Hostname]bool{}, map[string]bool{} // of those before, which a dry run does not leave in the database
	for i, n := range b.Tenants {
		n.dryRun = b.DryRun
		if n.IdempotencyKey != "" {
			n.IdempotencyKey += "/" + strconv.Itoa(i)
		}
		t, err := s.CreateTenant(ctx, actor, n)
		switch {
		case err != nil:
		case free == 0:
			err = errQuota
		case b.DryRun && externalIDs[t.ExternalID]:
			err = store.ErrExternalIDUsed
		case b.DryRun && aliases[t.Alias]:
			err = store.ErrHostnameTaken
		default:
			free--
			aliases[t.Alias], externalIDs[t.ExternalID] = t.Alias != "", t.ExternalID != ""
		}
		result := BulkResult{ID: t.ID, Tenant: t.Tenant, Admin: t.Admin, Err: err}
		if err != nil || b.DryRun {
			result.ID = ""
		}
		results = append(results, result)
	}
	return results, nil
}

func (s *Service) freePlaces(ctx context.Context, actor estate.Actor) (free int64, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		sub, err := tx.Subscription(ctx, estate.Scope{Organization: actor.Scope.Organization}, actor.Scope.Subscription)
		free = sub.TenantLimit - sub.TenantCount
		return err
	})
	return free, err
}
