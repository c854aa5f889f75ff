package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const sessionColumns = "tenant_id, id, organization_id, user_id, account_id, provider_id, method, agent, address, created_at, last_used_at, expires_at"

func scanSession(row rowScanner) (s estate.Session, err error) {
	var tenant, user, account, provider sql.NullString
	var created, used, expires int64
	err = row.Scan(&tenant, &s.ID, &s.Organization, &user, &account, &provider, &s.Method, &s.Agent, &s.Address, &created, &used, &expires)
	s.Tenant, s.User, s.Account, s.Provider = estate.TenantID(tenant.String), estate.UserID(user.String), estate.AccountID(account.String), estate.IdentityProviderID(provider.String)
	s.CreatedAt, s.LastUsedAt, s.ExpiresAt = fromMicros(created), fromMicros(used), fromMicros(expires)
	return s, err
}

// orNull is text, or no value where there is none.
func orNull[T ~string](text T) sql.NullString {
	return sql.NullString{String: string(text), Valid: text != ""}
}

// ofPeople restricts to rows of table, which belong to people, in scope: to those
// of the users of one tenant or, for a scope that is a whole organization, to those
// of its accounts.
func ofPeople(scope estate.Scope, table string) *conditions {
	if scope.Tenant != "" {
		return inTenant(scope, table)
	}
	c := within(scope, "", "", "")
	c.add("tenant_id is null")
	return c
}

// ofPerson is ofPeople for one of them.
func ofPerson(scope estate.Scope, table, person string) *conditions {
	c := ofPeople(scope, table)
	column := "account_id"
	if scope.Tenant != "" {
		column = "user_id"
	}
	c.add(column + " = " + c.arg(person))
	return c
}

// InsertSession adds s. Its identity provider, if any, must be of its tenant, and
// its account of its organization.
func (tx *Tx) InsertSession(ctx context.Context, s estate.Session) error {
	_, err := tx.exec(ctx, "insert into sessions ("+sessionColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		orNull(s.Tenant), s.ID, s.Organization, orNull(s.User), orNull(s.Account), orNull(s.Provider), s.Method, s.Agent, s.Address,
		micros(s.CreatedAt), micros(s.LastUsedAt), micros(s.ExpiresAt))
	return wrap("insert session", err)
}

// Session returns a session in the tenant of scope or, where scope has none, of an
// account; expired or not.
func (tx *Tx) Session(ctx context.Context, scope estate.Scope, id estate.SessionID) (estate.Session, error) {
	c := ofPeople(scope, "sessions")
	c.add("id = " + c.arg(id))
	s, err := scanSession(tx.row(ctx, "select "+sessionColumns+" from sessions"+c.where(), c.args...))
	return s, wrap("select session", orNotFound(err, errSessionNotFound))
}

// AccountSession returns the session of an account of any organization: the id is
// the hash of a secret, and which organization the account is of is what is to be
// found out.
func (tx *Tx) AccountSession(ctx context.Context, id estate.SessionID) (estate.Session, error) {
	s, err := scanSession(tx.row(ctx, "select "+sessionColumns+" from sessions where id = $1 and tenant_id is null", id))
	return s, wrap("select session", orNotFound(err, errSessionNotFound))
}

// Sessions returns the sessions of a user of the tenant of scope or, where scope
// has none, of an account; the newest first, expired or not.
func (tx *Tx) Sessions(ctx context.Context, scope estate.Scope, person string) ([]estate.Session, error) {
	c := ofPerson(scope, "sessions", person)
	rows, err := tx.rows(ctx, "select "+sessionColumns+" from sessions"+c.where()+" order by created_at desc, id", c.args...)
	all, err := collect(rows, err, scanSession)
	return all, wrap("select sessions", err)
}

// TouchSession notes that a session was used. One that is gone stays so.
func (tx *Tx) TouchSession(ctx context.Context, scope estate.Scope, id estate.SessionID, at time.Time) error {
	c := ofPeople(scope, "sessions")
	used := c.arg(micros(at))
	c.add("id = " + c.arg(id))
	c.add("last_used_at < " + used)
	n, err := tx.exec(ctx, "update sessions set last_used_at = "+used+c.where(), c.args...)
	if err != nil || n == 0 {
		return wrap("touch session", err)
	}
	return tx.changed(ctx, at, ChangeSession, tenantKey(scope, string(id)))
}

// DeleteSession ends a session, if there is such a one.
func (tx *Tx) DeleteSession(ctx context.Context, scope estate.Scope, id estate.SessionID, at time.Time) error {
	c := ofPeople(scope, "sessions")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from sessions"+c.where(), c.args...)
	if err != nil || n == 0 {
		return wrap("delete session", err)
	}
	return tx.changed(ctx, at, ChangeSession, tenantKey(scope, string(id)))
}

// trimSessions deletes the sessions that have expired.
func (tx *Tx) trimSessions(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from sessions where expires_at < $1", micros(now))
	return wrap("trim sessions", err)
}

// AuthSettings returns those of the tenant of scope; nil: it has none of its own.
func (tx *Tx) AuthSettings(ctx context.Context, scope estate.Scope) (*estate.AuthSettings, error) {
	c := inTenant(scope, "auth_settings")
	var idle, lifespan, updated int64
	err := tx.row(ctx, "select idle_micros, lifespan_micros, updated_at from auth_settings"+c.where(), c.args...).Scan(&idle, &lifespan, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	return &estate.AuthSettings{
		Idle: time.Duration(idle) * time.Microsecond, Lifespan: time.Duration(lifespan) * time.Microsecond, UpdatedAt: fromMicros(updated),
	}, wrap("select auth settings", err)
}

// SetAuthSettings gives the tenant of scope settings of its own.
func (tx *Tx) SetAuthSettings(ctx context.Context, scope estate.Scope, s estate.AuthSettings) error {
	c := &conditions{}
	values := c.arg(s.Idle.Microseconds()) + ", " + c.arg(s.Lifespan.Microseconds()) + ", " + c.arg(micros(s.UpdatedAt))
	c.add("id = " + c.arg(scope.Tenant))
	c.add(tenantExists(c, "tenants.id", scope))
	n, err := tx.exec(ctx, "insert into auth_settings (tenant_id, organization_id, idle_micros, lifespan_micros, updated_at) select id, organization_id, "+values+" from tenants"+c.where()+
		" on conflict (tenant_id) do update set idle_micros = excluded.idle_micros, lifespan_micros = excluded.lifespan_micros, updated_at = excluded.updated_at", c.args...)
	if err == nil && n == 0 {
		err = errTenantNotFound
	}
	if err != nil {
		return wrap("set auth settings", err)
	}
	return tx.changed(ctx, s.UpdatedAt, ChangeAuthSettings, tenantKey(scope, ""))
}
