package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

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
	c := inTenant(scope, "users")
	c.add("id = " + c.arg(id))
	return tx.user(ctx, c)
}

// UserBySubject returns the user with the subject in the tenant of scope.
func (tx *Tx) UserBySubject(ctx context.Context, scope estate.Scope, subject string) (estate.User, error) {
	c := inTenant(scope, "users")
	c.add("subject = " + c.arg(subject))
	return tx.user(ctx, c)
}

// UpdateUser changes name, e-mail address, status and roles of a user. A bot whose
// status changes here no longer starts with its client.
func (tx *Tx) UpdateUser(ctx context.Context, scope estate.Scope, u estate.User) error {
	stored, err := tx.User(ctx, scope, u.ID)
	if err != nil {
		return err
	}
	c := inTenant(scope, "users")
	status := c.arg(u.Status)
	set := "update users set name = " + c.arg(u.Name) + ", email = " + c.arg(u.Email) + ", status = " + status +
		", stopped_with_client = case when status = " + status + " then stopped_with_client else 0 end" +
		", roles = " + c.arg(marshal(u.Roles)) + ", updated_at = " + c.arg(micros(u.UpdatedAt))
	c.add("id = " + c.arg(u.ID))
	if _, err := tx.exec(ctx, set+c.where(), c.args...); err != nil {
		return wrap("update user", err)
	}
	return tx.userChanged(ctx, u.UpdatedAt, stored)
}

// userChanged says that u, as it is stored, changed: by all names that it is
// known by.
func (tx *Tx) userChanged(ctx context.Context, at time.Time, u estate.User) error {
	if u.ClientID != "" {
		if err := tx.botChanged(ctx, at, u.Organization, u.Tenant, u.ClientID); err != nil {
			return err
		}
	}
	return tx.changed(ctx, at, ChangeUser, strings.Join([]string{string(u.Organization), string(u.Tenant), string(u.ID)}, "/"))
}

// BotUser returns the bot of client in the tenant of scope.
func (tx *Tx) BotUser(ctx context.Context, scope estate.Scope, client estate.ClientID) (estate.User, error) {
	c := inTenant(scope, "users")
	c.add("client_id <> ''") // names the partial index
	c.add("client_id = " + c.arg(client))
	return tx.user(ctx, c)
}

func (tx *Tx) user(ctx context.Context, c *conditions) (estate.User, error) {
	u, err := scanUser(tx.row(ctx, "select "+userColumns+" from users"+c.where(), c.args...))
	return u, wrap("select user", orNotFound(err, errUserNotFound))
}

// inTenants restricts to rows of table, which belong to tenants, in scope. Their
// subscription and region follow from the tenant, so where the scope has them
// they must be the tenant's.
func inTenants(scope estate.Scope, table string) *conditions {
	c := within(estate.Scope{Organization: scope.Organization, Tenant: scope.Tenant}, "", "", "tenant_id")
	if scope.Subscription != "" || scope.Region != "" {
		c.add(tenantExists(c, table+".tenant_id", scope))
	}
	return c
}

// inTenant is inTenants for exactly one tenant: a scope without a tenant matches
// nothing.
func inTenant(scope estate.Scope, table string) *conditions {
	c := inTenants(scope, table)
	if scope.Tenant == "" {
		c.add("1 = 0")
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
