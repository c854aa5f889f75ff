package directory

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// maxAdministrators is how many administrators are named.
const maxAdministrators = 20

// Administrators are the names of people who administer the actor's tenant, some
// of them if there are many. Any user of the tenant may know whom to ask.
func (s *Service) Administrators(ctx context.Context, actor estate.Actor) (names []string, err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return nil, err
	}
	query, err := userRows.parse(PageQuery{
		Filter: `status eq "` + string(estate.UserActive) + `" and clientId eq "" and assignedRoles.name eq "` + string(estate.RoleTenantAdmin) + `"`, Limit: maxAdministrators,
	})
	if err != nil {
		return nil, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		page, err := userRows.read(ctx, tx, actor.Scope, query, false)
		names = nil
		for _, u := range page.Items {
			names = append(names, u.Name)
		}
		return err
	})
	return slices.Compact(names), err
}
