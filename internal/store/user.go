package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const userColumns = "tenant_id, id, organization_id, subject, name, email, status, client_id, roles, created_at, updated_at, profile, invite_expires_at"

func scanUser(row rowScanner) (estate.User, error) {
	var u estate.User
	var roles, profile string
	var created, updated, inviteExpires int64
	err := row.Scan(&u.Tenant, &u.ID, &u.Organization, &u.Subject, &u.Name, &u.Email, &u.Status, &u.ClientID, &roles, &created, &updated, &profile, &inviteExpires)
	u.CreatedAt, u.UpdatedAt, u.InviteExpiresAt = fromMicros(created), fromMicros(updated), fromMicros(inviteExpires)
	if err == nil {
		err = json.Unmarshal([]byte(roles), &u.Roles)
	}
	if err == nil {
		err = json.Unmarshal([]byte(profile), &u.Profile)
	}
	return u, err
}

// InsertUser adds u. A tenant has one bot a client at most.
func (tx *Tx) InsertUser(ctx context.Context, u estate.User) error {
	_, err := tx.exec(ctx, "insert into users ("+userColumns+", name_key, email_key, subject_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
		u.Tenant, u.ID, u.Organization, u.Subject, u.Name, u.Email, u.Status, u.ClientID, marshal(u.Roles), micros(u.CreatedAt), micros(u.UpdatedAt),
		marshal(u.Profile), micros(u.InviteExpiresAt), filter.Fold(u.Name), filter.Fold(u.Email), filter.Fold(u.Subject))
	if err != nil {
		return wrap("insert user", err)
	}
	return tx.holdRoles(ctx, u.Organization, u.Tenant, string(u.ID), u.Roles)
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

// UpdateUser changes name, e-mail address, status, roles, profile and the end of
// the invitation of a user. A bot whose status changes here no longer starts with
// its client.
func (tx *Tx) UpdateUser(ctx context.Context, scope estate.Scope, u estate.User) error {
	stored, err := tx.User(ctx, scope, u.ID)
	if err != nil {
		return err
	}
	c := inTenant(scope, "users")
	status := c.arg(u.Status)
	set := "update users set name = " + c.arg(u.Name) + ", email = " + c.arg(u.Email) + ", status = " + status +
		", stopped_with_client = case when status = " + status + " then stopped_with_client else 0 end" +
		", roles = " + c.arg(marshal(u.Roles)) + ", updated_at = " + c.arg(micros(u.UpdatedAt)) +
		", profile = " + c.arg(marshal(u.Profile)) + ", invite_expires_at = " + c.arg(micros(u.InviteExpiresAt)) +
		", name_key = " + c.arg(filter.Fold(u.Name)) + ", email_key = " + c.arg(filter.Fold(u.Email))
	c.add("id = " + c.arg(u.ID))
	if _, err := tx.exec(ctx, set+c.where(), c.args...); err != nil {
		return wrap("update user", err)
	}
	if err := tx.holdRoles(ctx, scope.Organization, scope.Tenant, string(u.ID), u.Roles); err != nil {
		return err
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
