package store

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
)

const userColumns = "tenant_id, id, organization_id, subject, name, email, status, client_id, roles, created_at, updated_at"

func scanUser(row rowScanner) (estate.User, error) {
	var u estate.User
	var roles string
	var created, updated int64
	err := row.Scan(&u.Tenant, &u.ID, &u.Organization, &u.Subject, &u.Name, &u.Email, &u.Status, &u.ClientID, &roles, &created, &updated)
	u.CreatedAt, u.UpdatedAt = fromMicros(created), fromMicros(updated)
	if err == nil {
		err = json.Unmarshal([]byte(roles), &u.Roles)
	}
	return u, err
}

// InsertUser adds u. A tenant has one bot a client at most.
func (tx *Tx) InsertUser(ctx context.Context, u estate.User) error {
	_, err := tx.exec(ctx, "insert into users ("+userColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		u.Tenant, u.ID, u.Organization, u.Subject, u.Name, u.Email, u.Status, u.ClientID, marshal(u.Roles), micros(u.CreatedAt), micros(u.UpdatedAt))
	return wrap("insert user", err)
}

// User returns a user of the tenant of scope.
func (tx *Tx) User(ctx context.Context, scope estate.Scope, id estate.UserID) (estate.User, error) {
	c := inTenant(scope)
	c.add("id = " + c.arg(id))
	return tx.user(ctx, c)
}

// BotUser returns the bot of client in the tenant of scope.
func (tx *Tx) BotUser(ctx context.Context, scope estate.Scope, client estate.ClientID) (estate.User, error) {
	c := inTenant(scope)
	c.add("client_id <> ''") // names the partial index
	c.add("client_id = " + c.arg(client))
	return tx.user(ctx, c)
}

func (tx *Tx) user(ctx context.Context, c *conditions) (estate.User, error) {
	u, err := scanUser(tx.row(ctx, "select "+userColumns+" from users"+c.where(), c.args...))
	return u, wrap("select user", orNotFound(err, errUserNotFound))
}

// inTenant restricts to the users of exactly one tenant: a scope without a
// tenant matches nothing. Subscription and region follow from the tenant, so
// where the scope has them they must be the tenant's.
func inTenant(scope estate.Scope) *conditions {
	c := within(estate.Scope{Organization: scope.Organization, Tenant: scope.Tenant}, "", "", "tenant_id")
	if scope.Tenant == "" {
		c.add("1 = 0")
	}
	if scope.Subscription != "" || scope.Region != "" {
		c.add(tenantExists(c, "users.tenant_id", scope))
	}
	return c
}

// tenantExists holds when id, an expression, is of a tenant t in scope for which
// the terms hold too.
func tenantExists(c *conditions, id string, scope estate.Scope, terms ...string) string {
	terms = append([]string{"t.id = " + id, "t.organization_id = " + c.arg(scope.Organization)}, terms...)
	if scope.Subscription != "" {
		terms = append(terms, "t.subscription_id = "+c.arg(scope.Subscription))
	}
	if scope.Region != "" {
		terms = append(terms, "t.region = "+c.arg(scope.Region))
	}
	return "exists (select 1 from tenants t where " + strings.Join(terms, " and ") + ")"
}
