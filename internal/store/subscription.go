package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const subscriptionColumns = "id, organization_id, name, tenant_limit, tenant_count, starts_at, ends_at, created_at, updated_at, rate_tier1, rate_tier2"

func scanSubscription(row rowScanner) (estate.Subscription, error) {
	var s estate.Subscription
	var starts, ends, created, updated int64
	err := row.Scan(&s.ID, &s.Organization, &s.Name, &s.TenantLimit, &s.TenantCount, &starts, &ends, &created, &updated, &s.RateTier1, &s.RateTier2)
	s.StartsAt, s.EndsAt = fromMicros(starts), fromMicros(ends)
	s.CreatedAt, s.UpdatedAt = fromMicros(created), fromMicros(updated)
	return s, err
}

// InsertSubscription adds s with its regions and owners.
func (tx *Tx) InsertSubscription(ctx context.Context, s estate.Subscription) error {
	_, err := tx.exec(ctx, "insert into subscriptions ("+subscriptionColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		s.ID, s.Organization, s.Name, s.TenantLimit, s.TenantCount, micros(s.StartsAt), micros(s.EndsAt), micros(s.CreatedAt), micros(s.UpdatedAt), s.RateTier1, s.RateTier2)
	if err != nil {
		return wrap("insert subscription", err)
	}
	if err := tx.insertSubscriptionParts(ctx, s); err != nil {
		return err
	}
	return tx.changed(ctx, s.CreatedAt, ChangeAccounts, string(s.Organization))
}

func (tx *Tx) insertSubscriptionParts(ctx context.Context, s estate.Subscription) error {
	for _, region := range s.Regions {
		_, err := tx.exec(ctx, "insert into subscription_regions (organization_id, subscription_id, region) values ($1, $2, $3)",
			s.Organization, s.ID, region)
		if err != nil {
			return wrap("insert subscription region", err)
		}
	}
	for _, owner := range s.Owners {
		_, err := tx.exec(ctx, "insert into subscription_owners (organization_id, subscription_id, account_id) values ($1, $2, $3)",
			s.Organization, s.ID, owner)
		if err != nil {
			return wrap("insert subscription owner", err)
		}
	}
	return nil
}

// UpdateSubscription replaces name, entitlement, limits, regions and owners of s. The
// tenant count is left as it is.
func (tx *Tx) UpdateSubscription(ctx context.Context, scope estate.Scope, s estate.Subscription) error {
	c := within(scope, "id", "", "")
	set := "update subscriptions set name = " + c.arg(s.Name) + ", tenant_limit = " + c.arg(s.TenantLimit) +
		", starts_at = " + c.arg(micros(s.StartsAt)) + ", ends_at = " + c.arg(micros(s.EndsAt)) + ", updated_at = " + c.arg(micros(s.UpdatedAt)) +
		", rate_tier1 = " + c.arg(s.RateTier1) + ", rate_tier2 = " + c.arg(s.RateTier2)
	c.add("id = " + c.arg(s.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err != nil {
		return wrap("update subscription", err)
	}
	if n == 0 {
		return wrap("update subscription", errSubscriptionNotFound)
	}
	for _, table := range []string{"subscription_regions", "subscription_owners"} {
		if _, err := tx.exec(ctx, "delete from "+table+" where organization_id = $1 and subscription_id = $2", scope.Organization, s.ID); err != nil {
			return wrap("delete from "+table, err)
		}
	}
	s.Organization = scope.Organization
	if err := tx.insertSubscriptionParts(ctx, s); err != nil {
		return err
	}
	if err := tx.changed(ctx, s.UpdatedAt, ChangeAccounts, string(s.Organization)); err != nil {
		return err
	}
	return tx.changed(ctx, s.UpdatedAt, ChangeSubscription, string(s.ID))
}

// Subscription returns a subscription with its regions and owners.
func (tx *Tx) Subscription(ctx context.Context, scope estate.Scope, id estate.SubscriptionID) (estate.Subscription, error) {
	c := within(scope, "id", "", "")
	c.add("id = " + c.arg(id))
	s, err := scanSubscription(tx.row(ctx, "select "+subscriptionColumns+" from subscriptions"+c.where(), c.args...))
	if err != nil {
		return s, wrap("select subscription", orNotFound(err, errSubscriptionNotFound))
	}
	return s, tx.fillSubscription(ctx, &s)
}

// SubscriptionOwner returns the organization that owns a subscription: for the
// operator, who names subscriptions by licence number alone.
func (tx *Tx) SubscriptionOwner(ctx context.Context, id estate.SubscriptionID) (estate.OrganizationID, error) {
	var owner estate.OrganizationID
	err := tx.row(ctx, "select organization_id from subscriptions where id = $1", id).Scan(&owner)
	return owner, wrap("select subscription owner", orNotFound(err, errSubscriptionNotFound))
}

// Subscriptions returns the subscriptions in scope, oldest first.
func (tx *Tx) Subscriptions(ctx context.Context, scope estate.Scope) ([]estate.Subscription, error) {
	c := within(scope, "id", "", "")
	rows, err := tx.rows(ctx, "select "+subscriptionColumns+" from subscriptions"+c.where()+" order by created_at, id", c.args...)
	all, err := collect(rows, err, scanSubscription)
	if err != nil {
		return nil, wrap("select subscriptions", err)
	}
	for i := range all {
		if err := tx.fillSubscription(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (tx *Tx) fillSubscription(ctx context.Context, s *estate.Subscription) error {
	rows, err := tx.rows(ctx, "select region from subscription_regions where organization_id = $1 and subscription_id = $2 order by region", s.Organization, s.ID)
	s.Regions, err = collect(rows, err, func(row rowScanner) (code estate.RegionCode, err error) {
		return code, row.Scan(&code)
	})
	if err != nil {
		return wrap("select subscription regions", err)
	}
	rows, err = tx.rows(ctx, "select account_id from subscription_owners where organization_id = $1 and subscription_id = $2 order by account_id", s.Organization, s.ID)
	s.Owners, err = collect(rows, err, func(row rowScanner) (id estate.AccountID, err error) {
		return id, row.Scan(&id)
	})
	return wrap("select subscription owners", err)
}

// TenantPlace is a place that a subscription has for a tenant.
type TenantPlace struct {
	Datacenter  string // of the region, as CountryCode is; both empty without a region
	CountryCode string
	Provisioned bool // provisioners are to be told of the tenant
}

// TakeTenantPlace counts one more tenant in the subscription of scope, and in
// its region if it has one. It returns false, and changes nothing, when the
// entitlement is used up, not in force at the time (zero: whenever), or does not
// reach there. It is one statement, because every tenant that is made begins
// with it, and one that need not be waited for where another of the same batch has
// just taken a place: that there are no more than the entitlement has, a constraint
// sees to in any case.
func (tx *Tx) TakeTenantPlace(ctx context.Context, scope estate.Scope, at time.Time) (place TenantPlace, taken bool, err error) {
	if !tx.write {
		return place, false, errReadTransaction // the statement returns a row, and would be executed
	}
	if last := tx.group.lastPlace(scope, at); last != nil {
		last.left--
		err := tx.insert(ctx, "update subscriptions set tenant_count = tenant_count + 1 where organization_id = $1 and id = $2", scope.Organization, scope.Subscription)
		return last.TenantPlace, err == nil, wrap("take tenant place", err)
	}
	c := within(estate.Scope{Organization: scope.Organization, Subscription: scope.Subscription}, "id", "", "")
	if scope.Subscription == "" || scope.Tenant != "" {
		c.add("1 = 0")
	}
	datacenter, country := "''", "''"
	if scope.Region != "" {
		region := c.arg(scope.Region)
		c.add("exists (select 1 from subscription_regions r where r.subscription_id = subscriptions.id and r.region = " + region + ")")
		datacenter, country = "(select datacenter from regions where code = "+region+")", "(select country_code from regions where code = "+region+")"
	}
	if !at.IsZero() {
		now := c.arg(micros(at))
		c.add("starts_at <= " + now)
		c.add("ends_at > " + now)
	}
	c.add("tenant_count < tenant_limit")
	tx.expectChainEnd(scope.Organization)
	var provisioners int
	t := takenPlace{scope: scope}
	err = tx.row(ctx, "update subscriptions set tenant_count = tenant_count + 1"+c.where()+" returning "+datacenter+", "+country+
		", (select count(*) from provisioners p where p.organization_id = subscriptions.organization_id and p.subscription_id = subscriptions.id)"+
		", tenant_limit - tenant_count, starts_at, ends_at", c.args...).
		Scan(&t.Datacenter, &t.CountryCode, &provisioners, &t.left, &t.starts, &t.ends)
	if errors.Is(err, sql.ErrNoRows) {
		return place, false, nil
	}
	if err != nil {
		return place, false, wrap("take tenant place", err)
	}
	t.Provisioned = provisioners > 0
	tx.group.keepPlace(t)
	return t.TenantPlace, true, nil
}

// lastPlace is the last place that was taken in scope, if there is another one; or
// nil.
func (g *group) lastPlace(scope estate.Scope, at time.Time) *takenPlace {
	if g == nil {
		return nil
	}
	last := g.places[scope.Subscription]
	if last == nil || last.scope != scope || last.left < 1 || !at.IsZero() && (micros(at) < last.starts || micros(at) >= last.ends) {
		return nil
	}
	return last
}

func (g *group) keepPlace(t takenPlace) {
	if g == nil {
		return
	}
	if g.places == nil {
		g.places = map[estate.SubscriptionID]*takenPlace{}
	}
	g.places[t.scope.Subscription] = &t
}
