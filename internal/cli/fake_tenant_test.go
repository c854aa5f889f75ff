package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
)

// keepTenants serves what a register host does about tenants that there are.
func (f *fake) keepTenants(mux *http.ServeMux) {
	const one = "/api/v1/tenants/{id}"
	mux.Handle("GET /api/v1/tenants", f.authenticated(f.listRegionTenants))
	mux.Handle("GET "+one, f.authenticated(f.getTenant))
	mux.Handle("PATCH "+one, f.authenticated(f.updateTenant))
	mux.Handle("POST "+one+"/actions/deactivate", f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		if f.confirmed(w, r) {
			answer(w, http.StatusOK, api.DeactivatedTenant{ID: tenantID, Status: "disabled", EstimatedPurgeDate: api.Time{Time: now.AddDate(0, 0, 30)}})
		}
	}))
	mux.Handle("POST "+one+"/actions/reactivate", f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		if f.confirmed(w, r) {
			answer(w, http.StatusOK, api.ReactivatedTenant{ID: tenantID, Status: "active"})
		}
	}))
	mux.Handle("GET "+one+"/deactivation-preview", f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		refusal := api.Error{Code: api.CodeTenantProtected, Title: "Tenant is protected", Detail: "Deletion protection is on.", Status: "403"}
		answer(w, http.StatusOK, api.DeactivationPreview{
			ID: tenantID, Name: "Acme", Hostnames: f.tenant(r).Hostnames, Status: "active", Refusal: &refusal,
			Contents: map[string]int64{"users": 41, "bots": 2}, TrustingTenants: 3, LastTokenAt: &now,
		})
	}))
	mux.Handle("GET /api/v1/tenants/actions/check-hostname", f.authenticated(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("hostname")
		found := api.HostnameAvailability{Hostname: name + ".us.freehold.localhost", Available: name != "acme"}
		if !found.Available {
			found.Reason, found.Detail = "taken", "A tenant has this host name."
		}
		answer(w, http.StatusOK, found)
	}))
	mux.Handle("POST /api/v1/tenants/actions/bulk", f.authenticated(f.bulkTenants))
}

func (f *fake) confirmed(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasPrefix(r.Header.Get(api.HeaderConfirmHostname), "acme.") {
		return true
	}
	fail(w, http.StatusPreconditionFailed, api.CodeTenantConfirm, "Host name not confirmed", "The header qlik-confirm-hostname must be one of the tenant's host names.")
	return false
}

func (f *fake) updateTenant(w http.ResponseWriter, r *http.Request) {
	var patch []api.TenantPatchOperation
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		f.t.Error(err)
	}
	w.WriteHeader(http.StatusNoContent)
}

// regionTenant is the i-th tenant; each third is protected.
func (f *fake) regionTenant(r *http.Request, i int) api.Tenant {
	tenant := f.tenant(r)
	tenant.ID, tenant.Name = fmt.Sprintf("TZXk9rFMoKgp7sgAwvczdAlKSSWua%03d", i), fmt.Sprintf("Tenant %d", i)
	tenant.Labels, tenant.ExternalID, tenant.DeletionProtection = map[string]string{"stage": "trial"}, fmt.Sprintf("customer-%d", i), i%3 == 2
	if i == 1 {
		purge := api.Time{Time: now.AddDate(0, 0, 10)}
		tenant.Status, tenant.EstimatedPurgeDate = "disabled", &purge
	}
	return tenant
}

func (f *fake) listRegionTenants(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	start, _ := strconv.Atoi(query.Get("next"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	end := min(start+limit, f.tenants)
	switch query.Get("filter") { // by external id
	case `externalId eq "customer \"42\""`:
		answer(w, http.StatusOK, api.TenantList{Data: []api.Tenant{f.tenant(r)}, Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + r.URL.RequestURI()}}})
		return
	case `externalId eq "nobody"`:
		end = 0
	}
	page := api.TenantList{Data: []api.Tenant{}, Links: api.PageLinks{Self: api.Link{Href: "http://" + r.Host + r.URL.RequestURI()}}}
	for i := start; i < end; i++ {
		page.Data = append(page.Data, f.regionTenant(r, i))
	}
	if end < f.tenants && end > 0 {
		query.Set("next", strconv.Itoa(end))
		page.Links.Next = &api.Link{Href: "http://" + r.Host + r.URL.Path + "?" + query.Encode()}
	}
	if query.Get("totalResults") == "true" {
		total := int64(f.tenants)
		page.TotalResults = &total
	}
	answer(w, http.StatusOK, page)
}

// bulkTenants refuses protected tenants, and those that are to be called "bad".
func (f *fake) bulkTenants(w http.ResponseWriter, r *http.Request) {
	var request api.BulkTenantsRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		f.t.Error(err)
	}
	out := api.BulkTenantsResponse{Data: []api.BulkTenantResult{}, DryRun: request.DryRun}
	refuse := func(id, code, title string, status int) {
		out.Data = append(out.Data, api.BulkTenantResult{Status: status, ID: id, Errors: []api.Error{{Code: code, Title: title, Status: strconv.Itoa(status)}}})
	}
	for _, id := range request.IDs {
		i, _ := strconv.Atoi(id[len(id)-3:])
		tenant := f.regionTenant(r, i)
		if tenant.DeletionProtection && request.Action == api.BulkDeactivate {
			refuse(id, api.CodeTenantProtected, "Tenant is protected", 403)
			continue
		}
		out.Data = append(out.Data, api.BulkTenantResult{Status: 200, ID: id, Tenant: &tenant})
	}
	for i, wanted := range request.Tenants {
		if wanted.Name == "bad" {
			refuse("", api.CodeTenantHostnameTaken, "Hostname already taken", 409)
			continue
		}
		tenant := f.regionTenant(r, i)
		tenant.Name = wanted.Name
		out.Data = append(out.Data, api.BulkTenantResult{Status: 201, ID: tenant.ID, Tenant: &tenant})
	}
	answer(w, http.StatusMultiStatus, out)
}
