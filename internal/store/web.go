package store

import (
	"context"
	"encoding/json"

	"github.com/freehold-platform/freehold/internal/estate"
)

const cspOriginColumns = "organization_id, tenant_id, id, origin, name, description, directives, created_at, updated_at"

func scanCSPOrigin(row rowScanner) (o estate.CSPOrigin, err error) {
	var created, updated int64
	err = row.Scan(&o.Organization, &o.Tenant, &o.ID, &o.Origin, &o.Name, &o.Description, &o.Directives, &created, &updated)
	o.CreatedAt, o.UpdatedAt = fromMicros(created), fromMicros(updated)
	return o, err
}

// InsertCSPOrigin adds o.
func (tx *Tx) InsertCSPOrigin(ctx context.Context, o estate.CSPOrigin) error {
	_, err := tx.exec(ctx, "insert into csp_origins ("+cspOriginColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		o.Organization, o.Tenant, o.ID, o.Origin, o.Name, o.Description, o.Directives, micros(o.CreatedAt), micros(o.UpdatedAt))
	return wrap("insert csp origin", err)
}

// CSPOrigins returns the origins of the tenant of scope, which are few, by id.
func (tx *Tx) CSPOrigins(ctx context.Context, scope estate.Scope) ([]estate.CSPOrigin, error) {
	c := inTenant(scope, "csp_origins")
	rows, err := tx.rows(ctx, "select "+cspOriginColumns+" from csp_origins"+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanCSPOrigin)
	return all, wrap("select csp origins", err)
}

// CSPOrigin returns an origin of the tenant of scope.
func (tx *Tx) CSPOrigin(ctx context.Context, scope estate.Scope, id estate.CSPOriginID) (estate.CSPOrigin, error) {
	c := inTenant(scope, "csp_origins")
	c.add("id = " + c.arg(string(id)))
	o, err := scanCSPOrigin(tx.row(ctx, "select "+cspOriginColumns+" from csp_origins"+c.where(), c.args...))
	return o, wrap("select csp origin", orNotFound(err, errCSPOriginNotFound))
}

// UpdateCSPOrigin stores all of an origin of the tenant of scope but its id and when
// it was made.
func (tx *Tx) UpdateCSPOrigin(ctx context.Context, scope estate.Scope, o estate.CSPOrigin) error {
	c := inTenant(scope, "csp_origins")
	set := "update csp_origins set origin = " + c.arg(o.Origin) + ", name = " + c.arg(o.Name) + ", description = " + c.arg(o.Description) +
		", directives = " + c.arg(o.Directives) + ", updated_at = " + c.arg(micros(o.UpdatedAt))
	c.add("id = " + c.arg(string(o.ID)))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errCSPOriginNotFound
	}
	return wrap("update csp origin", err)
}

// DeleteCSPOrigin removes an origin of the tenant of scope.
func (tx *Tx) DeleteCSPOrigin(ctx context.Context, scope estate.Scope, id estate.CSPOriginID) error {
	c := inTenant(scope, "csp_origins")
	c.add("id = " + c.arg(string(id)))
	n, err := tx.exec(ctx, "delete from csp_origins"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errCSPOriginNotFound
	}
	return wrap("delete csp origin", err)
}

const webIntegrationColumns = "organization_id, tenant_id, id, name, origins, created_at, created_by, updated_at"

func scanWebIntegration(row rowScanner) (w estate.WebIntegration, err error) {
	var origins string
	var created, updated int64
	err = row.Scan(&w.Organization, &w.Tenant, &w.ID, &w.Name, &origins, &created, &w.CreatedBy, &updated)
	w.CreatedAt, w.UpdatedAt = fromMicros(created), fromMicros(updated)
	if err == nil {
		err = json.Unmarshal([]byte(origins), &w.Origins)
	}
	return w, err
}

// InsertWebIntegration adds w.
func (tx *Tx) InsertWebIntegration(ctx context.Context, w estate.WebIntegration) error {
	_, err := tx.exec(ctx, "insert into web_integrations ("+webIntegrationColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8)",
		w.Organization, w.Tenant, w.ID, w.Name, marshal(w.Origins), micros(w.CreatedAt), w.CreatedBy, micros(w.UpdatedAt))
	return wrap("insert web integration", err)
}

// WebIntegrations returns the web integrations of the tenant of scope, which are
// few, by id.
func (tx *Tx) WebIntegrations(ctx context.Context, scope estate.Scope) ([]estate.WebIntegration, error) {
	c := inTenant(scope, "web_integrations")
	rows, err := tx.rows(ctx, "select "+webIntegrationColumns+" from web_integrations"+c.where()+" order by id", c.args...)
	all, err := collect(rows, err, scanWebIntegration)
	return all, wrap("select web integrations", err)
}

// WebIntegration returns a web integration of the tenant of scope.
func (tx *Tx) WebIntegration(ctx context.Context, scope estate.Scope, id estate.WebIntegrationID) (estate.WebIntegration, error) {
	c := inTenant(scope, "web_integrations")
	c.add("id = " + c.arg(string(id)))
	w, err := scanWebIntegration(tx.row(ctx, "select "+webIntegrationColumns+" from web_integrations"+c.where(), c.args...))
	return w, wrap("select web integration", orNotFound(err, errWebIntegrationNotFound))
}

// UpdateWebIntegration changes name and origins of a web integration of the tenant of
// scope.
func (tx *Tx) UpdateWebIntegration(ctx context.Context, scope estate.Scope, w estate.WebIntegration) error {
	c := inTenant(scope, "web_integrations")
	set := "update web_integrations set name = " + c.arg(w.Name) + ", origins = " + c.arg(marshal(w.Origins)) + ", updated_at = " + c.arg(micros(w.UpdatedAt))
	c.add("id = " + c.arg(string(w.ID)))
	n, err := tx.exec(ctx, set+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errWebIntegrationNotFound
	}
	return wrap("update web integration", err)
}

// DeleteWebIntegration removes a web integration of the tenant of scope.
func (tx *Tx) DeleteWebIntegration(ctx context.Context, scope estate.Scope, id estate.WebIntegrationID) error {
	c := inTenant(scope, "web_integrations")
	c.add("id = " + c.arg(string(id)))
	n, err := tx.exec(ctx, "delete from web_integrations"+c.where(), c.args...)
	if err == nil && n == 0 {
		err = errWebIntegrationNotFound
	}
	return wrap("delete web integration", err)
}
