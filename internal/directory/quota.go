package directory

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Quota is how many things of a kind a tenant can have, and has.
type Quota struct {
	ID    string
	Most  int64
	Usage int64
}

// quotas are the limits that there are, by id.
var quotas = []struct {
	id    string
	most  int64
	count func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error)
}{
	{"csp_origins", estate.MaxCSPOrigins, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return counted(tx.CSPOrigins(ctx, scope))
	}},
	{"custom_roles", estate.MaxCustomRoles, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return counted(tx.Roles(ctx, scope))
	}},
	{"groups", estate.MaxGroups, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return tx.CountGroups(ctx, scope, nil)
	}},
	{"identity_providers", estate.MaxIdentityProviders, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return counted(tx.IdentityProviders(ctx, scope))
	}},
	{"web_integrations", estate.MaxWebIntegrations, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return counted(tx.WebIntegrations(ctx, scope))
	}},
	{"webhooks", estate.MaxWebhooks, func(ctx context.Context, tx *store.Tx, scope estate.Scope) (int64, error) {
		return counted(tx.Webhooks(ctx, scope))
	}},
}

func counted[T any](all []T, err error) (int64, error) { return int64(len(all)), err }

// Quotas returns the limits of the actor's tenant, or the one with the id. They are
// limits of the program and can't be changed.
func (s *Service) Quotas(ctx context.Context, actor estate.Actor, id string) (all []Quota, err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all = nil
		for _, q := range quotas {
			if id != "" && id != q.id {
				continue
			}
			usage, err := q.count(ctx, tx, actor.Scope)
			if err != nil {
				return err
			}
			all = append(all, Quota{ID: q.id, Most: q.most, Usage: usage})
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = estate.E(estate.NotFound, api.CodeQuotaNotFound, "Not found", "No such quota.")
	}
	return all, err
}
