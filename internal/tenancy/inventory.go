package tenancy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// InventoryQuery asks for a page of the estate's tenants.
type InventoryQuery struct {
	Filter string // SCIM; empty: all
	Begins string // with which names begin, in any case; empty: any
	Sort   string // comma-separated attributes with sign; empty: oldest first
	Next   string // cursor: the page after it
	Prev   string // cursor: the page before it
	Limit  int    // 0 to 100
	Total  bool   // count all that match
}

// InventoryPage is a page of tenants. Next and Prev are cursors, empty at the
// ends. Total is -1 unless it was asked for.
type InventoryPage struct {
	Tenants []estate.Tenant
	Next    string
	Prev    string
	Total   int64
}

// Inventory lists the tenants of the actor's organization.
func (s *Service) Inventory(ctx context.Context, actor estate.Actor, q InventoryQuery) (page InventoryPage, err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.Inventory", telemetry.Internal)
	defer span.End()
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgTenantsRead); err != nil {
		return page, err
	}
	return s.inventory(ctx, actor, q)
}

// ListTenants lists the tenants that the actor, a region-level client, reaches.
func (s *Service) ListTenants(ctx context.Context, actor estate.Actor, q InventoryQuery) (InventoryPage, error) {
	ctx, span := telemetry.Start(ctx, "tenancy.ListTenants", telemetry.Internal)
	defer span.End()
	if actor.Level != estate.LevelRegion {
		return InventoryPage{}, errRegionOnly
	}
	return s.inventory(ctx, actor, q)
}

// inventory lists the tenants in the scope of the actor. A filter that names a
// subscription of others is refused to an organization-level client, as the
// contract has it; a region-level one finds nothing by it.
func (s *Service) inventory(ctx context.Context, actor estate.Actor, q InventoryQuery) (page InventoryPage, err error) {
	var query store.TenantQuery
	var subscriptions []string
	if q.Filter != "" {
		if query.Filter, subscriptions, err = s.parseFilter(q.Filter); err != nil {
			return page, err
		}
	}
	if q.Begins != "" {
		query.Filter = beginning(query.Filter, q.Begins)
	}
	if query.Sort, err = filter.ParseSort(q.Sort, store.TenantSortAttributes); err != nil {
		return page, paging.Unparsed("sort", err)
	}
	parameter, sent, err := paging.Sent(q.Next, q.Prev)
	if err != nil {
		return page, err
	}
	if sent != "" {
		if query.From, err = parseCursor(sent, query.Sort); err != nil {
			return page, paging.Unparsed(parameter, err)
		}
		query.Backward = parameter == "prev"
	}
	query.Limit = q.Limit
	if actor.Level == estate.LevelRegion {
		subscriptions = nil
	}
	page.Total = -1
	known := q.Limit == 0
	if !known && s.Memory != nil {
		var next *store.TenantPosition
		if page.Tenants, next, known = s.Memory.Tenants(ctx, actor.Scope, query); known {
			page.Next, page.Prev = cursors(query, page.Tenants, next)
		}
	}
	if known && len(subscriptions) == 0 && !q.Total {
		return page, nil
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if err := ownsSubscriptions(ctx, tx, actor.Scope, subscriptions); err != nil {
			return err
		}
		if q.Total {
			if page.Total, err = tx.CountTenants(ctx, actor.Scope, query.Filter); err != nil {
				return err
			}
		}
		if known {
			return nil
		}
		tenants, next, err := tx.Tenants(ctx, actor.Scope, query)
		page.Tenants = tenants
		page.Next, page.Prev = cursors(query, tenants, next)
		return err
	})
	if err != nil {
		return InventoryPage{}, err
	}
	return page, nil
}

// cursors returns where the pages around tenants begin. on is where reading goes on
// in its direction; nil: nowhere. The page one came from is always there to go back
// to, also from an empty one.
func cursors(q store.TenantQuery, tenants []estate.Tenant, on *store.TenantPosition) (next, prev string) {
	format := func(p store.TenantPosition) string { return formatCursor(p, q.Sort) }
	var ahead, back string
	if on != nil {
		ahead = format(*on)
	}
	switch {
	case q.From == nil: // nothing is before where reading begins
	case len(tenants) == 0 && on == nil:
		back = format(store.TenantPosition{}) // q.From would leave out the tenant that is there
	case len(tenants) == 0:
		back = ahead // all that was looked at, and what was before it
	case q.Backward:
		back = format(store.PositionOf(tenants[len(tenants)-1], q.Sort))
	default:
		back = format(store.PositionOf(tenants[0], q.Sort))
	}
	if q.Backward {
		return back, ahead
	}
	return ahead, back
}

// InventoryTenant returns one tenant of the actor's organization.
func (s *Service) InventoryTenant(ctx context.Context, actor estate.Actor, id estate.TenantID) (estate.Tenant, error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgTenantsRead); err != nil {
		return estate.Tenant{}, err
	}
	if !id.Valid() {
		return estate.Tenant{}, paging.BadParameter("tenantId", "must be 32 characters of [A-Za-z0-9_-]")
	}
	return s.Tenant(ctx, actor, id)
}

// CountInventory counts the tenants that match a filter, which must name a
// subscription.
func (s *Service) CountInventory(ctx context.Context, actor estate.Actor, text string) (n int64, err error) {
	if err := actor.Lacks(estate.LevelOrganization, api.ScopeOrgTenantsRead); err != nil {
		return 0, err
	}
	if text == "" {
		return 0, paging.BadParameter("filter", "is missing; it must contain subscriptionId")
	}
	expr, subscriptions, err := s.parseFilter(text)
	if err != nil {
		return 0, err
	}
	if len(subscriptions) == 0 {
		return 0, paging.BadParameter("filter", "must contain subscriptionId")
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		if err := ownsSubscriptions(ctx, tx, actor.Scope, subscriptions); err != nil {
			return err
		}
		n, err = tx.CountTenants(ctx, actor.Scope, expr)
		return err
	})
	return n, err
}

// beginning is expr, nil for all, of the tenants whose names begin with text: a range
// of the index of names.
func beginning(expr filter.Expr, text string) filter.Expr {
	from := filter.Fold(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
	all := &filter.And{Exprs: []filter.Expr{
		&filter.Compare{Attribute: "name", Op: filter.GE, Text: from},
		&filter.Compare{Attribute: "name", Op: filter.LT, Text: from + "\U0010FFFF"},
	}}
	if expr != nil {
		all.Exprs = append(all.Exprs, expr)
	}
	return all
}

// parseFilter parses a filter and returns which subscriptions it names. Host
// names in it lose the base domain, without which the store keeps them; one of
// another domain matches no tenant. The status "deactivated", which the contract
// lists beside "disabled" without a word of the difference, is the same.
func (s *Service) parseFilter(text string) (filter.Expr, []string, error) {
	expr, err := filter.Parse(text, store.TenantSchema)
	if err != nil {
		return nil, nil, paging.Unparsed("filter", err)
	}
	rewriteFilter(expr, "."+s.domain)
	return expr, filter.Values(expr, "subscriptionId"), nil
}

func rewriteFilter(expr filter.Expr, suffix string) {
	switch e := expr.(type) {
	case *filter.And:
		for _, part := range e.Exprs {
			rewriteFilter(part, suffix)
		}
	case *filter.Or:
		for _, part := range e.Exprs {
			rewriteFilter(part, suffix)
		}
	case *filter.Not:
		rewriteFilter(e.Expr, suffix)
	case *filter.Compare:
		switch {
		case e.Attribute == "hostnames":
			name, ours := strings.CutSuffix(e.Text, suffix)
			if !ours {
				name = ""
			}
			e.Text = name
		case e.Attribute == "status" && e.Text == "deactivated":
			e.Text = string(estate.TenantDisabled)
		}
	}
}

// ownsSubscriptions refuses filters that name a subscription of another
// organization. One that does not exist gets the same answer.
func ownsSubscriptions(ctx context.Context, tx *store.Tx, scope estate.Scope, ids []string) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		_, err := tx.Subscription(ctx, scope, estate.SubscriptionID(id))
		if estate.HasKind(err, estate.NotFound) {
			detail := fmt.Sprintf("The subscription %q is not one of this organization's.", id)
			return estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", detail).InParameter("filter", detail)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
