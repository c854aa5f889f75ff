package store

import (
	"context"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const grantColumns = "id, organization_id, tenant_id, client_id, user_id, created_at, last_used_at, approved"

func scanGrant(row rowScanner) (estate.Grant, error) {
	var g estate.Grant
	var created, used int64
	var approved string
	err := row.Scan(&g.ID, &g.Organization, &g.Tenant, &g.Client, &g.User, &created, &used, &approved)
	g.Approved = estate.ParsePermissions(approved)
	g.CreatedAt, g.LastUsedAt = fromMicros(created), fromMicros(used)
	return g, err
}

// AddGrantUse notes that g was used at g.LastUsedAt in the tenant of scope, and
// makes it if it is the first time. Use that is older than the grant's revocation
// does not bring it back; nor does that of a client which is gone, or which can't
// act in the tenant.
func (tx *Tx) AddGrantUse(ctx context.Context, scope estate.Scope, g estate.Grant) error {
	c := &conditions{}
	if scope.Tenant == "" {
		c.add("1 = 0") // above tenants, there is nobody to act through
	}
	tenant, client, user, used := c.arg(scope.Tenant), c.arg(g.Client), c.arg(g.User), c.arg(micros(g.LastUsedAt))
	values := strings.Join([]string{c.arg(g.ID), "organization_id", tenant, "id", user, used, used, "''"}, ", ")
	c.add("id = " + client)
	c.add("deleted_at = 0")
	c.add(actsIn(c, scope))
	c.add("not exists (select 1 from revoked_grants where tenant_id = " + tenant + " and client_id = " + client + " and user_id = " + user + " and issued_until >= " + used + ")")
	err := tx.insert(ctx, "insert into oauth_grants ("+grantColumns+") select "+values+" from clients"+c.where()+
		" on conflict (tenant_id, client_id, user_id) do update set last_used_at = excluded.last_used_at where oauth_grants.last_used_at < excluded.last_used_at", c.args...)
	return wrap("add grant use", err)
}

// GrantPosition is a place in the list of a tenant's grants.
type GrantPosition struct {
	User  estate.UserID
	Grant estate.GrantID
}

// GrantQuery asks for a page of a tenant's grants, ordered by user and id.
type GrantQuery struct {
	User       estate.UserID  // only of this user; empty: of all
	After      *GrantPosition // in the direction of the list; nil: from its beginning
	Descending bool
	Limit      int // at most MaxPage, and one more to see whether more follow
}

// Grants returns the grants in the tenant of scope that q asks for.
func (tx *Tx) Grants(ctx context.Context, scope estate.Scope, q GrantQuery) ([]estate.Grant, error) {
	c := inTenant(scope, "oauth_grants")
	if q.User != "" {
		c.add("user_id = " + c.arg(q.User))
	}
	order, comparison := " order by user_id, id", " > "
	if q.Descending {
		order, comparison = " order by user_id desc, id desc", " < "
	}
	if q.After != nil {
		c.add("(user_id, id)" + comparison + "(" + c.arg(q.After.User) + ", " + c.arg(q.After.Grant) + ")")
	}
	rows, err := tx.rows(ctx, "select "+grantColumns+" from oauth_grants"+c.where()+order+" limit "+c.arg(max(0, min(q.Limit, MaxPage+1))), c.args...) // a negative limit would mean none to SQLite
	all, err := collect(rows, err, scanGrant)
	return all, wrap("select grants", err)
}

// Grant returns one grant in the tenant of scope.
func (tx *Tx) Grant(ctx context.Context, scope estate.Scope, id estate.GrantID) (estate.Grant, error) {
	c := inTenant(scope, "oauth_grants")
	c.add("id = " + c.arg(id))
	g, err := scanGrant(tx.row(ctx, "select "+grantColumns+" from oauth_grants"+c.where(), c.args...))
	return g, wrap("select grant", orNotFound(err, errGrantNotFound))
}

// RevokeGrant deletes g, as Grant returned it, and revokes every token of it that was issued until
// now. The revocation is kept until expires, when none of them is left.
func (tx *Tx) RevokeGrant(ctx context.Context, scope estate.Scope, g estate.Grant, now, expires time.Time) (estate.RevokedGrant, error) {
	c := inTenant(scope, "oauth_grants")
	c.add("id = " + c.arg(g.ID))
	c.add("client_id = " + c.arg(g.Client))
	c.add("user_id = " + c.arg(g.User))
	n, err := tx.exec(ctx, "delete from oauth_grants"+c.where(), c.args...)
	switch {
	case err != nil:
		return estate.RevokedGrant{}, wrap("delete grant", err)
	case n == 0:
		return estate.RevokedGrant{}, errGrantNotFound
	}
	if err := tx.endFamilies(ctx, scope, g, now, expires); err != nil {
		return estate.RevokedGrant{}, err
	}
	// One past an earlier revocation at least: tokens are issued after the one
	// that is known, even if a clock has not moved since. For the same reason it
	// does not end earlier.
	var until, end int64
	err = tx.row(ctx, `insert into revoked_grants (tenant_id, client_id, user_id, organization_id, issued_until, expires_at, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (tenant_id, client_id, user_id) do update set created_at = excluded.created_at,
			expires_at = case when revoked_grants.expires_at > excluded.expires_at then revoked_grants.expires_at else excluded.expires_at end,
			issued_until = case when revoked_grants.issued_until >= excluded.issued_until then revoked_grants.issued_until + 1000 else excluded.issued_until end
		returning issued_until, expires_at`,
		scope.Tenant, g.Client, g.User, scope.Organization, micros(now), micros(expires), micros(now)).Scan(&until, &end)
	if err != nil {
		return estate.RevokedGrant{}, wrap("insert revoked grant", tx.constraintError(err))
	}
	r := estate.RevokedGrant{Tenant: scope.Tenant, Client: g.Client, User: g.User, IssuedUntil: fromMicros(until), ExpiresAt: fromMicros(end)}
	return r, tx.changed(ctx, now, ChangeRevocation, RevokedGrantKey(r))
}
