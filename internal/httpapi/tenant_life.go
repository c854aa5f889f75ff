package httpapi

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

func (x *exchange) tenantID() estate.TenantID { return estate.TenantID(x.r.PathValue("tenantId")) }

func updateTenant(x *exchange) error {
	if !isJSON(contentType(x.r)) {
		return errMediaType(api.ContentTypeJSONPatch + " or application/json")
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	patch, err := tenancy.ParsePatch(body)
	if err != nil {
		return err
	}
	return x.server.Tenancy.UpdateTenant(x.r.Context(), x.actor, x.tenantID(), patch)
}

func deactivateTenant(x *exchange) (api.DeactivatedTenant, error) {
	in, err := optional[api.DeactivateTenantRequest](x)
	if err != nil {
		return api.DeactivatedTenant{}, err
	}
	t, err := x.server.Tenancy.DeactivateTenant(x.r.Context(), x.actor, x.tenantID(), tenancy.Deactivation{
		Confirm: x.r.Header.Get(api.HeaderConfirmHostname), PurgeAfterDays: in.PurgeAfterDays,
	})
	return api.DeactivatedTenant{ID: string(t.ID), Status: string(t.Status), EstimatedPurgeDate: api.Time{Time: t.PurgeAt}}, err
}

// reactivateTenant takes nothing from the body: some clients send none, some an
// empty object.
func reactivateTenant(x *exchange) (api.ReactivatedTenant, error) {
	if _, err := optional[struct{}](x); err != nil {
		return api.ReactivatedTenant{}, err
	}
	t, err := x.server.Tenancy.ReactivateTenant(x.r.Context(), x.actor, x.tenantID(), x.r.Header.Get(api.HeaderConfirmHostname))
	return api.ReactivatedTenant{ID: string(t.ID), Status: string(t.Status)}, err
}

func previewDeactivation(x *exchange) (api.DeactivationPreview, error) {
	p, err := x.server.Tenancy.PreviewDeactivation(x.r.Context(), x.actor, x.tenantID())
	if err != nil {
		return api.DeactivationPreview{}, err
	}
	out := api.DeactivationPreview{
		ID:                 string(p.Tenant.ID),
		Name:               p.Tenant.Name,
		Hostnames:          x.server.hostnames(p.Tenant),
		Status:             string(p.Tenant.Status),
		Allowed:            p.Refusal == nil,
		EstimatedPurgeDate: api.Timestamp(p.PurgeAt),
		Contents:           p.Contents.Counts,
		TrustingTenants:    p.Contents.Trusting,
		LastTokenAt:        api.Timestamp(p.Contents.LastTokenAt),
	}
	if p.Refusal != nil {
		out.Refusal = &wireErrors(p.Refusal, statusOf[p.Refusal.Kind])[0]
	}
	return out, nil
}

func checkHostname(x *exchange) (api.HostnameAvailability, error) {
	query := x.r.URL.Query()
	a, err := x.server.Tenancy.CheckHostname(x.r.Context(), x.actor, query.Get("hostname"))
	out := api.HostnameAvailability{Hostname: a.Hostname, Available: a.Problem == "" && !a.Taken}
	switch {
	case a.Problem != "":
		out.Reason, out.Detail = "invalid", a.Problem
	case a.Taken:
		out.Reason, out.Detail = "taken", "A tenant has this host name."
	}
	return out, err
}

func listRegionTenants(x *exchange) (list api.TenantList, err error) {
	query := x.r.URL.Query()
	return x.regionTenants(query, query.Get("filter"))
}

// filterRegionTenants is the same list, with a filter too long for a URL.
func filterRegionTenants(x *exchange, in api.TenantFilterRequest) (list api.TenantList, err error) {
	query := x.r.URL.Query()
	return x.regionTenants(query, in.Filter)
}

func (x *exchange) regionTenants(query url.Values, filter string) (list api.TenantList, err error) {
	q, err := inventoryQuery(query, filter)
	if err != nil {
		return list, err
	}
	page, err := x.server.Tenancy.ListTenants(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.Tenant, len(page.Tenants))
	for i, t := range page.Tenants {
		list.Data[i] = x.tenant(t)
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	if q.Total {
		list.TotalResults = &page.Total
	}
	return list, nil
}

func bulkTenants(x *exchange, in api.BulkTenantsRequest) (api.BulkTenantsResponse, error) {
	b := tenancy.Bulk{
		Action: in.Action, DryRun: in.DryRun, Filter: in.Filter, Expected: in.ExpectedCount, PurgeAfterDays: in.PurgeAfterDays, Labels: in.Labels,
	}
	for _, id := range in.IDs {
		b.IDs = append(b.IDs, estate.TenantID(id))
	}
	for _, one := range in.Tenants {
		b.Tenants = append(b.Tenants, x.newTenant(one))
	}
	results, err := x.server.Tenancy.BulkTenants(x.r.Context(), x.actor, b)
	if err != nil {
		return api.BulkTenantsResponse{}, err
	}
	out := api.BulkTenantsResponse{Data: make([]api.BulkTenantResult, len(results)), DryRun: in.DryRun}
	for i, r := range results {
		out.Data[i] = x.bulkResult(in.Action, r)
	}
	return out, nil
}

func (x *exchange) bulkResult(action string, r tenancy.BulkResult) api.BulkTenantResult {
	if r.Err != nil {
		var known *estate.Error
		if !errors.As(r.Err, &known) {
			x.err = errors.Join(x.err, r.Err) // for the log
			known = estate.E(estate.Internal, api.CodeTenantInternal, "Internal server error", "The server's log has the details under the trace id.")
		}
		status := statusOf[known.Kind]
		return api.BulkTenantResult{Status: status, ID: string(r.ID), Errors: wireErrors(known, status)}
	}
	status := http.StatusOK
	if action == api.BulkCreate {
		status = http.StatusCreated
	}
	tenant := x.tenant(r.Tenant)
	tenant.Admin = x.createdAdministrator(r.Tenant, r.Admin)
	if r.ID == "" {
		return api.BulkTenantResult{Status: status} // a dry run, which makes up an id
	}
	return api.BulkTenantResult{Status: status, ID: string(r.ID), Tenant: &tenant}
}
