package store

import (
	"context"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const identityColumns = "organization_id, provider_id, subject, account_id, created_at, last_used_at"

func scanIdentity(row rowScanner) (i estate.AccountIdentity, err error) {
	var created, used int64
	err = row.Scan(&i.Organization, &i.Provider, &i.Subject, &i.Account, &created, &used)
	i.CreatedAt, i.LastUsedAt = fromMicros(created), fromMicros(used)
	return i, err
}

// InsertIdentity adds that an account is known to an identity provider. A subject is
// that of one account, and an account has one at each provider.
func (tx *Tx) InsertIdentity(ctx context.Context, i estate.AccountIdentity) error {
	_, err := tx.exec(ctx, "insert into account_identities ("+identityColumns+") values ($1, $2, $3, $4, $5, $6)",
		i.Organization, i.Provider, i.Subject, i.Account, micros(i.CreatedAt), micros(i.LastUsedAt))
	return wrap("insert identity", err)
}

// Identity returns by which account of the organization of scope a subject of an
// identity provider is known.
func (tx *Tx) Identity(ctx context.Context, scope estate.Scope, provider estate.IdentityProviderID, subject string) (estate.AccountIdentity, error) {
	c := ofAccounts(scope)
	c.add("provider_id = " + c.arg(provider))
	c.add("subject = " + c.arg(subject))
	i, err := scanIdentity(tx.row(ctx, "select "+identityColumns+" from account_identities"+c.where(), c.args...))
	return i, wrap("select identity", orNotFound(err, errIdentityNotFound))
}

// Identities returns those of an account of the organization of scope, the oldest
// first.
func (tx *Tx) Identities(ctx context.Context, scope estate.Scope, account estate.AccountID) ([]estate.AccountIdentity, error) {
	c := ofAccounts(scope)
	c.add("account_id = " + c.arg(account))
	rows, err := tx.rows(ctx, "select "+identityColumns+" from account_identities"+c.where()+" order by created_at, provider_id", c.args...)
	all, err := collect(rows, err, scanIdentity)
	return all, wrap("select identities", err)
}

// UseIdentity notes that somebody signed in by an identity.
func (tx *Tx) UseIdentity(ctx context.Context, scope estate.Scope, provider estate.IdentityProviderID, subject string, at time.Time) error {
	c := ofAccounts(scope)
	used := c.arg(micros(at))
	c.add("provider_id = " + c.arg(provider))
	c.add("subject = " + c.arg(subject))
	_, err := tx.exec(ctx, "update account_identities set last_used_at = "+used+c.where(), c.args...)
	return wrap("use identity", err)
}

// DeleteIdentity removes by which subject an account is known to an identity
// provider. It returns false if there was none.
func (tx *Tx) DeleteIdentity(ctx context.Context, scope estate.Scope, provider estate.IdentityProviderID, account estate.AccountID) (bool, error) {
	c := ofAccounts(scope)
	c.add("provider_id = " + c.arg(provider))
	c.add("account_id = " + c.arg(account))
	n, err := tx.exec(ctx, "delete from account_identities"+c.where(), c.args...)
	return n == 1, wrap("delete identity", err)
}

// ofAccounts restricts to what accounts have in a scope, which must be a whole
// organization: within a tenant there are none.
func ofAccounts(scope estate.Scope) *conditions {
	c := within(estate.Scope{Organization: scope.Organization, Subscription: scope.Subscription, Region: scope.Region}, "", "", "")
	if scope.Tenant != "" {
		c.add("1 = 0")
	}
	return c
}
