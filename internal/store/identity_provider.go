package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

const identityProviderColumns = "id, organization_id, protocol, interactive, active, issuer, settings, created_at, updated_at"

// providerTable is where the identity providers in scope are: those of a tenant or,
// without one, those of an organization. Column is the expression for their tenant.
func providerTable(scope estate.Scope) (table, column string, c *conditions) {
	if scope.Tenant != "" {
		return "identity_providers", "tenant_id", inTenant(scope, "identity_providers")
	}
	return "organization_identity_providers", "''", within(scope, "", "", "")
}

// identityProviderSettings is what nobody looks for.
type identityProviderSettings struct {
	Provider       string                          `json:"provider"`
	Description    string                          `json:"description,omitempty"`
	ClockTolerance time.Duration                   `json:"clockTolerance,omitempty"`
	CreateUsers    bool                            `json:"createUsers,omitempty"`
	AfterLogout    string                          `json:"afterLogout,omitempty"`
	Meta           json.RawMessage                 `json:"meta,omitempty"`
	Options        estate.IdentityProviderOptions  `json:"options"`
	Pending        *estate.IdentityProviderOptions `json:"pending,omitempty"`
	PendingState   estate.PendingState             `json:"pendingState,omitempty"`
	PendingResult  json.RawMessage                 `json:"pendingResult,omitempty"`
}

func providerSettings(p estate.IdentityProvider) string {
	return marshal(identityProviderSettings{
		p.Provider, p.Description, p.ClockTolerance, p.CreateUsers, p.AfterLogout, p.Meta, p.Options, p.Pending, p.PendingState, p.PendingResult,
	})
}

func scanIdentityProvider(row rowScanner) (p estate.IdentityProvider, err error) {
	var settings, issuer string
	var interactive, active, created, updated int64
	if err := row.Scan(&p.Tenant, &p.ID, &p.Organization, &p.Protocol, &interactive, &active, &issuer, &settings, &created, &updated); err != nil {
		return p, err
	}
	p.Interactive, p.Active = interactive == 1, active == 1
	p.CreatedAt, p.UpdatedAt = fromMicros(created), fromMicros(updated)
	var s identityProviderSettings
	err = json.Unmarshal([]byte(settings), &s)
	p.Provider, p.Description, p.ClockTolerance, p.CreateUsers, p.AfterLogout, p.Meta = s.Provider, s.Description, s.ClockTolerance, s.CreateUsers, s.AfterLogout, s.Meta
	p.Options, p.Pending, p.PendingState, p.PendingResult = s.Options, s.Pending, s.PendingState, s.PendingResult
	return p, err
}

// InsertIdentityProvider adds p. A tenant has one that is interactive at most,
// and one of each issuer of tokens; an organization has one.
func (tx *Tx) InsertIdentityProvider(ctx context.Context, p estate.IdentityProvider) error {
	table, columns, values := "organization_identity_providers", identityProviderColumns, "$1, $2, $3, $4, $5, $6, $7, $8, $9"
	args := []any{p.ID, p.Organization, p.Protocol, flag(p.Interactive), flag(p.Active), p.Options.Issuer, providerSettings(p), micros(p.CreatedAt), micros(p.UpdatedAt)}
	if p.Tenant != "" {
		table, columns, values, args = "identity_providers", columns+", tenant_id", values+", $10", append(args, p.Tenant)
	}
	if _, err := tx.exec(ctx, "insert into "+table+" ("+columns+") values ("+values+")", args...); err != nil {
		return wrap("insert identity provider", err)
	}
	if p.Tenant != "" {
		return nil // nobody has looked for it
	}
	return tx.changed(ctx, p.UpdatedAt, ChangeIdentityProvider, tenantKey(p.Scope(), string(p.ID)))
}

// IdentityProvider returns an identity provider of the tenant of scope or, where
// scope has none, of the organization.
func (tx *Tx) IdentityProvider(ctx context.Context, scope estate.Scope, id estate.IdentityProviderID) (estate.IdentityProvider, error) {
	table, tenant, c := providerTable(scope)
	c.add("id = " + c.arg(id))
	p, err := scanIdentityProvider(tx.row(ctx, "select "+tenant+", "+identityProviderColumns+" from "+table+c.where(), c.args...))
	return p, wrap("select identity provider", orNotFound(err, errIdentityProviderNotFound))
}

// IdentityProviders returns those of the tenant of scope or, where scope has none,
// of the organization, by id. There are few.
func (tx *Tx) IdentityProviders(ctx context.Context, scope estate.Scope) ([]estate.IdentityProvider, error) {
	table, tenant, c := providerTable(scope)
	rows, err := tx.rows(ctx, "select "+tenant+", "+identityProviderColumns+" from "+table+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanIdentityProvider)
	return all, wrap("select identity providers", err)
}

// OrganizationSignIn is an identity provider by which accounts of an organization
// sign in.
type OrganizationSignIn struct {
	Provider estate.IdentityProvider
	Name     string // of the organization
}

// OrganizationSignIns returns the active identity providers of all organizations, by
// organization: of which one somebody is who comes to the console is what is to be
// found out.
func (tx *Tx) OrganizationSignIns(ctx context.Context) ([]OrganizationSignIn, error) {
	names := map[estate.OrganizationID]string{}
	organizations, err := tx.Organizations(ctx)
	for _, o := range organizations {
		names[o.ID] = o.Name
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.rows(ctx, "select '', "+identityProviderColumns+" from organization_identity_providers where active = 1 order by organization_id, id")
	all, err := collect(rows, err, func(row rowScanner) (OrganizationSignIn, error) {
		p, err := scanIdentityProvider(row)
		return OrganizationSignIn{p, names[p.Organization]}, err
	})
	return all, wrap("select sign-in of organizations", err)
}

// UpdateIdentityProvider changes all of p but its kind and when it was made.
func (tx *Tx) UpdateIdentityProvider(ctx context.Context, scope estate.Scope, p estate.IdentityProvider) error {
	table, _, c := providerTable(scope)
	set := "update " + table + " set active = " + c.arg(flag(p.Active)) + ", settings = " + c.arg(providerSettings(p)) + ", updated_at = " + c.arg(micros(p.UpdatedAt))
	c.add("id = " + c.arg(p.ID))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errIdentityProviderNotFound
	}
	if err != nil {
		return wrap("update identity provider", err)
	}
	return tx.changed(ctx, p.UpdatedAt, ChangeIdentityProvider, tenantKey(scope, string(p.ID)))
}

// DeleteIdentityProvider removes an identity provider, and with it the sessions
// that came from it.
func (tx *Tx) DeleteIdentityProvider(ctx context.Context, scope estate.Scope, id estate.IdentityProviderID, at time.Time) error {
	table, _, c := providerTable(scope)
	c.add("id = " + c.arg(id))
	n, err := tx.exec(ctx, "delete from "+table+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errIdentityProviderNotFound
	}
	if err == nil && scope.Tenant == "" { // those of a tenant's go by themselves
		c := ofPeople(scope, "sessions")
		c.add("provider_id = " + c.arg(id))
		_, err = tx.exec(ctx, "delete from sessions"+c.where(), c.args...)
	}
	if err != nil {
		return wrap("delete identity provider", err)
	}
	return tx.changed(ctx, at, ChangeIdentityProvider, tenantKey(scope, string(id)))
}

// tenantKey names something of the tenant of scope in the feed of changes.
func tenantKey(scope estate.Scope, id string) string {
	return strings.Join([]string{string(scope.Organization), string(scope.Tenant), id}, "/")
}
