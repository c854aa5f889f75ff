package store

import (
	"context"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const codeColumns = "hash, organization_id, tenant_id, client_id, person, family_id, redirect_uri, challenge, permissions, authenticated_at, created_at, expires_at, used_at"

// InsertCode adds an authorization code.
func (tx *Tx) InsertCode(ctx context.Context, c estate.AuthorizationCode) error {
	f := c.Family
	_, err := tx.exec(ctx, "insert into oauth_codes ("+codeColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		c.Hash, f.Organization, f.Tenant, f.Client, f.Person, f.ID, c.RedirectURI, c.Challenge, f.Permissions.String(),
		micros(f.AuthenticatedAt), micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.UsedAt))
	return wrap("insert code", err)
}

// UseCode returns an authorization code in the tenant of scope as it was, and
// notes that it was used at a time, unless it was before.
func (tx *Tx) UseCode(ctx context.Context, scope estate.Scope, hash estate.CredentialHash, at time.Time) (estate.AuthorizationCode, error) {
	c := inTenant(scope, "oauth_codes")
	c.add("hash = " + c.arg(hash))
	var code estate.AuthorizationCode
	var permissions string
	var authenticated, created, expires, used int64
	f := &code.Family
	err := tx.row(ctx, "select "+codeColumns+" from oauth_codes"+c.where(), c.args...).Scan(&code.Hash, &f.Organization, &f.Tenant, &f.Client, &f.Person, &f.ID,
		&code.RedirectURI, &code.Challenge, &permissions, &authenticated, &created, &expires, &used)
	if err != nil {
		return code, wrap("select code", orNotFound(err, errCodeNotFound))
	}
	f.Permissions, f.AuthenticatedAt, f.CreatedAt = estate.ParsePermissions(permissions), fromMicros(authenticated), fromMicros(created)
	code.CreatedAt, code.ExpiresAt, code.UsedAt = fromMicros(created), fromMicros(expires), fromMicros(used)
	if used == 0 {
		_, err = tx.exec(ctx, "update oauth_codes set used_at = $1 where hash = $2", micros(at), hash)
	}
	return code, wrap("update code", err)
}

const familyColumns = "id, organization_id, tenant_id, client_id, person, permissions, thumbprint, authenticated_at, created_at, expires_at"

// InsertFamily adds a family of tokens.
func (tx *Tx) InsertFamily(ctx context.Context, f estate.TokenFamily) error {
	_, err := tx.exec(ctx, "insert into oauth_families ("+familyColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		f.ID, f.Organization, f.Tenant, f.Client, f.Person, f.Permissions.String(), f.Thumbprint, micros(f.AuthenticatedAt), micros(f.CreatedAt), micros(f.ExpiresAt))
	return wrap("insert family", err)
}

// InsertRefreshToken adds a refresh token to its family, which then lives at least
// as long.
func (tx *Tx) InsertRefreshToken(ctx context.Context, r estate.RefreshToken) error {
	_, err := tx.exec(ctx, "insert into oauth_refresh_tokens (hash, family_id, created_at, expires_at, used_at) values ($1, $2, $3, $4, $5)",
		r.Hash, r.Family.ID, micros(r.CreatedAt), micros(r.ExpiresAt), micros(r.UsedAt))
	if err != nil {
		return wrap("insert refresh token", err)
	}
	_, err = tx.exec(ctx, "update oauth_families set expires_at = $1 where id = $2 and expires_at < $1", micros(r.ExpiresAt), r.Family.ID)
	return wrap("update family", err)
}

// RefreshToken returns a refresh token of a tenant, or of the console if tenant is
// empty, with its family. Whose it is says only the token itself.
func (tx *Tx) RefreshToken(ctx context.Context, tenant estate.TenantID, hash estate.CredentialHash) (estate.RefreshToken, error) {
	r := estate.RefreshToken{Hash: hash}
	var permissions string
	var authenticated, begun, ends, created, expires, used int64
	f := &r.Family
	err := tx.row(ctx, `select f.id, f.organization_id, f.tenant_id, f.client_id, f.person, f.permissions, f.thumbprint, f.authenticated_at, f.created_at, f.expires_at,
			r.created_at, r.expires_at, r.used_at
		from oauth_refresh_tokens r join oauth_families f on f.id = r.family_id where r.hash = $1 and f.tenant_id = $2`, hash, tenant).
		Scan(&f.ID, &f.Organization, &f.Tenant, &f.Client, &f.Person, &permissions, &f.Thumbprint, &authenticated, &begun, &ends, &created, &expires, &used)
	if err != nil {
		return r, wrap("select refresh token", orNotFound(err, errCodeNotFound))
	}
	f.Permissions, f.AuthenticatedAt, f.CreatedAt, f.ExpiresAt = estate.ParsePermissions(permissions), fromMicros(authenticated), fromMicros(begun), fromMicros(ends)
	r.CreatedAt, r.ExpiresAt, r.UsedAt = fromMicros(created), fromMicros(expires), fromMicros(used)
	return r, nil
}

// ofFamilies is the part of the families that scope is about: those of its tenant
// or, without one, those of its organization at the console.
func ofFamilies(scope estate.Scope) *conditions {
	if scope.Tenant != "" {
		return inTenant(scope, "oauth_families")
	}
	c := within(scope, "", "", "")
	c.add("tenant_id = ''")
	return c
}

// Families returns what programs have of a person in scope, the newest first: of a
// user of its tenant or, without one, of an account at the console.
func (tx *Tx) Families(ctx context.Context, scope estate.Scope, person string) ([]estate.TokenFamily, error) {
	c := ofFamilies(scope)
	c.add("person = " + c.arg(person))
	rows, err := tx.rows(ctx, "select "+familyColumns+" from oauth_families"+c.where()+" order by created_at desc, id", c.args...)
	all, err := collect(rows, err, func(row rowScanner) (f estate.TokenFamily, err error) {
		var permissions string
		var authenticated, created, expires int64
		err = row.Scan(&f.ID, &f.Organization, &f.Tenant, &f.Client, &f.Person, &permissions, &f.Thumbprint, &authenticated, &created, &expires)
		f.Permissions, f.AuthenticatedAt, f.CreatedAt, f.ExpiresAt = estate.ParsePermissions(permissions), fromMicros(authenticated), fromMicros(created), fromMicros(expires)
		return f, err
	})
	return all, wrap("select families", err)
}

// UseRefreshToken notes that another token took the place of one of a family in
// scope, unless it is known.
func (tx *Tx) UseRefreshToken(ctx context.Context, scope estate.Scope, hash estate.CredentialHash, at time.Time) error {
	c := ofFamilies(scope)
	used, token := c.arg(micros(at)), c.arg(hash)
	_, err := tx.exec(ctx, "update oauth_refresh_tokens set used_at = "+used+" where hash = "+token+" and used_at = 0 and family_id in (select id from oauth_families"+c.where()+")", c.args...)
	return wrap("use refresh token", err)
}

// EndFamily deletes a family in scope with its refresh tokens. Its access tokens
// have to be revoked besides.
func (tx *Tx) EndFamily(ctx context.Context, scope estate.Scope, id estate.FamilyID) error {
	c := ofFamilies(scope)
	c.add("id = " + c.arg(id))
	_, err := tx.exec(ctx, "delete from oauth_families"+c.where(), c.args...)
	return wrap("delete family", err)
}

// endFamilies deletes what programs have of a person in the tenant of scope, and
// revokes all tokens of it: also one that is being made just now, and will say that it
// was issued later. The revocations are kept until expires.
func (tx *Tx) endFamilies(ctx context.Context, scope estate.Scope, g estate.Grant, now, expires time.Time) error {
	ended := inTenant(scope, "oauth_families")
	ended.add("client_id = " + ended.arg(g.Client))
	ended.add("person = " + ended.arg(g.User))
	rows, err := tx.rows(ctx, "select id from oauth_families"+ended.where(), ended.args...)
	families, err := collect(rows, err, func(row rowScanner) (id string, err error) { return id, row.Scan(&id) })
	if err != nil {
		return wrap("select families", err)
	}
	for _, id := range families {
		_, err := tx.exec(ctx, "insert into revoked_tokens (jti, organization_id, client_id, expires_at, created_at) values ($1, $2, $3, $4, $5) on conflict (jti) do nothing",
			id, scope.Organization, g.Client, micros(expires), micros(now))
		if err == nil {
			err = tx.changed(ctx, now, ChangeRevocation, RevokedTokenKey(estate.RevokedToken{ID: id, Client: g.Client, ExpiresAt: expires}))
		}
		if err != nil {
			return wrap("revoke families", err)
		}
	}
	for _, table := range []string{"oauth_families", "oauth_codes"} {
		c := inTenant(scope, table)
		c.add("client_id = " + c.arg(g.Client))
		c.add("person = " + c.arg(g.User))
		if _, err := tx.exec(ctx, "delete from "+table+c.where(), c.args...); err != nil {
			return wrap("delete from "+table, err)
		}
	}
	return nil
}

// GrantFor returns the grant of a client for a user in the tenant of scope.
func (tx *Tx) GrantFor(ctx context.Context, scope estate.Scope, client estate.ClientID, user estate.UserID) (estate.Grant, error) {
	c := inTenant(scope, "oauth_grants")
	c.add("client_id = " + c.arg(client))
	c.add("user_id = " + c.arg(user))
	g, err := scanGrant(tx.row(ctx, "select "+grantColumns+" from oauth_grants"+c.where(), c.args...))
	return g, wrap("select grant", orNotFound(err, errGrantNotFound))
}

// ApproveGrant notes what g.User has approved for g.Client in the tenant of scope,
// instead of what was approved before. The grant is made if it is the first time.
func (tx *Tx) ApproveGrant(ctx context.Context, scope estate.Scope, g estate.Grant) error {
	c := &conditions{}
	if scope.Tenant == "" {
		c.add("1 = 0") // above tenants, nothing is remembered
	}
	tenant, client, user, at := c.arg(scope.Tenant), c.arg(g.Client), c.arg(g.User), c.arg(micros(g.CreatedAt))
	values := strings.Join([]string{c.arg(g.ID), "organization_id", tenant, "id", user, at, at, c.arg(g.Approved.String())}, ", ")
	c.add("id = " + client)
	c.add("deleted_at = 0")
	c.add(actsIn(c, scope))
	n, err := tx.exec(ctx, "insert into oauth_grants ("+grantColumns+") select "+values+" from clients"+c.where()+
		" on conflict (tenant_id, client_id, user_id) do update set approved = excluded.approved", c.args...)
	if err == nil && n == 0 {
		err = errClientNotFound
	}
	return wrap("approve grant", err)
}

// trimAuthorization deletes what has expired. A used code is kept for another day,
// so that using it again is noticed while anything that came of it is in force.
func (tx *Tx) trimAuthorization(ctx context.Context, now time.Time) error {
	for table, before := range map[string]time.Time{
		"oauth_codes": now.Add(-24 * time.Hour), "oauth_refresh_tokens": now.Add(-clockMargin), "oauth_families": now.Add(-clockMargin), "oauth_devices": now.Add(-clockMargin),
	} {
		if _, err := tx.exec(ctx, "delete from "+table+" where expires_at < $1", micros(before)); err != nil {
			return wrap("trim "+table, err)
		}
	}
	return nil
}
