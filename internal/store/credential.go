package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

const credentialColumns = "tenant_id, id, organization_id, user_id, account_id, kind, name, data, counter, created_at, last_used_at"

func personOf(organization estate.OrganizationID, tenant, user, account sql.NullString) estate.Person {
	p := estate.Person{Organization: organization, Tenant: estate.TenantID(tenant.String), ID: account.String}
	if tenant.Valid {
		p.ID = user.String
	}
	return p
}

// personColumns are tenant, user and account of a person as they are stored.
func personColumns(p estate.Person) (tenant, user, account sql.NullString) {
	if p.IsAccount() {
		return tenant, user, orNull(p.ID)
	}
	return orNull(p.Tenant), orNull(p.ID), account
}

func scanCredential(row rowScanner) (c estate.PersonCredential, err error) {
	var tenant, user, account sql.NullString
	var organization estate.OrganizationID
	var created, used int64
	err = row.Scan(&tenant, &c.ID, &organization, &user, &account, &c.Kind, &c.Name, &c.Data, &c.Counter, &created, &used)
	c.Person, c.CreatedAt, c.LastUsedAt = personOf(organization, tenant, user, account), fromMicros(created), fromMicros(used)
	return c, err
}

// InsertCredential adds what a person signs in with. A second password, or key of
// one-time codes, of the same person is refused.
func (tx *Tx) InsertCredential(ctx context.Context, c estate.PersonCredential) error {
	tenant, user, account := personColumns(c.Person)
	_, err := tx.exec(ctx, "insert into credentials ("+credentialColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		tenant, c.ID, c.Person.Organization, user, account, c.Kind, c.Name, c.Data, c.Counter, micros(c.CreatedAt), micros(c.LastUsedAt))
	return wrap("insert credential", err)
}

// Credentials returns what a user of the tenant of scope or, where scope has none,
// an account signs in with; the oldest first.
func (tx *Tx) Credentials(ctx context.Context, scope estate.Scope, person string) ([]estate.PersonCredential, error) {
	c := ofPerson(scope, "credentials", person)
	rows, err := tx.rows(ctx, "select "+credentialColumns+" from credentials"+c.where()+" order by created_at, id", c.args...)
	all, err := collect(rows, err, scanCredential)
	return all, wrap("select credentials", err)
}

// Credential returns a credential of a user of the tenant of scope or, where scope
// has none, of an account.
func (tx *Tx) Credential(ctx context.Context, scope estate.Scope, id estate.CredentialID) (estate.PersonCredential, error) {
	c := ofPeople(scope, "credentials")
	c.add("id = " + c.arg(id))
	found, err := scanCredential(tx.row(ctx, "select "+credentialColumns+" from credentials"+c.where(), c.args...))
	return found, wrap("select credential", orNotFound(err, errCredentialNotFound))
}

// AccountCredential returns a credential of an account of any organization: which
// one somebody is of who signs in is what is to be found out.
func (tx *Tx) AccountCredential(ctx context.Context, id estate.CredentialID) (estate.PersonCredential, error) {
	found, err := scanCredential(tx.row(ctx, "select "+credentialColumns+" from credentials where id = $1 and tenant_id is null", id))
	return found, wrap("select credential", orNotFound(err, errCredentialNotFound))
}

// UseCredential notes that a credential was used, with what has become of its data.
// With a counter it returns false, and changes nothing, unless that is beyond the
// last one: of two who use the same code one is first.
func (tx *Tx) UseCredential(ctx context.Context, scope estate.Scope, used estate.PersonCredential, at time.Time) (bool, error) {
	c := ofPeople(scope, "credentials")
	counter := c.arg(used.Counter)
	set := "update credentials set data = " + c.arg(used.Data) + ", counter = " + counter + ", last_used_at = " + c.arg(micros(at))
	c.add("id = " + c.arg(used.ID))
	if used.Counter != 0 {
		c.add("counter < " + counter)
	}
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	return n == 1, wrap("use credential", err)
}

// DeleteCredential removes a credential. It returns false if there was none: of two
// who use the same recovery code one is first.
func (tx *Tx) DeleteCredential(ctx context.Context, scope estate.Scope, id estate.CredentialID) (bool, error) {
	c := ofPeople(scope, "credentials")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from credentials"+c.where(), c.args...)
	return n == 1, wrap("delete credential", err)
}

// AccountByEmail returns the account with an e-mail address, in whatever case, of
// any organization: no two have the same.
func (tx *Tx) AccountByEmail(ctx context.Context, email string) (estate.Account, error) {
	a, err := scanAccount(tx.row(ctx, "select "+accountColumns+" from accounts where email_key = $1", filter.Fold(email)))
	return a, wrap("select account", orNotFound(err, errAccountNotFound))
}

const linkColumns = "tenant_id, id, organization_id, user_id, account_id, recovery, created_by, created_at, expires_at"

func scanLink(row rowScanner) (l estate.OneTimeLink, err error) {
	var tenant, user, account sql.NullString
	var organization estate.OrganizationID
	var recovery int
	var created, expires int64
	err = row.Scan(&tenant, &l.ID, &organization, &user, &account, &recovery, &l.CreatedBy, &created, &expires)
	l.Person, l.Recovery = personOf(organization, tenant, user, account), recovery == 1
	l.CreatedAt, l.ExpiresAt = fromMicros(created), fromMicros(expires)
	return l, err
}

// InsertLink adds a link, and removes those that its person had: only the last one
// works.
func (tx *Tx) InsertLink(ctx context.Context, l estate.OneTimeLink) error {
	c := ofPerson(l.Person.Scope(), "sign_in_links", l.Person.ID)
	if _, err := tx.exec(ctx, "delete from sign_in_links"+c.where(), c.args...); err != nil {
		return wrap("delete links", err)
	}
	tenant, user, account := personColumns(l.Person)
	recovery := 0
	if l.Recovery {
		recovery = 1
	}
	_, err := tx.exec(ctx, "insert into sign_in_links ("+linkColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		tenant, l.ID, l.Person.Organization, user, account, recovery, l.CreatedBy, micros(l.CreatedAt), micros(l.ExpiresAt))
	return wrap("insert link", err)
}

// Link returns a link for a user of the tenant of scope or, where scope has none,
// for an account; expired or not.
func (tx *Tx) Link(ctx context.Context, scope estate.Scope, id estate.LinkID) (estate.OneTimeLink, error) {
	c := ofPeople(scope, "sign_in_links")
	c.add("id = " + c.arg(id))
	l, err := scanLink(tx.row(ctx, "select "+linkColumns+" from sign_in_links"+c.where(), c.args...))
	return l, wrap("select link", orNotFound(err, errLinkNotFound))
}

// AccountLink returns a link for an account of any organization: whose it is, who
// has the secret finds out.
func (tx *Tx) AccountLink(ctx context.Context, id estate.LinkID) (estate.OneTimeLink, error) {
	l, err := scanLink(tx.row(ctx, "select "+linkColumns+" from sign_in_links where id = $1 and tenant_id is null", id))
	return l, wrap("select link", orNotFound(err, errLinkNotFound))
}

// UseLink uses a link up. It returns false if it was already: it works once.
func (tx *Tx) UseLink(ctx context.Context, scope estate.Scope, id estate.LinkID) (bool, error) {
	c := ofPeople(scope, "sign_in_links")
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from sign_in_links"+c.where(), c.args...)
	return n == 1, wrap("use link", err)
}

// ClaimSubject gives a user of the tenant of scope who has never signed in the
// subject by which an identity provider knows it. It returns false if the user is
// not invited any more.
func (tx *Tx) ClaimSubject(ctx context.Context, scope estate.Scope, u estate.User) (bool, error) {
	c := inTenant(scope, "users")
	set := "update users set subject = " + c.arg(u.Subject) + ", subject_key = " + c.arg(filter.Fold(u.Subject))
	c.add("id = " + c.arg(u.ID))
	c.add("status = 'invited'")
	c.add("client_id = ''")
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err != nil || n == 0 {
		return false, wrap("claim subject", err)
	}
	return true, tx.changed(ctx, u.UpdatedAt, ChangeUser, tenantKey(scope, string(u.ID)))
}

// trimLinks deletes the links that have expired.
func (tx *Tx) trimLinks(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, "delete from sign_in_links where expires_at < $1", micros(now))
	return wrap("trim links", err)
}
