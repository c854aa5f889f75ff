package httpapi

import (
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

func createTenant(x *exchange, in api.CreateTenantRequest) (api.Tenant, error) {
	made, err := x.server.Tenancy.CreateTenant(x.r.Context(), x.actor, x.newTenant(in))
	if err != nil {
		return api.Tenant{}, err
	}
	t, err := x.waitForProvisioners(made.Tenant)
	out := x.tenant(t)
	out.Admin = x.createdAdministrator(t, made.Admin)
	return out, err
}

func (x *exchange) newTenant(in api.CreateTenantRequest) tenancy.NewTenant {
	n := tenancy.NewTenant{
		LicenseKey:     in.LicenseKey,
		Datacenter:     in.Datacenter,
		Name:           in.Name,
		Hostnames:      in.Hostnames,
		ExternalID:     in.ExternalID,
		Labels:         in.Labels,
		IdempotencyKey: x.r.Header.Get("Idempotency-Key"),
	}
	if in.Admin != nil {
		n.Admin = &tenancy.Administrator{Email: in.Admin.Email, Name: in.Admin.Name}
	}
	return n
}

func getTenant(x *exchange) (api.Tenant, error) {
	t, err := x.server.Tenancy.Tenant(x.r.Context(), x.actor, estate.TenantID(x.r.PathValue("tenantId")))
	return x.tenant(t), err
}

// listMyTenant answers a list of the one tenant.
func listMyTenant(x *exchange) (list api.TenantList, err error) {
	t, err := x.server.Tenancy.Tenant(x.r.Context(), x.actor, x.surface.Tenant.ID)
	if err != nil {
		return list, err
	}
	return api.TenantList{Data: []api.Tenant{x.tenant(t)}, Links: api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery)}}, nil
}

// getMyTenant redirects within the origin: clients drop their token on the way
// to another.
func getMyTenant(x *exchange) error {
	http.Redirect(x.w, x.r, "/api/v1/tenants/"+string(x.surface.Tenant.ID), http.StatusFound)
	return nil
}

func getLicenseOverview(x *exchange) (api.LicenseOverview, error) {
	license, err := x.server.Tenancy.License(x.r.Context(), x.actor)
	if err != nil {
		return api.LicenseOverview{}, err
	}
	allotments, err := x.allotments()
	if err != nil {
		return api.LicenseOverview{}, err
	}
	sub := license.Subscription
	valid := sub.StartsAt.Format(time.DateOnly) + "/" + sub.EndsAt.Format(time.DateOnly)
	overview := api.LicenseOverview{
		LicenseNumber:   string(sub.ID),
		LicenseKey:      license.Key,
		LicenseType:     "Signed",
		Product:         sub.Name,
		Origin:          "Internal",
		Status:          "Ok",
		Valid:           valid,
		LatestValidTime: api.Time{Time: sub.EndsAt},
		Updated:         api.Time{Time: sub.UpdatedAt},
		Version:         licenseVersion(sub, allotments),
		Allotments:      allotments,
		Parameters: []api.LicenseParameter{{
			Name: "tenants", Valid: valid, Values: map[string]any{"limit": sub.TenantLimit, "used": sub.TenantCount},
		}},
	}
	if !license.InForce {
		overview.Status = "Expired"
	}
	return overview, nil
}

// tenant writes t as the register and tenant hosts show it. What is the platform's
// is shown at register hosts only.
func (x *exchange) tenant(t estate.Tenant) api.Tenant {
	return api.Tenant{
		ID:                  string(t.ID),
		Name:                t.Name,
		Hostnames:           x.server.hostnames(t),
		Region:              string(t.Region),
		Datacenter:          t.Datacenter,
		Created:             api.Time{Time: t.CreatedAt},
		LastUpdated:         api.Time{Time: t.UpdatedAt},
		Status:              string(t.Status),
		StatusLastUpdatedAt: api.Time{Time: t.StatusUpdatedAt},

		AutoAssignCreateSharedSpacesRoleToProfessionals:             t.Settings.AutoAssignCreateSharedSpacesRoleToProfessionals,
		AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals: t.Settings.AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals,
		AutoAssignDataServicesContributorRoleToProfessionals:        t.Settings.AutoAssignDataServicesContributorRoleToProfessionals,
		EnableAnalyticCreation:                                      t.Settings.EnableAnalyticCreation,
		EnableAppOpeningFeedback:                                    t.Settings.EnableAppOpeningFeedback,

		ExternalID:         t.ExternalID,
		Labels:             t.Labels,
		DeletionProtection: t.Protected && x.surface.Kind == estate.SurfaceRegister,
		EstimatedPurgeDate: api.Timestamp(purgeDate(t)),
		Provisioning:       wireProvisioning(t),
		Links:              x.self("/api/v1/tenants/" + string(t.ID)),
	}
}

// purgeDate is when a disabled tenant may be purged; of others there is none.
func purgeDate(t estate.Tenant) time.Time {
	if t.Status != estate.TenantDisabled {
		return time.Time{}
	}
	return t.PurgeAt
}

func (s *Server) hostnames(t estate.Tenant) []string {
	names := []string{string(t.Hostname) + "." + s.Domain}
	if t.Alias != "" {
		names = append(names, string(t.Alias)+"."+s.Domain)
	}
	return names
}

func (x *exchange) self(path string) api.SelfLinks {
	return api.SelfLinks{Self: api.Link{Href: x.surface.Origin + path}}
}
