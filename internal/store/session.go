package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const sessionColumns = "tenant_id, id, organization_id, user_id, provider_id, created_at, last_used_at, expires_at"

// InsertSession adds s. Its user and its identity provider must be of its tenant.
func (tx *Tx) InsertSession(ctx context.Context, s estate.Session) error {
	_, err := tx.exec(ctx, "insert into sessions ("+sessionColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8)",
		s.Tenant, s.ID, s.Organization, s.User, s.Provider, micros(s.CreatedAt), micros(s.LastUsedAt), micros(s.ExpiresAt))
	return wrap("insert session", err)
}

// Session returns a session in the tenant of scope, expired or not.
func (tx *Tx) Session(ctx context.Context, scope estate.Scope, id estate.SessionID) (s estate.Session, err error) {
	c := inTenant(scope, "sessions")
	c.add("id = " + c.arg(id))
	var created, used, expires int64
	err = tx.row(ctx, "select "+sessionColumns+" from sessions"+c.where(), c.args...).
		Scan(&s.Tenant, &s.ID, &s.Organization, &s.User, &s.Provider, &created, &used, &expires)
	s.CreatedAt, s.LastUsedAt, s.ExpiresAt = fromMicros(created), fromMicros(used), fromMicros(expires)
	return s, wrap("select session", orNotFound(err, errSessionNotFound))
}

// TouchSession notes that a session was used. One that is gone stays so.
func (tx *Tx) TouchSession(ctx context.Context, scope estate.Scope, id estate.SessionID, at time.Time) error {
	c := inTenant(scope, "sessions")
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
	c := inTenant(scope, "sessions")
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
	var idle, lifespan, updated, registration int64
	var methods string
	err := tx.row(ctx, "select idle_micros, lifespan_micros, updated_at, registration, registration_methods from auth_settings"+c.where(), c.args...).
		Scan(&idle, &lifespan, &updated, &registration, &methods)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	s := &estate.AuthSettings{
		Idle: time.Duration(idle) * time.Microsecond, Lifespan: time.Duration(lifespan) * time.Microsecond, UpdatedAt: fromMicros(updated),
		Registration: registration != 0,
	}
	if err == nil {
		err = json.Unmarshal([]byte(methods), &s.RegistrationMethods)
	}
	return s, wrap("select auth settings", err)
}

// SetAuthSettings gives the tenant of scope settings of its own.
func (tx *Tx) SetAuthSettings(ctx context.Context, scope estate.Scope, s estate.AuthSettings) error {
	c := &conditions{}
	registration := 0
	if s.Registration {
		registration = 1
	}
	values := c.arg(s.Idle.Microseconds()) + ", " + c.arg(s.Lifespan.Microseconds()) + ", " + c.arg(micros(s.UpdatedAt)) + ", " + c.arg(registration) + ", " + c.arg(marshal(s.RegistrationMethods))
	c.add("id = " + c.arg(scope.Tenant))
	c.add(tenantExists(c, "tenants.id", scope))
	n, err := tx.exec(ctx, "insert into auth_settings (tenant_id, organization_id, idle_micros, lifespan_micros, updated_at, registration, registration_methods) select id, organization_id, "+values+" from tenants"+c.where()+
		" on conflict (tenant_id) do update set idle_micros = excluded.idle_micros, lifespan_micros = excluded.lifespan_micros, updated_at = excluded.updated_at,"+
		" registration = excluded.registration, registration_methods = excluded.registration_methods", c.args...)
	if err == nil && n == 0 {
		err = errTenantNotFound
	}
	if err != nil {
		return wrap("set auth settings", err)
	}
	return tx.changed(ctx, s.UpdatedAt, ChangeAuthSettings, tenantKey(scope, ""))
}
