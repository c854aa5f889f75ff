package provision

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Status returns a tenant with how far each of its provisioners is.
func (s *Service) Status(ctx context.Context, actor estate.Actor, id estate.TenantID) (t estate.Tenant, all []estate.Provisioning, err error) {
	if err := mayLook(actor, api.ScopeOrgSubscriptionsRead); err != nil {
		return t, nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		t, all, err = status(ctx, tx, actor, id, api.ScopeOrgSubscriptionsRead)
		return err
	})
	return t, all, err
}

// mayLook refuses, before a tenant is looked for, who may do nothing to any. Which
// of them an account may, status tells.
func mayLook(actor estate.Actor, permission string) error {
	if actor.IsOwner() {
		return nil
	}
	return actor.Lacks(estate.LevelOrganization, permission)
}

// status looks at a tenant for an actor that needs permission for it.
func status(ctx context.Context, tx *store.Tx, actor estate.Actor, id estate.TenantID, permission string) (t estate.Tenant, all []estate.Provisioning, err error) {
	if t, err = tx.Tenant(ctx, actor.Scope, id); err != nil {
		return t, nil, err
	}
	if err := actor.LacksFor(t.Subscription, permission); err != nil {
		return estate.Tenant{}, nil, err
	}
	all, err = tx.Provisionings(ctx, t.Scope(), id)
	return t, all, err
}

// Retry calls provisioners about a tenant once more: one, also if it has done its
// part, or all that have not and those that were never told of it. What they answer
// to earlier calls does not count any more.
func (s *Service) Retry(ctx context.Context, actor estate.Actor, id estate.TenantID, one estate.ProvisionerID) (estate.Tenant, []estate.Provisioning, error) {
	return s.act(ctx, actor, id, "provisioning.retry", one, func(tx *store.Tx, t *estate.Tenant, _ []estate.Provisioning) (int, error) {
		called, err := s.start(ctx, tx, t, store.ProvisioningStart{Change: estate.TenantWasCreated, Again: true, Provisioner: one})
		return len(called), err
	})
}

// Skip has a tenant wait no more for a provisioner, or for none.
func (s *Service) Skip(ctx context.Context, actor estate.Actor, id estate.TenantID, one estate.ProvisionerID) (estate.Tenant, []estate.Provisioning, error) {
	return s.act(ctx, actor, id, "provisioning.skip", one, func(tx *store.Tx, t *estate.Tenant, all []estate.Provisioning) (skipped int, err error) {
		for _, p := range all {
			if one != "" && p.Provisioner != one {
				continue
			}
			p.State, p.UpdatedAt = estate.ProvisioningSkipped, s.now()
			p.AcceptedUntil = estate.Provisioning{}.AcceptedUntil
			set, _, err := tx.SetProvisioning(ctx, t.Scope(), p)
			if err != nil {
				return 0, err
			}
			if set {
				skipped++
			}
		}
		return skipped, nil
	})
}

// act does something by hand to the provisioning of a tenant. fn returns to how
// many provisioners.
func (s *Service) act(ctx context.Context, actor estate.Actor, id estate.TenantID, action string, one estate.ProvisionerID,
	fn func(*store.Tx, *estate.Tenant, []estate.Provisioning) (int, error),
) (t estate.Tenant, all []estate.Provisioning, err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := mayLook(actor, api.ScopeOrgSubscriptions); err != nil {
		return t, nil, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if t, all, err = status(ctx, tx, actor, id, api.ScopeOrgSubscriptions); err != nil {
			return err
		}
		n, err := fn(tx, &t, all)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNothing
		}
		data := map[string]any{}
		if one != "" {
			data["provisionerId"] = one
		}
		if err := s.audit.Done(ctx, tx, actor, t.Scope(), action, string(id), data); err != nil {
			return err
		}
		t, all, err = status(ctx, tx, actor, id, api.ScopeOrgSubscriptions)
		return err
	})
	return t, all, err
}

var errNothing = estate.E(estate.Conflict, api.CodeProvisioningNothing, "Nothing to do", "No provisioner of the tenant is in a state for this.")
